// SPDX-License-Identifier: GPL-2.0-only
/* status and topology: what the module shows, as tables. */

#include "command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void refuse_arguments(const char *command, const struct options *options)
{
	if (options->count)
		fail("%s: '%s' is not accepted: it takes no arguments", command, options->args[0]);
}

/* The exposed peers of a GPU by their numbers, which the table has. */
static void print_exposed(const struct machine *machine, const struct gpu *gpu)
{
	char text[TEXT_SIZE];
	char *rest = text, *word;
	const char *blank = "";
	int i;

	if (!*gpu->seen.exposed)
		putchar('-');
	strcpy(text, gpu->seen.exposed);
	while (*gpu->seen.exposed && (word = strsep(&rest, " "))) {
		for (i = 0; i < machine->count; i++)
			if (!strcmp(machine->gpu[i].address, word))
				break;
		if (i < machine->count)
			printf("%sG%d", blank, i);
		else
			printf("%s?", blank);
		blank = " ";
	}
	putchar('\n');
}

/* The links to GPUs of the same domain */
static u32 kept_links(const struct gpu *gpu)
{
	u32 kept = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (gpu->link[i].end == NVLI_END_GPU && gpu->link[i].mark == MARK_NONE)
			kept |= 1U << (GV100_LINK_DISABLE_SHIFT + i);

	return kept;
}

/* No administrator chose to keep the links within an IOMMU group, so mark such a state. */
static bool is_in_part(const struct gpu *gpu, const char *by)
{
	return !strcmp(by, "group") && kept_links(gpu) &&
		!strcmp(gpu->seen.state, nvli_state_text(NVLI_ISOLATED));
}

static void print_gpu(const struct machine *machine, int number, const char *by)
{
	const struct gpu *gpu = &machine->gpu[number];
	const struct gpu_seen *seen = &gpu->seen;
	char state[sizeof(seen->state) + 1];
	char age[20];

	printf("G%-4d%-13s", number, gpu->address);
	if (!seen->shown) {
		printf("not known to the module\n");
		return;
	}

	if (isdigit((unsigned char)*seen->verified))
		snprintf(age, sizeof(age), "%s s", seen->verified);
	else
		snprintf(age, sizeof(age), "%s", *seen->verified ? seen->verified : "-");
	snprintf(state, sizeof(state), "%s%s", seen->state, is_in_part(gpu, by) ? "*" : "");
	printf("%*s%-12s", 12 - colour_print(state), "", links_or_none(seen->required));
	printf("%-12s%-8s %-6s ", seen->disabled_known ? links_or_none(seen->disabled) : "unknown",
	       age, seen->resets);
	print_exposed(machine, gpu);
}

/* The GPUs that links of a GPU lead to, each once: "G1 G2" */
static const char *peers_of(const struct gpu *gpu, u32 links)
{
	static char text[GV100_NVLINKS * 5];
	bool named[GPUS_MAX] = {};
	size_t length = 0;
	int i, peer;

	text[0] = '\0';
	for (i = 0; i < GV100_NVLINKS; i++) {
		peer = gpu->link[i].peer;
		if (!(links & 1U << (GV100_LINK_DISABLE_SHIFT + i)) || peer < 0 || named[peer])
			continue;
		named[peer] = true;
		length += snprintf(text + length, sizeof(text) - length, "%sG%d",
				   length ? " " : "", peer);
	}

	return text;
}

/* Which links a GPU keeps, and by which setting. */
static void note_kept(const struct gpu *gpu, int number, const char *by)
{
	u32 kept = kept_links(gpu);

	if (!kept)
		return;
	if (!strcmp(by, "list"))
		draw_note(number, "links %s to %s are kept: the list in domains= joins them",
			  links_or_none(kept), peers_of(gpu, kept));
	else if (!strcmp(by, "group"))
		draw_note(number,
			  "NOT isolated from %s: links %s are kept, because the kernel put these GPUs into one IOMMU group (%d); domains=gpu would cut them",
			  peers_of(gpu, kept), links_or_none(kept), gpu->group);
	else if (!strcmp(by, "owner"))
		draw_note(number,
			  "links %s to %s are kept: owner %s, identified by %s, has these GPUs",
			  links_or_none(kept), peers_of(gpu, kept), gpu->seen.owner,
			  gpu->seen.owner_means);
	else
		draw_note(number, "links %s to %s are kept: domains=%.*s", links_or_none(kept),
			  peers_of(gpu, kept), TEXT_SIZE, by);
}

/* Why a GPU is not isolated, whether it can be used, and which links it keeps. */
static void print_notes(const struct machine *machine, const char *by)
{
	int i;

	for (i = 0; i < machine->count; i++) {
		const struct gpu *gpu = &machine->gpu[i];

		if (gpu->seen.held)
			draw_note(i, "cannot be switched on: %s",
				  *gpu->seen.error ? gpu->seen.error : "no reason is given");
		else if (*gpu->seen.error)
			draw_note(i, "%s", gpu->seen.error);
		if (gpu->seen.shown)
			note_kept(gpu, i, by);
	}
	draw_notes();
}

static void print_table(const struct machine *machine)
{
	bool in_part = false;
	char by[DOMAINS_SIZE];
	int i;

	joined_by(by);
	printf("\n     %-13s%-12s%-12s%-12s%-9s%-7s%s\n", "GPU", "STATE", "TO CUT", "CUT",
	       "VERIFIED", "RESETS", "EXPOSED TO");
	for (i = 0; i < machine->count; i++) {
		print_gpu(machine, i, by);
		in_part |= is_in_part(&machine->gpu[i], by);
	}
	draw_links(machine);
	draw_legend(machine, "read back as disabled since the last reset");
	if (in_part)
		printf("*:    isolated from GPUs of other IOMMU groups only\n");
	print_notes(machine, by);
}

/* Without the module only the list of GPUs is known. */
static void print_list(const struct machine *machine)
{
	int i;

	printf("\n     %-14s%s\n", "GPU", "BOARD");
	for (i = 0; i < machine->count; i++)
		printf("G%-4d%-14s%s\n", i, machine->gpu[i].address, machine->gpu[i].board);
}

void status_print(void)
{
	static struct machine machine;

	machine_from_module(&machine);
	draw_module();
	if (!machine.count)
		printf("\nThere is no V100 SXM2 in this machine.\n");
	else if (module_is_loaded())
		print_table(&machine);
	else
		print_list(&machine);
}

int command_status(const struct options *options)
{
	static struct machine machine;

	refuse_arguments("status", options);
	if (options->json && options->watch)
		fail("status: one of --json and --watch is accepted");
	colour_set(options->colour ?: "auto");
	if (options->watch)
		return watch_status(options->frames);
	if (options->json) {
		machine_from_module(&machine);
		json_status(&machine);
	} else {
		status_print();
	}

	return EXIT_DONE;
}

/* Without the module the device tree has the links, and no link is known to be cut. */
static void read_tree(struct plan *plan)
{
	struct machine *machine = &plan->machine;
	const char *error = plan_make(plan, NULL, NULL);
	int i, j;

	if (error)
		fail("topology: %s: %s", plan->tree.file, error);
	machine_need_all(machine);
	tree_close(&plan->tree);
	for (i = 0; i < machine->count; i++)
		for (j = 0; j < GV100_NVLINKS; j++)
			machine->gpu[i].link[j].mark = MARK_NONE;
}

/* @cut: what "cut" means, or NULL if that is unknown */
static void print_topology(const struct machine *machine, const char *cut)
{
	int i;

	putchar('\n');
	draw_matrix(machine);
	putchar('\n');
	for (i = 0; i < machine->count; i++)
		printf("G%-4d%-14s%s\n", i, *machine->gpu[i].address ? machine->gpu[i].address :
		       machine->gpu[i].node, machine->gpu[i].board);
	putchar('\n');
	puts("In a row are the numbers of that GPU's links which lead to the column.");
	if (cut)
		draw_legend(machine, cut);
}

/* A picture has no place for a note, so a machine without GPUs is an error. */
static void print_picture(const struct machine *machine, const struct options *options,
			  bool clusters)
{
	if (options->dot && options->svg)
		fail("topology: one of --dot and --svg is accepted");
	if (!machine->count)
		fail("topology: there is no V100 SXM2 in this machine");
	if (options->dot)
		dot_print(stdout, machine, clusters);
	else
		dot_svg(machine, clusters);
}

/* Any machine, by declared links and a policy: what the module would do there. */
static int show_declared(const struct options *options)
{
	static struct plan plan;

	plan_make_declared(&plan, options->links, options->domains);
	if (!plan.machine.count)
		fail("topology: --links: no link is declared, so there is nothing to show");
	if (options->dot || options->svg) {
		print_picture(&plan.machine, options, true);
	} else {
		plan_print_head(&plan);
		print_topology(&plan.machine, "would be disabled");
	}

	return EXIT_DONE;
}

/* Show what the module shows, or without the module what the device tree says. */
int command_topology(const struct options *options)
{
	static struct plan plan;
	struct machine *machine = &plan.machine;
	bool picture = options->dot || options->svg;

	refuse_arguments("topology", options);
	if (options->links)
		return show_declared(options);
	if (options->domains)
		fail("topology: --domains needs --links: without it the module's domains count");
	if (!picture)
		draw_module();
	machine_from_module(machine);
	if (machine->count && !module_is_loaded()) {
		read_tree(&plan);
		if (!picture)
			printf("         What follows is from the device tree.\n");
	}
	if (picture)
		print_picture(machine, options, module_is_loaded());
	else if (!machine->count)
		printf("\nThere is no V100 SXM2 in this machine.\n");
	else
		print_topology(machine, module_is_loaded() ?
			       "read back as disabled since the last reset" : NULL);

	return EXIT_DONE;
}
