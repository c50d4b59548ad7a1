# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Packages of any Debian suite and architecture, through apt, without touching the machine's own
# apt configuration: sourced by what needs downloads (tests/lab, tests/device). A SUITE+security is
# that suite with its security updates.
#
#   apt_prepare  SUITE ARCH                  fetch the package lists (at most once a day)
#   apt_version  SUITE ARCH PACKAGE          print the candidate version
#   apt_versions SUITE ARCH PACKAGE...       print PACKAGE=VERSION of each, one per line
#   apt_depends  SUITE ARCH PACKAGE          print the packages it depends on, one per line
#   apt_download SUITE ARCH DIR PACKAGE...   put PACKAGE[=VERSION] into DIR, print the files' paths
#   apt_source   SUITE PACKAGE VERSION DIR   put the source package of exactly VERSION into DIR,
#                                            print the path of its .dsc
#   apt_orig     SUITE PACKAGE VERSION DIR   put no more than its upstream tarball into DIR, print
#                                            the path
#
# All but the first prepare what they need by themselves. ARCH `source` stands for source packages.
# Everything lives under the cache and appears there by rename, so an interrupted run leaves
# nothing half done; a lock per SUITE and ARCH keeps parallel runs apart. Each function returns
# non-zero after a sentence on stderr: call them where `set -e` or `||` sees it.

apt_cache=${NVLINK_ISOLATION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nvlink-isolation}
apt_root=$apt_cache/apt
apt_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

apt_fail() {
	echo "apt.sh: $*" >&2
	return 1
}

# apt_base LABEL: the mirror of the machine's own source with that label. apt itself reads the
# sources, so their format does not matter.
apt_base() {
	# shellcheck disable=SC2016 # $(...) is apt's own notation
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
	awk -F '|' -v label="$1" '$1 == "Debian" && $2 == label { print $3; exit }'
}

# apt_sources SUITE ARCH: the private sources.list, checked with Debian's own keys. Updates are only for
# a SUITE+security: in the hours after an update of the kernel its signed packages lag behind the others,
# so no headers can be installed, and mirrors are now and then inconsistent. The lab faces no network.
apt_sources() {
	apt_deb=deb
	[ "$2" != source ] || apt_deb=deb-src
	apt_main=$(apt_base Debian) || return
	[ -n "$apt_main" ] || {
		apt_fail "no Debian mirror among the package lists of this machine (try: apt-get update)"
		return
	}
	[ -e "$apt_keyring" ] || {
		apt_fail "no $apt_keyring (package debian-archive-keyring)"
		return
	}
	apt_deb="$apt_deb [signed-by=$apt_keyring]"
	apt_release=${1%+security}
	echo "$apt_deb $apt_main $apt_release main"
	[ "$1" != "$apt_release" ] || return 0
	apt_security=$(apt_base Debian-Security) || return
	echo "$apt_deb $apt_main $apt_release-updates main"
	[ -z "$apt_security" ] || echo "$apt_deb $apt_security $apt_release-security main"
}

# apt_run DIR ARCH COMMAND ARG...: an apt command that knows nothing but the lists in DIR.
# The date of a frozen or testing mirror's Release file can be past; its signature still counts.
# Indexes of neither translations nor applications are wanted, nor the machine's own update hooks.
apt_run() {
	apt_dir=$1 apt_arch=$2 apt_command=$3
	shift 3
	[ "$apt_arch" != source ] || apt_arch=$(dpkg --print-architecture) || return
	"$apt_command" -q -o Dir::Etc::sourcelist="$apt_dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State::Lists="$apt_dir/lists" -o Dir::State::status=/dev/null \
		-o Dir::Cache="$apt_dir/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Architecture="$apt_arch" -o APT::Architectures="$apt_arch" \
		-o APT::Sandbox::User=root -o APT::Update::Post-Invoke-Success= \
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Acquire::Retries=3 "$@"
}

# apt_locked MODE SUITE ARCH FUNCTION ARG...: run FUNCTION in a subshell under the lock of the
# lists; MODE is -x to change and -s to use them.
apt_locked() {
	apt_mode=$1 apt_lock=$apt_root/$2-$3.lock
	shift 3
	mkdir -p "$apt_root" || return
	(
		flock "$apt_mode" 9 || exit
		"$@"
	) 9>>"$apt_lock"
}

apt_update() {
	apt_run "$1" "$2" apt-get -qq --error-on=any update >&2
}

apt_fetch_lists() {
	apt_lists=$apt_root/$1-$2
	# Somebody else may have done it while this run waited for the lock.
	[ -z "$(find "$apt_lists/stamp" -mmin -1440 2>/dev/null)" ] || return 0
	rm -rf "$apt_lists.new"
	mkdir -p "$apt_lists.new/lists/partial" "$apt_lists.new/cache/archives/partial" &&
	apt_sources "$1" "$2" >"$apt_lists.new/sources.list" || return
	if ! apt_update "$apt_lists.new" "$2"; then
		[ -e "$apt_lists/stamp" ] || {
			apt_fail "cannot fetch the package lists of $1 for $2"
			return
		}
		echo "apt.sh: cannot renew the package lists of $1 for $2: using the old" >&2
		return 0
	fi
	: >"$apt_lists.new/stamp"
	rm -rf "$apt_lists" && mv "$apt_lists.new" "$apt_lists"
}

apt_prepare() {
	[ -z "$(find "$apt_root/$1-$2/stamp" -mmin -1440 2>/dev/null)" ] || return 0
	apt_locked -x "$1" "$2" apt_fetch_lists "$1" "$2"
}

# apt_show SUITE ARCH PACKAGE...
apt_show() {
	apt_from=$apt_root/$1-$2 apt_of=$2
	shift 2
	apt_run "$apt_from" "$apt_of" apt-cache --no-all-versions show "$@"
}

# apt_field SUITE ARCH PACKAGE FIELD
apt_field() {
	apt_prepare "$1" "$2" || return
	apt_value=$(apt_locked -s "$1" "$2" apt_show "$1" "$2" "$3" | sed -n "s/^$4: //p" | head -n 1)
	[ -n "$apt_value" ] || {
		apt_fail "$1 has no package $3 for $2"
		return
	}
	printf '%s\n' "$apt_value"
}

apt_version() {
	apt_field "$1" "$2" "$3" Version
}

apt_versions() {
	apt_prepare "$1" "$2" || return
	apt_found=$(apt_locked -s "$1" "$2" apt_show "$@" | awk '
		$1 == "Package:" { package = $2 }
		$1 == "Version:" { print package "=" $2 }')
	apt_in="$1 for $2"
	shift 2
	for apt_package in "$@"; do
		printf '%s\n' "$apt_found" | grep "^$apt_package=" || {
			apt_fail "$apt_in has no package $apt_package"
			return
		}
	done
}

apt_depends() {
	apt_names=$(apt_field "$1" "$2" "$3" Depends) || return
	# The first of alternatives, without version and architecture.
	printf '%s\n' "$apt_names" | tr ',' '\n' | sed 's/^ *//; s/[ (:|].*//'
}

# The file names of `--print-uris` lines.
apt_names() {
	sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p"
}

apt_fetch_debs() {
	apt_from=$apt_root/$1-$2 apt_to=$3 apt_of=$2
	shift 3
	apt_tmp=$(mktemp -d "$apt_to/.download.XXXXXX") || return
	trap 'rm -rf "$apt_tmp"' EXIT
	cd "$apt_tmp" || return
	for apt_package in "$@"; do
		# The exact version is in the file's name.
		apt_file=$(apt_run "$apt_from" "$apt_of" apt-get download --print-uris \
			"$apt_package" | apt_names)
		[ -n "$apt_file" ] || {
			apt_fail "cannot find $apt_package for $apt_of in ${apt_from##*/}"
			return
		}
		if [ ! -e "$apt_to/$apt_file" ]; then
			apt_run "$apt_from" "$apt_of" apt-get -qq download "$apt_package" >&2 || {
				apt_fail "cannot download $apt_package for $apt_of"
				return
			}
			mv "$apt_file" "$apt_to/" || return
		fi
		printf '%s\n' "$apt_to/$apt_file"
	done
}

apt_download() {
	apt_prepare "$1" "$2" && mkdir -p "$3" || return
	apt_locked -s "$1" "$2" apt_fetch_debs "$@"
}

apt_fetch_source() {
	apt_to=$4
	apt_tmp=$(mktemp -d "$apt_to/.download.XXXXXX") || return
	trap 'rm -rf "$apt_tmp"' EXIT
	cd "$apt_tmp" || return
	apt_run "$apt_root/$1-source" source apt-get -qq source --only-source --download-only \
		"$2=$3" >&2 || {
		apt_fail "cannot download the source of $2 $3 from $1"
		return
	}
	mv -- * "$apt_to/" && printf '%s\n' "$apt_to"/"$2"_*.dsc
}

apt_source() {
	# A .dsc is named by its version without the epoch; it arrives last of its files.
	if [ -e "$4/$2_${3#*:}.dsc" ]; then
		printf '%s\n' "$4/$2_${3#*:}.dsc"
		return 0
	fi
	apt_prepare "$1" source && mkdir -p "$4" || return
	apt_locked -s "$1" source apt_fetch_source "$@"
}

apt_fetch_orig() {
	apt_to=$4
	# 'URI' NAME SIZE HASH-TYPE:HASH, of each file of the source package
	apt_line=$(apt_run "$apt_root/$1-source" source apt-get source --only-source --print-uris \
		"$2=$3" | grep "^'[^']*' [^ ]*\.orig\.tar\.[a-z0-9]* ")
	# shellcheck disable=SC2086 # split on purpose
	set -- "$1" "$2" "$3" $apt_line
	[ $# -eq 7 ] || {
		apt_fail "$1 has no source of $2 $3"
		return
	}
	if [ ! -e "$apt_to/$5" ]; then
		apt_tmp=$(mktemp -d "$apt_to/.download.XXXXXX") || return
		trap 'rm -rf "$apt_tmp"' EXIT
		apt_uri=${4#?}
		/usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file \
			"${apt_uri%?}" "$apt_tmp/$5" "$7" >&2 || {
			apt_fail "cannot download $5"
			return
		}
		mv "$apt_tmp/$5" "$apt_to/" || return
	fi
	printf '%s\n' "$apt_to/$5"
}

apt_orig() {
	apt_prepare "$1" source && mkdir -p "$4" || return
	apt_locked -s "$1" source apt_fetch_orig "$@"
}
