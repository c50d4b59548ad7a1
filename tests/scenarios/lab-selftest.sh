# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Shows that the lab is what the other scenarios take it for: four GPUs that reset as a V100 does,
# the device tree of a Redbud, a control device that answers, and a log that counts right.
#
# boot: redbud
# tree: redbud
# alone: yes

cells() {
	hexdump -v -e '4/1 "%02x" " "' "$(dev "$1")/of_node/$2" | sed 's/\(^\| \)0*/\1/g; s/ $//'
}

guest() {
	is "GPUs" "$(lab_gpus | wc -l)" 4
	for n in 0 1 2 3; do
		is "g$n is a V100 SXM2" "$(cat "$(dev $n)/device")" 0x1db1
		is "g$n has one reset" "$(cat "$(dev $n)/reset_method")" bus
		command=$(hexdump -s 4 -n 2 -e '1/2 "%u"' "$(dev $n)/config")
		is "g$n has memory decoding off" $((command & 2)) 0
	done

	is "phandle of g0" "$(cells 0 phandle)" 201
	is "CPU links of g0" "$(cells 0 ibm,npu)" "301 302 303"
	is "peers of g0" "$(cells 0 ibm,nvlink-peers)" "202 301 202 302 202 303"
	is "peers of g3" "$(cells 3 ibm,nvlink-peers)" "203 30a 203 30b 203 30c"
	is "NPU nodes" "$(cat /proc/device-tree/pciex@6*30200000000/*/ibm,gpu | wc -c)" 48

	is "mask of g0" "$(lab get g0 mask)" 0x00000005
	nok "an unknown GPU is an error" lab get g9 mask
	ok "fault on" lab set g0 mask-stuck on
	is "fault reads back" "$(lab get g0 mask-stuck)" true
	ok "fault off" lab set g0 mask-stuck off

	lab mark resets
	for n in 0 1 2 3; do
		ok "reset g$n" reset $n
	done
	lab mark "after resets"

	dmesg_clear
	ok "enable g2" enable_gpu 2
	like "driver says so" "$(dmesg_since)" 'lab_driver .*enable: 0'
	ok "disable g2" disable_gpu 2
	before=$(cut -d . -f 1 /proc/uptime)
	sleep 60
	ok "sleeping takes its time" test "$(($(cut -d . -f 1 /proc/uptime) - before))" -ge 59
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
	nok "a missing mark is an error" log_segment "no such mark"
}
