# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what becomes of a GPU that misbehaves, or that another task disturbs, when it is reset:
# whatever it is, and at whatever step of the sequence, the GPU is isolated or refused, which means
# that nobody can switch it on; nothing is claimed that is not so, and it is isolated once it behaves.
# Writes the table fault x outcome, as lines `# fault|FAULT|OUTCOME`, of which `make faults` makes the
# table in Documentation/results.md.
#
# LAB_SEED=all takes each fault at each step; else each at one, and another with another seed. By name on
# x86-64: the sequence is the same there, and x86-matrix has the ports' faults.
#
# x86: by name
# boot: redbud
# alone: yes
# stray: yes
# unseen: yes

# The accesses of a whole sequence; the judge counts.
steps=14

# Has it come to something? Then that is in $became. The moment that it was looked is told to the judge
# by a write of what cannot be written. One that cannot be reached is pending: what it comes to is told
# by whether somebody could enable it.
settled() {
	state='' is_held='' reason=''
	read -r state <"$g0/state" && read -r is_held <"$g0/held" || return
	# Now: what sticks late is isolated at the next attempt.
	read -r reason <"$g0/last_error" || :
	printf 0 >"$trace"
	case "$state $is_held $fault_asked" in
	"isolated 0 "*) became=isolated ;;
	"failed 1 "* | "pending 0 denied") became=refused ;;
	*) return 1 ;;
	esac
}

obeys() {
	apply 0 >/dev/null
	in_state 0 isolated
}

# behave PROPERTY: as it is without a fault
behave() {
	case $1 in
	boot0) lab set g0 boot0 0x140000a1 ;;
	late-ms) lab set g0 late-ms 0 ;;
	trap) lab set g0 trap off && lab set g0 no-config off ;;
	*) lab set g0 "$1" off ;;
	esac
}

# fault NAME WANT PROPERTY VALUE [COMMAND...]: g0 has this fault when COMMAND, by default a raw reset,
# is done; WANT is what has to become of it
fault() {
	fault_name=$1 fault_want=$2 fault_property=$3
	lab set g0 "$3" "$4"
	shift 4
	[ $# -gt 0 ] || set -- raw_reset 0
	lab mark "fault $fault_name"
	"$@" >/dev/null 2>&1
	became='' fault_asked=''
	if [ "$fault_want" = refused ]; then
		# When the first attempt is over, if there is one
		usleep 500000
		if enable_gpu 0; then
			# It would be in the way of what follows.
			disable_gpu 0
			fault_asked=enabled
		else
			fault_asked=denied
			echo >"$(dev 0)/driver_override"
		fi
		for bytes in 1 2 4; do
			memory 0 on $bytes
		done
	else
		wait_for 15 in_state 0 isolated
	fi
	[ -n "$became" ] || wait_for 20 settled
	lab mark "settled $fault_name: $became"
	# A debug kernel takes seconds to start a process. By then another attempt has come, for which the
	# ring runs already, or bits have stuck. Whether the GPU is isolated the judge sees.
	! on_debug || case $became:$fault_name in
	isolated:*late* | isolated:*step*) fault_want=isolated ;;
	esac
	[ "$fault_want" = isolated ] || is "$fault_name: who wants to enable it" "$fault_asked" denied
	is "$fault_name" "$became" "$fault_want" || note "$(sysfs 0 last_error)"
	[ "$fault_want" = isolated ] ||
		like "$fault_name: the reason is told" "$reason" .
	behave "$fault_property"
	ok "$fault_name: isolated when it behaves" wait_for 100 obeys
	lab mark "after $fault_name"
}

# Is this step among those that are taken?
chosen() {
	[ "$seed" = all ] || [ $((($1 + $2 + seed) % 14)) = 0 ]
}

lose_mask() {
	dmesg_clear
	lab set g0 mask 0
	wait_for 10 told "$(gpu 0): nvlink_isolation: (NVLinks were found enabled|NOT isolated)"
}

# spin MS: wait for that long, and start no process, which takes too long on a debug kernel
spin() {
	read -r now _ </proc/uptime
	end=$((${now%.*}${now#*.} + $1 / 10))
	while [ "${now%.*}${now#*.}" -lt $end ]; do
		read -r now _ </proc/uptime
	done
}

# again MS: reset, and once more when that was over MS ago
again() {
	raw_assert 0
	exec 8>"/sys/bus/pci/devices/$p0/config" 9>"/sys/bus/pci/devices/$p0/config"
	dd bs=2 seek=31 count=0 >&8 2>/dev/null
	dd bs=2 seek=31 count=0 >&9 2>/dev/null
	printf '\002\000' >&8
	spin "$1"
	printf '\102\000' >&9
	exec 8>&- 9>&-
	usleep 2000
	lab set g0 ring-busy off
	raw_release 0
}

# Pulled out, gone from the kernel too, put in again
replaced() {
	raw_reset 0
	sleep 3
	remove_gpu 0
	lab set g0 no-config off
	raw_reset 0 "$p0"
	rescan
}

guest() {
	fresh
	p0=$(port 0) g0=$(dev 0)/nvlink_isolation trace=$(dev 1)/config
	seed=$(cat /lab/seed)
	load isolate=1
	fault "none" isolated trap off
	fault "never answers, in BARs" refused no-answer on
	fault "never answers, nor in config space" refused no-config on
	fault "never answers, reset through sysfs" refused no-config on reset 0
	for ms in 100 1000; do
		fault "answers after $ms ms" isolated late-ms $ms
	done
	fault "answers after 10000 ms" isolated late-ms 10000
	fault "the ring never reports done" refused ring-busy on
	fault "mask bits do not stick" refused mask-stuck on
	fault "mask bits do not stick, reset through sysfs" refused mask-stuck on reset 0
	fault "mask bits stick late" refused mask-late on
	fault "reset again before the first access" isolated ring-busy on again 100
	fault "pulled out, removed and put in again" isolated no-config on replaced
	# It was known to be a GV100, so that it is something else now is not believed.
	fault "PMC_BOOT_0 of another chip" refused boot0 0x130000a1
	fault "PMC_BOOT_0 of nothing known" refused boot0 0x150000a1
	set_parameter audit_seconds 1
	fault "mask bits fall off" isolated trap off lose_mask
	fault "mask bits fall off, and do not stick" refused mask-stuck on lose_mask
	set_parameter audit_seconds 0

	i=0
	for what in ones pri memory bar0 reset gone; do
		i=$((i + 1))
		name=$(describe $what)
		for step in $(seq $steps); do
			! chosen $i "$step" ||
				fault "$name $step" "$(want $what "$step")" trap "$step:$what"
		done
		for step in $(seq $steps); do
			[ $what != gone ] || continue
			! chosen $((i + 2)) "$step" ||
				fault "$name $step, once" isolated trap "$step:$what:once"
		done
	done
	unload
}

describe() {
	case $1 in
	ones) echo "all ones at step" ;;
	pri) echo "PRI error at step" ;;
	memory) echo "MEMORY cleared after step" ;;
	bar0) echo "BAR0 moved after step" ;;
	reset) echo "reset unseen after step" ;;
	gone) echo "pulled out after step" ;;
	esac
}

# want WHAT STEP: what becomes of it if it comes each time. What comes after the last step comes too
# late, but the BARs are read after it, which cannot be done if it was pulled out. A reset after the first,
# which only asks for the chip, comes too early to undo anything.
want() {
	case $1:$2 in
	reset:1 | memory:14 | bar0:14 | reset:14) echo isolated ;;
	*) echo refused ;;
	esac
}

# What the device says: for each fault a line NAME|SAID|TRUE|STRAYS|SEQUENCES|CLAIMS|ON. TRUE is "no" if
# it was said to be isolated and had not the mask, or refused, and was on. ON: for how long it was on
# until then, in ns.
account() {
	awk '
		function hex(text) { return index("0123456789abcdef", text) - 1 }
		# Bits 16, 18 and 20 of "0x00150005"
		function is_cut() {
			return hex(substr(mask, 6, 1)) % 2 && int(hex(substr(mask, 6, 1)) / 4) % 2 &&
				hex(substr(mask, 5, 1)) % 2
		}
		$2 == "g0" && $3 == "mask" { mask = substr($4, 5) }
		$2 == "g0" && $3 == "memory" {
			if (on)
				ns += $1 - since
			on = $4 == "on"
			since = $1
		}
		# The emulated one keeps its state, and did not get the write that switches it off.
		$2 == "g0" && $3 == "trap" && $4 == "what=gone" { on = 0 }
		$2 == "bus" && $3 ~ /^stray/ { strays++ }
		$2 == "g0" && $3 == "read" && $4 == "off=0x000000" { sequences++ }
		/ mark text=lab_watch: / { claims++ }
		/ mark text=fault / {
			name = $0
			sub(/^.* text=fault /, "", name)
			strays = sequences = claims = ns = 0
			since = $1
		}
		# settled() looked
		$2 == "g1" && $3 == "config-write" && $4 == "off=0x000" {
			cut = is_cut()
			off = !on
		}
		/ mark text=settled / {
			said = $0
			sub(/^.*: /, "", said)
			true = (said == "isolated" ? cut : said == "refused" ? off : 0) ? "yes" : "no"
		}
		/ mark text=after / && name != "" {
			printf "%s|%s|%s|%d|%d|%d|%.0f\n", name, said, true, strays, sequences, claims, ns
			name = ""
		}' "$log"
}

# Accesses of g0 in the 300 ms that it is left alone for after a reset, within the steps of jiffies
early() {
	awk '
		$2 == "p0" && $4 == "off=0x03e" { released = $NF == "val=0x0002" ? $1 : 0 }
		$2 == "g0" && ($3 == "read" || $3 == "write") && released && $1 < released + 290000000
	' "$log"
}

judge() {
	account >"$dir/faults"
	is "accesses of a whole sequence" "$(log_segment "fault none" "settled none: isolated" |
		grep -cE ' g0 (read|write) ')" "$steps"
	is "accesses too soon after a reset" "$(early)" ""
	ok "there are faults" test "$(wc -l <"$dir/faults")" -gt 25
	is "what the devices do not confirm" \
		"$(awk -F '|' '$3 != "yes" && $1 !~ /unseen after step 14/' "$dir/faults")" ""
	# Until an audit nobody can know that they fell off, or of a reset that is not seen; lab_watch
	# sees it at once.
	is "what was claimed while it was open" \
		"$(awk -F '|' '$6 && $1 !~ /fall off|unseen after step 14/' "$dir/faults")" ""
	is "accesses that nobody answered where nobody took the GPU away in the middle" \
		"$(awk -F '|' '$4 && $1 !~ /MEMORY cleared|BAR0 moved|unseen|pulled out/' "$dir/faults")" ""
	# A write, and the read behind it that tells
	is "more of them than two in each attempt" \
		"$(awk -F '|' '$4 > 2 * $5' "$dir/faults")" ""
	ok "there were some" grep -qE '^[^|]*\|[^|]*\|[^|]*\|[1-9]' "$dir/faults"
	# With no audits; what is refused is on for attempts only, which are short.
	is "those that were on for longer than attempts take" \
		"$(awk -F '|' -v limit="$(attempt_limit)" '$2 == "refused" && $7 > 2.5 * limit * $5' "$dir/faults")" ""
	while IFS='|' read -r name outcome true strays sequences _; do
		[ "$true" = yes ] || outcome="$outcome, and only an audit finds that the mask was lost"
		[ "$strays" = 0 ] || outcome="$outcome; $strays stray in $sequences attempts"
		note "fault|$name|$outcome"
	done <"$dir/faults"
}
