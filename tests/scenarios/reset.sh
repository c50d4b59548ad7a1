# SPDX-License-Identifier: GPL-2.0-only
#
# Shows the main job: with isolate=1 every GPU's links to its neighbour are disabled at load and
# again after each reset, before the PCI core goes on, and config space is as without the module.
#
# x86: yes
# boot: redbud

gpus="0 1 2 3"

# Config space of the header and the power management capability, as words.
config() {
	hexdump -v -n 128 -e '1/4 "%08x "' "$(dev "$1")/config"
}

# Bridge control written as a part of a wider or a narrower write is a reset as well.
wide_writes() {
	p0=$(port 0)
	repair_bars "$(gpu 0)"
	for way in "0x3e 1" "0x3c 4"; do
		at=${way% *} bytes=${way#* } resets=$(sysfs 0 resets)
		bit=$((0x40 << (0x3e - at) * 8)) was=$(config_read "$p0" "$at" "$bytes")
		config_write "$p0" "$at" "$bytes" $((was | bit))
		is "g0 is pending by a write of $bytes bytes" "$(sysfs 0 state)" pending
		usleep 2000
		config_write "$p0" "$at" "$bytes" $((was & ~bit))
		ok "g0 is isolated after a write of $bytes bytes" wait_for 10 in_state 0 isolated
		is "resets of g0 by a write of $bytes bytes" "$(sysfs 0 resets)" $((resets + 1))
	done
	repair_bars "$(gpu 0)"
}

guest() {
	fresh
	lab mark "without the module"
	for n in $gpus; do
		ok "g$n resets without the module" reset "$n"
		config "$n" >"/run/config$n"
	done
	lab mark "load"
	ok "loads with isolate=1" load isolate=1
	lab mark "loaded"
	for n in $gpus; do
		is "g$n is isolated" "$(sysfs "$n" state)" isolated
		is "links of g$n that are disabled" "$(sysfs "$n" disabled_links)" 0,2,4
		is "links of g$n that have to be" "$(sysfs "$n" required_links)" 0,2,4
		is "resets of g$n" "$(sysfs "$n" resets)" 0
		is "g$n has no error" "$(sysfs "$n" last_error)" ""
		is "mask of g$n" "$(lab get "g$n" mask)" 0x00150005
		is "config space of g$n after load" "$(config "$n")" "$(cat "/run/config$n")"
	done
	is "peers of g0" "$(sysfs 0 peers)" "$(gpu 1) $(friend 0) $(gpu 1) $(friend 0) $(gpu 1) $(friend 0)"
	is "peers of g3" "$(sysfs 3 peers)" "$(gpu 2) $(friend 3) $(gpu 2) $(friend 3) $(gpu 2) $(friend 3)"

	for n in $gpus; do
		lab mark "reset g$n"
		ok "g$n resets" reset "$n"
		lab mark "after reset g$n"
		is "mask of g$n after its reset" "$(lab get "g$n" mask)" 0x00150005
		is "g$n is isolated again" "$(sysfs "$n" state)" isolated
		is "g$n shows its links" "$(sysfs "$n" disabled_links)" 0,2,4
		is "g$n counts the reset" "$(sysfs "$n" resets)" 1
		is "g$n counts the repair" "$(sysfs "$n" reapplied)" 1
		is "config space of g$n after its reset" "$(config "$n")" "$(cat "/run/config$n")"
	done
	for n in $gpus; do
		is "g$n was reset once" "$(sysfs "$n" resets)" 1
	done
	like "the log tells where the links lead" "$(dmesg_since)" \
		"$(gpu 0): nvlink_isolation: V100 SXM2 16 GB, NVLinks 0,2,4 to $(gpu 1); 1,3,5 to $(friend 0); isolate=1 disables 0,2,4"
	like "the log tells of the isolation" "$(dmesg_since)" \
		"$(gpu 0): nvlink_isolation: isolated: NVLinks 0,2,4 read back as disabled$"
	like "the log tells of the repair" "$(dmesg_since)" \
		"$(gpu 0): nvlink_isolation: isolated: NVLinks 0,2,4 read back as disabled after a reset"
	ok "a driver enables g0" enable_gpu 0
	lab mark "reset in use"
	ok "g0 resets with the driver bound" reset 0
	lab mark "after reset in use"
	is "mask of g0 then" "$(lab get g0 mask)" 0x00150005
	is "g0 is isolated then" "$(sysfs 0 state)" isolated
	disable_gpu 0
	wide_writes
	ok "unloads" unload
}

# mask_first GPU FROM TO FIELDS: in the log of a reset, was the mask there before the first config
# write of the PCI core that has FIELDS? Firmware and the module write other fields.
mask_first() {
	log_segment "$2" "$3" | awk -v gpu="$1" -v core="$4" '
		$2 != gpu { next }
		$3 == "reset" { reset = NR; mask = restored = 0 }
		$3 == "mask" && $4 == "val=0x00150005" && !mask { mask = NR }
		$3 == "config-write" && $4 " " $5 ~ core && reset && !restored { restored = NR }
		END { exit !(reset && mask && restored && mask < restored) }'
}

judge() {
	for gpu in g0 g1 g2 g3; do
		is "mask of $gpu by the device's log" "$(mask_at $gpu)" 0x00150005
		is "mask of $gpu when loaded" "$(mask_at $gpu loaded)" 0x00150005
		is "$gpu was reset" "$(count "$gpu reset reason=bus" "reset $gpu" "after reset $gpu")" 1
		# The link control registers of the PCIe capability: only the core writes them.
		ok "the mask of $gpu comes before the PCI core restores it" \
			mask_first $gpu "reset $gpu" "after reset $gpu" "off=0x0(88|a8) "
	done
	# Only the core writes status and command at once.
	ok "the mask of g0 in use comes before the core restores the command word" \
		mask_first g0 "reset in use" "after reset in use" "off=0x004 len=4"
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
	for link in $(links); do
		is "$link was live after the first mask" "$(live_ns "$link" loaded)" 0
		is "times $link became live" "$(count "link $link live" loaded)" 0
		ok "$link was live without the module" \
			test "$(live_ns "$link" "without the module" load)" -gt 0
	done
}
