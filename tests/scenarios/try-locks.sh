# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the worker holds no lock that vfio-pci only tries: a guest's reset and a client's open
# never end in EAGAIN, while the worker audits the GPU each second, and works on one that does not obey.
# The worker is kept where it is at work.
#
# boot: redbud
# kernel: 6.12
# smp: 2

# try N CMD: N times, on what it says, at another moment of the worker's each time
try() {
	for n in $(seq "$1"); do
		client_do a "$2" "sleep $((n * 137 % 500))" | grep -v ^sleep
	done | sort | uniq -c
}

guest() {
	fresh
	lab set g1 mask-stuck on
	load isolate=1 audit_seconds=1
	vfio_bind 0
	for symbol in nvli_look nvli_enforce_audit; do
		delay $symbol 250 2>/dev/null && note "the worker is kept at $symbol"
	done
	client_start a 0
	client_do a open map memory-on >/dev/null
	is "resets by a guest" "$(try 5 reset | tr -s ' ')" " 5 reset: ok"
	client_do a close >/dev/null
	is "opens" "$(for n in 1 2 3; do
		client_do a open "sleep $((n * 137 % 500))" close
	done | grep open | sort | uniq -c | tr -s ' ')" " 3 open: ok"
	delay -
	client_stop a
	ok "isolated" wait_for 20 in_state 0 isolated
	vfio_unbind 0
	lab set g1 mask-stuck off
	ok "unloads" unload
}
