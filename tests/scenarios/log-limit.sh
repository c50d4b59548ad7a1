# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that a guest cannot fill the host's log by the module: it is refused some thousand times, and
# opens a GPU that does not obey as often as it can. By name on x86-64: it says the same there.
#
# x86: by name
# boot: redbud
# kernel: 6.12

# What printk's own limit is: so many bursts of 10 in 5 seconds, with three lines each at most.
said() {
	dmesg_since | grep -c ' nvlink_isolation: '
}

hundredths() {
	read -r now _ </proc/uptime
	echo "${now%.*}${now#*.}"
}

# limited WHAT: since began
limited() {
	took=$(($(hundredths) - began))
	lines=$(said)
	limit=$((30 * (took / 500 + 1)))
	ok "lines of ours, $1: $lines in $took hundredths of a second, at most $limit" \
		test "$lines" -le $limit
	dmesg_clear
}

begin() {
	dmesg_clear
	began=$(hundredths)
}

guest() {
	fresh
	load isolate=1
	vfio_bind 0
	client_start a 0
	client_do a open map memory-on >/dev/null
	lab set g0 mask-stuck on
	client_do a reset >/dev/null
	begin
	client_do a "attack memory us=100" "sleep 4500" >/dev/null
	got=$(client_do a attack-stop)
	note "$got"
	ok "it was refused often" test "$(echo "$got" | statistic refused)" -ge 200
	limited "refused"
	client_do a close >/dev/null
	begin
	refused=0
	for _ in $(seq 60); do
		client_do a open >/dev/null && client_do a close >/dev/null || refused=$((refused + 1))
	done
	note "$refused of 60 opens were refused"
	limited "opens"
	begin
	lab set g0 mask-stuck off
	ok "it is isolated when it obeys" wait_for 90 in_state 0 isolated
	client_stop a
	vfio_unbind 0
	ok "unloads" unload
}
