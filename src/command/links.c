// SPDX-License-Identifier: GPL-2.0-only
/* In: links that are declared, as the module's parameter "links" has them, and their GPUs. */

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS	" \t\r\n"

/* The parameter in a line: alone, or in a line of modprobe.d. Return: NULL if it has none. */
static char *parameter_in(char *line)
{
	static const char options[] = "options";
	char *word, *rest, *links = NULL;

	line += strspn(line, BLANKS);
	if (strncmp(line, options, strlen(options)) ||
	    !strspn(line + strlen(options), BLANKS)) {
		line[strcspn(line, "\r\n")] = '\0';
		return line;
	}
	remove_quotes(line);
	strtok_r(line, BLANKS, &rest);
	word = strtok_r(NULL, BLANKS, &rest);
	if (!word)
		return NULL;
	replace_dashes(word);
	if (strcmp(word, MODULE))
		return NULL;
	/* The last one counts, as for the kernel. */
	while ((word = strtok_r(NULL, BLANKS, &rest)))
		if (!strncmp(word, "links=", strlen("links=")))
			links = word + strlen("links=");

	return links;
}

/* What is on standard input: one line, besides comments. The caller frees it. */
static char *read_input(void)
{
	char *line = NULL, *found = NULL, *links;
	size_t size = 0;

	while (getline(&line, &size, stdin) >= 0) {
		char first = line[strspn(line, BLANKS)];

		if (!first || first == '#')
			continue;
		if (found)
			fail("--links: standard input has a second line: one is accepted");
		links = parameter_in(line);
		if (!links)
			fail("--links: a line of modprobe.d without links: %s is accepted",
			     "options " MODULE " links=...");
		found = strdup(links);
		if (!found)
			fail("no memory left");
	}
	if (ferror(stdin))
		fail_errno("--links: standard input");
	if (!found)
		fail("--links: standard input is empty: links or a line of modprobe.d is accepted");
	free(line);
	make_printable(found);

	return found;
}

/**
 * links_read() - read the parameter "links"
 * @wires: set
 * @text: what --links has. "-" is standard input, in which it may be a line of modprobe.d, as learn
 *	  prints it.
 *
 * A text that is not accepted ends the command.
 */
void links_read(struct nvli_wires *wires, const char *text)
{
	bool input = !strcmp(text, "-");
	char *links = input ? read_input() : strdup(text);
	struct nvli_domains_error bad;

	if (!links)
		fail("no memory left");
	if (!nvli_wires_parse(wires, links, &bad))
		fail("--links%s '%s', at character %zu: %s", input ? " on standard input" : "",
		     links, bad.position + 1, bad.text);
	free(links);
}

static void add_once(struct machine *machine, u32 id)
{
	struct gpu *gpu;
	int i;

	for (i = 0; i < machine->count; i++)
		if (machine->gpu[i].phandle == id)
			return;
	gpu = machine_add(machine);
	gpu->phandle = id;
	nvli_gpu_id_text(id, gpu->address);
	/* No board is known from links; the module ignores links of other boards. */
	gpu->board = "V100 SXM2";
}

/* The GPUs that have a declared link, and their links, without their peers. */
void machine_from_links(struct machine *machine, const struct nvli_wires *wires)
{
	unsigned int i;
	int j;

	machine->count = 0;
	for (i = 0; i < 2 * wires->count; i++)
		add_once(machine, wires->wire[i / 2].end[i % 2].gpu);
	for (j = 0; j < machine->count; j++)
		nvli_wires_apply(wires, machine->gpu[j].phandle, &machine->gpu[j].topology);
}
