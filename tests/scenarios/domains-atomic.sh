# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a change of `domains` holds for all GPUs before anything is done with one: a guest that
# switches decoding off and on all the time is not let in by the plan of before, once the first GPU
# has been handled. Nor is it afterwards.
#
# boot: redbud
# kernel: 6.12
# smp: 2

rounds=12

guest() {
	fresh
	pairs="$(gpu 0)+$(gpu 1),$(gpu 2)+$(gpu 3)"
	load isolate=1 domains="$pairs"
	vfio_bind 3
	client_start a 3
	is "a client opens g3" "$(client_do a open map memory-on | grep -c ': ok')" 3
	client_do a "attack memory us=20" >/dev/null
	bad=0
	for round in $(seq $rounds); do
		set_parameter domains "$pairs"
		raw_reset 0
		raw_reset 3
		usleep 300000
		lab mark "to gpu $round"
		set_parameter domains gpu
		lab mark "gpu $round"
		usleep 20000
		[ "$(cut_links g0) $(cut_links g3)" = "0x00150000 0x00150000" ] || bad=$((bad + 1))
	done
	lab mark "attack is over"
	is "rounds that left a link of g0 or g3 open" $bad 0
	note "$(client_do a attack-stop)"
	client_stop a
	vfio_unbind 3
	ok "unloads" unload
}

# let_in: how often somebody but the module's own sequence, which begins with PMC_BOOT_0, had g3
# exposed, after g0 was cut by the new plan, or after the write of `domains` had returned
let_in() {
	awk -v scenario="$scenario" '
		$2 == "lab" && $3 == "mark" {
			if ($0 ~ / text=begin /)
				mine = $NF == scenario
			strict = mine && $4 == "text=gpu"
			changing = mine && $4 == "text=to" && $5 == "gpu"
			next
		}
		changing && $2 == "g0" && $3 == "mask" && $4 ~ /^val=0x..15/ { strict = 1 }
		$2 == "g0" && $3 == "reset" { strict = changing = 0 }
		$2 != "g3" { next }
		$3 == "exposed" { open = strict; next }
		open && $3 == "read" && $4 == "off=0x000000" { open = 0 }
		open && $3 == "closed" { n[changing]++; open = 0 }
		END { print n[1] + 0, n[0] + 0 }' "$log"
}

judge() {
	result=$(let_in)
	is "times that g3 was let in by the old plan, when the new one was at work already" \
		"${result% *}" 0
	is "times that it was, when the write had returned" "${result#* }" 0
	ok "it was switched on often" test "$(count ' g3 config-write off=0x004 ')" -ge 1000
}
