# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what resets a GPU on a PC, by each path that there is, when no module is there to see it;
# and that a client of VFIO then reaches its neighbour by open links. Two GPUs in hot-plug slots,
# with all six links to each other.
#
# What is to know before relying on the emulation:
#   - A reset by sysfs is pciehp's, since the GPU is in a hot-plug slot: the same write of bridge
#     control.
#   - D3hot and suspend to idle reset nothing: the GPU says No_Soft_Reset.
#   - The port latches that its link changed, but raises no interrupt for it: pciehp learns it when
#     it looks.
#   - The errors of AER are injected into the kernel; no device has them.
#
# kernel: amd64-6.1
# boot: x86-slots
# alone: yes
# stray: yes

# in_group_of N: the GPUs in its IOMMU group
in_group_of() {
	for group_gpu in $(lab_gpus); do
		[ ! -e "$(dev "$1")/iommu_group/devices/$group_gpu" ] || echo "$group_gpu"
	done
}

found_anew() {
	link_seen 0 && remove_gpu 0 && rescan
}

slot_off() {
	echo 0 >"$(slot 0)/power" && wait_for 10 gone 0
}

gone() {
	! there "$1"
}

slot_on() {
	echo 1 >"$slot_0/power" && wait_for 10 there 0
}

without_driver() {
	for n in 0 1; do
		is "g$n has one reset" "$(cat "$(dev $n)/reset_method")" bus
		is "link report of the port of g$n" "$(link_report $n)" 1
		is "GPUs in the IOMMU group of g$n" \
			"$(in_group_of $n)" "$(gpu $n)"
	done
	path "sysfs" 01 reset 0
	same "sysfs" "0 1"
	path "below the port" 01 reset_below "$(port 0)"
	same "below the port" "0 1"
	path "remove" 11 remove_gpu 0
	nok "g0 is gone" there 0
	path "rescan" 11 rescan
	same "rescan" "0 1"
	path "D3hot" 11 power_state 0 3
	is "power state of g0" "$(power 0)" 3
	path "D0" 11 power_state 0 0
	same "D0" "0 1"
	# Resets have changed the link, and pciehp looks at that when it wakes.
	link_seen 0
	path "suspend" 11 sleep_and_wake freeze
	same "suspend" "0 1"

	slot_0=$(slot 0)
	path "slot off" 01 slot_off
	path "slot on" 01 slot_on
	same "slot on" "0 1"
}

# Nobody saves or restores anything here.
behind_the_kernel() {
	for how in raw_reset cf8_reset link_off_and_on; do
		path "$how" 01 $how 0
		is "config of g0 after $how" "$(registers 0)" "0x0000 0x00000000"
		found_anew
		same "$how and found anew" "0 1"
	done
	path "AER" 01 aer_fatal 0
	note "config of g0 after AER, which restores it with a driver's help only: $(registers 0)"
	found_anew
	same "AER and found anew" "0 1"
}

with_driver() {
	ok "a driver has g0" bind_gpu 0 lab_driver
	used=$(registers 0)
	like "it decodes" "$used" '^0x...[2367] '
	for how in bus function try; do
		path "driver's $how" 01 driver_reset 0 $how
		is "config of g0 after the driver's $how" "$(registers 0)" "$used"
	done
	unbind_gpu 0
	ok "a driver with handlers has g0" bind_gpu 0 lab_driver_aware
	path "AER with handlers" 01 aer_fatal 0
	is "config of g0 after AER with handlers" "$(registers 0)" "$used"
	unbind_gpu 0
}

vfio_do() {
	client_do a "$@" >/run/answer || { cat /run/answer; return 1; }
}

with_client() {
	ok "vfio-pci drives g0" vfio_bind 0
	ok "a client starts" client_start a 0
	path "VFIO open" 01 vfio_do open map memory-on
	for how in reset hot-reset; do
		path "VFIO $how" 01 vfio_do $how
	done
	# What an attacker does with a GPU that has just been reset, while its neighbour has been,
	# too: the links are open at both ends, and it reads and writes its end.
	ok "its neighbour resets" reset 1
	lab mark "exposed"
	ok "a client attacks" vfio_do reset memory-on "attack ring" "sleep 50"
	got=$(client_do a attack-stop)
	note "$got"
	ok "the attack found the links open" test "$(echo "$got" | statistic mask-open)" -gt 0
	is "and never disabled" "$(echo "$got" | statistic mask-cut)" 0
	lab mark "after exposed"
	path "VFIO close" 01 vfio_do close
	vfio_do open map memory-on
	path "VFIO killed" 01 client_kill a
	ok "g0 is taken from vfio-pci" vfio_unbind 0
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/unguarded.sh
	. /lab/unguarded.sh
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/x86.sh
	. /lab/x86.sh
	fresh
	is "GPUs" "$(lab_gpus | wc -l)" 2
	# A GPU that is found anew after a reset has nothing else. Firmware has switched more on.
	for n in 0 1; do
		like "COMMAND of g$n as firmware has left it" "$(config_read "$(gpu $n)" 4 2)" \
			'^0x...[2367]$'
		config_write "$(gpu $n)" 4 2 0
		# 7.2 has saved config space when it found the GPU, and restores that after a suspend. The
		# reset saves it anew.
		reset $n
	done
	remember
	is "declared links" "$(lab_declared | tr , '\n' | wc -l)" 6
	like "the first of them" "$(lab_declared)" "^$(gpu 0)\\.0-$(gpu 1)\\.0,"
	without_driver
	behind_the_kernel
	with_driver
	with_client
}

# resets NAME G0 [REASON]: how often g0 was reset on that path, and g1 never.
resets() {
	is "resets of g0: $1" "$(count " g0 reset reason=${3:-bus}\$" "$1" "after $1")" "$2"
	is "resets of g0 for other reasons: $1" "$(count " g0 reset " "$1" "after $1")" "$2"
	is "resets of g1: $1" "$(count ' g1 reset ' "$1" "after $1")" 0
}

judge() {
	for name in sysfs "below the port" raw_reset cf8_reset "driver's bus" "driver's function" \
		"driver's try" AER "AER with handlers" "VFIO open" "VFIO reset" "VFIO hot-reset" \
		"VFIO close" "VFIO killed"; do
		resets "$name" 1
	done
	for name in remove rescan D3hot D0 suspend; do
		resets "$name" 0
	done
	resets "slot off" 1 power-on
	resets "slot on" 1 power-on
	resets "link_off_and_on" 1 link-down

	is "links" "$(links | wc -l)" 6
	for link in $(links); do
		is "$link was live while the client attacked" \
			"$(($(live_ns "$link" exposed "after exposed") > 0))" 1
	done
	ok "the client read its exposed GPU" \
		test "$(client_reads_exposed g0 exposed "after exposed")" -gt 0
	is "the device says so" "$(($(exposed_ns g0 exposed "after exposed") > 0))" 1
}
