# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what is done with a GPU whose PMC_BOOT_0 does not say GV100, though its PCI id does. Garbage is
# a fault: the GPU is not isolated, and nobody can switch it on. Only a chip that is known to be
# another, twice, is left alone, and not where a GV100 was seen before.
#
# boot: redbud
# kernel: 6.12

p100=0x130000a1
v100=0x140000a1

# refused WHAT: it is not claimed to be anything, and nobody gets it
refused() {
	is "$1" "$(sysfs 0 state) $(sysfs 0 disabled_links)" "failed unknown"
	like "why, $1" "$(sysfs 0 last_error)" "^PMC_BOOT_0 reads 0x"
	nok "enabled, $1" enable_gpu 0
	is "decoding, $1" "$(($(config_read "$(gpu 0)" 4 2) & 2))" 0
	if [ -e "$(dev 0)/driver" ]; then disable_gpu 0; else echo >"$(dev 0)/driver_override"; fi
}

mended() {
	lab set g0 boot0 $v100
	reset 0
	ok "isolated after $1" wait_for 20 in_state 0 isolated
	is "links of g0 after $1" "$(cut_links g0)" 0x00150000
}

guest() {
	fresh
	# By itself an unsupported chip could pass as a V100 that has not come up.
	for garbage in 0 0x00000001 0x14100000 0x13f000a1 0x00140000 0xbad00100; do
		lab set g0 boot0 $garbage
		load isolate=1
		sleep 3
		case $garbage in
		0xbad*) is "a PRI error" "$(sysfs 0 state)" failed ;;
		*) refused "$garbage" ;;
		esac
		is "its neighbour, $garbage" "$(sysfs 1 state)" isolated
		unload
	done
	mended_by_load

	lab set g0 boot0 $p100
	lab mark "P100"
	load isolate=1
	ok "a P100 is left alone" wait_for 5 in_state 0 unsupported
	lab mark "after P100"
	ok "and can be enabled" enable_gpu 0
	disable_gpu 0
	unload
	lab set g0 boot0 $v100
	load isolate=1
	ok "isolated when it is a GV100" wait_for 5 in_state 0 isolated
	lab set g0 boot0 $p100
	reset 0
	sleep 20
	refused "P100 where there was a GV100"
	mended "P100"
	lab set g0 boot0 0
	reset 0
	sleep 5
	refused "0 where there was a GV100"
	mended 0
	unload

	# Its ring does not start, but it has said what it is.
	reset 0
	lab set g0 ring-busy on
	load isolate=1
	is "a GV100 whose ring does not start" "$(sysfs 0 state)" failed
	lab set g0 boot0 $p100
	sleep 20
	refused "P100 where a ring did not start"
	lab set g0 ring-busy off
	mended "ring-busy"
	ok "unloads" unload
}

mended_by_load() {
	lab set g0 boot0 $v100
	load isolate=1
	ok "isolated when it says what it is" wait_for 5 in_state 0 isolated
	unload
}

judge() {
	# It takes two answers.
	ok "PMC_BOOT_0 was asked again" \
		test "$(count " g0 read off=0x000000 val=$p100" P100 "after P100")" -ge 2
	is "nothing of it was written" "$(count ' g0 write ' P100 "after P100")" 0
}
