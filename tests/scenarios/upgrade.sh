# SPDX-License-Identifier: GPL-2.0-only
#
# Shows an upgrade and a removal of the package's files while the module enforces: it goes on with
# it, sysfs and the command say which one is loaded, and what it has cut stays cut after its end, until
# each GPU's next reset.
#
# boot: redbud
# command: yes
# overlay: upgrade

version() {
	cat /sys/module/nvlink_isolation/version
}

masks() {
	for n in 0 1 2 3; do
		is "mask of g$n, $1" "$(lab get "g$n" mask)" 0x00150005
	done
}

# The files of the package that is installed, in the places of the one that was
installed=/lib/modules/$(uname -r)/updates/dkms/nvlink_isolation.ko

guest() {
	fresh
	old=$(modinfo_version /lab/old.ko) new=$(modinfo_version /lab/new.ko)
	note "from $old to $new"
	nok "they are two versions" test "$old" = "$new"
	cp /lab/old.ko "$installed"
	depmod
	load isolate=1
	is "the old one is loaded" "$(version)" "$old"
	masks before
	is "report says that the next boot has the old one" "$(missing)" "the module is not of version $new"

	cp /lab/new.ko "$installed"
	depmod
	is "the old one is still loaded" "$(version)" "$old"
	nok "rmmod is refused" rmmod nvlink_isolation
	for n in 0 1 2 3; do
		reset "$n"
		is "g$n is isolated after its reset" "$(sysfs "$n" state)" isolated
	done
	masks "after resets"
	like "status tells of the other version" "$(nvlink-isolation status)" \
		"^ *The installed module is $new: the next boot loads it[.]\$"
	like "report has the one that is loaded" "$(nvlink-isolation report)" \
		"^Module:  nvlink_isolation $old "
	is "report misses no module for the next boot" "$(missing)" ""
	ok "check: all are isolated" nvlink-isolation check

	rm "$installed"
	depmod
	reset 0
	is "without its file it goes on" "$(sysfs 0 state)" isolated
	is "report says that there is none" "$(missing)" "the module is not built for it"

	dmesg_clear
	ok "isolate=0" set_parameter isolate 0
	like "the log says what stays" "$(dmesg_since)" \
		"enforcement ended .*: disabled links come back at each GPU's next reset"
	ok "rmmod" rmmod nvlink_isolation
	masks "of a machine without the module"
	reset 0
	is "after its next reset g0 has its links" "$(cut_links g0)" 0x00000000
	is "g1 has not had one" "$(lab get g1 mask)" 0x00150005

	cp /lab/new.ko "$installed"
	depmod
	load isolate=1
	is "the new one is loaded" "$(version)" "$new"
	masks "by the new one"
	is "status tells of no other" "$(nvlink-isolation status | grep -c 'The installed module is')" 0
	unload
}

# missing: what report says that the next boot lacks of the module
missing() {
	nvlink-isolation report | grep -oE 'the module is not (built for it|of version [^;,]*)'
}

modinfo_version() {
	modinfo -F version "$1" 2>/dev/null || modinfo "$1" | sed -n 's/^version: *//p'
}
