# SPDX-License-Identifier: GPL-2.0-only
#
# Shows the domains of three GPUs of a socket: each policy's masks before and after resets, changes
# at run time, and a change while clients of VFIO use the GPUs. Expected masks: hardware.md 4.
#
# kernel: 6.12
# boot: sequoia

# masks "G0 G1 G2" WHEN: those of the first socket, and of the second if it is alike
masks() {
	is "masks, $2" "$(cut_links g0) $(cut_links g1) $(cut_links g2)" "$1"
}

states() {
	is "all are isolated, $1" "$(for n in 0 1 2 3 4 5; do sysfs $n state; done | sort -u)" isolated
}

reset_all() {
	for n in 0 1 2; do
		reset $n
	done
}

alone="0x001d0000 0x001d0000 0x00170000"
pair01="0x000c0000 0x000c0000 0x00170000"
pair02="0x00110000 0x001d0000 0x00050000"
pair12="0x001d0000 0x00110000 0x00120000"

policies() {
	load isolate=1
	is "domains" "$(parameter domains)" group
	states "by group"
	masks "$alone" "by group"
	is "links of the second socket" \
		"$(cut_links g3) $(cut_links g4) $(cut_links g5)" "$alone"
	unload

	for want in "$pair01:0+1" "$pair02:0+2" "$pair12:1+2"; do
		one=${want#*:}
		list=$(gpu "${one%+*}")+$(gpu "${one#*+}")
		reset_all
		load isolate=1 domains="$list"
		is "domains" "$(parameter domains)" "$list"
		states "{$one} at load"
		masks "${want%:*}" "{$one} at load"
		reset_all
		states "{$one} after resets"
		masks "${want%:*}" "{$one} after resets"
		unload
	done
}

# More is cut at once, less is let go by the next reset.
run_time() {
	pair=$(gpu 0)+$(gpu 1)
	reset_all
	load isolate=1 domains="$pair"
	masks "$pair01" "{0,1}"
	is "domains in sysfs" "$(sysfs 0 domain) $(sysfs 1 domain) $(sysfs 2 domain)" "0 0 alone"
	is "exposed peers of g0" "$(sysfs 0 exposed_peers)" ""
	dmesg_clear
	ok "domains=gpu" set_parameter domains gpu
	masks "$alone" "at once"
	states "at once"
	like "the log says so" "$(dmesg_since)" "$(gpu 0): .*isolate=1 disables 0,2,3,4"
	ok "domains={0,1} again" set_parameter domains "$pair"
	masks "$alone" "until the next reset"
	states "with more cut than has to be"
	is "required links of g0" "$(sysfs 0 required_links)" 2,3
	reset_all
	masks "$pair01" "after the next reset"
	states "after the next reset"

	dmesg_clear
	nok "a bad list is refused" set_parameter domains "$pair,nonsense"
	like "the log says where and why" "$(dmesg_since)" "domains: '.*,nonsense', at character 27: "
	is "the list is as it was" "$(parameter domains)" "$pair"
	masks "$pair01" "after a bad list"
	dmesg_clear
	ok "a GPU that is not there" set_parameter domains "$pair+0099:01:00.0"
	like "is warned of" "$(dmesg_since)" "domains: there is no V100 SXM2 at 0099:01:00.0 now"
	unload

	dmesg_clear
	load isolate=1 domains=nonsense
	is "at load each is alone instead" "$(parameter domains)" gpu
	masks "$alone" "with a bad list at load"
	like "the log says that" "$(dmesg_since)" "domains: using gpu, which leaves each GPU alone"
	unload
	load isolate=1 domains
	is "so it is without a value" "$(parameter domains)" gpu
	unload
}

# No bit sticks. Of g0 those of its links to g1 are set: only g2 may be able to reach it.
partly() {
	reset_all
	for n in 0 1 2; do
		lab set g$n mask-stuck on
	done
	lab set g0 mask 0x00110000
	load isolate=1 domains=gpu
	is "states of those" "$(sysfs 0 state) $(sysfs 1 state) $(sysfs 2 state)" "failed failed failed"
	is "exposed peers of g0, which has cut its links to g1" "$(sysfs 0 exposed_peers)" "$(gpu 2)"
	is "disabled links of g0" "$(sysfs 0 disabled_links)" 0,4
	for n in 0 1 2; do
		lab set g$n mask-stuck off
		apply $n
	done
	states "with bits that stick"
	unload
}

# A guest has g0 and g1, and another g2; then g0 and g1 part.
with_clients() {
	reset_all
	load isolate=1 domains="$(gpu 0)+$(gpu 1)"
	for n in 0 1 2; do
		vfio_bind $n
		client_start c$n $n
		client_do c$n open map memory-on >/dev/null
	done
	masks "$pair01" "with clients"
	ok "they part" set_parameter domains gpu
	lab mark "parted"
	masks "$alone" "parted"
	states "parted"
	for n in 0 1 2; do
		like "the client of g$n works" "$(client_do c$n "read 0")" ": ok 0x140000a1$"
	done
	client_do c0 reset memory-on >/dev/null
	masks "$alone" "after a reset by a client"
	lab mark "clients end"
	for n in 0 1 2; do
		client_stop c$n
		vfio_unbind $n
	done
	unload
}

guest() {
	fresh
	policies
	run_time
	partly
	with_clients
}

judge() {
	for link in $(links); do
		is "$link was live once they had parted" "$(live_ns "$link" parted "clients end")" 0
	done
	is "resets for it" "$(count ' g[0-5] reset ' parted "clients end")" 1
	is "orders or bits violated" "$(log_segment | grep -E ' (violation|dropped) ' | grep -v mask-stuck)" ""
}
