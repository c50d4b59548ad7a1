# SPDX-License-Identifier: GPL-2.0-only
#
# Shows resets that nobody can see begin on a PC: one that began before enforcement, and one that firmware
# may have made while the system slept. Sleep takes no GPU from a driver that had it when enforcement began.
#
# kernel: amd64-6.1
# boot: x86-redbud
# unseen: yes

began_before() {
	raw_assert 0
	set_parameter isolate 1
	is "g0, which is in reset, is pending" "$(sysfs 0 state)" pending
	raw_release 0
	memory 0 on
	# On a debug kernel it has settled by the time of the write, and is verified.
	if on_debug; then
		is "its links after the release" "$(cut_links g0)" 0x00150000
	else
		is "it is refused right after the release" $(($(config_read "$(gpu 0)" 4 2) & 2)) 0
		like "because it has not settled" "$(sysfs 0 last_error)" "too recent|not verified since"
	fi
	lab mark "refused"
	ok "it is isolated then" wait_for 10 in_state 0 isolated
	is "its links" "$(cut_links g0)" 0x00150000
}

# A driver that has its GPU when enforcement begins keeps it, but for one that has lost it to a reset.
had_a_driver() {
	set_parameter isolate 0
	ok "a driver has g1" enable_gpu 1
	raw_assert 1
	set_parameter isolate 1
	is "g1, which is in reset, is not left to its driver" "$(sysfs 1 last_error | grep -c 'in use by')" 0
	raw_release 1
	ok "g1 is isolated after its release" wait_for 20 in_state 1 isolated
	is "links of g1" "$(cut_links g1)" 0x00150000
	disable_gpu 1
}

# asleep freeze|disk
asleep() {
	set_parameter isolate 0
	ok "a driver has g1, $1" enable_gpu 1
	set_parameter isolate 1
	set_parameter audit_seconds 0
	ok "g2 is isolated, $1" wait_for 10 in_state 2 isolated
	# No write switches g2 on after that, so nothing calls the gate.
	memory 2 on
	for n in 1 2; do lab set g$n mask 0; done
	ok "it sleeps and wakes, $1" sleep_and_wake "$1"
	is "g2 was read back before processes ran again, $1" "$(cut_links g2) $(sysfs 2 state)" \
		"0x00150000 isolated"
	memory 2 off
	is "g1 is its driver's still, $1" "$(sysfs 1 state) $(cut_links g1)" "pending 0x00000000"
	like "which it says, $1" "$(sysfs 1 last_error)" "^in use by driver lab_driver"
	disable_gpu 1
	set_parameter audit_seconds 1
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/x86.sh
	. /lab/x86.sh
	fresh
	load isolate=0 audit_seconds=1
	began_before
	had_a_driver
	asleep freeze
	asleep disk
	ok "unloads" unload
}
