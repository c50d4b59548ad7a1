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
#   client_reads GPU [FROM [TO]] reads of GPU that only a client of VFIO makes (see lab_vfio.c)
#   client_reads_exposed GPU [FROM [TO]]
#                                those of them that were answered while GPU was exposed
#   client_reads_live GPU GPU [FROM [TO]]
#                                reads of both that only a client makes, and that were answered while a
#                                link between the two was live
#   open_periods GPU [FROM [TO]] one line for each time that GPU was exposed: how long, in ns, and
#                                "applied" if that was the module's sequence and nothing else, from
#                                its first read to the mask, or "open". $judge_mask are the hex digits
#                                of the links that have to be disabled (default: 15, the redbud's)
#   memory_on GPU [FROM [TO [SIZE]]]
#                                how often GPU's memory decoding was switched on, by writes of SIZE:
#                                byte, word or dword; without it by any
#   links                        the names of all links, one per line
#   on_x86                       was it a PC, where there is no EEH?
#   show                         what comes in is to be read by those who use run --show
#   guest_log                    the kernel's log of the boot
#   $dir                         a directory for files of its own, that of the boot
#
# FROM and TO are texts given to `lab mark`; the defaults are the scenario's begin and end. A mark
# that is missing is reported on stderr and by status 2.

# judge_awk FROM TO PROGRAM [-v NAME=VALUE...]: run PROGRAM over the whole log. In it, `where` is
# "before", "in" or "after" the segment, and `began` and `ended` are the times of the marks,
# once they were seen. It defines line(), called for each line but marks, and finish().
judge_awk() {
	judge_from=${1:-begin $scenario} judge_to=${2:-end $scenario} judge_program=$3
	shift 3
	# shellcheck disable=SC2154 # set by run
	awk -v from="$judge_from" -v to="$judge_to" -v missed="$dir/missed" -v begin="begin $scenario" \
		-v end="end $scenario" "$@" "$judge_program"'
		BEGIN { where = "before" }
		$2 == "lab" && $3 == "mark" {
			text = $0
			sub(/^.* text=/, "", text)
			if (text == begin)
				scenario = 1
			if (where == "before" && scenario && text == from) {
				where = "in"
				began = $1
			} else if (where == "in" && text == to) {
				where = "after"
				ended = $1
			}
			if (text == end)
				scenario = 0
			next
		}
		{ line() }
		END {
			if (where != "after") {
				print "no segment from mark \"" from "\" to mark \"" to "\"" > "/dev/stderr"
				print from " to " to >>missed
				exit 2
			}
			finish()
		}' "$log"
}

log_segment() {
	judge_awk "${1-}" "${2-}" '
		function line() { if (where == "in") print }
		function finish() { }'
}

count() {
	judge_awk "${2-}" "${3-}" '
		function line() { if (where == "in" && $0 ~ regex) n++ }
		function finish() { print n + 0 }' -v regex="$1"
}

mask_at() {
	judge_awk '' "${2-}" '
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
		function add(ns) { sum += ns - (since > began ? since : began) }
		function line() {
			if (where == "after")
				return
			n = split(fields, f, " ")
			for (i = 1; i <= n; i++)
				if ($(i + 1) != f[i])
					return
			if ($(n + 2) != on && $(n + 2) != off)
				return
			if (where == "in" && state)
				add($1)
			state = $(n + 2) == on
			since = $1
		}
		function finish() {
			if (state)
				add(ended)
			printf "%.0f\n", sum
		}' -v fields="$3" -v on="$4" -v off="$5"
}

live_ns() {
	judge_ns "${2-}" "${3-}" "link $1" live dead
}

exposed_ns() {
	judge_ns "${2-}" "${3-}" "$1" exposed closed
}

client_reads() {
	count "^[0-9]+ $1 read off=0x700000 " "${2-}" "${3-}"
}

client_reads_exposed() {
	judge_awk "${2-}" "${3-}" '
		function line() {
			if ($2 != gpu)
				return
			if ($3 == "exposed" || $3 == "closed")
				exposed = $3 == "exposed"
			else if (where == "in" && exposed && $3 == "read" && $4 == "off=0x700000")
				n++
		}
		function finish() { print n + 0 }' -v gpu="$1"
}

client_reads_live() {
	judge_awk "${3-}" "${4-}" '
		function line() {
			if ($2 == "link" && ($3 ~ "^" a "[.].-" b "[.]" || $3 ~ "^" b "[.].-" a "[.]")) {
				n_live += ($4 == "live") - live[$3]
				live[$3] = $4 == "live"
			}
			if (where == "in" && n_live && ($2 == a || $2 == b) && $3 == "read" &&
			    $4 == "off=0x700000")
				n++
		}
		function finish() { print n + 0 }' -v a="$1" -v b="$2"
}

# The first access of a sequence is to PMC_BOOT_0, which the lab's client leaves alone, and the last
# is the mask.
open_periods() {
	judge_awk "${2-}" "${3-}" '
		function line() {
			if ($2 != gpu)
				return
			if ($3 == "exposed") {
				since = $1
				first = last = ""
				return
			}
			if ($3 == "closed") {
				what = "open"
				if (first ~ /^off=0x000000 / && last ~ "^mask val=0x.." required)
					what = "applied"
				if (where == "in" && since != "")
					printf "%.0f %s\n", $1 - since, what
				since = ""
			}
			if (first == "" && ($3 == "read" || $3 == "write"))
				first = $4 " " $5
			last = $3 " " $4
		}
		function finish() { if (since != "") print "0 open" }' -v gpu="$1" -v required="${judge_mask-15}"
}

# sequence_limit: for how many µs the gate's sequence may expose a GPU. With the hash MMU the first access
# to each of three pages of BAR0 takes a fault of 10 µs. KASAN checks each memory access of the kernel.
# shellcheck disable=SC2154 # set by run
sequence_limit() {
	if grep -q hash-mmu: "$kernel_log"; then
		echo 50
	elif grep -q 'KASAN init' "$kernel_log"; then
		echo 100
	else
		echo 20
	fi
}

# attempt_limit: for how many ns an attempt may have decoding on: with BARs to program, ten times as many
# accesses as the sequence has
attempt_limit() {
	echo "$((5 * $(sequence_limit)))000"
}

# too_long [TIMES]: filter the periods on standard input: print those longer than TIMES (default 1) limits
too_long() {
	awk -v limit="$(sequence_limit)" -v times="${1:-1}" '$1 > 1000 * limit * times'
}

memory_on() {
	count "^[0-9]+ $1 memory on cause=${4:-}" "${2-}" "${3-}"
}

# switched_on: how often the devices saw memory decoding switched on between two counts of the gate's
# that the guest wrote (see lab_count.c), and what these say. One line for each two: GPU TIMES COUNT
# BELOW ABOVE, where TIMES may be less and more than COUNT by these: an emulated fault cleared
# MEMORY in the midst of a sequence, or the GPU did not get the write that was counted. A test that
# switches decoding on past the gate writes the mark "past-gate GPU" each time.
#
# A device that the kernel has found again counts from 0, and has an ID of its own.
switched_on() {
	awk '
		function low_digit(text) {
			return index("0123456789abcdef", substr(text, length(text), 1)) - 1
		}
		$3 == "memory" && $4 == "on" { times[$2]++ }
		$3 == "trap" && $4 ~ /=(memory|reset)$/ { above[$2]++ }
		$2 == "lab" && $3 == "mark" && $4 == "text=past-gate" { above[$5]++ }
		$3 ~ /^(held|mute|frozen)-config-write$/ && $4 == "off=0x004" &&
			int(low_digit($6) / 2) % 2 { below[$2]++ }
		$2 != "lab" || $3 !~ /^count-?/ { next }
		{ gpu = substr($4, 5) }
		$3 == "count-begin" {
			known[gpu] = 1
			id[gpu] = ""
			last[gpu] = times[gpu] = below[gpu] = above[gpu] = 0
		}
		$3 == "count-end" { known[gpu] = 0 }
		$3 == "count-at" {
			now[gpu] = times[gpu]
			lost[gpu] = below[gpu]
			unseen[gpu] = above[gpu]
		}
		$3 == "count" {
			split($5, i, "=")
			split($6, value, "=")
			if (known[gpu] && (id[gpu] == "" || id[gpu] == i[2]) && value[2] >= last[gpu])
				print gpu, now[gpu] + 0, value[2] - last[gpu], lost[gpu] + 0, unseen[gpu] + 0
			known[gpu] = 1
			id[gpu] = i[2]
			last[gpu] = value[2]
			times[gpu] -= now[gpu]
			below[gpu] -= lost[gpu]
			above[gpu] -= unseen[gpu]
		}' "$log"
}

# A result of the boot, if the guest reports what the gate counts, which it has to if anything was enforced.
# shellcheck disable=SC2154 # set by run
counts_agree() {
	[ -e "$dir/root/lab/marks" ] || return 0
	counts=$(switched_on)
	if [ -z "$counts" ]; then
		[ ! -e "$dir/root/lab/counted" ] ||
			! grep -q 'nvlink_isolation: enforcement starts' "$kernel_log" ||
			ok "the gate's count was told" false || :
		return 0
	fi
	differ=$(echo "$counts" | awk '
		$2 < $3 - $4 || $2 > $3 + $5 { print "MEMORY 0->1 of " $1 ": device " $2 ", gate " $3 }')
	is "MEMORY 0->1 on the devices and by the gate's count, $(echo "$counts" |
		awk '{ n += $3 } END { print n " in " NR " periods" }')" "$differ" "" || :
}

links() {
	awk '$2 == "link" && !seen[$3]++ { print $3 }' "$log"
}

# links_between GPU GPU
links_between() {
	links | grep -E "^($1\.[0-5]-$2|$2\.[0-5]-$1)\.[0-5]$"
}

on_x86() {
	# shellcheck disable=SC2154 # set by run
	[ -e "$dir/root/lab/links" ]
}

guest_log() {
	# shellcheck disable=SC2154 # set by run
	cat "$kernel_log"
}

# late_links FROM TO CLOSES: g0 and g1 have one owner at mark FROM, and g1 has another at mark TO. The close
# resets g1 CLOSES times, then the next owner's open resets it. Prints three numbers: the resets of g1; the
# links to g0 that were live from the open's reset on, unless g0 was reset too; and 1 if g0 still had
# the mask of FROM when the open's reset began.
late_links() {
	judge_awk "$1" "$2" '
		function line() {
			if ($2 == "link" && $3 ~ /^g0\.[0-5]-g1\.[0-5]$/)
				live[$3] = $4 == "live"
			if (where == "before" && $2 == "g0" && $3 == "mask")
				kept = mask = $4
			if (where != "in")
				return
			if ($3 == "reset" && ++resets[$2] == closes + 1 && $2 == "g1")
				late = !resets["g0"] && mask == kept
			if ($2 == "g0" && $3 == "mask")
				mask = $4
			for (link in live)
				if (resets["g1"] > closes && !resets["g0"] && live[link])
					bad[link] = 1
		}
		function finish() {
			for (link in bad)
				n++
			print resets["g1"] + 0, n + 0, late + 0
		}' -v closes="$3"
}
