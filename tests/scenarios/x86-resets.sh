# SPDX-License-Identifier: GPL-2.0-only
#
# Shows resets that nobody can see begin on a PC: one that began before enforcement, and one that firmware
# may have made while the system slept.
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
	is "it is refused right after the release" $(($(config_read "$(gpu 0)" 4 2) & 2)) 0
	like "because it has not settled" "$(sysfs 0 last_error)" "too recent|not verified since"
	lab mark "refused"
	ok "it is isolated then" wait_for 10 in_state 0 isolated
	is "its links" "$(cut_links g0)" 0x00150000
}

asleep() {
	set_parameter audit_seconds 0
	ok "g2 is isolated" wait_for 10 in_state 2 isolated
	lab set g2 mask 0
	ok "suspend to idle" sleep_and_wake
	ok "it is read back after that" wait_for 10 is_cut_again 2
	is "g2 is isolated again" "$(sysfs 2 state)" isolated
	set_parameter audit_seconds 1
}

is_cut_again() {
	[ "$(cut_links "g$1")" = 0x00150000 ]
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/x86.sh
	. /lab/x86.sh
	fresh
	load isolate=0 audit_seconds=1
	began_before
	asleep
	ok "unloads" unload
}
