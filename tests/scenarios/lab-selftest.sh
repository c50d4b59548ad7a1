# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Shows that the lab is what the other scenarios take it for: GPUs that reset as a V100 does, on POWER
# the device tree of a Redbud, a control device that answers, and a log that counts right.
#
# x86: yes
# boot: redbud
# tree: redbud
# alone: yes

cells() {
	hexdump -v -e '4/1 "%02x" " "' "$(dev "$1")/of_node/$2" | sed 's/\(^\| \)0*/\1/g; s/ $//'
}

# What counts is not the module here: a file says what the gate would.
counted() {
	LAB_ROOT=/run/counted
	export LAB_ROOT
	mkdir -p $LAB_ROOT/sys/module/nvlink_isolation/parameters
	isolate=$LAB_ROOT/sys/module/nvlink_isolation/parameters/isolate
	count=$LAB_ROOT$(dev 0)/nvlink_isolation/switched_on
	mkdir -p "$(dirname "$count")"
	lab mark counted
	before=$(lab get g0 switched-on)
	echo N >"$isolate"
	echo 0 >"$count"
	lab_counts begin
	echo Y >"$isolate"
	for bytes in 1 2 4; do
		ok "memory decoding on by $bytes bytes" memory 0 on $bytes
		is "COMMAND by $bytes bytes" $(($(config_read "$(gpu 0)" 4 2) & 2)) 2
		memory 0 on 4
		memory 0 off $bytes
		is "COMMAND without, by $bytes bytes" $(($(config_read "$(gpu 0)" 4 2) & 2)) 0
	done
	is "the device's count" "$(($(lab get g0 switched-on) - before))" 3
	echo 3 >"$count"
	lab_counts
	memory 0 on
	echo 4 >"$count"
	lab_counts
	# What has come new is not compared with what was there before.
	rm "$count"
	echo 0 >/run/another
	echo 0 >"$count"
	lab_counts
	memory 0 off
	echo N >"$isolate"
	lab_counts
	memory 0 on
	memory 0 off
	lab mark "after counted"
	unset LAB_ROOT
}

grafted() {
	is "phandle of g0" "$(cells 0 phandle)" 201
	is "CPU links of g0" "$(cells 0 ibm,npu)" "301 302 303"
	is "peers of g0" "$(cells 0 ibm,nvlink-peers)" "202 301 202 302 202 303"
	is "peers of g3" "$(cells 3 ibm,nvlink-peers)" "203 30a 203 30b 203 30c"
	is "NPU nodes" "$(cat /proc/device-tree/pciex@6*30200000000/*/ibm,gpu | wc -c)" 48
}

# With the friends of the first four. Firmware of a PC switches decoding on, skiboot does not.
declared() {
	is "declared links" "$(lab_declared | tr , '\n' | wc -l)" 18
	like "the first of them" "$(lab_declared)" "^$(gpu 0)\\.0-$(gpu 1)\\.0,"
}

guest() {
	firmware=0 gpus=4
	! on_x86 || firmware=2 gpus=8
	is "GPUs" "$(lab_gpus | wc -l)" $gpus
	for n in 0 1 2 3; do
		is "g$n is a V100 SXM2" "$(cat "$(dev $n)/device")" 0x1db1
		is "g$n has one reset" "$(cat "$(dev $n)/reset_method")" bus
		command=$(hexdump -s 4 -n 2 -e '1/2 "%u"' "$(dev $n)/config")
		is "memory decoding of g$n as firmware has left it" $((command & 2)) $firmware
		memory $n off
	done

	if on_x86; then declared; else grafted; fi

	is "mask of g0" "$(lab get g0 mask)" 0x00000005
	nok "an unknown GPU is an error" lab get g9 mask
	ok "fault on" lab set g0 mask-stuck on
	is "fault reads back" "$(lab get g0 mask-stuck)" true
	ok "fault off" lab set g0 mask-stuck off

	counted

	lab mark resets
	for n in 0 1 2 3; do
		ok "reset g$n" reset $n
	done
	lab mark "after resets"

	fresh
	bars=$(lab_bars "$(gpu 0)")
	raw_reset 0
	nok "a raw reset clears BARs" [ "$(lab_bars "$(gpu 0)")" = "$bars" ]
	fresh
	is "fresh brings them back" "$(lab_bars "$(gpu 0)")" "$bars"
	ok "g0 can be enabled" enable_gpu 0
	disable_gpu 0

	dmesg_clear
	ok "enable g2" enable_gpu 2
	like "driver says so" "$(dmesg_since)" 'lab_driver .*enable: 0'
	ok "disable g2" disable_gpu 2
	before=$(cut -d . -f 1 /proc/uptime)
	sleep 60
	ok "sleeping takes its time" test "$(($(cut -d . -f 1 /proc/uptime) - before))" -ge 59
}

# altered SED-SCRIPT: what counts_agree makes of the log when that was done to it
altered() {
	sed "$1" "$log" >"$dir/altered"
	(log=$dir/altered; counts_agree) | tr '\n' ' '
}

judge() {
	for gpu in g0 g1 g2 g3; do
		is "resets of $gpu" "$(count "$gpu reset" resets "after resets")" 1
		is "resets of $gpu before" "$(count "$gpu reset" "" resets)" 0
		is "mask of $gpu" "$(mask_at $gpu)" 0x00000005
	done
	is "links" "$(links | wc -l)" 6
	# Nobody cuts anything: live all the time, the minute's sleep and more.
	ok "g0.0-g1.0 is live" test "$(live_ns g0.0-g1.0)" -gt 60000000000
	is "exposed_ns of g3 while nothing decodes" "$(exposed_ns g3 resets "after resets")" 0

	is "switched on" "$(memory_on g0 counted "after counted")" 5
	for size in byte word dword; do
		is "switched on by a $size" "$(memory_on g0 counted "after counted" $size)" \
			"$([ $size = word ] && echo 3 || echo 1)"
	done
	is "what is compared" "$(switched_on | tr '\n' ' ')" "g0 3 3 0 0 g0 1 1 0 0 "
	like "which agrees" "$(counts_agree)" "^ok .* 4 in 2 periods"
	like "one that nobody counted" "$(altered 's/val=3$/val=2/')" \
		"^not ok .*got 'MEMORY 0->1 of g0: device 3, gate 2"
	like "one that the device did not see" "$(altered 's/val=4$/val=5/')" \
		"^not ok .*got 'MEMORY 0->1 of g0: device 1, gate 2"
	like "one that the device did not get" "$(altered 's/val=4$/val=5/
		/ count gpu=g0 .* val=3$/a 1 g0 held-config-write off=0x004 len=2 val=0x0006')" "^ok "
	like "one that a trap has lost" "$(altered 's/val=3$/val=2/; s/val=4$/val=3/
		/ memory on cause=byte/i 1 g0 trap what=memory step=9')" "^ok "
	is "nothing, where the gate does not count" "$(altered '/ count gpu/d')" ""
	nok "a missing mark is an error" log_segment "no such mark"
	# The run holds a mark that is missing against the scenario, but not this one.
	is "and the run is told of it" "$(cat "$dir/missed")" "no such mark to end $scenario"
	rm -f "$dir/missed"
}
