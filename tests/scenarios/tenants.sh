# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a tenant who resets its GPU in a loop does not disturb its neighbour, whose GPU is
# isolated all the time, nor flood the log; and that udev gets events of changes. By name on x86-64: it
# takes minutes.
#
# x86: by name
# kernel: 6.12
# alone: yes
# boot: redbud

guest() {
	fresh
	rounds=$(rounds 30)
	load isolate=1
	vfio_bind 0
	vfio_bind 1
	client_start a 0
	client_start b 1
	client_do a open >/dev/null
	client_do b open map memory-on >/dev/null
	resets=$(sysfs 1 resets)
	dmesg_clear
	state_file=$(dev 1)/nvlink_isolation/state
	(
		trap 'exit 0' TERM
		while :; do
			read -r state <"$state_file"
			echo "$state" >>/run/states
			usleep 300000
		done
	) &
	watcher=$!
	lab mark "loop"
	i=0 failed=0
	while [ $i -lt "$rounds" ]; do
		i=$((i + 1))
		[ "$(client_do a reset)" = "reset: ok" ] || failed=$((failed + 1))
	done
	lab mark "loop is over"
	kill $watcher
	wait $watcher
	is "of $rounds resets failed" "$failed" 0
	ok "they were seen" test "$(sysfs 0 resets)" -ge "$rounds"
	is "states of the neighbour meanwhile" "$(sort -u /run/states)" isolated
	# A PC resets a GPU in a third of the time.
	looks=5
	if on_x86; then looks=3; fi
	ok "it was looked at" test "$(wc -l </run/states)" -ge $((rounds * looks))
	is "resets of the neighbour" "$(sysfs 1 resets)" "$resets"
	like "the neighbour works" "$(client_do b "read 0xa00148")" ": ok 0x00150005$"
	lines=$(dmesg_since | grep -c "$(gpu 0): nvlink_isolation")
	note "log lines about g0 in $rounds resets: $lines"
	ok "there are not more lines than resets" test "$lines" -le "$rounds"

	# Faster than a guest can: a step a few milliseconds, through the port.
	client_stop a
	vfio_unbind 0
	dmesg_clear
	i=0
	while [ $i -lt 80 ]; do
		i=$((i + 1))
		raw_assert 0
		raw_release 0
	done
	# Ten times in 5 s something is said, in one line or two.
	dmesg_since | grep "$(gpu 0): nvlink_isolation" | tr -d '[]' >/run/lines
	allowed=$(awk 'NR == 1 { first = $1 } END { print 20 * (2 + int(($1 - first) / 5)) }' /run/lines)
	lines=$(wc -l </run/lines)
	note "log lines about g0 in 80 raw resets: $lines, at most $allowed in that time"
	ok "the log is limited" test "$lines" -le "$allowed"
	ok "g0 is isolated at the end" wait_for 20 in_state 0 isolated
	is "state of the neighbour at the end" "$(sysfs 1 state)" isolated
	is "links of both at the end" "$(cut_links g0) $(cut_links g1)" "0x00150000 0x00150000"
	client_stop b
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	is "resets of the neighbour by its own account" \
		"$(count ' g1 reset ' loop "loop is over")" 0
	for link in $(links); do
		is "$link was live in the loop" "$(live_ns "$link" loop "loop is over")" 0
	done
}
