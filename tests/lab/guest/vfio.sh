# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# VFIO for a scenario, on kernels where it works: 6.12, and not 6.1. Beside lib.sh it has:
#
#   vfio_bind N               have vfio-pci drive the N-th GPU: true if it does
#   vfio_unbind N             take it away again
#   client N CMD...           do commands of lab_vfio (see there) with it; each CMD is one word
#   statistic NAME            that number of an attack-stop, whose line is on stdin
#
# and for a client that stays while others act, by a NAME of the scenario's choice:
#
#   client_start NAME N       start it, in the background
#   client_do NAME CMD...     have it do commands, and print a line for each as lab_vfio does: true
#                             if all succeeded
#   client_ask NAME CMD       the same with one command that succeeds: print its value only
#   client_send NAME CMD      do not wait; client_wait NAME waits and prints all that came of it
#   client_alive NAME         is it still there?
#   client_pid NAME           its process
#   client_stop NAME          let it end, which closes what it has open
#   client_kill NAME          SIGKILL

vfio_bind() {
	{ modprobe vfio_iommu_spapr_tce || modprobe vfio_iommu_type1; } 2>/dev/null && modprobe vfio-pci &&
	echo vfio-pci >"$(dev "$1")/driver_override" &&
	gpu "$1" >/sys/bus/pci/drivers_probe &&
	[ -e "/sys/bus/pci/drivers/vfio-pci/$(gpu "$1")" ]
}

vfio_unbind() {
	gpu "$1" >/sys/bus/pci/drivers/vfio-pci/unbind &&
	echo >"$(dev "$1")/driver_override"
}

client() {
	client_n=$1
	shift
	lab_vfio "$(gpu "$client_n")" "$@"
}

statistic() {
	sed -n "s/.* $1=\([0-9]*\).*/\1/p"
}

client_start() {
	rm -f "/run/client.$1".*
	mkfifo "/run/client.$1.in" "/run/client.$1.bell" && : >"/run/client.$1.out" || return
	echo 0 >"/run/client.$1.sent"
	lab_vfio "$(gpu "$2")" "serve /run/client.$1.in /run/client.$1.bell" \
		>>"/run/client.$1.out" 2>&1 &
	echo $! >"/run/client.$1.pid"
}

client_do() {
	client_name=$1 client_good=0
	shift
	for client_command in "$@"; do
		client_send "$client_name" "$client_command"
		client_wait "$client_name" || client_good=1
	done
	return $client_good
}

client_ask() {
	client_line=$(client_do "$1" "$2") && client_line=${client_line#*: ok}
	echo "${client_line# }"
}

# Builtins as far as possible: here each process that is started takes as long as a call of VFIO.
client_send() {
	echo "$2" >"/run/client.$1.in"
	read -r client_sent <"/run/client.$1.sent"
	echo $((client_sent + 1)) >"/run/client.$1.sent"
}

client_lines() {
	client_got=0
	while read -r client_line; do client_got=$((client_got + 1)); done <"/run/client.$1.out"
}

client_wait() {
	read -r client_sent <"/run/client.$1.sent"
	while client_lines "$1" && [ "$client_got" -lt "$client_sent" ]; do
		client_alive "$1" || return
		# shellcheck disable=SC3045 # busybox has it
		read -r -t 1 _ <>"/run/client.$1.bell" || :
	done
	client_errors=0
	while read -r client_line; do
		echo "$client_line"
		case $client_line in *': error '*) client_errors=1 ;; esac
	done <"/run/client.$1.out"
	# It appends, and has nothing to say until it is sent the next.
	: >"/run/client.$1.out"
	echo 0 >"/run/client.$1.sent"
	return $client_errors
}

client_pid() {
	cat "/run/client.$1.pid"
}

# It need not be a child of this shell, so there is no waiting for it. What it has open is closed by
# its last thread, which need not be the one that the process is named after.
client_alive() {
	read -r client_pid <"/run/client.$1.pid"
	set -- "/proc/$client_pid/task/"*
	[ $# -eq 1 ] || return 0
	read -r client_line <"/proc/$client_pid/stat" || return
	case $client_line in *') Z '*) return 1 ;; esac
} 2>/dev/null

# Its end can take seconds, since the kernel resets what it had open.
client_await_end() {
	client_us=2000
	while client_alive "$1"; do
		usleep $client_us
		[ $client_us -ge 32000 ] || client_us=$((client_us * 2))
	done
}

client_stop() {
	client_alive "$1" || return
	echo quit >"/run/client.$1.in"
	client_await_end "$1"
}

client_kill() {
	kill -KILL "$(client_pid "$1")" || return
	client_await_end "$1"
}
