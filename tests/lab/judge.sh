# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The judge's side of a scenario: what the emulated machine saw, from the device's log ($log).
#
# Beside the results of results.sh a scenario's `judge` has:
#
#   log_segment [FROM [TO]]      the log's lines between two marks of this scenario
#   count REGEX [FROM [TO]]      how many of these match the extended REGEX
#   mask_at GPU [TO]             GPU's last disable mask before TO, as logged: 0x00150005
#   live_ns LINK [FROM [TO]]     guest time in which LINK (g0.0-g1.0) was live at both ends
#   exposed_ns GPU [FROM [TO]]   guest time in which GPU was exposed (see tests/device)
#   links                        the names of all links, one per line
#   show                         what comes in is to be read by those who use run --show
#   guest_log                    the kernel's log of the boot
#   $dir                         a directory for files of its own, that of the boot
#
# FROM and TO are texts given to `lab mark`; the defaults are the scenario's begin and end. A mark
# that is missing is told on stderr and by status 2.

# judge_awk FROM TO PROGRAM [NAME=VALUE...]: run PROGRAM over the whole log. In it, `where` is
# "before", "in" or "after" the segment. It defines line(), called for each line but marks,
# from_mark(ns) and to_mark(ns), called at the two, and finish().
judge_awk() {
	judge_from=${1:-begin $scenario} judge_to=${2:-end $scenario} judge_program=$3
	shift 3
	# shellcheck disable=SC2154 # set by run
	awk -v from="$judge_from" -v to="$judge_to" -v begin="begin $scenario" \
		-v end="end $scenario" "$@" "$judge_program"'
		BEGIN { where = "before" }
		$2 == "lab" && $3 == "mark" {
			text = $0
			sub(/^.* text=/, "", text)
			if (text == begin)
				scenario = 1
			if (where == "before" && scenario && text == from) {
				where = "in"
				from_mark($1)
			} else if (where == "in" && text == to) {
				where = "after"
				to_mark($1)
			}
			if (text == end)
				scenario = 0
			next
		}
		{ line() }
		END {
			if (where != "after") {
				print "no segment from mark \"" from "\" to mark \"" to "\"" > "/dev/stderr"
				exit 2
			}
			finish()
		}' "$log"
}

log_segment() {
	judge_awk "${1-}" "${2-}" '
		function from_mark(ns) { }
		function to_mark(ns) { }
		function line() { if (where == "in") print }
		function finish() { }'
}

count() {
	judge_awk "${2-}" "${3-}" '
		function from_mark(ns) { }
		function to_mark(ns) { }
		function line() { if (where == "in" && $0 ~ regex) n++ }
		function finish() { print n + 0 }' -v regex="$1"
}

mask_at() {
	judge_awk '' "${2-}" '
		function from_mark(ns) { }
		function to_mark(ns) { }
		function line() {
			if (where != "after" && $2 == gpu && $3 == "mask")
				mask = substr($4, 5)
		}
		function finish() { print mask }' -v gpu="$1"
}

# judge_ns FROM TO FIELDS ON OFF: guest time between the marks in the state that lines beginning
# with FIELDS (after the time) turn ON and OFF.
judge_ns() {
	judge_awk "$1" "$2" '
		function from_mark(ns) { since = ns }
		function to_mark(ns) { add(ns) }
		function add(ns) { if (state) sum += ns - since; since = ns }
		function line() {
			n = split(fields, f, " ")
			for (i = 1; i <= n; i++)
				if ($(i + 1) != f[i])
					return
			if ($(n + 2) != on && $(n + 2) != off)
				return
			if (where == "in")
				add($1)
			state = $(n + 2) == on
		}
		function finish() { printf "%.0f\n", sum }' -v fields="$3" -v on="$4" -v off="$5"
}

live_ns() {
	judge_ns "${2-}" "${3-}" "link $1" live dead
}

exposed_ns() {
	judge_ns "${2-}" "${3-}" "$1" exposed closed
}

links() {
	awk '$2 == "link" && !seen[$3]++ { print $3 }' "$log"
}

guest_log() {
	# shellcheck disable=SC2154 # set by run
	cat "$kernel_log"
}
