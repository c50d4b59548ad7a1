# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what is done with a GPU whose PE is frozen or that EEH is at work on, which the emulated
# machine cannot play: lab_seam says so in its place. Nothing is accessed unless it is about to be
# enabled or a guest has it: then the PE is thawed for the sequence and frozen again. If somebody
# freezes it in the middle, no more meets that than the access in flight.
#
# boot: redbud
# seam: yes
# alone: yes

seam_parameters=/sys/module/lab_seam/parameters

seam() {
	echo "$2" >"$seam_parameters/$1"
}

# What came of it since the last `seam log`: thaw, accesses, freeze
seam_log() {
	sed 's/ *$//' $seam_parameters/log
}

# lost: g0 loses its mask in a reset that only firmware tells of, and is left to the worker
lost() {
	seam log ""
	raw_reset 0
	sleep 2
}

mended() {
	seam state 0
	ok "isolated afterwards: $1" wait_for 80 in_state 0 isolated
	is "links of g0 afterwards: $1" "$(cut_links g0)" 0x00150000
}

# untouched WHAT ERROR
untouched() {
	lost
	is "not accessed: $1" "$(seam_log)" ""
	is "not claimed: $1" "$(sysfs 0 state) $(sysfs 0 disabled_links)" "pending unknown"
	is "told: $1" "$(sysfs 0 last_error)" "not reachable: $2"
}

guest() {
	fresh
	modprobe lab_seam
	seam device "$(gpu 0)"
	load isolate=1 audit_seconds=0
	lost
	sequence=$(seam_log)
	like "accesses of a whole sequence" "$sequence" '^[0-9]+$'

	for state in "2 its PE is frozen" "1 its PE is frozen" "5 EEH is handling a bridge above it"; do
		seam state "${state%% *}"
		untouched "state $state" "${state#* }"
		mended "state $state"
	done
	seam state 4
	lost
	is "accessed if it is frozen for DMA only" "$(seam_log)" "thaw $sequence"
	is "which is no obstacle" "$(sysfs 0 state)" isolated

	# A driver comes, or EEH is about to hand it back.
	for flag in 0 1 2; do
		seam state 2
		seam flags "+$flag"
		lost
		is "not accessed before it is enabled, flags $flag" "$(seam_log)" ""
		ok "enabled, flags $flag" enable_gpu 0
		is "thawed for the sequence and frozen again, flags $flag" "$(seam_log)" \
			"thaw $sequence freeze"
		is "isolated, flags $flag" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x00150000"
		seam flags "-$flag"
		disable_gpu 0
		mended "enabled, flags $flag"
	done

	seam state 2
	seam thaw_fails 1
	lost
	nok "one that cannot be thawed cannot be enabled" enable_gpu 0
	is "nor is it accessed" "$(seam_log)" "thaw"
	is "it is held" "$(sysfs 0 held)" 1
	is "and says why" "$(sysfs 0 last_error)" \
		"not reachable: its PE is frozen and cannot be thawed"
	seam thaw_fails 0
	sleep 5
	is "nor is it let go while it is frozen" "$(sysfs 0 held) $(seam_log)" "1 thaw"
	mended "it could not be thawed"

	# A guest has it, and could thaw it at any moment.
	seam state 2
	seam passed 1
	lost
	is "a guest's is thawed for the sequence and frozen again" "$(seam_log)" \
		"thaw $sequence freeze"
	is "and isolated" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x00150000"
	seam state 0
	seam flags +4
	untouched "config space blocked by a guest" "EEH is handling it"
	seam flags -4
	mended "config space blocked by a guest"

	# EEH does no more with a guest's PE than reset it, and leaves these flags on it.
	for flag in 0x1 0x2; do
		seam flags "+$flag"
		lost
		is "a guest's is accessed, flags $flag" "$(seam_log)" "$sequence"
		is "and isolated, flags $flag" "$(sysfs 0 state)" isolated
		seam flags "-$flag"
	done
	ok "a guest has enabled it" enable_gpu 0
	seam flags +0x400
	untouched "given up by EEH" "EEH is handling it"
	ok "a guest's is held then" in_reset 0
	seam flags -0x400
	mended "given up by EEH"
	disable_gpu 0
	seam passed 0

	# Its flags: isolated, recovering, in reset, removed
	for flag in 0x1 0x2 0x8 0x400; do
		seam flags "+$flag"
		untouched "flags $flag" "EEH is handling it"
		seam flags "-$flag"
		mended "flags $flag"
	done

	for n in $(seq "$sequence"); do
		seam freeze_at "$n"
		lost
		got=$(seam_log)
		note "frozen at access $n: accesses $got"
		like "accesses that met a PE that was frozen at access $n" "$got" "^$n\(1\)\$"
		nok "isolated after that, $n" in_state 0 isolated
		mended "frozen at access $n"
	done
	unload
	rmmod lab_seam
}
