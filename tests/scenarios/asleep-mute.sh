# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module wakes no sleeping GPU that does not answer: the kernel would use up the
# configuration that it saved of it, and complain each time. One that answers late after a reset of the
# switch's port has its BARs afterwards, and one that does not answer at all does not fill the log.
#
# kernel: 6.12
# boot: redbud

complaints() {
	dmesg_since | grep -c 'power state'
}

guest() {
	fresh
	load isolate=1 audit_seconds=1
	vfio_bind 0
	ok "it sleeps" wait_for 5 is_asleep 0
	want=$(bar_registers 0)
	dmesg_clear
	lab set g0 late-ms 1000
	ok "it is reset below its port" reset_below "$(port 0)"
	ok "isolated after that" wait_for 10 in_state 0 isolated
	sleep 5
	is "its BARs" "$(bar_registers 0)" "$want"
	is "complaints about a GPU that is late" "$(complaints)" 0
	lab set g0 late-ms 0
	client_start a 0
	is "a client has it" "$(client_do a open map memory-on "read 0x700000" | grep -c ': ok')" 4
	client_stop a

	ok "it sleeps again" wait_for 5 is_asleep 0
	lab set g0 no-config on
	raw_reset 0
	sleep 30
	is "a mute one" "$(sysfs 0 state) $(sysfs 0 last_error)" \
		"pending not reachable: it does not answer in config space"
	is "complaints about a mute one" "$(complaints)" 0
	lab set g0 no-config off
	ok "isolated when it answers" wait_for 10 in_state 0 isolated
	vfio_unbind 0
	unload
}

judge() {
	is "orders or bits violated" "$(count ' (violation|dropped) ')" 0
}
