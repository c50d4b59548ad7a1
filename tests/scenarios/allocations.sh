# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that no allocation that fails, at load or when a GPU is added, leaves anything behind or a GPU
# that is claimed to be isolated and is not: lab_seam fails them one after the other, until there is
# none left to fail. LAB_SEED=all takes each; else it is every fourth, and another seed takes others.
#
# boot: redbud
# seam: yes
# alone: yes

seam_parameters=/sys/module/lab_seam/parameters

seam() {
	echo "$2" >"$seam_parameters/$1"
}

taken() {
	cat $seam_parameters/taken
}

all_isolated() {
	for n in 0 1 2 3; do
		in_state $n isolated || return
	done
}

managed_are_isolated() {
	for n in 0 1 2 3; do
		[ ! -e "$(dev $n)/nvlink_isolation" ] || in_state $n isolated || return
	done
}

# safe N: is it isolated, or do its files or the log report that it is not? Prints how it is.
safe() {
	if [ ! -e "$(dev "$1")/nvlink_isolation" ]; then
		told "$(gpu "$1"): nvlink_isolation: cannot be managed" || return
		# Its neighbour has hooked their PHB.
		if enable_gpu "$1" 2>/dev/null; then
			disable_gpu "$1"
			return 1
		fi
		# And the gate is on its bus.
		memory "$1" off
		memory "$1" on
		[ $(($(config_read "$(gpu "$1")" 4 2) & 2)) = 0 ] || return
		echo >"$(dev "$1")/driver_override"
		echo "g$1 not managed"
	elif in_state "$1" isolated; then
		[ "$(cut_links "g$1")" = 0x00150000 ] || return
	else
		echo "g$1 $(sysfs "$1" state): $(sysfs "$1" last_error)" | grep ": ." || return
	fi
}

# outcome TEXT N...: are these GPUs safe?
outcome() {
	outcome_text=$1
	shift
	for outcome_n; do
		outcome_how=$(safe "$outcome_n") || {
			nok "$outcome_text: g$outcome_n" true
			continue
		}
		[ -z "$outcome_how" ] || note "$outcome_text: $outcome_how"
	done
}

guest() {
	fresh
	modprobe lab_seam
	seed=$(cat /lab/seed)
	if [ "$seed" = all ]; then
		step=1 first=1
	else
		step=4 first=$((seed % 4 + 1))
	fi

	seam fail_at -1
	nok "without any memory it does not load" load isolate=1
	is "what is left behind then" "$(taken)" 0

	# Where a load is refused, busybox tries once more.
	nth=$first
	while :; do
		dmesg_clear
		seam fail_at $nth
		ok "loads, allocation $nth" load isolate=1 audit_seconds=0
		wait_for 1 all_isolated
		outcome "load, allocation $nth" 0 1 2 3
		failed=$(cat $seam_parameters/allocations)
		ok "a write of gate makes up for it, allocation $nth" set_parameter gate 1
		ok "so all that are managed are isolated, allocation $nth" wait_for 5 managed_are_isolated
		ok "unloads, allocation $nth" unload
		is "what is left behind, allocation $nth" "$(taken)" 0
		for gpu in 0 1 2 3; do
			[ "$(cut_links g$gpu)" = 0x00000000 ] || raw_reset $gpu
		done
		[ "$failed" -ge "$nth" ] || break
		nth=$((nth + step))
	done
	ok "there were allocations at load" test $nth -gt 20
	note "there are less than $nth allocations at load"

	seam fail_at 0
	load isolate=1 audit_seconds=0
	ok "all are isolated" wait_for 10 all_isolated
	remove_gpu 0
	before=$(taken)
	nth=$first
	while :; do
		raw_reset 0
		dmesg_clear
		seam fail_at $nth
		rescan
		wait_for 5 in_state 0 isolated
		failed=$(cat $seam_parameters/allocations)
		outcome "added, allocation $nth" 0
		is "its neighbour is isolated, allocation $nth" "$(sysfs 1 state)" isolated
		remove_gpu 0
		is "what is left behind by one that was added, allocation $nth" "$(taken)" "$before"
		[ "$failed" -ge "$nth" ] || break
		nth=$((nth + step))
	done
	ok "there were allocations when it was added" test $nth -gt 3
	note "there are less than $nth allocations when a GPU is added"
	seam fail_at 0
	rescan
	ok "it is isolated in the end" wait_for 10 in_state 0 isolated
	unload
	rmmod lab_seam
}
