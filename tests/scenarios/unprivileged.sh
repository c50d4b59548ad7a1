# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what everybody may: read what the module shows, which neither touches hardware nor waits for
# who does, and nothing else; and that no output has an address of the kernel.
#
# boot: redbud

nobody() {
	lab_nobody sh -c "$*"
}

# All files of the module that sysfs has. Those of sections/ are root's, and are addresses.
files() {
	find -L /sys/module/nvlink_isolation -path '*/holders' -prune -o -path '*/sections/*' -prune -o \
		-type f -print
	for n in 0 1 2 3; do
		find "$(dev $n)/nvlink_isolation/" -type f
	done
}

read_all() {
	for _ in 1 2 3 4 5; do
		# A checksum of the sources can look like an address.
		grep -v -e '/apply$' -e '/uevent$' -e '/srcversion$' /run/files | xargs cat
	done
}

# What was asked of firmware, as far as it is about PCI: opcodes 13 to 18 are reads and writes of
# config space. lab_watch asks the lab's control device.
config_accesses() {
	grep -v ' lab_watch-' /sys/kernel/tracing/trace | grep -c 'opal_entry: opcode=1[3-8]$'
}

guest() {
	fresh
	load isolate=1 audit_seconds=0
	files | sort -u >/run/files
	note "$(wc -l </run/files) files"
	ok "among them are attributes and parameters" test "$(grep -c -e /state -e /domains /run/files)" -ge 5

	is "nobody is not root" "$(nobody id -u)" 65534
	# shellcheck disable=SC2016 # for the shell that it starts
	is "files that nobody may write" \
		"$(nobody 'while read -r f; do [ ! -w $f ] || echo $f; done </run/files')" ""
	# shellcheck disable=SC2016
	is "writes of nobody that were taken" \
		"$(nobody 'while read -r f; do (echo 1 >$f) 2>&- && echo $f; done </run/files')" ""
	# shellcheck disable=SC2016
	is "files that nobody may not read" "$(nobody \
		'while read -r f; do cat $f >/dev/null 2>&1 || echo ${f##*/}; done </run/files' |
		sort -u | tr '\n' ' ')" "apply uevent "

	# A control first: config space read through sysfs is seen, and is hardware.
	echo 1 >/sys/kernel/tracing/events/powerpc/opal_entry/enable
	echo >/sys/kernel/tracing/trace
	cat "$(dev 0)/config" >/dev/null
	ok "accesses to config space are seen" test "$(config_accesses)" -gt 0
	lab mark "reads"
	echo >/sys/kernel/tracing/trace
	read_all >/run/read
	echo 0 >/sys/kernel/tracing/events/powerpc/opal_entry/enable
	is "accesses to config space by who reads all files" "$(config_accesses)" 0
	lab mark "were read"
	ok "something was read" test "$(wc -c </run/read)" -gt 1000

	# A GPU that does not come back from its reset: the PCI core has its lock for a minute.
	lab set g0 no-config on
	reset 0 2>/dev/null &
	ok "the reset goes on" wait_for 5 sh -c "[ \$(cat $(dev 0)/nvlink_isolation/state) != isolated ]"
	# A debug kernel takes half of that minute for one.
	on_debug || { read_all; read_all; } >/dev/null
	read_all >/dev/null
	ok "reading does not wait for a reset: it has not come to its end by then" kill -0 $!
	lab set g0 no-config off
	wait $!
	ok "it is isolated at last" wait_for 90 in_state 0 isolated

	# Some more to say: another module's hook, of which the log names the function.
	modprobe lab_hook device="$(gpu 2)"
	nok "isolate=0 is refused" set_parameter isolate 0
	rmmod lab_hook
	set_parameter domains "gpu" && set_parameter domains "x" 2>/dev/null
	like "the log names a function" "$(dmesg_since)" "on top of ours: enable_on_top"
	# Also one whose digits were hidden tells that the format was wrong.
	is "addresses in the log and in files" \
		"$({ dmesg_since | grep nvlink_isolation; cat /run/read; } |
			grep -Ei '[cd]0[0-9a-f]{14}|0x[0-9a-f]{9}|ptrval')" ""
	unload
}

judge() {
	is "accesses to GPUs while all files were read" \
		"$(count ' g[0-3] (read|write|config-write|held|mute)' reads "were read")" 0
}
