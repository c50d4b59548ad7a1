# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# A ppc64el Debian to install packages in, under qemu-user: sourced by the scripts here, with
# $package set to the directory of this file.
#
#   package_base         print a root that has DKMS and the lab's kernel's headers; made once and
#                        kept in the cache, named after what is in it: never to be written to
#   package_builder      print a root that has that and what building the packages needs; likewise
#   package_base_x86     print one of amd64 and this host's release, with headers of its kernel; likewise
#   in_root ROOT CMD...  run CMD in ROOT
#   in_builder DIR CMD.. run CMD in the second of them, with DIR as /mnt, where alone it can write
#   package_files DIR    put the project's files into DIR, also those that are not committed yet
#   package_rename DIR VERSION  have the project in DIR be another version; 0.0.1 has the modprobe.d file
#                        of 0.1.0 as well, and nothing that would take the softdeps out of it
#   package_rpms DIR VERSION [RELEASE]  build the RPMs of that version in DIR
#   results_of NAME CMD...  print the results of a test that prints TAP, and one more: did it run to its end?

# shellcheck source-path=SCRIPTDIR source=../lab/lab.sh
# shellcheck disable=SC2154 # set by the script that sources this
lab=$package/../lab
. "$lab/lab.sh"

[ "$(id -u)" = 0 ] || lab_fail "installing in a root of its own needs to be root"
lab_need debootstrap unshare chroot

# Without the last result nobody would miss the results of a test that was killed.
results_of() {
	part=$1
	shift
	"$@" | tee "$out/$part.tap" | sed -n 's/^\(\(not \)*ok\) [0-9]* - /\1 - /p; /^#/p'
	ok "$part ran to its end" grep -q '^1[.][.]' "$out/$part.tap"
}

in_root() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --fork sh -c '
		root=$1
		shift
		mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" &&
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' in_root "$@" </dev/null
}

in_builder() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --fork sh -c '
		root=$1 dir=$2
		shift 2
		mount --bind "$root" "$root" && mount --bind "$dir" "$root/mnt" &&
		mount -t tmpfs tmpfs "$root/tmp" && mount -t proc proc "$root/proc" &&
		mount --bind /dev "$root/dev" && mount -o remount,bind,ro "$root" &&
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			LC_ALL=C.UTF-8 "$@"' in_builder "$(package_builder)" "$@" </dev/null
}

package_files() {
	(cd "$lab_top" && git ls-files --cached --others --exclude-standard | while read -r file; do
		[ ! -e "$file" ] || echo "$file"
	done | cpio --quiet -pdm "$1")
}

package_rename() {
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$2\"/" "$1/dkms.conf" &&
	sed -i "1s/(.*)/($2)/" "$1/debian/changelog" &&
	sed -i "s/^\(Version: *\).*/\1$2/; s/^\(\* .* - \)[0-9.]*-/\1$2-/" \
		"$1/rpm/nvlink-isolation.spec" || return
	[ "$2" = 0.0.1 ] || return 0
	cp "$lab_top/tests/boot/0.1.0.conf" "$1/src/boot/nvlink-isolation.conf" &&
	printf '#!/bin/sh\n' >"$1/src/boot/retire-softdeps" &&
	echo src/boot/nvlink-isolation.conf etc/modprobe.d >"$1/debian/nvlink-isolation-dkms.install"
}

package_rpms() {
	rpms_source=$1/source/nvlink-isolation-$2
	rm -rf "$1"
	mkdir -p "$rpms_source" && package_files "$rpms_source" && package_rename "$rpms_source" "$2" &&
	sed -i "s/^Release: .*/Release: ${3:-1}/" "$rpms_source/rpm/nvlink-isolation.spec" &&
	tar -c --sort=name --mtime=@0 -z -C "$1/source" -f "$1/nvlink-isolation-$2.tar.gz" . &&
	rpmbuild --nodeps --define "_topdir $1" --define '_buildhost localhost' \
		-ta "$1/nvlink-isolation-$2.tar.gz"
}

# The host's kernel has to know what runs ppc64el programs.
package_binfmt() {
	binfmt=/proc/sys/fs/binfmt_misc
	[ -e $binfmt/register ] || mount -t binfmt_misc binfmt_misc $binfmt
	[ -e $binfmt/qemu-ppc64le ] || cat /usr/lib/binfmt.d/qemu-ppc64le.conf >$binfmt/register
}

# package_native ROOT PACKAGE PROGRAM...: replace these programs of a package in ROOT by those of this host,
# if they are of the same version. They print nothing of the machine that they run on.
package_native() {
	native_root=$1 native_package=$2
	shift 2
	# shellcheck disable=SC2016 # for dpkg-query; the same source may have been built again
	if [ "$(in_root "$native_root" dpkg-query -W -f '${source:Version}' "$native_package")" != \
		"$(dpkg-query -W -f '${source:Version}' "$native_package")" ]; then
		echo "$native_package is emulated: this host has another version" >&2
		return
	fi
	for program; do
		package_libraries "$native_root" "/usr/bin/$program" &&
		cp -L "/usr/bin/$program" "$native_root/usr/bin/.native" &&
		mv "$native_root/usr/bin/.native" "$native_root/usr/bin/$program" || return
	done
}

# package_libraries ROOT PROGRAM: what a program of this host is linked with
package_libraries() {
	for library in $(ldd "$2" | grep -o '/lib[^ ]*'); do
		mkdir -p "$1${library%/*}" && cp -L "$library" "$1$library" || return
	done
}

# package_natives ROOT: those that DKMS and Kbuild start hundreds of times. A build then takes half of the
# time. What asks for the machine, as uname does, and what handles packages stays emulated.
package_natives() {
	package_native "$1" bash bash && package_native "$1" coreutils mkdir rm &&
	package_native "$1" dash dash && package_native "$1" grep grep &&
	package_native "$1" make make && package_native "$1" mawk mawk &&
	package_native "$1" binutils-powerpc64le-linux-gnu powerpc64le-linux-gnu-as powerpc64le-linux-gnu-nm
}

# package_compiler ROOT: under qemu-user cc1 takes two thirds of the time of a DKMS build. Debian's cross
# compiler of the same version makes the same code, so its cc1 replaces the one in ROOT. The directories
# in which it looks for headers become links to those of ROOT.
package_compiler() {
	compiler_here=$(powerpc64le-linux-gnu-gcc -dumpfullversion) || return 0
	compiler_there=$(in_root "$1" gcc -dumpfullversion)
	if [ "$compiler_here" != "$compiler_there" ]; then
		echo "gcc $compiler_there is emulated: the cross compiler is $compiler_here" >&2
		return
	fi
	compiler_cc1=$(powerpc64le-linux-gnu-gcc -print-prog-name=cc1)
	package_libraries "$1" "$compiler_cc1" || return
	compiler_name=$(in_root "$1" gcc -print-prog-name=cc1)
	mkdir -p "$1$(dirname "${compiler_cc1%/*}")" "$1/usr/powerpc64le-linux-gnu" &&
	ln -s "${compiler_name%/*}" "$1${compiler_cc1%/*}" &&
	ln -s /usr/include "$1/usr/powerpc64le-linux-gnu/include" &&
	cp -L "$compiler_cc1" "$1$compiler_name"
}

# package_make_base: make $base. A debootstrap under qemu-user takes minutes: what it has made stays when
# a later step fails, and the next run continues from there.
package_make_base() {
	base_part=$base.part
	if [ ! -e "$base_part/debootstrapped" ]; then
		rm -rf "$base_part"
		mkdir "$base_part"
		base_mirror=$(apt_base Debian)
		debootstrap --arch=ppc64el --variant=minbase --include=dkms,kmod,make,gcc,libc6-dev \
			bookworm "$base_part" "$base_mirror" >&2 || lab_fail "debootstrap failed"
		: >"$base_part/debootstrapped"
	fi
	# Those of the very kernel that the lab boots
	apt_download bookworm ppc64el "$base_part/debs" \
		"linux-headers-$base_release=$base_version" \
		"linux-headers-${base_release%-powerpc64le}-common=$base_version" \
		"linux-kbuild-6.1=$base_version" >/dev/null || exit
	in_root "$base_part" sh -c 'apt-get -q -y install /debs/*.deb && apt-get clean &&
		rm -r /debs' >&2 || lab_fail "cannot install the kernel's headers"
	package_compiler "$base_part" || lab_fail "cannot install the compiler"
	package_natives "$base_part" || lab_fail "cannot install this host's programs"
	rm "$base_part/debootstrapped"
	mv -T "$base_part" "$base"
}

package_base() {
	package_binfmt >&2
	base_kernel=$("$lab/fetch" 6.1) || exit
	base_release=$(cat "$base_kernel/release")
	base_version=$(apt_version bookworm ppc64el "linux-headers-$base_release") || exit
	base=$lab_cache/root_bookworm_${base_version}_native
	[ -d "$base" ] || (
		flock 9 && { [ -d "$base" ] || package_make_base; }
	) 9>"$base.lock" || exit
	echo "$base"
}

# package_base_x86: print a root of amd64 of this host's release, on which the packages for amd64 are built, that
# has DKMS and the headers of its kernel, likewise
package_base_x86() {
	x86_suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	x86_release=$(apt_depends "$x86_suite" amd64 linux-headers-amd64 | grep '^linux-headers-[0-9]' | head -n 1)
	x86_version=$(apt_version "$x86_suite" amd64 "$x86_release") || exit
	x86_base=$lab_cache/root_x86_${x86_suite}_$x86_version
	[ -d "$x86_base" ] || (
		flock 9
		[ ! -d "$x86_base" ] || exit 0
		tmp=$(mktemp -d "$lab_cache/.x86.XXXXXX")
		chmod 755 "$tmp"
		debootstrap --arch=amd64 --variant=minbase --include=dkms,kmod,make,gcc,libc6-dev \
			"$x86_suite" "$tmp" "$(apt_base Debian)" >&2 || lab_fail "debootstrap failed"
		in_root "$tmp" sh -c "apt-get -q -y install --no-install-recommends linux-headers-amd64 &&
			apt-get clean" >&2 || lab_fail "cannot install the kernel's headers"
		mv -T "$tmp" "$x86_base"
	) 9>"$x86_base.lock" || exit
	echo "$x86_base"
}

package_builder() {
	builder_base=$(package_base) || exit
	builder=$lab_cache/builder_${builder_base##*/root_}
	if [ ! -d "$builder" ]; then
		builder_tmp=$(mktemp -d "$lab_cache/.builder.XXXXXX")
		cp -a "$builder_base/." "$builder_tmp/"
		in_root "$builder_tmp" sh -c 'apt-get -q update && apt-get -q -y install \
			--no-install-recommends build-essential debhelper libfdt-dev libjansson-dev \
			libkmod-dev && apt-get clean' >&2 ||
			lab_fail "cannot install what building the packages needs"
		mv -T "$builder_tmp" "$builder"
	fi
	echo "$builder"
}
