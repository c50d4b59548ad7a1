# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest cannot put off a verification by resets that reset nothing. EEH's fundamental reset
# does nothing to a GPU whose slot has no power control: mask, memory decoding and running work stay. Two
# guests in one domain make such a reset, and the administrator then puts them into different domains.
# While EEH blocks config space, the ports reset both GPUs at once. After DEACTIVATE the module disables
# the links. frozen shows what happens during the settle time. With gate=0 nobody is reset.
#
# boot: redbud
# kernel: 6.12

joined() {
	set_parameter domains "$(gpu 0)+$(gpu 1)"
	for n in 0 1; do
		reset "$n"
		ok "isolated while joined, g$n, $1" wait_for 20 in_state "$n" isolated
	done
	client_start a 0
	client_start b 1
	is "two clients open their GPUs, $1" "$({ client_do a open map memory-on eeh-enable
		client_do b open map memory-on eeh-enable; } | grep -c ': ok')" 8
}

parted() {
	lab mark "parted, $1"
	set_parameter domains gpu
	sleep 2
	lab mark "two seconds after parted, $1"
	for n in 0 1; do
		note "g$n, $1: $(sysfs "$n" state) $(sysfs "$n" last_error)"
	done
	sleep 1
	lab mark "three seconds after parted, $1"
}

left() {
	client_stop a
	client_stop b
	for n in 0 1; do
		ok "isolated in the end, g$n, $1" wait_for 90 in_state "$n" isolated
	done
}

guest() {
	fresh
	for n in 0 1; do lab set "p$n" no-power-control on; done
	load isolate=1
	vfio_bind 0
	vfio_bind 1

	joined blocked
	note "$(client_do a eeh-fundamental) $(client_do b eeh-fundamental)"
	parted blocked
	note "$(client_do a eeh-deactivate) $(client_do b eeh-deactivate)"
	left blocked

	joined deactivated
	note "$(client_do a eeh-fundamental eeh-deactivate eeh-unfreeze-io)"
	note "$(client_do b eeh-fundamental eeh-deactivate eeh-unfreeze-io)"
	parted deactivated
	left deactivated

	set_parameter gate 0
	joined ungated
	note "$(client_do a eeh-fundamental) $(client_do b eeh-fundamental)"
	parted ungated
	note "$(client_do a eeh-deactivate) $(client_do b eeh-deactivate)"
	left ungated
	vfio_unbind 0
	vfio_unbind 1
	for n in 0 1; do lab set "p$n" no-power-control off; done
	unload
}

judge() {
	segment() {
		log_segment "parted, $1" "two seconds after parted, $1"
	}
	for gpu in g0 g1; do
		is "$gpu is reset, blocked" "$(segment blocked | grep -c " $gpu reset reason=bus$")" 1
		is "$gpu is off, blocked" "$(segment blocked |
			awk -v gpu=$gpu '$2 == gpu && $3 == "memory" { is = $4 } END { print is }')" off
	done
	is "resets with gate=0" "$(segment ungated | grep -c ' reset reason=bus$')" 0
	is "resets of both begin and end, blocked" "$(segment blocked |
		awk '$2 ~ /^p[01]$/ && $4 == "off=0x03e" { printf "%s ", $6 }')" \
		"val=0x0042 val=0x0042 val=0x0002 val=0x0002 "
	for link in g0.0-g1.0 g0.2-g1.2 g0.4-g1.4; do
		is "$link is live two seconds after the guests were parted, deactivated" \
			"$(live_ns "$link" "two seconds after parted, deactivated" \
				"three seconds after parted, deactivated")" 0
	done
	is "order or bits violated" "$(count ' (violation|dropped) ')" 0
}
