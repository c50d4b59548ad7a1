# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the emulated GPU can play one with Function Level Reset, which the kernel and VFIO then
# prefer to a bus reset: the port above sees none of it.
#
# kernel: amd64-6.1
# boot: x86-flr
# alone: yes
# stray: yes

vfio_do() {
	client_do a "$@" >/run/answer || { cat /run/answer; return 1; }
}

guest() {
	# shellcheck source-path=SCRIPTDIR source=../lab/guest/unguarded.sh
	. /lab/unguarded.sh
	fresh
	remember
	is "the kernel's resets of g0" "$(cat "$(dev 0)/reset_method")" "flr bus"
	path "sysfs" 01 reset 0
	same "sysfs" "0 1"
	ok "by the port alone" sh -c "echo bus >$(dev 0)/reset_method"
	path "sysfs, by the port" 01 reset 0
	same "sysfs, by the port" "0 1"
	ok "each way again" sh -c "echo default >$(dev 0)/reset_method"
	ok "vfio-pci drives g0" vfio_bind 0
	client_start a 0
	path "VFIO open" 01 vfio_do open map memory-on
	path "VFIO reset" 01 vfio_do reset
	path "VFIO hot-reset" 01 vfio_do hot-reset
	path "VFIO close" 01 vfio_do close
	client_stop a
	vfio_unbind 0
}

# resets NAME REASON
resets() {
	is "resets of g0: $1" "$(count " g0 reset reason=$2\$" "$1" "after $1")" 1
	is "resets of g0 for other reasons: $1" "$(count " g0 reset " "$1" "after $1")" 1
	is "resets of g1: $1" "$(count ' g1 reset ' "$1" "after $1")" 0
	is "writes of bridge control: $1" \
		"$(($(count ' p0 config-write off=0x03e ' "$1" "after $1") > 0))" "$3"
}

judge() {
	for name in sysfs "VFIO open" "VFIO reset" "VFIO close"; do
		resets "$name" flr 0
	done
	resets "sysfs, by the port" bus 1
	resets "VFIO hot-reset" bus 1
}
