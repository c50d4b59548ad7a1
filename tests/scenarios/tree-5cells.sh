# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what a list of five peers does: nobody knows which cell is missing, so all six links are
# cut, and the log says so.
#
# boot: redbud
# tree: redbud-5cells

guest() {
	fresh
	load isolate=1
	is "peers of g0" "$(sysfs 0 peers)" "unknown unknown unknown unknown unknown unknown"
	is "state of g0" "$(sysfs 0 state)" isolated
	is "links of g0" "$(sysfs 0 disabled_links)" 0,1,2,3,4,5
	is "mask of g0" "$(lab get g0 mask)" 0x003f0005
	is "mask of g1" "$(lab get g1 mask)" 0x00150005
	like "the log names the cell" "$(dmesg_since)" \
		"$(gpu 0): .*not six cells long but 5 \(20 bytes\), so cell 5 is missing"
	unload
}
