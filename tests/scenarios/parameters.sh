# SPDX-License-Identifier: GPL-2.0-only
#
# Shows what bad parameters do: at run time they are refused and change nothing, at load the safe
# value is taken; the log names the value and what is accepted.
#
# x86: yes
# boot: redbud

guest() {
	fresh
	load isolate=1
	for value in 2 -1 01 yes "" "1 1" onn 1x; do
		nok "isolate='$value' is refused" set_parameter isolate "$value"
		nok "gate='$value' is refused" set_parameter gate "$value"
	done
	like "the log names value and parameter" "$(dmesg_since)" \
		"nvlink_isolation: isolate: '1x' is not accepted: use 0 or 1"
	for name in isolate gate audit_seconds domains; do
		nok "$name of 40000 characters is refused" \
			set_parameter $name "$(printf %040000d 2 | tr 0 x)"
	done
	if ! on_x86; then
		nok "links is refused where firmware has them" set_parameter links none
		like "the log says who describes links" "$(dmesg_since)" "links: not accepted: .*firmware describes"
	fi
	is "isolate is as it was" "$(parameter isolate)" 1
	is "gate is as it was" "$(parameter gate)" 1
	is "g0 is as it was" "$(sysfs 0 state)" isolated
	for value in 1 Y y on; do
		ok "isolate='$value' is accepted" set_parameter isolate "$value"
	done
	is "resets" "$(sysfs 0 resets)" 0
	for value in N n off 0; do
		ok "isolate='$value' is accepted" set_parameter isolate "$value"
		is "isolate reads" "$(parameter isolate)" 0
	done
	is "g0 is off" "$(sysfs 0 state)" off
	rmmod nvlink_isolation

	fresh
	dmesg_clear
	ok "bad values do not keep it from loading" load isolate=maybe gate=-7
	is "isolate is 1" "$(parameter isolate)" 1
	is "gate is 1" "$(parameter gate)" 1
	is "g0 is isolated" "$(sysfs 0 state)" isolated
	like "the log says so" "$(dmesg_since)" "isolate: using 1, the safe value"
	unload
	ok "a name without a value is 1" load isolate gate
	is "isolate is 1" "$(parameter isolate)" 1
	unload
	ok "audit_seconds without a value is not taken" load isolate=1 audit_seconds
	is "audit_seconds is the default" "$(parameter audit_seconds)" 60
	unload
	ok "a later bad value does not leave an earlier one" load isolate=1 audit_seconds=0 audit_seconds=x
	is "audit_seconds is the default" "$(parameter audit_seconds)" 60
	ok "a number with zeros is a decimal one" set_parameter audit_seconds 060
	is "audit_seconds" "$(parameter audit_seconds)" 60
	unload
	ok "gate=0 at load" load isolate=1 gate=0
	is "gate is 0" "$(parameter gate)" 0
	unload
}
