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

# applied TEXT READS WRITES OTHERS: what the last attempt took, GPU and bridges together.
applied() {
	trace_applies | tail -n 1 >/run/applied
	read -r err reads writes others _ </run/applied
	is "$1 was applied" "$err" err=0
	at_most "config reads, $1" "$reads" "$2"
	at_most "config writes, $1" "$writes" "$3"
	at_most "other calls of firmware, $1" "$others" "$4"
}

guest() {
	# shellcheck source=/dev/null
	. /lab/bench.sh
	killall -STOP lab_watch
	v100s >/dev/null
	# As built by gcc 12 for 6.1 they are 21, 26 and 72. Others need some more: for 6.12 the last is 93.
	foreign_costs
	at_most "instructions that a config read pays" "$read" 30
	at_most "instructions that a config write pays" "$write" 36
	at_most "instructions that pci_enable_device() pays" "$enable" 100

	trace_on opal
	lab mark "sysfs"
	reset 0
	lab mark "after sysfs"
	trace_off
	applied "after a reset through sysfs" 64 10 7
	trace_on opal
	lab mark "raw"
	raw_resets "$(gpu 0)"
	ok "isolated after a raw reset" wait_for 10 g0_is_isolated
	lab mark "after raw"
	trace_off
	applied "after a raw reset" 65 10 7
	set_parameter audit_seconds 1
	lab mark "audits"
	sleep 10
	lab mark "after audits"
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
	audits=$(count ' g0 read ' audits "after audits")
	ok "there were audits" test "$audits" -ge 2
	is "MMIO reads of audits that are not of the mask" \
		"$(count ' g0 read off=0x(0|1)' audits "after audits")" 0
	is "MMIO writes, audits" "$(count ' g. write ' audits "after audits")" 0
	# The raw reset has left its BARs at 0: four of them are written and put back, and COMMAND.
	is "config writes, audits" "$(count ' g0 config-write ' audits "after audits")" \
		$((10 * audits))
}
