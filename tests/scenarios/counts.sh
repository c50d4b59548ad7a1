# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that cutting links, and what others pay for it, takes no more accesses and instructions than
# when these limits were set. They are counts, and the same on every run: who makes one smaller lowers
# its limit, and who has to make one larger says why.
#
# boot: bench
# tree: none
# alone: yes

g0_is_isolated() {
	in_state 0 isolated
}

# at_most TEXT COUNT LIMIT
at_most() {
	ok "$1: $2, at most $3" test "$2" -gt 0 -a "$2" -le "$3"
}

# verified TEXT LIMIT: how often the first verification in the record accessed config space.
verified() {
	at_most "config accesses of the gate, $1" "$(trace_accesses | head -n 1)" "$2"
}

guest() {
	# shellcheck source=/dev/null
	. /lab/bench.sh
	killall -STOP lab_watch
	v100s >/dev/null
	# As built by gcc 12 for 6.1, for which the limits are, they are 21, 26 and 98. For 6.12 the last is 120.
	foreign_costs
	at_most "instructions that a config read pays" "$read" 30
	at_most "instructions that a config write pays" "$write" 36
	at_most "instructions that pci_enable_device() pays" "$enable" 100

	# Right after a reset its BARs hold 0: they are programmed and put back. Two of the accesses find out
	# afterwards that nothing was over BAR0, for which all but BAR0 are read only then if they are in place.
	trace_on
	lab mark "sysfs"
	reset 0
	lab mark "after sysfs"
	trace_off
	verified "after a reset through sysfs" 21
	trace_on
	config_write "$(gpu 0)" 4 2 0x0102
	trace_off
	verified "who switches it on" 6
	config_write "$(gpu 0)" 4 2 0x0100
	trace_on
	lab mark "raw"
	raw_resets "$(gpu 0)"
	ok "isolated after a raw reset" wait_for 10 g0_is_isolated
	lab mark "after raw"
	trace_off
	verified "after a raw reset" 21
	set_parameter audit_seconds 1
	# By the shorter period the last read-backs are too old: what comes first is no audit.
	sleep 2
	lab mark "audits"
	sleep 10
	lab mark "after audits"
	lab set g0 mask-stuck on
	lab mark "stuck"
	raw_resets "$(gpu 0)"
	ok "it fails if its mask cannot be written" wait_for 10 in_state 0 failed
	lab mark "after stuck"
	lab set g0 mask-stuck off
	ok "unloads" unload
	killall -CONT lab_watch
}

# judge_sequence MARK: the seven accesses that it takes, and seven reads beside: is it a GV100; is the
# ring started, for which the emulated one is asked four times; has it all its stations; and one that
# has the decode configuration arrive.
judge_sequence() {
	is "MMIO writes, $1" "$(count ' g0 write ' "$1" "after $1")" 4
	is "MMIO reads, $1" "$(count ' g0 read ' "$1" "after $1")" 10
}

judge() {
	judge_sequence sysfs
	judge_sequence raw
	audits=$(count ' g0 read off=0xa00148 ' audits "after audits")
	ok "there were audits" test "$audits" -ge 2
	is "MMIO reads of audits: the chip, and the mask" "$(count ' g0 read ' audits "after audits")" \
		$((2 * audits))
	is "MMIO writes, audits" "$(count ' g. write ' audits "after audits")" 0
	# The raw reset has left its BARs at 0: four of them are written and put back, and COMMAND.
	is "config writes, audits" "$(count ' g0 config-write ' audits "after audits")" \
		$((10 * audits))
	# Its links are enabled after the reset, and such a read takes a call of firmware. An audit may come
	# before it, and reads with decoding on.
	ok "decoding was switched on to find out" test "$(memory_on g0 stuck "after stuck")" -gt 0
	is "config reads meanwhile, with decoding on" "$(log_segment stuck "after stuck" | awk '
		$2 == "g0" && $3 == "reset" { was_reset = 1 }
		$2 == "g0" && $3 == "memory" { on = $4 == "on" }
		$2 == "g0" && $3 == "config-read" && on && was_reset { n++ }
		END { print n + 0 }')" 0
}
