# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the host's EEH recovers GPUs as it does without the module while a client of VFIO has
# them open, and with a driver that leaves its GPU enabled meanwhile; and that a client that tries
# all the time to thaw and to reach its GPU does not get at it before its links are cut: when its own
# PE is recovered, the one of a bridge above it, and the PHB.
#
# A client's mapping is not taken from it meanwhile. So it reaches the GPU in the gate's sequence, and
# before that not at all: EEH leaves decoding off, and the write that switches it on is verified.
#
# After that EEH does not know the bus of a PE any more, and on some kernels waits for itself when
# it is to recover that again: here each is recovered once.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:)

clients="0 2 3"

# Whether a thaw succeeds, or a write to COMMAND, is the attacker's business.
attack() {
	client_do "c$1" "attack ring mask=$(mask "$1") us=5000" "attack unfreeze us=1000" >/dev/null
}

# attacked NAME N: what came of it
attacked() {
	usleep 300000
	client_do "c$2" "attack-stop unfreeze" >/dev/null
	got=$(client_do "c$2" "attack-stop ring")
	note "$1, g$2: $got"
	ok "its client has found some masks cut, $1, g$2" test "$(echo "$got" | statistic mask-cut)" -gt 0
	is "g$2 is isolated, $1" "$(sysfs "$2" state)" isolated
	is "links of g$2, $1" "$(cut_links "g$2")" "$(mask "$2")"
}

mask() {
	echo 0x00150000
}

# recover NAME "N..." COMMAND...: what these clients have is recovered. Then they reset it.
recover() {
	name=$1 whose=$2
	shift 2
	lab mark "$name"
	for n in $whose; do attack "$n"; done
	ok "$name: recovered" "$@"
	for n in $whose; do
		ok "g$n is isolated by itself, $name" wait_for 90 in_state "$n" isolated
		attacked "$name" "$n"
		attack "$n"
		like "its client resets g$n and goes on, $name" \
			"$(client_do "c$n" reset memory-on "read 0x700000" | tr '\n' ' ')" \
			'^reset: ok memory-on: ok read 0x700000: ok '
		attacked "$name, reset" "$n"
		is "g$n is vfio-pci's still, $name" "$(driver "$n")" vfio-pci
	done
	lab mark "after $name"
}

guest() {
	fresh
	load isolate=1
	modprobe lab_driver read=1 stay=1
	ok "lab_driver_aware has g1" bind_gpu 1 lab_driver_aware
	isolated_after "a driver that stays" 1 eeh_recover 1
	is "it has stayed" "$(driver 1)" lab_driver_aware
	like "and reads" "$(dmesg_since)" "$(gpu 1): read: 0x00000000"
	unbind_gpu 1

	for n in $clients; do
		vfio_bind "$n"
		client_start "c$n" "$n"
		is "a client opens g$n" "$(client_do "c$n" open map memory-on eeh-enable | grep -c ': ok')" 4
	done
	recover "its PE" 0 eeh_recover 0
	recover "the port's PE" "2 3" eeh_recover 2 "$(port 2)"
	recover "the PHB" "2 3" eeh_recover_phb 2
	raw_reset 2 "$(rootport 2)"
	recover "a PHB that was reset" "2 3" eeh_recover_phb 2
	for n in $clients; do
		client_stop "c$n"
		ok "g$n can be taken from vfio-pci" vfio_unbind "$n"
	done
	ok "unloads" unload
}

judge() {
	is "reads of the driver that stays while its GPU was exposed" \
		"$(client_reads_exposed g1 "a driver that stays" "after a driver that stays")" 0
	for path in "a driver that stays:g1" "its PE:g0" "the port's PE:g2 g3" "the PHB:g2 g3" \
		"a PHB that was reset:g2 g3"; do
		gpus=${path#*:} path=${path%:*}
		for gpu in $gpus; do
			periods=$(open_periods "$gpu" "$path" "after $path")
			note "$path: $gpu exposed for $(echo "$periods" | tr '\n' ' ')ns"
			is "times $gpu was exposed other than in a sequence, $path" \
				"$(echo "$periods" | grep -c open)" 0
			is "times $gpu was exposed for too long, $path" \
				"$(echo "$periods" | too_long | grep -c .)" 0
			is "reads of the client of $gpu while it was exposed, $path" \
				"$(client_reads_exposed "$gpu" "$path" "after $path")" 0
			ok "it did read, $path, $gpu" \
				test "$(client_reads "$gpu" "$path" "after $path")" -gt 0
		done
	done
}
