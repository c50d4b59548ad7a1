# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest does not get at its GPU with a link open by what it can do while it resets it:
# switch decoding, power states, its BAR, thaw its PE, all from other threads, while one reads and
# writes by the mapping in every reset that it can cause.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes

# attack "MODES" CMD...: the attacker does CMDs while it attacks. Whether they succeed is its
# business: some cannot.
attack() {
	modes=$1
	shift
	lab mark "attack $modes"
	like "attack $modes" "$(client_do a "attack ring mask=0x00150000 us=2000")" ": ok"
	for mode in $modes; do
		client_do a "attack $mode us=3000" >/dev/null
	done
	for command in "$@"; do
		client_do a "$command" "sleep 20" memory-on d0 >/dev/null
	done
	for mode in $modes; do
		client_do a "attack-stop $mode" >/dev/null
	done
	# All is over: what it can reach now is cut.
	client_do a d0 reset memory-on "sleep 30" >/dev/null
	got=$(client_do a "attack-stop ring")
	note "attack $modes: $got"
	is "masks that it found open with attack $modes" "$(echo "$got" | statistic mask-open)" 0
	ok "it did find some cut with attack $modes" test "$(echo "$got" | statistic mask-cut)" -gt 0
	lab mark "after attack $modes"
	is "g0 is isolated after attack $modes" "$(sysfs 0 state)" isolated
	is "links of g0 after attack $modes" "$(cut_links g0)" 0x00150000
}

guest() {
	fresh
	load isolate=1
	vfio_bind 0
	client_start a 0
	is "a client opens g0" "$(client_do a open map memory-on)" "open: ok
map: ok 0x1000000
memory-on: ok"
	on_x86 || like "it enables EEH" "$(client_do a eeh-enable)" "ok 0"
	lab mark "attacks begin"
	for mode in memory d3 bar unfreeze; do
		attack $mode reset eeh-fundamental eeh-deactivate hot-reset
	done
	attack "memory d3 bar unfreeze" eeh-hot eeh-deactivate eeh-deactivate
	lab mark "attacks are over"
	is "its neighbour was isolated all the time" "$(sysfs 1 state) $(sysfs 1 resets)" \
		"isolated 0"
	client_stop a
	vfio_unbind 0
	ok "unloads" unload
}

judge() {
	is "reads of the attacker while its GPU was exposed" \
		"$(client_reads_exposed g0 "attacks begin" "attacks are over")" 0
	ok "the attacker did read" test "$(client_reads g0 "attacks begin" "attacks are over")" -gt 0
	for link in $(links); do
		is "$link was live during the attacks" \
			"$(live_ns "$link" "attacks begin" "attacks are over")" 0
	done
	# With a mapping in place EEH's DEACTIVATE leaves the attacker the sequence itself, and no more.
	periods=$(open_periods g0 "attacks begin" "attacks are over")
	note "g0 exposed in $(echo "$periods" | wc -l) sequences, at most for" \
		"$(echo "$periods" | sort -n | tail -n 1 | cut -d ' ' -f 1) ns"
	is "times it was exposed other than in a sequence" "$(echo "$periods" | grep -cv applied)" 0
	is "times it was exposed for too long" \
		"$(echo "$periods" | too_long | grep -c .)" 0
}
