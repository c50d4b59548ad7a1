# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what old firmware does, which has no ibm,nvlink-peers: all six links are cut, at load and
# after a reset, and the log says why and what to do.
#
# boot: redbud
# tree: redbud-nopeers

guest() {
	fresh
	load isolate=1
	is "peers of g0" "$(sysfs 0 peers)" "unknown unknown unknown unknown unknown unknown"
	is "links of g0" "$(sysfs 0 disabled_links)" 0,1,2,3,4,5
	is "mask of g0" "$(lab get g0 mask)" 0x003f0005
	ok "g0 resets" reset 0
	is "mask of g0 after its reset" "$(lab get g0 mask)" 0x003f0005
	is "state of g0" "$(sysfs 0 state)" isolated
	like "the log says why" "$(dmesg_since)" "$(gpu 0): .*the GPU has no ibm,nvlink-peers"
	like "the log says what to do" "$(dmesg_since)" "skiboot .*v6.3.*firmware update"
	unload
}
