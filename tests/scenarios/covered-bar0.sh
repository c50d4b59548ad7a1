# SPDX-License-Identifier: GPL-2.0-only
#
# BAR3 lies over BAR0, and holds what the module would read in a GPU whose links are disabled. A guest may be
# able to do that: in BAR0 a GPU has a copy of its config space, of which VFIO knows nothing, and what is in
# BAR3 is the guest's. Shows that neither the audit nor the gate takes it for the GPU's registers, also if the
# guest moves it in the middle of a sequence: it can if it has kept a mapping of BAR0.
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

# covered_at STEP: BAR3 is put over BAR0 after this access of each sequence, in which the mask comes second.
covered_at() {
	memory 1 off
	lab set g1 mask 0
	lab set g1 trap "$1:cover"
	memory 1 on
	ok "covered after access $1: it is not switched on" is_off 1
	ok "covered after access $1: it is not called isolated" test "$(sysfs 1 state)" != isolated
	is "covered after access $1: the mask" "$(cut_links g1)" 0x00000000
	like "covered after access $1: why" "$(sysfs 1 last_error)" "its BARs were moved"
	lab set g1 trap off
	repair_bars "$(gpu 1)"
	echo 1 >"$(dev 1)/nvlink_isolation/apply"
	is "covered no more: its state" "$(sysfs 1 state)" isolated
	is "covered no more: the mask" "$(cut_links g1)" 0x00150000
}

guest() {
	fresh
	load isolate=1 audit_seconds=2
	memory 1 on
	ok "g1 is isolated" wait_for 10 in_state 1 isolated
	bar0=$(($(config_read "$(gpu 1)" 0x10 4) & ~0xf))
	bar3=$((bar0 - bar0 % 0x2000000))
	fill_bar3 1
	config_write "$(gpu 1)" 0x20 4 0
	config_write "$(gpu 1)" 0x1c 4 $bar3
	is "the mask as a user of BAR0 reads it" "$(devmem $(($(address 1 0) + 0xa00148)) 32)" 0x003F0000

	lab mark "audit"
	lab set g1 mask 0
	ok "the audit disables its links again" wait_for 10 is_cut_again 1
	memory 1 off
	lab set g1 mask 0
	memory 1 on
	is "links of g1 once it is switched on" "$(cut_links g1)" 0x00150000
	is "its state" "$(sysfs 1 state)" isolated
	is "its BAR3 as it was found" "$(config_read "$(gpu 1)" 0x1c 4)" "$(printf '0x%08x' $((bar3 | 12)))"
	memory 1 off
	repair_bars "$(gpu 1)"

	set_parameter audit_seconds 0
	covered_at 1
	covered_at 2
	ok "unloads" unload
}
