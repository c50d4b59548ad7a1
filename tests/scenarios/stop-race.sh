# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that isolate=0 leaves every GPU `off`, whatever the worker is doing at that moment, and that
# nothing of a GPU is touched once isolate reads 0. The worker is kept for a while in each place where
# it may have looked at the state before and acts on it afterwards.
#
# boot: redbud
# kernel: 6.12
# smp: 2

# cycle ROUND MS: on for so long, then off
cycle() {
	set_parameter isolate 1
	usleep $(($2 * 1000))
	set_parameter isolate 0
	lab mark "off $1"
	now="$(parameter isolate) $(states)"
	usleep 150000
	states="$states
$now, then $(states)"
	lab mark "on $1"
}

states() {
	cat /sys/bus/pci/devices/*/nvlink_isolation/state | tr '\n' ' ' | sed 's/ $//'
}

guest() {
	fresh
	# One that is isolated, one that fails, one in reset, one that fails with its ring.
	lab set g1 mask-stuck on
	raw_assert 2
	lab set g3 ring-busy on
	load audit_seconds=1
	windows=''
	round=0
	# Of today's worker, and of the one that had the defect.
	for symbol in nvli_opal_fires nvli_link_went_down nvli_look nvli_gate_ring nvli_tell \
		nvli_resets_are_watched nvli_enforce_audit nvli_enforce_apply; do
		delay $symbol 60 2>/dev/null || continue
		windows="$windows $symbol"
		states=''
		for ms in 0 20 40 60 90; do
			round=$((round + 1))
			cycle $round $ms
		done
		delay -
		is "what a stop leaves with the worker at $symbol" "$(echo "$states" | sort -u | grep .)" \
			"0 off off off off, then off off off off"
	done
	note "$round rounds, with the worker at:$windows"
	ok "there were 10" test $round -ge 10
	lab set g1 mask-stuck off
	lab set g3 ring-busy off
	raw_release 2
	set_parameter isolate 1
	for n in 0 1 2 3; do
		ok "g$n is isolated at the end" wait_for 90 in_state $n isolated
	done
	ok "unloads" unload
}

judge() {
	touched=$(awk -v scenario="$scenario" '
		$2 == "lab" && $3 == "mark" {
			if ($0 ~ / text=begin /)
				mine = $NF == scenario
			off = mine && $4 == "text=off"
			next
		}
		off && $2 ~ /^g[0-9]/ && $3 ~ /^((held|mute)-)?(read|write|config-write)$/' "$log")
	is "accesses to a GPU with isolate=0" "$(echo "$touched" | grep -c .)" 0 ||
		echo "$touched" | head -n 20 | sed 's/^/# /'
}
