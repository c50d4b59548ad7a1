# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that the debug kernel reports each kind of mistake, and that its log is then not clean:
# lab_mistake makes them.
#
# x86: by name
# debug: yes
# boot: redbud
# alone: yes
# allow: .

# After self-lock, or where memory was misused, it looks at no lock any more.
mistakes="rcu self-lock atomic-sleep use-after-free out-of-bounds object undefined list"

guest() {
	modprobe lab_mistake
	for mistake in leak $mistakes; do
		echo "lab: mistake $mistake" >/dev/kmsg
		ok "$mistake" set_mistake "$mistake"
		[ "$mistake" != leak ] || leaks >/run/leaks
	done
	like "the leak is told of" "$(cat /run/leaks)" 'lab_mistake'
	: >/run/lockdep-off
	rmmod lab_mistake
}

set_mistake() {
	echo "$1" >/sys/module/lab_mistake/parameters/make
}

# shellcheck disable=SC2154 # set by run
judge() {
	for mistake in $mistakes; do
		said=$(guest_log | awk -v it="lab: mistake $mistake\$" '/ lab: mistake / { on = $0 ~ it; next } on' |
			grep -E -e "$unclean" | head -n 1)
		like "$mistake: ${said#*] }" "$said" .
	done
}
