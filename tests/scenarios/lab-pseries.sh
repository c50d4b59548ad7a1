# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Shows that the lab boots a machine that is not powernv.
#
# boot: pseries

guest() {
	like "machine" "$(cat /proc/cpuinfo)" 'machine.*pSeries'
}
