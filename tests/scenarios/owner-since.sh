# SPDX-License-Identifier: GPL-2.0-only
#
# With domains=owner only a reset that was seen counts, under the owner who had the GPU then: not
# one from before domains or isolate was changed. And a GPU whose next pci_enable_device() would go
# unseen is alone: it counts as enabled already, or another module has pushed out the hook.
#
# kernel: 6.12
# alone: yes
# stray: yes

reset_both() {
	reset 0
	reset 1
}

peers() {
	echo "$(sysfs 0 joined_peers) $(sysfs 1 joined_peers)"
}

both() {
	echo "$(gpu 1) $(gpu 0)"
}

# Two GPUs that the list joins become the host's, which does not reset them.
after_a_list() {
	reset_both
	is "the list joins" "$(peers)" "$(both)"
	ok "the host has g0" enable_gpu 0
	ok "the host has g1" enable_gpu 1
	set_parameter domains owner
	lab mark "owner"
	is "owners" "$(sysfs 0 owner) $(sysfs 1 owner)" "host host"
	sleep 1
	is "no links are kept that were reset with a list" "$(peers)" " "
	lab mark "the host resets"
	reset_both
	is "links are kept after the resets" "$(peers)" "$(both)"
	disable_gpu 0
	disable_gpu 1
}

# A guest has reset its GPUs while nobody looked.
after_a_pause() {
	set_parameter domains gpu
	reset_both
	set_parameter isolate 0
	set_parameter domains owner
	vfio_bind 0
	vfio_bind 1
	client_start a 0
	client_start b 1
	is "a opens g0" "$(client_do a open window map reset | grep -c ': ok')" 4
	is "b opens g1 with it" "$(client_do b "open $(client_pid a)" map reset | grep -c ': ok')" 3
	set_parameter isolate 1
	lab mark "isolate"
	sleep 1
	is "no links are kept that were reset before isolate=1" "$(peers)" " "
	lab mark "the guest resets"
	is "they reset them" "$(client_do a reset; client_do b reset)" "reset: ok
reset: ok"
	ok "links are kept after that" wait_for 5 sh -c "[ -n \"\$(cat $(dev 0)/nvlink_isolation/joined_peers)\" ]"
}

# Another module has put back the enable hook that it found before ours.
pushed_out() {
	echo kept >/sys/module/lab_hook/parameters/replace
	ok "owners cannot be told" wait_for 5 sh -c "[ \"\$(cat $(dev 0)/nvlink_isolation/owner)\" = none ]"
	ok "no links are kept then" wait_for 5 sh -c "[ -z \"\$(cat $(dev 0)/nvlink_isolation/joined_peers)\" ]"
	lab mark "pushed out"
	sleep 1
	lab mark "back"
	echo none >/sys/module/lab_hook/parameters/replace
	ok "g0 is isolated again" wait_for 10 in_state 0 isolated
	client_stop a
	client_stop b
	vfio_unbind 0
	vfio_unbind 1
}

# Root has enabled it by sysfs, and vfio-pci does once more.
enabled_twice() {
	echo 1 >"$(dev 2)/enable"
	vfio_bind 2
	client_start c 2
	is "c opens g2" "$(client_do c open window map reset | grep -c ': ok')" 4
	is "and cannot be told" "$(sysfs 2 owner) $(sysfs 2 owner_means)" "none none"
	client_stop c
	vfio_unbind 2
	echo 0 >"$(dev 2)/enable"
}

guest() {
	fresh
	modprobe lab_hook stack=0 device="$(gpu 0)"
	load isolate=1 "domains=$(gpu 0)+$(gpu 1)"
	after_a_list
	after_a_pause
	pushed_out
	enabled_twice
	ok "unloads" unload
	rmmod lab_hook
}

# never FROM TO: no link between g0 and g1 is live there
never() {
	for link in $(links | grep '^g0\..-g1'); do
		is "$link was live from '$1' to '$2'" "$(live_ns "$link" "$1" "$2")" 0
	done
}

judge() {
	ok "there are links" test "$(links | grep -c '^g0\..-g1')" -gt 0
	ok "and they can be live" test "$(live_ns "$(links | grep '^g0\..-g1' | head -n 1)" "" owner)" -gt 0
	never owner "the host resets"
	never isolate "the guest resets"
	never "pushed out" back
}
