# SPDX-License-Identifier: GPL-2.0-only
#
# Two guests, one on each GPU of a pair, reset at the same time, each path with each. While both
# are being reset their links are live: no end can be cut in reset. Shows that neither guest reaches
# its GPU then, and for how long it takes.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes

# send CLIENT PATH: the commands of a path
send() {
	case $2 in
	reset | hot-reset) client_send "$1" "$2" ;;
	eeh-*)
		client_send "$1" "$2"
		client_send "$1" eeh-deactivate
		# It comes sooner after a fundamental reset than the GPU may be accessed.
		client_send "$1" "sleep 300"
		;;
	reopen)
		client_send "$1" close
		client_send "$1" open
		client_send "$1" map
		client_send "$1" eeh-enable
		;;
	esac
	client_send "$1" memory-on
}

# both PATH PATH: one for each
both() {
	lab mark "$1 and $2"
	for client in a b; do
		# Its mapping goes when it is closed.
		[ "$1" = reopen ] || [ "$2" = reopen ] ||
			client_do $client "attack mask mask=0x00150000 us=2000" >/dev/null
		client_send $client "await /run/go"
	done
	send a "$1"
	send b "$2"
	: >/run/go
	got=$(client_wait a; client_wait b)
	rm /run/go
	like "both guests go on after $1 and $2" "$got" "memory-on: ok"
	nok "no guest is denied after $1 and $2" sh -c "echo '$got' | grep error"
	if [ "$1" != reopen ] && [ "$2" != reopen ]; then
		client_do a "sleep 20" >/dev/null
		for client in a b; do
			got=$(client_do $client attack-stop)
			is "masks that $client found open after $1 and $2" \
				"$(echo "$got" | statistic mask-open)" 0
		done
	fi
	for n in 0 1; do
		is "g$n is isolated after $1 and $2" "$(sysfs $n state)" isolated
		is "links of g$n after $1 and $2" "$(cut_links g$n)" 0x00150000
	done
	lab mark "after $1 and $2"
}

pairs="reset+reset reset+hot-reset reset+eeh-fundamental reset+reopen hot-reset+hot-reset
	hot-reset+eeh-fundamental hot-reset+reopen eeh-fundamental+eeh-fundamental
	eeh-fundamental+reopen reopen+reopen eeh-hot+eeh-hot eeh-hot+reset eeh-hot+hot-reset
	eeh-hot+eeh-fundamental eeh-hot+reopen"

guest() {
	fresh
	load isolate=1
	for n in 0 1; do
		vfio_bind $n
	done
	client_start a 0
	client_start b 1
	for client in a b; do
		client_do $client open map memory-on eeh-enable >/dev/null
	done
	lab mark "pairs begin"
	for pair in $pairs; do
		both "${pair%+*}" "${pair#*+}"
	done
	lab mark "pairs are through"
	for client in a b; do
		client_stop $client
	done
	vfio_unbind 0
	vfio_unbind 1
	ok "unloads" unload
}

judge() {
	for pair in $pairs; do
		from="${pair%+*} and ${pair#*+}"
		note "$from: g0.0-g1.0 live for $(live_ns g0.0-g1.0 "$from" "after $from") ns," \
			"g0 exposed for $(exposed_ns g0 "$from" "after $from")," \
			"g1 for $(exposed_ns g1 "$from" "after $from")"
		for gpu in g0 g1; do
			is "reads of the client of $gpu while it was exposed, $from" \
				"$(client_reads_exposed $gpu "$from" "after $from")" 0
		done
	done
	for gpu in g0 g1; do
		periods=$(open_periods $gpu "pairs begin" "pairs are through")
		note "$gpu exposed $(echo "$periods" | wc -l) times, at most for" \
			"$(echo "$periods" | sort -n | tail -n 1 | cut -d ' ' -f 1) ns"
		is "times $gpu was exposed other than in a sequence" \
			"$(echo "$periods" | grep -cv applied)" 0
		is "times $gpu was exposed for too long" \
			"$(echo "$periods" | too_long | grep -c .)" 0
	done
	for link in g2.0-g3.0 g2.2-g3.2 g2.4-g3.4; do
		is "$link, of others, was live" "$(live_ns $link "pairs begin" "pairs are through")" 0
	done
}
