# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest does not get at its GPU with a link open by this interleaving: it begins an EEH
# reset, one of its threads sleeps in VFIO_DEVICE_RESET, and another ends the EEH reset meanwhile,
# thaws the PE and switches decoding on. A third thread attacks by the mapping all the time. First
# alone, then with a neighbour that reads its own GPU without end.
#
# ROUNDS (default 1) is how often each; `run --set ROUNDS=20 deactivate` is the long run.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# smp: 2
# stray: yes

state() {
	note "$1: $(sysfs 0 state) $(sysfs 0 last_error)"
}

# round N NAME: the PCI core waits for the GPU in steps of 1, 2, 4 ... seconds, so the end of the EEH
# reset comes at another time in each round: early in a step or late. The reset may fail: what counts
# is what the attacker gets.
round() {
	case $(($1 % 5)) in
	0) after=28 ;;
	1) after=12 ;;
	2) after=20 ;;
	3) after=24 ;;
	4) after=16 ;;
	esac
	shift
	note "$1: $(client_do a eeh-hot), to be ended after $after s"
	client_do a "attack ring mask=0x00150000 us=100" \
		"attack deactivate after=$after us=20" >/dev/null
	note "$1: $(client_do a reset)"
	state "$1, reset"
	client_do a "sleep 500" >/dev/null
	state "$1, half a second later"
	note "$1: $(client_do a "attack-stop deactivate")"
	got=$(client_do a "attack-stop ring")
	note "$1: $got"
	is "masks that the attacker found open, $1" "$(echo "$got" | statistic mask-open)" 0
	# What a client has to do to have its GPU back.
	like "the attacker gets its GPU back, $1" "$(client_do a reset memory-on "read 0x700000")" \
		"read 0x700000: ok"
	ok "g0 is isolated, $1" wait_for 90 in_state 0 isolated
}

guest() {
	fresh
	load isolate=1
	vfio_bind 0
	vfio_bind 1
	client_start a 0
	client_start b 1
	is "a client opens g0" "$(client_do a open map memory-on eeh-enable | grep -c ': ok')" 4
	is "a neighbour opens g1" "$(client_do b open map memory-on | grep -c ': ok')" 3
	lab mark "attack begins"
	for n in $(seq "${ROUNDS:-1}"); do
		round "$n" "round $n"
	done
	client_do b "attack read us=1000" >/dev/null
	for n in $(seq "${ROUNDS:-1}"); do
		round "$n" "round $n with a neighbour"
	done
	got=$(client_do b attack-stop)
	note "the neighbour: $got"
	is "reads that the neighbour's GPU did not answer" \
		"$(echo "$got" | statistic ones) $(echo "$got" | statistic blank)" "0 0"
	lab mark "attack is over"
	is "the neighbour is isolated and was not reset" "$(sysfs 1 state) $(sysfs 1 held)" "isolated 0"
	client_stop a
	client_stop b
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	for gpu in g0 g1; do
		is "reads of $gpu's client while it was exposed" \
			"$(client_reads_exposed $gpu "attack begins" "attack is over")" 0
	done
	ok "the attacker did read" test "$(client_reads g0 "attack begins" "attack is over")" -gt 0
	open_periods g0 "attack begins" "attack is over" >"$dir/periods"
	sort -n "$dir/periods" | uniq -c | while read -r line; do note "g0 exposed: $line"; done
}
