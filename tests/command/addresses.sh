# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Addresses as people paste them, where the command takes them. What the module takes is in
# tests/unit/address_test.c: both have the same reader. Sourced by check.

# shellcheck disable=SC2154 # for all of this file: set by who sources it

# Each of these is the second GPU of redbud.
good_addresses='0004:05:00.0
00000004:05:00.0
pci_0004_05_00_0
/sys/bus/pci/devices/0004:05:00.0
/sys/bus/pci/devices/0004:05:00.0/
/sys/devices/pci0004:00/0004:00:00.0/0004:05:00.0
05:00.0'

# And what is said of each of these
bad_addresses="4:05:00.0 ': write 0004:05:00.0\$'
0004:5:00.0 ': write 0004:05:00.0\$'
0004:05:00 ': write 0004:05:00.0\$'
0004_05_00_0 ': write 0004:05:00.0\$'
0004:05:00:0 ': write 0004:05:00.0\$'
pci_4_5_0_0 ': write 0004:05:00.0\$'
5:0.0 ': write SSSS:05:00.0, where lspci -D shows SSSS\$'
04:00.0 \"'04:00.0' is ambiguous: write 0004:04:00.0 or 0035:04:00.0\$\"
09:00.0 \"'09:00.0': no device has this address in any segment; lspci -D\"
00010004:05:00.0 ', as in 0004:04:00.0\$'
/sys/bus/pci/devices ': a path has to end with the address of a GPU, as in 0004:04:00.0\$'
0004:05:00.0/ ': one GPU and nothing after it is accepted, as in 0004:04:00.0\$'"

addresses() {
	for address in $good_addresses; do
		run 0 --root redbud check "$address"
		is "$user: check of $address" "$output" \
			"0004:05:00.0: isolated: NVLinks 0,2,4 read back as disabled"
		run 0 plan dtb/redbud.dtb --domains "$address+0004:04:00.0"
		like "$user: plan for $address" "$output" '^Domains: 0004:05:00\.0\+0004:04:00\.0$'
	done
	printf '%s\n' "$bad_addresses" >"$work/bad_addresses"
	while read -r address text; do
		eval "text=$text"
		run 2 --root redbud check "$address"
		like "$user: what is said of $address" "$output" "$text"
	done <"$work/bad_addresses"
	run 2 plan dtb/redbud.dtb --domains 04:00.0
	like "$user: an ambiguous domain" "$output" \
		"nvlink-isolation: --domains: '04:00.0' is ambiguous: write 0004:04:00.0 or 0035:04:00.0$"
	run 2 plan dtb/redbud.dtb --domains 09:00.0
	# Those of one guest, in two forms
	run 0 --root compound check pci_0004_04_00_0 0004:05:00.0
	# A network card shares the address in its segment only.
	run 0 --root redbud check --ignore-others 01:00.0
	like "$user: an address that is not a GPU's" "$output" '^0003:01:00\.0: passed over'
}

standard_input() {
	# shellcheck disable=SC2016 # for the inner shell
	output=$(as "$user" sh -c 'nvlink-isolation plan - <dtb/redbud.dtb' | sed '1s/standard input/dtb\/redbud.dtb/')
	is "$user: plan of standard input" "$output" "$(as "$user" nvlink-isolation plan dtb/redbud.dtb)"
	output=$(as "$user" sh -c 'nvlink-isolation plan - </dev/null' 2>&1)
	is "$user: an empty standard input" "$output" \
		"nvlink-isolation: plan: standard input: the file is empty: a flattened device tree (.dtb) is accepted"
}

# apart FIXTURE DOMAINS: which GPUs are warned about
apart() {
	as "$user" nvlink-isolation plan "dtb/$1.dtb" --domains "$2" |
		sed -n 's/^\(G.\) and \(G.\): warning: in one domain, and no NVLink joins them$/\1\2/p' |
		tr '\n' ' '
}

warnings() {
	is "$user: a pair" "$(apart redbud 0004:04:00.0+0004:05:00.0)" ""
	is "$user: a pair across sockets" "$(apart redbud 0004:05:00.0+0035:03:00.0)" "G1G2 "
	is "$user: a whole machine" "$(apart redbud 0004:04:00.0+0004:05:00.0+0035:03:00.0+0035:04:00.0)" \
		"G0G2 G0G3 G1G2 G1G3 "
	is "$user: two domains" "$(apart sequoia 0004:04:00.0+0004:06:00.0,0035:03:00.0+0035:04:00.0)" ""
	# A link that the tree does not describe joins no GPUs.
	is "$user: a pair of which one has no list" "$(apart redbud-nopeers 0004:04:00.0+0004:05:00.0)" "G0G1 "
	is "$user: the same as JSON" "$(as "$user" nvlink-isolation plan dtb/redbud.dtb --json \
		--domains 0004:05:00.0+0035:03:00.0 | jq -c '[.gpus[].not_joined]')" \
		'[[],["0035:03:00.0"],["0004:05:00.0"],[]]'
}

all_help() {
	for option in --help -h help; do
		is "$user: $option" "$(as "$user" nvlink-isolation $option)" "$(cat "$here/help.txt")"
	done
	is "$user: -V" "$(as "$user" nvlink-isolation -V)" "nvlink-isolation $version"
}

pasted() {
	addresses
	standard_input
	warnings
	all_help
}
