# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that enforcement waits for a config write that began before the gate was there: else it would land
# after the GPU has been refused. Config accesses of the kernel take no lock on a PC. Not on older kernels,
# where to register with ftrace waits for such writers anyway; tests/check boots no newer one.
#
# x86: by name
# kernel: amd64-7.2
# boot: x86-redbud
# smp: 2
# unseen: yes

guest() {
	fresh
	load isolate=0 audit_seconds=0
	memory 0 off
	lab set g0 mask-stuck on
	modprobe lab_driver
	counter=/sys/module/lab_driver/parameters/delayed
	g0=$(gpu 0)
	killall -STOP lab_watch
	# The own operation of all buses: the first who comes by is the one who switches g0 on.
	ok "a write can be delayed" delay pci_write 8000 once
	taskset 2 sh -c "echo 1 >$(dev 0)/enable" &
	n=0
	until [ "$n" -ge 1 ] || ! kill -0 $! 2>/dev/null; do read -r n <$counter; done
	ok "the write is delayed" test "$n" -ge 1
	ok "enforcement begins meanwhile" set_parameter isolate 1
	lab mark "enforced"
	wait
	delay -
	killall -CONT lab_watch
	ok "g0 fails" wait_for 20 in_state 0 failed
	sleep 2
	lab mark "failed"
	is "g0 is off" $(($(config_read "$g0" 4 2) & 2)) 0
	echo 0 >"$(dev 0)/enable"
	lab set g0 mask-stuck off
	reset 0
	ok "g0 is isolated in the end" wait_for 20 in_state 0 isolated
	ok "unloads" unload
}

judge() {
	is "writes that switched g0 on before enforcement had begun" \
		"$(memory_on g0 "begin $scenario" enforced word)" 1
	# After that only the gate does, for an attempt: each boot is checked for having counted all.
}
