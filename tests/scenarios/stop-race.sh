# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that isolate=0 leaves every GPU `off`, whatever the worker is doing at that moment, and that
# nothing of a GPU is touched once isolate reads 0. The worker is kept for a while in each place where
# it may have looked at the state before and acts on it afterwards. A write that
# switches a GPU on at that moment is passed on. The module does not leave a GPU to a driver that binds then.
# By name on x86-64: the worker is the same there.
#
# x86: by name
# boot: redbud
# kernel: 6.12
# smp: 2
# unseen: yes

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

is_cut() {
	[ "$(cut_links "g$1")" = 0x00150000 ]
}

# Of all GPUs, each once
states() {
	cat /sys/bus/pci/devices/*/nvlink_isolation/state | sort -u | tr '\n' ' ' | sed 's/ $//'
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
	for symbol in nvli_opal_fires nvli_link_went_down nvli_look nvli_gate_ring nvli_report \
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
			"0 off, then off"
	done
	note "$round rounds, with the worker at:$windows"
	ok "there were 10" test $round -ge 10
	lab set g1 mask-stuck off
	lab set g3 ring-busy off
	raw_release 2

	set_parameter audit_seconds 0
	set_parameter isolate 1
	ok "g0 is isolated" wait_for 90 in_state 0 isolated
	for way in memory enable; do
		raw_reset 0
		sleep 1
		delay nvli_sequence_run 500
		# The delayed processor has interrupts off and holds pci_lock. The other one must not read
		# config space meanwhile, nor sleep: it could need the first one to wake up.
		killall -STOP lab_watch
		# shellcheck disable=SC2016 # for that shell
		taskset 1 sh -c 'until [ "${n:-0}" -gt 0 ]; do
				read -r n </sys/module/lab_driver/parameters/delayed
			done
			echo 0 >/sys/module/nvlink_isolation/parameters/isolate' &
		taskset -p 2 $$ >/dev/null
		case $way in
		memory) ok "switched on when enforcement ends" memory 0 on ;;
		enable) ok "enabled when enforcement ends" enable_gpu 0 ;;
		esac
		is "and decoding is on" "$(($(config_read "$(gpu 0)" 4 2) & 2))" 2
		wait $!
		lab_counts
		taskset -p 3 $$ >/dev/null
		killall -CONT lab_watch
		delay -
		[ $way = memory ] || disable_gpu 0
		memory 0 off
		set_parameter isolate 1
	done

	set_parameter isolate 0
	set_parameter audit_seconds 1
	reset 3
	delay nvli_look 400
	set_parameter isolate 1 &
	n=0
	until [ "$n" -gt 0 ]; do read -r n </sys/module/lab_driver/parameters/delayed; done
	ok "a driver comes while enforcement begins" enable_gpu 3
	wait
	delay -
	is "it is isolated, and not left alone" "$(sysfs 3 state) $(sysfs 3 last_error)" "isolated "
	lab set g3 mask 0
	ok "its links are read back from then on" wait_for 10 is_cut 3
	disable_gpu 3
	set_parameter isolate 0

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
