# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the metrics of a GPU that is isolated, held, or exposed to its neighbour are what the
# emulated GPUs have: masks, links that are live, resets, and how often decoding was switched on. By name
# on x86-64: the command is the same there.
#
# x86: by name
# boot: redbud
# command: yes

# sample NAME N: the value of that metric of the N-th GPU
sample() {
	nvlink-isolation metrics | sed -n "s/^nvlink_isolation_$1{[^}]*gpu=\"$(gpu "$2")\"[^}]*} //p"
}

# cut N: how many links its mask disables, as the device has it
cut() {
	cut_mask=$(($(cut_links "g$1") >> 16)) cut_n=0
	while [ $cut_mask -ne 0 ]; do
		cut_n=$((cut_n + (cut_mask & 1))) cut_mask=$((cut_mask >> 1))
	done
	echo $cut_n
}

# same N WHAT ISOLATED HELD EXPOSED: the GPU is so, and has as many links disabled as the device
same() {
	is "g$1, $2: isolated, held, required, exposed" "$(sample gpu_isolated "$1") $(sample gpu_held "$1")\
 $(sample gpu_required_links "$1") $(sample gpu_exposed_links "$1")" "$3 $4 3 $5"
	is "g$1, $2: links disabled" "$(sample gpu_disabled_links "$1")" "$(cut "$1")"
}

guest() {
	fresh
	lab mark "first"
	switched_on=$(lab get g0 switched-on)
	load isolate=1 audit_seconds=0
	for n in 0 1 2 3; do
		ok "g$n is isolated" wait_for 10 in_state $n isolated
	done
	lab mark "isolated"
	same 0 "isolated" 1 0 0
	lab mark "isolated no more"

	lab set g0 mask-stuck on
	reset 0
	ok "g0 is held" wait_for 10 held 0
	lab mark "held"
	same 0 "held" 0 1 0
	same 1 "beside one that is held" 1 0 0
	lab mark "held no more"

	lab set g1 mask-stuck on
	reset 1
	ok "g1 is held" wait_for 10 held 1
	lab mark "exposed"
	same 0 "exposed" 0 1 3
	same 1 "exposed" 0 1 3
	same 2 "far from them" 1 0 0
	lab mark "exposed no more"

	for n in 0 1; do
		lab set g$n mask-stuck off
		ok "g$n is tried again" apply $n
	done
	lab mark "again"
	same 0 "isolated again" 1 0 0
	lab mark "again no more"
	is "how often g0 was switched on" "$(sample gpu_switched_on_total 0)" \
		$(($(lab get g0 switched-on) - switched_on))
	lab mark "resets $(sample gpu_resets_total 0)"
	ok "unloads" unload
}

# live FROM: how many links of g0 to g1 the devices had live then
live() {
	live_n=0
	for link in g0.0-g1.0 g0.2-g1.2 g0.4-g1.4; do
		[ "$(live_ns $link "$1" "$1 no more")" = 0 ] || live_n=$((live_n + 1))
	done
	echo $live_n
}

judge() {
	is "links live, isolated" "$(live isolated)" 0
	is "links live, one held" "$(live held)" 0
	is "links live, exposed" "$(live exposed)" 3
	is "links live, isolated again" "$(live again)" 0
	said=$(log_segment | sed -n 's/.* mark text=resets //p')
	[ -n "$said" ] || said=$(sed -n 's/.* mark text=resets //p' "$log" | tail -n 1)
	is "resets of g0" "$said" "$(count ' g0 reset ' first again)"
}
