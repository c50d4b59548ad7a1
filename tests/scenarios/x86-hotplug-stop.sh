# SPDX-License-Identifier: GPL-2.0-only
#
# GPUs in hot-plug slots that are in use and whose links cannot be disabled are reset by their ports. Shows
# that pciehp does not take that for a card that was pulled, as it does not for the kernel's own reset.
#
# The emulated port latches that its link changed, but notifies nobody. When its attention indicator is
# switched pciehp gets an interrupt, and then reads the latch, too. On a real port it can get one in the
# middle of the module's reset: from a command that completes late, or from the bandwidth of the link.
#
# kernel: amd64-6.1
# boot: x86-redbud
# alone: yes
# unseen: yes
# stray: yes

have_pciehp_look() {
	for n in 2 3; do
		echo 1 >"$(slot $n)/attention"
	done
	sleep 2
}

# Until /run/looking is gone
keep_pciehp_looking() {
	touch /run/looking
	for n in 2 3; do
		while [ -e /run/looking ]; do
			echo 1 >"$1/attention"
		done &
		shift
	done
}

links_down() {
	dmesg_since | grep -c 'Slot.*: Link Down'
}

was_reset() {
	told "nvlink_isolation: its links may be in use and cannot be disabled: its port resets it"
}

notified() {
	echo $(($(port_register "$1" 0x18 2) & 0x1008))
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/x86.sh
	. /lab/x86.sh
	fresh
	load isolate=1 audit_seconds=2
	for n in 2 3; do
		lab set p$n link-report on
		ok "a driver has g$n" enable_gpu $n
	done
	before=$(notified 2)
	ok "pciehp has the port of g2 notify it" test "$before" -ne 0
	reset 2
	have_pciehp_look
	is "links that pciehp saw go down in the kernel's own reset" "$(links_down)" 0
	ok "g2 is isolated" wait_for 20 in_state 2 isolated

	lab mark "lost"
	keep_pciehp_looking "$(slot 2)" "$(slot 3)"
	for n in 2 3; do
		lab set g$n mask-stuck on
		lab set g$n mask 0
	done
	ok "a port resets its GPU" wait_for 30 was_reset
	sleep 2
	rm /run/looking
	wait
	have_pciehp_look
	is "links that pciehp saw go down in the module's reset" "$(links_down)" 0
	for n in 2 3; do
		ok "g$n is there" there $n
		is "the port of g$n notifies pciehp again" "$(notified $n)" "$before"
		lab set g$n mask-stuck off
	done
	lab mark "end"
	ok "unloads" unload
}

judge() {
	ok "a port reset its GPU" test "$(count ' g[23] reset reason=bus$' lost end)" -gt 0
}
