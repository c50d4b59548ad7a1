# SPDX-License-Identifier: GPL-2.0-only
#
# What a hostile guest of a PC does, with two processors: one thread reads and writes its GPU by a
# mapping, others switch decoding, power state and BAR0, by config writes of each width and
# alignment; meanwhile it resets its GPU. Without the module it finds its links open, and the
# device's log has to show. With it, by --set MODULE=yes, it has to find them disabled and read
# nothing while its GPU is exposed. --set ROUNDS=N does it all N times; one takes 40 s of its clock.
#
# kernel: amd64-6.1
# boot: x86-redbud
# smp: 2
# alone: yes
# stray: yes
# long: yes

# attack "MODES": a reset of each kind under these attacks. Whether commands succeed is the
# attacker's business.
attack() {
	lab mark "attack $1"
	like "attack $1" "$(client_do a "attack ring mask=0x00150000 us=500")" ": ok"
	for mode in $1; do
		client_do a "attack $mode us=700" >/dev/null
	done
	for command in reset hot-reset reset hot-reset; do
		client_do a "$command" "sleep 20" memory-on d0 "sleep 20" >/dev/null
	done
	for mode in $1; do
		got=$(client_do a "attack-stop $mode")
		note "$got"
		ok "$mode did something" test "$(echo "$got" | statistic "done")" -gt 0
	done
	# The attacks are over: what it reaches now is what the reset has left.
	client_do a d0 reset memory-on "sleep 30" >/dev/null
	got=$(client_do a "attack-stop ring")
	note "attack $1: $got"
	open=$(echo "$got" | statistic mask-open) cut=$(echo "$got" | statistic mask-cut)
	if [ "${MODULE-no}" = yes ]; then
		is "masks that it found open with attack $1" "$open" 0
		ok "it did find some disabled with attack $1" test "$cut" -gt 0
		is "g0 is isolated after attack $1" "$(sysfs 0 state)" isolated
	else
		ok "it found its links open with attack $1" test "$open" -gt 0
		is "it never found them disabled with attack $1" "$cut" 0
	fi
	lab mark "after attack $1"
}

guest() {
	fresh
	[ "${MODULE-no}" = no ] || ok "loads" load isolate=1
	ok "vfio-pci drives g0" vfio_bind 0
	client_start a 0
	like "a client opens g0" "$(client_do a open map memory-on | tail -n 1)" "^memory-on: ok"
	lab mark "attacks begin"
	for _ in $(seq "${ROUNDS-1}"); do
		for modes in memory d3 bar command header "memory d3 bar" "command header d3"; do
			attack "$modes"
		done
	done
	lab mark "attacks are over"
	client_stop a
	vfio_unbind 0
	[ "${MODULE-no}" = no ] || ok "unloads" unload
}

judge() {
	reads=$(client_reads_exposed g0 "attacks begin" "attacks are over")
	ok "the attacker did read" test "$(client_reads g0 "attacks begin" "attacks are over")" -gt 0
	if guest_log | grep -q 'nvlink_isolation: enforcement starts'; then
		is "reads of the attacker while its GPU was exposed" "$reads" 0
		open=0
	else
		# With the module the gate refuses most of them, and which is a matter of time.
		for size in byte word dword; do
			ok "memory decoding was switched on by a $size" \
				test "$(memory_on g0 "attacks begin" "attacks are over" $size)" -gt 0
		done
		ok "the attacker read its exposed GPU" test "$reads" -gt 0
		open=1
	fi
	for link in $(links | grep g0); do
		is "$link was live during the attacks" \
			"$(($(live_ns "$link" "attacks begin" "attacks are over") > 0))" $open
	done
}
