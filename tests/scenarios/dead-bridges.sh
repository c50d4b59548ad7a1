# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that GPUs are not called isolated, and cannot be enabled, when a raw reset has taken the
# configuration of the bridges above them, which nobody restores; and that below these nothing is
# asked, which on a real machine would freeze a PE.
#
# boot: redbud
# alone: yes

tracing=/sys/kernel/tracing

# reads_on BUS: config reads that were traced
reads_on() {
	grep -c " bus=$((0x$1))\$" $tracing/trace
}

bus_of() {
	bus=${1#*:}
	echo "${bus%%:*}"
}

guest() {
	fresh
	load isolate=1 audit_seconds=0
	# struct pci_dn begins with flags and the bus number.
	echo 'p:lab/config_read pnv_pci_cfg_read bus=+4(%gpr3):s32' >$tracing/kprobe_events
	echo 1 >$tracing/events/lab/enable
	lab get g2 mask >/dev/null
	raw_reset 2 "$(upstream 2)"
	echo >$tracing/trace
	usleep 3000000
	# The ports have lost the numbers of their buses.
	ok "the ports were asked" [ "$(reads_on "$(bus_of "$(port 2)")")" -gt 0 ]
	for bdf in "$(gpu 2)" "$(gpu 3)"; do
		is "config reads on the bus of $bdf" "$(reads_on "$(bus_of "$bdf")")" 0
	done
	echo 0 >$tracing/events/lab/enable
	echo >$tracing/kprobe_events
	for n in 2 3; do
		nok "g$n is not called isolated" in_state $n isolated
		is "links of g$n" "$(sysfs $n disabled_links)" unknown
		nok "g$n cannot be enabled" enable_gpu $n
	done
	for n in 0 1; do
		is "g$n, behind another switch, is isolated" "$(sysfs $n state)" isolated
	done
	ok "unloads" unload
}

judge() {
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
