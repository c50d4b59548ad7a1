# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module's look at a GPU of the host whose PE is frozen, which nobody has noticed yet,
# leaves it to EEH: the PE is not marked without the event that has EEH recover it. Once with a driver
# at work, which notices some time later; once with one that does not notice, of whose GPU the module
# tells EEH after three audit periods; and once with only the module there.
#
# boot: redbud
# kernel: 6.12
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:|Recovering PHB#)

# As eeh_wait, but soon: EEH takes a minute and a half, in which the PCI core waits for the GPU
recovered() {
	for _ in $(seq $((120 + 5 * period))); do
		[ "$(eeh_verdicts | grep -c successful)" -le "$1" ] || return 0
		sleep 1
	done
	return 1
}

just_read_back() {
	read -r age <"$(dev 1)/nvlink_isolation/verified" && [ "$age" = 0 ]
}

guest() {
	fresh
	# Starting a process takes long on a debug kernel: what follows is to be done in three periods.
	period=2
	if on_debug; then period=16; fi
	load isolate=1 audit_seconds=$period
	ok "a driver has g1" bind_gpu 1 lab_driver_aware
	ok "it is isolated" wait_for 5 in_state 1 isolated
	read=$(dev 1)/lab_driver/read
	is "its read" "$(cat "$read")" 0x00000000
	couple 1
	count=$(eeh_verdicts | wc -l)
	# The next audit comes at most one and a half periods after a read-back, and EEH is told after three.
	ok "it was just read back" wait_for $((2 * period)) just_read_back
	lab mark frozen
	lab set g1 frozen on
	sleep $((3 * period / 2))
	lab mark "after frozen"
	note "looked at while frozen: $(sysfs 1 state), $(sysfs 1 last_error);" \
		"PEs: $(cat "$(dev 1)/lab_driver/eeh")"
	is "the driver's read, which notices" "$(cat "$read")" 0xffffffff
	ok "EEH recovers it" recovered "$count"
	is "it is thawed" "$(lab get g1 frozen)" false
	is "the driver's read after that" "$(cat "$read")" 0x00000000
	is "whose it is" "$(driver 1)" lab_driver_aware
	ok "it is isolated again" wait_for 30 in_state 1 isolated
	is "links of g1" "$(cut_links g1)" 0x00150000

	count=$(eeh_verdicts | wc -l)
	lab set g1 frozen on
	ok "EEH recovers what nobody else notices" recovered "$count"
	ok "it is isolated after that" wait_for 30 in_state 1 isolated
	is "the driver has it still" "$(driver 1) $(cat "$read")" "lab_driver_aware 0x00000000"
	unbind_gpu 1

	couple 0
	lab mark "frozen and idle"
	lab set g0 frozen on
	sleep 5
	lab mark "after frozen and idle"
	note "idle: $(sysfs 0 state), $(sysfs 0 last_error)"
	# The next access notices: here a read of the id, which EEH checks if it is ones.
	lab set g0 frozen-config on
	note "its id: $(config_read "$(gpu 0)" 0 4)"
	lab set g0 frozen-config off
	ok "an idle GPU is recovered, too" wait_for 30 idle_again
	uncouple
	ok "unloads" unload
}

idle_again() {
	[ "$(lab get g0 frozen) $(sysfs 0 state) $(cut_links g0)" = "false isolated 0x00150000" ]
}

judge() {
	ok "the module looked at the frozen GPU" \
		test "$(count ' g1 frozen-read off=0x000000' frozen "after frozen")" -gt 0
	is "and no further than its first register" \
		"$(count ' g1 frozen-(read|write) off=0x[^0]' frozen "after frozen")" 0
}
