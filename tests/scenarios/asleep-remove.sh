# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module does not touch a GPU that the kernel has forgotten. A GPU that sleeps by
# pci_set_power_state() is removed while a look wakes it. EEH has freed what a further access would
# use, and a GPU that is found there meanwhile would be put to sleep.
#
# kernel: 6.12
# boot: redbud

wakes() {
	[ "$(power 0)" = 0 ]
}

guest() {
	fresh
	modprobe lab_driver
	echo 1 >/sys/module/lab_driver/parameters/leave_asleep
	echo 3000 >/sys/module/lab_driver/parameters/d3hot_ms
	ok "lab-vfio-pci has g0" bind_gpu 0 lab-vfio-pci
	unbind_gpu 0
	ok "it sleeps" is_asleep 0
	load isolate=0
	# Who counts reads isolate, and would wait as well, so that is for later.
	lab_counts end
	echo 1 >"$lab_parameters/isolate" &
	ok "the module wakes it, which takes 3 s" wait_for 2 wakes
	lab mark "remove"
	echo 1 >"$(dev 0)/remove"
	lab mark "removed"
	wait $!
	sleep 5
	lab mark "over"
	echo 0 >/sys/module/lab_driver/parameters/leave_asleep
	echo 0 >/sys/module/lab_driver/parameters/d3hot_ms
	rescan
	lab_counts
	# The kernel does not know that it sleeps, and a driver wakes it.
	ok "it can be used again" enable_gpu 0
	is "it is isolated" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x00150000"
	disable_gpu 0
	unload
}

judge() {
	is "accesses to the GPU that was removed" \
		"$(count ' g0 (config-read|config-write|read|write) ' removed over)" 0
	# The look was at work when the removal began, and put the GPU to sleep again before it ended.
	is "writes of its power state while it was removed" \
		"$(count ' g0 config-write off=0x064 ' remove removed)" 1
}
