# SPDX-License-Identifier: GPL-2.0-only
#
# EEH's resets by a guest as they are on hardware: each freezes the PE, and DEACTIVATE enables the GPU
# while it is frozen and thaws it afterwards. So the gate meets a GPU that does not answer. Shows that
# DEACTIVATE succeeds all the same, with decoding left off, that the guest switches it on afterwards,
# and that it gets nothing before its links are disabled, also when it thaws all the time.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:|Recovering PHB#)

command_of() {
	echo $(($(client_ask c "config-read 4 2") & 2))
}

# eeh OP: reset g2 and go on
eeh() {
	lab mark "$1"
	like "$1" "$(client_do c "$1")" "^$1: ok"
	is "it is frozen in $1" "$(lab get g2 frozen)" true
	like "it reads ones in $1" "$(client_do c "read 0x700000")" ': (ok 0xffffffff|error SIGBUS)$'
	# Past the time that it has to be left alone.
	like "DEACTIVATE after $1" "$(client_do c "sleep 400" eeh-deactivate | tail -n 1)" \
		'^eeh-deactivate: ok'
	is "it is thawed after $1" "$(lab get g2 frozen)" false
	is "its decoding is left off after $1" "$(command_of)" 0
	note "after $1: $(sysfs 2 state), $(sysfs 2 last_error)"
	is "its client goes on after $1" "$(client_do c memory-on)" "memory-on: ok"
	is "it is isolated after $1" "$(sysfs 2 state) $(sysfs 2 held)" "isolated 0"
	like "its client reads its mask after $1" "$(client_do c "read 0xa00148")" ': ok 0x0015000[05]$'
	lab mark "after $1"
}

# A thread thaws and switches decoding on meanwhile, another reads.
attack() {
	lab mark "attack in $1"
	client_do c "attack ring mask=0x00150000 us=1000" "attack unfreeze us=500" >/dev/null
	client_do c "$1" "sleep 400" eeh-deactivate "sleep 400" >/dev/null
	client_do c "attack-stop unfreeze" memory-on "sleep 20" >/dev/null
	got=$(client_do c "attack-stop ring")
	note "attack in $1: $got"
	is "masks that it found open in $1" "$(echo "$got" | statistic mask-open)" 0
	ok "it found some cut in $1" test "$(echo "$got" | statistic mask-cut)" -gt 0
	is "it is isolated after an attack in $1" "$(sysfs 2 state) $(cut_links g2)" \
		"isolated 0x00150000"
	lab mark "after attack in $1"
}

# A guest whose PE is frozen keeps what it has, and its GPU stays isolated: nobody thaws it but the
# guest, and nothing is said against its links.
frozen_in_use() {
	lab mark "frozen in use"
	lab set g2 frozen on
	is "the guest's PE is frozen" "$(client_ask c eeh-state)" 2
	ok "an audit comes" set_parameter audit_seconds 1
	usleep 4000000
	is "nobody has thawed it" "$(lab get g2 frozen)" true
	note "frozen in use: $(sysfs 2 state), $(sysfs 2 last_error), held $(sysfs 2 held)"
	nok "EEH knows nothing of it" eeh_verdicts
	client_do c eeh-unfreeze-io eeh-unfreeze-dma >/dev/null
	is "the guest thaws it" "$(lab get g2 frozen)" false
	client_do c memory-on >/dev/null
	like "and goes on" "$(client_do c "read 0xa00148")" ': ok 0x0015000[05]$'
	ok "it is isolated then" wait_for 20 in_state 2 isolated
	set_parameter audit_seconds 60
	lab mark "after frozen in use"
}

guest() {
	fresh
	load isolate=1
	vfio_bind 2
	ok "the kernel knows when g2 is frozen" couple 2 freeze
	client_start c 2
	is "a client has g2" "$(client_do c open map memory-on eeh-enable | grep -c ': ok')" 4
	eeh eeh-fundamental
	eeh eeh-hot
	attack eeh-fundamental
	frozen_in_use
	client_stop c
	ok "it is isolated when it is closed" wait_for 200 in_state 2 isolated
	vfio_unbind 2
	uncouple
	ok "unloads" unload
}

judge() {
	for part in eeh-fundamental eeh-hot "attack in eeh-fundamental" "frozen in use"; do
		periods=$(open_periods g2 "$part" "after $part")
		note "$part: g2 exposed for $(echo "$periods" | tr '\n' ' ')ns"
		is "times g2 was exposed other than in a sequence, $part" \
			"$(echo "$periods" | grep -c open)" 0
		is "times g2 was exposed for too long, $part" \
			"$(echo "$periods" | too_long | grep -c .)" 0
		is "reads of the client while it was exposed, $part" \
			"$(client_reads_exposed g2 "$part" "after $part")" 0
		for link in $(links); do
			is "$link was live, $part" "$(live_ns "$link" "$part" "after $part")" 0
		done
	done
}
