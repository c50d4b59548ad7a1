# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that enforcement cannot be ended, nor the module unloaded, while another module has put its
# hook on top of ours: it would call into nothing. Neither is anything else changed then. Also that a
# PHB whose hooks are others than those of the rest is not claimed to be watched, nor is a bus at which
# another module was first, which may go before us.
#
# boot: redbud

# changes_nothing WHERE: isolate=0 does not do half of it.
changes_nothing() {
	lab mark "$1"
	nok "isolate=0 is refused, $1" set_parameter isolate 0
	is "isolate is still 1, $1" "$(parameter isolate)" 1
	nok "rmmod is refused, $1" rmmod nvlink_isolation
	like "the log says that it stays, $1" "$(dmesg_since | tail -n 1)" \
		"isolate stays 1: the hooks cannot be removed"
	for n in 0 1 2 3; do
		is "g$n was not released, $1" "$(sysfs $n state | sed 's/failed/isolated/')" isolated
		is "mask of g$n, $1" "$(lab get g$n mask)" 0x00150005
	done
	# The gate is there still, on the bus that is hooked, and on another.
	for n in 0 2; do
		lab set g$n mask-stuck on
		ok "g$n resets, $1" reset $n
		before=$(sysfs $n refused)
		memory $n on
		is "g$n is refused, $1" $(($(config_read "$(gpu $n)" 4 2) & 2)) 0
		ok "which is counted, g$n, $1" test "$(sysfs $n refused)" -gt "$before"
		lab set g$n mask-stuck off
		ok "g$n resets once more, $1" reset $n
		memory $n on
		is "mask of g$n when it is on, $1" "$(lab get g$n mask) $(($(config_read "$(gpu $n)" 4 2) & 2))" \
			"0x00150005 2"
		memory $n off
	done
	is "g0, whose hooks are ours, is isolated, $1" "$(sysfs 0 state)" isolated
	is "g2 is not claimed: they may not always call us, $1" "$(sysfs 2 state) $(sysfs 2 last_error)" \
		"failed its resets cannot be watched"
	lab mark "after $1"
}

goes() {
	ok "the other module goes" rmmod lab_hook
	ok "isolate=0 is accepted" set_parameter isolate 0
	ok "the module goes" rmmod nvlink_isolation
}

guest() {
	fresh
	load isolate=1
	ok "another module hooks the PHB of g2" modprobe lab_hook device="$(gpu 2)"
	changes_nothing "PHB hooked"
	like "the log says why" "$(dmesg_since)" \
		"PHB 0001: another module has put its hook on top of ours: enable_on_top"
	goes

	load isolate=1
	ok "another module hooks the bus of g2" modprobe lab_hook what=config device="$(gpu 2)"
	changes_nothing "bus hooked"
	like "the log says why" "$(dmesg_since)" \
		"pci_bus $(gpu 2 | cut -d : -f 1,2): .*another module has put its config operations on top of ours"
	goes

	# The kernel lists what was found last at the end, in any order of removals before.
	remove_gpu 2
	remove_gpu 3
	rescan
	ok "another module is there first" modprobe lab_hook device="$(gpu 2)"
	load isolate=1
	is "g0, seen first, is isolated" "$(sysfs 0 state)" isolated
	is "g2 is not claimed to be" "$(sysfs 2 state)" failed
	is "for that reason" "$(sysfs 2 last_error)" "its resets cannot be watched"
	ok "reset" reset 2
	ok "g2 is switched on" memory 2 on
	is "but its links are disabled" "$(lab get g2 mask)" 0x00150005
	like "the log names the PHB" "$(dmesg_since)" "PHB 0001 has another enable hook"
	ok "unloads" unload
	rmmod lab_hook

	# Here the hook that was there stands for the platform's, which has a say too.
	ok "another module is there first, at the PHB of g0" modprobe lab_hook device="$(gpu 0)"
	load isolate=1
	ok "g0, seen first, is isolated again" wait_for 5 in_state 0 isolated
	echo Y >/sys/module/lab_hook/parameters/deny
	nok "what the hook below ours denies cannot be enabled" enable_gpu 0
	is "nor is that a refusal of ours" "$(sysfs 0 state) $(sysfs 0 refused)" "isolated 0"
	disable_gpu 0
	echo N >/sys/module/lab_hook/parameters/deny
	ok "it can be, once it allows it" enable_gpu 0
	disable_gpu 0
	ok "unloads with a hook below ours" unload
	rmmod lab_hook

	ok "another module is at the bus first" modprobe lab_hook what=config device="$(gpu 2)"
	load isolate=1
	is "g2 is not claimed to be isolated" "$(sysfs 2 state) $(sysfs 2 last_error)" \
		"failed its resets cannot be watched"
	like "the log says why, and by name" "$(dmesg_since)" \
		"pci_bus $(gpu 2 | cut -d : -f 1,2): .*another module has put its config operations there"
	nok "nor may a driver have it" enable_gpu 2
	disable_gpu 2
	is "the others are isolated" "$(sysfs 0 state) $(sysfs 1 state) $(sysfs 3 state)" \
		"isolated isolated isolated"
	# It may go before us, which would have left the gate with operations that are gone.
	ok "the other module goes first" rmmod lab_hook
	ok "isolate=0" set_parameter isolate 0
	ok "isolate=1" set_parameter isolate 1
	ok "g2 is isolated now" wait_for 5 in_state 2 isolated
	is "mask of g2" "$(lab get g2 mask)" 0x00150005
	unload
}

judge() {
	for where in "PHB hooked" "bus hooked"; do
		for link in $(links); do
			is "$link was live, $where" "$(live_ns "$link" "$where" "after $where")" 0
		done
	done
}
