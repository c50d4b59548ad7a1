# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of nvlink-isolation for bash. The command itself lists its words, from the table that
# --help is made from: a line for each subcommand, and one that begins with - for all of them.

_nvlink_isolation() {
	local line=${COMP_LINE:0:COMP_POINT} words='' command='' word name rest prefix
	local cur=${line##*[[:space:]]}

	COMPREPLY=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == [a-z]* && -z $command ]] && command=$word
	done
	while read -r name rest; do
		[[ -z $command && $name != - ]] && words+=" $name"
		[[ $name == - || $name == "$command" ]] && words+=" $rest"
	done < <("${COMP_WORDS[0]}" --words 2>/dev/null)

	case $command,$cur in
	*,--root=*) mapfile -t COMPREPLY < <(compgen -d -P --root= -- "${cur#--root=}") ;;
	*,-*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
	plan,*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	check,*)
		# The GPUs that the module knows
		words=$(cd /sys/bus/pci/devices 2>/dev/null && printf '%s\n' */nvlink_isolation)
		mapfile -t COMPREPLY < <(compgen -W "${words//\/nvlink_isolation/}" -X '\*' -- "$cur")
		;;
	,*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
	esac

	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
	# bash replaces what follows the last of these characters, and not the whole word.
	prefix=${cur%"${cur##*[=:]}"}
	COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}

complete -o bashdefault -F _nvlink_isolation nvlink-isolation
