# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a mask which is lost without any reset that can be seen is found by the audit, and cut
# again; that a GPU which then does not obey is held; and that udev is told.
#
# boot: redbud
# unseen: yes

guest() {
	fresh
	# Runs for each uevent, with its environment.
	# shellcheck disable=SC2016 # for the shell that it starts
	uevent sh -c 'echo "$DEVPATH $NVLINK_ISOLATION_STATE" |
		sed -n "s,.*/\([^/]*\) \([a-z]*\)$,\1 NVLINK_ISOLATION_STATE=\2,p" >>/run/uevents' &
	usleep 200000
	load isolate=1 audit_seconds=2
	before=$(sysfs 1 reapplied)
	lab set g1 mask 0
	ok "the audit notices a lost mask" wait_for 10 sh -c \
		"dmesg | grep '$(gpu 1): nvlink_isolation: .*audit: link disable mask reads 0x00000000'"
	ok "and the links are cut again" wait_for 10 in_state 1 isolated
	is "links of g1" "$(cut_links g1)" 0x00150000
	is "that is no repair after a reset" "$(sysfs 1 reapplied)" "$before"
	is "nor is g1 held" "$(sysfs 1 held)" 0
	lab set g1 mask-stuck on
	lab set g1 mask 0
	ok "one that cannot be cut again is held" wait_for 20 held 1
	lab set g1 mask-stuck off
	ok "until it can" wait_for 90 in_state 1 isolated

	kill %1
	is "what udev was told of g1" "$(sed -n "s/^$(gpu 1) .*=//p" /run/uevents | tr '\n' ' ')" \
		"isolated failed isolated failed failed isolated "
	unload
}
