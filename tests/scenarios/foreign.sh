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
	is "state of the P100" "$(sysfs 0 state)" unsupported
	like "its reason" "$(sysfs 0 last_error)" "PMC_BOOT_0 reads 0x130000a1"
	is "state of the V100 beside it" "$(sysfs 1 state)" isolated
	nok "the PCIe V100 is not listed" test -e "$(dev 2)/nvlink_isolation"
	lab mark "reset"
	ok "the P100 resets" reset 0
	ok "the PCIe V100 resets" reset 2
	is "state of the P100 then" "$(sysfs 0 state)" unsupported
	ok "the P100 can be enabled" enable_gpu 0
	ok "the PCIe V100 can be enabled" enable_gpu 2
	disable_gpu 0
	disable_gpu 2

	# One wrong answer does not exempt a GPU for good.
	lab set g0 boot0 0x140000a1
	lab mark "a V100 after all"
	ok "it says V100 after a reset" reset 0
	is "and is isolated" "$(sysfs 0 state)" isolated
	is "mask then" "$(lab get g0 mask)" 0x00150005
	unload
}

judge() {
	is "writes to BAR0 of the P100" "$(count ' g0 write ' load "a V100 after all")" 0
	is "reads of BAR0 of the P100 but PMC_BOOT_0" \
		"$(log_segment load "a V100 after all" | grep ' g0 read ' | grep -vc 'off=0x000000')" 0
	is "reads of PMC_BOOT_0 of the P100 at load" "$(count ' g0 read off=0x000000 ' load reset)" 1
	is "accesses to BAR0 of the PCIe V100" "$(count ' g2 (read|write) ' load)" 0
	is "config writes to the PCIe V100 at load" "$(count ' g2 config-write ' load reset)" 0
}
