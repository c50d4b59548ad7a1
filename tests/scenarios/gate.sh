# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU whose links cannot be cut is called failed, and with gate=1 cannot be enabled;
# with gate=0 it can, and is still called failed.
#
# boot: redbud

guest() {
	fresh
	lab set g0 mask-stuck on
	load isolate=1
	is "state of the GPU that does not obey" "$(sysfs 0 state)" failed
	is "it shows what was read" "$(sysfs 0 disabled_links)" ""
	is "it says why" "$(sysfs 0 last_error)" \
		"link disable mask reads 0x00000005, 0x00150000 is required"
	like "so does the log" "$(dmesg_since)" \
		"$(gpu 0): nvlink_isolation: NOT isolated.*mask reads 0x00000005, 0x00150000 is required"
	is "state of its neighbour" "$(sysfs 1 state)" isolated

	nok "it cannot be enabled" enable_gpu 0
	like "the log says so" "$(dmesg_since)" "$(gpu 0): nvlink_isolation: enabling denied"
	ok "its neighbour can" enable_gpu 1
	disable_gpu 1

	ok "gate=0 at run time" set_parameter gate 0
	ok "now it can be enabled" enable_gpu 0
	is "and is still failed" "$(sysfs 0 state)" failed
	disable_gpu 0
	ok "gate=1 again" set_parameter gate 1
	nok "it cannot be enabled again" enable_gpu 0

	ok "a reset does not help" reset 0
	is "state after the reset" "$(sysfs 0 state)" failed
	is "reset is counted" "$(sysfs 0 resets)" 1
	is "repair is not" "$(sysfs 0 reapplied)" 0

	lab set g0 mask-stuck off
	ok "it obeys: enabling cuts its links first" enable_gpu 0
	is "state then" "$(sysfs 0 state)" isolated
	is "error then" "$(sysfs 0 last_error)" ""
	is "mask then" "$(lab get g0 mask)" 0x00150005
	is "now the repair is counted" "$(sysfs 0 reapplied)" 1
	disable_gpu 0

	lab set g0 mask-stuck on
	ok "it fails at a reset" reset 0
	is "state after that" "$(sysfs 0 state)" failed
	lab set g0 mask-stuck off
	ok "the next reset mends it" reset 0
	is "state after the next" "$(sysfs 0 state)" isolated
	unload
}
