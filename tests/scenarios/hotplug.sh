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
	echo 1 >/sys/bus/pci/rescan
	is "a new g0 is not trusted" "$(sysfs 0 state)" pending
	is "its links" "$(sysfs 0 disabled_links)" unknown
	ok "it can be enabled" enable_gpu 0
	is "which verified it" "$(sysfs 0 state)" isolated
	is "mask of g0" "$(lab get g0 mask)" 0x00150005
	disable_gpu 0

	# Without its mask, as if another GPU had been put in: the bus is reset while g0 is gone.
	echo 1 >"$(dev 0)/remove"
	set_parameter isolate 0
	rmmod nvlink_isolation
	echo 1 >/sys/bus/pci/rescan
	reset 0
	echo 1 >"$(dev 0)/remove"
	load isolate=1
	echo 1 >/sys/bus/pci/rescan
	is "mask of a g0 that was reset while it was gone" "$(lab get g0 mask)" 0x00000005
	is "it is not trusted" "$(sysfs 0 state)" pending
	lab mark "enable"
	ok "it can be enabled" enable_gpu 0
	lab mark "enabled"
	is "which cut its links" "$(lab get g0 mask)" 0x00150005
	is "and verified it" "$(sysfs 0 state)" isolated
	disable_gpu 0
	unload
}
