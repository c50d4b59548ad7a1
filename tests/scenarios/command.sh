# SPDX-License-Identifier: GPL-2.0-only
#
# Shows nvlink-isolation on a machine: what it says is what the kernel's own sysfs says and what the
# devices have, for root and for anybody else; and it touches no GPU.
#
# boot: redbud
# command: yes

# ask STATUS WHAT ARGUMENT...: the command ends with STATUS; sets $output.
ask() {
	ask_status=$1 ask_what=$2
	shift 2
	output=$(nvlink-isolation "$@" 2>&1)
	is "status of $1, $ask_what" $? "$ask_status"
}

# ageless: filter what the command says: read-backs grow older between two calls.
ageless() {
	sed -E 's/ [0-9]+ s +/ AGE /; s/("verified": )[0-9]+/\1AGE/'
}

# run STATUS WHAT ARGUMENT...: the same, and nobody gets the same answer.
run() {
	ask "$@"
	shift 2
	is "$1 is the same to nobody, $ask_what" \
		"$(su -s /bin/sh nobody -c "nvlink-isolation $* 2>&1" | ageless)" "$(echo "$output" | ageless)"
}

# gpu_lines TEXT: a line for each GPU
gpu_lines() {
	for gpu_lines_n in 0 1 2 3; do
		echo "$(gpu $gpu_lines_n): $1"
	done
}

# The masks of a plan, in the order of the GPUs
planned() {
	nvlink-isolation plan --json "$@" | sed -n 's/.*"mask": "\(.*\)".*/\1/p' | tr '\n' ' '
}

not_enforcing() {
	run 1 "not loaded" check
	is "it says so" "$output" \
		"$(gpu_lines "not isolated: the module nvlink_isolation is not loaded")"
	run 0 "not loaded" status
	run 0 "not loaded" topology
	run 0 "not loaded" plan
	load
	run 1 "isolate=0" check
	like "it says so of the first" "$output" \
		"$(gpu 0): not isolated: off: isolate=0, nothing is enforced; exposed to $(gpu 1)"
	run 0 "isolate=0" status
}

enforcing() {
	set_parameter isolate 1
	run 0 "isolate=1" check
	is "it says so" "$output" "$(gpu_lines "isolated: NVLinks 0,2,4 read back as disabled")"
	run 0 "isolate=1" status
	for n in 0 1 2 3; do
		like "g$n in the table" "$output" "G$n +$(gpu $n) +isolated +0,2,4 +0,2,4 "
	done
	printf '%s\n' "$output" | show
	run 0 "isolate=1" status --json
	is "states in JSON" "$(printf '%s\n' "$output" | grep -c '"state": "isolated"')" 4
	run 0 "isolate=1" topology
	printf '%s\n' "$output" | show
	run 0 "isolate=1" plan
	is "the plan is what the devices have" "$(planned)" \
		"$(cut_links g0) $(cut_links g1) $(cut_links g2) $(cut_links g3) "
	run 0 "a pair" plan --domains "$(gpu 0)+$(gpu 1)"
	is "the plan for a pair" "$(planned --domains "$(gpu 0)+$(gpu 1)")" \
		"0x00000000 0x00000000 0x00150000 0x00150000 "
	set_parameter domains "$(gpu 0)+$(gpu 1)"
	run 0 "a pair" check "$(gpu 0)"
	is "it says who is joined" "$output" \
		"$(gpu 0): isolated: no NVLink has to be disabled; joined by domains= to $(gpu 1) (NVLinks 0,2,4)"
	set_parameter domains group
}

failing() {
	lab set g1 mask-stuck on
	reset 1
	ok "g1 is held" wait_for 5 held 1
	# Now and then it is let out, to try again.
	ask 1 "g1 held" check
	like "it says which and why" "$output" \
		"$(gpu 1): not isolated: failed(, cannot be switched on)?: link disable mask reads 0x00000005"
	like "and that the other is" "$output" "$(gpu 0): isolated: "
	ask 0 "g1 held" check "$(gpu 0)"
	ask 0 "g1 held" status
	printf '%s\n' "$output" | show
	lab set g1 mask-stuck off
	apply 1
	ok "g1 is isolated again" wait_for 20 in_state 1 isolated
	run 0 "g1 mended" check
}

guest() {
	mkdir -p /etc
	echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
	fresh
	lab mark "begin"
	not_enforcing
	lab mark "enforcing"
	enforcing
	# Those would look at the mask.
	set_parameter audit_seconds 0
	lab mark "only looked"
	run 2 "no such device" check 0004:09:00.0
	ok "report" nvlink-isolation report
	lab mark "reported"
	set_parameter audit_seconds 60
	failing
	unload
}

judge() {
	is "accesses to BARs while nothing is enforced" \
		"$(count ' g[0-9] (read|write) off=' begin enforcing)" 0
	is "accesses to BARs by report" "$(count ' g[0-9] (read|write) off=' "only looked" reported)" 0
}
