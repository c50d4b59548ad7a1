# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# topology --dot and --svg. Sourced by check.

# shellcheck disable=SC2154 # for all of this file: set by who sources it

# edges MACHINE: of its graph, as dot reads it: "G0 G1 dashed"
edges() {
	as "$user" nvlink-isolation --root "$1" topology --dot | dot -Tjson |
		jq -r '. as $g | .edges[] | "\($g.objects[.tail].name) \($g.objects[.head].name) \(.label | ltrimstr(" ")) \(.style)"'
}

# clusters MACHINE: the GPUs of each domain
clusters() {
	as "$user" nvlink-isolation --root "$1" topology --dot | dot -Tjson |
		jq -r '. as $g | [.objects[] | select(.name | startswith("cluster")) |
			[.nodes[] as $n | $g.objects[$n].name] | join("+")] | join(" ")'
}

pictures() {
	is "$user: edges of redbud" "$(edges redbud)" "G0 G1 0,2,4 dashed
G2 G3 0,2,4 dashed"
	is "$user: edges of failed" "$(edges failed)" "G0 G1 0,2,4 dashed
G2 G3 0,2 dashed
G2 G3 OPEN 4 bold"
	is "$user: edges of the first socket of sequoia" "$(edges sequoia | grep -v 'G[345]')" \
		"G0 G1 0,4 solid
G0 G2 2,3 dashed
G1 G2 2,3 dashed"
	like "$user: an unknown end" "$(edges refused)" '^G0 unknown0 OPEN 3 bold$'
	is "$user: domains of redbud" "$(clusters redbud)" "G0 G1 G2 G3"
	is "$user: domains of sequoia" "$(clusters sequoia)" "G0+G1 G2 G3 G4 G5"
	run 0 --root unloaded topology --dot
	is "$user: without the module there are none" "$(clusters unloaded)" ""
	as "$user" nvlink-isolation --root failed topology --svg >"$work/picture.svg"
	# shellcheck disable=SC2016 # for the inner shell
	is "$user: the same where a parent ignores SIGCHLD" "$(as "$user" sh -c 'trap "" CHLD; exec "$@"' sh \
		nvlink-isolation --root failed topology --svg 2>&1)" "$(cat "$work/picture.svg")"
	ok "$user: the SVG is XML" xmllint --noout --nonet "$work/picture.svg"
	output=$(as "$user" env PATH="$work/bin" nvlink-isolation --root failed topology --svg 2>&1)
	is "$user: without dot" "$output" \
		"nvlink-isolation: topology: --svg needs dot, which the package graphviz has; --dot does not"
	run 2 --root none topology --dot
	run 2 --root redbud topology --dot --svg
}
