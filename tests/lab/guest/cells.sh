# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Cells of a matrix: each way to reset a GPU, with each kind of driver, one GPU alone and both of a
# pair at the same time. Sourced by the scenarios that make one; judge-cells.sh judges it.
#
# Each cell is between the marks `cell NAME` and `after NAME`, and the states of its GPUs are in
# `state NAME: ...`. NAME is PATH|DRIVER|MODE; GPUs are g0 alone, or g0 and g1.

# How each GPU is in the end: isolated and failed last, the rest pass by. That failed is failed closed
# is read from the GPU: nobody can switch its decoding on.
settled() {
	case $(sysfs "$1" state) in
	isolated | failed) ;;
	*) return 1 ;;
	esac
}

refused() {
	[ "$(sysfs "$1" held) $(($(config_read "$(gpu "$1")" 4 2) & 2))" = "1 0" ]
}

# cell PATH DRIVER "N..." COMMAND...: COMMAND is that path; it gets the GPUs as its last arguments.
cell() {
	cell_path=$1 cell_driver=$2 cell_gpus=$3
	shift 3
	case $cell_gpus in *' '*) cell_mode=pair ;; *) cell_mode=alone ;; esac
	cell_name="$cell_path|$cell_driver|$cell_mode"
	lab mark "cell $cell_name"
	# shellcheck disable=SC2086 # numbers
	ok "$cell_name" "$@" $cell_gpus
	cell_states=''
	for n in $cell_gpus; do
		wait_for 100 settled "$n" || :
		! in_state "$n" failed ||
			ok "$cell_name: failed is refused, with decoding off" refused "$n"
		cell_states="$cell_states $(sysfs "$n" state)"
	done
	lab mark "after $cell_name"
	lab mark "state $cell_name:$cell_states"
}

# none PATH DRIVER MODE REASON: a cell that cannot be had here
none() {
	lab mark "none $1|$2|$3: $4"
}

# each COMMAND... N...: for each GPU, all at the same time. N is a single digit.
each() {
	each_command='' each_jobs='' each_status=0
	for each_word; do
		case $each_word in
		[0-9])
			$each_command "$each_word" &
			each_jobs="$each_jobs $!"
			;;
		*) each_command="$each_command $each_word" ;;
		esac
	done
	for each_job in $each_jobs; do
		wait "$each_job" || each_status=1
	done
	return $each_status
}

# alone_and_pair PATH DRIVER COMMAND...
alone_and_pair() {
	cell "$1" "$2" 0 each "$3"
	cell "$1" "$2" "0 1" each "$3"
}

# resets_below DRIVER: those of bridges. lab_driver does the same on kernels without this file in sysfs.
resets_below() {
	alone_and_pair "reset_subordinate of the GPU's port" "$1" below_port
	cell "reset_subordinate of the switch above" "$1" "0 1" below_upstream
	[ "$1" != none ] || cell "reset_subordinate of the root port" "$1" "0 1" below_root
}

below_port() {
	reset_below "$(port "$1")"
}

bus_by_driver() {
	driver_reset "$1" bus
}

d3_and_d0() {
	power_state "$1" 3 && power_state "$1" 0
}

raw() {
	raw_reset "$1"
}

gone_and_found() {
	for found_n; do
		remove_gpu "$found_n"
	done
	rescan
}

below_upstream() {
	reset_below "$(upstream "$1")"
}

below_root() {
	reset_below "$(rootport "$1")"
}

disobey() {
	for stuck_n; do
		lab set "g$stuck_n" mask-stuck on
	done
	each reset "$@" || :
}

obey() {
	for stuck_n; do
		lab set "g$stuck_n" mask-stuck off
		echo 1 >"$(dev "$stuck_n")/nvlink_isolation/apply"
	done
}

# rebind DRIVER: both have that driver, which EEH and removal take away, and it reads without end.
rebind() {
	for n in 0 1; do
		[ "$(driver $n)" = "$1" ] || {
			[ ! -e "$(dev $n)/driver" ] || unbind_gpu $n
			bind_gpu $n "$1"
		}
		echo 1 >"$(dev $n)/lab_driver/poll"
	done
}

# clients "N..." CMD...: the clients of these GPUs do each at the same time.
clients() {
	clients_gpus=$1 clients_status=0
	shift
	for clients_command; do
		for clients_n in $clients_gpus; do
			client_send "c$clients_n" "$clients_command"
		done
		for clients_n in $clients_gpus; do
			client_wait "c$clients_n" || clients_status=1
		done
	done
	return $clients_status
}

# Each reads all the time while it has a mapping.
attack() {
	clients "$1" memory-on "attack mask mask=0x00150000 us=5000"
}

vfio_open() {
	clients "$*" open map memory-on "read 0x700000"
}

vfio_close() {
	clients "$*" close
}

# vfio_reset OP N...
vfio_reset() {
	vfio_op=$1
	shift
	attack "$*" >/dev/null
	clients "$*" "$vfio_op" memory-on "sleep 20" attack-stop
}

# under_client COMMAND... N...
under_client() {
	under_gpus=''
	for under_word; do
		case $under_word in [0-9]) under_gpus="$under_gpus $under_word" ;; esac
	done
	attack "${under_gpus# }" >/dev/null
	"$@" && clients "${under_gpus# }" memory-on "sleep 20" attack-stop
}
