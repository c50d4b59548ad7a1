# SPDX-License-Identifier: GPL-2.0-only
#
# Shows resets on a PC of which the module sees only one end. A program clears a port's reset bit, and the
# kernel knows nothing of it; but the worker finds out, and the GPU does not stay pending. Downstream Port
# Containment takes the link down without a write, and the module sees the write that ends it.
#
# kernel: amd64-6.1
# boot: x86-redbud
# unseen: yes

is_cut_again() {
	[ "$(cut_links "g$1")" = 0x00150000 ]
}

lost_control() {
	raw_assert 0
	is "g0, which is in reset, is pending" "$(sysfs 0 state)" pending
	sleep 3
	is "and stays so" "$(sysfs 0 state)" pending
	# Past the kernel, so nobody sees it.
	lab_cf8 "$(port 0)" 0x3e 2 0x0002
	lab mark "released"
	ok "g0 is isolated when its port has lost the reset bit" wait_for 10 in_state 0 isolated
	lab mark "isolated"
	is "its links" "$(cut_links g0)" 0x00150000
}

contained() {
	ok "g1 is isolated" wait_for 10 in_state 1 isolated
	resets=$(sysfs 1 resets)
	lab mark "contained"
	# The emulated port does not contain errors by itself.
	lab set g1 link-down 1
	is "links of g1, whose link was down" "$(cut_links g1)" 0x00000000
	config_write "$(port 1)" 0x308 2 1
	is "g1 when the kernel clears the trigger" "$(sysfs 1 state)" pending
	ok "g1 is read back after that" wait_for 10 is_cut_again 1
	ok "g1 is isolated again" wait_for 10 in_state 1 isolated
	is "resets of g1 that were counted" "$(($(sysfs 1 resets) - resets))" 1
	lab mark "after contained"
}

guest() {
	fresh
	lab set p1 link-report off
	lab set p1 containment on
	load isolate=1 audit_seconds=0
	lost_control
	contained
	ok "unloads" unload
}

# settled FROM TO GPU: milliseconds from the mark to its next access by the module
settled() {
	log_segment "$1" "$2" | awk -v gpu="$3" -v from="$(awk -v text="text=$1" '$4 == text { print $1; exit }' "$log")" '
		$2 == gpu && $3 == "read" && !found++ { printf "%.0f\n", ($1 - from) / 1e6 }'
}

judge() {
	is "resets of g1 while it was contained" \
		"$(count ' g1 reset ' contained "after contained")" 1
	ms=$(settled released isolated g0)
	ok "the settle time of g0 is honoured: ${ms:-none} ms" test "${ms:-0}" -ge 300
}
