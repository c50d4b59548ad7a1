# SPDX-License-Identifier: GPL-2.0-only
#
# Each way to reset a GPU, with each kind of driver, one GPU alone and both of a pair at the same
# time: what became of isolation, by the devices' own account. `make matrix` runs it on each kernel
# and makes a table of it.
#
# matrix: yes
# boot: redbud
# alone: yes
# stray: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:)

hot_and_deassert() {
	driver_reset "$1" hot && driver_reset "$1" deassert
}

eeh_of_port() {
	eeh_recover "$1" "$(port "$1")"
}

eeh_of_phb() {
	raw_reset "$1" "$(rootport "$1")" && eeh_recover_phb "$1"
}

with_no_driver() {
	alone_and_pair "sysfs reset" none reset
	resets_below none
	cell "EEH recovery" none 0 eeh_recover_each
	cell "EEH recovery" none "0 1" eeh_recover_each
	alone_and_pair "raw write of bridge control" none raw
	alone_and_pair "D3hot and back" none d3_and_d0
	cell "removed and found again" none 0 gone_and_found
	cell "removed and found again" none "0 1" gone_and_found
	for gpus in 0 "0 1"; do
		cell "sysfs reset, mask cannot be written" none "$gpus" disobey
		# shellcheck disable=SC2086 # numbers
		obey $gpus
	done
}

with_driver() {
	rebind lab_driver
	alone_and_pair "sysfs reset" "without handlers" reset
	alone_and_pair "pci_reset_bus" "without handlers" bus_by_driver
	resets_below "without handlers"
	alone_and_pair "raw write of bridge control" "without handlers" raw
	alone_and_pair "pci_set_pcie_reset_state, hot" "without handlers" hot_and_deassert
	cell "EEH recovery" "without handlers" 0 eeh_recover_each
	rebind lab_driver
	cell "EEH recovery" "without handlers" "0 1" eeh_recover_each

	rebind lab_driver_aware
	cell "EEH recovery" "with handlers" 0 eeh_recover_each
	cell "EEH recovery" "with handlers" "0 1" eeh_recover_each
	cell "EEH recovery of the port's PE" "with handlers" "0 1" eeh_of_port
	cell "fenced PHB" "with handlers" "0 1" eeh_of_phb
	for n in 0 1; do
		unbind_gpu $n
	done
}

vfio_eeh() {
	vfio_op=$1
	shift
	clients "$*" eeh-enable >/dev/null
	attack "$*" >/dev/null
	# DEACTIVATE may come sooner than the GPU may be accessed.
	clients "$*" "$vfio_op" eeh-deactivate "sleep 300" memory-on "sleep 20" attack-stop
}

killed() {
	attack "$*" >/dev/null
	for killed_n; do
		client_send "c$killed_n" eeh-fundamental
	done
	usleep 700000
	for killed_n; do
		client_kill "c$killed_n"
	done
}

with_vfio() {
	for n in 0 1; do
		vfio_bind $n
		client_start "c$n" "$n"
	done
	for gpus in 0 "0 1"; do
		cell "EEH recovery" "vfio-pci, not open" "$gpus" eeh_recover_each
		cell "VFIO open" "VFIO client" "$gpus" vfio_open
		cell "VFIO_DEVICE_RESET" "VFIO client" "$gpus" vfio_reset reset
		cell "VFIO_DEVICE_PCI_HOT_RESET" "VFIO client" "$gpus" vfio_reset hot-reset
		cell "sysfs reset" "VFIO client" "$gpus" under_client each reset
		cell "VFIO_EEH_PE_RESET_HOT" "VFIO client" "$gpus" vfio_eeh eeh-hot
		cell "VFIO_EEH_PE_RESET_FUNDAMENTAL" "VFIO client" "$gpus" vfio_eeh eeh-fundamental
		cell "VFIO close" "VFIO client" "$gpus" vfio_close
		clients "$gpus" open map >/dev/null
		cell "client killed in a reset" "VFIO client" "$gpus" killed
		for n in $gpus; do
			client_start "c$n" "$n"
		done
	done
	# These last, each PE once: EEH does not find its bus again when a client has had the GPU.
	clients "0 1" open map >/dev/null
	cell "EEH recovery" "VFIO client" 0 under_client eeh_recover_each
	cell "EEH recovery of the port's PE" "VFIO client" "0 1" under_client eeh_of_port
	cell "fenced PHB" "VFIO client" "0 1" under_client eeh_of_phb
	for n in 0 1; do
		client_stop c$n
		vfio_unbind $n
	done
}

without_vfio() {
	for mode in alone pair; do
		for path in "VFIO open" VFIO_DEVICE_RESET VFIO_DEVICE_PCI_HOT_RESET "sysfs reset" \
			VFIO_EEH_PE_RESET_HOT VFIO_EEH_PE_RESET_FUNDAMENTAL "VFIO close" \
			"client killed in a reset"; do
			none "$path" "VFIO client" $mode "$1"
		done
		none "EEH recovery" "vfio-pci, not open" $mode "$1"
	done
	none "EEH recovery" "VFIO client" alone "$1"
	none "EEH recovery of the port's PE" "VFIO client" pair "$1"
	none "fenced PHB" "VFIO client" pair "$1"
}

not_here() {
	none "pci_set_pcie_reset_state, fundamental" "without handlers" alone \
		"firmware powers the slot off permanently"
	none "AER and DPC" "with handlers" alone "the emulated ports report no errors"
	none "slot reset and power by pnv_php" none alone "the emulated machine has no such slots"
	none "suspend" none alone "the platform has none"
	none "reset that no software sees" none alone "there is no BMC; the audit finds a lost mask"
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/cells.sh
	. /lab/cells.sh
	fresh
	modprobe lab_driver read=1
	# By default EEH gives a device up when it has recovered it five times in an hour.
	echo 1000 >/sys/kernel/debug/powerpc/eeh_max_freezes
	load isolate=1 audit_seconds=0
	lab mark "loaded"
	with_no_driver
	with_driver
	# Broken from 5.19 to 6.3. Until 5.12 it looks for the NPU's devices, and crashes without them.
	case $(uname -r) in
	5.10.*) without_vfio "vfio-pci of 5.10 wants NPU devices, which the lab lacks" ;;
	6.1.*) without_vfio "vfio-pci does not bind on kernels 5.19 to 6.3" ;;
	*) with_vfio ;;
	esac
	not_here
	ok "unloads" unload
}

judge() {
	# shellcheck source-path=SCRIPTDIR source=../lab/judge-cells.sh
	. "$lab/judge-cells.sh"
	judge_cells
}
