# SPDX-License-Identifier: GPL-2.0-only
#
# What a hostile owner gets with domains=owner: one that opens a second container, moves its GPU
# between containers, detaches its group, and passes its device to another process. And the host as
# an owner: links between two GPUs of host drivers are kept, and those to a guest's are disabled. A
# guest at whose address, most likely, another one was before is another owner.
#
# On x86-64 it is for amd64-6.12. In Linux 6.1 a reset takes the mappings of the GPU away until none is
# left, and a client that reads all the time has it go on for ever (vfio_pci_zap_and_vma_lock()).
#
# kernel: 6.12
# x86: by name
# alone: yes
# boot: sequoia
# stray: yes

# start NAME N [OTHER]: a client with one GPU, in the container of OTHER, which it resets
start() {
	client_start "$1" "$2"
	# A container's windows are made by the process that has made the container.
	[ $# -eq 3 ] || set -- "$1" "$2" "" window
	is "$1 opens g$2${3:+ with $3}" "$(client_do "$1" "open${3:+ $(client_pid "$3")}" "${4-sleep 1}" map \
		memory-on reset | grep -c ': ok')" 5
}

numbers() {
	echo "$(sysfs 0 owner) $(sysfs 1 owner)"
}

two_owners() {
	numbers=$(numbers)
	ok "two owners $1" test "${numbers% *}" != "${numbers#* }"
}

host() {
	ok "a driver of the host has g0" enable_gpu 0
	ok "a driver of the host has g1" enable_gpu 1
	is "owners" "$(numbers)" "host host"
	lab mark "host, not reset"
	reset 0
	reset 1
	lab mark "host"
	sleep 1
	is "g0 keeps links to, reset before g1 was" "$(sysfs 0 joined_peers)" "$(gpu 1)"
	vfio_bind 2
	start c 2
	lab mark "host and guest"
	reset 0
	client_do c reset >/dev/null
	reset 1
	lab mark "host and guest were reset"
	disable_gpu 1
	ok "who is not enabled is alone" wait_for 5 sh -c "[ -z \"\$(cat $(dev 0)/nvlink_isolation/joined_peers)\" ]"
	sleep 1
	lab mark "host has one"
	sleep 1
	lab mark "host is over"
	disable_gpu 0
	client_stop c
	vfio_unbind 2
}

hostile() {
	start a 0
	start h 1
	client_do a reset >/dev/null
	two_owners "with a container each"
	like "it cannot detach its group" "$(client_do h detach)" 'error EBUSY'
	like "nor open it again" "$(client_do h open)" 'error EBUSY'
	two_owners "after it has tried"

	# Its device in the hands of another process is still its own.
	client_start t 2
	like "another takes its device" "$(client_do t "take $(client_pid h)")" ': ok'
	is "and uses it" "$(client_do t map reset memory-on "read 0" | grep -c ': ok')" 4
	client_stop h
	is "and when it has gone" "$(client_do t memory-on reset "read 0" | grep -c ': ok')" 3
	client_do a reset >/dev/null
	two_owners "when it has passed its device on"
	client_stop t
	lab mark "hostile alone"

	# What it gets from a guest that lets it into its container
	start h 1
	like "it moves into the container of the other" "$(client_do h "move $(client_pid a)" map reset | head -n 1)" ': ok'
	lab mark moved
	client_do a reset >/dev/null
	sleep 1
	numbers=$(numbers)
	is "one owner" "${numbers% *}" "${numbers#* }"
	is "which keeps the links" "$(sysfs 0 joined_peers)" "$(gpu 1)"
	lab mark "moved and reset"
	sleep 1
	lab mark "moving back"
	like "it moves into another one" "$(client_do h "move 0" window map | head -n 1)" ': ok'
	lab mark "moved back"
	client_do a reset >/dev/null
	client_do h reset >/dev/null
	two_owners "after that"
	client_stop h
	client_stop a
	lab mark "hostile is over"
}

# Both GPUs of a guest change hands at once, between two others, which start at once.
reuse() {
	seen=" "
	for round in 1 2 3 4; do
		start a 0
		start b 1 a
		client_do a reset >/dev/null
		number=$(sysfs 0 owner)
		is "one owner, round $round" "$(numbers)" "$number $number"
		nok "a number of its own, round $round" sh -c "case '$seen' in *' $number '*) ;; *) false ;; esac"
		seen="$seen$number "
		client_kill a
		client_kill b
		lab mark "reuse $round"
		start d 1
		client_do d "attack read us=300" >/dev/null
		start e 0
		client_do e "attack read us=300" >/dev/null
		lab mark "both $round"
		client_do d reset memory-on "sleep 20" >/dev/null
		two_owners "round $round"
		client_do d attack-stop >/dev/null
		client_do e attack-stop >/dev/null
		seen="$seen$(numbers) "
		client_stop d
		client_stop e
		lab mark "reused $round"
	done
}

guest() {
	fresh
	load isolate=1 domains=owner
	lab mark loaded
	host
	vfio_bind 0
	vfio_bind 1
	vfio_bind 2
	lab mark "hostile begins"
	hostile
	reuse
	for n in 0 1 2; do
		vfio_unbind $n
	done
	ok "unloads" unload
}

# between "FROM" "TO" GPU GPU WANTED: are links between them live there? never, or at all times
between() {
	for link in $(links_between "$3" "$4"); do
		if [ "$5" = never ]; then
			is "$link was live from '$1' to '$2'" "$(live_ns "$link" "$1" "$2")" 0
		else
			ok "$link is live from '$1' to '$2'" test "$(live_ns "$link" "$1" "$2")" -gt 0
		fi
	done
}

judge() {
	between loaded "host, not reset" g0 g1 never
	between "host" "host and guest" g0 g1 kept
	between "host" "host is over" g0 g2 never
	between "host" "host is over" g1 g2 never
	between "host has one" "host is over" g0 g1 never
	between "hostile begins" "hostile alone" g0 g1 never
	between "moved and reset" "moving back" g0 g1 kept
	between "moved back" "hostile is over" g0 g1 never
	for round in 1 2 3 4; do
		ok "links of the guest with both, round $round" \
			test "$(live_ns "$(links | grep '^g0\..-g1' | head -n 1)" "" "reuse $round")" -gt 0
		for gpu in g0 g1; do
			ok "$gpu was read, round $round" \
				test "$(client_reads $gpu "both $round" "reused $round")" -gt 0
		done
		is "reads over a live link, round $round" "$(client_reads_live g0 g1 "reuse $round" "reused $round")" 0
	done
}
