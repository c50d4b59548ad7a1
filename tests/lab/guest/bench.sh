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
#   trace_applies           one line for each time that links were cut, by that record: the outcome
#                           (err=0); config reads, config writes and other calls of OPAL since the
#                           event before it, by the same task; time since that event, in µs
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
	# Enabling makes some calls, too, which are not what is asked for.
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

# Opcodes 13 to 15 read config space, 16 to 18 write it. The first field is the task, the fourth the
# time.
trace_applies() {
	awk '
		/ nvli_event: / {
			split("", reads)
			split("", writes)
			split("", others)
			since = $4
		}
		/ opal_entry: / {
			opcode = $NF
			sub(/.*=/, "", opcode)
			if (opcode >= 13 && opcode <= 15)
				reads[$1]++
			else if (opcode >= 16 && opcode <= 18)
				writes[$1]++
			else
				others[$1]++
		}
		/ nvli_apply: / {
			printf "%s %d %d %d %.0f\n", $(NF - 1), reads[$1], writes[$1], others[$1],
				($4 - since) * 1e6
			reads[$1] = writes[$1] = others[$1] = 0
		}' $bench_tracing/trace
}

raw_resets() {
	bench_ports=''
	for bench_gpu; do
		bench_port=$(readlink -f "/sys/bus/pci/devices/$bench_gpu/..")
		bench_ports="$bench_ports ${bench_port##*/}"
	done
	echo "$bench_ports" >/sys/module/lab_bench/parameters/raw_reset
}
