# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that domains=owner does not rest on the worker: a guest's GPU changes hands while all workers
# are late, and the GPU that stays disables its ends of the links before the reset of the next open
# enables the other ones. A host driver's GPU that cannot is not reset for that: the other is not given
# away.
#
# kernel: 6.12
# alone: yes
# boot: sequoia
# smp: 2
# stray: yes

# g0 does not obey its mask any more.
from_host_driver() {
	ok "a driver has g0" enable_gpu 0
	ok "and g1" enable_gpu 1
	ok "g0 resets" reset 0
	ok "g1 resets" reset 1
	ok "links are kept for it" wait_for 5 sh -c "[ \"\$(cat $(dev 0)/nvlink_isolation/joined_peers)\" = $(gpu 1) ]"
	lab set g0 mask-stuck on
	client_start b 1
	# No longer, or the kernel reports that they are busy for too long.
	ok "workers are late again" delay nvli_work 3000
	lab mark "host driver"
	disable_gpu 1
	vfio_bind 1
	like "no guest gets g1" "$(client_do b open)" "error"
	ok "the log says why" told "$(gpu 1).*GPU $(gpu 0) may still use its NVLinks to this GPU"
	lab mark "not handed over"
	delay -
	lab set g0 mask-stuck off
	client_stop b
	vfio_unbind 1
	disable_gpu 0
}

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
	from_host_driver
	ok "unloads" unload
}

judge() {
	ok "links were live before" test "$(live_ns "$(links | grep '^g0\..-g1' | head -n 1)" "" shared)" -gt 0
	is "resets of g1, links that were live at the second or later, and whether g0 had kept them" \
		"$(late_links shared "handed over" 1)" "2 0 0"
	is "resets of g0 under its driver" "$(count '^[0-9]+ g0 reset ' "host driver" "not handed over")" 0
}
