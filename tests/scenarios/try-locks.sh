# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the worker holds no lock that vfio-pci only tries: a guest's reset and a client's open
# never end in EAGAIN, while the worker audits the GPU each second, and works on one that does not obey.
# The worker is kept where it is at work.
#
# boot: redbud
# kernel: 6.12
# smp: 2

kept() {
	cat /sys/module/lab_driver/parameters/delayed
}

# at_work: wait until the worker comes to where it is kept. An audit is due 0.5 to 1.5 s after the last
# read-back, which a reset ends with.
at_work() {
	before=$(kept) polls=0
	while [ "$(kept)" = "$before" ] && [ $polls -lt 500 ]; do
		usleep 10000
		polls=$((polls + 1))
	done
	[ "$(kept)" != "$before" ] || echo "the worker did not come"
}

# try N CMD: N times, on what it says, while the worker is kept
try() {
	for _ in $(seq "$1"); do
		at_work
		client_do a "$2"
	done | sort | uniq -c
}

guest() {
	fresh
	lab set g1 mask-stuck on
	# The other two keep their links, and are not audited: whom the worker is kept at is g0 or g1.
	load isolate=1 audit_seconds=1 domains="$(gpu 2)+$(gpu 3)"
	vfio_bind 0
	ok "the worker can be kept" delay nvli_look 250
	client_start a 0
	client_do a open map memory-on >/dev/null
	is "resets by a guest" "$(try 5 reset | tr -s ' ')" " 5 reset: ok"
	client_do a close >/dev/null
	is "opens" "$(for _ in 1 2 3; do
		at_work
		client_do a open close
	done | grep -v close | sort | uniq -c | tr -s ' ')" " 3 open: ok"
	ok "the worker was kept 8 times or more: $(kept)" test "$(kept)" -ge 8
	delay -
	client_stop a
	ok "isolated" wait_for 20 in_state 0 isolated
	vfio_unbind 0
	lab set g1 mask-stuck off
	ok "unloads" unload
}
