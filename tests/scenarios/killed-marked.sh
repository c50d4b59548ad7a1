# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest cannot spoil its GPU for the next one. It asks EEH for the state of its frozen GPU,
# which marks the PE as isolated, begins a reset, thaws the PE by hand and is killed. The kernel then
# clears neither the mark nor the block of config space.
#
# boot: redbud
# kernel: 6.12
# stray: yes

guest() {
	fresh
	modprobe lab_driver
	load isolate=1
	vfio_bind 2
	ok "the kernel knows when g2 is frozen" couple 2 freeze
	client_start a 2
	is "a client opens g2" "$(client_do a open map memory-on eeh-enable | grep -c ': ok')" 4
	lab set g2 frozen on
	is "it leaves the PE marked, and blocked" "$(client_do a eeh-state eeh-unfreeze-io \
		eeh-unfreeze-dma eeh-fundamental eeh-unfreeze-io eeh-unfreeze-dma | grep -c ': ok')" 6
	ok "it is killed" client_kill a
	ok "isolated within a minute" wait_for 60 in_state 2 isolated
	client_start b 2
	is "the next one gets the GPU" "$(client_do b open map memory-on | grep -c ': ok')" 3
	like "which works" "$(client_ask b "read 0")" '^0x140000a1$'
	client_stop b
	vfio_unbind 2
	uncouple
	unload
}
