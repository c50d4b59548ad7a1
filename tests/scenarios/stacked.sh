# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that enforcement cannot be ended, nor the module unloaded, while another module has put its
# hook on top of ours: it would call into nothing. Also that a PHB whose hooks are others than those
# of the rest is not claimed to be watched.
#
# boot: redbud

guest() {
	fresh
	load isolate=1
	ok "another module hooks the PHB of g2" modprobe lab_hook device="$(gpu 2)"
	nok "isolate=0 is refused" set_parameter isolate 0
	like "the log says why" "$(dmesg_since)" "PHB 0001: another module has put its hook on top"
	is "isolate is still 1" "$(parameter isolate)" 1
	nok "rmmod is refused" rmmod nvlink_isolation
	is "g0 is isolated" "$(sysfs 0 state)" isolated
	ok "g0 resets" reset 0
	is "mask of g0, whose PHB has our hook" "$(lab get g0 mask)" 0x00150005
	ok "g2 resets" reset 2
	is "mask of g2, whose PHB calls us from above" "$(lab get g2 mask)" 0x00150005
	is "which is not claimed: it may not always" "$(sysfs 2 state)" failed

	ok "the other module goes" rmmod lab_hook
	ok "isolate=0 is accepted" set_parameter isolate 0
	ok "the module goes" rmmod nvlink_isolation

	# The kernel lists what was found last at the end, whoever went and came before.
	remove_gpu 2
	remove_gpu 3
	rescan
	ok "another module is there first" modprobe lab_hook device="$(gpu 2)"
	load isolate=1
	is "g0, seen first, is isolated" "$(sysfs 0 state)" isolated
	is "g2 is not claimed to be" "$(sysfs 2 state)" failed
	is "but its links are cut" "$(lab get g2 mask)" 0x00150005
	is "for that reason" "$(sysfs 2 last_error)" "its resets cannot be watched"
	like "the log names the PHB" "$(dmesg_since)" "PHB 0001 has other hooks"
	ok "unloads" unload
	rmmod lab_hook
}
