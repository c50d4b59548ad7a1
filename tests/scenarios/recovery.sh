# SPDX-License-Identifier: GPL-2.0-only
#
# Shows the package's configuration of modprobe at work: the module comes before vfio-pci; and what
# gets an administrator out on the kernel's command line; and what becomes of it where the kernel wants
# signatures. The command line is, for want of a boot for each, a file in the place of /proc/cmdline:
# the kernel's own word, module_blacklist=, cannot be had so.
#
# boot: redbud
# uncounted: yes
# alone: yes
# overlay: package

conf=/etc/modprobe.d/nvlink-isolation.conf

# Not the shell's own
modprobe() {
	/sbin/modprobe "$@"
}

# boot_with WORDS: as if the kernel had been started with these, too
boot_with() {
	[ ! -e "$lab_parameters" ] || unload
	! grep -q '^vfio_pci ' /proc/modules || modprobe -r vfio-pci
	! grep -q ' /proc/cmdline ' /proc/mounts || umount /proc/cmdline
	echo "$(cat /proc/cmdline) $1" >/run/cmdline
	mount -o bind /run/cmdline /proc/cmdline
}

# as_udev: what udev does for a GPU: it heeds blacklist
as_udev() {
	modprobe -b "$(cat "$(dev 0)/modalias")"
}

loaded() {
	grep -c "^$1 " /proc/modules
}

guest() {
	fresh
	is "nothing is configured to enforce" "$(modprobe -c | grep -c '^options nvlink_isolation')" 0
	boot_with ''
	ok "modprobe vfio-pci" modprobe vfio-pci
	is "loads the module" "$(loaded nvlink_isolation)" 1
	is "which does not enforce" "$(parameter isolate)" 0
	is "which came first" "$(awk '$1 == "nvlink_isolation" || $1 == "vfio_pci" { print $1 }' \
		/proc/modules | tr '\n' ' ')" "vfio_pci nvlink_isolation "

	cp "$conf" /run/conf
	sed -i 's/^#\(options nvlink_isolation isolate=1\)$/\1/' "$conf"
	boot_with ''
	ok "modprobe vfio-pci, with its line in $conf" modprobe vfio-pci
	is "enforces" "$(parameter isolate)" 1
	is "g0 is isolated" "$(sysfs 0 state)" isolated

	boot_with nvlink_isolation.isolate=0
	ok "modprobe vfio-pci, with isolate=0 on the command line" modprobe vfio-pci
	is "loads the module" "$(loaded nvlink_isolation)" 1
	is "which does not enforce" "$(parameter isolate)" 0
	boot_with nvlink_isolation.isolate=0
	as_udev
	is "as udev loads it it does not enforce" "$(parameter isolate)" 0

	boot_with modprobe.blacklist=nvlink_isolation
	as_udev
	is "udev does not load what is blacklisted" "$(loaded nvlink_isolation)" 0
	ok "modprobe vfio-pci, with it blacklisted" modprobe vfio-pci
	is "loads it all the same" "$(loaded nvlink_isolation)" 1

	boot_with ''
	mv /run/conf "$conf"
	ok "vfio-pci loads where the module is missing" missing
	sig_enforced
}

# A kernel that wants signatures: last, for it cannot be told to stop wanting them. The key with which
# DKMS signs, where it does, is none that the kernel has.
sig_enforced() {
	[ ! -e "$lab_parameters" ] || unload
	dmesg_clear
	echo 1 >/sys/module/module/parameters/sig_enforce
	like "with sig_enforce it is refused" "$(modprobe nvlink_isolation 2>&1)" \
		"Key was rejected by service|Required key not available"
	is "and not loaded" "$(loaded nvlink_isolation)" 0
	like "the log says why" "$(dmesg_since)" \
		'Loading of (unsigned )?module (with unavailable key )?is rejected'
}

missing() {
	mv "/lib/modules/$(uname -r)/updates" /run/
	/sbin/depmod
	modprobe vfio-pci
	missing_status=$?
	modprobe -r vfio-pci
	mv /run/updates "/lib/modules/$(uname -r)/"
	/sbin/depmod
	return $missing_status
}
