#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A module of dracut: nvlink_isolation, its udev rules and its options are in each initramfs. It does not
# depend on isolate=1: without it the module only observes.
#
# shellcheck disable=SC2154 # $dracutsysrootdir, $kernel and others are dracut's

# called by dracut
check() {
	return 0
}

# called by dracut
depends() {
	echo kernel-modules udev-rules
}

# called by dracut. hostonly: the host that makes the image may have no GPU yet.
installkernel() {
	if ! hostonly='' instmods -c -s nvlink_isolation; then
		dwarn "nvlink_isolation: no module is built for $kernel, so on that kernel GPUs are NOT isolated." \
			"See: dkms status nvlink-isolation"
	fi
}

# called by dracut. An image that is not for one host alone gets no file of /etc/modprobe.d from dracut.
install() {
	local file

	inst_rules 70-nvlink-isolation.rules
	for file in /etc/udev/rules.d/71-nvlink-isolation-required.rules \
		/usr/lib/nvlink-isolation/guard \
		$(grep -ls 'nvlink[-_]isolation' {/etc,/usr/local/lib,/usr/lib}/modprobe.d/*.conf); do
		[ ! -e "$dracutsysrootdir$file" ] || inst_simple "$file"
	done
}
