# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Machines on which a GPU must not pass for isolated, and figures that depend on more than one GPU.
# Sourced by check.

# shellcheck disable=SC2086,SC2154 # for all of this file: addresses; set by who sources it

# partly: an IOMMU group has two GPUs, whose links to a third are disabled
partly() {
	fake partly
	fake_gpu 0004:04:00.0 0x201 3
	fake_gpu 0004:05:00.0 0x202 3
	fake_gpu 0004:06:00.0 0x205 5
	fake_module isolate=1 gate=1 audit_seconds=60 domains=group
	fake_show 0004:04:00.0 required_links=2,3 disabled_links=2,3 verified=5 domain=3 \
		joined_peers=0004:05:00.0 "peers=0004:05:00.0 cpu 0004:06:00.0 0004:06:00.0 0004:05:00.0 cpu"
	fake_show 0004:05:00.0 required_links=2,3 disabled_links=2,3 verified=5 domain=3 \
		joined_peers=0004:04:00.0 "peers=0004:04:00.0 cpu 0004:06:00.0 0004:06:00.0 0004:04:00.0 cpu"
	fake_show 0004:06:00.0 required_links=0,1,2,4 disabled_links=0,1,2,4 verified=5 \
		"peers=0004:05:00.0 0004:04:00.0 0004:05:00.0 cpu 0004:04:00.0 cpu"
}

# chips: boards that are known by their chip only, and from bus 16 on boards without NVLinks
chips() {
	fake chips
	chips_bus=10
	for id in 0x15f0 0x1dba 0x20b2 0x2330 0x2342 0x2901 0x15f7 0x15f8 0x1d81 0x1db6 0x1df6; do
		fake_gpu 0004:$chips_bus:00.0 '' 1 $id
		chips_bus=$((chips_bus + 1))
	done
	fake_gpu 0004:04:00.0 0x201 1
	fake_module isolate=1
	fake_show 0004:04:00.0
}

# half: the module shows all GPUs but the first
half() {
	fake half
	redbud_gpus
	fake_module isolate=1 gate=1 audit_seconds=60 domains=gpu
	for gpu in 0004:05:00.0 0035:03:00.0 0035:04:00.0; do
		fake_show $gpu
	done
}

# later: the module is newer, and has a policy that this command does not know
later() {
	cp -a "$work/compound" "$work/later"
	echo by-tenant >"$work/later/sys/module/nvlink_isolation/parameters/domains"
}

# ungated, gateless: redbud with gate=0, and with a module that does not show its gate
ungated() {
	cp -a "$work/redbud" "$work/ungated"
	echo 0 >"$work/ungated/sys/module/nvlink_isolation/parameters/gate"
}

gateless() {
	cp -a "$work/redbud" "$work/gateless"
	rm "$work/gateless/sys/module/nvlink_isolation/parameters/gate"
}

# left: the peer of its one GPU has left PCI, and the module still keeps the links
left() {
	fake left
	fake_gpu 0004:04:00.0 0x201 1
	fake_module isolate=1 gate=1 audit_seconds=60 domains=group
	fake_show 0004:04:00.0 disabled_links=unknown "peers=unknown cpu unknown cpu 0004:05:00.0 cpu"
}

# unwired: a GPU that could not be verified, and whose links that have to be disabled lead nowhere
unwired() {
	fake unwired
	fake_gpu 0004:04:00.0 0x201 1
	fake_module isolate=1 gate=1 audit_seconds=60 domains=gpu
	fake_show 0004:04:00.0 state=failed held=1 required_links=0,2,4 disabled_links=unknown \
		"peers=none cpu none cpu none cpu"
}

# vmd: two GPUs with one address, in a segment and behind Intel's VMD
vmd() {
	fake vmd
	fake_gpu 0000:01:00.0 '' 1
	fake_gpu 10000:01:00.0 '' 2
	fake_module isolate=1 gate=1 audit_seconds=60 domains=gpu
	fake_show 0000:01:00.0
	fake_show 10000:01:00.0 state=failed
}

make_doubtful() {
	for machine in partly left unwired vmd chips half later ungated gateless; do
		$machine
	done
}

joined_by_group() {
	machine=partly
	checked 1 "^$g0: not isolated from $g1: NVLinks 0,4 are kept, .* IOMMU group \(3\); domains=gpu"
	checked 0 "^$g0: isolated: NVLinks 2,3 read back as disabled$" $g0 $g1
	is "$user: states of partly" "$(as "$user" nvlink-isolation --root partly status |
		awk '/^G. +0004/ { print $3 }' | tr '\n' ' ')" 'isolated* isolated* isolated '
	machine=later
	checked 1 "^$g0: not isolated from $g1: " $g0
	machine=owned
	checked 0 "^$g0: isolated: no NVLink has to be disabled; joined by domains= to $g1 \(NVLinks 0,2,4\)$" $g0
}

other_chips() {
	run 2 --root chips check --ignore-others
	is "$user: boards known by their chip" "$(printf '%s\n' "$output" | grep -c 'nothing disables them')" 6
	run 0 --root chips check --ignore-others 0004:16:00.0 0004:17:00.0 0004:18:00.0 0004:19:00.0 0004:20:00.0
}

# What is missing or cannot be read, though each version of the module has it, proves nothing.
lacking() {
	shown_by_lacking=$work/lacking/sys/bus/pci/devices/$g0/nvlink_isolation
	for file in state held required_links disabled_links peers exposed_peers; do
		rm -rf "$work/lacking"
		cp -a "$work/redbud" "$work/lacking"
		rm "$shown_by_lacking/$file"
		run 2 --root lacking check $g0
		like "$user: names $file" "$output" "/$file: No such file or directory$"
	done
	rm -rf "$work/lacking"
	cp -a "$work/redbud" "$work/lacking"
	rm "$shown_by_lacking/verified"
	mkdir "$shown_by_lacking/verified"
	run 2 --root lacking check $g0
	like "$user: names verified" "$output" '/verified: Is a directory$'
}

# faults_of MACHINE: in one line, the status and the faults of the machine that check --json has
faults_of() {
	as "$user" nvlink-isolation --root "$1" check --json | jq -r '[.status, .faults[]] | join(" ")'
}

# gate_metric MACHINE: its sample
gate_metric() {
	as "$user" nvlink-isolation --root "$1" metrics | sed -n 's/^nvlink_isolation_gate //p'
}

# All links are disabled at present, but nothing keeps a GPU off if that fails after its next reset.
gate_off() {
	off='gate=0: a driver or a guest can switch on a GPU whose links are not verified as disabled'
	off="$off; write 1 to ungated/sys/module/nvlink_isolation/parameters/gate"
	machine=ungated
	checked 1 "^$off$"
	is "$user: lines of gate=0" "$(printf '%s\n' "$output" | grep -c gate)" 1
	is "$user: GPUs that are isolated all the same" "$(printf '%s\n' "$output" | grep -c ': isolated: ')" 4
	checked 1 "^$off$" $g0
	run 0 --root ungated check --ignore-others 0003:01:00.0
	is "$user: the gate and devices that are no V100" "$output" '0003:01:00.0: passed over: not a V100 SXM2'
	checked 2 "^$off$" $g0 0001:00:00.0
	plugin 2 "^NVLINK CRITICAL - $off [|] isolated=4;;;0;4 not_isolated=0;;0;0;4 "
	machine=failed
	plugin 2 "^NVLINK CRITICAL - 3 of 4 GPUs not isolated: $g1: .*; gate=0: .*/parameters/gate [|] isolated=1;"
	is "$user: gate=0 as JSON" "$(faults_of ungated)" "1 $off"
	is "$user: gate=1 as JSON" "$(faults_of redbud)" 0
	is "$user: gate=0 as a metric" "$(gate_metric ungated)$(gate_metric redbud)" "01"
	is "$user: the gate without the module" "$(faults_of unloaded)$(gate_metric unloaded)" 1
}

# What is not known to be 1 must not pass for it.
gate_unknown() {
	machine=gateless
	parameter=gateless/sys/module/nvlink_isolation/parameters/gate
	for row in '-:No such file or directory' ":'' is neither 0 nor 1" "2:'2' is neither 0 nor 1" \
		"N:'N' is neither 0 nor 1" "10:'10' is neither 0 nor 1"; do
		[ "${row%%:*}" = - ] || echo "${row%%:*}" >"$work/$parameter"
		why="$parameter: ${row#*:}"
		checked 2 "^nvlink-isolation: check: $why$"
		plugin 3 "^NVLINK UNKNOWN - $why [|] isolated=4;"
		plugin 3 "^NVLINK UNKNOWN - 1 of 2 devices cannot be checked: .*; $why [|] " $g0 0001:00:00.0
		is "$user: no value as JSON, ${row%%:*}" "$(faults_of gateless)" "2 $why"
		is "$user: no sample, ${row%%:*}" "$(gate_metric gateless)" ""
	done
	rm "$work/$parameter"
	state=$work/gateless/sys/bus/pci/devices/$g0/nvlink_isolation/state
	echo failed >"$state"
	plugin 2 "^NVLINK CRITICAL - 1 of 4 GPUs not isolated: $g0: .*; $parameter: No such file or directory [|] "
	echo isolated >"$state"
}

figures() {
	machine=half
	plugin 2 "not isolated: $g0: not isolated: the module does not know it; .* refused=U exposed=U"
	# shellcheck disable=SC2034 # for fake.sh
	machine=claimed root=$work/claimed devices=$work/claimed/sys/bus/pci/devices
	fake_module audit_seconds=10
	doubted 0 'isolated: .*' verified=40
	doubted 1 'not isolated: its state is isolated, but its links were last read back 41 s ago, with audit_seconds=10' \
		verified=41
	unread="not isolated: its state is isolated, but the module's audit_seconds cannot be read"
	for period in '' junk; do
		fake_module audit_seconds=$period
		doubted 1 "$unread" verified=41
	done
	rm "$root/sys/module/nvlink_isolation/parameters/audit_seconds"
	doubted 1 "$unread" verified=41
	fake_module audit_seconds=0
	doubted 0 'isolated: .*' verified=999999
	is "$user: owners" "$(metric owned gpu_owner)" \
		"0004:04:00.0=7 0004:05:00.0=7 0035:03:00.0=1 0035:04:00.0=0"
	is "$user: owners as JSON" "$(as "$user" nvlink-isolation --root owned status --json |
		jq -r '[.gpus[] | "\(.owner) \(.owner_means)"] | join(", ")')" "7 kvm, 7 kvm, host driver, none none"
}

# What the command must not say of links
ends() {
	machine=left
	checked 1 "^$g0: not isolated: its state is isolated, but links 0,2, whose other ends are unknown, are kept$"
	plugin 2 "^NVLINK CRITICAL - 1 of 1 GPUs not isolated: $g0: "
	is "$user: a peer that has left, as a metric" "$(metric left gpu_isolated)" "$g0=0"
	for command in status topology; do
		run 0 --root unwired $command
		is "$user: $command does not call required links allowed" \
			"$(printf '%s\n' "$output" | grep -c 'no link has to be disabled')" 0
	done
	run 2 --root vmd check 01:00.0
	like "$user: an address that VMD has, too" "$output" "is ambiguous: write 0000:01:00.0 or 10000:01:00.0$"
}

doubtful() {
	g0=0004:04:00.0 g1=0004:05:00.0
	joined_by_group
	other_chips
	ends
	lacking
	gate_off
	gate_unknown
	figures
}
