# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what a host driver gets that binds to a GPU whose links cannot be disabled. pci_enable_device()
# fails where hook B is. Where a kernel offers no interface for hook B it succeeds, with memory decoding
# off: the driver's first read gives ones, and reaches no GPU. Neither is an NMI or a machine check.
#
# Each of Debian's kernels has such an interface. For a module without hook B, on 6.12:
#
#   tests/lab/build amd64-6.12 . build/no-hook nvli-hook=hook_none
#   extra=build/no-hook-root/lib/modules/$(uname -r of that kernel)/extra
#   mkdir -p $extra && cp build/no-hook/nvlink_isolation.ko $extra/
#   tests/lab/run --kernel amd64-6.12 --overlay build/no-hook-root --set HOOK=none x86-refused
#
# kernel: amd64-6.1
# boot: x86-redbud
# stray: yes

# NMIs and machine checks that the processors have had
alarms() {
	awk '$1 == "NMI:" || $1 == "MCE:" { print $1 $2 }' /proc/interrupts | paste -s -d ' '
}

# refuses DRIVER
refuses() {
	nok "$1 cannot enable g0" bind_gpu 0 "$1"
	like "pci_enable_device() fails for $1" "$(dmesg_since)" "$(gpu 0): enable: -[0-9]"
}

# does_not_decode DRIVER
does_not_decode() {
	ok "$1 takes g0" bind_gpu 0 "$1"
	like "pci_enable_device() succeeds for $1" "$(dmesg_since)" "$(gpu 0): enable: 0"
	like "$1 reads ones" "$(dmesg_since)" "$(gpu 0): read: 0xffffffff"
	ok "$1 leaves g0" unbind_gpu 0
}

# As in a GPU that was just added: the kernel writes its BARs before the windows of the bridges above it.
not_routed() {
	window=$(config_read "$(port 1)" 0x20 4)
	memory 1 off
	config_write "$(port 1)" 0x20 4 0x0000fff0
	lab mark "not routed"
	memory 1 on
	is "g1, to which nothing is routed, is off" $(($(config_read "$(gpu 1)" 4 2) & 2)) 0
	is "nor is it verified" "$(apply 1)" "Input/output error"
	lab mark "routed"
	config_write "$(port 1)" 0x20 4 $((window))
	ok "g1 is verified when it is" apply 1
}

guest() {
	fresh
	load isolate=1 audit_seconds=0
	modprobe lab_driver
	echo 1 >/sys/module/lab_driver/parameters/read
	echo 1 >/sys/module/lab_driver/parameters/blind
	ok "a driver that enables g1 reads it" bind_gpu 1 lab_driver
	like "its read is answered" "$(dmesg_since)" "$(gpu 1): read: 0x0"
	unbind_gpu 1
	alarms >/run/alarms
	lab set g0 mask-stuck on
	reset 0
	ok "g0 is refused" wait_for 10 held 0
	for driver in lab_driver lab_driver_aware; do
		dmesg_clear
		lab mark "bind $driver"
		case ${HOOK-} in
		none) does_not_decode $driver ;;
		*) refuses $driver ;;
		esac
		lab mark "after $driver"
		is "g0 does not decode, $driver" $(($(config_read "$(gpu 0)" 4 2) & 2)) 0
		is "g0 is refused, $driver" "$(sysfs 0 state) $(sysfs 0 held)" "failed 1"
	done
	is "NMIs and machine checks" "$(alarms)" "$(cat /run/alarms)"
	is "g1 is isolated" "$(sysfs 1 state) $(cut_links g1)" "isolated 0x00150000"
	echo >"$(dev 0)/driver_override"
	lab set g0 mask-stuck off
	ok "g0 is isolated when it obeys" sh -c "echo 1 >$(dev 0)/nvlink_isolation/apply"
	not_routed
	for parameter in read blind; do
		echo 0 >/sys/module/lab_driver/parameters/$parameter
	done
	ok "unloads" unload
}

judge() {
	is "reads that nobody answered while nothing was routed" \
		"$(count ' bus stray-read' "not routed" routed)" 0
	for driver in lab_driver lab_driver_aware; do
		is "reads of $driver that reached g0" \
			"$(count ' g0 read off=0x700000' "bind $driver" "after $driver")" 0
		strays=$(count ' bus stray-read' "bind $driver" "after $driver")
		ok "what nobody answered, $driver: $strays" test "$strays" -le 1
		for link in g0.0-g1.0 g0.2-g1.2 g0.4-g1.4; do
			is "$link was live, $driver" "$(live_ns $link "bind $driver" "after $driver")" 0
		done
	done
}
