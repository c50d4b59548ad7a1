# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that on a machine that is not powernv the module does not load, and says why.
#
# boot: pseries

guest() {
	like "machine" "$(cat /proc/cpuinfo)" 'machine.*pSeries'
	nok "it does not load" modprobe nvlink_isolation isolate=1
	like "as no such device" "$(modprobe nvlink_isolation 2>&1)" "No such device"
	like "and says why" "$(dmesg_since)" "nvlink_isolation: this machine is not .*powernv"
}
