# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what the lab's ways to reset a GPU do when no module is there to see it: which GPUs they
# reset, and so lose their mask, and what the kernel leaves in config space. In a boot of its own:
# that depends on what was there before. The paths that only a PC has are in lab-x86.
#
# x86: yes
# alone: yes
# boot: redbud

# isolate: disable the links until the next reset, behind the kernel's back.
isolate() {
	lab set g0 mask $cut_mask && lab set g1 mask $cut_mask
}

masks() {
	echo "$(lab get g0 mask) $(lab get g1 mask)"
}

cut_mask=0x00150005
reset_mask=0x00000005

# path NAME MASKS COMMAND...: take that path with the links of g0 and g1 cut before.
path() {
	path_name=$1 path_masks=$2
	shift 2
	lab mark "$path_name"
	ok "$path_name" "$@"
	lab mark "after $path_name"
	is "masks after $path_name" "$(masks)" "$path_masks"
}

# same NAME: are COMMAND and BAR0 of both as they were at first?
same() {
	is "config of g0 after $1" "$(registers 0)" "$first0"
	is "config of g1 after $1" "$(registers 1)" "$first1"
}

# Resets in two steps, which only EEH has: config space is blocked in between.
in_two_steps() {
	path "driver's hot" "$reset_mask $cut_mask" driver_reset 0 hot
	is "config of g0 until the driver is content" "$(registers 0)" "0xffff 0xffffffff"
	nok "it does not read BAR0" cat "$(dev 0)/lab_driver/read"
	path "driver's deassert" "$reset_mask $cut_mask" driver_reset 0 deassert
	is "BAR0 of g0, which is left to the driver" "$(registers 0 | cut -d ' ' -f 2)" 0x00000000
}

# Firmware of a PC has switched them on. A GPU that is found anew after a reset has nothing in
# COMMAND.
all_off() {
	for n in 0 1; do
		config_write "$(gpu $n)" 4 2 0
		reset $n
	done
}

guest() {
	fresh
	! on_x86 || all_off
	first0=$(registers 0) first1=$(registers 1)
	isolate
	path "sysfs" "$reset_mask $cut_mask" reset 0
	same "sysfs"
	isolate
	path "below the port" "$reset_mask $cut_mask" reset_below "$(port 0)"
	same "below the port"
	isolate
	path "below the upstream port" "$reset_mask $reset_mask" reset_below "$(upstream 0)"
	same "below the upstream port"
	isolate
	# On powernv this is left to firmware, which resets nothing.
	root_mask=$cut_mask
	! on_x86 || root_mask=$reset_mask
	path "below the root port" "$root_mask $root_mask" reset_below "$(rootport 0)"
	same "below the root port"
	isolate

	path "remove" "$cut_mask $cut_mask" remove_gpu 0
	nok "g0 is gone" there 0
	path "rescan" "$cut_mask $cut_mask" rescan
	same "rescan"
	path "D3hot" "$cut_mask $cut_mask" power_state 0 3
	path "D0" "$cut_mask $cut_mask" power_state 0 0
	same "D0"

	path "raw assert" "$reset_mask $cut_mask" raw_assert 0
	is "config of g0 while it is held" "$(registers 0)" "0xffff 0xffffffff"
	path "raw release" "$reset_mask $cut_mask" raw_release 0
	usleep 200000
	is "config of g0, which nobody restores" "$(registers 0)" "0x0000 0x00000000"
	ok "g0 resets through sysfs" reset 0
	is "which restores what is not there" "$(registers 0)" "0x0000 0x00000000"
	remove_gpu 0
	rescan
	is "config of g0 when it is found anew" "$(registers 0)" "0x0000 ${first0#* }"

	isolate
	ok "a driver has g0" bind_gpu 0 lab_driver
	used=$(registers 0)
	is "it reads BAR0" "$(cat "$(dev 0)/lab_driver/read")" 0x00000000
	for how in bus function try; do
		path "driver's $how" "$reset_mask $cut_mask" driver_reset 0 $how
		is "config of g0 after the driver's $how" "$(registers 0)" "$used"
	done
	on_x86 || in_two_steps
	unbind_gpu 0
	! on_x86 || memory 0 off
	remove_gpu 0
	rescan
	same "that"
}

# resets NAME G0 G1: how often each was reset on that path.
resets() {
	is "resets of g0: $1" "$(count ' g0 reset reason=bus$' "$1" "after $1")" "$2"
	is "resets of g1: $1" "$(count ' g1 reset reason=bus$' "$1" "after $1")" "$3"
}

judge() {
	resets "sysfs" 1 0
	resets "below the port" 1 0
	resets "below the upstream port" 1 1
	root=0
	! on_x86 || root=1
	resets "below the root port" $root $root
	resets "remove" 0 0
	resets "rescan" 0 0
	resets "D3hot" 0 0
	resets "D0" 0 0
	resets "raw assert" 1 0
	resets "raw release" 0 0
	for how in bus function try; do
		resets "driver's $how" 1 0
	done
	on_x86 || resets "driver's hot" 2 0
	on_x86 || resets "driver's deassert" 0 0
	is "reads of the driver" "$(count ' g0 read off=0x700000 ')" 1
}
