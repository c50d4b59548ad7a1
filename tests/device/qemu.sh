# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Which QEMU the lab uses, and its parts in the cache: sourced by `build` and `qemu`.
#
# The lab wants QEMU 10.0 or newer (see `qemu`). Debian 12 has it in its backports, later releases
# have it as it is. It is unpacked, never installed, so that host and version do not depend on what
# the machine has; qemu-system-ppc among the host's packages brings the libraries that it needs.

here=$(cd "$(dirname "$0")" && pwd) || exit
# shellcheck source-path=SCRIPTDIR/../lab source=../lab/apt.sh
. "$here/../lab/apt.sh"

qemu_root=$apt_cache/qemu

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# The suite that has the QEMU for this host.
qemu_suite() {
	# shellcheck disable=SC1091 # the host's
	codename=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") ||
		die "this host is not Debian: /etc/os-release says so"
	case $codename in
	bookworm) echo bookworm-backports ;;
	*) echo "$codename" ;;
	esac
}

# qemu_unpack SUITE VERSION: the program and its firmware
qemu_unpack() {
	dest=$qemu_root/$2
	[ ! -e "$dest/usr/bin/qemu-system-x86_64" ] || return 0
	debs=$(apt_download "$1" "$(dpkg --print-architecture)" "$qemu_root/debs" \
		"qemu-system-ppc=$2" "qemu-system-x86=$2" qemu-system-common qemu-system-data \
		seabios) || exit
	tmp=$(mktemp -d "$qemu_root/.unpack.XXXXXX") || exit
	for deb in $debs; do
		dpkg -x "$deb" "$tmp" || die "cannot unpack $deb"
	done
	# What the source package is called that it was built from: lacks a rebuild's +bN.
	source=$(dpkg-deb -f "${debs%%
*}" Source)
	case $source in
	*\(*) source=${source#*\(} source=${source%\)} ;;
	*) source=$2 ;;
	esac
	echo "$source" >"$tmp/source-version"
	chmod 755 "$tmp"
	[ ! -d "$dest" ] || mv -T "$dest" "$dest.without-x86.$$"
	mv -T "$tmp" "$dest"
	rm -rf "$dest.without-x86.$$"
}

# qemu_refresh: unpack what the suite has today and make it the current one; print its directory
qemu_refresh() {
	suite=$(qemu_suite) || exit
	version=$(apt_version "$suite" "$(dpkg --print-architecture)" qemu-system-ppc) || exit
	major=${version#*:}
	major=${major%%.*}
	[ "$major" -ge 10 ] ||
		die "$suite has qemu-system-ppc $version, and the lab needs 10.0 or newer"
	mkdir -p "$qemu_root" || exit
	(
		flock 8 && qemu_unpack "$suite" "$version" &&
		ln -sfn "$version" "$qemu_root/.current" &&
		mv -T "$qemu_root/.current" "$qemu_root/current"
	) 8>>"$qemu_root/lock" || exit
	echo "$qemu_root/$version"
}
