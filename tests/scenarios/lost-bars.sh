# SPDX-License-Identifier: GPL-2.0-only
#
# A raw reset clears the BARs, and a raw write switches decoding on without them; the PCI core saves and
# restores that at the next reset. Or it has saved ones, because config space was blocked then, and
# restores these. Shows that the GPU is isolated all the same, that a driver can enable it, and that its
# config space stays as it was.
#
# x86: yes
# boot: redbud

enabled() {
	ok "a driver enables it, $1" enable_gpu 0
	is "state, $1" "$(sysfs 0 state)" isolated
	is "refused, $1" "$(sysfs 0 refused)" 0
	is "links, $1" "$(cut_links g0)" 0x00150000
	disable_gpu 0
}

# ones N: its BARs, as far as they can be written
ones() {
	for offset in 0x10 0x14 0x18 0x1c 0x20 0x24; do
		config_write "$(gpu "$1")" $offset 4 0xffffffff
	done
}

bars() {
	lab_bars "$(gpu "$1")" | tr '\n' ' '
}

guest() {
	fresh
	load isolate=1
	lab mark "raw reset"
	raw_reset 0
	ok "it is isolated after a raw reset" wait_for 20 in_state 0 isolated
	is "COMMAND and BAR0" "$(registers 0)" "0x0000 0x00000000"
	memory 0 on
	is "COMMAND and BAR0, switched on" "$(registers 0)" "0x0002 0x00000000"
	enabled "switched on"
	memory 0 on
	reset 0
	ok "it is isolated after a reset" wait_for 20 in_state 0 isolated
	is "COMMAND and BAR0, after a reset" "$(registers 0)" "0x0002 0x00000000"
	enabled "after a reset"
	memory 0 off
	ones 0
	as_found=$(bars 0)
	like "an upper half is all ones" "$as_found" '0xffffffff'
	reset 0
	ok "it is isolated with BARs of ones" wait_for 20 in_state 0 isolated
	enabled "with BARs of ones"
	is "its BARs then" "$(bars 0)" "$as_found"
	lab mark "after all"
	ok "unloads" unload
}

judge() {
	is "times g0 was exposed other than in a sequence" \
		"$(open_periods g0 "raw reset" "after all" | grep -c open)" 0
}
