# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What monitoring reads: check --json, check --nagios. Sourced by check.

# shellcheck disable=SC2154 # set by who sources this
# plugin STATUS REGEX ARGUMENT...: check --nagios's status and its one line, for the machine $machine
plugin() {
	plugin_want=$1 plugin_regex=$2
	shift 2
	run "$plugin_want" --root "$machine" check --nagios "$@"
	like "$user: the plugin's line of $machine $*" "$output" "$plugin_regex"
	is "$user: lines of it" "$(printf '%s\n' "$output" | wc -l)" 1
}

plugins() {
	g0=0004:04:00.0 g1=0004:05:00.0
	machine=redbud
	plugin 0 "^NVLINK OK - 4 GPUs isolated [|] isolated=4;;;0;4 not_isolated=0;;0;0;4 refused=0;;0;0;4 exposed=0;;0;0;4 verified_age=3600s;;;0$"
	plugin 0 "^NVLINK OK - 1 GPU isolated [|] isolated=1;;;0;1 .* verified_age=12s;;;0$" $g0
	plugin 0 "^NVLINK OK - 1 GPU isolated " --ignore-others 0003:01:00.0 $g0
	plugin 3 "^NVLINK UNKNOWN - 1 of 2 devices cannot be checked: 0001:00:00.0: there is no such PCI device [|] " \
		$g0 0001:00:00.0
	machine=failed
	plugin 2 "^NVLINK CRITICAL - 3 of 4 GPUs not isolated: $g1: not isolated: failed: .*; 0035:03:00.0: .* exposed=2;;0;0;4 verified_age=U$"
	# What is not isolated needs somebody; what cannot be checked may wait.
	plugin 2 "^NVLINK CRITICAL - 1 of 1 GPUs not isolated: $g1: .* [|] isolated=0;" $g1 0001:00:00.0
	machine=refused
	plugin 2 " refused=1;;0;0;4 exposed=2;;0;0;4 "
	machine=compound
	plugin 2 "^NVLINK CRITICAL - 2 of 2 GPUs not isolated: $g0: not isolated from $g1: "
	machine=unloaded
	plugin 2 "not isolated: $g0 $g1 0035:03:00.0 0035:04:00.0: not isolated: the module nvlink_isolation is not loaded [|] .* refused=U exposed=U verified_age=U$"
	machine=none
	plugin 3 '^NVLINK UNKNOWN - check: there is no V100 SXM2 in this machine$'
	machine=odd
	plugin 3 "^NVLINK UNKNOWN - .*required_links: '0;2' is no list of links"
	machine=nowhere
	plugin 3 '^NVLINK UNKNOWN - --root nowhere: No such file or directory$'
	run 3 check --no-such-option --nagios
	run 3 check --nagios --boot
	run 3 check --nagios --json
	like "$user: one of two forms" "$output" 'one of --json and --nagios is accepted'
}

# verdicts MACHINE ARGUMENT...: check --json's, in one line
verdicts() {
	verdicts_machine=$1
	shift
	as "$user" nvlink-isolation --root "$verdicts_machine" check --json "$@" |
		jq -r '[.status, (.devices[] | "\(.address) \(.verdict) \(.state)")] | join(", ")'
}

check_json() {
	is "$user: verdicts of redbud" "$(verdicts redbud 0004:05:00.0 0004:04:00.0)" \
		"0, 0004:05:00.0 isolated isolated, 0004:04:00.0 isolated isolated"
	is "$user: verdicts of failed" "$(verdicts failed 0004:05:00.0 0003:01:00.0 04:00.0)" \
		"2, 0004:05:00.0 not isolated failed, 0003:01:00.0 error null, null error null"
	is "$user: verdicts of compound" "$(verdicts compound)" \
		"1, 0004:04:00.0 not isolated isolated, 0004:05:00.0 not isolated isolated"
	is "$user: verdicts of a device that is none" "$(verdicts redbud --ignore-others 0003:01:00.0)" \
		"0, 0003:01:00.0 passed over null"
	run 1 --root failed check --json
	as "$user" nvlink-isolation --root failed check --json "$(printf '\377')" >"$work/json.out"
	ok "$user: an argument that is no text" jq -e '.devices[0].verdict == "error"' "$work/json.out"
}

monitoring() {
	plugins
	check_json
}
