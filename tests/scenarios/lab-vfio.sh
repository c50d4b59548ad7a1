# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Shows what a client of VFIO can do to its GPU and what each of its calls returns here, without the
# module; and that the lab's client, its attacks and the judge of them would show a GPU that is
# open. A line for each call goes to the results, with the guest's time that it took.
#
# What is to know before relying on the emulation of a POWER9:
#   - No PE is ever frozen: eeh-state is always 0, and the two ops that thaw have nothing to do.
#   - eeh-hot takes a good minute and resets twice: config space is blocked meanwhile, so the wait
#     for the GPU gives up, and then firmware does it again. The client gets no config space until
#     eeh-deactivate, and reads all ones, because no BAR is programmed.
#   - eeh-fundamental is the slot's power switched off and on by firmware; two seconds.
#   - After either eeh-deactivate programs the BARs and switches COMMAND.MEMORY on, so that the
#     client's mapping works again at once.
#   - eeh-inject is not implemented by the emulated PHB.
#   - Identity and BAR registers as the client sees them are VFIO's: writing moves nothing.
#
# kernel: 6.12
# alone: yes
# boot: redbud
# stray: yes

# Guest time in ms, into $now.
now() {
	read -r now </proc/uptime
	now=${now% *}
	now=${now%.*}${now#*.}0
}

# step CLIENT CMD REGEX: have it done; what it answers has to match.
step() {
	now && step_begin=$now
	step_answer=$(client_do "$1" "$2")
	now && note "$step_answer, after $((now - step_begin)) ms"
	like "$2" "$step_answer" "^$2: $3\$"
}

# blank GPU: nothing of it is cut
blank() {
	is "mask of g$1" "$(lab get "g$1" mask)" 0x00000005
}

one_run() {
	is "one run of the client" "$(client 0 open map memory-on "read 0" "config-read 0 4" \
		"write 0x700000 0x1234" "read 0x700000" "read 0x1000000" "read" "nonsense" close)" \
		"open: ok
map: ok 0x1000000
memory-on: ok
read 0: ok 0x140000a1
config-read 0 4: ok 0x1db110de
write 0x700000 0x1234: ok
read 0x700000: ok 0x00001234
read 0x1000000: error EINVAL
read: error EINVAL
nonsense: error EOPNOTSUPP
close: ok"
	nok "its status tells of an error" client 0 open nonsense
	ok "its status tells of success" client 0 open close
	like "a GPU that vfio-pci does not drive" "$(client 2 open)" "^open: error [A-Z]+ group$"
}

one_by_one() {
	ok "a client starts" client_start a 0
	lab mark "open"
	step a open ok
	step a open "error EBUSY"
	step a map "ok 0x1000000"
	step a memory-on ok
	lab mark "opened"

	step a "read 0" "ok 0x140000a1"
	step a memory-off ok
	lab mark "memory off"
	step a "read 0x700000" "error SIGBUS"
	step a "write 0x700000 1" "error SIGBUS"
	step a memory-on ok
	step a d3hot ok
	step a "read 0x700000" "error SIGBUS"
	step a d0 ok
	lab mark "memory on"
	step a "read 0x700000" "ok 0x00000000"
	bar0=$(config_read "$(gpu 0)" 0x10 4)
	step a "move-bar0 0x90000000" ok
	step a "config-read 0x10 4" "ok 0x90000000"
	step a "read 0" "ok 0x140000a1"
	is "BAR0 has not moved" "$(config_read "$(gpu 0)" 0x10 4)" "$bar0"

	for op in reset hot-reset; do
		client_do a "write 0x700000 7" >/dev/null
		lab mark "$op"
		step a $op "ok.*"
		step a "read 0x700000" "ok 0x00000000"
		lab mark "after $op"
		blank 0
	done
}

eeh() {
	step a eeh-enable "ok 0"
	step a eeh-state "ok 0"
	step a eeh-unfreeze-io "ok 0"
	step a eeh-unfreeze-dma "ok 0"
	step a eeh-configure "ok 0"
	step a eeh-inject "error EIO"
	for op in eeh-hot eeh-fundamental; do
		client_do a "write 0x700000 7" >/dev/null
		lab mark "$op"
		step a $op "ok 0"
		step a eeh-state "ok 0"
		step a "config-read 4 2" "error ENODEV"
		step a memory-on "error ENODEV"
		step a "read 0x700000" "ok 0xffffffff"
		lab mark "$op deactivate"
		step a eeh-deactivate "ok 0"
		step a "config-read 4 2" "ok 0x0102"
		step a "read 0x700000" "ok 0x00000000"
		lab mark "after $op"
		blank 0
	done
	step a eeh-deactivate "ok 0"
	step a eeh-disable "ok 0"
}

attacks() {
	step a "attack-stop" "error ENOENT"
	step a "attack nonsense" "error EINVAL"
	lab mark "attack"
	step a "attack ring mask=0x00150000" ok
	step a "attack ring" "error EBUSY"
	step a close "error EBUSY"
	client_do a "sleep 50" >/dev/null
	got=$(client_do a attack-stop)
	note "$got"
	ok "the attack read what it had written" test "$(echo "$got" | statistic signature)" -gt 0
	ok "the attack found the links open" test "$(echo "$got" | statistic mask-open)" -gt 0
	is "it never found them cut" "$(echo "$got" | statistic mask-cut)" 0
	lab mark "after attack"

	step a "write 0xa00148 0x00150000" ok
	is "the client has cut its own links" "$(lab get g0 mask)" 0x00150000
	step a "attack mask mask=0x00150000" ok
	client_do a "sleep 50" >/dev/null
	got=$(client_do a attack-stop)
	note "$got"
	ok "now the attack found them cut" test "$(echo "$got" | statistic mask-cut)" -gt 0
	is "and cannot open them" "$(echo "$got" | statistic mask-open)" 0
	is "mask after that" "$(lab get g0 mask)" 0x00150000

	for mode in read memory d3 bar unfreeze; do
		step a "attack $mode us=300" ok
	done
	# Dozens of writes each time: the processor is to be left to others, too.
	for mode in command header; do
		step a "attack $mode us=20000" ok
	done
	client_do a "sleep 50" >/dev/null
	got=$(client_do a attack-stop)
	note "$got"
	ok "a read met memory off or D3hot" \
		test "$(echo "$got" | sed 's/;.*//' | statistic sigbus)" -gt 0
	is "attacks at a time" "$(echo "$got" | grep -o loops | wc -l)" 7
	step a reset ok
	step a close ok
}

two_clients() {
	ok "another client starts" client_start b 1
	client_send b "await /run/first"
	client_send a open
	client_send b open
	client_send a "touch /run/first"
	client_send a "await /run/second"
	client_send b "touch /run/second"
	is "the one of g0" "$(client_wait a)" "open: ok
touch /run/first: ok
await /run/second: ok"
	is "the one of g1" "$(client_wait b)" "await /run/first: ok
open: ok
touch /run/second: ok"
	ok "the file has the time" test "$(cat /run/second)" -gt "$(cat /run/first)"
	client_do a map memory-on >/dev/null
	client_do b map memory-on >/dev/null
	step a "write 0x700000 10" ok
	step b "write 0x700000 11" ok
	step a "read 0x700000" "ok 0x0000000a"
	is "what is asked for is the value" "$(client_ask b "read 0x700000")" 0x0000000b
	ok "one ends" client_stop b
	nok "it is gone" client_alive b

	lab mark "kill"
	client_send a "attack ring"
	client_send a pause
	usleep 100000
	ok "the other is alive" client_alive a
	ok "and is killed, with everything open" client_kill a
	nok "so it is gone" client_alive a
	lab mark "after kill"
	blank 0
	ok "its GPU can be opened again" client 0 open close
}

guest() {
	fresh
	ok "vfio-pci drives g0" vfio_bind 0
	ok "vfio-pci drives g1" vfio_bind 1
	lab mark "bound"
	one_run
	one_by_one
	on_x86 || eeh
	attacks
	two_clients
	ok "g0 is taken from vfio-pci" vfio_unbind 0
	ok "g1 is taken from vfio-pci" vfio_unbind 1
}

judge_eeh() {
	is "eeh-hot resets g0 twice" "$(count "g0 reset reason=bus" eeh-hot "after eeh-hot")" 2
	is "eeh-fundamental resets it by its power" \
		"$(count "g0 reset reason=power-on" eeh-fundamental "after eeh-fundamental")" 2
	for op in eeh-hot eeh-fundamental; do
		is "nothing answers before deactivate" "$(client_reads g0 $op "$op deactivate")" 0
		is "reads after $op that met an open GPU" \
			"$(client_reads_exposed g0 "$op deactivate" "after $op")" 1
	done
}

judge() {
	is "reads before" "$(client_reads g0 "" bound)" 0
	is "reads while BAR0 is off" "$(client_reads g0 "memory off" "memory on")" 0
	for op in reset hot-reset; do
		is "$op resets g0 once" "$(count "g0 reset reason=bus" $op "after $op")" 1
		is "reads after $op" "$(client_reads g0 $op "after $op")" 1
		is "those that met an open GPU" "$(client_reads_exposed g0 $op "after $op")" 1
	done
	on_x86 || judge_eeh
	ok "the attack's reads met an open GPU" \
		test "$(client_reads_exposed g0 attack "after attack")" -gt 0
	ok "g0 was read before its client was killed" test "$(client_reads g0 kill "after kill")" -gt 0
	is "g0 is reset when its client is killed" "$(count "g0 reset reason=bus" kill "after kill")" 1
	is "reads of g1" "$(client_reads g1)" 1
}
