# SPDX-License-Identifier: GPL-2.0-only
#
# Shows the main job to a spectator, for `make demo`: a reset without the module and with
# it, by sysfs and by the emulated GPUs' own account.
#
# boot: redbud
# command: yes
# modules: nvlink_isolation lab_tree

title() {
	printf '\n=== %s ===\n' "$1" | show
}

# Run a command line and show both it and what it prints.
demo() {
	{
		echo "# $1"
		sh -c "$1" 2>&1
	} | show
}

table() {
	{
		line='%-14s %-10s %-16s %-16s %-8s %s\n'
		# shellcheck disable=SC2059 # the same for all lines
		printf "$line" GPU state required_links disabled_links resets reapplied
		for n in 0 1 2 3; do
			# shellcheck disable=SC2059
			printf "$line" "$(gpu "$n")" "$(sysfs "$n" state)" \
				"$(sysfs "$n" required_links)" "$(sysfs "$n" disabled_links)" \
				"$(sysfs "$n" resets)" "$(sysfs "$n" reapplied)"
		done
	} | show
}

# The log lines of the module since the last time
said() {
	dmesg_since | grep nvlink_isolation: | sed 's/^[^]]*] /kernel: /' | show
	dmesg_clear
}

guest() {
	fresh
	title "an emulated $(on_x86 && echo PC || echo POWER9) with four emulated V100s, Linux $(uname -r)"
	demo "cd /sys/kernel/iommu_groups && grep -l 10de */devices/*/vendor | cut -d / -f 1,3"
	echo "Each GPU has an IOMMU group of its own, so each may go to another guest." | show

	title "a reset of $(gpu 0) without the module"
	lab mark "without"
	demo "echo 1 >$(dev 0)/reset"
	lab mark "without, done"

	title "isolate=0, the default: look, touch nothing"
	if on_x86; then
		echo "Nothing tells where the links of a PC lead, so they are declared." | show
		demo "modprobe nvlink_isolation links=$(lab_declared)"
	else
		demo "modprobe nvlink_isolation"
	fi
	for n in 0 1 2 3; do
		demo "cat $(dev "$n")/nvlink_isolation/peers"
	done
	table
	said

	title "isolate=1: enforce"
	lab mark "start"
	lab_counts begin
	demo "echo 1 >$lab_parameters/isolate"
	lab_counts
	lab mark "enforced"
	table
	said

	title "a reset of $(gpu 0), as at each start and stop of a guest"
	demo "echo 1 >$(dev 0)/reset"
	lab mark "with, done"
	table
	said
	is "state after the reset" "$(sysfs 0 state)" isolated
	is "resets of g0" "$(sysfs 0 resets)" 1
	# The judge shows it at the end.
	nvlink-isolation topology | sed 's/^/@lab picture /'
	ok "unloads" unload
}

# What the command printed in the guest
picture() {
	sed -n 's/^@lab picture //p' "$dir/console"
}

judge() {
	title "the GPUs' own account"
	{
		printf '%-14s %22s %22s\n' "link live for" "reset without module" "since isolate=1"
		for link in $(links); do
			printf '%-14s %19.3f ms %19.3f ms\n' "$link" \
				"$(live_ns "$link" without "without, done" | awk '{ print $1 / 1e6 }')" \
				"$(live_ns "$link" enforced | awk '{ print $1 / 1e6 }')"
		done
		echo
		echo "mask of g0 after the reset without the module: $(mask_at g0 start)"
		echo "mask of g0 after the reset with the module:    $(mask_at g0 "with, done")"
		echo
		echo "Times are the emulated machine's. This is a model of the GPU: no NVLink of a real"
		echo "V100 was measured."
	} | show
	title "the machine, as nvlink-isolation topology draws it"
	picture | show
	# On a PC of this kind each GPU is joined to each other one by two links, and none to a CPU.
	mask=0x00150005 in_picture='^G[0-3] .* cut 0,2,4 '
	! on_x86 || mask=0x003f0005 in_picture='^G[0-3] .*( cut [0-5],[0-5] .*){3}'
	is "GPUs with their links cut, in the picture" "$(picture | grep -cE "$in_picture")" 4
	ok "links were live in a reset without the module" \
		test "$(live_ns g0.0-g1.0 without "without, done")" -gt 0
	is "mask after the reset" "$(mask_at g0 "with, done")" $mask
	for link in $(links); do
		is "time $link was live since isolate=1" "$(live_ns "$link" enforced)" 0
	done
}
