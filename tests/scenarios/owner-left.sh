# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that with domains=owner the work that a guest leaves on a GPU counts. VFIO's close does not
# reset a GPU whose device lock is taken, which any user can see to on some kernels. If that GPU then cannot
# disable its links, a GPU that it is linked to gets no new owner until it is reset.
#
# kernel: 6.12
# alone: yes
# boot: sequoia
# stray: yes

start() {
	client_start "$1" "$2"
	is "$1 opens g$2" "$(client_do "$1" "open${3:+ $(client_pid "$3")}" map memory-on |
		grep -c ': ok')" 3
}

guest() {
	fresh
	load isolate=1 domains=owner
	for n in 0 1; do
		vfio_bind $n
	done
	start a 0
	client_do a window >/dev/null
	start b 1 a
	client_do a reset >/dev/null
	client_do b reset >/dev/null
	ok "one guest has both" wait_for 5 sh -c "[ '$(gpu 1)' = \"\$(cat $(dev 0)/nvlink_isolation/joined_peers)\" ]"

	lab set g1 mask-stuck on
	lab mark "closes"
	lock_device 1
	is "status of taking its device lock" $? 0
	client_stop b
	lab mark "closed"
	ok "the lock was taken until now" unlock_device
	ok "g1 cannot be isolated" wait_for 10 in_state 1 failed
	client_stop a
	ok "g0 is isolated" wait_for 10 in_state 0 isolated
	client_start c 0
	lab mark "opens"
	nok "c opens g0" test "$(client_do c open | grep -c ': ok')" = 1
	ok "the log says which GPU has to be reset" \
		told "$(gpu 0).*GPU $(gpu 1) may still use its NVLinks to this GPU.*reset that GPU"
	lab mark "refused"
	echo 1 >"$(dev 1)/reset"
	lab mark "reset"
	is "c opens g0 after that" "$(client_do c open map memory-on | grep -c ': ok')" 3
	lab mark "opened"
	is "g1 is not isolated" "$(sysfs 1 state)" failed
	is "g0 is isolated for its new owner" "$(sysfs 0 state)" isolated
	client_stop c

	lab set g1 mask-stuck off
	ok "g1 is isolated at last" wait_for 90 in_state 1 isolated
	start d 1
	is "its next owner reads it" "$(client_ask d "read 0")" 0x140000a1
	client_stop d
	for n in 0 1; do
		vfio_unbind $n
	done
	ok "unloads" unload
}

judge() {
	is "resets of g1 by the close" "$(count ' g1 reset ' closes closed)" 0
	ok "its links are enabled when g0 is opened" \
		test "$(live_ns "$(links_between g0 g1 | head -n 1)" closed opens)" -gt 0
	is "resets by the open that is refused" "$(count ' g[01] reset ' opens refused)" 0
	is "resets of g1 by hand" "$(count ' g1 reset ' refused reset)" 1
	is "resets of g1 by the open after that" "$(count ' g1 reset ' reset opened)" 0
}
