# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a peer with a shorter list of links proves nothing: g1 does not list link 4, over which g0
# leads to it, so it is isolated with that link enabled. While g0 has failed, it is exposed to g1.
#
# boot: redbud
# tree: redbud-asymmetric

guest() {
	fresh
	lab set g0 mask-stuck on
	load isolate=1
	ok "g0 has failed" wait_for 10 in_state 0 failed
	is "state of g1" "$(sysfs 1 state)" isolated
	is "links of g1 that are disabled" "$(cut_links g1)" 0x00050000
	is "g0 is exposed to" "$(sysfs 0 exposed_peers)" "$(gpu 1)"
	like "the log says so" "$(dmesg_since)" "does not list as many links back"
	lab set g0 mask-stuck off
	ok "g0 obeys" apply 0
	is "g0 is exposed to nobody then" "$(sysfs 0 exposed_peers)" ""
	unload
}
