# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the hooks do not depend on what root can switch off, and that a hook which is pushed
# out is noticed and shown.
#
# boot: redbud

g0_is_cut() {
	[ "$(cut_links g0)" = 0x00150000 ]
}

pushed_out() {
	dmesg_clear
	echo kept >/sys/module/lab_hook/parameters/replace
	ok "the audit notices that $1 was pushed out" wait_for 10 in_state 0 failed
	is "and says so, $1" "$(sysfs 0 last_error)" "its resets cannot be watched"
	is "it claims no links, $1" "$(sysfs 0 disabled_links)" unknown
	is "GPUs of another PHB are not concerned, $1" "$(sysfs 2 state)" isolated
	ok "the log tells, $1" wait_for 5 told "$(gpu 0).*its resets cannot be watched"
	is "no attempt has failed: its links are disabled, $1" "$(sysfs 0 held) $(cut_links g0)" \
		"0 0x00150000"
}

back() {
	echo none >/sys/module/lab_hook/parameters/replace
	ok "the audit notices that it is back" wait_for 10 in_state 0 isolated
	rmmod lab_hook
	reset 0
	ok "g0 is isolated after a reset" wait_for 5 in_state 0 isolated
	is "links of g0 after a reset" "$(cut_links g0)" 0x00150000
}

guest() {
	fresh
	cp "$(dev 0)/config" /run/config
	ok "another module looks at the hook first" modprobe lab_hook stack=0 device="$(gpu 0)"
	load isolate=1 audit_seconds=2
	echo 0 >/proc/sys/kernel/ftrace_enabled
	echo 0 >/sys/kernel/debug/kprobes/enabled
	is "ftrace and kprobes are off" "$(cat /proc/sys/kernel/ftrace_enabled)" 0
	reset 0
	is "g0 is isolated after a reset without them" "$(sysfs 0 state) $(cut_links g0)" \
		"isolated 0x00150000"
	raw_reset 0
	ok "g0 is isolated after a raw reset without them" wait_for 10 in_state 0 isolated
	is "links of g0 then" "$(cut_links g0)" 0x00150000
	echo 1 >/proc/sys/kernel/ftrace_enabled
	echo 1 >/sys/kernel/debug/kprobes/enabled

	# Hook B pushed out: the gate alone still keeps links disabled, but it is not claimed.
	pushed_out enable
	ok "the gate lets g0 be enabled, having verified it" enable_gpu 0
	is "links of g0 when enabled" "$(cut_links g0)" 0x00150000
	disable_gpu 0
	reset 0
	ok "they are disabled again after a reset" wait_for 10 g0_is_cut
	back

	# The gate pushed out: an enable through the kernel is refused, and the gate recovers when it is back.
	unload
	ok "another module looks at the bus first" \
		modprobe lab_hook stack=0 what=config device="$(gpu 0)"
	load isolate=1 audit_seconds=2
	# What the gate does not see it does not count.
	lab_counts end
	pushed_out config
	nok "g0 cannot be enabled" enable_gpu 0
	reset 0
	is "links of g0 after a reset without the gate" "$(cut_links g0)" 0x00000000
	nok "g0 can still not be enabled" enable_gpu 0
	is "nor is it claimed" "$(sysfs 0 state) $(sysfs 0 disabled_links)" "failed unknown"
	is "links of its neighbour, which has a bus of its own" "$(sysfs 1 state) $(cut_links g1)" \
		"isolated 0x00150000"
	back
	lab_counts

	ok "audits can be switched off" set_parameter audit_seconds 0
	lab mark "no audits"
	sleep 10
	lab mark "audits"
	for value in -1 x 86401 ""; do
		nok "audit_seconds='$value' is refused" set_parameter audit_seconds "$value"
	done
	is "audit_seconds is as before" "$(parameter audit_seconds)" 0
	like "the log says why" "$(dmesg_since)" \
		"audit_seconds: '86401' is not accepted: use a number of seconds from 0 to 86400"
	unload
	# The raw reset has taken its BARs.
	memory 0 off
	dd if=/run/config of="$(dev 0)/config" bs=4 skip=4 seek=4 count=6 conv=notrunc 2>/dev/null
}

judge() {
	is "accesses without audits" "$(count ' g[0-3] (read|write|config-write) ' "no audits" audits)" 0
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
