# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a tenant cannot keep the module from noticing a lost mask. Its GPU's mask is lost without
# any reset that can be seen, while the tenant has memory decoding off, has the GPU in D3hot, or has
# stopped the PRI ring. `isolated` stands for three audit periods at most, `verified` never gets
# younger without a read-back, and with decoding off the module looks by itself and repairs. A ring that
# stays stopped for three periods is started; if it does not start, the GPU is switched off. The time of an
# audit cannot be foretold. After a change of domains the module does not trust an old read-back.
#
# x86: yes
# boot: redbud
# kernel: 6.12
# unseen: yes

# hundredths: set $now to those of a second since boot
hundredths() {
	read -r now _ </proc/uptime
	now=${now%.*}${now#*.}
}

# lose NAME: the mask of g0 is lost. How long is it called isolated all the same, with no read-back since?
# With audits every second those are three, half a one for the moment of the last, and what an age in whole
# seconds hides. No process is started meanwhile, since that takes a second on a debug kernel.
lose() {
	lab mark "$1"
	lab set g0 mask 5
	hundredths
	since=$now took=0 state=isolated age=1 oldest=0
	while [ "$state" = isolated ] && [ $((100 * age + 100)) -gt "$took" ] && [ "$took" -lt 1500 ]; do
		[ "$age" -le "$oldest" ] || oldest=$age
		read -r state <"$lose_files/state"
		read -r age <"$lose_files/verified"
		hundredths
		took=$((now - since))
	done
	note "$1: isolated over a lost mask for $took hundredths of a second"
	ok "in three periods and the rest of one, $1: $took hundredths" test "$took" -le 600
	ok "isolated by no read-back of four seconds ago, $1: $oldest" test "$oldest" -lt 4
	lab mark "after $1"
}

# Nothing was read back: in seconds, at least
aged() {
	like "$1: the last read-back has an age" "$(sysfs 0 verified)" '^[0-9]+$'
	ok "it is as old as that is, $1" test "$(sysfs 0 verified)" -ge "$2"
}

guest() {
	fresh
	load isolate=1 audit_seconds=1
	lose_files=$(dev 0)/nvlink_isolation
	vfio_bind 0
	client_start a 0
	is "a client opens g0" "$(client_do a open map memory-on | grep -c ': ok')" 3
	resets=$(sysfs 0 resets)
	sleep 2
	ok "it is read back while it is in use" test "$(sysfs 0 verified)" -le 2

	client_do a memory-off >/dev/null
	client_do a "attack read us=1000" >/dev/null
	lose "memory off"
	ok "it is isolated by itself, memory off" wait_for 5 in_state 0 isolated
	is "links of g0, memory off" "$(cut_links g0)" 0x00150000
	ok "it goes on being read back" test "$(sysfs 0 verified)" -le 2
	is "decoding is left off" "$(($(config_read "$(gpu 0)" 4 2) & 2))" 0
	note "$(client_do a "attack-stop read")"
	is "the client switches it on" "$(client_do a memory-on)" "memory-on: ok"
	like "and finds its links cut" "$(client_ask a "read 0xa00148")" '^0x0015'

	client_do a d3hot >/dev/null
	sleep 2
	lose D3hot
	is "what can be told in D3hot" "$(sysfs 0 state) $(sysfs 0 disabled_links)" "pending unknown"
	ok "the log tells it too" wait_for 20 told "$(gpu 0).*not isolated yet: "
	aged D3hot 3
	is "the tenant's power state is left alone" "$(power_of 0)" 3
	lab mark "D0 again"
	client_do a d0 >/dev/null
	ok "isolated after D3hot" wait_for 5 in_state 0 isolated
	is "links of g0 after D3hot" "$(cut_links g0)" 0x00150000

	# The ring takes the start and is never asked whether it has.
	client_do a memory-on "write 0x12004c 4" >/dev/null
	sleep 2
	lose "ring stopped"
	ok "after three periods the ring is started" wait_for 5 in_state 0 isolated
	is "links of g0, ring started" "$(cut_links g0)" 0x00150000
	is "the client keeps its GPU" "$(($(config_read "$(gpu 0)" 4 2) & 2))" 2

	lab set g0 ring-busy on
	client_do a "write 0x12004c 4" >/dev/null
	lab mark "ring stuck"
	lab set g0 mask 5
	ok "a ring that does not start fails" wait_for 10 in_state 0 failed
	is "and the GPU is off" "$(($(config_read "$(gpu 0)" 4 2) & 2))" 0
	is "what can be told with the ring stopped" "$(sysfs 0 disabled_links)" unknown
	is "none of that was a reset" "$(sysfs 0 resets)" "$resets"
	lab set g0 ring-busy off
	client_stop a
	ok "isolated when the ring runs" wait_for 10 in_state 0 isolated
	is "links of g0 when the ring runs" "$(cut_links g0)" 0x00150000
	vfio_unbind 0

	# Joined, a GPU need not be read back. What was read before says nothing when they part.
	set_parameter audit_seconds 0
	joined="$(gpu 0)+$(gpu 1)$(on_x86 && echo "+$(friend 0)+$(friend 1)")"
	set_parameter domains "$joined"
	lab set g0 mask 5
	set_parameter domains "$(lab_domains)"
	is "g0 when it has parted" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x00150000"
	like "its age" "$(sysfs 0 verified)" '^[0-9]+$'
	set_parameter domains "$joined"
	lab set g0 mask 5
	lab set g0 mask-stuck on
	set_parameter domains "$(lab_domains)"
	is "g0, which does not obey, has no read-back that showed its links disabled" \
		"$(sysfs 0 state) $(sysfs 0 required_links) $(sysfs 0 verified)" "failed 0,2,4 never"
	lab set g0 mask-stuck off
	ok "isolated when it obeys" wait_for 30 in_state 0 isolated

	set_parameter audit_seconds 2
	sleep 3
	lab mark audits
	sleep 64
	lab mark "after audits"
	ok "unloads" unload
}

power_of() {
	echo $(($(config_read "$(gpu "$1")" $(($(capability "$(gpu "$1")" 1) + 4)) 2) & 3))
}

# gaps: between looks at the mask of g1, in milliseconds
gaps() {
	log_segment audits "after audits" | awk '
		$2 == "g1" && $3 == "read" && $4 == "off=0xa00148" {
			if (since)
				printf "%.0f\n", ($1 - since) / 1e6
			since = $1
		}' | sort -n
}

judge() {
	is "reads of the client while its GPU was exposed, memory off" \
		"$(client_reads_exposed g0 "memory off" "after memory off")" 0
	looks=$(open_periods g0 "memory off" "after memory off")
	note "g0 exposed by the module's look: $looks"
	is "times it was other than in a sequence, or for too long" \
		"$(echo "$looks" | grep -c open) $(echo "$looks" | too_long | grep -c .)" "0 0"
	is "masks read back, D3hot" "$(count ' g0 read off=0xa00148 val=0x00' D3hot "after D3hot")" 0
	gaps=$(gaps)
	shortest=$(echo "$gaps" | head -n 1) longest=$(echo "$gaps" | tail -n 1)
	note "$(echo "$gaps" | wc -l) gaps between audits, from $shortest to $longest ms"
	ok "there were 20 audits" test "$(echo "$gaps" | wc -l)" -ge 20
	ok "each was half a period to 1.7 after the one before" \
		test "${shortest:-0}" -ge 1000 -a "${longest:-9999}" -le 3400
	ok "and none can be foretold" test $((longest - shortest)) -ge 600
	ok "different gaps" test "$(echo "$gaps" | uniq | wc -l)" -ge 15
}
