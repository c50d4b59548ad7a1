# SPDX-License-Identifier: GPL-2.0-only
#
# The attacks of vfio-attack with two processors that race: the attacker's threads run while the
# module works. Times are the host's here.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# smp: 2
# stray: yes

guest() {
	fresh
	load isolate=1
	vfio_bind 0
	client_start a 0
	client_do a open map memory-on eeh-enable >/dev/null
	client_do a "attack ring mask=0x00150000 us=500" >/dev/null
	for mode in memory d3 bar unfreeze; do
		client_do a "attack $mode us=500" >/dev/null
	done
	for round in 1 2 3; do
		for op in reset hot-reset eeh-fundamental; do
			lab mark "$op $round"
			client_do a $op >/dev/null
			lab mark "after $op $round"
			[ $op != eeh-fundamental ] || client_do a eeh-deactivate eeh-deactivate >/dev/null
			client_do a memory-on d0 "sleep 200" >/dev/null
		done
	done
	for mode in memory d3 bar unfreeze; do
		client_do a "attack-stop $mode" >/dev/null
	done
	client_do a d0 reset memory-on "sleep 100" >/dev/null
	note "$(client_do a attack-stop)"
	ok "g0 is isolated at the end" wait_for 200 in_state 0 isolated
	is "links of g0 at the end" "$(cut_links g0)" 0x00150000
	is "its neighbour was isolated all the time" "$(sysfs 1 state) $(sysfs 1 resets)" "isolated 0"
	client_stop a
	vfio_unbind 0
	ok "unloads" unload
}

judge() {
	for round in 1 2 3; do
		for op in reset hot-reset; do
			is "reads of the attacker while its GPU was exposed, $op $round" \
				"$(client_reads_exposed g0 "$op $round" "after $op $round")" 0
		done
	done
	periods=$(open_periods g0)
	note "g0 exposed in $(echo "$periods" | wc -l) sequences, at most for" \
		"$(echo "$periods" | sort -n | tail -n 1 | cut -d ' ' -f 1) ns"
	note "reads of the attacker in them: $(client_reads_exposed g0)"
}
