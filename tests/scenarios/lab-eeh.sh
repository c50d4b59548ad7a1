# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what EEH does to a GPU that it recovers, when no module is there to see it: with a driver
# that has handlers, one that has none, none, vfio-pci, and from a bridge and the PHB downwards.
#
# boot: redbud
# kernel: 6.12
# alone: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:)

cut_mask=0x00150005
reset_mask=0x00000005

# path NAME N MASK COMMAND...: take that path, with the links of gN cut before.
path() {
	path_name=$1 path_gpu=$2 path_mask=$3
	shift 3
	lab mark "$path_name"
	ok "$path_name" "$@"
	lab mark "after $path_name"
	is "mask after $path_name" "$(lab get "g$path_gpu" mask)" "$path_mask"
}

guest() {
	fresh
	load isolate=1
	unload
	first=$(registers 0)

	# What is written there goes with the device.
	echo marked >"$(dev 0)/driver_override"
	path "no driver" 0 $reset_mask eeh_recover 0
	nok "g0 is another device" grep -q marked "$(dev 0)/driver_override"
	is "config of g0" "$(registers 0)" "$first"

	ok "lab_driver has g1" bind_gpu 1 lab_driver
	path "unaware" 1 $reset_mask eeh_recover 1
	nok "g1 has lost its driver" readlink "$(dev 1)/driver"

	modprobe lab_driver
	echo 1 >/sys/module/lab_driver/parameters/read
	ok "lab_driver_aware has g2" bind_gpu 2 lab_driver_aware
	echo 1 >"$(dev 2)/lab_driver/poll"
	used=$(registers 2)
	path "aware" 2 $reset_mask eeh_recover 2
	is "g2 still has its driver" "$(driver 2)" lab_driver_aware
	is "config of g2" "$(registers 2)" "$used"
	like "g2 was enabled and read by its driver" "$(dmesg_since)" "$(gpu 2): read: 0x00000000"
	echo 0 >"$(dev 2)/lab_driver/poll"

	if [ "$(uname -r | cut -d . -f 1,2)" = 6.1 ]; then
		note "vfio-pci does not bind on this kernel"
	else
		ok "vfio-pci has g3" bind_gpu 3 vfio-pci
		path "vfio-pci" 3 $cut_mask eeh_recover 3
		is "g3 still has its driver" "$(driver 3)" vfio-pci
		unbind_gpu 3
	fi

	unbind_gpu 2
	load isolate=1
	unload
	ok "lab_driver_aware has g2 again" bind_gpu 2 lab_driver_aware
	ok "lab_driver_aware has g3" bind_gpu 3 lab_driver_aware
	path "switch" 3 $reset_mask eeh_recover 3 "$(port 3)"
	is "config of g2 after that of the switch" "$(registers 2)" "$used"

	# What firmware does to a fenced PHB is missing here; the first step stands in for it.
	path "root port" 3 $reset_mask raw_reset 3 "$(rootport 3)"
	is "config of g3, behind bridges that are reset" "$(registers 3)" "0xffff 0xffffffff"
	path "PHB" 3 $reset_mask eeh_recover_phb 3
	is "config of g2 after that of the PHB" "$(registers 2)" "$used"
	is "g3 still has its driver" "$(driver 3)" lab_driver_aware
	unbind_gpu 2
	unbind_gpu 3
}

# resets NAME G0 G1 G2 G3: how often each was reset on that path.
resets() {
	resets_name=$1
	shift
	for resets_gpu in g0 g1 g2 g3; do
		is "resets of $resets_gpu: $resets_name" \
			"$(count " $resets_gpu reset reason=bus$" "$resets_name" "after $resets_name")" "$1"
		shift
	done
}

judge() {
	resets "no driver" 1 0 0 0
	resets "unaware" 0 1 0 0
	resets "aware" 0 0 2 0
	! grep -q ' text=vfio-pci$' "$log" || resets "vfio-pci" 0 0 0 0
	resets "switch" 0 0 1 1
	resets "root port" 0 0 1 1
	resets "PHB" 0 0 0 0
	# The thread does not, and cannot, while there is no config space.
	ok "the driver read g2 again" test \
		"$(count ' g2 read off=0x700000 ' aware "after aware")" -gt 1
}
