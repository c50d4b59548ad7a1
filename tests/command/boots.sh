# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# check --boot, and what else the command says of the module that is installed. Sourced by check.

# shellcheck disable=SC2154 # for all of this file: set by who sources it

not='NOT isolated at boot:'
boots_lines="6.1.0-9-powerpc64le (running): \
isolated at boot: module $version, in the initramfs with its rule, isolate=1
6.1.0-10-powerpc64le: $not the module is not built for it; its initramfs has no module
6.2.0-1-powerpc64le: $not the module is not of version $version
6.3.0-1-powerpc64le: $not its initramfs has no udev rule
6.4.0-1-powerpc64le: $not its initramfs is older than the module; its initramfs is older than modprobe's configuration or the rule
6.5.0-1-powerpc64le: $not its initramfs is unknown (none in /boot has a name with this kernel's release)
6.6.0-arch1-1: isolated at boot: module $version, in the initramfs with its rule, isolate=1
5.4.0-1-powerpc64le: $not the module is not built for it; \
its initramfs is unknown (none in /boot has a name with this kernel's release)"
boots_json="6.1.0-9-powerpc64le True True $version True True True True False 0
6.1.0-10-powerpc64le False False None True True False True False 2
6.2.0-1-powerpc64le False False 0.0.1 True True True True False 1
6.3.0-1-powerpc64le False False $version True True True False False 1
6.4.0-1-powerpc64le False False $version True True True True True 2
6.5.0-1-powerpc64le False False $version True True None None None 1
6.6.0-arch1-1 False True $version True True True True False 0
5.4.0-1-powerpc64le False False None True True None None None 2"

# boots_with OPTIONS STATUS: of the kernel with which all else is well
boots_with() {
	printf '%s\n' "$1" >"$boots_conf"
	output=$(as "$user" nvlink-isolation --root boots check --boot | sed -n '/(running)/p')
	like "$user: $1" "$output" "^6\.1\.0-9-powerpc64le \(running\): $2\$"
}

# on_cmdline TEXT STATUS: what libkmod reads of the running kernel's command line, whatever --root is
on_cmdline() {
	echo "$1" >"$work/cmdline"
	echo 'options nvlink_isolation isolate=1' >"$boots_conf"
	set -- "$1" "$2" unshare --mount
	[ "$(id -u)" = 0 ] || set -- "$@" --map-root-user
	output=$(shift 2; as "$user" "$@" sh -c 'mount --bind cmdline /proc/cmdline &&
		exec nvlink-isolation --root boots check --boot' | sed -n '/(running)/p')
	like "$user: $1 on the command line" "$output" "^6\.1\.0-9-powerpc64le \(running\): $2\$"
}

# initramfs_has: files that the host has no longer, or in another form
initramfs_has() {
	masked='NOT isolated at boot: a file in /etc or /usr/local/lib masks its udev rule'
	image=$work/boots/boot/initrd.img-6.1.0-9-powerpc64le
	cp "$image" "$work/image"
	echo "etc/modprobe.d/gone.conf" >>"$image"
	touch -d 2100-01-01 "$image"
	boots_with 'options nvlink_isolation isolate=1' \
		'NOT isolated at boot: its initramfs has a modprobe.d file that this host lacks \(gone\.conf\)'
	cp "$work/image" "$image"
	# What dracut makes up; a mask, as /dev/null is new after each boot; and a link that is turned.
	printf 'etc/modprobe.d/%s\n' fips.conf mask.conf turned.conf >>"$image"
	echo 'options nvlink_isolation isolate=1' >"$boots_conf"
	echo '# one' >"$work/boots/one"
	echo '# two' >"$work/boots/two"
	ln -s ../../one "$work/boots/etc/modprobe.d/turned.conf"
	ln -s ../../null "$work/boots/etc/modprobe.d/mask.conf"
	# Changes count by the second.
	sleep 1.1
	touch "$image"
	sleep 1.1
	ok "$user: a device without content" mknod "$work/boots/null" c 1 3
	like "$user: a mask, and what dracut makes up" "$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: is${good#*is}\$"
	ln -sf ../../two "$work/boots/etc/modprobe.d/turned.conf"
	like "$user: a link that leads elsewhere now" "$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: NOT isolated at boot: its initramfs is $stale\$"
	rm "$work/boots/etc/modprobe.d/"mask.conf "$work/boots/etc/modprobe.d/turned.conf" "$work/boots"/null \
		"$work/boots/one" "$work/boots/two"
	cp "$work/image" "$image"
	echo "etc/modprobe.d/other.conf" >>"$image"
	echo '# names nothing now' >"$work/boots/etc/modprobe.d/other.conf"
	touch -d 2100-01-01 "$image"
	boots_with 'options nvlink_isolation isolate=1' "$good"
	touch -d 2021-01-01 "$image"
	like "$user: a file that names nothing changed since" "$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: NOT isolated at boot: .* $stale"
	rm "$work/boots/etc/modprobe.d/other.conf"
	sed 's|^etc/modprobe.d/.*|-rw- 1 root etc/modprobe.d/nvlink-isolation.conf -> ../../srv/site.conf|' \
		"$work/image" >"$image"
	touch -d 2100-01-01 "$image"
	boots_with 'options nvlink_isolation isolate=1' "$good"
	sed 's|modules/[^/]*/|modules/6.9.0-other/|' "$work/image" >"$image"
	touch -d 2100-01-01 "$image"
	boots_with 'options nvlink_isolation isolate=1' 'NOT isolated at boot: its initramfs has no module'
	cp "$work/image" "$image"
	touch -d 2100-01-01 "$image"
	# The package's own rule is on each host.
	mkdir -p "$work/boots/usr/lib/udev/rules.d"
	cp "$top/src/boot/70-nvlink-isolation.rules" "$work/boots/usr/lib/udev/rules.d/"
	boots_with 'options nvlink_isolation isolate=1' "$good"
	for dir in etc usr/local/lib; do
		mkdir -p "$work/boots/$dir/udev/rules.d"
		rule=$work/boots/$dir/udev/rules.d/70-nvlink-isolation.rules
		for text in '' '# off: kmod load nvlink_isolation' 'ACTION=="add"'; do
			echo "$text" >"$rule"
			boots_with 'options nvlink_isolation isolate=1' "$masked"
		done
		cp "$top/src/boot/70-nvlink-isolation.rules" "$rule"
		boots_with 'options nvlink_isolation isolate=1' "$good"
		ln -sf /dev/null "$rule"
		boots_with 'options nvlink_isolation isolate=1' "$masked"
		rm -r "$work/boots/$dir/udev"
	done
	rm -r "$work/boots/usr/lib/udev"

	# Which one boots?
	unknown='NOT isolated at boot: its initramfs is unknown'
	cp "$image" "$work/boots/boot/initramfs-6.1.0-9-powerpc64le.img"
	boots_with 'options nvlink_isolation isolate=1' "$unknown \(there is more than one in /boot\)"
	rm "$work/boots/boot/initramfs-6.1.0-9-powerpc64le.img"
	mkdir -p "$work/boots/boot/efi/3a0f1e52c1b94c6f/6.1.0-9-powerpc64le"
	cp "$image" "$work/boots/boot/efi/3a0f1e52c1b94c6f/6.1.0-9-powerpc64le/initrd.img-6.1.0-9-powerpc64le"
	boots_with 'options nvlink_isolation isolate=1' "$unknown \(a boot loader has a copy of its own .*\)"
	rm -r "$work/boots/boot/efi"
	boots_with 'options nvlink_isolation isolate=1' "$good"
}

# stale: which changes make the initramfs an old one
stale() {
	# A rule that is newer than the initramfs, and nothing else that is
	cp "$work/image" "$image"
	sleep 1.1
	touch "$image"
	sleep 1.1
	mkdir -p "$work/boots/usr/lib/udev/rules.d"
	cp "$top/src/boot/70-nvlink-isolation.rules" "$work/boots/usr/lib/udev/rules.d/"
	like "$user: a rule that is newer" "$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: NOT isolated at boot: its initramfs is $stale\$"
	rm -r "$work/boots/usr/lib/udev"
	# The same second is in doubt.
	touch -d "@$(stat -c %Z "$boots_conf")" "$image"
	like "$user: changed in the second in which the initramfs was made" \
		"$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: NOT isolated at boot: its initramfs is $stale\$"
	echo etc/modprobe.d/turned.conf >>"$image"
	echo '# one' >"$work/boots/one"
	ln -s ../../one "$work/boots/etc/modprobe.d/turned.conf"
	sleep 1.1
	touch "$image"
	like "$user: a link" "$(as "$user" nvlink-isolation --root boots check --boot)" "[(]running[)]: is${good#*is}\$"
	sleep 1.1
	echo '# two' >"$work/boots/one"
	like "$user: a link whose target has changed" "$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: NOT isolated at boot: its initramfs is $stale\$"
	rm "$work/boots/etc/modprobe.d/turned.conf" "$work/boots/one"
	cp "$work/image" "$image"
	touch -d 2100-01-01 "$image"
}

# elsewhere: all directories that count
elsewhere() {
	for dir in boot boot/efi efi; do
		mkdir -p "$work/boots/$dir/3a0f1e52c1b94c6f/6.1.0-9-powerpc64le"
		: >"$work/boots/$dir/3a0f1e52c1b94c6f/6.1.0-9-powerpc64le/initrd"
		boots_with 'options nvlink_isolation isolate=1' "$unknown \(a boot loader has a copy of its own .*\)"
		rm -r "$work/boots/$dir/3a0f1e52c1b94c6f"
	done
	for dir in usr/lib lib; do
		mkdir -p "$work/boots/$dir/modprobe.d"
		echo 'blacklist nvlink_isolation' >"$work/boots/$dir/modprobe.d/site.conf"
		boots_with 'options nvlink_isolation isolate=1' "$kept_out; its initramfs lacks the module's configuration"
		rm -r "$work/boots/$dir/modprobe.d"
	done
	: >"$work/boots/boot/vmlinuz-5.5.0-1-powerpc64le"
	like "$user: a kernel of which there is only the image" "$(as "$user" nvlink-isolation --root boots check --boot)" \
		'^5\.5\.0-1-powerpc64le: NOT isolated at boot: the module is not built for it'
	rm "$work/boots/boot/vmlinuz-5.5.0-1-powerpc64le"
}

# statuses: of hosts with all kernels well, and with one that is not, which is not the last
statuses() {
	cp -a "$work/boots" "$work/ready"
	rm -r "$work/ready/lib/modules"/6.[2-6]* "$work/ready/lib/modules"/6.1.0-10* "$work/ready/boot"/vmlinu*
	run 0 --root ready check --boot
	mkdir "$work/ready/lib/modules/5.9.0-1-powerpc64le"
	: >"$work/ready/lib/modules/5.9.0-1-powerpc64le/modules.builtin"
	run 1 --root ready check --boot
	like "$user: the last is well" "$(printf '%s\n' "$output" | tail -n 1)" '[(]running[)]: isolated at boot'
	rm -r "$work/ready"
}

# kernel_demands: a signature, and the module has none
kernel_demands() {
	mkdir -p "$work/boots/sys/module/module/parameters" "$work/boots/sys/kernel/security"
	echo Y >"$work/boots/sys/module/module/parameters/sig_enforce"
	boots_with 'options nvlink_isolation isolate=1' \
		'NOT isolated at boot: the module is not signed, and the running kernel loads signed ones only'
	echo N >"$work/boots/sys/module/module/parameters/sig_enforce"
	echo 'none [integrity] confidentiality' >"$work/boots/sys/kernel/security/lockdown"
	boots_with 'options nvlink_isolation isolate=1' \
		'NOT isolated at boot: the module is not signed, and the running kernel loads signed ones only'
	echo '[none] integrity confidentiality' >"$work/boots/sys/kernel/security/lockdown"
	boots_with 'options nvlink_isolation isolate=1' "$good"
	rm -r "$work/boots/sys/module/module" "$work/boots/sys/kernel/security"
}

good_boots() {
	stale="older than modprobe's configuration or the rule"
	boots_conf=$work/boots/etc/modprobe.d/nvlink-isolation.conf
	foreign='its initramfs has a modprobe.d file that this host lacks [(]nvlink-isolation[.]conf[)]$'
	good=".*isolated at boot: module $version, in the initramfs with its rule, isolate=1"
	bad='NOT isolated at boot: isolate=1 is not configured'
	ungated="a line in modprobe.d, or the kernel's command line, sets gate=0"
	kept_out="NOT isolated at boot: a line in modprobe.d, or the kernel's command line, keeps the module out"
	for options in isolate=1 isolate isolate=y isolate=on 'isolate=0 isolate=1' isolate=2 \
		'"isolate=1"' 'isolate="1"' 'domains=gpu isolate=1'; do
		boots_with "options nvlink_isolation $options" "$good"
	done
	for options in isolate=0 isolate=off isolate=n isolate=N 'isolate=1 isolate=0' domains=gpu \
		isolated=1 not_isolate=1 '"isolate=0"'; do
		boots_with "options nvlink_isolation $options" "$bad"
	done
	boots_with "" "$bad"
	for options in gate=1 gate gate=y 'gate=0 gate=1' gate=2 '"gate=1"' gated=0; do
		boots_with "options nvlink_isolation isolate=1 $options" "$good"
	done
	for options in gate=0 gate=off gate=N 'gate=1 gate=0' '"gate=0"'; do
		boots_with "options nvlink_isolation isolate=1 $options" "NOT isolated at boot: $ungated"
	done
	boots_with 'options nvlink_isolation gate=0' "$bad; $ungated"
	on_cmdline nvlink_isolation.gate=0 "NOT isolated at boot: $ungated"
	on_cmdline nvlink_isolation.gate=1 "$good"
	for line in 'blacklist nvlink_isolation' 'install nvlink-isolation /bin/false' \
		'alias nvlink_isolation off' 'alias nvlink_* off' 'install nvlink* /bin/false'; do
		printf '%s\n' 'options nvlink_isolation isolate=1' "$line" >"$work/lines"
		boots_with "$(cat "$work/lines")" \
			"$kept_out"
	done
	for line in module_blacklist=nvlink_isolation 'quiet module_blacklist=ast,nvlink-isolation ro' \
		rd.driver.blacklist=nvlink_isolation blacklist=nvlink-isolation \
		'module_blacklist="ast,nvlink_isolation" quiet' '"module_blacklist=nvlink_isolation"'; do
		echo "$line" >"$work/boots/proc/cmdline"
		boots_with 'options nvlink_isolation isolate=1' "$kept_out"
	done
	echo 'quiet module_blacklist=ast nvlink_isolation.gate=1' >"$work/boots/proc/cmdline"
	boots_with 'options nvlink_isolation isolate=1' "$good"
	rm "$work/boots/proc/cmdline"
	boots_with 'options nvlink_isolation isolate=1' "$good"
	initramfs_has
	stale
	elsewhere
	statuses
	kernel_demands
	# As cp -p does it
	touch -d 2020-01-01 "$boots_conf" "$work"/boots/lib/modules/*/updates/nvlink_isolation.ko
	touch -d 2021-01-01 "$work/boots/boot/initrd.img-6.1.0-9-powerpc64le"
	like "$user: built and configured since, with files that have old times" \
		"$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: NOT isolated at boot: .* older than the module; .* $stale"
	touch -d 2100-01-01 "$work/boots/boot/initrd.img-6.1.0-9-powerpc64le"
	mkdir -p "$work/boots/run/modprobe.d"
	mv "$boots_conf" "$work/boots/run/modprobe.d/"
	like "$user: configured in /run" "$(as "$user" nvlink-isolation --root boots check --boot)" \
		"[(]running[)]: $bad; $foreign"
	rm -r "$work/boots/run"
	boots_with "options nvlink-isolation isolate=1" "$good"
	for conf in etc/modprobe.d/site.conf usr/local/lib/modprobe.d/site.conf; do
		mkdir -p "$work/boots/${conf%/*}"
		mv "$boots_conf" "$work/boots/$conf"
		like "$user: configured in $conf, which the initramfs does not have" \
			"$(as "$user" nvlink-isolation --root boots check --boot)" \
			"[(]running[)]: NOT isolated at boot: its initramfs lacks the module.s configuration; $foreign"
		mv "$work/boots/$conf" "$boots_conf"
	done
	echo '# nvlink_isolation' >"$work/boots/etc/modprobe.d/README"
	boots_with "options nvlink-isolation isolate=1" "$good"
}

# What is installed, against what is loaded and what the initramfs has
installed() {
	run 0 --root upgraded status
	like "$user: status tells that another version is installed" "$output" \
		'^ *The installed module is 1\.2\.4: the next boot loads it\.$'
	run 0 --root rebuilt status
	like "$user: status tells that another build is installed" "$output" \
		'^ *The installed module is another build: the next boot loads it\.$'
	for machine in same redbud failed; do
		run 0 --root "$machine" status
		is "$user: status of $machine tells of no other" \
			"$(printf '%s\n' "$output" | grep -c 'The installed module is')" 0
	done

	run 0 --root redbud report
	like "$user: report tells of the next boot" "$output" \
		'^6\.1\.0-9-powerpc64le \(running\): NOT isolated at boot: the module is not of version'
	if [ "$user" = nobody ]; then
		run 1 --root boots check --boot
		like "$user: check --boot does not look into an initramfs" "$output" \
			'^6\.1\.0-9-powerpc64le \(running\): .* is unknown \(only root looks into it\)$'
		return
	fi
	like "$user: check --boot without a lister" "$(as "$user" env PATH="$work/bin" \
		nvlink-isolation --root boots check --boot 2>&1)" 'is unknown \(there is neither'
	# shellcheck disable=SC2016 # for that script
	printf '#!/bin/sh\nexec cat "$1"\n' >"$work/bin/lsinitramfs"
	chmod 755 "$work/bin/lsinitramfs"
	run 1 --root boots check --boot
	is "$user: kernel by kernel" "$output" "$boots_lines"
	run 1 --root boots check --boot --json
	is "$user: the same as JSON" "$(printf '%s\n' "$output" | python3 -c '
import json, sys
for k in json.load(sys.stdin)["kernels"]:
    print(k["kernel"], *(k[n] for n in ("running", "isolated", "module", "isolate", "gate",
          "initramfs_module", "initramfs_rule", "initramfs_older")), len(k["faults"]))')" "$boots_json"
	run 1 --root upgraded check --boot
	like "$user: files with other names in the initramfs" "$output" 'its initramfs has no module'
	good_boots
	# shellcheck disable=SC2016 # for that script
	printf '#!/bin/sh\ncat "$1"\nexit 1\n' >"$work/bin/lsinitramfs"
	run 1 --root boots check --boot
	like "$user: an initramfs that cannot be listed" "$output" '\(it cannot be listed\)$'
	rm "$work/bin/lsinitramfs"
}
