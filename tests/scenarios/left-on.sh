# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU whose decoding somebody left on over BARs that hold nothing is isolated and audited
# all the same, and left as it was found. It comes to that by a reset that the kernel did not do, as
# drivers switch decoding on and leave it so.
#
# boot: redbud
# unseen: yes

# COMMAND and the BARs
set_up() {
	hexdump -v -s 4 -n 2 -e '"%04x "' "$(dev 0)/config"
	hexdump -v -s 16 -n 24 -e '1/4 "%08x "' "$(dev 0)/config"
}

isolated() {
	is "g0 is isolated $1" "$(sysfs 0 state) $(sysfs 0 last_error)" "isolated "
	seen_to "$1"
}

seen_to() {
	is "mask of g0 $1" "$(cut_links g0)" 0x00150000
	is "g0 is left as it was found $1" "$(set_up)" "$found"
}

is_off() {
	case $(set_up) in
	0000*) ;;
	*) return 1 ;;
	esac
}

# A debug kernel takes so long for a step that the worker has disabled the links before.
is_off_or_late() {
	is_off || { on_debug && [ "$(cut_links g0)" = 0x00150000 ]; }
}

is_off_or_isolated() {
	is_off_or_late || in_state 0 isolated
}

# Both, and on x86-64 their friends: no link of theirs has to be disabled then.
joined() {
	echo "$(gpu 0)+$(gpu 1)$(on_x86 && echo "+$(friend 0)+$(friend 1)")"
}

found_enabled() {
	dmesg_since | grep -q "$(gpu 0): .*NVLinks were found enabled though no reset was seen"
}

guest() {
	fresh
	cp "$(dev 0)/config" /run/config
	load isolate=1 audit_seconds=2 domains="$(joined)"
	raw_reset 0
	ok "a driver has g0" enable_gpu 0
	disable_gpu 0
	found=$(set_up)
	like "decoding is on, with BARs that hold nothing" "$found" '^0002 0000000[0c] 0000000c 0000000[0c] '

	lab mark "left on"
	ok "g0 and g1 part" set_parameter domains "$(lab_domains)"
	ok "g0 is seen to" wait_for 5 in_state 0 isolated
	isolated "without a reset"
	lab set g0 mask 5
	ok "an audit finds that the mask is gone" wait_for 10 found_enabled
	ok "g0 is seen to again" wait_for 10 in_state 0 isolated
	isolated "after the audit"

	# The same under a driver: nobody has verified it since its reset.
	ok "g0 and g1 are joined" set_parameter domains "$(joined)"
	raw_reset 0
	ok "a driver has g0 again" enable_gpu 0
	is "g0 is as it was" "$(set_up)" "$found"
	ok "g0 and g1 part under it" set_parameter domains "$(lab_domains)"
	ok "g0 is seen to under it" wait_for 5 in_state 0 isolated
	if on_debug; then seen_to "under its driver"; else isolated "under its driver"; fi

	# BARs that a driver has moved since it was verified are that driver's. It cannot be read back then.
	config_write "$(gpu 0)" 0x18 4 0x1000000c
	found=$(set_up)
	ok "what cannot be read back is not claimed for long" wait_for 15 in_state 0 pending
	is "and g0 is left as it was found" "$(set_up)" "$found"
	disable_gpu 0
	ok "g0 is isolated in the end" wait_for 10 in_state 0 isolated
	isolated "in the end"
	lab mark "left on no more"

	# The GPU switches itself on after a reset: a tenant can have put a script that does so into its EEPROM.
	ok "a driver has g0 once more" enable_gpu 0
	raw_assert 0
	usleep 2000
	raw_release 0
	lab mark "past-gate g0"
	lab set g0 memory on
	memory 0 on
	ok "g0 has switched itself on: off again, or isolated meanwhile" is_off_or_isolated
	disable_gpu 0
	ok "g0 is isolated after that" wait_for 10 in_state 0 isolated

	# The same in D3hot, in which a guest can hide its GPU from each look.
	ok "a driver has g0 for the last time" enable_gpu 0
	raw_assert 0
	usleep 2000
	raw_release 0
	usleep 400000
	power_state 0 3
	lab mark "past-gate g0"
	lab set g0 memory on
	memory 0 on
	ok "g0 has switched itself on in D3hot: off again" is_off_or_late
	power_state 0 0
	disable_gpu 0
	ok "g0 is isolated in the end" wait_for 10 in_state 0 isolated

	dd if=/run/config of="$(dev 0)/config" bs=4 skip=1 seek=1 count=9 conv=notrunc 2>/dev/null
	ok "g0 resets" reset 0
	is "mask of g0 after its reset" "$(cut_links g0)" 0x00150000
	unload
}

judge() {
	is "stray accesses" "$(count ' bus stray-' "left on" "left on no more")" 0
}
