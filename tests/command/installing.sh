# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What `make install-command` installs, and bash's completion. Sourced by check.

# shellcheck disable=SC2154 # for all of this file: set by who sources it

# completed LINE: what bash offers at the end of this line, sorted and in one
completed() {
	# shellcheck disable=SC2016 # for bash
	PATH="$work/bin:$PATH" bash -c '
		. "$1"
		COMP_LINE=$2 COMP_POINT=${#2}
		# As readline splits it: = and : are words, too.
		read -r -a COMP_WORDS < <(sed "s/[=:]/ & /g" <<<"$2")
		[[ $2 == *[" ="] ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_nvlink_isolation
		printf "%s\n" "${COMPREPLY[@]}"' bash "$top/src/command/completion.sh" "$1" | LC_ALL=C sort | tr '\n' ' '
}

completion() {
	ok "bash can read the completion" bash -n "$top/src/command/completion.sh"
	is "completes commands" "$(completed 'nvlink-isolation t')" "topology "
	is "completes all commands" "$(completed 'nvlink-isolation ' | tr ' ' '\n' | grep -v -e -- | tr '\n' ' ')" \
		"$(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' "$here/help.txt" | LC_ALL=C sort -u | tr '\n' ' ')"
	is "completes options of a command" "$(completed 'nvlink-isolation topology --')" \
		"--domains=gpu --domains=group --domains=owner --dot --help --links= --root= --svg --version "
	is "completes an option with a value" "$(completed 'nvlink-isolation status --co')" \
		"--color=always --color=auto --color=never "
	is "completes a value" "$(completed 'nvlink-isolation status --color=a')" "always auto "
	is "completes values" "$(completed 'nvlink-isolation plan --domains=')" "gpu group owner "
	is "completes after another option" "$(completed 'nvlink-isolation --root=/ check --un')" \
		"--unsupported=ok "
	is "completes a directory" "$(completed "nvlink-isolation --root=$work/redb")" "$work/redbud "
	is "completes a file" "$(completed "nvlink-isolation plan $work/dtb/redbud-no")" \
		"$(echo "$work"/dtb/redbud-no*) "
	is "completes nothing" "$(completed 'nvlink-isolation status --no-such')" " "
	# Each option of the help, and no other
	is "the words are those of the help" "$("$work/bin/nvlink-isolation" --words | tr ' ' '\n' |
		grep -oE -e '^--[a-z-]+' | LC_ALL=C sort -u)" \
		"$(grep -oE -e '--[a-z-]+' "$here/help.txt" | LC_ALL=C sort -u)"
}

# installed_files: of the directory it is installed in, but for documentation
installed_files() {
	(cd "$work/installed" && find . -type f ! -path '*/doc/*' | LC_ALL=C sort | tr '\n' ' ')
}

installing() {
	completion
	mkdir -p "$work/installed/usr/local/sbin"
	# What 0.1.0 left there would be found before the new one.
	: >"$work/installed/usr/local/sbin/nvlink-isolation"
	ok "is installed" make -s -C "$top" install-command DESTDIR="$work/installed"
	is "files that are installed" "$(installed_files)" "./usr/local/bin/nvlink-isolation \
./usr/local/share/bash-completion/completions/nvlink-isolation ./usr/local/share/man/man8/nvlink-isolation.8 "
	ok "is uninstalled" make -s -C "$top" uninstall DESTDIR="$work/installed"
	is "files that are left" "$(find "$work/installed" -type f)" ""
}
