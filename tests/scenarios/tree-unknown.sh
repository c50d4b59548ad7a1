# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a link whose peer has a phandle of no node is cut, and the log names the cell.
#
# boot: redbud
# tree: redbud-unknown

guest() {
	fresh
	load isolate=1
	is "peers of g0" "$(sysfs 0 peers)" "$(gpu 1) cpu $(gpu 1) unknown $(gpu 1) cpu"
	is "links of g0" "$(sysfs 0 disabled_links)" 0,2,3,4
	is "mask of g0" "$(lab get g0 mask)" 0x001d0005
	is "mask of g1" "$(lab get g1 mask)" 0x00150005
	like "the log names the cell" "$(dmesg_since)" \
		"$(gpu 0): .*cell 3 \(0x[0-9a-f]*\): no node has this phandle, so NVLink 3"
	unload
}
