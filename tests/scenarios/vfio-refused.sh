# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest whose GPU's links cannot be disabled gets nothing of it, whatever it does: nobody
# can switch decoding on, and there is one attempt after each reset. The mask is made unwritable where
# the hook in pci_enable_device() is no help: at the reset within open, and at EEH's DEACTIVATE. When
# the refusal ends the guest continues, and has nothing to open again. Its neighbour does not notice.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes

# refused WHEN: nobody can switch g0 on. Config space answers, and its port does not reset it.
refused() {
	is "g0 is refused, $1" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	is "bridge control of its port, $1" "$(bridge_control 0)" 0x0002
	is "vendor id of g0, $1" "$(config_read "$(gpu 0)" 0 2)" 0x10de
	is "decoding of g0, $1" "$(($(config_read "$(gpu 0)" 4 2) & 2))" 0
}

# attack WHEN: with all that the client has, and what it gets
attack() {
	like "memory-on is an error, $1" "$(client_do a memory-on)" '^memory-on: error EIO'
	client_do a "attack ring mask=0x00150000 us=2000" >/dev/null
	for mode in memory d3 bar unfreeze; do
		client_do a "attack $mode us=3000" >/dev/null
	done
	client_do a "sleep 1000" eeh-deactivate eeh-unfreeze-io memory-on "sleep 4000" >/dev/null
	for mode in memory d3 bar unfreeze; do
		client_do a "attack-stop $mode" >/dev/null
	done
	got=$(client_do a "attack-stop ring")
	note "while refused: $got"
	like "it reads ones or nothing, $1" "$got" " signature=0 blank=0 other=0 "
	like "and it did read, $1" "$got" ' (ones|sigbus)=[1-9]'
	like "of the mask, too, $1" "$got" " mask-error=0 mask-cut=0 mask-open=0 "
	client_do a d0 >/dev/null
	refused "after the attack, $1"
	is "its neighbour is isolated, and not refused, $1" "$(sysfs 1 state) $(sysfs 1 held)" \
		"isolated 0"
}

works() {
	like "the client of $2 works with it" "$(client_do "$1" "read 0")" ": ok 0x140000a1$"
	like "the client of $2 finds its links disabled" "$(client_do "$1" "read 0xa00148")" \
		": ok 0x0015000[05]$"
}

# resets_g0 MARK: g0 obeys again, and its client resets it and goes on with what it has open
resets_g0() {
	lab set g0 mask-stuck off
	like "it stays refused until a reset, $1" "$(client_do a memory-on)" '^memory-on: error EIO'
	lab mark "$1"
	is "its client resets it, $1" "$(client_do a reset memory-on)" "reset: ok
memory-on: ok"
	is "which isolates it, $1" "$(sysfs 0 state) $(sysfs 0 held)" "isolated 0"
	works a g0
}

guest() {
	fresh
	load isolate=1
	vfio_bind 0
	vfio_bind 1
	client_start b 1
	client_do b open map memory-on >/dev/null
	works b g1

	lab set g0 mask-stuck on
	lab mark "open"
	client_start a 0
	# The hook finds g0 isolated; then vfio-pci resets it.
	is "a client opens g0" "$(client_do a open map eeh-enable)" "open: ok
map: ok 0x1000000
eeh-enable: ok 0"
	refused "open"
	like "the client has no mapping of it" "$(client_do a "read 0")" ': error SIGBUS'
	lab mark "refused at open"
	attack "open"
	works b g1
	# Nobody works with g0, and it was reset, so nothing runs on it.
	lab mark "neighbour resets"
	is "its neighbour can be reset" "$(client_do b reset memory-on)" "reset: ok
memory-on: ok"
	is "which is isolated" "$(sysfs 1 state)" isolated
	lab mark "neighbour was reset"
	works b g1
	resets_g0 "mended after open"

	lab mark "DEACTIVATE"
	client_do a eeh-fundamental >/dev/null
	lab set g0 mask-stuck on
	is "DEACTIVATE succeeds" "$(client_do a "sleep 400" eeh-deactivate)" "sleep 400: ok
eeh-deactivate: ok 0"
	client_do a eeh-unfreeze-io memory-on >/dev/null
	refused "DEACTIVATE"
	lab mark "refused at DEACTIVATE"
	attack "DEACTIVATE"
	works b g1
	resets_g0 "mended after DEACTIVATE"

	# DEVICE_RESET does not fail, and its client reads ones by its mapping.
	lab set g0 mask-stuck on
	is "a reset succeeds" "$(client_do a reset)" "reset: ok"
	refused "reset"
	like "its client reads nothing" "$(client_do a "read 0")" ': (ok 0xffffffff|error SIGBUS)$'
	lab mark "refused at reset"
	attack "reset"

	# While no client has it, the worker retries, and a new client gets an error at once.
	client_stop a
	ok "closed, it is refused still" wait_for 10 in_state 0 failed
	client_start a 0
	like "nobody can open it" "$(client_do a open)" '^open: error [A-Z]* '
	client_stop a
	refused "a denied open"
	lab mark "mended after close"
	lab set g0 mask-stuck off
	ok "the worker isolates it when nobody has it" wait_for 200 in_state 0 isolated
	is "and it is not refused" "$(sysfs 0 held)" 0
	client_start a 0
	is "it can be opened again" "$(client_do a open map memory-on)" "open: ok
map: ok 0x1000000
memory-on: ok"
	works a g0

	lab set g0 mask-stuck on
	client_do a reset >/dev/null
	refused "before a kill"
	ok "the client is killed" client_kill a
	lab set g0 mask-stuck off
	ok "the worker isolates it then, too" wait_for 200 in_state 0 isolated
	client_start a 0
	client_do a open map memory-on >/dev/null
	works a g0
	client_stop a
	client_stop b
	ok "the kernel's log tells" wait_for 5 told \
		"$(gpu 0): nvlink_isolation: NOT isolated: .*; the gate refuses to switch it on"
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

# attempts FROM TO: how often g0 was exposed there. Each of them is one attempt, which fails.
attempts() {
	open_periods g0 "$1" "$2" | wc -l
}

judge() {
	for where in open DEACTIVATE; do
		is "reads of the client of g0 that were answered, refused at $where" \
			"$(client_reads g0 "refused at $where" "mended after $where")" 0
		is "g0 was exposed while refused at $where, in ns" \
			"$(exposed_ns g0 "refused at $where" "mended after $where")" 0
	done
	is "attempts in the open, one for its reset" "$(attempts open "refused at open")" 1
	is "attempts in DEACTIVATE" "$(attempts DEACTIVATE "refused at DEACTIVATE")" 1
	is "g1 was reset by anybody but its client" "$(count ' g1 reset' "neighbour was reset" \
		"mended after close")" 0
	is "reads of the client of g0 while it was exposed" "$(client_reads_exposed g0 open)" 0
	periods=$(open_periods g0 open)
	note "g0 was exposed $(echo "$periods" | wc -l) times, at most for" \
		"$(echo "$periods" | sort -n | tail -n 1 | cut -d ' ' -f 1) ns"
	# Until the mask is found not to stick, and decoding is switched off
	is "times it was exposed for too long" "$(echo "$periods" | too_long 5 | grep -c .)" 0
	for link in $(links); do
		is "$link was live" "$(live_ns "$link" open "neighbour resets")" 0
		is "$link was live later" "$(live_ns "$link" "neighbour was reset")" 0
	done
}
