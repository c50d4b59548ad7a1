# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Results of a scenario, the same in the guest (busybox ash) and for the judge on the host.
#
#   ok TEXT COMMAND...    a result: does COMMAND succeed? Its output is shown when it does not; results
#                         that it gives itself are kept either way
#   nok TEXT COMMAND...   a result: does COMMAND fail?
#   is TEXT GOT WANT      a result: are the two words equal?
#   like TEXT GOT REGEX   a result: does GOT match the extended REGEX?
#   note TEXT             something to read beside the results
#   number                make TAP of results that come in: see there
#
# All return the truth of the result and none ends the scenario: write `ok ... || return` where
# going on makes no sense. Results are TAP lines without numbers after $result_prefix, which tells
# them from other output, each named after $scenario; run numbers them.

# number: TAP from results; the plan comes last, after a line `@done`, without which something died.
number() {
	awk '
		/^(not )?ok - / { n++; bad += /^not /; sub(/ok /, "ok " n " ") }
		/^@done$/ { done = 1; next }
		{ print; fflush() }
		END {
			if (done)
				print "1.." n + 0
			else
				print "Bail out! the lab itself failed"
			exit !done || !n || bad
		}'
}

# shellcheck disable=SC2034 # for results.sh
result() {
	# shellcheck disable=SC2154 # set by who runs the scenario
	printf '%s%s - %s: %s\n' "$result_prefix" "$1" "$scenario" "$2"
	[ "$1" = ok ]
}

note() {
	printf '%s\n' "$*" | sed "s/^/$result_prefix# /"
}

# The results in $result_output
result_inner() {
	[ -z "$result_output" ] ||
	printf '%s\n' "$result_output" | grep -E "^$result_prefix(ok|not ok|#) " || :
}

ok() {
	result_text=$1
	shift
	if result_output=$("$@" 2>&1); then
		result_inner
		result ok "$result_text"
	else
		result_status=$?
		result_inner
		result 'not ok' "$result_text"
		note "$* (status $result_status): $result_output"
		return 1
	fi
}

nok() {
	result_text=$1
	shift
	if result_output=$("$@" 2>&1); then
		result 'not ok' "$result_text"
		note "$* (status 0, was to fail): $result_output"
		return 1
	fi
	result ok "$result_text"
}

is() {
	if [ "$2" = "$3" ]; then
		result ok "$1"
	else
		result 'not ok' "$1"
		note "got '$2', want '$3'"
		return 1
	fi
}

like() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		result ok "$1"
	else
		result 'not ok' "$1"
		note "got '$2', want a match of '$3'"
		return 1
	fi
}
