# SPDX-License-Identifier: GPL-2.0-only
#
# Shows the package's configuration of modprobe at work: the module comes before vfio-pci; and what
# gets an administrator out on the kernel's command line. Which, for want of a boot for each, is a file
# in the place of /proc/cmdline: that of the kernel itself, module_blacklist=, cannot be had so.
#
# boot: redbud
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
	note "blacklisted, modprobe vfio-pci loads it: $(loaded nvlink_isolation)"

	boot_with ''
	mv /run/conf "$conf"
	ok "vfio-pci loads where the module is missing" missing
}

missing() {
	mv "/lib/modules/$(uname -r)/updates" /run/
	depmod
	modprobe vfio-pci
	missing_status=$?
	modprobe -r vfio-pci
	mv /run/updates "/lib/modules/$(uname -r)/"
	depmod
	return $missing_status
}
