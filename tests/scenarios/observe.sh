# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that with isolate=0 the module touches nothing: no access to BAR0, and the same config
# writes as without it. It does show what would be cut.
#
# x86: yes
# boot: redbud

guest() {
	fresh
	# The first time it also turns memory decoding on, and 5.10's first reset writes the power state.
	reset 0
	enable_gpu 1
	disable_gpu 1
	lab mark "without the module"
	reset 0
	enable_gpu 1
	disable_gpu 1
	lab mark "with it"
	load
	is "isolate is off by default" "$(parameter isolate)" 0
	is "gate is on by default" "$(parameter gate)" 1
	reset 0
	enable_gpu 1
	disable_gpu 1
	lab mark "unload"
	for n in 0 1 2 3; do
		is "state of g$n" "$(sysfs "$n" state)" off
		is "links of g$n that are disabled" "$(sysfs "$n" disabled_links)" unknown
		is "links of g$n that would be cut" "$(sysfs "$n" required_links)" 0,2,4
		is "resets of g$n" "$(sysfs "$n" resets)" 0
		is "mask of g$n" "$(lab get "g$n" mask)" 0x00000005
	done
	# No gate: no verification takes place.
	lab mark "no gate"
	lab set g0 mask-stuck on
	raw_reset 0
	lab mark "switched on"
	memory 0 on
	is "g0 can be switched on" $(($(config_read "$(gpu 0)" 4 2) & 2)) 2
	lab mark "was switched on"
	is "nothing is counted" "$(sysfs 0 refused) $(sysfs 0 switched_on) $(sysfs 0 verified)" "0 0 never"
	memory 0 off
	lab set g0 mask-stuck off
	reset 0
	ok "rmmod works at once" rmmod nvlink_isolation
	nok "its directory is gone" test -e "$(dev 0)/nvlink_isolation"
}

# What was written to config spaces, without the times.
config_writes() {
	log_segment "$1" "$2" | awk '$3 == "config-write" { $1 = ""; print }'
}

judge() {
	is "accesses to BAR0" "$(count ' g[0-3] (read|write) ' "with it")" 0
	config_writes "without the module" "with it" >"$dir/writes-without"
	config_writes "with it" unload >"$dir/writes-with"
	ok "there are config writes to compare" test -s "$dir/writes-without"
	ok "config writes are the same" diff "$dir/writes-without" "$dir/writes-with"
	is "config writes while it is asked" "$(count config-write unload "no gate")" 0
	is "config writes when somebody switches it on: only that" \
		"$(count ' g0 config-write ' "switched on" "was switched on") \
$(memory_on g0 "switched on" "was switched on")" "1 1"
}
