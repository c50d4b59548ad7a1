# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The guest's side of a scenario (busybox ash). Beside the results of results.sh it has:
#
#   lab mark TEXT             put a mark into the device's log, for the judge. `lab` is ../vfio/lab.c
#   lab set g0 PROPERTY VALUE, lab get g0 PROPERTY, lab get g0 mask
#                             talk to the emulated GPU behind the kernel's back. Faults, on or off:
#                             mask-stuck, mask-late, ring-busy, no-answer (BARs), no-config (BARs and
#                             config space). late-ms MS: so long nothing answers after a reset. trap
#                             STEP:WHAT: something happens at that access of the sequence, see faults.c
#                             in tests/device. timeout-us US: so long a read takes that is not answered.
#                             frozen: BARs read as ones and are not written, and config space neither with
#                             frozen-config. faults off: none of these. link-down 1: the link goes down and
#                             comes up, which resets the GPU unseen; the port reports it if it can
#   lab set p0 link-report on|off
#                             can it? p0 is the port of g0
#   lab set p0 no-power-control on|off
#                             its slot stays on: EEH's fundamental reset then resets nothing. no-reset:
#                             nor does a write of bridge control. slow-link: after a reset its link
#                             comes up only when this is switched off; lab get p0 training: is it waiting
#   lab set p0 containment on gives it the capability of Downstream Port Containment, at 0x300, for this boot
#   gpu N                     PCI address of the N-th GPU (from 0)
#   dev N                     its directory in sysfs
#   friend N                  what is at the end of its links that are kept, as sysfs shows it: cpu, or
#                             on x86-64 the address of another GPU (see machines/x86-redbud)
#   on_x86                    is this a PC, where there is no EEH?
#   lab_declared              the machine's links as the parameter links takes them; empty on POWER
#   lab_domains               GPUs and their friends, as the parameter domains takes them (see
#                             machines/x86-redbud); `load` uses both, unless it gets others. Without
#                             friends: gpu
#   sysfs N ATTR              what its nvlink_isolation/ATTR reads
#   reset N                   reset it through sysfs
#   reset_begins N            the same in the background, for `wait`; true when its mask is gone,
#                             which is seconds before the end
#   enable_gpu N              bind lab_driver to it: true if pci_enable_device succeeded
#   disable_gpu N             unbind it
#   mark_pe N +|-             EEH takes its PE for isolated, or not any more
#   lock_device N             hold its device lock until `unlock_device`
#   apply N [VALUE]           write 1, or VALUE, to its nvlink_isolation/apply; prints the error's text
#   in_state N STATE          is that its nvlink_isolation/state?
#   held N                    is it held in reset?
#   cut_links g0              its mask, without the bits that clients may change: 0x00150000
#   load [PARAMETER=VALUE...] load nvlink_isolation
#   unload                    end enforcement and unload it
#   parameter NAME            what its parameter reads
#   set_parameter NAME VALUE  change it: true if it was accepted
#   lab_counts [begin|end]    have the judge compare the gate's count of how often it switched on memory
#                             decoding with what the devices saw; those that follow, init and
#                             remove_gpu do this. See lab_count.c
#   fresh                     be as after boot: nvlink_isolation not loaded, no fault, no mask, BARs as they
#                             were at the first time
#   mappings                  how many mappings of devices there are: the module has three of each GPU,
#                             and others come and go
#   slab                      memory of the kernel's that cannot be reclaimed, in kB
#   on_debug                  is this a debug kernel? It takes seconds for what others do in milliseconds
#   rounds N                  print N; a fifth of it on a debug kernel, which sees mistakes sooner
#   delay SYMBOL MS [once]    keep each caller of a kernel's or module's function, or the first, busy
#                             before it is in it: with two processors that widens a window. True if
#                             there is one. `delay -` ends
#   wait_for SECONDS CMD...   try CMD until it succeeds: true if it did in time
#   show                      what comes in is to be read by those who use run --show
#   dmesg_clear, dmesg_since  print the kernel's log since the last dmesg_clear of this scenario
#   told PATTERN              true if a line of it matches that extended regular expression
#   leaks                     what was lost since boot or the last time, as kmemleak reports it
#
# Modules are there for modprobe: nvlink_isolation, lab_driver, lab_hook, lab_mistake, vfio-pci. lab_tree is loaded.

# The config file of the control device: the first, the last is lab_watch's. To look for it takes a
# hundred processes, and a debug kernel seconds, so init does that once.
lab_control() {
	[ -s /run/lab-control ] ||
		lab_find 0x1b36 0x00ee | sed -n '1s,$,/config,p' >/run/lab-control
	grep . /run/lab-control
}

# lab_find VENDOR [DEVICE]: directories of the PCI devices, in order.
lab_find() {
	for lab_dev in /sys/bus/pci/devices/*; do
		[ "$(cat "$lab_dev/vendor")" = "$1" ] || continue
		[ $# -eq 1 ] || [ "$(cat "$lab_dev/device")" = "$2" ] || continue
		echo "$lab_dev"
	done
}

# The GPUs at boot: a number means the same one when another was removed.
lab_gpus() {
	[ -e /run/lab-gpus ] || lab_find 0x10de | sed 's,.*/,,' >/run/lab-gpus
	cat /run/lab-gpus
}

# lab_with_addresses FILE...: with the addresses of GPUs in place of their names, one link to a line
lab_with_addresses() {
	lab_gpus | awk '
		FILENAME == "-" { at["g" n++] = $1; next }
		{
			split($0, end, /[-.]/)
			print at[end[1]] "." end[2] "-" at[end[3]] "." end[4]
		}' - "$@"
}

lab_declared() {
	[ ! -e /lab/links ] || lab_with_addresses /lab/links | paste -s -d , -
}

lab_domains() {
	if [ -s /lab/friends ]; then
		lab_with_addresses /lab/friends | sed 's/\.[0-5]-/+/; s/\.[0-5]$//' | uniq |
			paste -s -d , -
	else
		echo gpu
	fi
}

on_x86() {
	[ -e /lab/links ]
}

# lab_at N: $lab_bdf is then its address, and $lab_dev its directory. To start a process takes 11 ms of an
# emulated processor, and what is here is what scenarios do most: no process.
lab_at() {
	lab_left=$1
	while read -r lab_bdf; do
		if [ "$lab_left" -eq 0 ]; then
			lab_dev=/sys/bus/pci/devices/$lab_bdf
			return
		fi
		lab_left=$((lab_left - 1))
	done </run/lab-gpus
	return 1
}

gpu() {
	lab_at "$1" && echo "$lab_bdf"
}

dev() {
	lab_at "$1" && echo "$lab_dev"
}

friend() {
	if [ -s /lab/friends ]; then gpu $(($1 + 4)); else echo cpu; fi
}

# Each is one line.
sysfs() {
	lab_at "$1" && IFS= read -r lab_text <"$lab_dev/nvlink_isolation/$2" && printf '%s\n' "$lab_text"
}

reset() {
	lab_at "$1" && echo 1 >"$lab_dev/reset"
}

mask_is_gone() {
	[ "$(cut_links "g$1")" = 0x00000000 ]
}

reset_begins() {
	reset "$1" &
	wait_for 5 mask_is_gone "$1"
}

# It ends at once, without a process: a GPU that was denied and is held is so for a second.
enable_gpu() {
	lab_enabled=$(gpu "$1") &&
	modprobe lab_driver &&
	echo lab_driver >"/sys/bus/pci/devices/$lab_enabled/driver_override" &&
	echo "$lab_enabled" >/sys/bus/pci/drivers_probe &&
	[ -e "/sys/bus/pci/devices/$lab_enabled/driver" ]
}

disable_gpu() {
	gpu "$1" >/sys/bus/pci/drivers/lab_driver/unbind &&
	echo >"$(dev "$1")/driver_override"
}

mark_pe() {
	echo "$(gpu "$1") ${2}1" >/sys/module/lab_driver/parameters/mark
}

lock_device() {
	modprobe lab_driver || return
	lock_of=$(gpu "$1")
	printf '%s\n' "$lock_of" >/sys/module/lab_driver/parameters/lock &
	lock_pid=$!
	wait_for 10 told "$lock_of: lab_driver: the device lock is held"
}

# True if it was held until now.
unlock_device() {
	kill "$lock_pid"
}

in_state() {
	lab_at "$1" && read -r lab_text <"$lab_dev/nvlink_isolation/state" && [ "$lab_text" = "$2" ]
}

held() {
	lab_at "$1" && read -r lab_text <"$lab_dev/nvlink_isolation/held" && [ "$lab_text" = 1 ]
}

cut_links() {
	printf '0x%08x' $(($(lab get "$1" mask) & 0x3f0000))
}

lab_counts() {
	[ ! -e /lab/counted ] || ! lab_control >/dev/null || lab_count "$@"
}

# insert [PARAMETER=VALUE...]: load the module, with the links and domains of the machine where it has to be
# told, and count nothing.
insert() {
	if [ -e /lab/links ]; then
		case " $* " in *' links='*) ;; *) set -- "$@" links="$(lab_declared)" ;; esac
		case " $* " in
		*' domains='*) ;;
		*) [ ! -s /lab/friends ] || set -- "$@" domains="$(lab_domains)" ;;
		esac
	fi
	modprobe nvlink_isolation "$@"
}

load() {
	lab_counts begin
	insert "$@"
	lab_status=$?
	lab_counts
	return $lab_status
}

lab_parameters=/sys/module/nvlink_isolation/parameters

parameter() {
	cat "$lab_parameters/$1"
}

set_parameter() {
	[ "$1" != isolate ] || lab_counts begin
	if echo "$2" >"$lab_parameters/$1"; then lab_status=0; else lab_status=1; fi
	[ "$1" != isolate ] || lab_counts
	return $lab_status
}

unload() {
	set_parameter isolate 0 && rmmod nvlink_isolation
}

# lab_bars BDF: the registers of its BARs, one per line.
lab_bars() {
	hexdump -v -s 16 -n 24 -e '1/4 "0x%08x\n"' "/sys/bus/pci/devices/$1/config"
}

# repair_bars BDF: a reset that nobody saved its config space for has cleared the BARs, and the PCI core
# saves and restores that in the next. Only a GPU that is found again gets them back from the kernel, and that
# changes the order of the devices. So they are written here, unless the kernel has moved the GPU.
repair_bars() {
	lab_then=/run/lab-bars.$1
	lab_bars "$1" >/run/lab-bars
	if ! cmp -s "/sys/bus/pci/devices/$1/resource" "$lab_then.resource"; then
		cat "/sys/bus/pci/devices/$1/resource" >"$lab_then.resource"
		cp /run/lab-bars "$lab_then"
	elif ! cmp -s /run/lab-bars "$lab_then"; then
		lab_at=16
		while read -r lab_bar; do
			config_write "$1" $lab_at 4 "$lab_bar"
			lab_at=$((lab_at + 4))
		done <"$lab_then"
	fi
}

fresh() {
	[ ! -e "$lab_parameters" ] || unload
	lab_n=0
	for lab_gpu in $(lab_gpus); do
		lab set "g$lab_n" faults off
		repair_bars "$lab_gpu"
		[ "$(cut_links "g$lab_n")" = 0x00000000 ] ||
			echo 1 >"/sys/bus/pci/devices/$lab_gpu/reset"
		lab_n=$((lab_n + 1))
	done
	dmesg_clear
}

show() {
	# shellcheck disable=SC2154 # set by init
	sed "s/^/$result_prefix| /"
}

mappings() {
	grep -cw ioremap /proc/vmallocinfo
}

slab() {
	awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo
}

on_debug() {
	read -r lab_text </proc/cmdline
	case $lab_text in *kasan*) ;; *) return 1 ;; esac
}

rounds() {
	if on_debug; then
		echo $(($1 / 5))
	else
		echo "$1"
	fi
}

apply() {
	lab_error=$({ echo "${2-1}" >"$(dev "$1")/nvlink_isolation/apply"; } 2>&1) && return
	echo "${lab_error##*: }"
	return 1
}

delay() {
	modprobe lab_driver && echo "$*" >/sys/module/lab_driver/parameters/delay
}

wait_for() {
	lab_tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$lab_tries" -gt 0 ] || return
		lab_tries=$((lab_tries - 1))
		usleep 100000
	done
}

dmesg_clear() {
	echo "lab: dmesg_clear" >/dev/kmsg
}

dmesg_since() {
	dmesg | awk '/ lab: (dmesg_clear|begin )/ { n = 0; next } { l[n++] = $0 }
		END { for (i = 0; i < n; i++) print l[i] }'
}

told() {
	dmesg_since | grep -Eq "$1"
}

# It reports nothing younger than 5 seconds, nor of what it sees for the first time.
leaks() {
	lab_leaks=/sys/kernel/debug/kmemleak
	[ -e $lab_leaks ] || return 0
	sleep 6
	if echo scan >$lab_leaks && echo scan >$lab_leaks; then
		cat $lab_leaks
		echo clear >$lab_leaks
	else
		echo "kmemleak has given up"
	fi
}
