# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the hooks do not depend on what root can switch off, and that a hook which is pushed
# out is noticed and shown.
#
# boot: redbud

g0_is_cut() {
	[ "$(cut_links g0)" = 0x00150000 ]
}

guest() {
	fresh
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

	# Pushed out: resets of g0 do not come to us as a whole any more.
	echo kept >/sys/module/lab_hook/parameters/replace
	ok "the audit notices that the hook was pushed out" wait_for 10 in_state 0 failed
	is "and says so" "$(sysfs 0 last_error)" "its resets cannot be watched"
	is "it claims no links" "$(sysfs 0 disabled_links)" unknown
	is "GPUs of another PHB are not concerned" "$(sysfs 2 state)" isolated
	ok "the log tells" wait_for 5 sh -c "dmesg | grep '$(gpu 0).*its resets cannot be watched'"
	nok "g0 cannot be enabled" enable_gpu 0
	is "it is not held: its links are cut" "$(sysfs 0 held) $(cut_links g0)" "0 0x00150000"
	reset 0
	ok "they are cut again after a reset that is seen by firmware's calls only" \
		wait_for 10 g0_is_cut
	echo none >/sys/module/lab_hook/parameters/replace
	ok "the audit notices that the hook is back" wait_for 10 in_state 0 isolated
	rmmod lab_hook
	reset 0
	is "g0 is isolated after a reset" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x00150000"

	ok "audits can be switched off" set_parameter audit_seconds 0
	lab mark "no audits"
	sleep 10
	lab mark "audits"
	for value in -1 x 86401 ""; do
		nok "audit_seconds='$value' is refused" set_parameter audit_seconds "$value"
	done
	is "audit_seconds is as before" "$(parameter audit_seconds)" 0
	like "the log says why" "$(dmesg_since)" \
		"audit_seconds: '86401' is not accepted: a number of seconds from 0 to 86400 is"
	unload
}

judge() {
	is "accesses without audits" "$(count ' g[0-3] (read|write|config-write) ' "no audits" audits)" 0
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
