# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that with domains=owner the links follow the guest: those between two GPUs of one guest are
# live after the guest has reset both, and no link to a third GPU ever is. When a guest gives a GPU
# to another, all links between the two are disabled before the other can reach it. Judged by the
# device's account.
#
# kernel: 6.12
# x86: yes
# alone: yes
# boot: sequoia
# stray: yes

# same_owner "N...": one guest has all these GPUs
same_owner() {
	same_first=$(sysfs "${1%% *}" owner)
	for n in $1; do
		is "owner of g$n" "$(sysfs "$n" owner)" "$same_first"
	done
	like "it is a guest" "$same_first" '^[0-9]+$'
}

# start NAME N [OTHER]: a client with one GPU, in the container of OTHER
start() {
	client_start "$1" "$2"
	is "$1 opens g$2" "$(client_do "$1" "open${3:+ $(client_pid "$3")}" map memory-on |
		grep -c ': ok')" 3
}

# The guest's machine reset: hypervisors do it when all GPUs are attached.
machine_reset() {
	for client in "$@"; do
		like "$client resets its GPU" "$(client_do "$client" reset)" ': ok'
	done
}

guest() {
	fresh
	load isolate=1 domains=owner
	lab mark loaded
	for n in 0 1 2; do
		vfio_bind $n
	done
	is "nobody has g0" "$(sysfs 0 owner) $(sysfs 0 owner_means) $(sysfs 0 domain)" "none none alone"

	start a 0
	client_do a window >/dev/null
	start b 1 a
	lab mark "both open"
	machine_reset a b
	lab mark "one guest"
	sleep 1
	same_owner "0 1"
	is "told by" "$(sysfs 0 owner_means) $(sysfs 1 owner_means)" "container container"
	is "g0 keeps links to" "$(sysfs 0 joined_peers)" "$(gpu 1)"
	is "g1 keeps links to" "$(sysfs 1 joined_peers)" "$(gpu 0)"
	is "states" "$(sysfs 0 state) $(sysfs 1 state)" "isolated isolated"
	like "the log says so" "$(dmesg_since)" "NVLinks .* are kept at this end: owner"

	start c 2
	client_do c window >/dev/null
	machine_reset c
	lab mark "another guest"
	sleep 1
	ok "another guest has another number" test "$(sysfs 2 owner)" != "$(sysfs 0 owner)"
	is "g2 keeps links to" "$(sysfs 2 joined_peers)" ""
	machine_reset a b c b a
	lab mark "resets are over"

	# The first guest gives g1 away: its own GPU stays open.
	client_stop b
	lab mark giving
	start d 1 c
	lab mark "given"
	machine_reset c d
	lab mark "reset by the other"
	sleep 1
	same_owner "1 2"
	ok "not the first guest's" test "$(sysfs 1 owner)" != "$(sysfs 0 owner)"
	is "g0 keeps links to" "$(sysfs 0 joined_peers)" ""
	is "g1 keeps links to" "$(sysfs 1 joined_peers)" "$(gpu 2)"
	like "the log says that links are disabled again" "$(dmesg_since)" "are disabled again"
	lab mark "given for good"
	for client in a c d; do
		client_stop $client
	done
	ok "closed GPUs have no owner" wait_for 5 sh -c \
		"[ \"$(sysfs 1 owner)$(sysfs 2 owner)\" = nonenone ]"
	for n in 0 1 2; do
		ok "g$n is isolated" wait_for 10 in_state $n isolated
		is "g$n keeps links to" "$(sysfs $n joined_peers)" ""
	done
	lab mark "closed"
	sleep 1
	lab mark "closed since long"
	for n in 0 1 2; do
		vfio_unbind $n
	done
	ok "unloads" unload
}

# kept FROM TO GPU GPU: all links between them are live there, all the time
# never FROM TO GPU GPU: none is, at any time
kept() {
	for link in $(links_between "$3" "$4"); do
		ok "$link is live from '$1' to '$2'" test "$(live_ns "$link" "$1" "$2")" -gt 0
	done
}

never() {
	for link in $(links_between "$3" "$4"); do
		is "$link was live from '$1' to '$2'" "$(live_ns "$link" "$1" "$2")" 0
	done
}

# How many links of g0 and g1 were live at the first reset of g1 after it was given, or later
live_after_reset() {
	judge_awk giving given '
		function line() {
			if ($2 == "link" && $3 ~ /^g0\.[0-5]-g1\.[0-5]$/)
				live[$3] = $4 == "live"
			if (where == "in" && $2 == "g1" && $3 == "reset")
				was_reset = 1
			for (link in live)
				if (was_reset && live[link])
					bad[link] = 1
		}
		function finish() {
			for (link in bad)
				n++
			print n + 0
		}'
}

judge() {
	ok "there are links" test "$(links_between g0 g1 | grep -c .)" -gt 0
	never loaded "both open" g0 g1
	kept "one guest" "another guest" g0 g1
	never loaded "resets are over" g0 g2
	never loaded "resets are over" g1 g2
	kept "another guest" "resets are over" g0 g1
	# The reset of its open enables g1's end. By then g0 has disabled its own.
	is "links of g0 and g1 that were live after a reset of g1 by the other" "$(live_after_reset)" 0
	never given "given for good" g0 g1
	never given "given for good" g0 g2
	kept "reset by the other" "given for good" g1 g2
	for pair in "g0 g1" "g1 g2" "g0 g2"; do
		# shellcheck disable=SC2086 # two words
		never closed "closed since long" $pair
	done
}
