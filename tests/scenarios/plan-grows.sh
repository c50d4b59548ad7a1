# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest cannot keep a link enabled when more links of its GPU have to be disabled, while
# some were required before and are: neither by stopping the PRI ring, so that the mask cannot be read,
# nor by resets that reset nothing, with EEH blocking config space. Two guests in one domain are parted
# by the administrator; with domains=owner a guest's second GPU goes to another guest. A guest that resets
# its GPU while another guest opens a linked one is not disturbed.
#
# kernel: 6.12
# x86: by name
# alone: yes
# boot: sequoia
# stray: yes

# The ring takes the start, and never says that it has: the mask reads as an error from then on.
stop_ring() {
	client_do "$1" "write 0x12004c 4" >/dev/null
	like "$1's mask cannot be read, $2" "$(client_ask "$1" "read 0xa00148")" '^0xbad'
}

parted() {
	client_start a 0
	client_start b 1
	is "two clients open their GPUs" "$({ client_do a open map memory-on
		client_do b open map memory-on; } | grep -c ': ok')" 6
	is "links are kept, and others are disabled" \
		"$(sysfs 0 joined_peers) $(sysfs 1 joined_peers)" "$(gpu 1) $(gpu 0)"
	nok "g0 has disabled links" test -z "$(sysfs 0 disabled_links)"
	stop_ring a parted
	stop_ring b parted
	set_parameter domains gpu
	lab mark parted
	sleep 1
	lab mark "a second later"
	note "g0, parted: $(sysfs 0 state) $(sysfs 0 last_error)"
	client_stop a
	client_stop b
	for n in 0 1; do
		ok "g$n is isolated in the end" wait_for 20 in_state $n isolated
	done
}

# one_guest TEXT: a has g0, and b has g1 as the same guest
one_guest() {
	client_start a 0
	is "a opens g0, $1" "$(client_do a open window map memory-on | grep -c ': ok')" 4
	client_start b 1
	is "b opens g1 with it, $1" "$(client_do b "open $(client_pid a)" map memory-on | grep -c ': ok')" 3
	is "they reset them, $1" "$(client_do a reset; client_do b reset)" "reset: ok
reset: ok"
	client_do a memory-on "sleep 20" >/dev/null
	ok "links are kept, $1" wait_for 5 sh -c "[ \"\$(cat $(dev 0)/nvlink_isolation/joined_peers)\" = $(gpu 1) ]"
	lab mark "one guest, $1"
}

# Resets of a's GPU that reset nothing, one after the other, until the file is gone
loop_resets() {
	: >/run/resetting
	: >/run/resets
	while [ -e /run/resetting ]; do
		client_do a eeh-fundamental >>/run/resets
	done &
	loop=$!
	wait_for 10 test -s /run/resets
}

end_loop() {
	rm /run/resetting
	wait "$loop"
}

# b gives up g1. The loop of resets pauses meanwhile: VFIO walks the groups of a container for an EEH
# operation without a lock, so a group that leaves is read after it was freed.
leave() {
	end_loop
	like "g1 is given up, $1" "$(client_do b close)" ': ok'
	ok "it is isolated, $1" wait_for 20 in_state 1 isolated
	lab mark "left, $1"
	loop_resets
}

# b has g1 in a container of its own. While EEH is busy VFIO may refuse an open.
given_away() {
	client_do b "move 0" && return
	client_do b close
	client_do b open window
} >/run/given 2>&1

# handed_over TEXT
handed_over() {
	ok "g1 is another guest's, $1" wait_for 20 given_away
	note "$(cat /run/given)"
	lab mark "handed over, $1"
	note "g0, $1: $(sysfs 0 owner) $(sysfs 0 state) $(sysfs 0 last_error)"
	is "it can reset g1, $1" "$(client_do b reset)" "reset: ok"
	lab mark "reset, $1"
}

# The port of g0 ignores its reset bit, so nothing can stop a's work on g0. Then b must not get g1, not
# even if EEH is at work on it: what that recovers is to be enabled before it can be read.
port_fails() {
	lab set p0 no-reset on
	loop_resets
	leave "port fails"
	for try in 1 2 3 marked; do
		[ $try != marked ] || mark_pe 1 +
		got=$(client_do b open 2>&1)
		nok "the next owner gets g1, try $try" test "${got#*: ok}" != "$got"
	done
	mark_pe 1 -
	ok "the log says what cannot be done" told "its port cannot reset it either"
	ok "and of whose links" told "may still use its NVLinks to this GPU"
	lab mark "refused"
	end_loop
	lab set p0 no-reset off
	client_do a eeh-deactivate >/dev/null
}

# together COMMAND...: a resets g0 by these commands while b, another guest, opens g1.
together() {
	client_start a 0
	client_start b 1
	is "a opens g0, $1" "$(client_do a open map memory-on | grep -c ': ok')" 3
	on_x86 || like "EEH works, $1" "$(client_do a eeh-enable)" ': ok'
	lab mark "together, $1"
	for n in 1 2 3 4 5 6; do
		for command; do
			client_send a "$command"
		done
		usleep $((n * 200000))
		like "b opens g1, $1, $n" "$(client_do b open)" ': ok'
		nok "a resets g0, $1, $n" sh -c "echo '$(client_wait a)' | grep error"
		client_do b close >/dev/null
	done
	lab mark "apart, $1"
	client_stop a
	client_stop b
}

by_owner() {
	set_parameter domains owner
	together reset
	on_x86 || together eeh-hot eeh-deactivate eeh-configure
	one_guest "ring stopped"
	stop_ring a "ring stopped"
	handed_over "ring stopped"
	client_stop a
	client_stop b
	on_x86 && return

	# EEH's operations go to all GPUs of a container.
	for n in 0 1; do lab set "p$n" no-power-control on; done
	if on_debug; then
		note "left out: on a debug kernel the client ends its reset later than the module waits for it"
	else
		together eeh-fundamental eeh-deactivate eeh-configure
	fi
	one_guest "no reset"
	is "EEH works" "$(client_do a eeh-enable)" "eeh-enable: ok 0"
	loop_resets
	leave "no reset"
	handed_over "no reset"
	end_loop
	note "$(wc -l </run/resets) resets that reset nothing: $(sort -u </run/resets)"
	client_do a eeh-deactivate >/dev/null
	client_stop a
	client_stop b

	one_guest "port fails"
	client_do a eeh-enable >/dev/null
	port_fails
	client_stop a
	client_stop b
	for n in 0 1; do
		lab set "p$n" no-power-control off
		ok "g$n is isolated after all" wait_for 70 in_state $n isolated
	done
}

guest() {
	fresh
	modprobe lab_driver
	vfio_bind 0
	vfio_bind 1
	joined="$(gpu 0)+$(gpu 1)"
	load isolate=1 "domains=$joined"
	for n in 0 1; do
		reset $n
		ok "g$n is isolated" wait_for 20 in_state $n isolated
	done
	parted
	by_owner
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	between=$(links | grep '^g0\..-g1')
	ok "there are links" test -n "$between"
	for link in $between; do
		ok "$link was live before they were parted" test "$(live_ns "$link" "" parted)" -gt 0
		is "$link was live a second after they were parted" \
			"$(live_ns "$link" "parted" "a second later")" 0
	done
	is "resets of g0 when two guests reset and open together, reset" \
		"$(count '^[0-9]+ g0 reset ' "together, reset" "apart, reset")" 6
	if ! on_x86; then
		# The kernel waits for config space, which EEH blocks, and then resets the GPU again.
		is "resets of g0 when two guests reset and open together, eeh-hot" \
			"$(count '^[0-9]+ g0 reset ' "together, eeh-hot" "apart, eeh-hot")" 12
		# The port cannot switch the power, so this resets nothing.
		! grep -q ' mark text=together, eeh-fundamental$' "$log" ||
			is "resets of g0 when two guests reset and open together, eeh-fundamental" \
				"$(count '^[0-9]+ g0 reset ' "together, eeh-fundamental" "apart, eeh-fundamental")" 0
		# Each open that succeeds resets g1.
		is "resets of g1 for an owner beside links that stay" \
			"$(count '^[0-9]+ g1 reset ' "left, port fails" "refused")" 0
	fi
	text="resets of g1, links live at the next owner's first or later, and whether g0 was late"
	like "$text, ring stopped" "$(late_links "one guest, ring stopped" "reset, ring stopped" 1)" \
		'^([3-9]|[1-9][0-9]+) 0 0$'
	on_x86 || like "$text, no reset" "$(late_links "left, no reset" "reset, no reset" 0)" \
		'^([2-9]|[1-9][0-9]+) 0 0$'
}
