# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a GPU whose reset is restored while enforcement ends is switched on, and is not mapped any more.
# The kernel's write may sleep in the gate then, until the GPU has settled, and finds no gate when it wakes
# up. On this kernel, which has no hook B, enforcement ends fast enough for that.
#
# kernel: amd64-5.10
# boot: x86-slots

guest() {
	fresh
	load isolate=0 audit_seconds=0
	ok "a driver has g0" enable_gpu 0
	others=$(mappings)
	ok "enforcement begins" set_parameter isolate 1
	rounds=0 off='' mapped=''
	for ms in 20 40 60 80 100 120 140 160 180 200 220 240; do
		ok "its links are disabled, $ms" apply 0
		is "decoding is on, $ms" $(($(config_read "$(gpu 0)" 4 2) & 2)) 2
		reset 0 &
		usleep $((ms * 1000))
		ok "enforcement ends, $ms" set_parameter isolate 0
		wait
		[ $(($(config_read "$(gpu 0)" 4 2) & 2)) = 2 ] || off="$off $ms"
		[ "$(mappings)" -le "$others" ] || mapped="$mapped $ms"
		memory 0 on
		rounds=$((rounds + 1))
		ok "enforcement begins again, $ms" set_parameter isolate 1
	done
	is "when enforcement ended so many ms after the reset, it was left off" "$off" ""
	is "and its BAR0 was left mapped" "$mapped" ""
	is "rounds" $rounds 12
	disable_gpu 0
	ok "unloads" unload
}

judge() {
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
