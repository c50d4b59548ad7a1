# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Counting and timing, for scenarios that source it. On a clock of instructions counts are exact.
#
#   v100s                   addresses of the V100s to be isolated, in order, and make gpu, dev, reset
#                           and the like count these
#   figure NAME VALUE       for the table of tests/bench
#   now                     set $now: the guest's time in ns. Takes no process. Wants lab_bench
#   cost BDF [empty=1]      set $read, $write, $enable: what a config read, a write and
#                           pci_enable_device() of this device take, in ticks; loads lab_bench
#   instructions TICKS      as many instructions
#   foreign_costs           set $base, what a tracepoint and a probe that does nothing add to a call of
#                           OPAL, and $read, $write, $enable, what the module adds to that; in
#                           instructions, at a device that is none of its. Loads the module
#   trace_on [opal]         record what the module does, and calls of OPAL, which takes some time
#   trace_off
#   trace_verified BDF      by that record, for each reset of this GPU: time from its release to the first
#                           read-back of all links as disabled, in µs
#   trace_gate              by that record, a line for each kind of answer of the gate: ANSWER:OUTCOME,
#                           the longest that it kept interrupts off, in µs, the most config accesses
#   trace_accesses          by that record, for each verification the number of config accesses
#   raw_resets BDF...       reset these GPUs by their ports, all at the same time

v100s() {
	lab_find 0x10de 0x1db1 | sed 's,.*/,,' | tee /run/lab-gpus
}

figure() {
	note "figure|$1|$2"
}

# shellcheck disable=SC2034 # for scenarios
now() {
	read -r now </sys/module/lab_bench/parameters/now
}

# shellcheck disable=SC2034 # for scenarios
cost() {
	[ ! -e /sys/module/lab_bench ] || rmmod lab_bench
	modprobe lab_bench device="$1" ${2+"$2"} || return
	read -r read </sys/module/lab_bench/parameters/config_read
	read -r write </sys/module/lab_bench/parameters/config_write
	read -r enable </sys/module/lab_bench/parameters/enable
}

# 512 MHz, and 8 ns an instruction: run says -icount shift=3
instructions() {
	echo $(($1 * 1000 / 4096))
}

# shellcheck disable=SC2034 # for scenarios
foreign_costs() {
	bench_foreign=$(lab_find 0x10de 0x1db4 | sed 's,.*/,,')
	# Twice: the first time finds cold caches.
	cost "$bench_foreign" && cost "$bench_foreign" || return
	bench_read=$read bench_enable=$enable
	cost "$bench_foreign" empty=1 || return
	base=$(instructions $((read - bench_read)))
	# Enabling makes some calls, too, which do not count here.
	bench_calls=$(((enable - bench_enable) / (read - bench_read)))
	bench_read=$read bench_write=$write bench_enable=$enable
	load isolate=1 && cost "$bench_foreign" || return
	enable=$(instructions $((enable - bench_enable - bench_calls * (read - bench_read))))
	read=$(instructions $((read - bench_read)))
	write=$(instructions $((write - bench_write)))
}

bench_tracing=/sys/kernel/tracing

trace_on() {
	echo 8192 >$bench_tracing/buffer_size_kb &&
	echo >$bench_tracing/trace &&
	echo 1 >$bench_tracing/events/nvlink_isolation/enable || return
	[ "${1-}" != opal ] || echo 1 >$bench_tracing/events/powerpc/opal_entry/enable
}

trace_off() {
	echo 0 >$bench_tracing/events/powerpc/opal_entry/enable &&
	echo 0 >$bench_tracing/events/nvlink_isolation/enable
}

# The fourth field is the time. enum nvli_answer: 0 verified; enum nvli_outcome: 2 the mask was read.
trace_verified() {
	awk -v gpu="$1" '
		index($0, ": " gpu " ") == 0 { next }
		/ nvli_event: .* release$/ { since = $4 }
		/ nvli_gate: .* answer=0 outcome=2 / && since {
			printf "%.0f\n", ($4 - since) * 1e6
			since = 0
		}' $bench_tracing/trace
}

trace_gate() {
	sed -n 's/.* nvli_gate: .* answer=\(.*\) outcome=\(.*\) value=.* accesses=\(.*\) ns=\(.*\)$/\1:\2 \3 \4/p' \
		$bench_tracing/trace | awk '
		$2 > most[$1] { most[$1] = $2 }
		$3 > longest[$1] { longest[$1] = $3 }
		{ seen[$1] }
		END { for (kind in seen) printf "%s %d %d\n", kind, longest[kind] / 1000, most[kind] }'
}

trace_accesses() {
	sed -n 's/.* nvli_gate: .* answer=0 outcome=2 .* accesses=\([0-9]*\) .*/\1/p' $bench_tracing/trace
}

raw_resets() {
	bench_ports=''
	for bench_gpu; do
		bench_port=$(readlink -f "/sys/bus/pci/devices/$bench_gpu/..")
		bench_ports="$bench_ports ${bench_port##*/}"
	done
	echo "$bench_ports" >/sys/module/lab_bench/parameters/raw_reset
}
