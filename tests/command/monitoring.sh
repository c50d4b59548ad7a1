# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What monitoring reads: check --json, check --nagios, metrics. Sourced by check.

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
	plugin 0 "^NVLINK OK - 4 GPUs isolated [|] isolated=4;;;0;4 not_isolated=0;;0;0;4 refused=0;;0;0;4 exposed=0;;0;0;4 verified_age=88s;;;0$"
	plugin 0 "^NVLINK OK - 1 GPU isolated [|] isolated=1;;;0;1 .* verified_age=12s;;;0$" $g0
	plugin 0 "^NVLINK OK - 1 GPU isolated " --ignore-others 0003:01:00.0 $g0
	plugin 3 "^NVLINK UNKNOWN - 1 of 2 devices cannot be checked: 0001:00:00.0: there is no such PCI device [|] " \
		$g0 0001:00:00.0
	machine=failed
	plugin 2 "^NVLINK CRITICAL - 3 of 4 GPUs not isolated: $g1: not isolated: failed: .*; 0035:03:00.0: .* exposed=2;;0;0;4 verified_age=U$"
	# A GPU that is not isolated is critical; one that cannot be checked is unknown.
	plugin 2 "^NVLINK CRITICAL - 1 of 1 GPUs not isolated: $g1: .* [|] isolated=0;" $g1 0001:00:00.0
	machine=refused
	plugin 2 " refused=1;;0;0;4 exposed=2;;0;0;4 "
	machine=compound
	plugin 2 "^NVLINK CRITICAL - 2 of 2 GPUs not isolated: $g0: not isolated from $g1: "
	machine=mixed
	plugin 3 "^NVLINK UNKNOWN - 5 of 6 devices cannot be checked: 0004:05:00.0: P100 SXM2 .* isolated=1;;;0;1 "
	plugin 0 "^NVLINK OK - 1 GPU isolated: 0004:05:00.0: passed over, warning: P100 SXM2 " --unsupported=ok
	machine=unloaded
	plugin 2 "not isolated: $g0 $g1 0035:03:00.0 0035:04:00.0: not isolated: the module nvlink_isolation is not loaded [|] .* refused=U exposed=U verified_age=U$"
	machine=none
	plugin 3 '^NVLINK UNKNOWN - check: there is no V100 SXM2 in this machine; the module works on bare-metal POWER9'
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

# metric MACHINE NAME: its samples, in one line: "0004:04:00.0=1 0004:05:00.0=0"
metric() {
	as "$user" nvlink-isolation --root "$1" metrics |
		sed -nE "s/^nvlink_isolation_$2[{]gpu=\"([^\"]*)\"[}]/\1/p" | tr ' \n' '= ' | sed 's/ $//'
}

all_metrics() {
	for machine in $machines; do
		run 0 --root "$machine" metrics
		printf '%s\n' "$output" >"$work/metrics"
		ok "$user: promtool on metrics of $machine" "$promtool" check metrics <"$work/metrics"
	done
	is "$user: GPUs of which nothing disables the NVLinks" \
		"$(as "$user" nvlink-isolation --root mixed metrics | grep _unsupported_gpus | tail -n 1)" \
		"nvlink_isolation_unsupported_gpus 5"
	run 2 --root odd metrics
	run 2 --root redbud metrics more
	is "$user: isolated" "$(metric failed gpu_isolated)" \
		"0004:04:00.0=1 0004:05:00.0=0 0035:03:00.0=0 0035:04:00.0=0"
	# What check says, and not the state
	is "$user: isolated, of one IOMMU group" "$(metric compound gpu_isolated)" \
		"0004:04:00.0=0 0004:05:00.0=0"
	is "$user: joined" "$(metric compound gpu_joined_peers)" "0004:04:00.0=1 0004:05:00.0=1"
	is "$user: held" "$(metric refused gpu_held)" \
		"0004:04:00.0=1 0004:05:00.0=0 0035:03:00.0=0 0035:04:00.0=0"
	is "$user: refused" "$(metric refused gpu_refused_total)" \
		"0004:04:00.0=2 0004:05:00.0=0 0035:03:00.0=0 0035:04:00.0=0"
	is "$user: switched on" "$(metric redbud gpu_switched_on_total)" \
		"0004:04:00.0=8 0004:05:00.0=0 0035:03:00.0=0 0035:04:00.0=0"
	is "$user: resets" "$(metric redbud gpu_resets_total)" \
		"0004:04:00.0=3 0004:05:00.0=12 0035:03:00.0=0 0035:04:00.0=0"
	is "$user: reapplied" "$(metric redbud gpu_reapplied_total)" \
		"0004:04:00.0=3 0004:05:00.0=11 0035:03:00.0=0 0035:04:00.0=0"
	is "$user: required" "$(metric refused gpu_required_links)" \
		"0004:04:00.0=5 0004:05:00.0=3 0035:03:00.0=3 0035:04:00.0=3"
	is "$user: disabled, where it is known" "$(metric failed gpu_disabled_links)" \
		"0004:04:00.0=3 0035:03:00.0=2"
	is "$user: exposed" "$(metric failed gpu_exposed_links)" \
		"0004:04:00.0=0 0004:05:00.0=0 0035:03:00.0=1 0035:04:00.0=3"
	is "$user: age, where there is one" "$(metric failed gpu_verification_age_seconds)" \
		"0004:04:00.0=12 0035:03:00.0=75 0035:04:00.0=3"
	# An older module shows neither of these, and no module nothing at all.
	is "$user: what an older module lacks" \
		"$(metric old gpu_joined_peers)$(metric old gpu_refused_total)$(metric old gpu_verification_age_seconds)" ""
	is "$user: held, without the module" "$(metric unloaded gpu_held)$(metric unloaded gpu_exposed_links)" ""
	is "$user: isolated, without the module" "$(metric unloaded gpu_isolated)" \
		"0004:04:00.0=0 0004:05:00.0=0 0035:03:00.0=0 0035:04:00.0=0"
	is "$user: states that are 1" "$(as "$user" nvlink-isolation --root failed metrics |
		sed -n 's/.*gpu_state.*state="\(.*\)"} 1$/\1/p' | tr '\n' ' ')" "isolated failed failed pending "
	rm -rf "$work/newer"
	cp -a "$work/failed" "$work/newer"
	echo asleep >"$work/newer/sys/bus/pci/devices/0004:05:00.0/nvlink_isolation/state"
	is "$user: a state of another version" "$(as "$user" nvlink-isolation --root newer metrics |
		sed -n 's/.*gpu_state.*state="\(.*\)"} 1$/\1/p' | tr '\n' ' ')" "isolated unknown failed pending "
}

# exported DIR PROGRAM ARGUMENT...: an example, on the machine $machine, writes into DIR.
exported() {
	exported_dir=$1
	shift
	rm -rf "$exported_dir"
	mkdir -m 777 "$exported_dir"
	real_command "$machine"
	exported_status=0
	as "$user" env PATH="$work/hook-bin:$PATH" TEXTFILES="$exported_dir" "$@" >/dev/null 2>&1 ||
		exported_status=$?
}

# What the service runs, in a shell of its own
service_shell() {
	sed -n "/^ExecStart=.bin.sh -c '/,/'\$/p" "$examples/nvlink-isolation-metrics.service" |
		sed "1s/^[^']*'//; s/ *.\$//; s/[$][$]/$/g"
}

exports() {
	examples=$top/Documentation/examples
	# `nobody` may have no access to the clone.
	cp "$examples/nfd-feature-file" "$work/"
	out=$work/exported
	machine=failed
	exported "$out" sh -c "$(service_shell)"
	is "$user: status of the metrics service" "$exported_status" 0
	is "$user: files that the service leaves" "$(ls "$out")" nvlink_isolation.prom
	is "$user: its file" "$(cat "$out/nvlink_isolation.prom")" \
		"$(as "$user" nvlink-isolation --root failed metrics)"
	machine=odd
	exported "$out" sh -c ": >\"\$TEXTFILES/nvlink_isolation.prom\"; $(service_shell)"
	is "$user: status of the service when the command fails" "$exported_status" 1
	is "$user: files that it leaves then" "$(ls "$out")" ""

	for row in "redbud 0 true" "failed 0 false" "compound 0 false" "mixed 0 false" "unloaded 0 false" \
		"ungated 0 false" "gateless 0 false"; do
		machine=${row%% *}
		exported "$out" sh "$work/nfd-feature-file" "$out"
		is "$user: labels of $machine" "$exported_status $(sed -n 's/.*isolated=//p' "$out"/*)" \
			"${row#* }"
		is "$user: files of $machine" "$(ls -A "$out")" nvlink-isolation
	done
	is "$user: number of GPUs" "$(grep -v '^#' "$out"/* | head -n 1)" \
		"feature.node.kubernetes.io/nvlink-isolation.gpus=4"
	expires=$(date -d "$(sed -n 's/^# +expiry-time=//p' "$out"/*)" +%s)
	ok "$user: the labels expire in five minutes" test $((expires - $(date +%s))) -gt 280
	for row in "none 0" "odd 1"; do
		machine=${row%% *}
		exported "$out" sh -c ": >'$out/nvlink-isolation'; exec sh '$work/nfd-feature-file' '$out'"
		is "$user: no labels of $machine" "$exported_status $(ls -A "$out")" "${row#* } "
	done
}

# Requirements on the examples, independent of the user
example_files() {
	examples=$top/Documentation/examples
	mkdir "$work/units"
	cp "$examples"/*.service "$examples"/*.timer "$examples/nfd-feature-file" "$work/units/"
	chmod 755 "$work/units/nfd-feature-file"
	sed -i "s,/usr/local/bin,$work/units," "$work/units/nvlink-isolation-nfd.service"
	for unit in "$work"/units/*.service "$work"/units/*.timer; do
		is "systemd-analyze verify ${unit##*/}" "$(systemd-analyze verify --man=no "$unit" 2>&1)" ""
	done
	ok "promtool on the alerting rules" "$promtool" check rules "$examples/nvlink-isolation-alerts.yml"
	cp "$examples/nvlink-isolation-alerts.yml" "$here/alerts.test.yml" "$work/"
	ok "which alerts fire" "$promtool" test rules "$work/alerts.test.yml"
	grep -o 'nvlink_isolation_[a-z_]*[a-z]' "$examples/nvlink-isolation-alerts.yml" | sort -u |
		while read -r name; do
			ok "$name is a metric" grep -q "^# TYPE $name " "$here/failed.metrics.txt"
		done
	rule=$examples/72-nvlink-isolation-notify.rules
	is "the rule asks for what the module sends" "$(grep -v '^#' "$rule" |
		grep -o 'NVLINK[A-Z_]*' | sort -u)" "$(grep -o 'NVLINK_[A-Z_]*' "$top/src/module/report.c" | sort -u)"
	is "the rule starts a unit that there is" "$(grep -o 'nvlink-isolation-[a-z.]*service' "$rule" |
		sort -u)" nvlink-isolation-metrics.service
}

monitoring() {
	exports
	plugins
	check_json
	all_metrics
}
