# SPDX-License-Identifier: GPL-2.0-only
#
# Shows on a PC that others keep what they have while the module enforces: a virtual function of a network
# card can be switched on, and errors can be injected into a GPU. What injects them has its operations on top
# of the gate, and the module does not take the gate away below it.
#
# kernel: amd64-6.1
# boot: x86-igb
# alone: yes

# inject BDF: a correctable error (bad TLP), after which the kernel resets nothing
inject() {
	at=${1#*:}
	# struct aer_error_inj: bus, device, function, two masks, a header log and the domain
	# shellcheck disable=SC2059 # the bytes
	printf "\\x${at%%:*}\\x$(echo "$at" | cut -c 4-5)\\x0${at##*.}\\0" >/run/aer
	printf '\0\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >>/run/aer
	cat /run/aer >/dev/aer_inject
}

card() {
	lab_find 0x8086 0x10c9 | sed -n '1s,.*/,,p'
}

# The bus below a port that is found anew inherits the gate, and has no GPU.
inherits() {
	above=$(readlink -f "/sys/bus/pci/devices/$(card)/..")
	echo 1 >"$above/remove"
	rescan
	wait_for 10 card_is_there
}

card_is_there() {
	[ -n "$(card)" ]
}

virtual_functions() {
	ok "the card is found anew" inherits
	nic=/sys/bus/pci/devices/$(card)
	modprobe vfio-pci enable_sriov=1
	echo vfio-pci >"$nic/driver_override"
	card >/sys/bus/pci/drivers_probe
	ok "it has a virtual function" sh -c "echo 1 >$nic/sriov_numvfs"
	vf=$(basename "$(readlink "$nic/virtfn0")")
	is "its id" "$(config_read "$vf" 0 4)" 0xffffffff
	config_write "$vf" 4 2 0x0006
	is "its COMMAND when it was switched on" "$(config_read "$vf" 4 2)" 0x0006
	ok "the virtual function goes" sh -c "echo 0 >$nic/sriov_numvfs"
}

errors() {
	modprobe aer_inject
	memory 0 off
	ok "an error is injected into g0" inject "$(gpu 0)"
	lab mark "injected"
	memory 0 on
	lab mark "switched on"
	is "g0 is switched on" $(($(config_read "$(gpu 0)" 4 2) & 2)) 2
	is "and isolated" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x003f0000"
	nok "the gate is not taken off below others" set_parameter isolate 0
	rmmod aer_inject
	modprobe aer_inject
	dmesg_clear
	ok "an error is injected into the card" inject "$(card)"
	set_parameter audit_seconds 1
	ok "g0 is not claimed while its port's bus is another's" wait_for 10 in_state 0 failed
	is "why" "$(sysfs 0 last_error)" "its resets cannot be watched"
	nok "nor where it was inherited" set_parameter isolate 0
	ok "the log says why" told \
		"pci_bus $(card | cut -c 1-7): .*another module has put its config operations .*: aer_inj"
	rmmod aer_inject
	ok "g0 is isolated again" wait_for 10 in_state 0 isolated
}

# cover: an error is injected into g1, and its port, the only device of its root bus, is removed. The operations
# of aer_inject stay on top of the gate on both buses.
cover() {
	modprobe aer_inject
	root=$(port 1) below=$(gpu 1)
	ok "an error is injected into g1" inject "$below"
	ok "its port is removed" sh -c "echo 1 >/sys/bus/pci/devices/$root/remove"
	nok "a device is left on its root bus" ls -d "/sys/bus/pci/devices/${root%:*}:"*
}

all_isolated_again() {
	for n in 0 1; do
		ok "g$n is isolated $1" wait_for 20 in_state $n isolated
	done
}

# When aer_inject is unloaded it puts the gate back on both buses, though the port has been removed.
removed_below_another() {
	cover
	dmesg_clear
	nok "the gate is not taken off below others where no device is" set_parameter isolate 0
	for bus in "${root%:*}" "${below%:*}"; do
		ok "the log names bus $bus" told "pci_bus $bus: .*has put its config operations on top of ours: aer_inj"
	done
	rmmod aer_inject
	rescan
	all_isolated_again "when its port has come back"
	ok "isolate=0" set_parameter isolate 0
	ok "isolate=1" set_parameter isolate 1
	all_isolated_again "with isolate=1 again"
}

# A bus that is found while aer_inject is there inherits its operations, and keeps them when it is unloaded. The
# kernel dies when it uses such a bus, so this comes last.
made_below_another() {
	load isolate=1
	all_isolated_again "with the module loaded again"
	cover
	rescan
	sleep 3
	rmmod aer_inject
	nok "isolate=0 where a bus has operations that are gone" set_parameter isolate 0
	is "g0 stays" "$(sysfs 0 state) $(cut_links g0)" "isolated 0x003f0000"
}

guest() {
	fresh
	load isolate=1
	for n in 0 1; do
		ok "g$n is isolated" wait_for 20 in_state $n isolated
	done
	virtual_functions
	errors
	removed_below_another
	ok "unloads" unload
	# As it is without the module.
	config_write "$(card)" 4 2 0x0006
	is "COMMAND of the card after that" $(($(config_read "$(card)" 4 2) & 6)) 6
	made_below_another
}

judge() {
	is "g0 was switched on once with the errors injected" \
		"$(memory_on g0 injected "switched on" word)" 1
	is "links that were live while it was" "$(for link in $(links); do
		live_ns "$link" injected "switched on"
	done | grep -cvx 0)" 0
}
