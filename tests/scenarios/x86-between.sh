# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that no reset on a PC comes between the gate's read-back and the write that the gate passes on: a
# processor is kept there, and the other one resets the bus and releases it at once.
#
# kernel: amd64-6.1
# boot: x86-redbud
# smp: 2
# unseen: yes

# Is the GPU off, or are its links disabled?
is_safe() {
	[ $(($(config_read "$(gpu "$1")" 4 2) & 2)) = 0 ] || [ "$(cut_links "g$1")" = 0x00150000 ]
}

# pulse FILE: set and clear the reset bit in the port's config space. Few processes, since each costs a slow
# guest more than the reset does
pulse() {
	printf '\102' | dd of="$1" bs=1 seek=62 conv=notrunc 2>/dev/null
	printf '\002' | dd of="$1" bs=1 seek=62 conv=notrunc 2>/dev/null
}

guest() {
	fresh
	load isolate=1 audit_seconds=0
	ok "g1 is isolated" wait_for 20 in_state 1 isolated
	modprobe lab_driver
	echo lab_driver >"$(dev 1)/driver_override"
	counter=/sys/module/lab_driver/parameters/delayed
	config=/sys/bus/pci/devices/$(port 1)/config
	g1=$(gpu 1)
	killall -STOP lab_watch
	# The visits of hook B, and of the write that the PCI core makes
	for visit in 1 2; do
		delay nvli_visit_end 4000
		lab mark "visits $visit"
		taskset 1 sh -c "echo $g1 >/sys/bus/pci/drivers_probe" &
		n=0
		until [ "$n" -ge $visit ] || ! kill -0 $! 2>/dev/null; do read -r n <$counter; done
		ok "the gate is kept in visit $visit" test "$n" -ge $visit
		pulse "$config"
		lab mark "pulse $visit"
		wait
		delay -
		ok "g1 is off, or its links are disabled, after visit $visit" is_safe 1
		note "COMMAND $(config_read "$g1" 4 2), links $(cut_links g1)"
		echo "$g1" >/sys/bus/pci/drivers/lab_driver/unbind 2>/dev/null
		memory 1 off
		sleep 4
	done
	killall -CONT lab_watch
	echo >"$(dev 1)/driver_override"
	ok "g1 is isolated in the end" wait_for 20 in_state 1 isolated
	is "its links" "$(cut_links g1)" 0x00150000
	ok "unloads" unload
}

# A write that is passed on is followed by no read. After a reset the first that switches decoding on is
# the gate's own, which reads registers.
judge() {
	is "writes that were passed on after a reset, and before the gate's next visit" "$(awk '
		/mark text=visits/ { mine = 1 }
		!mine || $2 != "g1" || $3 == "config-write" { next }
		$3 == "memory" && $4 == "off" && on { passed++ }
		{ on = 0 }
		$3 == "reset" { fresh = 1 }
		$3 == "read" { fresh = 0 }
		$3 == "memory" && $4 == "on" { on = fresh }
		END { print passed + 0 }' "$log")" 0
}
