# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that GPUs are isolated again after each way to reset them that is not a guest's: by a driver,
# by sysfs on the bridges above, raw by bridge control, by removing and finding them again; with a
# driver bound and with none. Also what of it can be seen in the meantime.
#
# boot: redbud

hot_and_deassert() {
	driver_reset "$1" hot
	is "g$1 is not called isolated before it is deasserted" "$(sysfs "$1" state)" pending
	driver_reset "$1" deassert
}

# Asked in the middle, the worker does not take the GPU for isolated, nor does apply.
raw_slowly() {
	raw_assert "$1" || return
	is "g$1 is pending with its port in reset" "$(sysfs "$1" state)" pending
	is "its links are unknown" "$(sysfs "$1" disabled_links)" unknown
	is "apply does not help then" "$(apply "$1")" "Device or resource busy"
	sleep 3
	is "it is pending still" "$(sysfs "$1" state) $(sysfs "$1" held)" "pending 0"
	is "its port is still in reset, which is not the module's" \
		"$(config_read "$(port "$1")" 0x3e 2)" 0x0042
	raw_release "$1"
}

guest() {
	fresh
	load isolate=1
	lab mark "loaded"
	for driver in none lab_driver; do
		[ $driver = none ] || for n in 0 1; do
			ok "$driver has g$n" bind_gpu $n $driver
		done
		isolated_after "reset of g0, $driver" 0 reset 0
		isolated_after "reset_subordinate of g0's port, $driver" 0 reset_below "$(port 0)"
		isolated_after "reset_subordinate of the upstream port, $driver" "0 1" reset_below "$(upstream 0)"
		isolated_after "reset_subordinate of the root port, $driver" "0 1" reset_below "$(rootport 0)"
	done
	for how in function bus; do
		isolated_after "reset by the driver: $how" 0 driver_reset 0 $how
	done
	isolated_after "pci_set_pcie_reset_state, hot" 0 hot_and_deassert 0
	for n in 0 1; do
		unbind_gpu $n
	done
	count_before=$(sysfs 0 resets)
	isolated_after "raw reset of g0's port" 0 raw_slowly 0
	is "a raw reset is counted once" "$(sysfs 0 resets)" $((count_before + 1))
	is "GPUs of the other switch were not reset" "$(sysfs 2 resets) $(sysfs 3 resets)" "0 0"
	isolated_after "D3hot and D0" 0 d3_and_d0

	remove_gpu 0
	remove_gpu 1
	isolated_after "remove and rescan" "0 1" rescan
	ok "g0 can be enabled" enable_gpu 0
	disable_gpu 0
	unload
}

d3_and_d0() {
	power_state 0 3
	power_state 0 0
}

judge() {
	for path in "reset of g0, none" "reset of g0, lab_driver" \
		"reset_subordinate of g0's port, none" \
		"reset_subordinate of g0's port, lab_driver" "reset by the driver: function" \
		"reset by the driver: bus" "reset_subordinate of the upstream port, none" \
		"reset_subordinate of the upstream port, lab_driver" \
		"pci_set_pcie_reset_state, hot" "raw reset of g0's port" "remove and rescan"; do
		for gpu in g0 g1; do
			periods=$(open_periods $gpu "$path" "after $path")
			note "$path: $gpu exposed for" "$(echo "$periods" | tr '\n' ' ')ns"
			# Where a bridge is restored by the kernel first, its driver may be early.
			case $path in
			*"upstream port, lab_driver") continue ;;
			esac
			is "times $gpu was exposed other than in a sequence, $path" \
				"$(echo "$periods" | grep -c open)" 0
		done
		note "$path: g0.0-g1.0 live for $(live_ns g0.0-g1.0 "$path" "after $path") ns"
	done
	is "orders or bits violated" "$(count ' (violation|dropped) ' loaded)" 0
	for link in g2.0-g3.0 g2.2-g3.2 g2.4-g3.4; do
		is "$link, of others, was live" \
			"$(live_ns $link loaded "after remove and rescan")" 0
	done
}
