# SPDX-License-Identifier: GPL-2.0-only
#
# boot: x86-redbud
# kernel: amd64-6.1
guest() {
	for n in 0 1 2 3 4 5 6 7; do
		note "g$n $(gpu $n) $(registers $n)"
	done
	note "$(lab_declared)"
	note "$(lab_domains)"
	ok "mark" lab mark hello
	is "boot0" "$(lab get g0 boot0)" 335544481
	note "$(ls /sys/kernel/iommu_groups | wc -l) groups"
	ok "reset" reset 0
}
