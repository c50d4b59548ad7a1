# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Ways to reset a GPU that only a PC has, beside those of paths.sh; sourced by scenarios. N is the
# number of a GPU.
#
#   slot N                the directory of its slot below /sys/bus/pci/slots
#   slot_reset N          have pciehp reset it: reset_method of the port's slot, through sysfs
#   power_cycle N         switch its slot off, which removes it, and on again
#   cf8_reset N           a secondary bus reset by the I/O ports 0xcf8 and 0xcfc. Nobody saves or restores
#                         anything
#   aer_fatal N           the port above it reports an uncorrectable fatal error (injected), and the kernel
#                         recovers
#   sleep_and_wake HOW    suspend to idle (freeze) or to disk (disk); all devices are put to sleep, and
#                         woken again
#   link_off_and_on N     disable and enable the PCIe link, in its port's link control

slot() {
	slot_at=$(gpu "$1") && slot_at=${slot_at%.*}
	for slot_dir in /sys/bus/pci/slots/*; do
		if [ "$(cat "$slot_dir/address")" = "$slot_at" ]; then
			echo "$slot_dir"
			return
		fi
	done
	return 1
}

power_cycle() {
	power_slot=$(slot "$1") && lab_counts && echo 0 >"$power_slot/power" && sleep 1 &&
	echo 1 >"$power_slot/power" && wait_for 30 there "$1"
}

cf8_reset() {
	cf8_port=$(port "$1") && cf8_was=$(bridge_control "$1") &&
	lab_cf8 "$cf8_port" 0x3e 2 $((cf8_was | 0x40)) && usleep 2000 &&
	lab_cf8 "$cf8_port" 0x3e 2 $((cf8_was & ~0x40)) && usleep 200000
}

# The driver wants struct aer_error_inj: bus, device, function, three masks and a header log.
aer_fatal() {
	aer_port=$(port "$1") && modprobe aer_inject || return
	aer_at=${aer_port#*:}
	# shellcheck disable=SC2059 # the bytes
	printf "\\x${aer_at%%:*}\\x$(echo "$aer_at" | cut -c 4-5)\\x0${aer_at##*.}\\0" >/run/aer
	# DLP, which is fatal unless the severity was changed
	printf '\020\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >>/run/aer
	cat /run/aer >/dev/aer_inject && sleep 3
	aer_status=$?
	# Until it is gone its operations are on top of the bus's, and for up to a second the GPU is failed.
	rmmod aer_inject && sleep 2 && return $aer_status
}

sleep_and_wake() {
	echo devices >/sys/power/pm_test && echo "$1" >/sys/power/state
}

# shellcheck disable=SC2154 # set by port_register, for which it has to run in this shell
link_off_and_on() {
	# shellcheck disable=SC2154 # set by port_register, for which it has to run in this shell
	port_register "$1" 0x10 2 >/run/link && link_control=$(cat /run/link) &&
	config_write "$link_port" "$link_at" 2 $((link_control | 0x10)) && usleep 2000 &&
	config_write "$link_port" "$link_at" 2 $((link_control & ~0x10)) && usleep 200000
}
