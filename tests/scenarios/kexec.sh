# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that isolation holds when the host goes to another kernel by kexec, with the module in
# the initramfs of both: no reset, so the masks stay, and the new kernel's module finds and keeps
# them. With a GPU in use by a driver, and one that is held, which the new module holds as well.
#
# matrix: yes
# matrix-x86: yes
# boot: redbud
# alone: yes
# kexec: yes
# stray: yes

first_kernel() {
	fresh
	load isolate=1
	ok "lab_driver has g1" bind_gpu 1 lab_driver
	lab set g3 mask-stuck on
	reset 3
	ok "g3 is held" wait_for 100 held 3
	for n in 0 1 2; do
		is "g$n is isolated" "$(sysfs $n state)" isolated
	done
	nok "the first kernel has something to complain about" \
		sh -c 'dmesg | grep -E "BUG|WARNING|Oops|Call Trace|lockdep"'
	# An ELF file is not taken for Linux there.
	if on_x86; then set -- --args-linux; else set --; fi
	ok "the second kernel is loaded" kexec --load /lab/vmlinux --initrd=/lab/initramfs "$@" \
		--append="$(cat /proc/cmdline)"
	lab mark "kexec"
	kexec --exec
	echo "kexec did nothing"
}

second_kernel() {
	lab mark "second kernel"
	for n in 0 1 2; do
		is "links of g$n in the second kernel, before the module" "$(cut_links g$n)" 0x00150000
	done
	load isolate=1
	for n in 0 1 2; do
		is "g$n is isolated in the second kernel" "$(sysfs $n state)" isolated
		is "g$n was not reset for it" "$(sysfs $n resets)" 0
		is "its links" "$(cut_links g$n)" 0x00150000
	done
	is "peers are as the tree that was passed on, or the parameter, says" "$(sysfs 0 peers)" \
		"$(gpu 1) $(friend 0) $(gpu 1) $(friend 0) $(gpu 1) $(friend 0)"
	ok "g3, which does not obey, is held in the second kernel, too" wait_for 100 held 3
	nok "it can be enabled" enable_gpu 3
	lab mark "second kernel works"
	reset 0
	is "g0 is isolated after a reset" "$(sysfs 0 state)" isolated
	is "links of g0 after a reset" "$(cut_links g0)" 0x00150000
	ok "unloads" unload
}

guest() {
	if [ ! -e /sys/kernel/kexec_loaded ]; then
		lab mark "no kexec"
	elif [ -e /lab/second ]; then
		second_kernel
	else
		first_kernel
	fi
}

judge() {
	if grep -q ' text=no kexec$' "$log"; then
		note "cell|kexec|none and without handlers|pair|- this kernel is built without kexec"
		return
	fi
	text=isolated
	for link in g0.0-g1.0 g0.2-g1.2 g0.4-g1.4; do
		is "$link was live in between" "$(live_ns $link kexec "second kernel works")" 0 ||
			text="link live $(($(live_ns $link kexec "second kernel works") / 1000)) µs"
	done
	note "cell|kexec|none and without handlers|pair|$text"
}
