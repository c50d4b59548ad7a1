# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU which sleeps in D3hot is isolated: the module wakes it for each look, by the means
# of whatever had it sleep, and has it sleep again afterwards. Under a driver that does as vfio-pci
# did before 5.19, under one that does as vfio-pci has done since, and under none.
#
# kernel: 6.12
# boot: redbud
# alone: yes
# everywhere: yes
# unseen: yes

asleep() {
	[ "$(power "$1")" = 3 ]
}

are_cut() {
	[ "$(cut_links "g$1")" = 0x00150000 ]
}

# many_apply N: one look ends, and has the GPU sleep, while the other needs it awake.
many_apply() {
	for _ in $(seq 25); do
		apply "$1" || return
	done
}

apply_at_once() {
	many_apply "$1" &
	apply_status=0
	many_apply "$1" || apply_status=1
	wait $! && [ $apply_status = 0 ]
}

# is_fresh N: was it read back in the last audits? Those come each second, more or less.
is_fresh() {
	fresh_age=$(sysfs "$1" verified) && [ "$fresh_age" -le 5 ]
}

# stays_fresh N: for ten seconds, however often sysfs is read.
stays_fresh() {
	for _ in $(seq 20); do
		is_fresh "$1" || return
		usleep 500000
	done
}

# sleeper N NAME: GPU N sleeps before enforcement begins, and afterwards too.
sleeper() {
	is "$2: it sleeps at first" "$(power "$1")" 3
	lab mark "$2"
	load isolate=1 audit_seconds=1
	ok "$2: it is isolated" wait_for 10 in_state "$1" isolated
	note "$2: $(sysfs "$1" state): $(sysfs "$1" last_error)"
	is "$2: its links" "$(cut_links "g$1")" 0x00150000
	ok "$2: it sleeps again" wait_for 5 asleep "$1"

	ok "$2: apply works" apply "$1"
	ok "$2: it sleeps after apply" wait_for 5 asleep "$1"
	ok "$2: apply works while others apply" apply_at_once "$1"
	ok "$2: it sleeps after that, too" wait_for 5 asleep "$1"
	ok "$2: audits go on while it sleeps" stays_fresh "$1"
	is "$2: it is isolated still" "$(sysfs "$1" state)" isolated
	ok "$2: it sleeps after audits" wait_for 5 asleep "$1"

	lab set "g$1" mask 0
	ok "$2: an audit finds a lost mask" wait_for 10 are_cut "$1"
	ok "$2: it is isolated after that" wait_for 10 in_state "$1" isolated
	ok "$2: it sleeps after that" wait_for 5 asleep "$1"

	ok "$2: a reset" reset "$1"
	ok "$2: it is isolated after a reset" wait_for 10 in_state "$1" isolated
	is "$2: its links after a reset" "$(cut_links "g$1")" 0x00150000
	lab mark "after $2"
}

opens() {
	ok "$2: it can be opened" sh -c "echo 1 >$(dev "$1")/lab_driver/open"
	is "$2: it is awake then" "$(power "$1")" 0
	is "$2: it is isolated then" "$(sysfs "$1" state)" isolated
	ok "$2: it is closed" sh -c "echo 0 >$(dev "$1")/lab_driver/open"
	ok "$2: it sleeps when it is closed" wait_for 5 asleep "$1"
}

guest() {
	for driver in lab-vfio-pci lab-vfio-pci-pm; do
		fresh
		ok "$driver has g0" bind_gpu 0 $driver
		wait_for 5 asleep 0
		sleeper 0 $driver
		opens 0 $driver
		unload
		unbind_gpu 0
	done

	fresh
	modprobe lab_driver
	echo 1 >/sys/module/lab_driver/parameters/leave_asleep
	bind_gpu 0 lab-vfio-pci
	unbind_gpu 0
	echo 0 >/sys/module/lab_driver/parameters/leave_asleep
	sleeper 0 "no driver"
	ok "no driver: it can be enabled" enable_gpu 0
	is "no driver: it is isolated when it is enabled" "$(sysfs 0 state)" isolated
	disable_gpu 0
	unload
}

judge() {
	for name in lab-vfio-pci lab-vfio-pci-pm "no driver"; do
		is "$name: times g0 was exposed other than in a sequence" \
			"$(open_periods g0 "$name" "after $name" | grep -c open)" 0
	done
	is "orders or bits violated" "$(count ' (violation|dropped) ')" 0
}
