# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module can be unloaded and loaded again with a GPU in each state, and finds it as
# it has to.
#
# matrix: yes
# boot: redbud

# again STATE HELD: unload it, load it again: what g0 is then, and that its neighbour is isolated
again() {
	ok "unloads, $what" unload
	load isolate=1
	is "g0, $what, after a reload" "$(sysfs 0 state) $(sysfs 0 held)" "$1 $2"
	is "g1, with g0 $what, after a reload" "$(sysfs 1 state)" isolated
}

mended() {
	ok "g0, $what, is isolated in the end" wait_for 100 in_state 0 isolated
	is "links of g0, $what, in the end" "$(cut_links g0)" 0x00150000
}

guest() {
	fresh
	what=off
	load isolate=0
	is "g0 is off" "$(sysfs 0 state)" off
	again isolated 0
	what=isolated
	again isolated 0
	mended

	what="in use by a driver"
	unload
	reset 0
	bind_gpu 0 lab_driver
	load isolate=1
	is "g0 is left to its driver" "$(sysfs 0 state)" pending
	again pending 0
	is "its mask is not touched" "$(cut_links g0)" 0x00000000
	reset 0
	mended
	unbind_gpu 0

	what="that does not obey"
	lab set g0 mask-stuck on
	reset 0
	ok "g0 is held" wait_for 100 held 0
	again failed 1
	lab set g0 mask-stuck off
	again isolated 0
	mended

	what="in reset"
	raw_assert 0
	is "g0 is pending in reset" "$(sysfs 0 state)" pending
	again pending 0
	is "and its port in reset" "$(config_read "$(port 0)" 0x3e 2)" 0x0042
	raw_release 0
	mended

	what="in D3hot"
	power_state 0 3
	ok "unloads, $what" unload
	load isolate=1
	ok "g0 is not isolated in D3hot without a look" test "$(sysfs 0 state)" != unsupported
	power_state 0 0
	mended

	what=gone
	remove_gpu 0
	ok "unloads, $what" unload
	load isolate=1
	rescan
	mended

	case $(uname -r) in
	5.10.* | 6.1.*) note "vfio-pci is of no use on this kernel here: see matrix" ;;
	*)
		what="open by a client of VFIO"
		vfio_bind 0
		client_start a 0
		client_do a open map memory-on >/dev/null
		again isolated 0
		like "its client works with it" "$(client_do a "read 0xa00148")" ": ok 0x00150005$"
		unload
		client_do a reset memory-on >/dev/null
		is "without the module a reset opens it" "$(cut_links g0)" 0x00000000
		# Nobody has started its ring since, and that is not done under a client.
		load isolate=1
		is "it is held from its client" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
		client_stop a
		mended
		vfio_unbind 0
		;;
	esac
	ok "unloads at the end" unload
}
