# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module can be unloaded and loaded again with a GPU in each state, and finds it as
# it has to; and 200 times in a row while others read config space, switch GPUs on and off and rescan the
# bus, on two processors: nobody is in the gate when it goes.
#
# matrix: yes
# boot: redbud
# smp: 2

# forever COMMAND...: in the background. It sleeps in between: to unload, ftrace waits until each process
# has slept or was seen in user space.
forever() {
	(
		trap 'exit 0' TERM
		while :; do
			"$@" >/dev/null 2>&1
			printf . >>"/run/storm.$1"
			usleep 1000
		done
	) &
	storm_pids="$storm_pids $!"
}

read_config() {
	cat "$(dev 0)/config" "$(dev 1)/config" "$(dev 2)/config"
}

# Builtins only, but for one process
toggle() {
	printf '\002\000\000\000' | dd of="$1" bs=4 seek=1 conv=notrunc
	printf '\000\000\000\000' | dd of="$1" bs=4 seek=1 conv=notrunc
}

storm() {
	fresh
	times=$(rounds 200)
	mapped=$(mappings) storm_pids=''
	forever read_config
	forever toggle "$(dev 1)/config"
	forever toggle "$(dev 3)/config"
	forever rescan
	i=0 failed=0 open=0
	while [ $i -lt "$times" ]; do
		i=$((i + 1))
		insert isolate=1 || failed=$((failed + 1))
		# In each state of its start
		[ $((i % 4)) != 0 ] || usleep $((i * 1000))
		if [ $((i % 20)) = 0 ]; then
			for n in 0 1 2 3; do
				wait_for 10 in_state $n isolated && [ "$(cut_links g$n)" = 0x00150000 ] ||
					open=$((open + 1))
			done
		fi
		echo 0 >"$lab_parameters/isolate" && rmmod nvlink_isolation || failed=$((failed + 1))
	done
	# shellcheck disable=SC2086 # several
	kill $storm_pids
	wait
	is "of $times loads and unloads failed" "$failed" 0
	is "GPUs that were not isolated in between" "$open" 0
	for what in read_config toggle rescan; do
		note "$what meanwhile: $(wc -c <"/run/storm.$what")"
		ok "$what went on meanwhile" test "$(wc -c <"/run/storm.$what")" -ge $((times / 10))
	done
	is "mappings of devices" "$(mappings)" "$mapped"
	for n in 1 3; do
		memory $n on
		is "nobody refuses g$n any more" $(($(config_read "$(gpu $n)" 4 2) & 2)) 2
		memory $n off
	done
	load isolate=1
	for n in 0 1 2 3; do
		ok "g$n is isolated by the last" wait_for 10 in_state $n isolated
	done
	unload
}

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
	ok "g0 is refused" wait_for 100 held 0
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
		# Nobody has started its ring since. A stopped one is started under a client, too.
		load isolate=1
		ok "it is isolated under its client" wait_for 5 in_state 0 isolated
		is "links of g0 under its client" "$(cut_links g0)" 0x00150000
		client_stop a
		mended
		vfio_unbind 0
		;;
	esac
	ok "unloads at the end" unload
	storm
}
