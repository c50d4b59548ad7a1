# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that nothing hangs when a guest is killed in the middle of an EEH reset. First the module finishes
# the reset, and the GPU can be used again. Then the same after the host has recovered the guest's PHB:
# EEH has forgotten the PE's bus, and nobody can finish the reset, with or without the module. The module
# shows the GPU as pending, and remove and rescan bring it back.
#
# boot: redbud
# kernel: 6.12
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:|Recovering PHB#)

# in_time CMD...: does it end in 30 seconds?
in_time() {
	"$@" &
	timed=$!
	wait_for 30 sh -c "! kill -0 $timed 2>/dev/null"
}

# killed N: its client is, between HOT and DEACTIVATE
killed() {
	client_start a "$1"
	is "a client opens g$1, $2" "$(client_do a open map memory-on eeh-enable | grep -c ': ok')" 4
	[ $# -lt 3 ] || "$3"
	like "its reset begins, $2" "$(client_do a eeh-hot)" 'eeh-hot: ok'
	dmesg_clear
	ok "it is killed, $2" client_kill a
}

usable() {
	ok "isolated, $2" wait_for 60 in_state "$1" isolated
	is "links of g$1, $2" "$(cut_links "g$1")" 0x00150000
	client_start a "$1"
	is "g$1 can be opened again, $2" "$(client_do a open map memory-on | grep -c ': ok')" 3
	like "and works, $2" "$(client_ask a "read 0")" '^0x140000a1$'
	like "with its links cut, $2" "$(client_ask a "read 0xa00148")" '^0x0015'
	client_stop a
}

recover() {
	ok "the host recovers its PHB" eeh_recover_phb 2
}

guest() {
	fresh
	load isolate=1
	# All below the PHB have handlers, or the kernel itself waits for itself.
	vfio_bind 2
	vfio_bind 3
	client_start b 3
	is "a client opens g3" "$(client_do b open map memory-on eeh-enable | grep -c ': ok')" 4
	killed 2 "in peace"
	usable 2 "in peace"
	is "the log tells, in peace" "$(dmesg_since | grep -c 'left unfinished by its user: finishing it')" 1
	ok "a rescan ends, in peace" in_time rescan

	killed 2 "after a recovery" recover
	ok "a rescan ends, after a recovery" in_time rescan
	sleep 5
	is "it is out of reach and called so" "$(sysfs 2 state) $(sysfs 2 disabled_links)" "pending unknown"
	is "why" "$(sysfs 2 last_error)" "not reachable: EEH is handling it"
	ok "it is removed and found again" in_time remove_gpu 2
	ok "by a rescan" in_time rescan
	vfio_bind 2
	usable 2 "found again"
	client_stop b
	vfio_unbind 3
	vfio_unbind 2
	ok "unloads" in_time unload
	nok "and is gone" test -e /sys/module/nvlink_isolation
}
