# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that rmmod is refused while enforcing, and works after isolate=0 while GPUs are being reset
# in a loop, hundreds of times in a row.
#
# boot: redbud

guest() {
	fresh
	rounds=$(rounds 200)
	load isolate=1
	nok "rmmod is refused while enforcing" rmmod nvlink_isolation
	is "g0 is still isolated" "$(sysfs 0 state)" isolated
	ok "isolate=0" set_parameter isolate 0
	is "g0 is off" "$(sysfs 0 state)" off
	is "its links are unknown" "$(sysfs 0 disabled_links)" unknown
	is "its mask stays until the next reset" "$(lab get g0 mask)" 0x00150005
	ok "rmmod" rmmod nvlink_isolation
	reset 0
	is "the next reset brings the links back" "$(lab get g0 mask)" 0x00000005

	# The module must stay until the last caller has left its hook. It is not loaded again at
	# once: a copy at the same address would do for one that is gone.
	load isolate=1
	reset_begins 1
	ok "isolate=0 during a reset" set_parameter isolate 0
	lab mark "hooks are off"
	ok "rmmod" rmmod nvlink_isolation
	wait
	lab mark "reset is over"
	sleep 5

	for n in 0 2; do
		(
			trap 'exit 0' TERM
			while :; do
				reset "$n"
				echo >>"/run/resets$n"
			done
		) &
	done
	i=0 failed=0
	while [ $i -lt "$rounds" ]; do
		i=$((i + 1))
		# Not by load, which has the gate's count told: resets go on in the middle of that.
		modprobe nvlink_isolation isolate=1 && echo 0 >"$lab_parameters/isolate" &&
			rmmod nvlink_isolation ||
			failed=$((failed + 1))
	done
	kill %1 %2
	wait
	is "of $rounds rounds of load, isolate=0, rmmod failed" "$failed" 0
	note "resets meanwhile: $(cat /run/resets0 /run/resets2 | wc -l)"
	ok "resets went on meanwhile" test "$(cat /run/resets0 /run/resets2 | wc -l)" -ge $((rounds / 2))
	ok "loads once more" load isolate=1
	for n in 0 1 2 3; do
		is "g$n is isolated" "$(sysfs "$n" state)" isolated
		is "mask of g$n" "$(lab get "g$n" mask)" 0x00150005
	done
	unload
}

judge() {
	# The firmware writes the port's reset bit and, at the end, restores the GPU: all before.
	is "what firmware still does to g1 after isolate=0 has returned" \
		"$(log_segment "hooks are off" "reset is over" |
			grep -Ec ' (p1 config-write off=0x03e|g1 config-write off=0x000) ')" 0
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
