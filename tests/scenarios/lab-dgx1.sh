# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the emulated DGX-1 has the mesh of a DGX-1V: how many links each pair of GPUs has; and
# that lab_declared, which the module is given, says the same as the device.
#
# kernel: amd64-6.1
# boot: x86-dgx1
# alone: yes

mesh="0-1:1 0-2:1 0-3:2 0-4:2 1-2:2 1-3:1 1-5:2 2-3:2 2-6:1 3-7:1"
mesh="$mesh 4-5:1 4-6:1 4-7:2 5-6:2 5-7:1 6-7:2"

# pairs: of links that come in, by the numbers of their GPUs
pairs() {
	sort | uniq -c | awk '{ all = all (all ? " " : "") $2 ":" $1 } END { print all }'
}

# by_number: of links as they are declared, the numbers of the GPUs at their ends: 0-1
by_number() {
	tr , '\n' | awk -v gpus="$(lab_gpus | tr '\n' ' ')" '
		BEGIN {
			n = split(gpus, gpu, " ")
			for (i = 1; i <= n; i++)
				number[gpu[i]] = i - 1
		}
		{
			split($0, end, "-")
			for (i = 1; i <= 2; i++)
				sub(/\.[0-5]$/, "", end[i])
			print number[end[1]] "-" number[end[2]]
		}'
}

guest() {
	is "GPUs" "$(lab_gpus | wc -l)" 8
	is "pairs that are declared" "$(lab_declared | by_number | pairs)" "$mesh"
	is "ends that are declared, each once" "$(lab_declared | sed 's/[,-]/\n/g' | sort -u | wc -l)" 48
	ok "g7 resets" reset 7
}

judge() {
	is "pairs that the device has" "$(links | sed 's/g\([0-7]\)\.[0-5]/\1/g' | pairs)" "$mesh"
	is "resets of g7" "$(count ' g7 reset reason=bus$')" 1
	for gpu in g0 g1 g2 g3 g4 g5 g6; do
		is "resets of $gpu" "$(count " $gpu reset ")" 0
	done
}
