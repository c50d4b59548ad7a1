# SPDX-License-Identifier: GPL-2.0-only
#
# Shows that module and command cut the same links of 300 trees that nobody thought of: Sequoia
# with lists of peers that are cut short, mixed up, or lead to the wrong place, under any domains.
# Guest and judge make the same trees, each for itself. tests/agree runs it.
#
# trees: generated
# boot: sequoia

trees=300

# One line for each tree: N DOMAINS CELLS... DOMAINS is gpu, group or a list with numbers of GPUs;
# CELLS, one for each GPU, are the value of ibm,nvlink-peers in hexadecimal, or - for none.
generate() {
	# Exact in any awk: no product is larger than 2^53.
	awk -v trees="$trees" '
		function random(n) {
			seed = seed * 16807 % 2147483647
			return seed % n
		}

		# Of a list of words, any
		function one_of(words,   word) {
			return word[1 + random(split(words, word, " "))]
		}

		# GPUs, NPUs, an NPU as a whole, other nodes, none, and numbers that nothing has
		function any_cell() {
			return one_of("00000401 00000402 00000403 00000404 00000405 00000406 " \
				"00000402 00000403 00000501 00000503 00000507 0000050c " \
				"00000000 ffffffff deadbeef 00000400 00000001")
		}

		function swap(gpu,   a, b, cell) {
			a = random(6)
			b = random(6)
			cell = cells[gpu, a]
			cells[gpu, a] = cells[gpu, b]
			cells[gpu, b] = cell
		}

		function list(gpu,   i, text) {
			for (i = 0; i < 6; i++)
				text = text cells[gpu, i]
			if (random(20))
				return text
			i = random(6)
			if (i == 0)
				return "-"
			if (i == 1)
				return text "00000401"
			return substr(text, 1, 2 + 2 * random(23))
		}

		# Each GPU is in one of three domains, or not named.
		function any_domains(   i, d, part, text, who) {
			if (!random(4))
				return one_of("gpu group")
			for (i = 0; i < 6; i++) {
				d = random(4)
				part[d] = part[d] (part[d] == "" ? "" : "+") i
			}
			for (d = 0; d < 3; d++)
				if (part[d] != "")
					text = text (text == "" ? "" : ",") part[d]
			return text == "" ? "gpu" : text
		}

		BEGIN {
			seed = 20190801
			split("402 501 403 403 402 502 401 503 403 403 401 504 402 401 402 505 401 506 " \
				"405 507 406 406 405 508 404 509 406 406 404 50a 405 404 405 50b 404 50c",
				real, " ")
			for (n = 1; n <= trees; n++) {
				for (gpu = 0; gpu < 6; gpu++)
					for (i = 0; i < 6; i++)
						cells[gpu, i] = "00000" real[1 + 6 * gpu + i]
				for (change = random(5); change > 0; change--)
					if (random(2))
						swap(random(6))
					else
						cells[random(6), random(6)] = any_cell()
				line = n " " any_domains()
				for (gpu = 0; gpu < 6; gpu++)
					line = line " " list(gpu)
				print line
			}
		}'
}

# with_addresses DOMAINS ADDRESS...: a number is that of an address
with_addresses() {
	addresses_list=$1
	shift
	case $addresses_list in
	[0-9]*)
		addresses_n=0 addresses_script=''
		for addresses_one; do
			addresses_script="$addresses_script;s/#$addresses_n/$addresses_one/g"
			addresses_n=$((addresses_n + 1))
		done
		echo "$addresses_list" | sed "s/[0-9]/#&/g$addresses_script"
		;;
	*) echo "$addresses_list" ;;
	esac
}

# masks: of lines with lists of links such as 0,2,3, in which - is an empty one, the same lines with
# the masks in the register
masks() {
	awk '
		{
			for (i = 3; i <= NF; i++) {
				mask = 0
				for (n = split($i, links, ","); n > 0; n--)
					mask += $i == "-" ? 0 : 65536 * 2 ^ links[n]
				$i = sprintf("0x%08x", mask)
			}
			print
		}'
}

guest() {
	fresh
	all=$(lab_gpus)
	bad=0
	generate | while read -r n domains list0 list1 list2 list3 list4 list5; do
		i=0
		for list in "$list0" "$list1" "$list2" "$list3" "$list4" "$list5"; do
			echo "$i $list" >/sys/module/lab_tree/parameters/peers || bad=1
			i=$((i + 1))
		done
		# shellcheck disable=SC2086 # a list
		modprobe nvlink_isolation domains="$(with_addresses "$domains" $all)" || bad=1
		lists=''
		for address in $all; do
			read -r required <"/sys/bus/pci/devices/$address/nvlink_isolation/required_links"
			lists="$lists ${required:--}"
		done
		rmmod nvlink_isolation || bad=1
		echo "${result_prefix}tree $n:$lists"
		[ $bad = 0 ] || nok "tree $n can be had" :
	done
}

# planned N DOMAINS CELLS...: what the command says, as the module does
planned() {
	planned_n=$1 planned_domains=$2
	shift 2
	{
		echo '/dts-v1/; /include/ "sequoia.dts"'
		for planned_i in 0 1 2 3 4 5; do
			case $1 in
			-) echo "&gpu$planned_i { /delete-property/ ibm,nvlink-peers; };" ;;
			*) echo "&gpu$planned_i { ibm,nvlink-peers = [$1]; };" ;;
			esac
			shift
		done
	} | dtc -q -i "$lab_top/tests/fixtures" -I dts -O dtb -o "$dir/tree.dtb" || return
	# shellcheck disable=SC2086 # a list
	planned_domains=$(with_addresses "$planned_domains" $planned_addresses)
	echo "tree $planned_n: $(plan --domains "$planned_domains" "$dir/tree.dtb" |
		value mask | tr '\n' ' ')" | sed 's/ $//'
}

plan() {
	"$lab_top/build/nvlink-isolation" plan --json "$@"
}

# value NAME: each such string of the JSON that comes in
value() {
	sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p"
}

judge() {
	# shellcheck disable=SC2154 # set by run
	planned_addresses=$(plan "$dir/root/lab/tree.dtb" | value address)
	sed -n 's/^@lab tree /tree /p' "$dir/console" | masks >"$dir/module"
	generate | while read -r n domains lists; do
		# shellcheck disable=SC2086 # a list
		planned "$n" "$domains" $lists
	done >"$dir/command"
	is "trees that the module was given" "$(wc -l <"$dir/module")" "$trees"
	is "trees of which module and command would cut different links" \
		"$(diff "$dir/module" "$dir/command" | grep '^[<>]' | head -n 10)" ""
	# Where nothing is ever kept it is no feat to agree.
	answers=$(sed 's/.*: //' "$dir/command" | sort -u | wc -l)
	note "different answers: $answers"
	ok "more than half have an answer of their own" test "$answers" -gt $((trees / 2))
}
