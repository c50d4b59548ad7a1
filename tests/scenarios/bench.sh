# SPDX-License-Identifier: GPL-2.0-only
#
# What it costs to keep links cut: accesses, time, and what others pay. Each figure is a line
# `figure|NAME|VALUE`, of which `make bench` makes a table; Documentation/results.md says what they mean.
#
# bench: yes
# boot: bench
# tree: none
# alone: yes
# stray: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:)

# Numbers of GPUs
sizes="1 2 4 6 8 16"

# some N: the first N GPUs.
some() {
	head -n "$1" /run/v100s
}

# timed COMMAND...: set $took to the time that it takes, in µs.
timed() {
	now
	timed_from=$now
	"$@" >/dev/null
	timed_status=$?
	now
	took=$(((now - timed_from) / 1000))
	return $timed_status
}

all_isolated() {
	for bdf; do
		[ "$(cat "/sys/bus/pci/devices/$bdf/nvlink_isolation/state")" = isolated ] || return
	done
}

# did TEXT COMMAND...: it succeeds, in this very shell, which `ok` does not ensure.
did() {
	did_text=$1
	shift
	if "$@"; then
		result ok "$did_text"
	else
		result 'not ok' "$did_text"
	fi
}

# Around each path, not measured, are the commands of $prepare and $finish.
prepare=true finish=true

# mean PATH COMMAND...: set $mean to the time that it takes, in µs, of 8 rounds. The kernel's timers for
# waits of 0.25 to 2 s go off each 32 ms (HZ=250), so one round takes up to 2% more or less by where
# between two of them it begins. The rounds begin at another place each.
mean() {
	mean_path=$1
	shift
	mean=0 mean_done=0
	while [ $mean_done -lt 8 ]; do
		recovered_us=''
		# shellcheck disable=SC2086 # words
		$prepare || break
		usleep $((mean_done * 4000))
		timed "$@" || break
		mean=$((mean + ${recovered_us:-$took}))
		# shellcheck disable=SC2086 # words
		$finish || break
		mean_done=$((mean_done + 1))
	done
	is "rounds of $mean_path" $mean_done 8
	mean=$((mean / 8))
}

# one PATH COMMAND...: a way to reset g0, without the module and with it: first what it takes, then what
# g0 sees of it.
one() {
	path=$1
	shift
	mean "$path without the module" "$@"
	without=$mean
	# shellcheck disable=SC2086 # words
	ok "before $path without the module" $prepare
	lab mark "without $path"
	did "$path without the module" "$@"
	lab mark "after without $path"
	# shellcheck disable=SC2086 # words
	ok "after $path without the module" $finish
	load isolate=1
	mean "$path" "$@"
	ok "isolated after the rounds of $path" wait_for 30 all_isolated "$(gpu 0)"
	# What is counted below is of the reset, not of audits of GPUs beside it.
	set_parameter audit_seconds 0
	# shellcheck disable=SC2086 # words
	ok "before $path" $prepare
	before=$(mappings)
	trace_on
	lab mark "with $path"
	did "$path" "$@"
	ok "isolated after $path" wait_for 30 all_isolated "$(gpu 0)"
	lab mark "after with $path"
	trace_off
	ratio=$((mean * 1000 / without))
	[ "$path" = "raw reset" ] ||
		figure "time|$path: what it takes, by what it takes without the module" \
			"$((ratio / 1000)).$(printf '%03d' $((ratio % 1000)))"
	figure "bus|$path: mappings made" $(($(mappings) - before))
	figure "time|$path: its release to links read back as disabled (µs)" \
		"$(trace_verified "$(gpu 0)" | tail -n 1)"
	# shellcheck disable=SC2086 # words
	ok "after $path" $finish
	unload
}

# recovered: EEH recovers g0. How long it takes is what the kernel's log says: it is looked at rarely.
recovered() {
	recovered_lines=$(dmesg | wc -l)
	eeh_recover 0 || return
	recovered_us=$(dmesg | tail -n "+$((recovered_lines + 1))" | awk -F '[][]' '
		/EEH: Beginning: / && !from { from = $2 }
		/EEH: Recovery successful/ { printf "%.0f", ($2 - from) * 1e6 }')
}

opened() {
	client_start c 0 && client_do c open >/dev/null
}

closed() {
	client_do c close >/dev/null && client_stop c
}

# What VFIO lets a client do; on kernels where it works.
by_vfio() {
	ok "vfio-pci drives g0" vfio_bind 0
	prepare="client_start c 0" finish=closed
	one "VFIO open" client_do c open
	prepare=opened
	one "VFIO_DEVICE_RESET" client_do c reset
	one "VFIO_DEVICE_PCI_HOT_RESET" client_do c hot-reset
	finish="client_stop c"
	one "VFIO close" client_do c close
	prepare=true finish=true
	vfio_unbind 0
}

# Enforcement starts for as many GPUs as there are; none of their links is cut before.
start_of() {
	# shellcheck disable=SC2046 # addresses
	raw_resets $(some "$1")
	load
	lab mark "start $1"
	timed set_parameter isolate 1
	figure "start|$1 GPUs (µs)" "$took"
	# shellcheck disable=SC2046 # addresses
	ok "$1 GPUs are isolated at start" all_isolated $(some "$1")
	lab mark "after start $1"
	unload
}

# at_once N: that many GPUs are reset at the same moment.
at_once() {
	at_once_n=$1
	lab mark "at once $1"
	# shellcheck disable=SC2046 # addresses
	raw_resets $(some "$1")
	# shellcheck disable=SC2046 # addresses
	ok "$1 GPUs are isolated" wait_for 30 all_isolated $(some "$at_once_n")
	lab mark "after at once $1"
}

# Enforcement starts while a process resets the first GPU: how long do the others wait?
start_beside_reset() {
	# shellcheck disable=SC2046 # addresses
	raw_resets $(some 16)
	load
	reset 0 &
	usleep 500000
	lab mark "start beside a reset"
	set_parameter isolate 1
	wait
	# shellcheck disable=SC2046 # addresses
	ok "all are isolated" wait_for 30 all_isolated $(some 16)
	lab mark "after start beside a reset"
	unload
}

# gate_costs WHAT KIND: figures of one kind of answer in what was traced.
gate_costs() {
	trace_gate | grep "^$2 " >/run/costs || return
	read -r _ longest most </run/costs
	figure "gate|$1: interrupts off, at most (µs)" "$longest"
	figure "gate|$1: config accesses, at most" "$most"
}

# switched FAULT WHAT KIND: what it costs that somebody switches g0 on after a reset.
switched() {
	[ "$1" = none ] || lab set g0 "$1" on
	raw_reset 0
	sleep 1
	echo >/sys/kernel/tracing/trace
	config_write "$(gpu 0)" 4 2 0x0102
	[ "$1" = none ] || lab set g0 "$1" off
	ok "costs of $2" gate_costs "$2" "$3"
	config_write "$(gpu 0)" 4 2 0x0100
}

# By a driver that does nothing with it the worker leaves it alone for some seconds.
costs_of_gate() {
	lab mark "costs of the gate"
	load isolate=1 audit_seconds=0
	# Earlier raw resets have cleared its BARs, and the PCI core restores that.
	repair_bars "$(gpu 0)"
	ok "a driver has g0" bind_gpu 0 lab_driver
	trace_on
	echo >/sys/kernel/tracing/trace
	config_write "$(gpu 0)" 4 2 0x0100
	config_write "$(gpu 0)" 4 2 0x0102
	ok "costs of a look" gate_costs "links disabled already" 0:2
	switched none "links disabled, BARs programmed and put back" 0:2
	switched mask-stuck "mask bits do not stick" 3:2
	switched ring-busy "PRI ring never ready" 3:4
	switched no-answer "registers do not answer" 3:3
	echo >/sys/kernel/tracing/trace
	config_write "$(gpu 0)" 4 2 0x0102
	ok "costs of a refusal" gate_costs "refused again" 3:0
	trace_off
	reset 0
	unbind_gpu 0
	lab mark "costs are known"
	unload
}

guest() {
	# shellcheck source=/dev/null
	. /lab/bench.sh
	# It looks at all GPUs all the time, and is in the way.
	killall -STOP lab_watch
	v100s >/run/v100s
	# It notes them as they are.
	repair_bars "$(gpu 0)"
	foreign_costs
	like "what others pay was measured" "$base $read $write $enable" \
		'^[0-9]+ [0-9]+ [0-9]+ [0-9]+$'
	figure "foreign|call of OPAL: tracepoints and probes that do nothing" "$base"
	figure "foreign|call of OPAL: a config read" "$read"
	figure "foreign|call of OPAL: a config write" "$write"
	figure "foreign|pci_enable_device()" "$enable"
	ok "unloads" unload

	# The first of all is not like the others.
	reset 0
	one "sysfs reset" reset 0
	one "reset of the switch" reset_below "$(upstream 0)"
	one "reset of the port" reset_below "$(port 0)"
	one "raw reset" raw_resets "$(gpu 0)"
	start_beside_reset
	costs_of_gate
	# EEH has the kernel find g0 again, as the last of all, and would give it up after five times.
	echo 1000 >/sys/kernel/debug/powerpc/eeh_max_freezes
	one "EEH recovery" recovered
	case $(uname -r) in
	6.1.*) ;; # vfio-pci does not bind on kernels 5.19 to 6.3
	*) by_vfio ;;
	esac
	load isolate=1
	for n in $sizes; do
		at_once "$n"
	done
	unload
	for n in 16 8 6 4 2 1; do
		tail -n "+$((n + 1))" /run/v100s | while read -r bdf; do
			echo 1 >"/sys/bus/pci/devices/$bdf/remove"
		done
		some "$n" >/run/v100s.new
		mv /run/v100s.new /run/v100s
		start_of "$n"
	done
	killall -CONT lab_watch
}

# span_us FROM TO BEGIN END: from the last line that matches BEGIN to the last that matches END, between
# two marks.
span_us() {
	judge_awk "$1" "$2" '
		function line() {
			if (where != "in")
				return
			if ($0 ~ first)
				began_at = $1
			if ($0 ~ last)
				ended_at = $1
		}
		function finish() {
			if (!began_at || !ended_at) {
				print "no span from " first " to " last > "/dev/stderr"
				exit 2
			}
			printf "%.0f\n", (ended_at - began_at) / 1000
		}' -v first="$3" -v last="$4"
}

mask_line=' mask val=0x003f0005$'
release=' config-write off=0x03e len=2 val=0x0002$'

# judge_one PATH PORT: what g0 saw of it.
judge_one() {
	from="with $1" to="after with $1"
	figure "bus|$1: masks" "$(count "^[0-9]+ g0$mask_line" "$from" "$to")"
	for what in read write; do
		figure "bus|$1: MMIO ${what}s" "$(count "^[0-9]+ g0 $what off" "$from" "$to")"
		figure "bus|$1: config ${what}s, GPU" $((
			$(count "^[0-9]+ g0 config-$what " "$from" "$to") -
			$(count "^[0-9]+ g0 config-$what " "without $1" "after without $1")))
		figure "bus|$1: config ${what}s, bridges" $((
			$(count "^[0-9]+ (p0|up0|bridge) config-$what " "$from" "$to") -
			$(count "^[0-9]+ (p0|up0|bridge) config-$what " "without $1" \
				"after without $1")))
	done
	figure "time|$1: released by the port to mask (µs)" \
		"$(span_us "$from" "$to" " $2$release" "^[0-9]+ g0$mask_line")"
	figure "time|$1: BAR0 open before the mask (µs)" \
		"$(open_periods g0 "$from" "$to" | awk '{ sum += $1 } END { printf "%.0f", sum / 1000 }')"
	figure "time|$1: mask to BARs put back (µs)" "$(log_segment "$from" "$to" | awk '
		$2 != "g0" { next }
		$3 == "mask" && $4 == "val=0x003f0005" { mask = $1 }
		$3 == "config-write" && $4 ~ /off=0x0(04|1.|2[0-4])/ && mask && $1 - mask < 1e6 { last = $1 }
		END { printf "%.0f", last ? (last - mask) / 1000 : 0 }')"
}

figure() {
	note "figure|$1|$2"
}

judge() {
	judge_one "sysfs reset" p0
	# Firmware is done by then, and more than a second passes.
	for what in read write; do
		figure "bus|restored by the PCI core: config ${what}s, GPU" \
			"$(log_segment "without sysfs reset" "after without sysfs reset" |
				awk -v what="config-$what" '
					$2 != "g0" { next }
					$1 - last > 1e9 { n = 0 }
					{ last = $1 }
					$3 == what { n++ }
					END { print n + 0 }')"
	done
	judge_one "reset of the switch" up0
	judge_one "reset of the port" p0
	judge_one "raw reset" p0
	judge_one "EEH recovery" p0
	if grep -q ' mark text=with VFIO' "$log"; then
		for path in "VFIO open" VFIO_DEVICE_RESET VFIO_DEVICE_PCI_HOT_RESET "VFIO close"; do
			judge_one "$path" p0
		done
	fi
	for n in $sizes; do
		from="at once $n" to="after at once $n"
		dead=$mask_line
		[ "$n" = 1 ] || dead=' link .* dead$'
		figure "once|$n GPUs: released to the last dead end (µs)" \
			"$(span_us "$from" "$to" "$release" "$dead")"
		figure "once|$n GPUs: released to the last mask (µs)" \
			"$(span_us "$from" "$to" "$release" "$mask_line")"
		is "masks of $n" "$(count "$mask_line" "$from" "$to")" "$n"
	done
	from="start beside a reset" to="after start beside a reset"
	is "masks, start beside a reset" "$(count "$mask_line" "$from" "$to")" 16
	figure "start|16 GPUs, the first in a reset: the others (µs)" "$(judge_awk "$from" "$to" '
		function line() {
			if (where == "in" && $2 != "g0" && $3 == "mask" && $4 == "val=0x003f0005")
				last = $1
		}
		function finish() { printf "%.0f", (last - began) / 1000 }')"
	# There the mask is made to drop what is written.
	is "order or bits violated" "$(($(count ' (violation|dropped) ') - \
		$(count ' dropped ' "costs of the gate" "costs are known")))" 0
}
