# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest, with all resets that VFIO lets it do to its GPU, gets nothing of it before its
# links are cut again: open, DEVICE_RESET, HOT_RESET, EEH's resets, close, and SIGKILL in these.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes

# step CLIENT CMD: it succeeds
step() {
	like "$2" "$(client_do "$1" "$2")" "^$2: ok"
}

# isolated N WHEN
isolated() {
	is "g$1 is isolated $2" "$(sysfs "$1" state)" isolated
	is "mask of g$1 $2" "$(cut_links "g$1")" 0x00150000
}

# decoding CLIENT: is its GPU's memory decoding on?
decoding() {
	command=$(client_ask "$1" "config-read 4 2")
	[ $((command & 2)) -ne 0 ] && echo on || echo off
}

# What a client does to its GPU, row by row, one GPU at a time. Nothing may go astray here.
paths() {
	for n in 0 1; do
		ok "vfio-pci drives g$n" vfio_bind $n
		isolated $n "when it is bound"
		client_start "c$n" $n
		lab mark "open g$n"
		step "c$n" open
		isolated $n "when it is open"
		step "c$n" map
		step "c$n" memory-on
		like "the client of g$n reads its mask" "$(client_do "c$n" "read 0xa00148")" \
			": ok 0x00150005$"
		for op in reset hot-reset; do
			lab mark "$op g$n"
			step "c$n" "attack mask mask=0x00150000 us=1000"
			step "c$n" $op
			client_do "c$n" "sleep 20" >/dev/null
			got=$(client_do "c$n" attack-stop)
			is "masks that the client of g$n found open after $op" \
				"$(echo "$got" | statistic mask-open)" 0
			ok "it found some after $op" test "$(echo "$got" | statistic mask-cut)" -gt 0
			isolated $n "after $op"
		done
		lab mark "enable EEH of g$n"
		step "c$n" eeh-enable
		for op in eeh-hot eeh-fundamental; do
			lab mark "$op g$n"
			# It takes more than a minute, and once will do.
			[ "$op $n" != "eeh-hot 1" ] || {
				lab mark "after $op g$n"
				continue
			}
			step "c$n" $op
			is "g$n is not called isolated within $op" "$(sysfs $n state)" pending
			step "c$n" eeh-deactivate
			lab mark "after $op g$n"
			# DEACTIVATE comes sooner after a fundamental reset than the GPU may be
			# accessed. It succeeds, and decoding is left off.
			case $op in
			eeh-hot) isolated $n "after $op" ;;
			*) like "g$n is left off after $op" "$(sysfs $n state) $(decoding "c$n")" \
				'^(pending off|isolated on)$' ;;
			esac
			step "c$n" "sleep 300"
			step "c$n" memory-on
			isolated $n "after $op and memory-on"
			like "the client of g$n reads its mask after $op" \
				"$(client_do "c$n" "read 0xa00148")" ": ok 0x00150005$"
			like "and works with it" "$(client_do "c$n" "read 0x700000")" ": ok 0x"
		done
		step "c$n" eeh-disable
		lab mark "close g$n"
		step "c$n" close
		isolated $n "when it is closed"
		client_stop "c$n"
		lab mark "closed g$n"
	done
}

# A client that is killed with all open, in the middle of things.
killed() {
	for op in "sleep 10" reset eeh-fundamental; do
		client_start k 0
		step k open
		step k map
		step k memory-on
		step k eeh-enable
		step k "attack mask us=2000"
		client_send k "$op"
		usleep 700000
		ok "is killed in $op" client_kill k
		ok "g0 is isolated again after a kill in $op" wait_for 200 in_state 0 isolated
		is "mask of g0 after that" "$(cut_links g0)" 0x00150000
	done
	ok "another client can have it" client 0 open map memory-on "read 0" close
}

guest() {
	fresh
	load isolate=1
	lab mark "loaded"
	paths
	lab mark "paths are through"
	killed
	lab mark "kills are over"
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	for n in 0 1; do
		for row in open reset hot-reset "enable EEH of" close; do
			case $row in
			open) to=reset ;;
			reset) to=hot-reset ;;
			hot-reset) to="enable EEH of" ;;
			"enable EEH of") to=eeh-hot ;;
			close) to=closed ;;
			esac
			is "g$n: reads of the client while it was exposed, row $row" \
				"$(client_reads_exposed g$n "$row g$n" "$to g$n")" 0
		done
		ok "g$n: the client did read" test "$(client_reads g$n "open g$n" "close g$n")" -gt 0
		for row in eeh-hot eeh-fundamental; do
			is "g$n: reads of the client while it was exposed, $row" \
				"$(client_reads_exposed g$n "$row g$n" "after $row g$n")" 0
		done
		periods=$(open_periods g$n loaded)
		note "g$n: exposed for $(exposed_ns g$n loaded) ns, at most for" \
			"$(echo "$periods" | sort -n | tail -n 1) at a time"
	done
	# Those of g0 include what its client does while it is killed.
	for n in 0 1; do
		is "times g$n was exposed other than in a sequence" \
			"$(open_periods g$n loaded | grep -c open)" 0
		is "times g$n was exposed for too long" \
			"$(open_periods g$n loaded | too_long | grep -c .)" 0
	done
	is "reads of the client of g0 while it was exposed, killed" \
		"$(client_reads_exposed g0 "paths are through" "kills are over")" 0
	# The attacker's own accesses go astray where its BAR is not.
	is "stray accesses before the attacks" "$(count ' bus stray-' loaded "paths are through")" 0
	for link in $(links); do
		is "$link was live after the first mask" "$(live_ns "$link" loaded)" 0
	done
}
