# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what domains=owner does with guests of a real hypervisor: Debian's QEMU opens, resets, plugs and
# closes the GPUs. First it emulates the guest's processor, and the container tells the owner. Then KVM
# does, on the emulated processor, and the virtual machine tells. Judged by the device's account: links
# between two GPUs of one guest are live when its machine was reset, and links to a GPU of another guest
# never are. Two GPUs are not reset at once if they are of different guests: then both ends of a link can
# be enabled until one GPU is verified, while nobody can reach either. Counts the resets that QEMU makes.
# --set ACCELS=kvm for one of the two.
#
# kernel: 6.12
# x86: yes
# alone: yes
# boot: sequoia
# qemu: yes
# memory: 2G
# stray: yes
# long: yes

isolated() {
	for n in 0 1 2; do
		ok "g$n is isolated $1" wait_for 30 in_state $n isolated
	done
}

# Resets are over, and what the module does by itself after them, too.
settled() {
	isolated "$1"
	lab mark "$accel $1"
	sleep 1
	lab mark "$accel $1: over"
}

kept() {
	echo "$(sysfs 0 joined_peers),$(sysfs 1 joined_peers),$(sysfs 2 joined_peers)"
}

peers() {
	is "$1: links are kept by g0, g1, g2" "$(kept)" "$2"
}

told_by_window() {
	[ "$accel" != kvm ] && ! on_x86
}

# follow TEXT PEERS: the links do, after a reset of the machine. In each, QEMU for POWER resets the GPUs
# and then replaces the DMA window, by which the container is told. The guest has its links only if the
# kernel gives the new window the old one's address.
follow() {
	if told_by_window && [ "$(kept)" = ,, ]; then
		note "$accel, $1: the new window has another address, so no link is kept"
	else
		peers "$1" "$2"
	fi
}

# owners TEXT N...: one guest has these GPUs, and g2, or g0 if that is one of them, is not its
owners() {
	owners_text=$1 owners_first=$(sysfs "$2" owner)
	shift
	like "$owners_text: it is a guest" "$owners_first" '^[0-9]+$'
	for n in "$@"; do
		is "$owners_text: owner of g$n, by the $means" \
			"$(sysfs "$n" owner) $(sysfs "$n" owner_means)" "$owners_first $means"
	done
	case $* in *2*) n=0 ;; *) n=2 ;; esac
	nok "$owners_text: g$n is another's" test "$(sysfs $n owner)" = "$owners_first"
}

nobody() {
	ok "nobody has g$2 $1" wait_for 5 sh -c "grep -qx none $(dev "$2")/nvlink_isolation/owner"
}

starts() {
	lab mark "$accel begins"
	ok "the other guest starts" qemu_start o -S -device "$(qemu_gpu 2 a)"
	ok "its machine is reset" qemu_reset o
	isolated "before another guest starts"
	lab mark "$accel starts"
	# Firmware runs in this one, and finds the GPUs.
	ok "a guest with two GPUs starts" qemu_start a -device "$(qemu_gpu 0 a)" -device "$(qemu_gpu 1 b)"
	lab mark "$accel has started"
	settled "after the start"
	owners "after the start" 0 1
	# QEMU for POWER resets the GPUs first, and then makes the first window.
	if told_by_window; then peers "after the start" ,,; else peers "after the start" "$both"; fi
	lab mark "$accel first reset"
	ok "its machine is reset" qemu_reset a
	lab mark "$accel first reset: done"
	settled "after its reset"
	owners "after its reset" 0 1
	follow "after its reset" "$both"
	ok "the firmware is stopped" qmp a stop
	ok "the other one's machine is reset" qemu_reset o
	isolated "before the second reset"
	ok "its machine is reset again" qemu_reset a
	settled "after all resets"
	owners "after all resets" 0 1
	follow "after all resets" "$both"
	lab mark "$accel quits"
	ok "it ends" qemu_quit a
	lab mark "$accel has quit"
	settled "after its end"
	nobody "after its end" 0
	nobody "after its end" 1
	peers "after its end" ,,
}

plugs() {
	ok "a guest with one GPU starts" qemu_start a -S -device "$(qemu_gpu 0 a)"
	ok "its machine is reset" qemu_reset a
	settled "before the plug"
	cut=$(cut_links g0)
	lab mark "$accel plugs"
	ok "another GPU is plugged" qemu_plug a 1 b
	lab mark "$accel has plugged"
	settled "after the plug"
	owners "after the plug" 0 1
	# It may keep its end, which only a reset enables.
	is "the first one's links are disabled as before" "$(cut_links g0)" "$cut"
	ok "its machine is reset" qemu_reset a
	settled "after the plug and a reset"
	follow "after the plug and a reset" "$both"

	# Nobody answers the request but the machine's reset.
	ok "the GPU is unplugged" qmp a device_del '"id": "b"'
	ok "the machine is reset" qemu_reset a
	ok "the GPU is gone" qemu_event a DEVICE_DELETED
	nobody "after the unplug" 1
	settled "after the unplug"
	peers "after the unplug" ,,
}

hands_over() {
	ok "the other guest gets the GPU" qemu_plug o 1 b
	settled "after the handover"
	owners "after the handover" 1 2
	ok "its machine is reset" qemu_reset o
	isolated "before the first guest's reset"
	ok "that of the first is, too" qemu_reset a
	settled "after the handover and resets"
	owners "after the handover and resets" 1 2
	follow "after the handover and resets" ",$(gpu 2),$(gpu 1)"
	lab mark "$accel kills"
	ok "the other guest is killed" qemu_kill o
	lab mark "$accel has killed"
	ok "a third guest gets the GPU at once" qemu_start t -S -device "$(qemu_gpu 1 b)"
	lab mark "$accel third guest"
	isolated "before the first guest's reset"
	ok "the first one's machine is reset" qemu_reset a
	isolated "before the third guest's reset"
	ok "the third one's, too" qemu_reset t
	settled "after the kill"
	nobody "after the kill" 2
	nok "the third guest is not the first" test "$(sysfs 0 owner)" = "$(sysfs 1 owner)"
	peers "after the kill" ,,
	lab mark "$accel ends"
	ok "the first guest ends" qemu_quit a
	ok "the third guest is killed" qemu_kill t
	settled "at the end"
}

# QEMU has a container for each host bridge that it emulates.
apart() {
	ok "a guest with two host bridges starts" \
		qemu_start a -S -device "$(qemu_gpu 0 a)" -device "$(qemu_gpu 1 other)"
	ok "its machine is reset" qemu_reset a
	ok "its machine is reset again" qemu_reset a
	settled "behind two bridges"
	if [ "$accel" = kvm ]; then
		owners "behind two bridges" 0 1
		peers "behind two bridges" "$both"
	else
		nok "behind two bridges: two owners" test "$(sysfs 0 owner)" = "$(sysfs 1 owner)"
		peers "behind two bridges" ,,
	fi
	ok "it ends" qemu_quit a
	settled "after the bridges"
}

guest() {
	fresh
	load isolate=1 domains=owner
	for n in 0 1 2; do
		vfio_bind $n
	done
	both="$(gpu 1),$(gpu 0),"
	for accel in ${ACCELS-tcg kvm}; do
		means=container
		if [ "$accel" = kvm ]; then
			means=kvm
			ok "there is KVM" sh -c "modprobe kvm-amd || modprobe kvm-hv; ls /dev/kvm" || continue
		fi
		# shellcheck disable=SC2034 # for qemu_start
		qemu_accel=$accel
		lab mark "with $accel"
		starts
		plugs
		hands_over
		on_x86 || apart
	done
	cat /run/qemu.*.err | sort | uniq -c | show
	for n in 0 1 2; do
		vfio_unbind $n
	done
	ok "unloads" unload
}

# live FROM TO GPU GPU WANTED: are links between the two live there? never, or yes
live() {
	for link in $(links_between "$3" "$4"); do
		ns=$(live_ns "$link" "$accel $1" "$accel $2")
		case $5 in
		never) is "$accel: $link was live from '$1' to '$2'" "$ns" 0 ;;
		yes) ok "$accel: $link was live from '$1' to '$2'" test "$ns" -gt 0 ;;
		esac
	done
}

# resets GPU FROM TO
resets() {
	count "^[0-9]+ $1 reset " "$accel $2" "$accel $3"
}

judge_resets() {
	is "$accel: resets of g0 and g1 at QEMU's start" \
		"$(resets g0 starts "has started") $(resets g1 starts "has started")" "2 2"
	is "$accel: at the reset of the machine" \
		"$(resets g0 "first reset" "first reset: done") $(resets g1 "first reset" "first reset: done")" "1 1"
	is "$accel: at its end" "$(resets g0 quits "has quit") $(resets g1 quits "has quit")" "1 1"
	is "$accel: when g1 is plugged" \
		"$(resets g0 plugs "has plugged") $(resets g1 plugs "has plugged")" "0 2"
	is "$accel: of g1 and g2 at a SIGKILL" \
		"$(resets g1 kills "has killed") $(resets g2 kills "has killed")" "1 1"
}

# after TEXT GPU GPU WANTED: in the time in which nothing happens. See follow
after() {
	if [ "$4" = yes ] && [ "$accel" = tcg ] && ! on_x86; then
		note "tcg, $1: links of $2 and $3 are live: $(live "$1" "$1: over" "$2" "$3" yes | grep -c '^ok')"
	else
		live "$1" "$1: over" "$2" "$3" "$4"
	fi
}

judge_links() {
	live begins "before the plug: over" g0 g2 never
	live begins "after the handover" g1 g2 never
	live begins ends g0 g2 never
	if [ "$accel" = kvm ] || on_x86; then
		after "after the start" g0 g1 yes
	else
		live begins "after the start: over" g0 g1 never
	fi
	after "after its reset" g0 g1 yes
	after "after all resets" g0 g1 yes
	live "after its end" "before the plug: over" g0 g1 never
	live plugs "after the plug: over" g0 g1 never
	after "after the plug and a reset" g0 g1 yes
	live "after the unplug" ends g0 g1 never
	after "after the handover and resets" g1 g2 yes
	live "third guest" ends g1 g2 never
	on_x86 || after "behind two bridges" g0 g1 "$([ "$accel" = kvm ] && echo yes || echo never)"
}

judge() {
	for accel in tcg kvm; do
		# shellcheck disable=SC2154 # set by run
		grep -q " lab mark text=with $accel\$" "$log" || continue # see ACCELS
		judge_resets
		judge_links
	done
}
