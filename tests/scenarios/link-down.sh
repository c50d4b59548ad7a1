# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module counts a reset that the kernel has not seen, if the port has latched that the link
# went down: of an idle GPU, and of one whose client keeps memory decoding off. After a reset that was
# seen the module only clears the latch, also where the link is slow to come up. A latch that a hot-plug driver uses is left alone. A reset bit that
# was set by a raw write, and that firmware's reset has deasserted, keeps no later reset from ending. Where the
# port reports no link, the next audit finds the reset in the BARs.
#
# boot: redbud
# kernel: 6.12
# unseen: yes

g3_is_repaired() {
	dmesg_since | grep "$(gpu 3): .*NVLinks were found enabled though no reset was seen"
}

counted() {
	[ "$(sysfs "$1" resets)" -ge "$2" ]
}

# notify N 1|0: Data Link Layer State Changed Enable of its port, which it then reads as 4096 or 0
notify() {
	port_register "$1" 0x18 2 >/run/control &&
		config_write "$link_port" "$link_at" 2 $(($(cat /run/control) & ~0x1000 | $2 << 12)) &&
		notified=$(($(port_register "$1" 0x18 2) & 0x1000))
}

is_training() {
	[ "$(lab get p0 training)" = true ]
}

# The port latches twice, that its link goes down and that it comes up: both are of the same reset.
slow_link() {
	resets=$(sysfs 0 resets)
	lab set p0 slow-link on
	reset 0 &
	ok "a slow link: released" wait_for 10 is_training
	# The GPU has settled, and the worker has looked.
	sleep 0.5
	is "a slow link: it is not up" "$(($(port_register 0 0x12 2) & 0x2000))" 0
	lab set p0 slow-link off
	wait
	ok "a slow link: isolated" wait_for 10 in_state 0 isolated
	sleep 3
	is "a slow link: one reset is counted" "$(sysfs 0 resets)" $((resets + 1))
	is "a slow link: isolated still" "$(sysfs 0 state)" isolated
	is "a slow link: the port's latch" "$(link_changed 0)" 0
}

guest() {
	fresh
	for n in 0 1 2; do
		lab set "p$n" link-report on
		is "a port with link report, $n" "$(link_report "$n")" 1
	done
	load isolate=1 audit_seconds=1
	resets=$(sysfs 0 resets)
	dmesg_clear
	lab set g0 link-down 1
	ok "idle: a reset is counted" wait_for 10 counted 0 $((resets + 1))
	ok "idle: isolated" wait_for 10 in_state 0 isolated
	is "idle: links of g0" "$(cut_links g0)" 0x00150000
	is "idle: it is called a reset" "$(dmesg_since | grep -c '0000:03.*though no reset was seen')" 0
	is "idle: the port's latch" "$(link_changed 0)" 0

	reset 0
	ok "a reset that was seen: isolated" wait_for 10 in_state 0 isolated
	sleep 3
	is "a reset that was seen: counted" "$(sysfs 0 resets)" $((resets + 2))
	is "a reset that was seen: the port's latch" "$(link_changed 0)" 0
	slow_link

	# The port ignores a raw write of its reset bit. Firmware's own reset deasserts the bit, too.
	lab set p0 no-reset on
	raw_assert 0
	lab set p0 no-reset off
	reset 0
	ok "the bit was set by a raw write: isolated" wait_for 10 in_state 0 isolated
	resets=$(sysfs 0 resets)
	lab set g0 link-down 1
	ok "the bit was set by a raw write: a reset is counted" wait_for 10 counted 0 $((resets + 1))
	ok "the bit was set by a raw write: isolated again" wait_for 10 in_state 0 isolated

	# Its ring is stopped by the reset, and while it is in use an audit does not start it.
	vfio_bind 1
	client_start a 1
	is "a client opens g1" "$(client_do a open map memory-on | grep -c ': ok')" 3
	resets=$(sysfs 1 resets)
	lab set g1 link-down 1
	ok "in use: a reset is counted" wait_for 10 counted 1 $((resets + 1))
	ok "in use: isolated" wait_for 10 in_state 1 isolated
	is "in use: links of g1" "$(cut_links g1)" 0x00150000
	is "in use: decoding is left off" "$(($(config_read "$(gpu 1)" 4 2) & 2))" 0
	client_stop a
	vfio_unbind 1
	ok "isolated after that" wait_for 10 in_state 1 isolated

	# This port reports nothing. Only the BARs show the reset, after which the ring is stopped.
	vfio_bind 3
	client_start b 3
	is "a client opens g3" "$(client_do b open map memory-on | grep -c ': ok')" 3
	dmesg_clear
	lab set g3 link-down 1
	ok "without a report: an audit finds it, and not that it could not look for long" wait_for 10 g3_is_repaired
	is "without a report: links of g3" "$(cut_links g3)" 0x00150000
	client_stop b
	vfio_unbind 3

	notify 2 1
	is "a hot-plug driver has the latch of p2" "$notified" 4096
	resets=$(sysfs 2 resets)
	lab set g2 link-down 1
	sleep 3
	is "a hot-plug driver's latch is left alone" "$(link_changed 2)" 1
	is "and nothing is taken from it" "$(sysfs 2 resets)" "$resets"
	is "an audit has repaired what it found" "$(sysfs 2 state) $(cut_links g2)" "isolated 0x00150000"
	notify 2 0
	is "the driver has left it" "$notified" 0
	unload
}

judge() {
	is "resets by the link" "$(count ' g[012] reset reason=link-down$')" 4
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
