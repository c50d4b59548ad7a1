# SPDX-License-Identifier: GPL-2.0-only
#
# A DGX-1 mesh split between two guests of four GPUs, and four of two: the links that are disabled are
# those that the pair counts give, computed by hand below.
#
# boot: x86-dgx1
# kernel: amd64-6.1

# halves: two lists of four GPUs
halves() {
	echo "$(gpu 0)+$(gpu 1)+$(gpu 2)+$(gpu 3),$(gpu 4)+$(gpu 5)+$(gpu 6)+$(gpu 7)"
}

# links_cut N: how many of its six
links_cut() {
	links_mask=$(($(cut_links "g$1") >> 16)) links_n=0
	while [ $links_mask -ne 0 ]; do
		links_n=$((links_n + (links_mask & 1))) links_mask=$((links_mask >> 1))
	done
	echo $links_n
}

guest() {
	fresh
	ok "loads with the mesh declared" load isolate=1 domains=gpu
	for n in 0 1 2 3 4 5 6 7; do
		is "g$n, alone" "$(cut_links "g$n")" 0x003f0000
	done
	ok "two guests of four" set_parameter domains "$(halves)"
	for n in 0 1 2 3 4 5 6 7; do
		ok "g$n resets" reset $n
		ok "g$n is isolated" wait_for 10 in_state $n isolated
	done
	# Pairs across the halves: 0-4 and 1-5 have two links, 2-6 and 3-7 one.
	for pair in "0 2" "1 2" "2 1" "3 1" "4 2" "5 2" "6 1" "7 1"; do
		is "links cut of g${pair% *}, two guests" "$(links_cut "${pair% *}")" "${pair#* }"
	done
	lab mark "halves"
	sleep 1
	lab mark "after halves"

	ok "four guests of two" set_parameter domains \
		"$(gpu 0)+$(gpu 4),$(gpu 1)+$(gpu 2),$(gpu 3)+$(gpu 7),$(gpu 5)+$(gpu 6)"
	for n in 0 1 2 3 4 5 6 7; do
		ok "g$n resets again" reset $n
		ok "g$n is isolated again" wait_for 10 in_state $n isolated
	done
	# 0-4, 1-2 and 5-6 keep two links, 3-7 one.
	for pair in "0 4" "1 4" "2 4" "3 5" "4 4" "5 4" "6 4" "7 5"; do
		is "links cut of g${pair% *}, four guests" "$(links_cut "${pair% *}")" "${pair#* }"
	done

	dmesg_clear
	ok "without links declared" set_parameter links none
	for n in 0 1 2 3 4 5 6 7; do
		ok "g$n is isolated at once" wait_for 10 in_state $n isolated
		is "g$n, of which nothing is known" "$(cut_links "g$n")" 0x003f0000
		is "peers of g$n" "$(sysfs $n peers)" "unknown unknown unknown unknown unknown unknown"
	done
	ok "the log says what is not declared" \
		told "$(gpu 7).*NVLinks 0,1,2,3,4,5 are not in the parameter links, so they have to be disabled"
	nok "a link to itself is refused" set_parameter links "$(gpu 0).0-$(gpu 0).1"
	is "links are as they were" "$(parameter links)" none
	ok "unloads" unload
}

# half LINK: which half each end is in, as in "0 1"
half() {
	echo "$1" | sed 's/g\([0-7]\)\.[0-5]-g\([0-7]\)\..*/\1 \2/' | awk '{ print int($1 / 4), int($2 / 4) }'
}

judge() {
	is "links in the machine" "$(links | wc -l)" 24
	kept=0 cut=0
	for link in $(links); do
		live=$(live_ns "$link" "halves" "after halves")
		case $(half "$link") in
		'0 0' | '1 1') [ "$live" = 0 ] || kept=$((kept + 1)) ;;
		*) [ "$live" != 0 ] || cut=$((cut + 1)) ;;
		esac
	done
	is "links that two guests keep" $kept 18
	is "links between them that are dead" $cut 6
}
