# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU whose PE is the host's, and is marked as isolated when a guest opens it, is at no
# time open to that guest before its links are cut: it attacks from the first moment on.
#
# boot: redbud
# kernel: 6.12

opens=6

guest() {
	fresh
	modprobe lab_driver
	load isolate=1
	vfio_bind 0
	client_start a 0
	got=''
	lab mark "opens"
	for n in $(seq $opens); do
		# Raw, so that the mask is gone and the module has not handled it when the client comes.
		mark_pe 0 +
		raw_reset 0
		client_do a "attack ring mask=0x00150000 us=500" "attack memory us=700" \
			"attack unfreeze us=900" >/dev/null
		lab mark "open $n"
		note "$(client_do a open map memory-on | tr '\n' ' ')"
		client_do a "sleep 100" >/dev/null
		client_do a "attack-stop unfreeze" "attack-stop memory" memory-on "sleep 20" >/dev/null
		got="$got
$(client_do a "attack-stop ring")"
		lab mark "opened $n"
		mark_pe 0 -
		client_do a close >/dev/null
		ok "isolated after open $n" wait_for 90 in_state 0 isolated
	done
	lab mark "after opens"
	note "$got"
	is "masks that it found open" "$(echo "$got" | statistic mask-open | sort -un)" 0
	ok "it did find some cut" test "$(echo "$got" | statistic mask-cut | sort -n | tail -n 1)" -gt 0
	client_stop a
	vfio_unbind 0
	ok "unloads" unload
}

judge() {
	periods=$(open_periods g0 opens "after opens")
	note "g0 exposed $(echo "$periods" | grep -c .) times:" \
		"$(echo "$periods" | sort -n | uniq -c | tr -s ' ' | tr '\n' ';')"
	is "times it was but in the gate's own sequence" "$(echo "$periods" | grep -c open)" 0
	is "times it was for too long" "$(echo "$periods" | too_long | grep -c .)" 0
	is "reads of the client while its GPU was exposed" \
		"$(client_reads_exposed g0 opens "after opens")" 0
	ok "the client did read" test "$(client_reads g0 opens "after opens")" -gt 0
}
