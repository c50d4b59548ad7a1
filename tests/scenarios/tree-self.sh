# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a link that is said to lead to the GPU itself is cut, and the log names the cell.
#
# boot: redbud
# tree: redbud-self

guest() {
	fresh
	load isolate=1
	is "peers of g0" "$(sysfs 0 peers)" "$(gpu 1) unknown $(gpu 1) cpu $(gpu 1) cpu"
	is "links of g0" "$(sysfs 0 disabled_links)" 0,1,2,4
	is "mask of g0" "$(lab get g0 mask)" 0x00170005
	is "mask of g1" "$(lab get g1 mask)" 0x00150005
	like "the log names the cell" "$(dmesg_since)" \
		"$(gpu 0): .*cell 1 \(0x201\): this is the GPU itself, so NVLink 1"
	unload
}
