# SPDX-License-Identifier: GPL-2.0-only
#
# Everything at once, for as long as one likes: three tenants with two GPUs each, one on either
# socket, reset, bind, lose and use them; an administrator changes domains, ends and starts
# enforcement and reloads the module; on two processors. Nothing may be left behind.
#
# What each of the four does follows from SEED, step by step; how far they come in MINUTES, and who
# is faster, does not. Console and kernel's log have `soak: WHO.STEP OPERATION N ARGUMENT` for each
# step; N is the GPU, or for the administrator (3) how many seconds to wait.
#
# soak: yes
# kernel: 6.12
# alone: yes
# boot: sequoia
# smp: 2
# stray: yes
# allow: EEH: (Beginning: |Frozen PHB#[01]-PE#[0-9a-f]+ detected|Call Trace:)

# A word that is there three times is picked three times as often.
tenant_operations="reset reset reset reset raw raw raw raw raw bridge eeh bind bind bind unbind
	open open open open use use use use use use kill kill stop remove"
admin_operations="domains domains domains domains off-on off-on off-on audit reload"

# pick N: the next number of the sequence, from 0 to N - 1, is $picked
pick() {
	random=$(((random * 1103515245 + 12345) & 0x7fffffff))
	picked=$(((random >> 12) % $1))
}

# pick_word WORD...: the same with words
pick_word() {
	pick $#
	shift "$picked"
	picked=$1
}

now() {
	read -r now _ </proc/uptime
	now=${now%.*}
}

has_client() {
	[ -e "/run/client.c$1.pid" ] && client_alive "c$1"
}

# A driver that is used cannot be unbound, and its device not removed.
end_client() {
	! has_client "$1" || client_kill "c$1"
}

free_gpu() {
	end_client "$1"
	[ ! -e "$(dev "$1")/driver" ] || unbind_gpu "$1"
}

give_gpu() {
	free_gpu "$1" || return
	case $2 in
	vfio-pci) vfio_bind "$1" ;;
	*) bind_gpu "$1" "$2" ;;
	esac
}

bring_back() {
	rescan
	there "$1"
}

anew() {
	end_client "$1"
	remove_gpu "$1"
	rm -f "/run/recovered$1"
	bring_back "$1"
}

# alone COMMAND...: one of these at a time. Who waits for EEH counts what it says; and the kernel warns
# when the reset of a bridge unlocks a device that was found meanwhile.
alone() {
	until mkdir /run/alone 2>/dev/null; do usleep 50000; done
	"$@"
	alone_result=$?
	rmdir /run/alone
	return $alone_result
}

# A PE that was recovered while a client had it open has lost its bus, and some kernels wait for
# themselves when that is recovered again: the PE is created again before.
recover() {
	[ ! -e "/run/recovered$1" ] || anew "$1"
	! has_client "$1" || : >"/run/recovered$1"
	eeh_recover "$1"
}

# tenant OPERATION N DRIVER: false if it was refused, or there was nothing to do it with
tenant() {
	case $1 in
	reset) reset "$2" ;;
	raw) raw_reset "$2" ;;
	bridge) alone reset_below "$(upstream "$2")" ;;
	eeh) alone recover "$2" ;;
	bind) give_gpu "$2" "$3" ;;
	unbind) [ -e "$(dev "$2")/driver" ] && free_gpu "$2" ;;
	open)
		end_client "$2"
		[ "$(driver "$2")" = vfio-pci ] || give_gpu "$2" vfio-pci || return
		client_start "c$2" "$2"
		client_do "c$2" open map memory-on "read 0x700000" eeh-enable
		;;
	use)
		has_client "$2" || return
		case $3 in
		lab_driver) client_do "c$2" reset memory-on "read 0x700000" ;;
		lab_driver_aware) client_do "c$2" hot-reset memory-on "read 0x700000" ;;
		*) client_do "c$2" eeh-hot eeh-deactivate memory-on "read 0x700000" ;;
		esac
		;;
	kill) has_client "$2" && client_kill "c$2" ;;
	stop) has_client "$2" && client_stop "c$2" ;;
	remove) alone anew "$2" ;;
	esac
}

domains_of() {
	case $1 in
	group | gpu) echo "$1" ;;
	*) echo "$(gpu "${1%+*}")+$(gpu "${1#*+}"),$(gpu $((${1%+*} + 3)))+$(gpu $((${1#*+} + 3)))" ;;
	esac
}

# administrator OPERATION SECONDS DOMAINS
administrator() {
	case $1 in
	domains) set_parameter domains "$(domains_of "$3")" ;;
	off-on)
		set_parameter isolate 0
		administrator_result=$?
		sleep "$2"
		set_parameter isolate 1 && return $administrator_result
		;;
	audit) set_parameter audit_seconds "$2" ;;
	reload)
		unload || {
			set_parameter isolate 1
			return 1
		}
		sleep "$2"
		load isolate=1 audit_seconds=1 domains="$(domains_of "$3")"
		;;
	esac
}

say() {
	echo "soak: $*" >/dev/kmsg
	# shellcheck disable=SC2154 # set by init
	echo "$result_prefix| soak: $*"
}

# worker WHO: take steps until it is time. Each step uses up the same count of random numbers,
# whatever becomes of it.
worker() {
	random=$(((SEED * 4 + $1 & 0x7fffffff) * 2654435761 & 0x7fffffff))
	step=0
	while now && [ "$now" -lt "$end" ]; do
		step=$((step + 1))
		# shellcheck disable=SC2086 # words
		if [ "$1" = 3 ]; then
			pick_word $admin_operations
			operation=$picked
			pick 4
			n=$picked
			pick_word group gpu 0+1 0+2 1+2
			run=administrator
		else
			pick_word $tenant_operations
			operation=$picked
			pick 2
			n=$(($1 + 3 * picked))
			pick_word lab_driver lab_driver_aware vfio-pci
			run=tenant
			there "$n" || {
				echo "lost $n"
				alone bring_back "$n"
			} >>"/run/soak$1"
		fi
		say "$1.$step $operation $n $picked"
		echo "$operation $n $picked" >"/run/now$1"
		result=refused
		! $run "$operation" "$n" "$picked" >"/run/said$1" 2>&1 || result='done'
		echo "$operation $result" >>"/run/soak$1"
		say "$1.$step $result: $(sed -n '/error/ { p; q }' "/run/said$1")"
		[ "$1" != 3 ] || sleep "$n"
	done
	rm "/run/now$1"
}

# What was begun before it was time may take as long as EEH takes.
come_to_an_end() {
	while ls /run/now? >/dev/null 2>&1; do
		now && [ "$now" -lt $((end + 300)) ] || return
		sleep 1
	done
}

# What those who do not come to an end are doing, and those who wait in the kernel
stuck() {
	tail -n 1 /run/now?
	for pid in /proc/[0-9]*; do
		! grep -Eq '^(State:.*D|Name:.*eehd)' "$pid/status" || cat "$pid/comm" "$pid/stack"
	done
}

guest() {
	: "${SEED:=1}" "${MINUTES:=1}"
	fresh
	echo 100000 >/sys/kernel/debug/powerpc/eeh_max_freezes
	# While EEH keeps config space blocked the kernel waits a minute for each GPU below a bridge.
	echo 600 >/proc/sys/kernel/hung_task_timeout_secs
	modprobe lab_driver && modprobe vfio_iommu_spapr_tce && modprobe vfio-pci
	others=$(mappings)
	load isolate=1 audit_seconds=1
	loaded=$(mappings)
	before=$(slab)
	note "SEED=$SEED MINUTES=$MINUTES"
	now
	end=$((now + MINUTES * 60))
	for who in 0 1 2 3; do
		: >"/run/now$who"
		worker $who &
	done
	sleep $((MINUTES * 60))
	ok "all come to an end" come_to_an_end || note "$(stuck)"

	for n in 0 1 2 3 4 5; do
		ok "g$n is still there" there $n || bring_back $n
		ok "g$n can be freed" free_gpu $n
	done
	ok "domains=gpu" set_parameter domains gpu
	for n in 0 1 2 3 4 5; do
		ok "g$n is isolated in the end" wait_for 200 in_state $n isolated ||
			note "$(sysfs $n state): $(sysfs $n last_error)"
		ok "g$n can be reset" reset $n
		ok "g$n is isolated after that" wait_for 200 in_state $n isolated
		case $n in
		2 | 5) mask=0x00170000 ;;
		*) mask=0x001d0000 ;;
		esac
		is "links of g$n" "$(cut_links g$n)" $mask
		is "required of g$n" "$(sysfs $n required_links | tr , +)" \
			"$([ $mask = 0x00170000 ] && echo 0+1+2+4 || echo 0+2+3+4)"
		is "g$n is not refused" "$(sysfs $n held)" 0
		is "bridge control of g$n's port" "$(bridge_control $n)" 0x0002
		ok "g$n can be enabled" enable_gpu $n
		disable_gpu $n
	done
	sort /run/soak? | uniq -c | while read -r many what; do
		note "$what: $many"
	done
	well=$(cat /run/soak? | grep -c ' done$')
	note "operations: $(cat /run/soak? | wc -l), of them $well done"
	ok "more was done than refused" test "$well" -gt "$(cat /run/soak? | grep -c ' refused$')"
	after=$(slab)
	note "SUnreclaim $before kB, then $after kB"
	ok "memory that is not given back has not grown by a quarter" \
		test "$after" -le $((before + before / 4))
	ok "there are not more mappings" test "$(mappings)" -le "$loaded"
	is "references to the module" "$(cat /sys/module/nvlink_isolation/refcnt)" 1
	ok "unloads" unload
	ok "it leaves no mapping" test "$(mappings)" -le "$others"
	for module in lab_driver vfio_pci; do
		is "references to $module" "$(cat /sys/module/$module/refcnt)" 0
	done
}

judge() {
	for gpu in g0 g1 g2 g3 g4 g5; do
		ok "$gpu was reset by its own account" test "$(count " $gpu reset ")" -gt 0
		note "$gpu: $(count " $gpu reset ") resets, $(client_reads $gpu) reads by clients"
	done
	is "orders or bits violated" "$(count ' (violation|dropped) ')" 0
	ok "the kernel's log is all there" grep -q 'Linux version' "$kernel_log"
}
