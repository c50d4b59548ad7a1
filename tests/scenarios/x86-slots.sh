# SPDX-License-Identifier: GPL-2.0-only
#
# The slots of a PC: pciehp switches them off and on, and resets them, with each kind of driver, one GPU
# alone and both of a pair at the same time. `make matrix-x86` makes rows of its table of it.
#
# The attention button is not pressed: the emulated port has one, and only the emulator's monitor
# presses it.
#
# matrix-x86: yes
# kernel: amd64-6.1
# boot: x86-slots
# alone: yes
# stray: yes

# Slots of GPUs that are gone, too: their addresses are looked up while all are there.
slots_of() {
	for slots_n; do
		slot "$slots_n"
	done
}

# off_and_on N...: all of these are off at the same time.
off_and_on() {
	lab_counts
	slots_of "$@" >/run/slots || return
	while read -r power_slot; do
		echo 0 >"$power_slot/power" || return
	done </run/slots
	sleep 1
	for slots_n; do
		! there "$slots_n" || return
	done
	while read -r power_slot; do
		echo 1 >"$power_slot/power" &
	done </run/slots
	wait
	for slots_n; do
		wait_for 30 there "$slots_n" || return
	done
}

# A GPU that is found anew has no driver: it gets the one of the cell.
off_and_on_with() {
	slots_driver=$1
	shift
	off_and_on "$@" && for slots_n; do
		bind_gpu "$slots_n" "$slots_driver" || return
	done
}

# Its mask cannot be written when it comes back.
disobedient() {
	for stuck_n; do
		lab set "g$stuck_n" mask-stuck on
	done
	off_and_on "$@"
}

with_no_driver() {
	for gpus in 0 "0 1"; do
		cell "slot power off and on" none "$gpus" off_and_on
		cell "sysfs reset, by the slot" none "$gpus" each reset
		cell "slot power off and on, mask cannot be written" none "$gpus" disobedient
		for n in $gpus; do
			nok "g$n cannot be enabled" enable_gpu "$n"
		done
		# shellcheck disable=SC2086 # numbers
		obey $gpus
	done
}

# with_driver DRIVER NAME
with_driver() {
	for n in 0 1; do
		bind_gpu $n "$1"
	done
	for gpus in 0 "0 1"; do
		cell "slot power off and on" "$2" "$gpus" off_and_on_with "$1"
		cell "sysfs reset, by the slot" "$2" "$gpus" each reset
	done
	for n in 0 1; do
		unbind_gpu $n
	done
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/cells.sh
	. /lab/cells.sh
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/x86.sh
	. /lab/x86.sh
	fresh
	modprobe lab_driver read=1
	load isolate=1 audit_seconds=0
	is "each is in a slot of its own" "$(slots_of 0 1 | sort -u | grep -c .)" 2
	with_no_driver
	with_driver lab_driver "without handlers"
	with_driver vfio-pci "vfio-pci, not open"
	ok "unloads" unload
}

judge() {
	# shellcheck source-path=SCRIPTDIR source=../lab/judge-cells.sh
	. "$lab/judge-cells.sh"
	# All six links lead from one to the other.
	judge_mask=3f
	ok "cells are counted" test "$(resets_of_cells | grep -c .)" -eq 14
	is "cells that reset nothing" "$(resets_of_cells | awk '$1 < 1')" ""
	judge_cells
}
