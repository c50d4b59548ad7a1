# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that rmmod is refused while enforcing, and works after isolate=0 while GPUs are being reset
# in a loop, dozens of times in a row. By name on x86-64: it takes a minute.
#
# x86: by name
# boot: redbud

guest() {
	fresh
	rounds=$(rounds 50)
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

	# A reset does not keep the module, which is nowhere in its path but for the calls of the firmware and
	# the config writes themselves; and it ends as without. It is not loaded again at once: a copy at the
	# same address would do for one that is gone.
	load isolate=1
	reset_begins 1
	ok "isolate=0 during a reset" set_parameter isolate 0
	ok "rmmod" rmmod nvlink_isolation
	lab mark "the module is gone"
	wait
	lab mark "reset is over"
	# Ending enforcement can take a debug kernel longer than the reset takes, which then is verified.
	if on_debug; then
		lab mark "a debug kernel"
		note "mask of g1, as the reset left it: $(lab get g1 mask)"
	else
		is "mask of g1, as the reset left it" "$(lab get g1 mask)" 0x00000005
	fi
	sleep 5

	# Enforcement begins and ends for one GPU after the other, and nobody is denied meanwhile.
	load isolate=1
	lab_counts end
	: >/run/enabled
	(
		trap 'exit 0' TERM
		while :; do
			enable_gpu 0 && echo >>/run/enabled || echo >>/run/denied
			disable_gpu 0
		done
	) &
	i=0
	while [ $i -lt 100 ] && [ "$(wc -l </run/enabled)" -lt 5 ]; do
		i=$((i + 1))
		echo 0 >"$lab_parameters/isolate"
		echo 1 >"$lab_parameters/isolate"
	done
	kill %1
	wait
	disable_gpu 0
	ok "a driver had g0 meanwhile" test "$(wc -l </run/enabled)" -ge 5
	nok "and was never denied" cat /run/denied
	echo 0 >"$lab_parameters/isolate"
	rmmod nvlink_isolation

	for n in 0 2; do
		(
			trap 'exit 0' TERM
			while :; do
				reset "$n"
				echo >>"/run/resets$n"
			done
		) &
	done
	resets() {
		cat /run/resets0 /run/resets2 2>/dev/null | wc -l
	}
	# Until there were half as many resets as rounds; more rounds than that if resets are slow.
	i=0 failed=0
	while [ $i -lt "$rounds" ] || [ $i -lt $((4 * rounds)) ] && [ "$(resets)" -lt $((rounds / 2)) ]; do
		i=$((i + 1))
		# Not by load, which reports the gate's count: resets go on in the middle of that.
		# Every other time it stays for up to a second, so that it goes at any moment of a reset.
		insert isolate=1 && usleep $((i % 2 * (i * 37 % 100) * 10000)) &&
			echo 0 >"$lab_parameters/isolate" && rmmod nvlink_isolation ||
			failed=$((failed + 1))
	done
	kill %1 %2
	wait
	is "of $i rounds of load, isolate=0, rmmod failed" "$failed" 0
	note "resets meanwhile: $(resets)"
	ok "resets went on meanwhile" test "$(resets)" -ge $((rounds / 2))
	ok "loads once more" load isolate=1
	for n in 0 1 2 3; do
		is "g$n is isolated" "$(sysfs "$n" state)" isolated
		is "mask of g$n" "$(lab get "g$n" mask)" 0x00150005
	done
	unload
}

judge() {
	# The firmware writes the port's reset bit and, at the end, restores the GPU. On a PC the reset is over
	# before the module is gone.
	on_x86 || grep -q ' mark text=a debug kernel$' "$log" ||
		ok "the reset of g1 went on after rmmod" test "$(log_segment "the module is gone" "reset is over" |
			grep -Ec ' (p1 config-write off=0x03e|g1 config-write off=0x000) ')" -ge 1
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
