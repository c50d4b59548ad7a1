# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that are killed in the middle of another's reset, at moments that a seed draws, with two
# processors: with domains=owner no link between GPUs of different guests carries an access of
# either. In each round a guest with two GPUs, or two guests, reset them; one is killed, and another
# guest takes its GPU at once. --set ROUNDS=200 and LAB_SEED for more of them.
#
# kernel: 6.12
# long: yes
# alone: yes
# boot: sequoia
# smp: 2
# stray: yes

# From the seed, in $drawn: less than $1
draw() {
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	drawn=$(((seed >> 8) % $1))
}

# opens NAME N [OTHER]: a client that reads its GPU all the time
opens() {
	client_start "$1" "$2"
	# A container's windows are made by the process that has made the container.
	[ $# -eq 3 ] || set -- "$1" "$2" "" window
	client_do "$1" "open${3:+ $(client_pid "$3")}" "${4-sleep 1}" map memory-on "attack read us=300" |
		grep -c ': ok'
}

# round N: kill one of a (g0) and b (g1) while the other is being reset, and give its GPU to c
one_round() {
	lab mark "round $1"
	draw 4
	if [ "$drawn" -eq 0 ]; then with=''; else with=a; fi
	opens a 0 >/dev/null
	opens b 1 $with >/dev/null
	client_do a reset >/dev/null
	client_do b reset >/dev/null
	client_do a memory-on >/dev/null
	client_do b memory-on "sleep 20" >/dev/null
	lab mark "reset $1"
	draw 2
	if [ "$drawn" -eq 0 ]; then killed=a left=b gpu=0; else killed=b left=a gpu=1; fi
	client_send $left reset
	draw 3000
	usleep $((drawn * 1000))
	client_kill $killed
	lab mark "taken $1"
	got=$(opens c $gpu)
	lab mark "given $1"
	client_wait $left >/dev/null
	client_do $left memory-on "sleep 20" >/dev/null
	client_do c reset memory-on "sleep 20" >/dev/null
	ok "round $1: c has g$gpu after $killed, ${with:+of the same guest as $left, }was killed" \
		test "$got" -eq 5
	owners="$(sysfs 0 owner) $(sysfs 1 owner)"
	ok "round $1: two owners" test "${owners% *}" != "${owners#* }"
	client_do c attack-stop >/dev/null
	client_do $left attack-stop >/dev/null
	client_stop c
	client_stop $left
	lab mark "over $1"
}

guest() {
	fresh
	seed=$(cat /lab/seed)
	load isolate=1 domains=owner
	vfio_bind 0
	vfio_bind 1
	round=0
	while [ $round -lt "${ROUNDS-6}" ]; do
		round=$((round + 1))
		one_round $round
	done
	lab mark "rounds $round"
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	rounds=$(log_marks | sed -n 's/^rounds //p')
	round=0 kept=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		[ "$(client_reads_live g0 g1 "round $round" "taken $round")" -eq 0 ] || kept=$((kept + 1))
		is "round $round: reads of either guest over a live link between them" \
			"$(client_reads_live g0 g1 "taken $round" "over $round")" 0
	done
	ok "links were live for a guest with both, in $kept rounds" test $kept -gt 0
}

log_marks() {
	# shellcheck disable=SC2154 # set by run
	sed -n 's/^[0-9]* lab mark text=//p' "$log"
}
