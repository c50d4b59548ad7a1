# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that GPUs may come and go while the module is loaded, enforcing or not: one that comes back
# is cut before a driver gets it.
#
# boot: redbud

guest() {
	fresh
	load
	echo 1 >"$(dev 0)/remove"
	is "g1's neighbour is gone" "$(sysfs 1 peers)" "unknown cpu unknown cpu unknown cpu"
	is "links of g1 that would be cut" "$(sysfs 1 required_links)" 0,2,4
	echo 1 >/sys/bus/pci/rescan
	is "g1's neighbour is back" "$(sysfs 1 peers)" "$(gpu 0) cpu $(gpu 0) cpu $(gpu 0) cpu"
	is "g0 is off" "$(sysfs 0 state)" off

	set_parameter isolate 1
	echo 1 >"$(dev 0)/remove"
	lab mark "rescan"
	echo 1 >/sys/bus/pci/rescan
	ok "a new g0 is verified by itself" wait_for 5 in_state 0 isolated
	lab mark "rescanned"
	is "mask of g0" "$(lab get g0 mask)" 0x00150005
	ok "it can be enabled" enable_gpu 0
	disable_gpu 0

	# Without its mask, as if another GPU had been put in: the bus is reset while g0 is gone.
	echo 1 >"$(dev 0)/remove"
	set_parameter isolate 0
	rmmod nvlink_isolation
	echo 1 >/sys/bus/pci/rescan
	reset 0
	echo 1 >"$(dev 0)/remove"
	load isolate=1
	is "mask of a g0 that was reset while it was gone" "$(lab get g0 mask)" 0x00000005
	echo 1 >/sys/bus/pci/rescan
	ok "it can be enabled at once" enable_gpu 0
	is "its links are cut then" "$(lab get g0 mask)" 0x00150005
	is "and verified" "$(sysfs 0 state)" isolated
	disable_gpu 0

	# One that does not obey is held, also when it goes and comes back.
	echo 1 >"$(dev 0)/remove"
	lab set g0 mask-stuck on
	reset_below "$(port 0)"
	echo 1 >/sys/bus/pci/rescan
	ok "one that does not obey is held" wait_for 5 held 0
	nok "and cannot be enabled" enable_gpu 0
	echo 1 >"$(dev 0)/remove"
	ok "removed while it is held" [ ! -e "$(dev 0)" ]
	like "the log tells how to get it back" "$(dmesg_since)" \
		"removed while held in reset: .setpci -s $(port 0) BRIDGE_CONTROL=0:40."
	lab set g0 mask-stuck off
	raw_release 0
	echo 1 >/sys/bus/pci/rescan
	ok "which brings it back" wait_for 5 in_state 0 isolated

	# Removed while pending.
	ok "no pending work is left behind" pending_and_gone
	unload
}

# GPUs that the worker cannot reach, removed at once and while it tries, hundreds of times.
pending_and_gone() {
	times=$(rounds 200)
	i=0
	while [ $i -lt "$times" ]; do
		i=$((i + 1))
		raw_assert 0
		[ $((i % 2)) = 0 ] || usleep 30000
		echo 1 >"$(dev 0)/remove" || return
		raw_release 0
		usleep 200000
		echo 1 >/sys/bus/pci/rescan
		[ -e "$(dev 0)" ] || return
	done
	wait_for 5 in_state 0 isolated
}
