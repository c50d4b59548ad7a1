# SPDX-License-Identifier: GPL-2.0-only
#
# BAR3 or the expansion ROM lies over BAR0, and holds what the module would read in a GPU whose links are
# disabled. A guest may be able to do that: in BAR0 a GPU has a copy of its config space, of which VFIO knows
# nothing, and what is in BAR3 and the ROM is the guest's. Shows that neither the audit nor the gate takes it
# for the GPU's registers, also if the guest moves it in the middle of a sequence: it can if it has kept a
# mapping of BAR0.
#
# x86: yes
# boot: redbud
# unseen: yes

# address N I: the first one of BAR I
address() {
	awk -v line=$(($2 + 1)) 'NR == line { print $1 }' "$(dev "$1")/resource"
}

# word N OFFSET VALUE: into BAR3, where it will lie over OFFSET of BAR0. It has twice the size.
word() {
	devmem $(($(address "$1" 3) + bar0 % 0x2000000 + $2)) 32 "$3"
}

is_cut_again() {
	[ "$(cut_links "g$1")" = 0x00150000 ]
}

# What a GPU reads where the module looks, if its links are disabled
fill_bar3() {
	word "$1" 0x0 0x140000a1
	word "$1" 0x200 0x02000121
	word "$1" 0x120050 1
	word "$1" 0x122204 2
	word "$1" 0xa00148 0x003f0000
}

is_off() {
	[ $(($(config_read "$(gpu "$1")" 4 2) & 2)) = 0 ]
}

# covered_at STEP WHAT: it is put over BAR0 after this access of each sequence, in which the mask comes second.
covered_at() {
	memory 1 off
	lab set g1 mask 0
	lab set g1 trap "$1:$2"
	memory 1 on
	ok "$2 after access $1: it is not switched on" is_off 1
	ok "$2 after access $1: it is not called isolated" test "$(sysfs 1 state)" != isolated
	is "$2 after access $1: the mask" "$(cut_links g1)" 0x00000000
	like "$2 after access $1: why" "$(sysfs 1 last_error)" "its BARs were moved"
	lab set g1 trap off
	repair_bars "$(gpu 1)"
	config_write "$(gpu 1)" 0x30 4 0
	apply 1
	is "$2 no more: its state" "$(sysfs 1 state)" isolated
	is "$2 no more: the mask" "$(cut_links g1)" 0x00150000
}

# disabled_again WHAT: it lies over BAR0, and the mask is lost
disabled_again() {
	if [ -e /dev/mem ]; then
		is "$1: the mask as a user of BAR0 reads it" \
			"$(devmem $(($(address 1 0) + 0xa00148)) 32)" 0x003F0000
	else
		note "left out: a user of BAR0, on a kernel without /dev/mem"
	fi
	lab mark "audit"
	lab set g1 mask 0
	ok "$1: the audit disables its links again" wait_for 10 is_cut_again 1
	memory 1 off
	lab set g1 mask 0
	memory 1 on
	is "$1: links of g1 once it is switched on" "$(cut_links g1)" 0x00150000
	is "$1: its state" "$(sysfs 1 state)" isolated
}

# has_rom N: the emulated PC has none, whose windows have no room for one after a hot-plug
has_rom() {
	config_write "$(gpu "$1")" 0x30 4 0xfffff800
	has_rom_sized=$(config_read "$(gpu "$1")" 0x30 4)
	config_write "$(gpu "$1")" 0x30 4 0
	[ $((has_rom_sized)) != 0 ]
}

guest() {
	fresh
	on_x86 || ok "g1 has an expansion ROM" has_rom 1
	load isolate=1 audit_seconds=2
	memory 1 on
	ok "g1 is isolated" wait_for 10 in_state 1 isolated
	bar0=$(($(config_read "$(gpu 1)" 0x10 4) & ~0xf))
	bar3=$((bar0 - bar0 % 0x2000000))
	fill_bar3 1
	config_write "$(gpu 1)" 0x20 4 0
	config_write "$(gpu 1)" 0x1c 4 $bar3
	disabled_again "BAR3"
	is "its BAR3 as it was found" "$(config_read "$(gpu 1)" 0x1c 4)" "$(printf '0x%08x' $((bar3 | 12)))"
	memory 1 off
	repair_bars "$(gpu 1)"

	if has_rom 1; then
		memory 1 on
		rom=$((bar0 + 0xa00001))
		config_write "$(gpu 1)" 0x30 4 $rom
		disabled_again "the ROM"
		is "its ROM as it was found" "$(config_read "$(gpu 1)" 0x30 4)" "$(printf '0x%08x' $rom)"
		config_write "$(gpu 1)" 0x30 4 0
	fi
	memory 1 off
	repair_bars "$(gpu 1)"

	set_parameter audit_seconds 0
	for step in 1 2; do
		covered_at $step cover
		! has_rom 1 || covered_at $step rom
	done
	ok "unloads" unload
}
