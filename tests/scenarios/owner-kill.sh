# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that are killed in the middle of another's reset, at moments that a seed draws, with two
# processors: with domains=owner no link between GPUs of different guests is live while both can be
# reached. g0 and g1 always have a guest each, or one that has both. In each round one of the two
# clients is killed while the other resets its GPU, and a new one takes the GPU at once: as the
# other's guest, or as a guest of its own. Then both reset, and the next round begins.
# --set ROUNDS=50 and LAB_SEED for more of them.
#
# kernel: 6.12
# x86: by name
# long: yes
# alone: yes
# boot: sequoia
# smp: 2
# stray: yes

# From the seed, in $drawn: less than $1
draw() {
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	drawn=$(((seed >> 16) % $1))
}

# takes N [OTHER]: a new client takes the N-th GPU and reads it all the time: of the guest that OTHER
# belongs to, or a guest of its own. In $got: the commands that succeeded, of five
takes() {
	serial=$((serial + 1))
	client_start "c$serial" "$1"
	# A guest's DMA windows are made by the process that has made its container.
	if [ $# -eq 2 ]; then set -- "$1" "open $(client_pid "$2")" "sleep 1"; else set -- "$1" open window; fi
	got=$(client_do "c$serial" "$2" "$3" map memory-on "attack read us=2000" | grep -c ': ok')
	if [ "$1" -eq 0 ]; then on0=c$serial; else on1=c$serial; fi
}

# Both at the same time
both_reset() {
	client_send "$on0" reset
	client_send "$on1" reset
	client_wait "$on0" >/dev/null
	client_wait "$on1" >/dev/null
	client_do "$on0" memory-on >/dev/null
	client_do "$on1" memory-on >/dev/null
}

one_round() {
	draw 2
	gpu=$drawn
	if [ "$gpu" -eq 0 ]; then killed=$on0 left=$on1; else killed=$on1 left=$on0; fi
	draw 2
	if [ "$drawn" -eq 0 ]; then with=$left guests=one; else with='' guests=two; fi
	draw 4500
	client_send "$left" reset
	usleep $((drawn * 1000))
	client_kill "$killed"
	lab mark "taken $1 $guests"
	# shellcheck disable=SC2086 # one word or none
	takes "$gpu" $with
	client_wait "$left" >/dev/null
	client_do "$left" memory-on >/dev/null
	is "round $1: what succeeds for who takes g$gpu" "$got" 5
	both_reset
	owners="$(sysfs 0 owner) $(sysfs 1 owner)"
	is "round $1: guests that own g0 and g1" \
		"$([ "${owners% *}" = "${owners#* }" ] && echo one || echo two)" $guests
	ok "round $1: $left is there" client_alive "$left"
}

guest() {
	fresh
	seed=$(cat /lab/seed)
	serial=0
	load isolate=1 domains=owner
	vfio_bind 0
	vfio_bind 1
	takes 0
	takes 1
	both_reset
	round=0
	while [ $round -lt "${ROUNDS-6}" ]; do
		round=$((round + 1))
		one_round $round
	done
	lab mark "over $round"
	got=$(client_do "$on0" attack-stop; client_do "$on1" attack-stop)
	note "$got"
	client_stop "$on0"
	client_stop "$on1"
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

# For each round: its number, how many guests had the two GPUs, and how often a link between these was
# live while both had memory decoding on: times at which that began, and whether it was so at the start
live_rounds() {
	awk '
		function look() {
			is_on = n_live && memory["g0"] && memory["g1"]
			if (is_on && !was_on)
				times++
			was_on = is_on
		}
		$2 == "lab" && $3 == "mark" && $4 ~ /^text=(taken|over)$/ {
			if (round)
				print round, guests, times + 0
			round = $4 == "text=taken" ? $5 : 0
			guests = $6
			times = was_on
			next
		}
		$2 == "link" && $3 ~ /^g0[.].-g1[.]/ {
			n_live += ($4 == "live") - live[$3]
			live[$3] = $4 == "live"
		}
		$3 == "memory" { memory[$2] = $4 == "on" }
		$3 == "reset" { memory[$2] = 0 }
		{ look() }' "$log"
}

judge() {
	live_rounds >"$dir/rounds"
	while read -r round guests times; do
		[ "$guests" = one ] ||
			is "round $round: live links between two guests that reach their GPUs" "$times" 0
	done <"$dir/rounds"
	ok "links were live between GPUs of one guest in some rounds" \
		grep -q ' one [1-9]' "$dir/rounds"
	note "rounds with one guest, and with links that were live in them: \
$(grep -c ' one ' "$dir/rounds") $(grep -c ' one [1-9]' "$dir/rounds"); with two: $(grep -c ' two ' "$dir/rounds")"
}
