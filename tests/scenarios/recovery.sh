# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module and vfio-pci do not load and unload each other; what gets an administrator out
# on the kernel's command line; and what becomes of the module where the kernel wants signatures. The
# command line is, for want of a boot for each, a file in the place of /proc/cmdline: the kernel's own
# word, module_blacklist=, cannot be had so.
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

# as_udev: what udev does for a GPU: the package's rule by name, then its own by modalias. Both heed
# blacklist lines.
as_udev() {
	modprobe -b nvlink_isolation
	modprobe -b "$(cat "$(dev 0)/modalias")"
}

# vfio_comes_and_goes: as hooks for passthrough have it
vfio_comes_and_goes() {
	ok "modprobe vfio-pci" modprobe vfio-pci
	ok "modprobe -r vfio-pci" modprobe -r vfio-pci
}

loaded() {
	grep -c "^$1 " /proc/modules
}

guest() {
	fresh
	is "nothing is configured to enforce" "$(modprobe -c | grep -c '^options nvlink_isolation')" 0
	boot_with ''
	vfio_comes_and_goes
	is "does not load the module" "$(loaded nvlink_isolation)" 0
	as_udev
	is "udev loads the module" "$(loaded nvlink_isolation)" 1
	is "which does not enforce" "$(parameter isolate)" 0
	vfio_comes_and_goes
	is "leaves the module loaded" "$(loaded nvlink_isolation)" 1

	# The kernel takes the quotes off.
	for line in 'options nvlink_isolation isolate=1' 'options nvlink_isolation "isolate=1"'; do
		echo "$line" >"$conf"
		boot_with ''
		as_udev
		is "enforces with '$line'" "$(parameter isolate)" 1
		is "g0 is isolated" "$(sysfs 0 state)" isolated
		vfio_comes_and_goes
		is "still enforces" "$(parameter isolate)" 1
	done

	boot_with nvlink_isolation.isolate=0
	as_udev
	is "with isolate=0 on the command line udev loads the module" "$(loaded nvlink_isolation)" 1
	is "which does not enforce" "$(parameter isolate)" 0

	boot_with modprobe.blacklist=nvlink_isolation
	as_udev
	is "udev does not load what is blacklisted" "$(loaded nvlink_isolation)" 0

	boot_with ''
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
