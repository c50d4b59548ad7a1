# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the kernel switches a GPU that a driver has on again after a reset. It writes COMMAND 100 ms
# after the link is up, when the GPU has not settled: the gate waits, although such a kernel does not count
# preemption, so that nobody can ask whether the writer may sleep. A GPU that has just come, and that its
# user has enabled before it has settled, can be switched on by a write that may not sleep.
#
# kernel: amd64-5.10
# boot: x86-slots

guest() {
	fresh
	load isolate=1
	ok "a driver has g0" enable_gpu 0
	memory 0 on
	lab mark reset
	ok "it is reset" reset 0
	lab mark "after the reset"
	is "it is on, and was not refused" "$(($(config_read "$(gpu 0)" 4 2) & 2)) $(sysfs 0 refused)" "2 0"
	is "it is isolated" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x003f0000"
	disable_gpu 0

	# All modules are there, so that the client opens g1 in less than the settle time.
	vfio_bind 1
	vfio_unbind 1
	client_start a 1
	remove_gpu 1
	rescan
	vfio_bind 1
	is "a client opens g1" "$(client_do a open map | grep -c ': ok')" 2
	# It has settled then. The worker lets a GPU in use alone for 3 s.
	sleep 1
	is "and switches it on" "$(client_do a memory-on)" "memory-on: ok"
	like "it reads" "$(client_ask a "read 0xa00148")" '^0x003f'
	client_stop a
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	is "resets of g0" "$(count '^[0-9]+ g0 reset ' reset "after the reset")" 1
}
