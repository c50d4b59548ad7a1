# SPDX-License-Identifier: GPL-2.0-only
#
# Shows which GPUs below a switch each reset reaches when no module is there to see it: four GPUs
# with two links to each other.
#
# kernel: amd64-6.1
# boot: x86-switch
# alone: yes
# stray: yes

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/unguarded.sh
	. /lab/unguarded.sh
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/x86.sh
	. /lab/x86.sh
	fresh
	remember
	is "GPUs" "$(lab_gpus | wc -l)" 4
	is "declared links" "$(lab_declared | tr , '\n' | wc -l)" 12
	is "link report of the port of g0" "$(link_report 0)" 0
	ok "which can be had" lab set p0 link-report on
	is "link report of that port now" "$(link_report 0)" 1
	path "sysfs" 0111 reset 0
	is "pciehp, which does that, has seen that the link changed" "$(link_changed 0)" 0
	same "sysfs" "0 1 2 3"
	path "below the port" 1101 reset_below "$(port 2)"
	same "below the port" "0 1 2 3"
	path "below the switch" 0000 reset_below "$(upstream 0)"
	same "below the switch" "0 1 2 3"
	path "below the root port" 0000 reset_below "$(rootport 0)"
	same "below the root port" "0 1 2 3"
	path "AER" 1011 aer_fatal 1
	same "AER" "0 2 3"
	remove_gpu 1
	rescan
	is "BAR0 of g1 when it is found anew" "$(registers 1 | cut -d ' ' -f 2)" \
		"$(cut -d ' ' -f 2 /run/first.1)"
	path "cf8_reset" 0111 cf8_reset 0
	is "nobody has seen that the link changed" "$(link_changed 0)" 1
	link_seen 0
	is "which can be cleared" "$(link_changed 0)" 0
}

# resets NAME G0 G1 G2 G3
resets() {
	name=$1 gpu=0
	shift
	for times; do
		is "resets of g$gpu: $name" "$(count " g$gpu reset reason=bus\$" "$name" "after $name")" \
			"$times"
		gpu=$((gpu + 1))
	done
}

judge() {
	resets "sysfs" 1 0 0 0
	resets "below the port" 0 0 1 0
	resets "below the switch" 1 1 1 1
	resets "below the root port" 1 1 1 1
	resets "AER" 0 1 0 0
	resets "cf8_reset" 1 0 0 0
	is "pairs and their links" "$(links | sed 's/\.[0-5]//g' | sort | uniq -c |
		awk '{ printf "%s:%s ", $2, $1 }')" \
		"g0-g1:2 g0-g2:2 g0-g3:2 g1-g2:2 g1-g3:2 g2-g3:2 "
}
