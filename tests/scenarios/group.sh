# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that GPUs of one IOMMU group are one domain unless the administrator says otherwise: their
# links are kept, nothing is touched, and log and `nvlink-isolation check` warn of it.
#
# boot: group
# command: yes

guest() {
	fresh
	is "g0 and g1 share a group" "$(readlink "$(dev 0)/iommu_group")" \
		"$(readlink "$(dev 1)/iommu_group")"
	lab mark "load"
	load isolate=1
	for n in 0 1; do
		is "links of g$n that have to be cut" "$(sysfs "$n" required_links)" ""
		is "state of g$n" "$(sysfs "$n" state)" isolated
		is "links of g$n that are cut, as far as was read" \
			"$(sysfs "$n" disabled_links)" unknown
		is "mask of g$n" "$(lab get "g$n" mask)" 0x00000005
	done
	like "the log warns" "$(dmesg_since)" \
		"$(gpu 0): .*NVLinks 0,2,4 lead to GPUs of the same IOMMU group \([0-9]+\) and are kept"
	# Whoever gets one of them, shares it with whoever gets the other.
	got=$(nvlink-isolation check "$(gpu 0)")
	is "status of check for g0 alone" $? 1
	like "it names the other" "$got" \
		"^$(gpu 0): not isolated from $(gpu 1): NVLinks 0,2,4 are kept, because .* one IOMMU group"
	got=$(nvlink-isolation check "$(gpu 0)" "$(gpu 1)")
	is "status of check for both, which one owner has" $? 0
	note "both: $got"
	lab mark "apart"
	# A reset leaves nothing to verify, and nothing to say against it.
	raw_reset 0
	ok "g0 is isolated after a reset" wait_for 10 in_state 0 isolated
	is "its error" "$(sysfs 0 last_error)" ""
	ok "domains=gpu" set_parameter domains gpu
	for n in 0 1; do
		is "links of g$n that have to be cut then" "$(sysfs "$n" required_links)" 0,2,4
		is "state of g$n then" "$(sysfs "$n" state)" isolated
		is "mask of g$n then" "$(lab get "g$n" mask)" 0x00150005
		is "domain of g$n then" "$(sysfs "$n" domain)" alone
		ok "check is content with g$n then" nvlink-isolation check "$(gpu $n)"
	done

	# The kernel puts a GPU that it finds into its group only after it has announced it.
	ok "domains=group" set_parameter domains group
	raw_reset 0
	is "mask of g0 in one group again" "$(lab get g0 mask)" 0x00000005
	remove_gpu 1
	# Work on the GPU that has left PCI may go on.
	is "links of g0 that have to be cut, g1 removed" "$(sysfs 0 required_links)" 0,2,4
	ok "g0 is isolated, g1 removed" wait_for 20 in_state 0 isolated
	is "mask of g0, g1 removed" "$(lab get g0 mask)" 0x00150005
	ok "check is content with g0 alone, g1 removed" nvlink-isolation check "$(gpu 0)"
	rescan
	for n in 0 1; do
		ok "g$n is isolated, g1 found again" wait_for 20 in_state "$n" isolated
		is "links of g$n that have to be cut, g1 found again" "$(sysfs "$n" required_links)" ""
	done
	is "nothing is said against g0 meanwhile" "$(dmesg_since |
		grep -c "$(gpu 0): .*not isolated")" 0
	unload
}

judge() {
	is "accesses to BAR0" "$(count ' g[01] (read|write) ' load apart)" 0
	is "config writes" "$(count ' g[01] config-write ' load apart)" 0
}
