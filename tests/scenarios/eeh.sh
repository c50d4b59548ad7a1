# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that GPUs are isolated after EEH has recovered them, and before a driver gets at them again:
# with a driver that has handlers and one that has none, without any, with vfio-pci, and from a
# bridge and the PHB downwards.
#
# kernel: 6.12
# boot: redbud
# alone: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:)

guest() {
	fresh
	load isolate=1
	modprobe lab_driver read=1
	isolated_after "EEH, no driver" 0 eeh_recover 0
	ok "lab_driver has g0" bind_gpu 0 lab_driver
	isolated_after "EEH, a driver without handlers" 0 eeh_recover 0
	[ ! -e "$(dev 0)/driver" ] || unbind_gpu 0
	ok "lab_driver_aware has g0" bind_gpu 0 lab_driver_aware
	isolated_after "EEH, a driver with handlers" 0 eeh_recover 0
	is "the driver has stayed" "$(driver 0)" lab_driver_aware
	ok "lab_driver_aware has g1" bind_gpu 1 lab_driver_aware
	isolated_after "EEH on the port's PE" "0 1" eeh_recover 0 "$(port 0)"
	is "the drivers have stayed" "$(driver 0) $(driver 1)" "lab_driver_aware lab_driver_aware"
	isolated_after "EEH on the PHB" "0 1" eeh_recover_phb 0
	raw_reset 0 "$(rootport 0)"
	isolated_after "EEH on a PHB that was reset" "0 1" eeh_recover_phb 0
	is "the drivers have stayed through that" "$(driver 0) $(driver 1)" \
		"lab_driver_aware lab_driver_aware"
	for n in 0 1; do
		unbind_gpu $n
	done
	vfio_bind 2
	isolated_after "EEH, vfio-pci" 2 eeh_recover 2

	# EEH enables a device before it can be reached, so the hook in pci_enable_device() is no help,
	# and a driver that survives EEH has its GPU back. It is given nothing of it.
	ok "lab_driver_aware has g3" bind_gpu 3 lab_driver_aware
	lab set g3 mask-stuck on
	lab mark "EEH, a GPU that does not obey"
	dmesg_clear
	ok "EEH recovers a GPU that does not obey" eeh_recover 3
	ok "it has failed" wait_for 20 in_state 3 failed
	is "and is refused" "$(sysfs 3 held)" 1
	is "its decoding is off" "$(($(config_read "$(gpu 3)" 4 2) & 2))" 0
	is "bridge control of its port" "$(bridge_control 3)" 0x0002
	is "its driver is there" "$(driver 3)" lab_driver_aware
	like "and reads nothing" "$(dmesg_since)" "$(gpu 3): read: does not decode"
	usleep 4000000
	lab mark "after EEH, a GPU that does not obey"
	lab set g3 mask-stuck off
	ok "a reset has it isolated" reset 3
	is "with its driver" "$(sysfs 3 state) $(driver 3)" "isolated lab_driver_aware"
	unbind_gpu 3
	is "its neighbour is isolated" "$(sysfs 2 state)" isolated
	unload
}

judge() {
	for path in "EEH, no driver" "EEH, a driver without handlers" \
		"EEH, a driver with handlers" "EEH on the port's PE" "EEH on the PHB" \
		"EEH on a PHB that was reset" "EEH, vfio-pci"; do
		for gpu in g0 g1 g2; do
			periods=$(open_periods $gpu "$path" "after $path")
			note "$path: $gpu exposed for" "$(echo "$periods" | tr '\n' ' ')ns"
			is "times $gpu was exposed other than in a sequence, $path" \
				"$(echo "$periods" | grep -c open)" 0
			is "times $gpu was exposed for too long, $path" \
				"$(echo "$periods" | too_long | grep -c .)" 0
			is "reads of the driver of $gpu while it was exposed, $path" \
				"$(client_reads_exposed $gpu "$path" "after $path")" 0
		done
		note "$path: g0.0-g1.0 live for $(live_ns g0.0-g1.0 "$path" "after $path") ns"
	done
	ok "the driver did read" test "$(client_reads g0)" -gt 0
	is "reads of the driver of a GPU that does not obey while it was exposed" \
		"$(client_reads_exposed g3 "EEH, a GPU that does not obey" \
			"after EEH, a GPU that does not obey")" 0
	is "attempts to disable its links" "$(open_periods g3 "EEH, a GPU that does not obey" \
		"after EEH, a GPU that does not obey" | wc -l)" 1
}
