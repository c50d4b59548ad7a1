# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Ways to reset a GPU, for scenarios: lab-paths and lab-eeh show what each does without the module.
# BDF is a PCI address as in sysfs, N the number of a GPU, there or gone.
#
#   port N, upstream N, rootport N
#                         the address of the port above it, of the switch's upstream port above
#                         that, of the root port
#   config_read BDF OFFSET BYTES, config_write BDF OFFSET BYTES VALUE
#                         one aligned access to config space, as user space does it
#   memory N on|off [BYTES]
#                         switch its memory decoding by a write of 1, 2 or 4 bytes: of COMMAND's low byte,
#                         COMMAND, or COMMAND and STATUS. `registers` shows whether it was obeyed
#   registers N           its COMMAND and BAR0
#   bridge_control N      that of its port: 0x0042 with the reset bit, 0x0002 without
#   in_reset N            is it held by the module, and does its port keep it in reset?
#   there N               is it known to the kernel?
#   bind_gpu N DRIVER     bind it to one of lab_driver's drivers, or another: true if it probed
#   unbind_gpu N          undo that
#   driver N              the driver it is bound to
#
#   reset_below BDF       reset a bridge's secondary bus: the kernel saves and restores all that is
#                         below it. Through sysfs where the kernel has that, else by lab_driver.
#                         Firmware here resets nothing below a root port
#   raw_assert N, raw_release N, raw_reset N
#                         set the reset bit of its port's bridge control, clear it, both: nothing
#                         is saved or restored. With BDF after N, the same at that bridge; what is
#                         below other bridges loses its way then, until the next boot or eeh_recover
#   driver_reset N HOW    a reset that a driver requests: see `reset` in lab_driver.c. Not
#                         fundamental: it powers the slot off, which the machine does not survive
#   eeh_recover N [BDF]   have EEH recover its PE, or the one of a bridge above it, as after an error
#                         there: true if EEH was content. A driver with handlers stays bound; from
#                         any other the device is removed, and added again. Below a bridge have
#                         handlers all or none: with some, the kernel deadlocks
#   eeh_recover_each N... have EEH recover these GPUs at the same time
#   eeh_recover_phb N     the same for the whole PHB of a GPU. Firmware here resets nothing then;
#                         raw_reset N "$(rootport N)" before it makes up for that
#   couple N [freeze]     have firmware and kernel know that the emulated GPU is frozen, while it is, and thaw
#                         it; with `freeze` each EEH reset freezes it as hardware does: see couple in
#                         lab_driver.c. Repeat it when the GPU was found again. uncouple ends it for all
#   link_report N         1 if its port can report that the link was down, else 0
#   link_changed N        1 if it reports so, else 0. link_seen N clears it
#   write_past N VALUE    have firmware write 4 bytes of its COMMAND and STATUS as EEH does, which no
#                         operation of the bus sees. find_opal_write, which takes seconds, comes before
#   remove_gpu N, rescan  take it from the kernel, which is no reset; find it again
#   power_state N 0|3     put it into D0 or D3hot, behind the kernel's back
#   power N               the power state that it is in: 0 to 3. is_asleep N: is it 3?
#   bar_registers N       what they read, in one line
#
#   isolated_after NAME "N..." COMMAND...
#                         take a way, between the marks NAME and "after NAME". These GPUs are isolated
#                         again by themselves then
#
# EEH writes to the kernel's log, which a scenario has to allow: see lab-eeh.sh.

# The bus stays when what is on it goes, and so do its bridges.
paths_above() {
	# shellcheck disable=SC2154 # set by lab_at
	lab_at "$1" && paths_bus=$(readlink -f "/sys/class/pci_bus/${lab_bdf%:*}") || return
	echo "${paths_bus%/pci_bus/*}" | awk -F / -v up="$2" '
		{ name = up == "root" ? $5 : $(NF - up) }
		name ~ /^....:..:..\..$/ { print name; found = 1 }
		END { exit !found }'
}

port() {
	paths_above "$1" 0
}

upstream() {
	paths_above "$1" 1
}

rootport() {
	paths_above "$1" root
}

config_read() {
	lab_config "$@"
}

config_write() {
	lab_config "$@"
}

memory() {
	memory_command=$(config_read "$(gpu "$1")" 4 2) || return
	case $2 in
	on) memory_command=$((memory_command | 2)) ;;
	off) memory_command=$((memory_command & ~2)) ;;
	esac
	# Zeros leave the bits of STATUS as they are, which a dword has too.
	config_write "$(gpu "$1")" 4 "${3:-2}" "$memory_command"
}

reset_below() {
	if [ -e "/sys/bus/pci/devices/$1/reset_subordinate" ]; then
		echo 1 >"/sys/bus/pci/devices/$1/reset_subordinate"
	else
		modprobe lab_driver &&
		echo "$1" >/sys/module/lab_driver/parameters/reset_below
	fi
}

bridge_control() {
	config_read "$(port "$1")" 0x3e 2
}

in_reset() {
	[ "$(sysfs "$1" held) $(bridge_control "$1")" = "1 0x0042" ]
}

# raw_control BIT N [BDF]
raw_control() {
	raw_bridge=${3:-$(port "$2")}
	config_write "$raw_bridge" 0x3e 2 $(($(config_read "$raw_bridge" 0x3e 2) & ~0x40 | $1))
}

raw_assert() {
	raw_control 0x40 "$@"
}

raw_release() {
	raw_control 0 "$@"
}

raw_reset() {
	raw_assert "$@" && usleep 2000 && raw_release "$@" && usleep 200000
}

is_asleep() {
	[ "$(power "$1")" = 3 ]
}

bar_registers() {
	for bar in 0x10 0x14 0x18 0x1c 0x20 0x24; do
		printf '%s ' "$(config_read "$(gpu "$1")" $bar 4)"
	done
}

find_opal_write() {
	echo "0x$(awk '$3 == "opal_pci_config_write_word" { print $1 }' /proc/kallsyms)" \
		>/sys/module/lab_driver/parameters/opal_write
}

write_past() {
	echo "$(gpu "$1") $2" >/sys/module/lab_driver/parameters/write_command
}

# pe BDF: the number of its EEH PE.
pe() {
	cat "/sys/bus/pci/devices/$1/eeh_pe_config_addr"
}

# What EEH says when it is done, either way.
eeh_verdicts() {
	dmesg | grep -F -e 'EEH: Recovery successful' -e 'EEH: Unable to recover'
}

# eeh_wait COUNT: until EEH has come to more verdicts. It can take minutes, which cost nothing.
eeh_wait() {
	for _ in $(seq 300); do
		if [ "$(eeh_verdicts | wc -l)" -gt "$1" ]; then
			sleep 1 # it has some tidying to do
			eeh_verdicts | tail -n 1 | grep -q successful
			return
		fi
		sleep 1
	done
	echo "EEH does not come to an end" >&2
	return 1
}

# eeh_force BDF
eeh_force() {
	printf '%x:%x' "0x${1%%:*}" "$(pe "$1")" >/sys/kernel/debug/powerpc/eeh_force_recover
}

eeh_recover() {
	eeh_count=$(eeh_verdicts | wc -l)
	eeh_force "${2:-$(gpu "$1")}" && eeh_wait "$eeh_count"
}

eeh_recover_each() {
	eeh_count=$(($(eeh_verdicts | wc -l) + $# - 1))
	for eeh_n; do
		eeh_force "$(gpu "$eeh_n")" || return
	done
	eeh_wait "$eeh_count"
}

eeh_recover_phb() {
	eeh_count=$(eeh_verdicts | wc -l)
	modprobe lab_driver &&
	echo "0x$(awk '$3 == "__eeh_send_failure_event" { print $1 }' /proc/kallsyms)" \
		>/sys/module/lab_driver/parameters/eeh_failure &&
	gpu "$1" >/sys/module/lab_driver/parameters/phb_failure &&
	eeh_wait "$eeh_count"
}

remove_gpu() {
	lab_counts
	echo 1 >"$(dev "$1")/remove"
}

rescan() {
	echo 1 >/sys/bus/pci/rescan
}

there() {
	[ -e "$(dev "$1")" ]
}

# capability BDF ID: its offset.
capability() {
	capability_at=$(config_read "$1" 0x34 1)
	while [ $((capability_at)) -ne 0 ]; do
		[ $(($(config_read "$1" "$capability_at" 1))) -ne $(($2)) ] || {
			echo "$capability_at"
			return
		}
		capability_at=$(config_read "$1" $((capability_at + 1)) 1)
	done
	return 1
}

couple() {
	modprobe lab_driver &&
	echo "$(gpu "$1") $1 ${2-}" >/sys/module/lab_driver/parameters/couple
}

uncouple() {
	echo - >/sys/module/lab_driver/parameters/couple
}

# port_register N OFFSET BYTES: of its port's PCIe capability
port_register() {
	link_port=$(port "$1") && link_at=$(($(capability "$link_port" 0x10) + $2)) &&
	config_read "$link_port" "$link_at" "$3"
}

link_report() {
	link_value=$(port_register "$1" 0x0c 4) && echo $((link_value >> 20 & 1))
}

link_changed() {
	link_value=$(port_register "$1" 0x1a 2) && echo $((link_value >> 8 & 1))
}

link_seen() {
	port_register "$1" 0x1a 2 >/dev/null && config_write "$link_port" "$link_at" 2 0x100
}

power_state() {
	power_at=$(($(capability "$(gpu "$1")" 1) + 4)) || return
	config_write "$(gpu "$1")" $power_at 2 \
		$(($(config_read "$(gpu "$1")" $power_at 2) & ~3 | $2)) && usleep 20000
}

# The kernel does not wake a device in D3hot to read its config space.
power() {
	power_at=$(($(capability "$(gpu "$1")" 1) + 4)) || return
	echo $(($(config_read "$(gpu "$1")" $power_at 2) & 3))
}

bind_gpu() {
	case $2 in
	lab_driver* | lab-vfio-pci*) modprobe lab_driver ;;
	*) modprobe "$2" ;;
	esac &&
	echo "$2" >"$(dev "$1")/driver_override" &&
	gpu "$1" >/sys/bus/pci/drivers_probe &&
	[ -e "$(dev "$1")/driver" ]
}

unbind_gpu() {
	gpu "$1" >"$(dev "$1")/driver/unbind" &&
	echo >"$(dev "$1")/driver_override"
}

driver() {
	basename "$(readlink "$(dev "$1")/driver")"
}

driver_reset() {
	echo "$2" >"$(dev "$1")/lab_driver/reset"
}

registers() {
	echo "$(config_read "$(gpu "$1")" 4 2) $(config_read "$(gpu "$1")" 0x10 4)"
}

isolated_after() {
	paths_name=$1 paths_gpus=$2
	shift 2
	lab mark "$paths_name"
	ok "$paths_name" "$@"
	for paths_n in $paths_gpus; do
		ok "g$paths_n is isolated after $paths_name" \
			wait_for 90 in_state "$paths_n" isolated
	done
	lab mark "after $paths_name"
	for paths_n in $paths_gpus; do
		is "links of g$paths_n after $paths_name" "$(cut_links "g$paths_n")" 0x00150000
	done
}
