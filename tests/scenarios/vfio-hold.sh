# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest whose GPU cannot be cut again gets nothing of it, whatever it does: the GPU is
# held in reset. The mask is made unwritable where a denied enable is no help, at the reset within
# open and at EEH's DEACTIVATE. Its neighbour does not notice.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes

# attack: with all that the client has, and what it gets
attack() {
	client_do a "attack ring mask=0x00150000 us=2000" >/dev/null
	for mode in memory d3 bar unfreeze; do
		client_do a "attack $mode us=3000" >/dev/null
	done
	client_do a "sleep 1000" eeh-deactivate eeh-unfreeze-io memory-on "sleep 300" >/dev/null
	for mode in memory d3 bar unfreeze; do
		client_do a "attack-stop $mode" >/dev/null
	done
	got=$(client_do a "attack-stop ring")
	note "while held: $got"
	like "it reads ones or nothing" "$got" " signature=0 blank=0 other=0 "
	like "of the mask, too" "$got" " mask-error=0 mask-cut=0 mask-open=0 "
	is "it is still held" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	is "its neighbour is isolated, and free" "$(sysfs 1 state) $(sysfs 1 held)" "isolated 0"
}

works() {
	client_do "$1" map memory-on >/dev/null
	like "the client of $2 works with it" "$(client_do "$1" "read 0")" ": ok 0x140000a1$"
	like "the client of $2 finds it cut" "$(client_do "$1" "read 0xa00148")" ": ok 0x0015000[05]$"
}

guest() {
	fresh
	load isolate=1
	vfio_bind 0
	vfio_bind 1
	client_start b 1
	client_do b open >/dev/null
	works b g1

	lab set g0 mask-stuck on
	lab mark "open"
	client_start a 0
	note "open: $(client_do a open map eeh-enable memory-on)"
	is "state of a GPU that could not be cut in open" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	lab mark "held at open"
	attack
	works b g1
	# Then no end of their links is cut, but one is held in reset.
	lab mark "neighbour resets"
	is "its neighbour can be reset" "$(client_do b reset)" "reset: ok"
	lab mark "neighbour was reset"
	works b g1
	lab mark "mended after open"
	lab set g0 mask-stuck off
	# vfio-pci has found a device that answers ones, so this session is lost.
	client_stop a
	ok "the worker isolates it when it is closed" wait_for 200 in_state 0 isolated
	is "and lets it go" "$(sysfs 0 held)" 0
	client_start a 0
	like "it can be opened again" "$(client_do a open)" "open: ok"
	works a g0
	lab mark "DEACTIVATE"
	client_do a eeh-enable eeh-fundamental >/dev/null
	lab set g0 mask-stuck on
	like "DEACTIVATE is denied" "$(client_do a eeh-deactivate)" "error EINVAL"
	is "state of a GPU that could not be cut in DEACTIVATE" \
		"$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	lab mark "held at DEACTIVATE"
	attack
	works b g1
	lab mark "mended after DEACTIVATE"
	lab set g0 mask-stuck off
	is "its client resets it" "$(client_do a reset)" "reset: ok"
	is "which isolates it" "$(sysfs 0 state) $(sysfs 0 held)" "isolated 0"
	works a g0

	# It goes as it came: what vfio-pci saved while it was held is nothing but ones.
	lab set g0 mask-stuck on
	client_do a reset >/dev/null
	is "state after a reset that could not cut it" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	ok "the client is killed" client_kill a
	lab set g0 mask-stuck off
	ok "the worker isolates it when nobody has it" wait_for 200 in_state 0 isolated
	client_start a 0
	client_do a open
	works a g0
	client_stop a
	client_stop b
	ok "the kernel's log tells" wait_for 5 sh -c \
		"dmesg | grep '$(gpu 0): nvlink_isolation: NOT isolated and held in reset'"
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	for where in open DEACTIVATE; do
		is "reads of the client of g0 that were answered, held at $where" \
			"$(client_reads g0 "held at $where" "mended after $where")" 0
		ok "reads of the client of g0 that met a held GPU or nothing at $where" test "$(
			count '(held-read|bus stray-read addr=0x[0-9a-f]*700000)' \
				"held at $where" "mended after $where")" -gt 0
		is "g0 was exposed while held at $where, in ns" \
			"$(exposed_ns g0 "held at $where" "mended after $where")" 0
		is "g1 was reset meanwhile by anybody but its client, at $where" \
			"$(count ' g1 (reset|held)' "held at DEACTIVATE" "mended after DEACTIVATE")" 0
	done
	is "reads of the client of g0 while it was exposed" "$(client_reads_exposed g0 open)" 0
	for link in $(links); do
		is "$link was live" "$(live_ns "$link" open "neighbour resets")" 0
		is "$link was live later" "$(live_ns "$link" "neighbour was reset")" 0
	done
}
