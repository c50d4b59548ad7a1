# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that what is not a V100 SXM2 is left alone: a PCIe V100 by its id, and a chip that says in
# PMC_BOOT_0 that it is a P100, of which nothing else is read or written, reset or not.
#
# boot: foreign

guest() {
	fresh
	lab set g0 boot0 0x130000a1
	lab mark "load"
	load isolate=1
	# One answer is not believed: the judge counts two.
	ok "the P100 is unsupported" wait_for 5 in_state 0 unsupported
	like "its reason" "$(sysfs 0 last_error)" "PMC_BOOT_0 reads 0x130000a1"
	ok "the log says so" told "$(gpu 0): nvlink_isolation: left alone, not isolated: PMC_BOOT_0 reads 0x130000a1"
	is "state of the V100 beside it" "$(sysfs 1 state)" isolated
	nok "the PCIe V100 is not listed" test -e "$(dev 2)/nvlink_isolation"
	lab mark "reset"
	ok "the P100 resets" reset 0
	ok "the PCIe V100 resets" reset 2
	ok "it is unsupported then" wait_for 5 in_state 0 unsupported
	is "nobody is kept from it" "$(sysfs 0 held)" 0
	ok "the P100 can be enabled" enable_gpu 0
	ok "the PCIe V100 can be enabled" enable_gpu 2
	lab mark "in use"
	ok "the P100 resets in use" reset 0
	is "and is on again" $(($(config_read "$(gpu 0)" 4 2) & 2)) 2
	lab mark "after in use"
	disable_gpu 0
	disable_gpu 2


	# Wrong answers do not exempt a GPU permanently.
	lab set g0 boot0 0x140000a1
	lab mark "a V100 after all"
	ok "it says V100 after a reset" reset 0
	ok "and is isolated" wait_for 5 in_state 0 isolated
	is "mask then" "$(lab get g0 mask)" 0x00150005

	# A V100 that says something else is broken, and so is what says nothing known.
	unload
	lab set g0 boot0 0x150000a1
	load isolate=1
	sleep 5
	is "an unknown chip is not left alone" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	nok "nor can it be enabled" enable_gpu 0
	lab set g0 boot0 0x140000a1
	ok "until it says V100" wait_for 70 in_state 0 isolated
	lab set g0 boot0 0x130000a1
	reset 0
	sleep 5
	is "who was a V100 is no P100" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	lab set g0 boot0 0x140000a1
	echo >"$(dev 0)/driver_override"
	unload
}

judge() {
	is "writes to BAR0 of the P100" "$(count ' g0 write ' load "a V100 after all")" 0
	is "reads of BAR0 of the P100 but PMC_BOOT_0" \
		"$(log_segment load "a V100 after all" | grep ' g0 read ' | grep -vc 'off=0x000000')" 0
	is "reads of PMC_BOOT_0 of the P100 at load" "$(count ' g0 read off=0x000000 ' load reset)" 2
	is "accesses to BAR0 of the PCIe V100" "$(count ' g2 (read|write) ' load)" 0
	is "config writes to the PCIe V100 at load" "$(count ' g2 config-write ' load reset)" 0
}
