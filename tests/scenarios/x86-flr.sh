# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a Function Level Reset, which a V100 lacks, would be seen: by the config write to the GPU that
# starts it. Nobody uses the GPU, so nothing else tells the module that the links are enabled again.
#
# kernel: amd64-6.1
# boot: x86-flr
# unseen: yes

guest() {
	fresh
	load isolate=1 audit_seconds=0
	for n in 0 1; do
		ok "g$n is isolated" wait_for 10 in_state $n isolated
	done
	want=$(cut_links g0)
	nok "links of g0 are disabled" test "$want" = 0x00000000
	memory 0 off
	lab mark "flr"
	ok "g0 resets" reset 0
	lab mark "after flr"
	is "resets of g0" "$(sysfs 0 resets)" 1
	ok "g0 is isolated again" wait_for 10 in_state 0 isolated
	is "links of g0" "$(cut_links g0)" "$want"
	unload
}

judge() {
	is "resets of g0 by FLR" "$(count ' g0 reset reason=flr$' "flr" "after flr")" 1
	is "resets of g0" "$(count ' g0 reset ' "flr" "after flr")" 1
}
