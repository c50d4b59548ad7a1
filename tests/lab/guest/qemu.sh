# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Virtual machines for a scenario with `# qemu: yes`: Debian's QEMU with no more than firmware in it,
# on processors that it emulates. QMP goes by two FIFOs. Beside vfio.sh it has:
#
#   qemu_start NAME [ARG...]   start one, and wait until its machine is reset: true if it is
#   qemu_gpu N SLOT            what -device takes to give it the N-th GPU, with the id SLOT: a, b or c.
#                              On POWER all share a host bridge, but for the slot `other`
#   qmp NAME COMMAND [ARGS]    have QEMU do that; ARGS are members of a JSON object. True if it did
#   qemu_event NAME EVENT      wait for that event; each is waited for once
#   qemu_reset NAME            reset the machine, and wait until QEMU has done it
#   qemu_plug NAME N SLOT      plug the N-th GPU into the running machine
#   qemu_quit NAME             have QEMU end, and wait until what it had open is closed
#   qemu_kill NAME             the same by SIGKILL. NAME is not that of a client

# QEMU opens both FIFOs for reading and writing, and keeps them open: so does each call here, and
# none of them blocks.
qemu_line() {
	# shellcheck disable=SC3045 # busybox has it
	read -r -t 60 qemu_said <>"/run/qemu.$1.out" && echo "$qemu_said" >>"/run/qemu.$1.log"
}

qemu_until() {
	while qemu_line "$1"; do
		case $qemu_said in
		"{\"$2"*) return ;;
		'{"error"'*) break ;;
		esac
	done
	echo "$qemu_said" >&2
	return 1
}

qemu_send() {
	echo "{\"execute\": \"$2\"${3:+, \"arguments\": {$3\}}}" 1<>"/run/qemu.$1.in"
}

qmp() {
	qemu_send "$@"
	qemu_until "$1" return
}

qemu_event() {
	until grep -q "\"event\": \"$2\"" "/run/qemu.$1.log"; do
		qemu_line "$1" || return
	done
	sed -i "/\"event\": \"$2\"/d" "/run/qemu.$1.log"
}

qemu_program() {
	if on_x86; then
		echo qemu-system-x86_64 -M q35 -L /usr/share/qemu
		for qemu_slot in a b c; do
			echo "-device pcie-root-port,id=port-$qemu_slot,slot=$(printf %d "'$qemu_slot")"
		done
	else
		# What the emulated processor does not have, and what KVM does not do where pages have 4 kB
		echo qemu-system-ppc64 \
			-M pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off,cap-hpt-max-page-size=4k \
			-device spapr-pci-host-bridge,index=1,id=phb
	fi
}

qemu_start() {
	qemu_name=$1
	shift
	rm -f "/run/qemu.$qemu_name".*
	mkfifo "/run/qemu.$qemu_name.in" "/run/qemu.$qemu_name.out" || return
	# shellcheck disable=SC2046 # words
	$(qemu_program) -accel "${qemu_accel-tcg}" -m 256M -nodefaults -nographic -vga none -serial none \
		-chardev "pipe,id=qmp,path=/run/qemu.$qemu_name" -mon chardev=qmp,mode=control \
		"$@" >"/run/qemu.$qemu_name.err" 2>&1 &
	echo $! >"/run/client.$qemu_name.pid" # for client_await_end
	# QEMU answers the second after it has reset the machine.
	qemu_until "$qemu_name" QMP && qmp "$qemu_name" qmp_capabilities && return
	cat "/run/qemu.$qemu_name.err" >&2
	return 1
}

qemu_bus() {
	if [ "$1" = other ]; then
		echo phb.0
	elif on_x86; then
		echo "port-$1"
	else
		echo pci.0
	fi
}

qemu_gpu() {
	echo "vfio-pci,host=$(gpu "$1"),id=$2,bus=$(qemu_bus "$2")"
}

qemu_reset() {
	qmp "$1" system_reset && qemu_event "$1" RESET
}

qemu_plug() {
	qmp "$1" device_add "\"driver\": \"vfio-pci\", \"host\": \"$(gpu "$2")\", \"id\": \"$3\",
		\"bus\": \"$(qemu_bus "$3")\""
}

# With the last who has a FIFO open, what is in it is gone. So no answer is waited for.
qemu_quit() {
	qemu_send "$1" quit
	client_await_end "$1"
}

qemu_kill() {
	client_kill "$1"
}
