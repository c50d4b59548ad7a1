# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that nobody can switch on a GPU whose links cannot be disabled, by a driver or by any width of
# write to COMMAND; that it gets one decoding attempt per reset while somebody uses it; that its config
# space, its resets and its neighbour are as ever; and what ends the refusal.
#
# x86: yes
# boot: redbud

# What is in the BARs, and may not get lost.
bars() {
	hexdump -v -s 16 -n 24 -e '1/4 "%08x "' "$(dev "$1")/config"
}

is_on() {
	echo $((($(config_read "$(gpu "$1")" 4 2) & 2) / 2))
}

is_off() {
	[ "$(is_on "$1")" = 0 ]
}

# refuses N WHEN: writes of each width leave it off, and each is counted. For a write to be refused
# the dword needs the byte of STATUS to be left alone, which zeros do.
refuses() {
	for bytes in 1 2 4; do
		before=$(sysfs "$1" refused)
		memory "$1" on $bytes
		is "COMMAND.MEMORY after a write of $bytes bytes, $2" "$(is_on "$1")" 0
		is "it is counted as refused, $bytes bytes, $2" "$(sysfs "$1" refused)" $((before + 1))
	done
}

looks() {
	is "g0 has failed, $1" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	is "its port has no reset bit, $1" "$(bridge_control 0)" 0x0002
	is "its config space answers, $1" "$(config_read "$(gpu 0)" 0 4)" 0x1db110de
	is "its BARs are as before, $1" "$(bars 0)" "$(cat /run/bars)"
}

quick_reset() {
	read -r since _ </proc/uptime
	reset "$1" || return
	read -r now _ </proc/uptime
	[ $((${now%.*} - ${since%.*})) -le 20 ]
}

# mends WHEN: it can be verified again, and can be used
mends() {
	is "it is refused no more, $1" "$(sysfs 0 held)" 0
	is "it has no error, $1" "$(sysfs 0 last_error)" ""
	is "its mask, $1" "$(lab get g0 mask)" 0x00150005
	is "its BARs are as before, $1" "$(bars 0)" "$(cat /run/bars)"
}

guest() {
	fresh
	memory 0 off
	bars 0 >/run/bars
	command=$(config_read "$(gpu 0)" 4 2)
	lab set g0 mask-stuck on
	load isolate=1
	looks "at load"
	is "its links" "$(sysfs 0 disabled_links)" ""
	is "it was never verified" "$(sysfs 0 verified)" never
	is "it is exposed to nobody: its neighbour disabled the links" "$(sysfs 0 exposed_peers)" ""
	is "it says why" "$(sysfs 0 last_error)" \
		"link disable mask reads 0x00000005, 0x00150000 is required"
	like "so does the log" "$(dmesg_since)" \
		"$(gpu 0): nvlink_isolation: NOT isolated: link disable mask reads 0x00000005, 0x00150000 is required; the gate refuses to switch it on"
	is "COMMAND is as before" "$(config_read "$(gpu 0)" 4 2)" "$command"

	lab mark "refused"
	nok "it cannot be enabled" enable_gpu 0
	ok "the log says so" wait_for 5 told \
		"$(gpu 0): nvlink_isolation: the gate refused to switch it on: link disable mask reads 0x00000005"
	refuses 0 "at load"
	# What does not switch it on gets through.
	config_write "$(gpu 0)" 4 2 $((command | 0x400))
	is "another bit of COMMAND can be written" "$(config_read "$(gpu 0)" 4 2)" \
		"$(printf 0x%04x $((command | 0x400)))"
	config_write "$(gpu 0)" 4 2 $((command))
	is "and taken back" "$(config_read "$(gpu 0)" 4 2)" "$command"
	lab mark "not refused"

	# Audits are none of its attempts: those come after 1, 2, 4 ... seconds.
	lab mark "audits"
	set_parameter audit_seconds 1
	sleep 10
	set_parameter audit_seconds 60
	lab mark "audited"
	looks "after audits"

	# A GPU that somebody has enabled is left alone until its next reset.
	lab set g0 mask-stuck off
	ok "apply does not wait" apply 0
	is "g0 is isolated" "$(sysfs 0 state)" isolated
	mends "after apply"
	ok "a driver has it" enable_gpu 0
	is "and it is on" "$(is_on 0)" 1
	ok "a driver has its neighbour" enable_gpu 1
	lab set g0 mask-stuck on
	for round in 1 2 3; do
		resets=$(sysfs 0 resets) reapplied=$(sysfs 0 reapplied)
		lab mark "in use $round"
		ok "the PCI core resets it in seconds, $round" quick_reset 0
		[ $round = 1 ] || refuses 0 "before it settles, $round"
		# The core restores it as it saved it: on the first time, off then.
		wait_for 10 in_state 0 failed
		looks "under its driver, $round"
		refuses 0 "under its driver, $round"
		sleep 8
		refuses 0 "8 s later, $round"
		lab mark "still in use $round"
		is "the reset is counted, $round" "$(sysfs 0 resets)" $((resets + 1))
		is "a repair is not, $round" "$(sysfs 0 reapplied)" "$reapplied"
		is "its neighbour is none the worse, $round" \
			"$(sysfs 1 state) $(sysfs 1 held) $(sysfs 1 refused) $(is_on 1)" "isolated 0 0 1"
	done
	lab mark "apply in use"
	is "apply does not help while it does not obey" "$(apply 0)" "Input/output error"
	lab mark "applied in use"
	looks "after apply"
	lab set g0 mask-stuck off
	memory 0 on
	is "it obeys, but has had its attempt" "$(is_on 0)" 0
	ok "the PCI core resets it once more" quick_reset 0
	# The core has restored COMMAND as it was, off.
	memory 0 on
	is "it can be switched on after its next reset, with nothing to be repaired" "$(is_on 0)" 1
	is "and is isolated" "$(sysfs 0 state)" isolated
	mends "after its next reset"
	disable_gpu 0
	disable_gpu 1

	# In use by nobody, the worker tries by itself.
	memory 0 off
	lab set g0 mask-stuck on
	ok "it is reset" quick_reset 0
	ok "it fails by itself" wait_for 5 in_state 0 failed
	lab set g0 mask-stuck off
	ok "it obeys: a later attempt isolates it" wait_for 70 in_state 0 isolated
	mends "after a later attempt"
	ok "it can be enabled" enable_gpu 0
	disable_gpu 0
	is "apply takes nothing but 1" "$(apply 0 0)" "Invalid argument"
	like "and says so" "$(dmesg_since)" "apply: '0' is not accepted: use 1"

	# gate=0 reports only. The worker has tried some times by then, and would not so soon again.
	memory 0 off
	lab set g0 mask-stuck on
	ok "it is reset again" quick_reset 0
	ok "it fails again" wait_for 5 in_state 0 failed
	sleep 16
	ok "gate=0 at run time" set_parameter gate 0
	is "ends the refusal" "$(sysfs 0 state) $(sysfs 0 held)" "failed 0"
	for bytes in 1 2 4; do
		memory 0 on $bytes
		is "COMMAND.MEMORY with gate=0, $bytes bytes" "$(is_on 0)" 1
		memory 0 off
	done
	ok "it can be enabled with gate=0" enable_gpu 0
	is "and is on" "$(is_on 0)" 1
	is "and is still failed" "$(sysfs 0 state)" failed
	disable_gpu 0
	is "its BARs are as before, gate=0" "$(bars 0)" "$(cat /run/bars)"
	is "it is left on" "$(is_on 0)" 1
	ok "gate=1 again" set_parameter gate 1
	lab mark "gate=1 again"
	ok "switches it off" wait_for 2 is_off 0
	is "and refuses it" "$(sysfs 0 held)" 1
	nok "it cannot be enabled again" enable_gpu 0
	refuses 0 "after gate=0"

	ok "isolate=0" set_parameter isolate 0
	is "ends all of it" "$(sysfs 0 state) $(sysfs 0 held)" "off 0"
	memory 0 on
	is "it can be switched on with isolate=0" "$(is_on 0)" 1
	memory 0 off
	is "its BARs are as before in the end" "$(bars 0)" "$(cat /run/bars)"
	unload
	lab mark "unloaded"
}

# on_ns GPU FROM TO: for how long its memory decoding was on
on_ns() {
	judge_ns "$2" "$3" "$1 memory" on off
}

judge() {
	attempts=$(memory_on g0 refused "not refused")
	ns=$(on_ns g0 refused "not refused")
	note "while refused: $attempts attempts of the worker, on for $ns ns"
	ok "all that switched it on while refused were attempts" test "$ns" -le $((attempts * $(attempt_limit)))
	attempts=$(memory_on g0 audits audited)
	note "in 10 seconds of audits: $attempts attempts"
	ok "audits are not attempts" test "$attempts" -le 4
	for round in 1 2 3; do
		is "decoding attempts per reset in use, $round" \
			"$(memory_on g0 "in use $round" "still in use $round")" 1
		# The first time it was on when the reset came.
		[ $round = 1 ] || ok "which is short, $round" test \
			"$(on_ns g0 "in use $round" "still in use $round")" -le "$(attempt_limit)"
		is "resets of it, $round" \
			"$(count ' g0 reset reason=bus' "in use $round" "still in use $round")" 1
	done
	is "apply is an attempt" "$(memory_on g0 "apply in use" "applied in use")" 1
	for link in g0.0-g1.0 g0.2-g1.2 g0.4-g1.4; do
		is "$link was live after load" "$(live_ns $link refused unloaded)" 0
	done
	is "orders or bits violated" "$(count ' violation ')" 0
}
