# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the module cuts what `nvlink-isolation plan` says of the same tree, and warns of the same
# GPUs. tests/agree runs it with each of tests/fixtures.
#
# trees: all

guest() {
	fresh
	load isolate=1 domains=gpu
	n=0
	masks=''
	while gpu $n >/dev/null; do
		masks="$masks $(cut_links g$n)"
		n=$((n + 1))
	done
	note "masks:$masks"
	unload
}

judge() {
	plan=$("$lab_top/build/nvlink-isolation" plan --json --domains gpu "$dir/root/lab/tree.dtb")
	ok "the command has a plan" test -n "$plan" || return
	masks=$(printf '%s\n' "$plan" | sed -n 's/.*"mask": "\(0x[0-9a-f]*\)".*/\1/p' | tr '\n' ' ')
	# GPUs beyond those of the tree are not in the plan.
	# shellcheck disable=SC2154 # set by run
	like "masks of $group_tree, by the plan $masks" \
		"$(sed -n 's/^@lab # masks: //p' "$dir/console") " "^${masks:-none}"
	is "GPUs with CPU links that ibm,npu does not list" \
		"$(guest_log | grep -c 'NPU devices that its .*ibm,npu does not list')" \
		"$(printf '%s\n' "$plan" | grep -c '"unlisted_npu_links": \[$')"
}
