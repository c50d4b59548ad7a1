# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what becomes of GPUs that are found again, with the ports above them, and get other addresses
# than before, or none: a driver that enables one gets it isolated, and where BAR0 has no address
# nobody gets it, nothing is accessed, and that is said.
#
# boot: redbud
# alone: yes

reserve() {
	echo "$1" >/sys/module/lab_driver/parameters/reserve
}

# bar0 N: its first and its last address, without 0x; 0 where it has none
bar0() {
	sed -n '1s/0x0*//g; 1s/^ /0 /; 1p' "$(dev "$1")/resource" | cut -d ' ' -f 1,2
}

# window BDF: those that it forwards, of 32 bits
window() {
	awk '$3 == "0x0000000000000200" { sub(/0x0*/, "", $1); sub(/0x0*/, "", $2); print $1, $2; exit }' \
		"/sys/bus/pci/devices/$1/resource"
}

without_ports() {
	for without_port in "$p0" "$p1"; do
		[ ! -e "/sys/bus/pci/devices/$without_port" ] ||
			echo 1 >"/sys/bus/pci/devices/$without_port/remove"
	done
}

# nobody N: nobody has enabled it since it was found, and so the ports do not forward either.
nobody() {
	wait_for 5 in_state "$1" pending && sleep 3 && in_state "$1" pending &&
		[ "$(sysfs "$1" held)" = 0 ]
}

enabled() {
	ok "a driver can enable g$1 $2" enable_gpu "$1"
	is "links of g$1 $2" "$(cut_links "g$1")" 0x00150000
	is "g$1 $2" "$(sysfs "$1" state)" isolated
	disable_gpu "$1"
	ok "g$1 is isolated after its reset $2" reset "$1"
	is "links of g$1 after its reset $2" "$(cut_links "g$1")" 0x00150000
}

guest() {
	fresh
	load isolate=1
	modprobe lab_driver
	p0=$(port 0) p1=$(port 1)
	# shellcheck disable=SC2046 # two words
	set -- $(bar0 0) $(window "$(upstream 0)")
	first=$1 last=$2 end=$4
	like "addresses of BAR0 and of all" "$*" '^600c[0-9a-f]* 600c[0-9a-f]* 600c[0-9a-f]* 600c[0-9a-f]*$'

	lab mark moved
	without_ports
	ok "the addresses of g0 are for nobody" reserve "$first-$last"
	# As after an exchange of GPUs
	rescan
	for n in 0 1; do
		ok "g$n waits for somebody to enable it" nobody $n
	done
	nok "g0 has other addresses" [ "$(bar0 0)" = "$first $last" ]
	enabled 0 "with other addresses"
	enabled 1 "with other addresses"

	lab mark unassigned
	without_ports
	ok "all others are for nobody" reserve "$(printf %x $((0x$last + 1)))-$end"
	rescan
	is "g0 has its old addresses" "$(bar0 0)" "$first $last"
	is "g1 has none" "$(bar0 1 | cut -d ' ' -f 1)" 0
	enabled 0 "with its old addresses"
	nok "g1 cannot be enabled" enable_gpu 1
	echo >"$(dev 1)/driver_override"
	like "that is told" "$(sysfs 1 state): $(sysfs 1 last_error)" \
		'^(pending|failed): .*BAR0 has no address'
	lab mark assigned
	echo 1 >"/sys/bus/pci/devices/$p1/remove"
	reserve -
	rescan
	enabled 1 "when it has an address again"
	unload
}

judge() {
	is "MMIO accesses to a GPU without addresses" "$(count ' g1 (read|write) ' unassigned assigned)" 0
	for link in $(links); do
		is "$link was live after the first mask" "$(live_ns "$link" moved)" 0
	done
}
