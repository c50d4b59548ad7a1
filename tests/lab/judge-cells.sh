# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154 # set by run
#
# The judge's side of cells.sh, for the `judge` of a scenario:
#
#   judge_cells     one result for each claim about each cell, and notes with what goes into the table
#   resets_of_cells one line for each: the fewest resets of a GPU that it is about, and its name

# gpus MODE
gpus() {
	case $1 in
	alone) echo g0 ;;
	pair) echo g0 g1 ;;
	esac
}

# Of periods that come in, those that are no sequence of the module: their sum, in µs
open_us() {
	awk '$2 == "open" { sum += $1 } END { printf "%.0f\n", sum / 1000 }'
}

# judge_cell NAME: print what goes into the table.
judge_cell() {
	from="cell $1" to="after $1"
	open=0 reads=0 longest=0
	for gpu in $(gpus "${1##*|}"); do
		periods=$(open_periods "$gpu" "$from" "$to")
		printf '%s\n' "$periods" >>"$dir/periods"
		us=$(printf '%s\n' "$periods" | open_us)
		[ "$us" -le "$open" ] || open=$us
		ns=$(printf '%s\n' "$periods" | sort -n | tail -n 1 | cut -d ' ' -f 1)
		[ "${ns:-0}" -le "$longest" ] || longest=$ns
		reads=$((reads + $(client_reads_exposed "$gpu" "$from" "$to")))
	done
	live=0
	for link in $(links); do
		us=$(($(live_ns "$link" "$from" "$to") / 1000))
		[ "$us" -le "$live" ] || live=$us
	done
	states=$(log_text "state $1:")
	text=''
	case "$states " in
	' isolated '*isolated' ' | ' isolated ') text=isolated ;;
	*failed*) text="failed closed" ;;
	*) text="not settled" ;;
	esac
	# What sysfs says is what the device has.
	for gpu in $(gpus "${1##*|}"); do
		[ "$text" = isolated ] || continue
		like "$1: $gpu, called isolated, is" "$(mask_at "$gpu" "$to")" "^0x00${judge_mask-15}" || text=UNTRUE
	done
	[ "$open" = 0 ] || text="$text; own end open $open µs, $reads reads"
	[ "$live" = 0 ] || text="$text; link live $live µs"
	note "cell|$1|$text"
	is "$1: reads while exposed" "$reads" 0
	# Attempts that fail, of the gate and of the worker while nobody has it, are the only other time.
	case $states in
	*failed*) ok "$1: own end open for an attempt at a time" test "$longest" -le "$(attempt_limit)" ;;
	*) is "$1: own end open but in the gate's sequence, in µs" "$open" 0 ;;
	esac
	ok "$1: $text" test "$text" != "not settled"
}

# log_text TEXT: the rest of the mark that begins with it
log_text() {
	awk -v text="$1" '$3 == "mark" { sub(/^.* text=/, "") }
		index($0, text) == 1 { print substr($0, length(text) + 1) }' "$log"
}

# A cell that resets nothing would be green whatever the module does. This is the devices' account.
resets_of_cells() {
	awk '
		/ lab mark text=cell / { name = $0; sub(/^.*text=cell /, "", name); split("", resets) }
		$3 == "reset" { resets[$2]++ }
		/ lab mark text=after / {
			least = resets["g0"] + 0
			if (name ~ /pair$/ && resets["g1"] + 0 < least)
				least = resets["g1"] + 0
			print least, name
		}' "$log"
}

judge_cells() {
	: >"$dir/periods"
	log_text "cell " | while read -r name; do
		judge_cell "$name"
	done
	log_text "none " | while IFS=: read -r name reason; do
		note "cell|$name|-$reason"
	done
	longest=$(awk '$2 == "applied" { print $1 }' "$dir/periods" | sort -n | tail -n 1)
	note "longest sequence: $longest ns"
	limit=$(sequence_limit)
	ok "no sequence took longer than $limit µs" test "$longest" -le "${limit}000"
}
