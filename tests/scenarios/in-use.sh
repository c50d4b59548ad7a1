# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU in use by a driver when enforcement starts is not cut under it, and is at its
# next reset. Also if somebody holds its device lock, as each user can by reading sysfs on some kernels.
#
# x86: yes
# boot: redbud

guest() {
	fresh
	load
	ok "a driver has g0" enable_gpu 0
	lab mark "start"
	ok "enforcement starts" set_parameter isolate 1
	lab mark "started"
	is "g0 is pending" "$(sysfs 0 state)" pending
	is "g0 shows no links" "$(sysfs 0 disabled_links)" unknown
	like "g0 says why" "$(sysfs 0 last_error)" "^in use by driver lab_driver"
	is "g1 is isolated" "$(sysfs 1 state)" isolated
	# On a PC its other links lead to friends, and stay in the plan.
	if ! on_x86; then
		ok "both of one owner" set_parameter domains "$(gpu 0)+$(gpu 1)"
		is "g0 has nothing to say then" "$(sysfs 0 state) $(sysfs 0 last_error)" "isolated "
		ok "each of its own again" set_parameter domains group
		like "g0 says the same again" "$(sysfs 0 state) $(sysfs 0 last_error)" \
			"^pending in use by driver lab_driver"
	fi
	ok "g0 resets" reset 0
	is "g0 is isolated" "$(sysfs 0 state)" isolated
	is "mask of g0" "$(lab get g0 mask)" 0x00150005
	disable_gpu 0

	ok "enforcement ends before the lock is taken" set_parameter isolate 0
	reset 0
	ok "a driver has g0 before the lock is taken" enable_gpu 0
	lock_device 0
	is "status of taking its device lock" $? 0
	lab mark "start locked"
	ok "enforcement starts while the lock is taken" set_parameter isolate 1
	like "g0 is left to its driver all the same" "$(sysfs 0 last_error)" "^in use by driver lab_driver"
	ok "the lock was taken until now" unlock_device
	lab mark "started locked"
	disable_gpu 0
	ok "g0 is isolated after that" wait_for 5 in_state 0 isolated

	# A reset that began before the hooks were there is waited for. Nobody can switch it on meanwhile.
	ok "enforcement ends" set_parameter isolate 0
	reset_begins 3
	ok "enforcement starts during a reset of g3" set_parameter isolate 1
	during="$(sysfs 3 state) $(sysfs 3 disabled_links) $(sysfs 3 verified)"
	# A slow guest may have come to the end of the reset by now.
	if kill -0 $!; then
		is "g3 is pending, and not called verified" "$during" "pending unknown never"
	else
		note "g3, whose reset was over: $during"
	fi
	wait
	ok "g3 is isolated when the reset is over" wait_for 5 in_state 3 isolated
	is "mask of g3" "$(lab get g3 mask)" 0x00150005

	# A GPU that is enabled and has no driver gets the mask, but its PRI ring is not restarted.
	ok "enforcement ends" set_parameter isolate 0
	ok "g2 is enabled by hand" sh -c "echo 1 >'$(dev 2)/enable'"
	lab mark "start again"
	ok "enforcement starts again" set_parameter isolate 1
	lab mark "started again"
	is "g2 is isolated" "$(sysfs 2 state)" isolated
	is "mask of g2" "$(lab get g2 mask)" 0x00150005
	echo 0 >"$(dev 2)/enable"

	# Root may say that it is to be cut under the driver all the same.
	ok "enforcement ends once more" set_parameter isolate 0
	ok "a driver has g0 again" enable_gpu 0
	ok "enforcement starts once more" set_parameter isolate 1
	is "g0 is pending again" "$(sysfs 0 state)" pending
	lab set g0 mask 5
	lab mark "apply"
	ok "apply" apply 0
	lab mark "applied"
	is "g0 is isolated under its driver" "$(sysfs 0 state)" isolated
	is "mask of g0 under its driver" "$(lab get g0 mask)" 0x00150005

	# If its driver switched it off, a reset may have come that nobody saw: it is cut when it comes on.
	ok "enforcement ends for g0" set_parameter isolate 0
	ok "enforcement starts for g0" set_parameter isolate 1
	is "g0 is pending while it is on" "$(sysfs 0 state)" pending
	lab set g0 mask 5
	memory 0 off
	memory 0 on
	is "g0 is on again" $(($(config_read "$(gpu 0)" 4 2) & 2)) 2
	is "g0 is isolated when it was off" "$(sysfs 0 state)" isolated
	is "mask of g0 when it was off" "$(lab get g0 mask)" 0x00150005

	# And when the driver leaves it, its links are disabled without a command.
	ok "enforcement ends a last time" set_parameter isolate 0
	ok "enforcement starts a last time" set_parameter isolate 1
	is "g0 is pending a last time" "$(sysfs 0 state)" pending
	disable_gpu 0
	ok "g0 is isolated when its driver leaves it" wait_for 5 in_state 0 isolated

	# A reset that restores nothing takes it from its driver, too.
	repair_bars "$(gpu 0)"
	ok "enforcement ends before a raw reset" set_parameter isolate 0
	ok "a driver has g0 before a raw reset" enable_gpu 0
	ok "enforcement starts before a raw reset" set_parameter isolate 1
	is "g0 is pending before a raw reset" "$(sysfs 0 state)" pending
	raw_reset 0
	ok "g0 is isolated after a raw reset" wait_for 15 in_state 0 isolated
	is "links of g0 after a raw reset" "$(cut_links g0)" 0x00150000
	disable_gpu 0
	repair_bars "$(gpu 0)"

	# Drivers that hand a GPU on do not use it.
	for part in stub uio pciback; do
		ok "enforcement ends before $part" set_parameter isolate 0
		reset 0
		ok "lab_driver_$part has g0" bind_gpu 0 lab_driver_$part
		ok "enforcement starts with $part" set_parameter isolate 1
		is "g0 is not left to $part" "$(sysfs 0 state) $(sysfs 0 owner)" "isolated none"
		unbind_gpu 0
	done
	unload
	modprobe nvlink_isolation
	is "apply is refused without the module enforcing" "$(apply 0)" "Operation not supported"
	rmmod nvlink_isolation
}

judge() {
	is "accesses to g0 in use" "$(count ' g0 (read|write|config-write) ' start started)" 0
	is "accesses to g0 in use and locked" \
		"$(count ' g0 (read|write|config-write) ' "start locked" "started locked")" 0
	is "config writes to g2 in use" \
		"$(count ' g2 config-write ' "start again" "started again")" 0
	is "config writes to g0 in use by apply" "$(count ' g0 config-write ' apply applied)" 0
	is "writes to the PRI ring of g0 in use by apply" \
		"$(count ' g0 write off=0x12' apply applied)" 0
	is "writes to the PRI ring of g2 in use" \
		"$(count ' g2 write off=0x12' "start again" "started again")" 0
}
