# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that hundreds of resets of four GPUs, from loops in parallel on two processors, with
# enforcement switched off and on in between and audits all the time, end with the masks as they
# have to be and nothing left behind.
#
# matrix: yes
# boot: redbud
# smp: 2

rounds=60

# Each third is one through the PCI core, which takes seconds.
loop() {
	i=0
	while [ $i -lt $rounds ]; do
		i=$((i + 1))
		if [ $((i % 3)) = 0 ]; then
			reset "$1" && echo core
		else
			raw_reset "$1" && echo raw
		fi
	done >"/run/loop$1"
	: >"/run/over$1"
}

are_over() {
	for n in 0 1 2 3; do
		[ -e "/run/over$n" ] || return
	done
}

guest() {
	fresh
	others=$(mappings)
	load isolate=1 audit_seconds=1
	loaded=$(mappings)
	ok "the module has mappings" test "$loaded" -gt "$others"
	before=$(slab)
	for n in 0 1 2 3; do
		loop $n &
	done
	toggles=0
	until are_over; do
		set_parameter isolate 0
		usleep 200000
		set_parameter isolate 1
		toggles=$((toggles + 1))
		sleep 3
	done
	wait %1 %2 %3 %4
	after=$(slab)
	is "resets" "$(cat /run/loop? | wc -l)" $((4 * rounds))
	note "enforcement switched off and on $toggles times; SUnreclaim $before kB, then $after kB"
	ok "it was switched often" test "$toggles" -ge 10
	for n in 0 1 2 3; do
		ok "g$n is isolated at the end" wait_for 100 in_state $n isolated
		is "links of g$n at the end" "$(cut_links g$n)" 0x00150000
		is "COMMAND of g$n" "$(($(registers $n | cut -d ' ' -f 1) & 2))" 0
	done
	ok "there are not more mappings at the end" test "$(mappings)" -le "$loaded"
	is "references to it" "$(cat /sys/module/nvlink_isolation/refcnt)" 1
	ok "memory that is not given back has not grown by a quarter" \
		test "$after" -le $((before + before / 4))
	ok "unloads" unload
	ok "it leaves no mapping" test "$(mappings)" -le "$others"
}

judge() {
	for gpu in g0 g1 g2 g3; do
		ok "$gpu was reset by its own account" test "$(count " $gpu reset ")" -ge $rounds
	done
	is "orders or bits violated" "$(count ' (violation|dropped) ')" 0
}
