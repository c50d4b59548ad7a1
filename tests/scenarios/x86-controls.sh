# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module sees a port reset a GPU that nobody uses by the power of its slot or by its link.
# pciehp does not drive the port, so the GPU is not removed: its state would stay as it was. No audit
# looks meanwhile.
#
# kernel: amd64-6.1
# boot: x86-slots

# control NAME OFFSET BIT: the port of g0 sets BIT of the register at OFFSET of its PCIe capability, and
# clears it again.
control() {
	port_register 0 "$2" 2 >/run/control && control_value=$(cat /run/control) || return
	control_resets=$(sysfs 0 resets)
	lab mark "$1"
	# shellcheck disable=SC2154 # set by port_register
	config_write "$link_port" "$link_at" 2 $((control_value | $3))
	ok "$1: g0 is pending" wait_for 5 in_state 0 pending
	usleep 500000
	config_write "$link_port" "$link_at" 2 $((control_value & ~$3))
	ok "$1: g0 is isolated after it" wait_for 10 in_state 0 isolated
	is "$1: its links" "$(cut_links g0)" 0x003f0000
	is "$1: resets that the module counted" $(($(sysfs 0 resets) - control_resets)) 1
	lab mark "after $1"
}

guest() {
	fresh
	load isolate=1 audit_seconds=0
	ok "g0 is isolated" wait_for 10 in_state 0 isolated
	port_register 0 0 2 >/dev/null
	for service in /sys/bus/pci_express/drivers/pciehp/"$link_port":*; do
		echo "${service##*/}" >/sys/bus/pci_express/drivers/pciehp/unbind
	done
	is "ports that pciehp drives" "$(ls -d /sys/bus/pci_express/drivers/pciehp/"$link_port":* 2>/dev/null)" ""
	control "slot power" 0x18 0x400
	control "link disable" 0x10 0x10
	ok "unloads" unload
}

judge() {
	is "resets of g0 by slot power" "$(($(count ' g0 reset reason=power-on$' "slot power" "after slot power") > 0))" 1
	is "resets of g0 by its link" "$(($(count ' g0 reset reason=link-down$' "link disable" "after link disable") > 0))" 1
}
