# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that GPUs may come and go while the module is loaded, enforcing or not: one that comes back
# is cut before a driver gets it.
#
# x86: yes
# boot: redbud

guest() {
	fresh
	load
	echo 1 >"$(dev 0)/remove"
	is "g1's neighbour is gone" "$(sysfs 1 peers)" "unknown $(friend 1) unknown $(friend 1) unknown $(friend 1)"
	is "links of g1 that would be cut" "$(sysfs 1 required_links)" 0,2,4
	echo 1 >/sys/bus/pci/rescan
	is "g1's neighbour is back" "$(sysfs 1 peers)" "$(gpu 0) $(friend 1) $(gpu 0) $(friend 1) $(gpu 0) $(friend 1)"
	is "g0 is off" "$(sysfs 0 state)" off

	set_parameter isolate 1
	echo 1 >"$(dev 0)/remove"
	lab mark "rescan"
	echo 1 >/sys/bus/pci/rescan
	ok "a new g0 is verified by itself" wait_for 5 in_state 0 isolated
	lab mark "rescanned"
	is "mask of g0" "$(lab get g0 mask)" 0x00150005
	ok "it can be enabled" enable_gpu 0
	disable_gpu 0

	# Without its mask, as if another GPU had been put in: the bus is reset while g0 is gone.
	echo 1 >"$(dev 0)/remove"
	set_parameter isolate 0
	rmmod nvlink_isolation
	echo 1 >/sys/bus/pci/rescan
	reset 0
	# Firmware may have switched it on, and the kernel switches it off and on when it finds it.
	memory 0 off
	echo 1 >"$(dev 0)/remove"
	load isolate=1
	is "mask of a g0 that was reset while it was gone" "$(lab get g0 mask)" 0x00000005
	echo 1 >/sys/bus/pci/rescan
	ok "it can be enabled at once" enable_gpu 0
	is "its links are cut then" "$(lab get g0 mask)" 0x00150005
	is "and verified" "$(sysfs 0 state)" isolated
	disable_gpu 0

	# One that does not obey is refused, also when it goes and comes back.
	remove_gpu 0
	lab set g0 mask-stuck on
	reset_below "$(port 0)"
	lab mark "does not obey"
	rescan
	ok "one that does not obey is refused" wait_for 5 held 0
	nok "and cannot be enabled" enable_gpu 0
	remove_gpu 0
	nok "removed while it is refused" there 0
	is "its port is as ever" "$(bridge_control 0)" 0x0002
	rescan
	ok "found again it is refused again" wait_for 5 held 0
	memory 0 on
	is "and cannot be switched on" $(($(config_read "$(gpu 0)" 4 2) & 2)) 0
	lab mark "obeys"
	lab set g0 mask-stuck off
	ok "until it obeys" wait_for 70 in_state 0 isolated

	# The gate stays on the bus while the GPU is gone: the kernel sizes the BARs of what it finds, before
	# there is an object, and here it was reset meanwhile.
	for round in 1 2 3; do
		remove_gpu 0
		reset_below "$(port 0)"
		lab mark "found $round"
		rescan
		ok "it can be enabled at once, $round" enable_gpu 0
		is "its mask, $round" "$(lab get g0 mask)" 0x00150005
		lab mark "enabled $round"
		disable_gpu 0
	done

	# With the port above it, and so with its bus: the gate goes, and is there again.
	p0=$(port 0) above=$(upstream 0)
	for round in 1 2 3; do
		lab mark "port gone $round"
		echo 1 >"/sys/bus/pci/devices/$p0/remove"
		nok "g0 is gone with its port, $round" there 0
		rescan
		ok "it is there again, $round" there 0
		ok "it can be enabled, $round" enable_gpu 0
		is "its mask, $round" "$(sysfs 0 state) $(lab get g0 mask)" "isolated 0x00150005"
		disable_gpu 0
		ok "it resets, $round" reset 0
		ok "it is isolated after that, $round" wait_for 5 in_state 0 isolated
		lab set g0 mask-stuck on
		ok "it resets and does not obey, $round" reset 0
		memory 0 on
		is "it is refused: the gate is there, $round" $(($(config_read "$(gpu 0)" 4 2) & 2)) 0
		lab set g0 mask-stuck off
		lab mark "port back $round"
	done
	echo 1 >"/sys/bus/pci/devices/$above/remove"
	nok "g0 and g1 are gone with their switch" eval 'there 0 || there 1'
	rescan
	for n in 0 1; do
		ok "g$n can be enabled" enable_gpu $n
		is "links of g$n" "$(sysfs $n state) $(cut_links g$n)" "isolated 0x00150000"
		disable_gpu $n
	done

	# Removed while pending.
	ok "no pending work is left behind" pending_and_gone
	unload
}

# GPUs that the worker cannot reach, removed at once and while it tries, dozens of times.
pending_and_gone() {
	times=$(rounds 50)
	i=0
	while [ $i -lt "$times" ]; do
		i=$((i + 1))
		raw_assert 0
		[ $((i % 2)) = 0 ] || usleep 30000
		echo 1 >"$(dev 0)/remove" || return
		raw_release 0
		usleep 200000
		echo 1 >/sys/bus/pci/rescan
		[ -e "$(dev 0)" ] || return
	done
	wait_for 5 in_state 0 isolated
}

judge() {
	is "g0 was on while it did not obey other than for attempts" \
		"$(judge_ns "does not obey" obeys "g0 memory" on off |
			awk -v limit="$(attempt_limit)" '{ print ($1 > 10 * limit) }')" 0
	# exposed: by the module's own sequence only
	for round in 1 2 3; do
		is "times g0 was exposed other than in a sequence, found $round" \
			"$(open_periods g0 "found $round" "enabled $round" | grep -c open)" 0
		is "times g0 was exposed other than in a sequence, port $round" \
			"$(open_periods g0 "port gone $round" "port back $round" |
				awk -v limit="$(attempt_limit)" '$2 == "open" && $1 > limit' | wc -l)" 0
	done
	is "order or bits violated" "$(count ' violation ')" 0
}
