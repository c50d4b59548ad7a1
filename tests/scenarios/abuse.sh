# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that root cannot break it by what is written to its files: random bytes, values with
# something wrong, 64 KiB, NUL bytes, by several at the same time, and while the module is loaded and
# unloaded. After any write it still obeys its parameters.
#
# boot: redbud
# alone: yes
# uncounted: yes

# What to write where. A list has its commas as semicolons here.
targets() {
	echo "$lab_parameters/isolate=0,1,y,off $lab_parameters/gate=0,1,N" \
		"$lab_parameters/audit_seconds=0,1,60,86400,86401,-1" \
		"$lab_parameters/domains=gpu,group,$(gpu 0)+$(gpu 1),$(gpu 0)+$(gpu 2);$(gpu 1),$(gpu 3)+0,"
	for n in 0 1 2 3; do
		echo "$(dev $n)/nvlink_isolation/apply=1,0"
	done
}

settled() {
	for n in 0 1 2 3; do
		in_state $n isolated || return
	done
}

# It is as if nothing had been written.
works() {
	ok "gate=1, $1" set_parameter gate 1
	ok "audit_seconds=60, $1" set_parameter audit_seconds 60
	ok "domains=gpu, $1" set_parameter domains gpu
	ok "isolate=1, $1" set_parameter isolate 1
	ok "all are isolated, $1" wait_for 90 settled
	reset 0
	is "state and links of g0 after a reset, $1" "$(sysfs 0 state) $(cut_links g0)" \
		"isolated 0x00150000"
	is "parameters, $1" "$(parameter isolate) $(parameter gate) $(parameter domains)" "1 1 gpu"
}

# shellcheck disable=SC2046,SC2086 # lists
guest() {
	fresh
	seed=$(cat /lab/seed)
	note "seed $seed"
	load isolate=1
	ok "one writer" lab_fuzz "$seed" 1 300 $(targets)
	works "after one writer"
	readonly=
	for file in state domain peers held; do
		readonly="$readonly $(dev 0)/nvlink_isolation/$file=1"
	done
	like "what cannot be written is not" "$(lab_fuzz "$seed" 1 50 $readonly)" " accepted=0 "
	result=$(lab_fuzz $((seed + 100)) 4 150 $(targets))
	note "four writers: $result"
	like "four writers are served" "$result" "writes=600 accepted=[1-9]"
	works "after four writers"

	# Under it the module comes and goes, with parameters that may be anything.
	unload
	lab_fuzz $((seed + 200)) 2 400 $(targets) >/run/fuzz &
	i=0
	loads=0
	while kill -0 $! 2>/dev/null && [ $i -lt 200 ]; do
		i=$((i + 1))
		modprobe nvlink_isolation isolate=$((i % 2)) && loads=$((loads + 1))
		usleep 20000
		# Writers switch it on again.
		set_parameter isolate 0
		rmmod nvlink_isolation
	done 2>/dev/null
	wait $!
	note "two writers while it was loaded $loads times: $(cat /run/fuzz)"
	ok "it was loaded under them" test "$loads" -ge 5
	ok "some were served" grep -q " accepted=[1-9]" /run/fuzz
	[ -e "$lab_parameters" ] || load
	works "after two writers at load and unload"
	ok "unloads" unload
}
