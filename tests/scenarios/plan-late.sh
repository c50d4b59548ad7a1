# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that an attempt which fails, and during which the plan changes, is not repeated for the new plan once
# it has switched memory decoding off: nobody would answer it. The attempt is kept at that place while
# `domains` is written. What nobody answers is looked for at the end of the boot.
#
# boot: sequoia
# kernel: 6.12
# smp: 2

guest() {
	fresh
	load isolate=1 audit_seconds=0 domains="$(gpu 0)+$(gpu 1)"
	required=$(sysfs 0 required_links)
	lab set g0 mask-stuck on
	raw_reset 0
	ok "g0 cannot be isolated" wait_for 10 in_state 0 failed
	ok "an attempt can be kept" delay nvli_visit_close 500 once
	# As in stop-race: the delayed processor has interrupts off and holds pci_lock.
	killall -STOP lab_watch
	domains="$(gpu 0)+$(gpu 2)"
	# shellcheck disable=SC2016 # for that shell
	domains=$domains taskset 1 sh -c 'until [ "${n:-0}" -gt 0 ]; do
			read -r n </sys/module/lab_driver/parameters/delayed
		done
		echo "$domains" >/sys/module/nvlink_isolation/parameters/domains' &
	lab mark "attempt"
	echo 1 | taskset 2 tee "$(dev 0)/nvlink_isolation/apply" >/dev/null 2>&1
	wait $!
	lab mark "over"
	killall -CONT lab_watch
	delay -
	ok "the plan was changed: $required, $(sysfs 0 required_links)" \
		test "$(sysfs 0 required_links)" != "$required"
	lab set g0 mask-stuck off
	ok "g0 is isolated at last" wait_for 90 in_state 0 isolated
	ok "unloads" unload
}

judge() {
	ok "g0 was looked at" test "$(count ' g0 read off=0x000000' attempt over)" -gt 0
}
