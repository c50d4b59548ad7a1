# SPDX-License-Identifier: GPL-2.0-only
#
# Shows a frozen PE as hardware has it, when no module is there to see it: the GPU reads as ones until the
# kernel thaws it, a driver's read of ones has EEH recover it, an EEH reset freezes it to its end, and a
# guest thaws its own. Then what a GPU costs that nobody hears from, and what a port tells of its link.
#
# boot: redbud
# kernel: 6.12
# alone: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:|Recovering PHB#)

# hundredths: of a second since boot
hundredths() {
	read -r now _ </proc/uptime
	echo "${now%.*}${now#*.}"
}

frozen() {
	ok "a driver has g0" bind_gpu 0 lab_driver_aware
	read=$(dev 0)/lab_driver/read
	is "its read" "$(cat "$read")" 0x00000000
	lab mark frozen
	lab set g0 frozen on
	is "its read of a frozen GPU" "$(cat "$read")" 0xffffffff
	is "config space of a frozen GPU" "$(config_read "$(gpu 0)" 0 2)" 0x10de
	lab set g0 frozen-config on
	is "config space with frozen-config" "$(config_read "$(gpu 0)" 0 2)" 0xffff
	memory 0 off 1
	lab set g0 frozen-config off
	is "what was written there" "$(($(config_read "$(gpu 0)" 4 2) & 2))" 2
	nok "the kernel knows nothing of it" eeh_verdicts
	lab mark "known to the kernel"
	couple 0
	eeh_count=$(eeh_verdicts | wc -l)
	is "a read that has EEH ask" "$(cat "$read")" 0xffffffff
	ok "EEH has recovered it" eeh_wait "$eeh_count"
	is "which has thawed it" "$(lab get g0 frozen)" false
	is "and it is read again" "$(cat "$read")" 0x00000000

	lab mark "frozen by the reset"
	couple 0 freeze
	ok "EEH recovers it" eeh_recover 0
	is "it is thawed at the end" "$(lab get g0 frozen)" false
	is "and read" "$(cat "$read")" 0x00000000
	unbind_gpu 0
	lab mark "after frozen"
}

# A guest's PE: nothing but its own calls thaw it
guests() {
	vfio_bind 2
	couple 2 freeze
	ok "a client has g2" client_start c 2
	client_do c open map memory-on eeh-enable
	is "its PE" "$(client_ask c eeh-state)" 0
	lab set g2 frozen on
	is "its read of a frozen GPU" "$(client_ask c "read 0x700000")" 0xffffffff
	is "its frozen PE" "$(client_ask c eeh-state)" 2
	client_do c eeh-unfreeze-io
	is "thawed by the client" "$(lab get g2 frozen)" false
	client_do c eeh-unfreeze-dma
	lab mark "the guest's reset"
	client_do c eeh-hot
	is "frozen by the client's reset" "$(lab get g2 frozen)" true
	client_do c eeh-deactivate eeh-unfreeze-io
	is "thawed at its end" "$(lab get g2 frozen)" false
	lab mark "after the guest's reset"
	client_do c memory-on
	client_stop c
	vfio_unbind 2
	uncouple
}

timeouts() {
	ok "a driver has g1" bind_gpu 1 lab_driver
	read=$(dev 1)/lab_driver/read
	lab set g1 no-answer on
	lab set g1 timeout-us 50000
	before=$(hundredths)
	lab mark timeouts
	for _ in 1 2 3 4; do
		is "a read that nobody answers" "$(cat "$read")" 0xffffffff
	done
	lab mark "after timeouts"
	took=$(($(hundredths) - before))
	note "4 of them took $took hundredths of a second"
	ok "which take their time" test $took -ge 20
	on_debug || ok "and not more" test $took -le 100
	lab set g1 faults off
	is "off again" "$(lab get g1 timeout-us) $(lab get g1 no-answer)" "0 false"
	unbind_gpu 1
}

link_reports() {
	note "a port as QEMU has it reports its link: $(link_report 3)"
	lab set p3 link-report off
	is "a port without link report" "$(link_report 3) $(lab get p3 link-report)" "0 false"
	reset 3
	is "it tells nothing of a reset" "$(link_changed 3)" 0
	lab set p3 link-report on
	is "a port with link report" "$(link_report 3) $(lab get p3 link-report)" "1 true"
	is "it has told nothing yet" "$(link_changed 3)" 0
	reset 3
	is "it tells of a reset" "$(link_changed 3)" 1
	link_seen 3
	is "until that was seen" "$(link_changed 3)" 0

	load isolate=1
	unload
	is "links of g3" "$(cut_links g3)" 0x00150000
	memory 3 on
	lab mark "link down"
	lab set g3 link-down 1
	lab mark "after link down"
	is "links of g3 after its link was down" "$(cut_links g3)" 0x00000000
	is "its memory decoding" $(($(registers 3 | cut -d ' ' -f 1) & 2)) 0
	is "the port tells it" "$(link_changed 3)" 1
	lab set p3 link-report off
	nok "no such property" lab set p3 mask-stuck on
}

guest() {
	fresh
	frozen
	guests
	timeouts
	link_reports
}

# g_events GPU FROM TO: its state, as it came
g_events() {
	log_segment "$2" "$3" | awk -v gpu="$1" '
		$2 == gpu && $3 ~ /^(frozen|thawed|reset)$/ { printf "%s ", $3 }'
}

judge() {
	is "reads of a frozen GPU" "$(count ' g0 frozen-read off=0x700000$' frozen "known to the kernel")" 1
	is "writes that it did not get" \
		"$(count ' g0 frozen-config-write off=0x004 len=1 ' frozen "known to the kernel")" 1
	is "what EEH did to it" "$(g_events g0 "known to the kernel" "frozen by the reset")" \
		"reset reset thawed "
	is "what EEH did to it when a reset freezes" "$(g_events g0 "frozen by the reset" "after frozen")" \
		"frozen reset reset thawed "
	is "what the guest's reset did" \
		"$(g_events g2 "the guest's reset" "after the guest's reset")" "frozen reset reset thawed "
	is "timeouts" "$(count ' g1 timeout us=50000$' timeouts "after timeouts")" 4
	is "resets by the link" "$(count ' g3 reset reason=link-down$' "link down" "after link down")" 1
	is "config writes that caused it" \
		"$(count ' config-write ' "link down" "after link down")" 0
}
