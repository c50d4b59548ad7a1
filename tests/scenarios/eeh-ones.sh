# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what becomes of a write past the gate. EEH restores BARs and COMMAND past the operations of the
# bus. It reads COMMAND while another thread of its user has config space blocked, as ones, and writes that
# when it is not blocked any more; or it reads it while the gate has decoding on. Then decoding is on, and
# no required link is disabled. The module sees the call of firmware, and switches decoding off in it. A
# GPU that is verified stays on, and that is counted.
#
# boot: redbud
# kernel: 6.12

is_on() {
	[ $(($(config_read "$(gpu "$1")" 4 2) & 2)) = 2 ]
}

guest() {
	fresh
	modprobe lab_driver
	ok "the kernel has what EEH calls" find_opal_write
	# An audit would switch it on, too.
	load isolate=1 audit_seconds=0
	vfio_bind 0
	client_start a 0
	is "a client opens g0" "$(client_do a open map memory-on | grep -c ': ok')" 3
	ok "ones for a GPU that is verified" write_past 0 ffffffbf
	ok "it stays on" is_on 0
	memory 0 off
	switched_on=$(sysfs 0 switched_on)
	ok "ones for one that is verified and off" write_past 0 ffffffbf
	ok "it is on" is_on 0
	is "it is isolated" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x00150000"
	is "that it was switched on is counted" "$(sysfs 0 switched_on)" $((switched_on + 1))

	# It loses everything, and EEH writes its BARs.
	bars=''
	for bar in 16 20 24 28 32 36; do
		bars="$bars $bar=$(config_read "$(gpu 0)" $bar 4)"
	done
	for value in ffffffbf 00100146; do
		lab mark "reset $value"
		raw_assert 0
		usleep 2000
		raw_release 0
		# A debug kernel would take so long that the worker has verified it.
		on_debug || for bar in $bars; do
			config_write "$(gpu 0)" "${bar%=*}" 4 "${bar#*=}"
		done
		ok "$value for one that is not" write_past 0 $value
		nok "it decodes, $value" is_on 0
		lab mark "after $value"
		ok "it is isolated again, $value" wait_for 20 in_state 0 isolated
	done
	client_stop a
	vfio_unbind 0
	unload
}

judge() {
	most=20000
	case $kernel in *-debug) most=200000 ;; esac
	for value in ffffffbf 00100146; do
		is "times that it was switched on past the gate, $value" \
			"$(count ' g0 memory on cause=dword' "reset $value" "after $value")" 1
		exposed=$(exposed_ns g0 "reset $value" "after $value")
		ok "it was exposed for $exposed ns, $most at most, $value" test "$exposed" -le $most
	done
}
