# SPDX-License-Identifier: GPL-2.0-only
#
# Each way to reset a GPU on x86-64, with each kind of driver, one GPU alone and both of a pair at the
# same time: what became of isolation, by the devices' own account. `make matrix-x86` runs it on each
# kernel and makes a table of it.
#
# matrix-x86: yes
# kernel: amd64-6.1
# boot: x86-redbud
# alone: yes
# stray: yes
# unseen: yes

# These reset a GPU, or its way, behind the kernel's back: nothing is restored. The kernel has lost its
# configuration then, until it is found again.
lost() {
	lost_path=$1
	shift
	for lost_n; do
		"$lost_path" "$lost_n" || return
	done
	gone_and_found "$@"
}

with_no_driver() {
	alone_and_pair "sysfs reset" none reset
	resets_below none
	alone_and_pair "raw write of bridge control" none raw
	cell "raw write of bridge control, found again" none 0 lost raw
	cell "by the ports 0xcf8 and 0xcfc, found again" none 0 lost cf8_reset
	cell "by the ports 0xcf8 and 0xcfc, found again" none "0 1" lost cf8_reset
	cell "link disabled and enabled, found again" none 0 lost link_off_and_on
	alone_and_pair "D3hot and back" none d3_and_d0
	cell "removed and found again" none 0 gone_and_found
	cell "removed and found again" none "0 1" gone_and_found
	cell "fatal error, AER" none 0 aer_fatal
	cell "suspend to idle" none "0 1" all_sleep
	for gpus in 0 "0 1"; do
		cell "sysfs reset, mask cannot be written" none "$gpus" disobey
		# shellcheck disable=SC2086 # numbers
		obey $gpus
	done
}

all_sleep() {
	sleep_and_wake freeze
}

with_driver() {
	rebind lab_driver
	alone_and_pair "sysfs reset" "without handlers" reset
	alone_and_pair "pci_reset_bus" "without handlers" bus_by_driver
	resets_below "without handlers"
	alone_and_pair "raw write of bridge control" "without handlers" raw
	rebind lab_driver_aware
	cell "fatal error, AER" "with handlers" 0 aer_fatal
	cell "suspend to idle" "with handlers" "0 1" all_sleep
	for n in 0 1; do
		unbind_gpu $n
	done
}

with_vfio() {
	for n in 0 1; do
		vfio_bind $n
		client_start "c$n" "$n"
	done
	for gpus in 0 "0 1"; do
		cell "VFIO open" "VFIO client" "$gpus" vfio_open
		cell "VFIO_DEVICE_RESET" "VFIO client" "$gpus" vfio_reset reset
		cell "VFIO_DEVICE_PCI_HOT_RESET" "VFIO client" "$gpus" vfio_reset hot-reset
		cell "sysfs reset" "VFIO client" "$gpus" under_client each reset
		cell "reset_subordinate of the GPU's port" "VFIO client" "$gpus" under_client each below_port
		cell "raw write of bridge control" "VFIO client" "$gpus" under_client raw_and_wait
		cell "D3hot and back" "VFIO client" "$gpus" clients_sleep
		cell "VFIO close" "VFIO client" "$gpus" vfio_close
		find_anew "$gpus"
		clients "$gpus" open map >/dev/null
		cell "client killed" "VFIO client" "$gpus" killed
		find_anew "$gpus"
		for n in $gpus; do
			client_start "c$n" "$n"
		done
	done
	clients "0 1" open map >/dev/null
	cell "fatal error, AER" "VFIO client" 0 under_client aer_fatal
	for n in 0 1; do
		client_stop c$n
		vfio_unbind $n
	done
}

# find_anew "N...": with their configuration as it was, which a reset behind the kernel's back has lost
find_anew() {
	for n in $1; do
		vfio_unbind "$n"
	done
	# shellcheck disable=SC2086 # numbers
	gone_and_found $1
	for n in $1; do
		vfio_bind "$n"
	done
}

# No interface makes the client wait before it switches its GPU on again.
raw_and_wait() {
	each raw "$@" && usleep 300000
}

# clients_sleep N...: their own doing, by the capability
clients_sleep() {
	attack "$*" >/dev/null
	clients "$*" d3hot d0 memory-on "sleep 20" attack-stop
}

killed() {
	attack "$*" >/dev/null
	for killed_n; do
		client_send "c$killed_n" reset
	done
	for killed_n; do
		client_kill "c$killed_n"
	done
}

not_here() {
	none "Downstream Port Containment" "with handlers" alone "the emulated ports lack it"
	none "function level reset" none alone "a V100 has none"
	none "reset by ACPI" none alone "the emulated machine offers none"
	none "reset that no software sees" none alone "the audit finds a lost mask"
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/cells.sh
	. /lab/cells.sh
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/x86.sh
	. /lab/x86.sh
	fresh
	modprobe lab_driver read=1
	load isolate=1 audit_seconds=0
	lab mark "loaded"
	with_no_driver
	with_driver
	with_vfio
	not_here
	ok "unloads" unload
}

# The model's D3hot, its sleep and its removal reset nothing.
cells_without_reset() {
	resets_of_cells | awk '
		/ (D3hot and back|suspend to idle|removed and found again)[|]/ { if ($1) print "reset: " $0; next }
		$1 < 1 { print }'
}

judge() {
	# shellcheck source-path=SCRIPTDIR source=../lab/judge-cells.sh
	. "$lab/judge-cells.sh"
	ok "cells are counted" test "$(resets_of_cells | grep -c .)" -ge 40
	is "cells whose resets are not what their names say" "$(cells_without_reset)" ""
	judge_cells
}
