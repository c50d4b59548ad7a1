# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the kernel switches a GPU that a driver has on again after a reset. It writes COMMAND 100 ms
# after the link is up, when the GPU has not settled: the gate waits, although such a kernel does not count
# preemption, so that nobody can ask whether the writer may sleep.
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
	ok "unloads" unload
}

judge() {
	is "resets of g0" "$(count '^[0-9]+ g0 reset ' reset "after the reset")" 1
}
