# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU keeps its BARs if it is reset from above while the module has it awake for a look. The
# kernel saves its config space, and restores it after the reset. If the GPU is put to sleep in between,
# the kernel saves what the reset has left.
#
# kernel: amd64-6.1
# boot: x86-redbud
# smp: 2

guest() {
	fresh
	vfio_bind 0
	ok "it sleeps" wait_for 5 is_asleep 0
	want=$(bar_registers 0)
	load isolate=1 audit_seconds=0
	ok "isolated" wait_for 5 in_state 0 isolated
	ok "a look takes time" delay nvli_gate_ring 60
	for ms in 10 30 50; do
		ok "it sleeps, $ms ms" wait_for 5 is_asleep 0
		apply 0 >/dev/null &
		usleep "${ms}000"
		reset_below "$(port 0)"
		wait $!
		ok "isolated again, $ms ms" wait_for 5 in_state 0 isolated
	done
	delay -
	client_start a 0
	is "a client has it" "$(client_do a open map memory-on | grep -c ': ok')" 3
	is "and reads it" "$(client_ask a "read 0")" 0x140000a1
	client_stop a
	ok "it sleeps again" wait_for 5 is_asleep 0
	is "its BARs" "$(bar_registers 0)" "$want"
	vfio_unbind 0
	unload
}
