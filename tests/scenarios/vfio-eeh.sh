# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the host's EEH recovers GPUs as it does without the module while a client of VFIO has
# them open, and with a driver that leaves its GPU enabled meanwhile; and that a client that tries
# all the time to thaw and to reach its GPU does not get at it before its links are cut: when its own
# PE is recovered, the one of a bridge above it, and the PHB.
#
# A client's mapping is not taken from it meanwhile. So it reaches the GPU in the module's sequence,
# which switches decoding on for itself and off again.
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
trace=/sys/kernel/tracing

# Whether a thaw succeeds, or a write to COMMAND, is the attacker's business.
attack() {
	client_do "c$1" "attack ring mask=$(mask "$1") us=2000" "attack unfreeze us=100" >/dev/null
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

by_eeh() {
	grep -c "eehd-.*nvli_apply: $(gpu "$1") .* err=0 mask=0x..15" $trace/trace
}

guest() {
	fresh
	load isolate=1
	echo 1 >$trace/events/nvlink_isolation/enable
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
	# EEH itself sees to them, before it lets go, and not somebody else at about that time.
	for n in 2 3; do
		is "attempts by EEH that isolated g$n" "$(by_eeh "$n")" 0
	done
	recover "the port's PE" "2 3" eeh_recover 2 "$(port 2)"
	for n in 2 3; do
		is "attempts by EEH that isolated g$n, the port's PE" "$(by_eeh "$n")" 1
	done
	recover "the PHB" "2 3" eeh_recover_phb 2
	raw_reset 2 "$(rootport 2)"
	recover "a PHB that was reset" "2 3" eeh_recover_phb 2
	for n in $clients; do
		client_stop "c$n"
		ok "g$n can be taken from vfio-pci" vfio_unbind "$n"
	done
	ok "unloads" unload
}

# opened_by_client GPU FROM TO: how often GPU was exposed and had not been made accessible by the
# module: decoding was not switched off again, to what it was, before anything else switched it off.
# The PCI core also switches interrupts off then, before a reset.
opened_by_client() {
	judge_awk "$2" "$3" '
		# Of the register, in a write of 2 or 4 bytes
		function digit(n) {
			return index("0123456789abcdef", substr($6, length($6) - 4 + n, 1)) - 1
		}
		function line() {
			if ($2 != gpu)
				return
			if ($3 == "exposed" && where == "in")
				open = 1
			if (!open)
				return
			if ($3 == "reset")
				n++
			else if ($3 != "config-write" || $4 != "off=0x004" || int(digit(4) / 2) % 2)
				return
			else if (int(digit(2) / 4) % 2)
				n++
			open = 0
		}
		function finish() { print n + open }' -v gpu="$1"
}

judge() {
	is "reads of the driver that stays while its GPU was exposed" \
		"$(client_reads_exposed g1 "a driver that stays" "after a driver that stays")" 0
	for path in "its PE:g0" "the port's PE:g2 g3" "the PHB:g2 g3" "a PHB that was reset:g2 g3"; do
		gpus=${path#*:} path=${path%:*}
		for gpu in $gpus; do
			is "times that the client of $gpu came first, $path" \
				"$(opened_by_client "$gpu" "$path" "after $path")" 0
			ok "it did read, $path, $gpu" \
				test "$(client_reads "$gpu" "$path" "after $path")" -gt 0
		done
	done
}
