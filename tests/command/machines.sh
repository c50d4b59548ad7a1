# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The machines that the command is shown: make_machines makes them. Of those in $machines there are
# screens.

# shellcheck disable=SC2034,SC2154 # for who sources this; from fake.sh
machines='redbud sequoia owned failed refused old off unloaded unknown none compound absent noid'

redbud_gpus() {
	fake_gpu 0004:04:00.0 0x201 1
	fake_gpu 0004:05:00.0 0x202 2
	fake_gpu 0035:03:00.0 0x203 3
	fake_gpu 0035:04:00.0 0x204 4
	# A network card
	fake_gpu 0003:01:00.0 '' 0 0x1657
	echo 0x14e4 >"$devices/0003:01:00.0/vendor"
}

# redbud_show BDF PEER NAME=VALUE..: what is shown of an isolated GPU, and what is not so
redbud_show() {
	redbud_gpu=$1 redbud_peer=$2
	shift 2
	fake_show "$redbud_gpu" required_links=0,2,4 disabled_links=0,2,4 verified=12 \
		"peers=$redbud_peer cpu $redbud_peer cpu $redbud_peer cpu" "$@"
}

# redbud: as it has to be. It is the one of which everything can be told.
redbud() {
	fake redbud
	redbud_gpus
	fake_module isolate=1 gate=1 audit_seconds=60 domains=group
	redbud_show 0004:04:00.0 0004:05:00.0 resets=3 reapplied=3 switched_on=8
	redbud_show 0004:05:00.0 0004:04:00.0 verified=88 resets=12 reapplied=11
	redbud_show 0035:03:00.0 0035:04:00.0
	redbud_show 0035:04:00.0 0035:03:00.0
	fake_tree redbud
	fake_installed 1.2.3
}

# sequoia: {0,1}{2} on the first socket, each alone on the second
sequoia() {
	fake sequoia
	redbud_gpus
	fake_gpu 0004:06:00.0 0x205 5
	fake_gpu 0035:05:00.0 0x206 6
	fake_module isolate=1 gate=1 audit_seconds=60 \
		domains=0004:04:00.0+0004:05:00.0,0004:06:00.0,0035:03:00.0,0035:04:00.0,0035:05:00.0
	fake_show 0004:04:00.0 required_links=2,3 disabled_links=2,3 joined_peers=0004:05:00.0 verified=0 domain=0 \
		"peers=0004:05:00.0 cpu 0004:06:00.0 0004:06:00.0 0004:05:00.0 cpu"
	fake_show 0004:05:00.0 required_links=2,3 disabled_links=2,3 joined_peers=0004:04:00.0 verified=59 domain=0 \
		"peers=0004:04:00.0 cpu 0004:06:00.0 0004:06:00.0 0004:04:00.0 cpu"
	fake_show 0004:06:00.0 required_links=0,1,2,4 disabled_links=0,1,2,4 verified=31 \
		"peers=0004:05:00.0 0004:04:00.0 0004:05:00.0 cpu 0004:04:00.0 cpu"
	fake_show 0035:03:00.0 required_links=0,2,3,4 disabled_links=0,2,3,4 verified=31 \
		"peers=0035:04:00.0 cpu 0035:05:00.0 0035:05:00.0 0035:04:00.0 cpu"
	fake_show 0035:04:00.0 required_links=0,2,3,4 disabled_links=0,2,3,4 verified=31 \
		"peers=0035:03:00.0 cpu 0035:05:00.0 0035:05:00.0 0035:03:00.0 cpu"
	fake_show 0035:05:00.0 required_links=0,1,2,4 disabled_links=0,1,2,4 verified=31 \
		"peers=0035:04:00.0 0035:03:00.0 0035:04:00.0 cpu 0035:03:00.0 cpu"
	fake_tree sequoia
}

# owned: a guest has the GPUs of the first socket, and the host one of the second
owned() {
	fake owned
	redbud_gpus
	fake_module isolate=1 gate=1 audit_seconds=60 domains=owner
	for gpu in 04 05; do
		redbud_show 0004:$gpu:00.0 0004:0$((9 - ${gpu#0})):00.0 required_links= disabled_links= domain=7 owner=7 \
			owner_means=kvm joined_peers=0004:0$((9 - ${gpu#0})):00.0
	done
	redbud_show 0035:03:00.0 0035:04:00.0 owner=host owner_means=driver domain=1
	redbud_show 0035:04:00.0 0035:03:00.0
	fake_tree redbud
}

# failed: one GPU failed, its peer is isolated; one answered, and not all links are cut
failed() {
	fake failed
	redbud_gpus
	fake_module isolate=1 gate=0 audit_seconds=60 domains=gpu
	redbud_show 0004:04:00.0 0004:05:00.0 resets=1 reapplied=1
	redbud_show 0004:05:00.0 0004:04:00.0 state=failed disabled_links=unknown verified=never resets=2 \
		reapplied=1 "last_error=register 0x12004c reads 0x00000004"
	redbud_show 0035:03:00.0 0035:04:00.0 state=failed disabled_links=0,2 exposed_peers=0035:04:00.0 verified=75 \
		"last_error=link disable mask reads 0x00050000, 0x00150000 is required, and this text goes on until it does not fit in one line"
	redbud_show 0035:04:00.0 0035:03:00.0 state=pending disabled_links=unknown verified=3 \
		exposed_peers=0035:03:00.0 "last_error=reset, and not verified since"
	ln -s ../../../bus/pci/drivers/vfio-pci "$devices/0035:04:00.0/driver"
	cells 0x303 0x304 >"$devices/0004:05:00.0/of_node/ibm,npu"
	cells 0x201 0x304 0x201 0x305 0x201 0x306 >"$devices/0004:05:00.0/of_node/ibm,nvlink-peers"
	fake_tree redbud
	mkdir -p "$root/sys/firmware/devicetree/base/ibm,opal/firmware"
	printf 'skiboot-v6.4\0' >"$root/sys/firmware/devicetree/base/ibm,opal/firmware/version"
	fake_log 'pci 0004:05:00.0: [10de:1db1] type 00 class 0x030200' \
		'nvlink_isolation: enforcement starts (isolate=1, gate=0)' \
		'vfio-pci 0004:05:00.0: nvlink_isolation: NOT isolated: register 0x12004c reads 0x00000004'
}

# refused: one GPU cannot be switched on; where one of its links leads is unknown, and one leads nowhere
refused() {
	fake refused
	redbud_gpus
	fake_module isolate=1 gate=1 audit_seconds=60
	fake_show 0004:04:00.0 state=failed held=1 required_links=0,2,3,4,5 disabled_links=unknown \
		"peers=0004:05:00.0 cpu 0004:05:00.0 unknown 0004:05:00.0 none" \
		"exposed_peers=0004:05:00.0 unknown" resets=7 reapplied=6 refused=2 \
		"last_error=no response to a read of register 0xa00148"
	redbud_show 0004:05:00.0 0004:04:00.0 state=pending disabled_links=unknown verified=7 \
		exposed_peers=0004:04:00.0 "last_error=not reachable: its reset is too recent"
	redbud_show 0035:03:00.0 0035:04:00.0
	fake_show 0035:04:00.0 state=unsupported required_links=0,2,4 disabled_links=unknown \
		"peers=0035:03:00.0 cpu 0035:03:00.0 cpu 0035:03:00.0 cpu" \
		"last_error=PMC_BOOT_0 reads 0x130000a1, which is not a GV100"
}

# old: the module is from before the gate, and lacks verified and joined_peers
old() {
	fake old
	fake_gpu 0004:04:00.0 0x201 1
	fake_gpu 0004:05:00.0 0x202 2
	fake_module isolate=1 gate=1 audit_seconds=60 domains=group
	redbud_show 0004:04:00.0 0004:05:00.0 resets=1 reapplied=1
	redbud_show 0004:05:00.0 0004:04:00.0 state=failed held=1 disabled_links=unknown last_error=
	fake_old 0004:04:00.0
	fake_old 0004:05:00.0
}

# off: the module only observes
off() {
	fake off
	redbud_gpus
	fake_module isolate=0 gate=1 audit_seconds=60 domains=group
	redbud_show 0004:04:00.0 0004:05:00.0 state=off disabled_links=unknown verified=never \
		exposed_peers=0004:05:00.0
	redbud_show 0004:05:00.0 0004:04:00.0 state=off disabled_links=unknown verified=never \
		exposed_peers=0004:04:00.0
	redbud_show 0035:03:00.0 0035:04:00.0 state=off disabled_links=unknown verified=never \
		exposed_peers=0035:04:00.0
	redbud_show 0035:04:00.0 0035:03:00.0 state=off disabled_links=unknown verified=never \
		exposed_peers=0035:03:00.0
}

# unloaded: without the module
unloaded() {
	fake unloaded
	redbud_gpus
	fake_tree redbud
}

# unknown: the module is loaded and shows nothing of the GPU
unknown() {
	fake unknown
	fake_gpu 0004:04:00.0 0x201 1
	fake_module isolate=1
}

# claimed: a GPU of which each test shows other files, all with the state isolated
claimed() {
	fake claimed
	fake_gpu 0004:04:00.0 0x201 1
	fake_module isolate=1 gate=1 audit_seconds=60 domains=gpu
}

none() {
	fake none
}

# amd64: an x86-64 host without the module
amd64() {
	fake amd64
	echo x86_64 >"$root/proc/sys/kernel/arch"
	fake_gpu 0004:04:00.0 '' 1
	fake_gpu 0004:05:00.0 '' 2
}

# listed: a list joins the GPUs of the first socket
listed() {
	fake listed
	redbud_gpus
	fake_module isolate=1 domains=0004:04:00.0+0004:05:00.0
	fake_tree redbud
}

# pc: an x86-64 host with one declared link, within a domain
pc() {
	fake pc
	echo x86_64 >"$root/proc/sys/kernel/arch"
	fake_gpu 0000:06:00.0 '' 1
	fake_gpu 0000:07:00.0 '' 2
	fake_module isolate=1 domains=$pc_domains links=0000:06:00.0.1-0000:07:00.0.4
	# The empty tree of a kernel that has the code for trees
	mkdir -p "$root/sys/firmware/devicetree/base"
	: >"$root/sys/firmware/devicetree/base/name"
	mkdir -p "$root/sys/class/dmi/id"
	echo 'DGX-1 with V100' >"$root/sys/class/dmi/id/product_name"
	echo 5.11 >"$root/sys/class/dmi/id/bios_version"
	echo 'flr bus' >"$devices/0000:06:00.0/reset_method"
	: >"$devices/0000:07:00.0/reset_method"
	fake_show 0000:06:00.0
	fake_show 0000:07:00.0
}
pc_domains=0000:06:00.0+0000:07:00.0

# compound: the first socket is one IOMMU group, as before Linux 5.13
compound() {
	fake compound
	fake_gpu 0004:04:00.0 0x201 3
	fake_gpu 0004:05:00.0 0x202 3
	fake_module isolate=1 gate=1 audit_seconds=60 domains=group
	redbud_show 0004:04:00.0 0004:05:00.0 required_links= disabled_links=unknown verified=never \
		joined_peers=0004:05:00.0 domain=3
	redbud_show 0004:05:00.0 0004:04:00.0 required_links= disabled_links=unknown verified=never \
		joined_peers=0004:04:00.0 domain=3
	fake_tree group
}

# absent: the tree has a GPU that is not on PCI, and PCI has one that is not in the tree
absent() {
	fake absent
	fake_gpu 0004:04:00.0 0x201 1
	fake_gpu 0035:03:00.0 0x203 1
	fake_gpu 0035:04:00.0 0x204 1
	fake_gpu 0040:01:00.0 '' 1
	fake_tree redbud
}
absent_domains=0004:04:00.0+0004:05:00.0,0035:03:00.0+0035:04:00.0,0001:02:03.4

# noid: the tree does not say that the second GPU is one; PCI does
noid() {
	fake noid
	redbud_gpus
	fake_tree redbud-noid
}

# odd: the module shows what it never would
odd() {
	fake odd
	fake_gpu 0004:04:00.0 0x201 1
	fake_module isolate=1
	fake_show 0004:04:00.0 'required_links=0;2'
}

# gapped: a file is missing that a report can do without
gapped() {
	redbud
	mv "$work/redbud" "$work/gapped"
	rm "$work/gapped/sys/bus/pci/devices/0004:04:00.0/nvlink_isolation/resets"
	redbud
}

# unequal: two GPUs that count other links to each other, and one behind Intel's VMD
unequal() {
	fake unequal
	fake_gpu 0004:04:00.0 0x201 1
	fake_gpu 0004:05:00.0 0x202 2
	fake_gpu 10000:01:00.0 '' 3
	fake_module isolate=1
	fake_show 0004:04:00.0 state=failed held=1 required_links=0,1 disabled_links=unknown \
		exposed_peers=0004:05:00.0 "peers=0004:05:00.0 0004:05:00.0 cpu cpu cpu cpu"
	fake_show 0004:05:00.0 required_links=0 disabled_links=0 \
		"peers=0004:04:00.0 none cpu cpu cpu cpu"
	fake_show 10000:01:00.0
}

# blind: which device this is cannot be read
blind() {
	fake blind
	fake_gpu 0004:04:00.0 0x201 1
	rm "$devices/0004:04:00.0/device"
	fake_module isolate=1
}

# halfread, halfblind: the first GPU cannot be read, and the second is not isolated
halfread() {
	fake halfread
	fake_gpu 0004:04:00.0 0x201 1
	fake_gpu 0004:05:00.0 0x202 2
	fake_module isolate=1 gate=1 audit_seconds=60 domains=gpu
	fake_show 0004:04:00.0 peers=
	fake_show 0004:05:00.0 state=failed "last_error=no answer"
	cp -a "$root" "$work/halfblind"
	rm "$work/halfblind/sys/bus/pci/devices/0004:04:00.0/device"
	for id in '' 0x 1db1x 0x11db1 -1 ' 0x1db1' none; do
		cp -a "$root" "$work/garbled$id"
		echo "$id" >"$work/garbled$id/sys/bus/pci/devices/0004:04:00.0/device"
	done
}

# mixed: a V100 that is isolated, and GPUs with NVLinks that nothing disables
mixed() {
	fake mixed
	fake_gpu 0004:04:00.0 0x201 1
	fake_gpu 0004:05:00.0 '' 2 0x15f9
	fake_gpu 0004:06:00.0 '' 3 0x1db8
	fake_gpu 0004:07:00.0 '' 4 0x20b0
	# The next board of a chip
	fake_gpu 0004:08:00.0 '' 5 0x20cc
	# A PCIe board, and one that firmware knows to have NVLinks
	fake_gpu 0004:09:00.0 '' 6 0x1db4
	fake_gpu 0004:0a:00.0 0x20a 7 0x1db3
	cells 0x301 >"$devices/0004:0a:00.0/of_node/ibm,npu"
	fake_module isolate=1 domains=gpu
	fake_show 0004:04:00.0
}

# Device trees that cannot be read as a whole. bent: a link in it. empty: nothing in it. blunt: no
# property 'compatible'. linked: the directory is a link, as it may be. shut: for root only, in part.
bent() {
	fake bent
	fake_gpu 0004:04:00.0 0x201 1
	fake_tree redbud
	ln -s pciex@600c3c0400000 "$root/sys/firmware/devicetree/base/other"
}

empty() {
	fake empty
	fake_gpu 0004:04:00.0 0x201 1
	mkdir -p "$root/sys/firmware/devicetree/base"
}

blunt() {
	fake blunt
	fake_gpu 0004:04:00.0 0x201 1
	fake_tree redbud
	rm "$root/sys/firmware/devicetree/base/compatible"
}

linked() {
	fake linked
	redbud_gpus
	fake_tree redbud
	mv "$root/sys/firmware/devicetree/base" "$root/sys/firmware/devicetree/tree"
	ln -s tree "$root/sys/firmware/devicetree/base"
}

# dangling: the directory is a link to nothing
dangling() {
	fake dangling
	redbud_gpus
	mkdir -p "$root/sys/firmware/devicetree"
	ln -s nothing "$root/sys/firmware/devicetree/base"
}

shut() {
	fake shut
	redbud_gpus
	fake_tree redbud
	echo secret >"$root/sys/firmware/devicetree/base/security-password"
	chmod 400 "$root/sys/firmware/devicetree/base/security-password"
	cp -a "$root" "$work/shut2"
	cp -a "$root" "$work/shut3"
	chmod 400 "$work/shut2/sys/firmware/devicetree/base/model"
	chmod 700 "$work/shut3/sys/firmware/devicetree/base/pciex@600c3c0400000"
	for n in 4 5 6; do
		cp -a "$root" "$work/shut$n"
	done
	chmod 700 "$work/shut4/sys/firmware/devicetree/base"
	chmod 700 "$work/shut5/sys/firmware/devicetree"
	chmod 600 "$work/shut6/sys/bus/pci/devices/0004:05:00.0/of_node/phandle"
}

# upgraded: another module is installed than is loaded, and the initramfs has none
upgraded() {
	fake upgraded
	fake_gpu 0004:04:00.0 '' 1
	fake_module isolate=1 domains=gpu
	echo AAAA >"$module/srcversion"
	fake_show 0004:04:00.0
	fake_installed 1.2.4 BBBB
	fake_initramfs lib/modules/6.1.0-9-powerpc64le/updates/dkms/nvlink_isolation_not.ko \
		etc/modprobe.d/nvlink_isolation.ko.conf/none
}

# rebuilt: one of the same version, from other source; and the initramfs has it
rebuilt() {
	fake rebuilt
	fake_gpu 0004:04:00.0 '' 1
	fake_module isolate=1 domains=gpu
	echo AAAA >"$module/srcversion"
	fake_show 0004:04:00.0
	fake_installed 1.2.3 BBBB
	fake_initramfs lib/modules/6.1.0-9-powerpc64le/updates/dkms/nvlink_isolation.ko.xz
}

# same: the very one that is loaded; and the initramfs is from before it was installed
same() {
	fake same
	fake_gpu 0004:04:00.0 '' 1
	fake_module isolate=1 domains=gpu
	echo AAAA >"$module/srcversion"
	fake_show 0004:04:00.0
	fake_installed 1.2.3 AAAA
	fake_initramfs lib/modules/6.1.0-9-powerpc64le/updates/dkms/nvlink_isolation.ko
	touch -d 2020-01-01 "$root/boot/initrd.img-6.1.0-9-powerpc64le"
}

# boots: a kernel for each thing that may be wrong at boot.
boots() {
	ko=updates/dkms/nvlink_isolation.ko.xz
	rule=usr/lib/udev/rules.d/70-nvlink-isolation.rules
	conf=etc/modprobe.d/nvlink-isolation.conf
	fake boots
	mkdir -p "$root/sys/firmware/devicetree/base"
	printf 'ibm,witherspoon\0ibm,powernv\0' >"$root/sys/firmware/devicetree/base/compatible"
	fake_kernel 6.1.0-9-powerpc64le
	fake_installed "$version"
	fake_initramfs "lib/modules/$fake_release/$ko" $rule $conf
	fake_kernel 6.1.0-10-powerpc64le
	fake_initramfs $rule $conf
	fake_kernel 6.2.0-1-powerpc64le
	fake_installed 0.0.1
	fake_initramfs "lib/modules/$fake_release/$ko" $rule $conf
	fake_kernel 6.3.0-1-powerpc64le
	fake_installed "$version"
	fake_initramfs "lib/modules/$fake_release/$ko" $rule-not lib/71-nvlink-isolation-required.rules \
		$conf
	fake_kernel 6.4.0-1-powerpc64le
	fake_installed "$version"
	fake_initramfs "lib/modules/$fake_release/$ko" $rule $conf
	# Of Arch, which names the files in /boot by pkgbase
	fake_kernel 6.6.0-arch1-1
	fake_installed "$version"
	fake_initramfs "lib/modules/$fake_release/$ko" $rule $conf
	mv "$root/boot/initrd.img-$fake_release" "$root/boot/initramfs-linux-lts.img"
	echo linux-lts >"$root/lib/modules/$fake_release/pkgbase"
	: >"$root/boot/vmlinuz-linux-lts"
	fake_kernel 6.5.0-1-powerpc64le
	fake_installed "$version"
	# The files that these initramfs have are made above, and one of them is too old.
	touch -d 2100-01-01 "$root"/boot/init*
	touch -d 2020-01-01 "$root/boot/initrd.img-6.4.0-1-powerpc64le"
	# One that has nothing but an image
	: >"$root/boot/vmlinux-5.4.0-1-powerpc64le"
	# Second files of a kernel
	: >"$root/boot/vmlinux-6.1.0-9-powerpc64le.gz"
	: >"$root/boot/vmlinuz-6.1.0-9-powerpc64le.old"
	# A rescue image of dracut
	: >"$root/boot/vmlinuz-0-rescue-3a0f1e52c1b94c6f8a7b1d2e3f405162"
	# What a kernel leaves behind that was removed
	fake_kernel 5.10.0-1-powerpc64le
	rm "$root/lib/modules/$fake_release/modules.builtin"
}

# logs: what a log has about GPUs and what is above them, and about others
logs_wanted='nvlink_isolation: enforcement starts
EEH: Frozen PHB#4-PE#fd detected
EEH: PE location: GPU0, PHB location: N/A
PCI 0004:05:00.0#fd: EEH: Invoking vfio-pci->error_detected(IO frozen)
pcieport 0004:02:0b.0: AER: Corrected error received: 0004:02:0b.0
pcieport 0004:02:0b.0: PCIe Bus Error: severity=Corrected, type=Physical Layer
vfio-pci 0004:05:00.0: reset recovery - restoring BARs
PHB4 PHB#4 Diag-data (Version: 1)'

logs() {
	fake logs
	redbud_gpus
	mkdir -p "$root/sys/devices/pci0004:00/0004:00:00.0/0004:01:00.0/0004:02:0b.0"
	mv "$devices/0004:05:00.0" "$root/sys/devices/pci0004:00/0004:00:00.0/0004:01:00.0/0004:02:0b.0/"
	ln -s ../../../devices/pci0004:00/0004:00:00.0/0004:01:00.0/0004:02:0b.0/0004:05:00.0 "$devices/"
	printf '%s\n' "$logs_wanted" | while read -r line; do
		fake_log "$line"
	done
	# Of a network card, of a port that no GPU is below, and of no event
	fake_log 'EEH: Frozen PHB#3-PE#1 detected' 'EEH: PE location: slot 3, PHB location: N/A' \
		'PCI 0003:01:00.0#1: EEH: Invoking tg3->error_detected(IO frozen)' \
		'pcieport 0004:02:0a.0: AER: Corrected error received: 0004:02:0a.0' \
		'vfio-pci 0003:01:00.0: enabling device (0140 -> 0142)' 'EEH: PowerNV platform initialized' \
		'pci 0004:05:00.0: [10de:1db1] type 00 class 0x030200'
	cp -a "$root" "$work/unlogged"
	cp -a "$root" "$work/shutlog"
	rm "$work/unlogged/dev/kmsg"
	chmod 600 "$work/shutlog/dev/kmsg"
}

make_machines() {
	for machine in $machines claimed logs odd gapped unequal blind halfread upgraded rebuilt same boots mixed amd64 listed pc bent empty blunt linked dangling shut; do
		$machine
	done
}
