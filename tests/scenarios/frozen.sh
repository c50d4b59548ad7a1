# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what is done with a GPU whose PE is frozen or that EEH is at work on, which the emulated
# machine cannot play: lab_seam says so in its place. The module asks nobody whether a PE is frozen: the
# first read tells, and is the last of that attempt; of a PE of the host EEH is told, as any driver would.
# What EEH works on is left to it, and is verified by the gate when EEH switches it on.
#
# boot: redbud
# seam: yes
# alone: yes

seam_parameters=/sys/module/lab_seam/parameters

seam() {
	echo "$2" >"$seam_parameters/$1"
}

# Accesses since the last `seam log`, and in parentheses those that met a frozen PE
seam_log() {
	cat $seam_parameters/log
}

# Calls of eeh_dev_check_failure() since the last `lost`, and how many have made an event
seam_checks() {
	cat $seam_parameters/checks
}

# lost: g0 loses its mask in a reset that only firmware tells of, and is left to the worker, whose second
# attempt would come a second after the first
lost() {
	seam log ""
	seam checks 0
	raw_reset 0
	usleep 500000
}

port_is_released() {
	[ $(($(bridge_control 0) & 0x40)) = 0 ]
}

mended() {
	seam frozen 0
	seam flags -1
	ok "isolated afterwards: $1" wait_for 80 in_state 0 isolated
	is "links of g0 afterwards: $1" "$(cut_links g0)" 0x00150000
}

# untouched WHAT
untouched() {
	lost
	is "not accessed: $1" "$(seam_log)" ""
	is "not claimed: $1" "$(sysfs 0 state) $(sysfs 0 disabled_links)" "pending unknown"
	is "told: $1" "$(sysfs 0 last_error)" "not reachable: EEH is handling it"
}

guest() {
	fresh
	modprobe lab_seam
	seam device "$(gpu 0)"
	load isolate=1 audit_seconds=0
	lost
	sequence=$(seam_log)
	like "accesses of a whole sequence" "$sequence" '^[0-9]+$'
	is "nothing is said to EEH" "$(seam_checks)" "0 0"

	seam frozen 1
	lost
	is "one read of a frozen PE" "$(seam_log)" "1(1)"
	is "EEH is told" "$(seam_checks)" "1 1"
	is "it has failed" "$(sysfs 0 state) $(sysfs 0 held) $(sysfs 0 last_error)" \
		"failed 1 no response to a read of register 0x000000"
	sleep 5
	is "and is left to EEH: no other attempt" "$(seam_log) $(seam_checks)" "1(1) 1 1"
	memory 0 on
	is "nor has a user any" "$(($(config_read "$(gpu 0)" 4 2) & 2)) $(seam_log)" "0 1(1)"
	mended "frozen"

	# Its flags: isolated, recovering, in reset, removed
	for flag in 0x1 0x2 0x8 0x400; do
		seam flags "+$flag"
		untouched "flags $flag"
		# Whoever switches it on meets the gate, which asks no flags: EEH does so with them set. Hook B
		# has it verified, and when MEMORY is switched on the gate reads the chip and the mask again.
		ok "enabled, flags $flag" enable_gpu 0
		is "by a sequence and a look, flags $flag" "$(seam_log)" $((sequence + 2))
		is "isolated, flags $flag" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x00150000"
		disable_gpu 0
		memory 0 off
		seam flags "-$flag"
		mended "flags $flag"
	done

	# Config space left blocked by a guest that is gone: nobody but the module ends that.
	dmesg_clear
	seam flags +0x4
	lost
	ok "isolated with its config space left blocked" wait_for 10 in_state 0 isolated
	like "the log tells" "$(dmesg_since)" "EEH reset was left unfinished by its user: finishing it"
	seam flags -0x4
	mended "left blocked"

	# A guest has it, and could thaw it at any moment. EEH does no more with it than reset it.
	seam passed 1
	seam frozen 1
	lost
	# A slow guest may see the second attempt, a second later.
	like "a guest's frozen PE gets one read an attempt, too" "$(seam_log)" '^(1\(1\)|2\(2\))$'
	like "which makes no event for the host" "$(seam_checks)" " 0$"
	mended "a guest's, frozen"
	for flag in 0x1 0x2; do
		seam flags "+$flag"
		lost
		is "a guest's is accessed, flags $flag" "$(seam_log)" "$sequence"
		is "and isolated, flags $flag" "$(sysfs 0 state)" isolated
		seam flags "-$flag"
	done
	for flag in 0x4 0x8 0x400; do
		seam flags "+$flag"
		untouched "a guest's, flags $flag"
		seam flags "-$flag"
		mended "a guest's, flags $flag"
	done
	seam passed 0

	# Frozen in the middle: after a write one read, which tells.
	for n in $(seq "$sequence"); do
		seam freeze_at "$n"
		lost
		got=$(seam_log)
		note "frozen at access $n: accesses $got"
		like "accesses that met a PE that was frozen at access $n" "$got" \
			"^($n\(1\)|$((n + 1))\(2\))\$"
		nok "isolated after that, $n" in_state 0 isolated
		is "EEH is told, $n" "$(seam_checks)" "1 1"
		mended "frozen at access $n"
	done
	# Config space goes in the middle, too, and with it the way to switch decoding off again: EEH asks for
	# no lock. In the end the user could thaw the PE, and reach a GPU that nobody has verified.
	seam passed 1
	for n in $(seq "$sequence"); do
		lab mark "blocked at $n"
		seam block_at "$n"
		lost
		is "it was blocked, $n" "$(cat $seam_parameters/block_at)" 0
		ok "its port has let go of it, $n" wait_for 5 port_is_released
		lab mark "after blocked at $n"
		nok "isolated after that, blocked at $n" in_state 0 isolated
		seam flags -0x4
		mended "blocked at access $n"
	done
	# EEH reads COMMAND while the gate has switched decoding on, and writes that back when the gate has found
	# a link enabled and switched decoding off.
	lab set g0 mask-stuck on
	for n in $(seq "$sequence"); do
		lab mark "echoed at $n"
		seam echo_at "$n"
		lost
		lab mark "past-gate g0"
		lab mark "after echoed at $n"
		is "it was echoed, $n" "$(cat $seam_parameters/echo_at)" 0
		is "it has failed, echoed at $n" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	done
	lab set g0 mask-stuck off
	mended "echoed"
	# A reset that resets nothing leaves decoding on. Until it is old enough for a look nobody knows that, and
	# a guest can make one after the other; so what is on right after a reset is switched off.
	lab set p0 no-reset on
	gpu=$(gpu 0)
	modprobe lab_driver
	echo lab_driver >"$(dev 0)/driver_override"
	memory 0 on
	is "decoding is on" "$(($(config_read "$gpu" 4 2) & 2))" 2
	raw_assert 0
	raw_release 0
	echo "$gpu" >/sys/bus/pci/drivers_probe
	is "decoding after a reset that was none" "$(($(config_read "$gpu" 4 2) & 2))" 0
	disable_gpu 0
	lab set p0 no-reset off
	mended "reset that was none"
	seam passed 0
	unload
	rmmod lab_seam
}

judge() {
	# shellcheck disable=SC2013,SC2154 # words; set by run
	for n in $(sed -n 's/.* mark text=blocked at //p' "$log"); do
		is "g0 is off, blocked at $n" "$(log_segment "blocked at $n" "after blocked at $n" |
			awk '$2 == "g0" && $3 == "memory" { is = $4 } END { print is }')" off
	done
	# shellcheck disable=SC2013 # words
	for n in $(sed -n 's/.* mark text=echoed at //p' "$log"); do
		is "g0 was switched on past the gate, and is off, echoed at $n" \
			"$(log_segment "echoed at $n" "after echoed at $n" |
			awk '$2 == "g0" && $3 == "memory" { n += $4 == "on"; is = $4 } END { print (n > 1) " " is }')" \
			"1 off"
	done
}
