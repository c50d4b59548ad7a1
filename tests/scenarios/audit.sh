# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a mask which is lost without any reset that can be seen is found by the audit, and links
# are disabled again, also under a driver; that a GPU which then does not obey is switched off, and
# stays so; what becomes of a read-back that grows old; and that udev gets events.
#
# x86: yes
# boot: redbud
# unseen: yes

is_off() {
	[ $(($(config_read "$(gpu "$1")" 4 2) & 2)) = 0 ]
}

repaired() {
	[ "$(dmesg_since | grep -c "$(gpu "$1"): nvlink_isolation: NVLinks were found enabled though no reset was seen; they are disabled again")" = "$2" ]
}

# wait_seldom SECONDS COMMAND...: a process costs, waiting does not
wait_seldom() {
	left=$1
	shift
	until "$@"; do
		[ "$left" -gt 0 ] || return
		left=$((left - 3))
		sleep 3
	done
}

guest() {
	fresh
	# Runs for each uevent, with its environment.
	# shellcheck disable=SC2016 # for the shell that it starts
	uevent sh -c 'echo "$DEVPATH $NVLINK_ISOLATION_STATE" |
		sed -n "s,.*/\([^/]*\) \([a-z][a-z]*\)$,\1 NVLINK_ISOLATION_STATE=\2,p" >>/run/uevents' &
	usleep 200000
	load isolate=1 audit_seconds=2
	before=$(sysfs 1 reapplied)
	lab set g1 mask 0
	ok "the audit notices a lost mask" wait_for 10 repaired 1 1
	is "and the links are disabled again" "$(sysfs 1 state) $(cut_links g1)" "isolated 0x00150000"
	is "that is no repair after a reset" "$(sysfs 1 reapplied)" "$before"
	is "nor is g1 refused" "$(sysfs 1 held)" 0

	ok "a driver has g1" enable_gpu 1
	lab mark "repair in use"
	lab set g1 mask 0
	ok "the audit notices it under a driver" wait_for 10 repaired 1 2
	lab mark "repaired in use"
	is "and the links are disabled again under it" "$(sysfs 1 state) $(cut_links g1)" \
		"isolated 0x00150000"
	nok "which can go on" is_off 1

	lab mark "lost in use"
	lab set g1 mask-stuck on
	lab set g1 mask 0
	ok "one that does not obey fails" wait_for 20 in_state 1 failed
	ok "and is switched off under its driver" wait_for 5 is_off 1
	is "it is refused from then on" "$(sysfs 1 held)" 1
	memory 1 on
	ok "it stays off" is_off 1
	is "its neighbour, which is isolated, keeps it from others: it is not reset" \
		"$(sysfs 1 resets) $(sysfs 0 state)" "0 isolated"
	sleep 10
	lab mark "switched off in use"
	disable_gpu 1
	lab set g1 mask-stuck off
	ok "until it obeys" wait_for 90 in_state 1 isolated

	# Who has failed in an audit is tried again soon, however long the period is.
	set_parameter audit_seconds 60
	sleep 4 # until after the last audit of the short period
	lab set g1 mask-stuck on
	lab set g1 mask 0
	ok "a rare audit finds what does not obey" wait_seldom 100 in_state 1 failed
	lab set g1 mask-stuck off
	ok "which is tried again before the next would come" wait_for 20 in_state 1 isolated
	set_parameter audit_seconds 2

	# Where neither end obeys, what runs on them is stopped: both are reset.
	for n in 2 3; do
		ok "a driver has g$n" enable_gpu $n
	done
	lab set g2 mask-stuck on
	lab set g3 mask-stuck on
	lab mark "both lost"
	lab set g2 mask 0
	lab set g3 mask 0
	ok "one of them is reset by its port" wait_for 20 told \
		"($(gpu 2)|$(gpu 3)): nvlink_isolation: its links may be in use and cannot be disabled: its port resets it"
	for n in 2 3; do
		ok "g$n is off" wait_for 10 is_off $n
		lab set g$n mask-stuck off
		disable_gpu $n
		ok "g$n is isolated in the end" wait_for 90 in_state $n isolated
	done
	lab mark "both reset"

	# A read-back grows old where the GPU cannot be read: here its driver has put it to sleep.
	ok "a driver has g0" enable_gpu 0
	power_state 0 3
	ok "after three periods nothing is claimed" wait_for 15 in_state 0 pending
	ok "a read-back that is too old is not shown" test "$(sysfs 0 disabled_links)" = unknown
	ok "its age is" test "$(sysfs 0 verified)" -ge 6
	power_state 0 0
	ok "it is claimed again when it can be read" wait_for 15 in_state 0 isolated
	disable_gpu 0

	# A reset is told of once: that it is pending for a moment is not worth an event.
	ok "g1 resets" reset 1
	ok "g1 is isolated after it" wait_for 15 in_state 1 isolated
	sleep 2
	kill %1
	is "what udev was told of g1" "$(sed -n "s/^$(gpu 1) .*=//p" /run/uevents | tr '\n' ' ')" \
		"isolated failed isolated failed isolated isolated "
	unload
}

judge() {
	is "config writes to g1 in use" "$(count ' g1 config-write off=0x0(04|1|2)' \
		"repair in use" "repaired in use")" 0
	is "writes to the PRI ring of g1 in use" \
		"$(count ' g1 write off=0x12' "repair in use" "switched off in use")" 0
	is "times g1 was switched on when it did not obey" \
		"$(memory_on g1 "lost in use" "switched off in use")" 0
	ok "g2 or g3 was reset" test "$(count ' g[23] reset reason=bus' "both lost" "both reset")" -ge 1
	is "order or bits violated" "$(count ' violation ')" 0
}
