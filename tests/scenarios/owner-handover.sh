# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that domains=owner does not rest on the worker: a guest's GPU changes hands while all workers
# are late, and the GPU that stays disables its ends of the links before the reset of the next open
# enables the other ones.
#
# kernel: 6.12
# alone: yes
# boot: sequoia
# smp: 2
# stray: yes

guest() {
	fresh
	load isolate=1 domains=owner
	vfio_bind 0
	vfio_bind 1
	client_start a 0
	is "a opens g0" "$(client_do a open window map memory-on | grep -c ': ok')" 4
	client_start b 1
	is "b opens g1 with it" "$(client_do b "open $(client_pid a)" map memory-on | grep -c ': ok')" 3
	is "they reset them" "$(client_do a reset; client_do b reset)" "reset: ok
reset: ok"
	ok "links are kept" wait_for 5 sh -c "[ \"\$(cat $(dev 0)/nvlink_isolation/joined_peers)\" = $(gpu 1) ]"
	lab mark shared
	ok "workers are late" delay nvli_work 3000
	# One step after the other: close, a new container, open
	like "g1 is another guest's" "$(client_do b "move 0")" ': ok'
	lab mark "handed over"
	delay -
	numbers="$(sysfs 0 owner) $(sysfs 1 owner)"
	ok "two owners" test "${numbers% *}" != "${numbers#* }"
	client_stop a
	client_stop b
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	ok "links were live before" test "$(live_ns "$(links | grep '^g0\..-g1' | head -n 1)" "" shared)" -gt 0
	is "resets of g1, links that were live at the second or later, and whether g0 had kept them" \
		"$(late_links shared "handed over" 1)" "2 0 0"
}
