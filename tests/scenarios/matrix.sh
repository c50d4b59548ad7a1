# SPDX-License-Identifier: GPL-2.0-only
#
# Each way to reset a GPU, with each kind of driver, one GPU alone and both of a pair at the same
# time: what became of isolation, by the devices' own account. `make matrix` runs it on each kernel
# and makes a table of it.
#
# matrix: yes
# boot: redbud
# alone: yes
# stray: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:)

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

hot_and_deassert() {
	driver_reset "$1" hot && driver_reset "$1" deassert
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

eeh_of_port() {
	eeh_recover "$1" "$(port "$1")"
}

eeh_of_phb() {
	raw_reset "$1" "$(rootport "$1")" && eeh_recover_phb "$1"
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

with_no_driver() {
	alone_and_pair "sysfs reset" none reset
	resets_below none
	cell "EEH recovery" none 0 eeh_recover_each
	cell "EEH recovery" none "0 1" eeh_recover_each
	alone_and_pair "raw write of bridge control" none raw
	alone_and_pair "D3hot and back" none d3_and_d0
	cell "removed and found again" none 0 gone_and_found
	cell "removed and found again" none "0 1" gone_and_found
	for gpus in 0 "0 1"; do
		cell "sysfs reset, mask cannot be written" none "$gpus" disobey
		# shellcheck disable=SC2086 # numbers
		obey $gpus
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

with_driver() {
	rebind lab_driver
	alone_and_pair "sysfs reset" "without handlers" reset
	alone_and_pair "pci_reset_bus" "without handlers" bus_by_driver
	resets_below "without handlers"
	alone_and_pair "raw write of bridge control" "without handlers" raw
	alone_and_pair "pci_set_pcie_reset_state, hot" "without handlers" hot_and_deassert
	cell "EEH recovery" "without handlers" 0 eeh_recover_each
	rebind lab_driver
	cell "EEH recovery" "without handlers" "0 1" eeh_recover_each

	rebind lab_driver_aware
	cell "EEH recovery" "with handlers" 0 eeh_recover_each
	cell "EEH recovery" "with handlers" "0 1" eeh_recover_each
	cell "EEH recovery of the port's PE" "with handlers" "0 1" eeh_of_port
	cell "fenced PHB" "with handlers" "0 1" eeh_of_phb
	for n in 0 1; do
		unbind_gpu $n
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

vfio_eeh() {
	vfio_op=$1
	shift
	clients "$*" eeh-enable >/dev/null
	attack "$*" >/dev/null
	# DEACTIVATE may come sooner than the GPU may be accessed.
	clients "$*" "$vfio_op" eeh-deactivate "sleep 300" memory-on "sleep 20" attack-stop
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

killed() {
	attack "$*" >/dev/null
	for killed_n; do
		client_send "c$killed_n" eeh-fundamental
	done
	usleep 700000
	for killed_n; do
		client_kill "c$killed_n"
	done
}

with_vfio() {
	for n in 0 1; do
		vfio_bind $n
		client_start "c$n" "$n"
	done
	for gpus in 0 "0 1"; do
		cell "EEH recovery" "vfio-pci, not open" "$gpus" eeh_recover_each
		cell "VFIO open" "VFIO client" "$gpus" vfio_open
		cell "VFIO_DEVICE_RESET" "VFIO client" "$gpus" vfio_reset reset
		cell "VFIO_DEVICE_PCI_HOT_RESET" "VFIO client" "$gpus" vfio_reset hot-reset
		cell "sysfs reset" "VFIO client" "$gpus" under_client each reset
		cell "VFIO_EEH_PE_RESET_HOT" "VFIO client" "$gpus" vfio_eeh eeh-hot
		cell "VFIO_EEH_PE_RESET_FUNDAMENTAL" "VFIO client" "$gpus" vfio_eeh eeh-fundamental
		cell "VFIO close" "VFIO client" "$gpus" vfio_close
		clients "$gpus" open map >/dev/null
		cell "client killed in a reset" "VFIO client" "$gpus" killed
		for n in $gpus; do
			client_start "c$n" "$n"
		done
	done
	# These last, each PE once: EEH does not find its bus again when a client has had the GPU.
	clients "0 1" open map >/dev/null
	cell "EEH recovery" "VFIO client" 0 under_client eeh_recover_each
	cell "EEH recovery of the port's PE" "VFIO client" "0 1" under_client eeh_of_port
	cell "fenced PHB" "VFIO client" "0 1" under_client eeh_of_phb
	for n in 0 1; do
		client_stop c$n
		vfio_unbind $n
	done
}

without_vfio() {
	for mode in alone pair; do
		for path in "VFIO open" VFIO_DEVICE_RESET VFIO_DEVICE_PCI_HOT_RESET "sysfs reset" \
			VFIO_EEH_PE_RESET_HOT VFIO_EEH_PE_RESET_FUNDAMENTAL "VFIO close" \
			"client killed in a reset"; do
			none "$path" "VFIO client" $mode "$1"
		done
		none "EEH recovery" "vfio-pci, not open" $mode "$1"
	done
	none "EEH recovery" "VFIO client" alone "$1"
	none "EEH recovery of the port's PE" "VFIO client" pair "$1"
	none "fenced PHB" "VFIO client" pair "$1"
}

not_here() {
	none "pci_set_pcie_reset_state, fundamental" "without handlers" alone \
		"firmware powers the slot off for good"
	none "AER and DPC" "with handlers" alone "the emulated ports report no errors"
	none "slot reset and power by pnv_php" none alone "the emulated machine has no such slots"
	none "suspend" none alone "the platform has none"
	none "reset that no software sees" none alone "there is no BMC; the audit finds a lost mask"
}

guest() {
	fresh
	modprobe lab_driver read=1
	# By default EEH gives a device up when it has recovered it five times in an hour.
	echo 1000 >/sys/kernel/debug/powerpc/eeh_max_freezes
	load isolate=1 audit_seconds=0
	lab mark "loaded"
	with_no_driver
	with_driver
	# Broken from 5.19 to 6.3. Until 5.12 it looks for the NPU's devices, and crashes without them.
	case $(uname -r) in
	5.10.*) without_vfio "vfio-pci of 5.10 wants NPU devices, which the lab lacks" ;;
	6.1.*) without_vfio "vfio-pci does not bind on kernels 5.19 to 6.3" ;;
	*) with_vfio ;;
	esac
	not_here
	ok "unloads" unload
}

# gpus MODE
gpus() {
	case $1 in
	alone) echo g0 ;;
	pair) echo g0 g1 ;;
	esac
}

# Of periods that come in, those that are no sequence of the module: their sum, in µs
open_us() {
	awk '$2 == "open" { sum += $1 } END { printf "%.0f\n", sum / 1000 }'
}

# judge_cell NAME: print what goes into the table.
judge_cell() {
	from="cell $1" to="after $1"
	open=0 reads=0 longest=0
	for gpu in $(gpus "${1##*|}"); do
		periods=$(open_periods "$gpu" "$from" "$to")
		printf '%s\n' "$periods" >>"$dir/periods"
		us=$(printf '%s\n' "$periods" | open_us)
		[ "$us" -le "$open" ] || open=$us
		ns=$(printf '%s\n' "$periods" | sort -n | tail -n 1 | cut -d ' ' -f 1)
		[ "${ns:-0}" -le "$longest" ] || longest=$ns
		reads=$((reads + $(client_reads_exposed "$gpu" "$from" "$to")))
	done
	live=0
	for link in $(links); do
		us=$(($(live_ns "$link" "$from" "$to") / 1000))
		[ "$us" -le "$live" ] || live=$us
	done
	states=$(log_text "state $1:")
	text=''
	case "$states " in
	' isolated '*isolated' ' | ' isolated ') text=isolated ;;
	*failed*) text="failed closed" ;;
	*) text="not settled" ;;
	esac
	# What sysfs says is what the device has.
	for gpu in $(gpus "${1##*|}"); do
		[ "$text" = isolated ] || continue
		like "$1: $gpu, called isolated, is" "$(mask_at "$gpu" "$to")" ^0x0015 || text=UNTRUE
	done
	[ "$open" = 0 ] || text="$text; own end open $open µs, $reads reads"
	[ "$live" = 0 ] || text="$text; link live $live µs"
	note "cell|$1|$text"
	is "$1: reads while exposed" "$reads" 0
	# Attempts that fail, of the gate and of the worker while nobody has it, are the only other time.
	case $states in
	*failed*) ok "$1: own end open for an attempt at a time" test "$longest" -le "$(attempt_limit)" ;;
	*) is "$1: own end open but in the gate's sequence, in µs" "$open" 0 ;;
	esac
	ok "$1: $text" test "$text" != "not settled"
}

# log_text TEXT: the rest of the mark that begins with it
log_text() {
	awk -v text="$1" '$3 == "mark" { sub(/^.* text=/, "") }
		index($0, text) == 1 { print substr($0, length(text) + 1) }' "$log"
}

judge() {
	: >"$dir/periods"
	log_text "cell " | while read -r name; do
		judge_cell "$name"
	done
	log_text "none " | while IFS=: read -r name reason; do
		note "cell|$name|-$reason"
	done
	longest=$(awk '$2 == "applied" { print $1 }' "$dir/periods" | sort -n | tail -n 1)
	note "longest sequence: $longest ns"
	limit=$(sequence_limit)
	ok "no sequence took longer than $limit µs" test "$longest" -le "${limit}000"
}
