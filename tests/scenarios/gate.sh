# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU whose links cannot be cut is called failed, and with gate=1 is held in reset and
# cannot be enabled; with gate=0 it can, and is still called failed. Also how a GPU gets out of it.
#
# boot: redbud

# What is in the BARs, and may not get lost.
bars() {
	hexdump -v -s 16 -n 24 -e '1/4 "%08x "' "$(dev "$1")/config"
}

bars_are_right() {
	[ "$(bars 0)" = "$(cat /run/bars)" ]
}

guest() {
	fresh
	bars 0 >/run/bars
	lab set g0 mask-stuck on
	load isolate=1
	is "state of the GPU that does not obey" "$(sysfs 0 state)" failed
	is "it is held" "$(sysfs 0 held)" 1
	is "its port has the reset bit" "$(bridge_control 0)" 0x0042
	is "its links" "$(sysfs 0 disabled_links)" unknown
	is "it is exposed to nobody: its neighbour cut the links" "$(sysfs 0 exposed_peers)" ""
	is "it says why" "$(sysfs 0 last_error)" \
		"link disable mask reads 0x00000005, 0x00150000 is required"
	like "so does the log" "$(dmesg_since)" \
		"$(gpu 0): nvlink_isolation: NOT isolated and held in reset: link disable mask reads 0x00000005, 0x00150000 is required"
	is "state of its neighbour" "$(sysfs 1 state)" isolated
	is "its neighbour is not held" "$(sysfs 1 held) $(bridge_control 1)" "0 0x0002"

	nok "it cannot be enabled" enable_gpu 0
	ok "the log says so" wait_for 5 sh -c \
		"dmesg | grep '$(gpu 0): nvlink_isolation: enabling denied'"
	ok "its neighbour can" enable_gpu 1
	disable_gpu 1

	ok "gate=0 at run time" set_parameter gate 0
	is "lets it go" "$(sysfs 0 held) $(bridge_control 0)" "0 0x0002"
	ok "now it can be enabled" enable_gpu 0
	is "and is still failed" "$(sysfs 0 state)" failed
	disable_gpu 0
	is "its BARs are as before" "$(bars 0)" "$(cat /run/bars)"
	ok "gate=1 again" set_parameter gate 1
	ok "holds it again" wait_for 5 held 0
	nok "it cannot be enabled again" enable_gpu 0

	is "no reset was counted" "$(sysfs 0 resets)" 0
	nok "a reset does not help: the GPU does not come back" reset 0
	is "state after the reset" "$(sysfs 0 state)" failed
	ok "it is held after the reset" wait_for 5 held 0
	is "reset is counted" "$(sysfs 0 resets)" 1
	is "repair is not" "$(sysfs 0 reapplied)" 0

	lab set g0 mask-stuck off
	ok "it obeys: the next attempt isolates it" wait_for 70 in_state 0 isolated
	is "it is let go" "$(sysfs 0 held) $(bridge_control 0)" "0 0x0002"
	is "error then" "$(sysfs 0 last_error)" ""
	is "mask then" "$(lab get g0 mask)" 0x00150005
	is "now the repair is counted" "$(sysfs 0 reapplied)" 1
	is "its BARs are as before the reset" "$(bars 0)" "$(cat /run/bars)"
	ok "it can be enabled" enable_gpu 0
	disable_gpu 0

	lab set g0 mask-stuck on
	nok "it fails at a reset" reset 0
	is "state after that" "$(sysfs 0 state)" failed
	ok "it is held then" wait_for 5 held 0
	lab set g0 mask-stuck off
	# The PCI core saves and restores what a held GPU answers, which is nothing but ones.
	ok "the next reset mends it" reset 0
	is "state after the next" "$(sysfs 0 state)" isolated
	is "it is let go after the next" "$(sysfs 0 held) $(bridge_control 0)" "0 0x0002"
	ok "it can be enabled again" enable_gpu 0
	is "its BARs are repaired then" "$(bars 0)" "$(cat /run/bars)"
	disable_gpu 0

	# apply does not wait for the next attempt.
	lab set g0 mask-stuck on
	reset 0
	ok "held once more" wait_for 5 held 0
	nok "apply does not help" sh -c "echo 1 >$(dev 0)/nvlink_isolation/apply"
	# The worker's own attempts let go of it for a moment.
	ok "held after apply" wait_for 5 in_reset 0
	lab set g0 mask-stuck off
	ok "apply helps" sh -c "echo 1 >$(dev 0)/nvlink_isolation/apply"
	is "state after apply" "$(sysfs 0 state)" isolated
	nok "apply takes nothing but 1" sh -c "echo 0 >$(dev 0)/nvlink_isolation/apply"
	like "and says so" "$(dmesg_since)" "apply: '0' is not accepted: 1 is"

	set_parameter audit_seconds 0
	for how in "audit_seconds 1" "isolate 0"; do
		ok "a driver has it before: $how" enable_gpu 0
		lab set g0 mask-stuck on
		raw_reset 0
		ok "held while a driver has it: $how" wait_for 5 in_reset 0
		lab set g0 mask-stuck off
		ok "the PCI core resets it: $how" reset 0
		is "state while a driver has it: $how" "$(sysfs 0 state)" isolated
		like "the PCI core has restored ones: $how" "$(bars 0)" '^ff000000 '
		# shellcheck disable=SC2086 # two words
		set_parameter $how
		ok "its BARs are as before in the end: $how" wait_for 10 bars_are_right
		disable_gpu 0
		set_parameter audit_seconds 0
		set_parameter isolate 1
	done

	# Ending enforcement lets go of what is held.
	lab set g0 mask-stuck on
	reset 0
	ok "held at last" wait_for 5 held 0
	ok "isolate=0" set_parameter isolate 0
	is "lets it go at last" "$(sysfs 0 held) $(bridge_control 0)" "0 0x0002"
	is "with its BARs as before" "$(bars 0)" "$(cat /run/bars)"
	unload
}

judge() {
	is "what a held GPU was asked" "$(count ' g0 held-(read|write) ')" 0
}
