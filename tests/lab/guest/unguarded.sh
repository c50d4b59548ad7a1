# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# What resets a GPU when no module guards it: sourced by the self tests of the lab on x86-64.
#
#   cut_all               disable all links of all GPUs, behind the kernel's back, until their
#                         next reset
#   kept                  one digit for each GPU: 1 if all of its links are still disabled, 0 if
#                         none is
#   path NAME KEPT CMD... cut_all, then take a path between the marks NAME and "after NAME". A
#                         result shows which GPUs kept their links disabled
#   same NAME "N..."      are COMMAND and BAR0 of these GPUs what they were at `remember`?
#   remember              keep COMMAND and BAR0 of all GPUs
#
# The judge counts the resets in the device's log between the two marks.

all_gpus() {
	lab_gpus | awk '{ print NR - 1 }'
}

cut_all() {
	for cut_n in $(all_gpus); do
		lab set "g$cut_n" mask 0x003f0005
	done
}

kept() {
	for kept_n in $(all_gpus); do
		case $(cut_links "g$kept_n") in
		0x003f0000) printf 1 ;;
		0x00000000) printf 0 ;;
		*) printf '?' ;;
		esac
	done
}

path() {
	path_name=$1 path_kept=$2
	shift 2
	cut_all
	lab mark "$path_name"
	ok "$path_name" "$@"
	lab mark "after $path_name"
	is "GPUs whose links are disabled after $path_name" "$(kept)" "$path_kept"
}

remember() {
	for first_n in $(all_gpus); do
		registers "$first_n" >"/run/first.$first_n"
	done
}

same() {
	for same_n in $2; do
		is "config of g$same_n after $1" "$(registers "$same_n")" "$(cat "/run/first.$same_n")"
	done
}
