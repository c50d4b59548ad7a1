# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Declared links: learn, and plan and topology with --links. Sourced by check.

# shellcheck disable=SC2154 # for all of this file: set by who sources it

dgx1_domains=0000:06:00.0+0000:07:00.0+0000:0a:00.0+0000:0b:00.0
dgx1_domains=$dgx1_domains,0000:85:00.0+0000:86:00.0+0000:89:00.0+0000:8a:00.0
pair=0000:06:00.0.0-0000:07:00.0.2

make_learn() {
	mkdir "$work/learn" "$work/learn/directory" "$work/smi-bin"
	dgx1=$(cat "$top/tests/fixtures/dgx1.links")
	cp "$top/tests/fixtures/dgx1.nvidia-smi" "$work/learn/dgx1"
	grep '^[0-9]' "$work/learn/dgx1" >"$work/learn/addresses"
	grep -v '^[0-9]' "$work/learn/dgx1" >"$work/learn/links"
	cat "$work/learn/links" "$work/learn/addresses" >"$work/learn/turned"
	changed dos 's/$/\r/'
	changed header '1i index, pci.bus_id' 's/^GPU 1/\n&/'
	# Link 1 of GPU 2 leads to link 5 of GPU 6.
	changed wrong '/^GPU 2/,/^GPU 3/s/Link 1: .*/Link 1: Remote Device 00000000:89:00.0: Link 4/'
	changed half '/^GPU 2/,/^GPU 3/s/Link 1: .*/Link 1: <inactive>/'
	changed inactive '/^GPU 2/,/^GPU 3/s/Link 1: .*/Link 1: <inactive>/' \
		'/^GPU 6/,/^GPU 7/s/Link 5: .*/Link 5: <inactive>/'
	changed cpu '/^GPU 2/,/^GPU 3/s/Link 1: .*/Link 1: Remote Device 00000004:00:01.0: Link 9/' \
		'/^GPU 6/,/^GPU 7/s/Link 5: .*/Link 5: Remote Device 00000004:00:01.1: Link 0/'
	head -n -1 "$work/learn/dgx1" >"$work/learn/torn"
	sed '/^GPU 7/Q' "$work/learn/dgx1" >"$work/learn/no-gpu"
	changed no-address '/^7,/d'
	changed twice 's/^7, .*/&\n&/'
	changed same 's/^7, .*/7, 00000000:06:00.0/'
	changed links-twice '/^GPU 1/i GPU 0: Tesla V100-SXM2-32GB (UUID: GPU-0)'
	changed link-twice '/^GPU 1/i Link 5: <inactive>'
	changed seventh '/^GPU 1/i Link 6: <inactive>'
	changed other-seventh '/^GPU 0/,/^GPU 1/s/Link 5: .*/Link 5: Remote Device 00000000:0B:00.0: Link 6/'
	changed words '/^GPU 1/i $ nvidia-smi nvlink -R'
	changed switch '/^GPU 1/i Link 6 nothing'
	changed far-link '/^GPU 0/,/^GPU 1/s/Link 5: .*/Link 5: Remote Device 00000000:0B:00.0: Link 0x/'
	changed far-address '/^GPU 0/,/^GPU 1/s/Link 5: .*/Link 5: Remote Device FFFFFFFF:FF:FF.F: Link 0/'
	changed early '1i Link 0: <inactive>'
	changed many 's/^7, /70, /'
	sed 's/Link \([0-9]\): .*/Link \1: <inactive>/' "$work/learn/dgx1" >"$work/learn/none"
	sed '/Link/d; s/^GPU.*/&\n\t NVML: Unable to retrieve NVLink information as all links are inActive/' \
		"$work/learn/dgx1" >"$work/learn/nvml"
	: >"$work/learn/empty"
	for links in $pair none; do
		cp -r "$work/redbud" "$work/declared-$links"
		echo "$links" >"$work/declared-$links/sys/module/nvlink_isolation/parameters/links"
	done
	# shellcheck disable=SC2016 # for that script
	printf '%s\n' '#!/bin/sh' 'case $* in' \
		"'--query-gpu=index,pci.bus_id --format=csv,noheader') exec /bin/cat $work/learn/addresses ;;" \
		"'nvlink -R') exec /bin/cat $work/learn/links ;;" \
		"esac" 'echo "Invalid combination of input arguments."; exit 3' >"$work/smi-bin/nvidia-smi"
	chmod 755 "$work/smi-bin/nvidia-smi"
}

# changed NAME EXPRESSION...: the output of a DGX-1's nvidia-smi, as sed changes it
changed() {
	changed_file=$work/learn/$1
	cp "$work/learn/dgx1" "$changed_file"
	shift
	for expression in "$@"; do
		sed -i "$expression" "$changed_file"
	done
}

# learned FILE LINKS: learn declares these and nothing else.
learned() {
	output=$(as "$user" nvlink-isolation learn "learn/$1" 2>"$work/words") && status=0 || status=$?
	is "$user: learn $1: status" "$status" 0
	is "$user: learn $1: links" "$output" "options nvlink_isolation links=$2"
}

# unlearned STATUS FILE REGEX: learn declares nothing, and says why.
unlearned() {
	output=$(as "$user" nvlink-isolation learn "learn/$2" 2>"$work/words") && status=0 || status=$?
	is "$user: learn $2: status" "$status" "$1"
	is "$user: learn $2: nothing is declared" "$output" ""
	like "$user: learn $2: words" "$(cat "$work/words")" "$3"
}

learn_good() {
	for file in dgx1 turned dos header; do
		learned $file "$dgx1"
		is "$user: learn $file: words" "$(cat "$work/words")" "24 links of 8 GPUs are declared."
	done
	output=$(as "$user" nvlink-isolation learn - <"$work/learn/dgx1" 2>&1)
	like "$user: learn from standard input" "$output" "^options nvlink_isolation links=$dgx1$"
	output=$(as "$user" env PATH="$work/smi-bin:$PATH" "$work/bin/nvlink-isolation" learn 2>&1)
	like "$user: learn runs nvidia-smi" "$output" "^options nvlink_isolation links=$dgx1$"
	is "$user: plan takes what learn prints" "$(as "$user" nvlink-isolation learn learn/dgx1 2>"$work/words" |
		as "$user" nvlink-isolation plan --links=- --domains=$dgx1_domains)" \
		"$(as "$user" nvlink-isolation plan "--links=$dgx1" --domains=$dgx1_domains)"

	rest=$(echo "$dgx1" | sed 's/0000:0a:00.0.1-0000:89:00.0.5,//')
	learned inactive "$rest"
	like "$user: what is left out" "$(cat "$work/words")" '^0000:0a:00.0: link 1 is inactive: left out$'
	like "$user: what is left out at the other end" "$(cat "$work/words")" \
		'^0000:89:00.0: link 5 is inactive: left out$'
	like "$user: why it may be" "$(cat "$work/words")" '^set isolate=0, reset the GPUs, and learn again[.]$'
	learned cpu "$rest"
	like "$user: links to no GPU" "$(cat "$work/words")" \
		'^0000:0a:00.0: link 1 leads to 0004:00:01.0, which nvidia-smi does not list as a GPU .*: left out$'
	is "$user: none of them is inactive" "$(grep -c isolate=0 "$work/words")" 0
}

learn_bad() {
	unlearned 1 wrong '^0000:0a:00.0: link 1 leads to 0000:89:00.0 link 4, which leads to 0000:86:00.0 link 3$'
	like "$user: the other end" "$(cat "$work/words")" \
		'^0000:89:00.0: link 5 leads to 0000:0a:00.0 link 1, which leads to 0000:89:00.0 link 4$'
	is "$user: and no others" "$(grep -c ': link ' "$work/words")" 2
	unlearned 1 half '^0000:89:00.0: link 5 leads to 0000:0a:00.0 link 1, which is inactive$'
	unlearned 1 torn '^0000:85:00.0: link 5 leads to 0000:8a:00.0 link 5, which is not listed$'
	unlearned 2 no-gpu 'GPU 7 [(]0000:8a:00.0[)] has no links: the output of nvidia-smi nvlink -R is needed'
	unlearned 2 no-address 'GPU 7 has no address: the output of nvidia-smi --query-gpu=index,pci.bus_id'
	unlearned 2 links 'GPU 0 has no address'
	unlearned 2 addresses 'GPU 0 [(]0000:06:00.0[)] has no links'
	unlearned 2 twice "line 9: '7, 00000000:8A:00.0': this GPU has an address already"
	unlearned 2 same "line 8: '7, 00000000:06:00.0': another GPU has this address"
	unlearned 2 links-twice 'line 16: .*: this GPU is there already'
	unlearned 2 link-twice "line 16: 'Link 5: <inactive>': this link is there already"
	unlearned 2 seventh "'Link 6: <inactive>': a V100 SXM2 has the links 0 to 5"
	unlearned 2 other-seventh '0000:0b:00.0 link 6: a V100 SXM2 has the links 0 to 5'
	unlearned 2 words 'line 16: .[$] nvidia-smi nvlink -R.: not a line of nvidia-smi nvlink -R'
	unlearned 2 switch "'Link 6 nothing': not a line of nvidia-smi"
	unlearned 2 far-link "Link 0x': of a link, Remote Device ADDRESS: Link NUMBER and <inactive> are accepted"
	unlearned 2 far-address 'FFFFFFFF:FF:FF[.]F: Link 0.: a segment is four hex digits'
	unlearned 2 early "line 1: 'Link 0: <inactive>': a link before the first GPU"
	unlearned 2 many "line 8: '70, 00000000:8A:00.0': no machine has so many GPUs"
	unlearned 2 nvml '^GPU 7: NVML: Unable to retrieve NVLink information as all links are inActive$'
	for file in none nvml; do
		unlearned 2 $file 'learn: no link joins two GPUs: there is nothing to declare$'
		like "$user: it may be the module's doing" "$(cat "$work/words")" 'set isolate=0'
	done
	unlearned 2 empty 'learn: learn/empty: it is empty'
	unlearned 2 directory 'learn: learn/directory: Is a directory$'
	unlearned 2 missing 'learn: learn/missing: No such file or directory$'
	run 2 learn learn/dgx1 learn/dgx1
	run 2 --root none learn
	like "$user: learn with another root" "$output" 'learn: --root has no nvidia-smi to run: FILE is needed$'
	output=$(as "$user" env PATH="$work/bin" nvlink-isolation learn 2>&1)
	is "$user: without nvidia-smi" "$output" \
		"nvlink-isolation: learn: nvidia-smi not found; give a FILE that has its output"
	printf '%s\n' '#!/bin/sh' 'echo Driver/library version mismatch; exit 18' >"$work/bin/nvidia-smi"
	chmod 755 "$work/bin/nvidia-smi"
	run 2 learn
	is "$user: nvidia-smi fails" "$output" "nvlink-isolation: learn: nvidia-smi \
--query-gpu=index,pci.bus_id --format=csv,noheader failed: Driver/library version mismatch"
	printf '#!/bin/sh\n' >"$work/bin/nvidia-smi"
	run 2 learn
	like "$user: nvidia-smi is silent" "$output" 'noheader printed nothing$'
	rm "$work/bin/nvidia-smi"
}

# edges_declared DOMAINS: of the graph of the DGX-1, as edges() has them
edges_declared() {
	as "$user" nvlink-isolation topology "--links=$dgx1" --domains="$1" --dot | dot -Tjson |
		jq -r '. as $g | .edges[] | "\($g.objects[.tail].name) \($g.objects[.head].name) \(.label) \(.style)"'
}

# The value of the module's parameter
told() {
	run 0 --root declared-$pair status
	is "$user: the links that were declared" "$(printf '%s\n' "$output" | grep -c "^Links:   $pair\$")" 1
	is "$user: they have a line of their own" "$(printf '%s\n' "$output" | grep -c "links=")" 0
	is "$user: status where none is declared" "$(as "$user" nvlink-isolation --root declared-none status)" \
		"$(as "$user" nvlink-isolation --root redbud status)"
}

plans_declared() {
	is "$user: links between domains are dashed" "$(edges_declared "$dgx1_domains" | grep dashed)" \
		"G0 G4  3,4 dashed
G1 G5  3,4 dashed
G2 G6  1 dashed
G3 G7  5 dashed"
	is "$user: the others are solid" "$(edges_declared "$dgx1_domains" | grep -c solid)" 12
	is "$user: domains of the DGX-1" "$(as "$user" nvlink-isolation topology "--links=$dgx1" \
		--domains=$dgx1_domains --dot | dot -Tjson | jq -r '. as $g |
		[.objects[] | select(.name | startswith("cluster")) |
			[.nodes[] as $n | $g.objects[$n].name] | join("+")] | join(" ")')" \
		"G0+G1+G2+G3 G4+G5+G6+G7"
	is "$user: by default each GPU is alone" "$(edges_declared group | grep -c solid)" 0
	as "$user" nvlink-isolation topology "--links=$dgx1" --svg >"$work/picture.svg"
	ok "$user: the SVG of declared links is XML" xmllint --noout --nonet "$work/picture.svg"

	is "$user: comments and other options of modprobe.d" "$(printf '%s\n' '# mine' '' \
		"options nvlink_isolation isolate=1 links=$pair domains=gpu" |
		as "$user" nvlink-isolation plan --links=-)" "$(as "$user" nvlink-isolation plan --links=$pair)"
	while read -r line; do
		is "$user: $line" "$(printf '\t%s\r\n' "$line" | as "$user" nvlink-isolation plan --links=- 2>&1)" \
			"$(as "$user" nvlink-isolation plan --links=$pair)"
	done <<-END
		options nvlink-isolation links=$pair
		options   nvlink_isolation   isolate=1   links=$pair
		options nvlink_isolation "links=$pair" isolate=1
		options nvlink_isolation links="$pair"
		options nvlink_isolation links=none links=$pair
		$pair
	END
	is "$user: the parameter alone" "$(echo $pair | as "$user" nvlink-isolation plan --links=-)" \
		"$(as "$user" nvlink-isolation plan --links=$pair)"
	run 0 plan --links=none
	like "$user: no links" "$output" '^No link is declared: all links of each V100 SXM2 would be cut[.]$'
	run 0 plan --links=$pair --domains=0000:06:00.0+0000:0a:00.0
	like "$user: a GPU without a declared link" "$output" \
		'^0000:0a:00.0: in the list, and no link of it is declared: all six are cut$'
	run 0 plan --links=$pair --domains=06:00.0+07:00.0
	like "$user: addresses without a segment in --domains" "$output" '^Domains: 0000:06:00.0[+]0000:07:00.0$'
	run 2 plan --links=$pair,$pair
	is "$user: where the links are wrong" "$output" "nvlink-isolation: --links '$pair,$pair', \
at character 31: this end is named already: each link of a GPU is named once"
	run 2 plan --links=$pair dtb/redbud.dtb
	like "$user: a tree and links" "$output" 'one of a device tree and declared links is accepted$'
	run 2 topology --links=none
	run 2 topology --links=$pair --dot --svg
	run 2 topology --domains=gpu
	like "$user: topology has no policy of its own" "$output" 'topology: --domains needs --links'
	run 2 status --links=$pair
	for lines in "options nvlink_isolation isolate=1" "options vfio links=$pair" options "options nvlink" \
		"options nvlink_isolations links=$pair" "options nvlink_isolation"; do
		like "$user: input without links" "$(echo "$lines" | as "$user" nvlink-isolation plan --links=- 2>&1)" \
			'--links: a line of modprobe.d without links: options nvlink_isolation links=[.]* is accepted$'
	done
	like "$user: two lines" "$(printf '%s\n' $pair $pair | as "$user" nvlink-isolation plan --links=- 2>&1)" \
		'--links: standard input has a second line: one is accepted$'
	like "$user: no line" "$(as "$user" nvlink-isolation plan --links=- </dev/null 2>&1)" \
		'--links: standard input is empty: '
	like "$user: bad input" "$(echo 'options nvlink_isolation links=all' |
		as "$user" nvlink-isolation plan --links=- 2>&1)" "--links on standard input 'all', at character 1: "
}

# Output with a few bytes wrong, the same ones each time: never a link that the whole one lacks.
learn_mutations() {
	python3 - "$work/learn/dgx1" "$work/bin/nvlink-isolation" "$dgx1" <<'END'
import random, subprocess, sys
file, command, links = sys.argv[1:]
good = open(file, 'rb').read()
links = set(links.split(','))
random.seed(1)
counts = {}
for n in range(300):
    bad = bytearray(good)
    if n % 3 == 0:
        at = random.randrange(len(bad))
        del bad[at:at + random.randrange(1, 200)]
    for _ in range(random.randrange(1, 3) if n % 3 else 0):
        bad[random.randrange(len(bad))] = random.choice([0, 10, 0x80, 0xff, *b'0123456789:. <L'])
    got = subprocess.run([command, 'learn', '-'], input=bad, capture_output=True)
    counts[got.returncode] = counts.get(got.returncode, 0) + 1
    if got.returncode not in (0, 1, 2) or b'ERROR: ' in got.stderr or b'runtime error' in got.stderr:
        sys.exit(f'{n}: status {got.returncode}: {got.stderr.decode(errors="replace")}')
    if got.returncode and got.stdout or \
       not got.returncode and not set(got.stdout.decode().split('links=')[1].split()[0].split(',')) <= links:
        sys.exit(f'{n}: {got.stdout.decode()}')
if len(counts) != 3:
    sys.exit(f'these outputs are all alike: {counts}')
END
}

learns() {
	learn_good
	learn_bad
	told
	plans_declared
}
