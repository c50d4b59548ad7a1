# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a change of `domains` also holds at once for a GPU in use that was reset a moment before,
# and that its guest has switched on again while it might keep its links: when the write has returned
# they are disabled.
#
# boot: redbud
# kernel: 6.12

guest() {
	fresh
	pairs="$(gpu 0)+$(gpu 1),$(gpu 2)+$(gpu 3)"
	load isolate=1 domains="$pairs"
	vfio_bind 3
	client_start a 3
	is "a client opens g3" "$(client_do a open map memory-on | grep -c ': ok')" 3
	# Raw: any other reset restores it seconds later.
	raw_assert 3
	usleep 2000
	raw_release 3
	is "its client switches it on" "$(client_do a memory-off memory-on | grep -c ': ok')" 2
	set_parameter domains gpu
	lab mark "cut"
	is "links of g3 when the write has returned" "$(cut_links g3)" 0x00150000
	sleep 5
	lab mark "cut since long"
	is "links of g3 later" "$(cut_links g3)" 0x00150000
	is "g3" "$(sysfs 3 state)" isolated
	like "its client goes on" "$(client_ask a "read 0xa00148")" '^0x0015'
	client_stop a
	vfio_unbind 3
	ok "unloads" unload
}

judge() {
	ok "g3 had been open" test "$(exposed_ns g3 '' cut)" -gt 0
	note "g3 was open after that for $(exposed_ns g3 cut "cut since long") ns"
	is "g3 was open after that" "$(exposed_ns g3 cut "cut since long")" 0
}
