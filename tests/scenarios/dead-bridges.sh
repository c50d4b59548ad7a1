# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that GPUs are not called isolated, and cannot be enabled, when a raw reset has taken the
# configuration of the bridges above them, which nobody restores.
#
# boot: redbud
# alone: yes

guest() {
	fresh
	load isolate=1
	raw_reset 2 "$(upstream 2)"
	usleep 2000000
	for n in 2 3; do
		nok "g$n is not called isolated" in_state $n isolated
		is "links of g$n" "$(sysfs $n disabled_links)" unknown
		nok "g$n cannot be enabled" enable_gpu $n
	done
	for n in 0 1; do
		is "g$n, behind another switch, is isolated" "$(sysfs $n state)" isolated
	done
	ok "unloads" unload
}

judge() {
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
