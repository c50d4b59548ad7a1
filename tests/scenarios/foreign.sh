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
	lab mark "enable"
	is "state of the P100 then" "$(sysfs 0 state)" unsupported
	ok "the P100 can be enabled" enable_gpu 0
	ok "the PCIe V100 can be enabled" enable_gpu 2
	disable_gpu 0
	disable_gpu 2
	unload
	lab set g0 boot0 0x140000a1
}

judge() {
	is "writes to BAR0 of the P100" "$(count ' g0 write ' load)" 0
	is "reads of BAR0 of the P100 but PMC_BOOT_0" \
		"$(log_segment load | grep ' g0 read ' | grep -vc 'off=0x000000')" 0
	is "reads of PMC_BOOT_0 of the P100" "$(count ' g0 read off=0x000000 ' load)" 1
	is "accesses to BAR0 of the PCIe V100" "$(count ' g2 (read|write) ' load)" 0
	is "config writes to the PCIe V100 at load" "$(count ' g2 config-write ' load reset)" 0
}
