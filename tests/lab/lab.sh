# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034,SC2154 # $lab comes from the commands, the rest is for them
#
# What the lab's commands share; sourced with $lab set to the directory of this file.
#
#   lab_fail TEXT        end with TEXT on stderr
#   lab_need PROGRAM...  end unless every PROGRAM is there; ./packages lists where they come from
#   lab_kernel NAME      set kernel_suite and kernel_packages from the table of kernels
#   lab_arch NAME        set arch, Debian's name of the architecture that this kernel is for, karch,
#                        the kernel's name of it, and cross, the prefix of the compiler for it

# shellcheck source-path=SCRIPTDIR source=apt.sh
. "$lab/apt.sh"

lab_cache=$apt_cache
lab_top=$(cd "$lab/../.." && pwd) || exit
lab_build=$lab_top/build/lab

lab_fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

lab_need() {
	for lab_program in "$@"; do
		command -v "$lab_program" >/dev/null ||
			lab_fail "$lab_program not found; tests/lab/packages lists the packages needed"
	done
}

lab_kernel() {
	lab_line=$(awk -v name="$1" '$1 == name' "$lab/kernels")
	[ -n "$lab_line" ] || lab_fail "no kernel $1 in $lab/kernels, which has:" \
		"$(awk '!/^#/ { printf "%s ", $1 }' "$lab/kernels")"
	# shellcheck disable=SC2086 # the fields of the line
	set -- $lab_line
	kernel_suite=$2
	shift 2
	kernel_packages=$*
}

lab_arch() {
	case $1 in
	amd64-*) arch=amd64 karch=x86 cross='' ;;
	*) arch=ppc64el karch=powerpc cross=powerpc64le-linux-gnu- ;;
	esac
}
