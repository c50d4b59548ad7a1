# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU which is opened while a look has it sleep again is awake, on, and isolated: under a
# driver that has it sleep as vfio-pci did before 5.19, which counts no users.
# Each change of the power state is kept where it begins, so that looks and opens meet.
#
# kernel: 6.12
# boot: redbud
# smp: 2

is_open() {
	[ "$(power "$1")" = 0 ] && [ $(($(config_read "$(gpu "$1")" 4 2) & 2)) = 2 ] &&
		[ "$(cut_links "g$1")" = 0x00150000 ]
}

guest() {
	fresh
	ok "lab-vfio-pci has g0" bind_gpu 0 lab-vfio-pci
	load isolate=1
	ok "it is isolated" wait_for 10 in_state 0 isolated
	ok "changes of the power state are kept" delay pci_set_power_state 20

	touch /tmp/looking
	while [ -e /tmp/looking ]; do
		apply 0
	done >/dev/null &
	for n in $(seq 20); do
		usleep $((n * 7919 % 50 * 1000))
		echo 1 >"$(dev 0)/lab_driver/open" && echo opened || echo refused
		is_open 0 && echo good || echo "asleep or off"
		echo 0 >"$(dev 0)/lab_driver/open"
	done >/tmp/opens 2>/dev/null
	rm /tmp/looking
	wait
	delay -
	is "opens amid looks" "$(sort /tmp/opens | uniq -c | tr -s ' \n' ' ')" " 20 good 20 opened "
	unload
	unbind_gpu 0
}

judge() {
	is "orders or bits violated" "$(count ' (violation|dropped) ')" 0
}
