# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the PRI ring of a guest at work is not started because the guest has switched off its
# NVLink unit, behind which the mask is: when enforcement starts, and in an audit. It is the unit that is
# switched on, and no other bit of PMC_ENABLE is changed.
#
# boot: redbud
# kernel: 6.12
# unseen: yes

# The client's own start of the ring, and its unit as it is after a reset
ring_on="write 0x12004c 0x4"
unit_off="write 0x200 0x121"

ring_is_on() {
	[ "$(client_ask a "read 0x12004c")" = 0x00000000 ]
}

unit_is_on() {
	[ "$(client_ask a "read 0x200")" = 0x02000121 ]
}

guest() {
	fresh
	load isolate=0 audit_seconds=1
	vfio_bind 1
	client_start a 1
	is "a client works" "$(client_do a open map memory-on "$ring_on" | grep -c ': ok')" 4
	ok "its ring starts" wait_for 5 ring_is_on
	client_do a "write 0x122204 0x2" "$unit_off" >/dev/null
	is "its ring runs" "$(client_ask a "read 0x200")" 0x00000121
	lab mark "start"
	ok "enforcement starts" set_parameter isolate 1
	ok "isolated" wait_for 10 in_state 1 isolated
	lab mark "started"
	is "links of g1" "$(cut_links g1)" 0x00150000
	ok "only the unit's bit was written" unit_is_on

	# Its last read-back is proof until it is too old.
	client_do a "$unit_off" >/dev/null
	ok "found out by an audit" wait_for 20 unit_is_on
	ok "isolated again" wait_for 10 in_state 1 isolated
	lab mark "audited"
	is "decoding was left on" $(($(config_read "$(gpu 1)" 4 2) & 2)) 2
	client_stop a
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	is "starts of its ring" "$(count ' g1 write off=0x12004c' start audited)" 0
	is "order or bits violated" "$(count ' (violation|dropped) ' start audited)" 0
}
