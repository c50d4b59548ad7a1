# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Makes machines for `nvlink-isolation --root`: directories that hold what the kernel and the module
# would show of one.
#
#   fake NAME                a new machine without anything; the others add to it
#   fake_gpu BDF PHANDLE GROUP [DEVICE]
#                            a GPU on PCI: the phandle of its node ("" for no node), its IOMMU group
#                            ("" for none)
#   fake_module NAME=VALUE.. the module is loaded, with these parameters, and with gate=1 unless given
#   fake_show BDF NAME=VALUE..  files that the module shows of a GPU; those not given are as of an
#                            isolated GPU with nothing to cut
#   fake_old BDF             the module is older than the gate, and lacks the files that came with it
#   fake_tree FIXTURE        the device tree, as files
#   fake_log TEXT..          records of the kernel's log
#   fake_kernel RELEASE      one that is installed; that which runs is, where nothing else is said
#   fake_installed VERSION [SRCVERSION]  a module that is installed for that kernel
#   fake_initramfs FILE..    an initramfs of that kernel, as fake_lister lists it

# shellcheck disable=SC2154 # $work, $dtb: set by who sources this
fake() {
	root=$work/$1 fake_release=''
	devices=$root/sys/bus/pci/devices
	mkdir -p "$devices" "$root/proc/sys/kernel" "$root/dev"
	echo 6.1.0-9-powerpc64le >"$root/proc/sys/kernel/osrelease"
	echo '#1 SMP Debian 6.1.27-1' >"$root/proc/sys/kernel/version"
	echo ppc64le >"$root/proc/sys/kernel/arch"
	echo 4096 >"$root/proc/sys/kernel/tainted"
	: >"$root/dev/kmsg"
}

# cells NUMBER...: as in a device tree, 32 bits each and big endian.
cells() {
	for cell in "$@"; do
		# shellcheck disable=SC2059 # that is how it writes bytes
		printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((cell >> 24 & 255)) \
			$((cell >> 16 & 255)) $((cell >> 8 & 255)) $((cell & 255)))"
	done
}

fake_gpu() {
	device=$devices/$1
	mkdir -p "$device"
	echo 0x10de >"$device/vendor"
	echo "${4:-0x1db1}" >"$device/device"
	if [ -n "$2" ]; then
		mkdir "$device/of_node"
		cells "$2" >"$device/of_node/phandle"
	fi
	[ -z "$3" ] || ln -s "../../../kernel/iommu_groups/$3" "$device/iommu_group"
}

fake_module() {
	module=$root/sys/module/nvlink_isolation
	mkdir -p "$module/parameters"
	echo 1.2.3 >"$module/version"
	for parameter in gate=1 "$@"; do
		echo "${parameter#*=}" >"$module/parameters/${parameter%%=*}"
	done
}

fake_show() {
	shown=$devices/$1/nvlink_isolation
	shift
	mkdir -p "$shown"
	for file in state=isolated required_links= disabled_links= domain=alone owner=none owner_means=none exposed_peers= joined_peers= held=0 \
		verified=never switched_on=0 refused=0 resets=0 reapplied=0 last_error= "peers=cpu cpu cpu cpu cpu cpu" "$@"; do
		echo "${file#*=}" >"$shown/${file%%=*}"
	done
}

fake_old() {
	(cd "$devices/$1/nvlink_isolation" && rm owner owner_means joined_peers verified switched_on refused)
}

# fake_node NODE DIR: a node's properties and children as files.
fake_node() {
	mkdir -p "$2"
	fdtget -p "$node_tree" "$1" | while read -r property; do
		# shellcheck disable=SC2046,SC2059 # a list of bytes, and that is how it writes them
		printf "$(printf '\\%03o' $(printf '0x%s ' \
			$(fdtget -t bx "$node_tree" "$1" "$property")))" >"$2/$property"
	done
	fdtget -l "$node_tree" "$1" | while read -r child; do
		fake_node "${1%/}/$child" "$2/$child"
	done
}

fake_tree() {
	node_tree=$dtb/$1.dtb
	fake_node / "$root/sys/firmware/devicetree/base"
}

fake_log() {
	for text in "$@"; do
		printf '6,339,5140900,-;%s\n SUBSYSTEM=pci\n' "$text"
	done >>"$root/dev/kmsg"
}

fake_kernel() {
	fake_release=$1
	mkdir -p "$root/lib/modules/$1"
	: >"$root/lib/modules/$1/modules.builtin"
}

fake_installed() {
	[ -n "$fake_release" ] || fake_kernel 6.1.0-9-powerpc64le
	modules=$root/lib/modules/$fake_release
	mkdir -p "$modules/updates"
	echo "const char v[] __attribute__((section(\".modinfo\"), used)) =" \
		"\"version=$1\" ${2:+\"\\0srcversion=$2\"};" |
		gcc -x c -c -o "$modules/updates/nvlink_isolation.ko" -
	/sbin/depmod -b "$root" "$fake_release" 2>/dev/null
	mkdir -p "$root/etc/modprobe.d"
	echo "options nvlink_isolation isolate=1" >"$root/etc/modprobe.d/nvlink-isolation.conf"
}

fake_initramfs() {
	mkdir -p "$root/boot"
	for file in bin/busybox "$@"; do
		echo "$file"
	done >"$root/boot/initrd.img-$fake_release"
}
