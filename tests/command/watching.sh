# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# status --watch and --color. Sourced by check. Nothing here measures time: it waits for a frame, for so
# long that only a command which hangs makes it give up.

# shellcheck disable=SC2154 # for all of this file: set by who sources it

# until_seen FILE REGEX: wait until a line of FILE matches.
until_seen() {
	seen_tries=0
	while ! grep -qE -e "$2" "$1"; do
		sleep 0.2
		seen_tries=$((seen_tries + 1))
		[ $seen_tries -lt 300 ] || return
	done
}

# on_terminal KEYS COMMAND...: what a terminal gets, on which KEYS are typed once the first frame is there
on_terminal() {
	terminal_keys=$1
	shift
	: >"$work/terminal"
	{
		[ -z "$terminal_keys" ] || until_seen "$work/terminal" 'Ctrl-C ends'
		printf '%b' "$terminal_keys"
	} | SHELL=/bin/sh TERM=xterm script -q -e -f -c "$*" "$work/terminal" >/dev/null 2>&1
}

colours() {
	for row in 'auto 0' 'never 0' 'always 6'; do
		is "$user: coloured lines, --color=${row% *}, no terminal" "$(as "$user" nvlink-isolation \
			--root failed status "--color=${row% *}" | grep -c "$escape")" "${row#* }"
	done
	run 2 --root failed status --color=blue
	like "$user: no such colour" "$output" "^nvlink-isolation: --color 'blue': auto, always or never is accepted$"
	run 2 --root failed check --color=never
	is "$user: without its colours a screen is as before" "$(as "$user" nvlink-isolation --root failed \
		status --color=always | sed "s/$escape\\[[0-9]*m//g")" \
		"$(as "$user" nvlink-isolation --root failed status)"
	for row in '6 NO_COLOR=' '0 NO_COLOR=1' '0 TERM=dumb'; do
		on_terminal '' "cd '$work' && ${row#* } bin/nvlink-isolation --root failed status"
		is "coloured words on a terminal, ${row#* }" \
			"$(grep -c "$escape" "$work/terminal")" "${row% *}"
	done
}

frames() {
	as "$user" nvlink-isolation --root failed status --watch=2 >"$work/frames"
	is "$user: status of two frames" "$? $(grep -c 'Ctrl-C ends' "$work/frames")" "0 2"
	# shellcheck disable=SC2016 # for the inner shell
	is "$user: the same where a parent ignores SIGCHLD" "$(as "$user" sh -c 'trap "" CHLD; exec "$@"' sh \
		nvlink-isolation --root failed status --watch=2 | grep -c '^G1 ')" "$(grep -c '^G1 ' "$work/frames")"
	is "$user: a frame is what status prints" "$(sed '1d; /^$/ { N; /drawn/q }' "$work/frames" | grep -v drawn)" \
		"$(as "$user" nvlink-isolation --root failed status)"
	is "$user: lines of more than 80 columns" "$(awk 'length > 80' "$work/frames")" ""
	for bad in 0 -1 two 1x 99999999999; do
		run 2 --root failed status --watch=$bad
		like "$user: $bad frames" "$output" "^nvlink-isolation: --watch '$bad': a number of frames, 1 or more"
	done
	run 2 --root failed status --watch --json
	run 2 --root failed status --watch more
	as "$user" sh -c 'nvlink-isolation --root failed status --watch=1 >/dev/full 2>&1'
	is "$user: status when no frame can be written" $? 2
}

# A GPU comes, another goes, and the module is unloaded, while it is watched.
moving() {
	rm -rf "$work/moving"
	cp -a "$work/redbud" "$work/moving"
	moving_gpus=$work/moving/sys/bus/pci/devices
	mv "$moving_gpus/0004:05:00.0" "$work/gone"
	# shellcheck disable=SC2016 # for the inner shell
	as "$user" sh -c 'echo "pid $$"; exec nvlink-isolation --root moving status --watch' \
		>"$work/frames" 2>&1 &
	moving_job=$!
	ok "$user: the first frame" until_seen "$work/frames" '^G1 +0035:03:00.0 isolated'
	mv "$work/gone" "$moving_gpus/0004:05:00.0"
	ok "$user: a GPU that comes" until_seen "$work/frames" '^G3 +0035:04:00.0 isolated'
	mv "$moving_gpus/0004:04:00.0" "$work/gone"
	ok "$user: a GPU that goes" until_seen "$work/frames" '^G0 +0004:05:00.0 isolated'
	mv "$work/moving/sys/module/nvlink_isolation" "$work/module"
	rm -r "$moving_gpus"/*/nvlink_isolation
	ok "$user: the module is unloaded" until_seen "$work/frames" 'is not loaded: nothing keeps'
	mv "$work/moving/sys" "$work/sys"
	ok "$user: nothing can be read" until_seen "$work/frames" '^nvlink-isolation: .*No such file'
	mv "$work/sys" "$work/moving/sys"
	mv "$work/module" "$work/moving/sys/module/nvlink_isolation"
	ok "$user: the module is back" until_seen "$work/frames" '^G0 +0004:05:00.0 not known to the module'
	kill -TERM "$(sed -n 's/^pid //p' "$work/frames")"
	wait $moving_job
	is "$user: status after SIGTERM" $? 0
	rm -rf "$work/moving" "$work/gone"
}

# With a terminal: Ctrl-C, a size, and what is erased
terminals() {
	# The terminal interrupts the shell, too, which is to go on; it sets no handler but for a trap.
	on_terminal '\003' "trap : INT; cd '$work' && bin/nvlink-isolation --root failed status --watch; echo status \$?"
	ok "Ctrl-C ends it, with status 0" grep -q 'status 0' "$work/terminal"
	is "the screen is cleared once" "$(grep -c "$escape\\[2J" "$work/terminal")" 1
	on_terminal '' "stty rows 10; cd '$work' && bin/nvlink-isolation --root failed status --watch=1"
	is "a terminal of ten lines gets nine" "$(sed 1d "$work/terminal" | grep -c "$escape\\[K")" 9
	ok "and the last says that there is more" grep -q '^[.][.][.] and more, for which' "$work/terminal"
}

# events SUBSYSTEM FRAMES: how many of them were drawn after an event, while an event of this subsystem
# follows each. They are sent in a network of its own, as the kernel would send them.
events() {
	events_user=$user
	events_subsystem=$1 events_frames=$2
	set -- unshare --net
	[ "$(id -u)" = 0 ] || set -- unshare --map-root-user --net
	# shellcheck disable=SC2016 # for python
	(cd "$work" && "$@" python3 -c '
import os, socket, subprocess, sys
subsystem, frames, user, command = sys.argv[1:]
sender = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
event = b"change@/devices/pci0004:04/0004:04:00.0\0ACTION=change\0SUBSYSTEM=" + subsystem.encode() + b"\0"
who = dict(user=65534, group=65534, extra_groups=[]) if user == "nobody" else {}
watch = subprocess.Popen([command, "--root", "redbud", "status", "--watch=" + frames], stdout=subprocess.PIPE, text=True, **who)
found = 0
for line in watch.stdout:
    found += "after an event" in line
    if line == "\n" and watch.poll() is None:
        try:
            sender.sendto(event, (0, 1))
        except ConnectionRefusedError:
            pass    # nobody listens any more
print(found)' "$events_subsystem" "$events_frames" "$events_user" bin/nvlink-isolation)
}

watching() {
	escape=$(printf '\033')
	colours
	frames
	moving
	terminals
	ok "$user: an event of PCI has it drawn" test "$(events pci 8)" -gt 0
	is "$user: an event of another kind does not" "$(events net 2)" 0
}
