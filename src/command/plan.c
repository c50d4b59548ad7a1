// SPDX-License-Identifier: GPL-2.0-only
/* plan: what the module would cut, by a device tree or by declared links, and by a policy. */

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The module decides by address and IOMMU group, so a GPU without them is alone. */
static int domain_of(const struct plan *plan, const struct gpu *gpu)
{
	struct nvli_domains_error error;
	u32 id;

	if ((plan->tree.live && !gpu->on_pci) ||
	    !nvli_gpu_id_parse(&id, gpu->address, &error))
		return NVLI_ALONE;

	return nvli_domain_of(&plan->domains, id, gpu->group);
}

/*
 * On the running machine the PCI bus has the list of GPUs, and each GPU names its node. The GPU of
 * a node that no device names is alone: its owner is unknown.
 */
static void match_with_pci(struct machine *machine, const struct tree *tree)
{
	static struct machine pci;
	struct gpu *gpu;
	int i, j;

	machine_from_pci(&pci);
	strcpy(machine->unread, pci.unread);
	for (i = 0; i < pci.count; i++) {
		for (j = 0; j < machine->count; j++)
			if (pci.gpu[i].phandle && machine->gpu[j].phandle == pci.gpu[i].phandle)
				break;
		gpu = j < machine->count ? &machine->gpu[j] : machine_add(machine);
		if (!gpu->board)
			tree_read_gpu(gpu, tree, pci.gpu[i].phandle);
		strcpy(gpu->address, pci.gpu[i].address);
		gpu->board = pci.gpu[i].board;
		gpu->group = pci.gpu[i].group;
		gpu->on_pci = true;
	}
}

/* In the order in which sysfs has them; those without an address come last. */
static int by_address(const void *a, const void *b)
{
	const struct gpu *left = a, *right = b;

	if (!*left->address != !*right->address)
		return !*left->address - !*right->address;

	return *left->address ? strcmp(left->address, right->address) :
		strcmp(left->node, right->node);
}

/* Find the peer of each link by its phandle. A phandle that two GPUs share names neither. */
static void find_peers(struct machine *machine)
{
	int i, j, k;

	for (i = 0; i < machine->count; i++)
		for (j = 0; j < GV100_NVLINKS; j++) {
			const struct nvli_topology_link *from = &machine->gpu[i].topology.link[j];
			struct gpu_link *link = &machine->gpu[i].link[j];

			int found = 0;

			link->end = from->end;
			for (k = 0; from->end == NVLI_END_GPU && k < machine->count; k++)
				if (machine->gpu[k].phandle == from->phandle && !found++)
					link->peer = k;
			if (found > 1)
				link->peer = -1;
		}
}

/* Do the lists of two GPUs agree on the links between them? */
static bool agree(const struct gpu *a, const struct gpu *b)
{
	return nvli_topology_agree(&a->topology, a->phandle, &b->topology, b->phandle);
}

static int domain_of_peer(const struct plan *plan, const struct gpu *gpu, int link)
{
	const struct gpu *peer = gpu->link[link].peer < 0 ? NULL :
		&plan->machine.gpu[gpu->link[link].peer];

	return peer && agree(gpu, peer) ? domain_of(plan, peer) : NVLI_ALONE;
}

static void decide(struct plan *plan)
{
	struct machine *machine = &plan->machine;
	int peer_domain[GV100_NVLINKS];
	int i, j;

	for (i = 0; i < machine->count; i++) {
		struct gpu *gpu = &machine->gpu[i];

		for (j = 0; j < GV100_NVLINKS; j++)
			peer_domain[j] = domain_of_peer(plan, gpu, j);
		gpu->required = nvli_required_mask(&gpu->topology, domain_of(plan, gpu),
						   peer_domain);
		for (j = 0; j < GV100_NVLINKS; j++)
			if (gpu->required & 1U << (GV100_LINK_DISABLE_SHIFT + j))
				gpu->link[j].mark = MARK_CUT;
	}
}

/* The policy may leave out segments. The machine's own GPUs supply them. */
static void read_domains(struct plan *plan, const char *text)
{
	struct nvli_domains_error bad;
	char *list;

	memset(&plan->domains, 0, sizeof(plan->domains));
	if (!text)
		return;
	list = short_expand(text, &plan->machine);
	if (!nvli_domains_parse(&plan->domains, list, &bad))
		fail("--domains '%s', at character %zu: %s", list, bad.position + 1, bad.text);
	free(list);
}

/* Complete a plan whose GPUs and links have been read. */
static void plan_machine(struct plan *plan, const char *domains)
{
	struct machine *machine = &plan->machine;

	qsort(machine->gpu, machine->count, sizeof(machine->gpu[0]), by_address);
	read_domains(plan, domains);
	find_peers(machine);
	decide(plan);
}

/**
 * plan_make() - find out what would be cut, by a device tree
 * @plan: set
 * @file: a .dtb, or NULL for the running machine
 * @domains: the policy, or NULL for the default
 *
 * Return: NULL, or why the tree cannot be used, for the user. Bad @domains end the command.
 */
const char *plan_make(struct plan *plan, const char *file, const char *domains)
{
	const char *error;

	error = tree_open(&plan->tree, file);
	if (!error) {
		machine_from_tree(&plan->machine, &plan->tree);
		if (plan->tree.live)
			match_with_pci(&plan->machine, &plan->tree);
		plan_machine(plan, domains);
	}

	return error;
}

/**
 * plan_make_declared() - find out what would be cut, by links that are declared
 * @plan: set; it has no tree
 * @links: the parameter "links", or "-" for standard input. What is bad in it ends the command.
 * @domains: as for plan_make()
 */
void plan_make_declared(struct plan *plan, const char *links, const char *domains)
{
	plan->declared = true;
	links_read(&plan->wires, links);
	machine_from_links(&plan->machine, &plan->wires);
	plan_machine(plan, domains);
}

/* Add GPUs to @reached until no link leads on. A link that would be cut does not. */
static void reach(const struct machine *machine, int from, bool reached[GPUS_MAX])
{
	int i;

	reached[from] = true;
	for (i = 0; i < GV100_NVLINKS; i++) {
		const struct gpu_link *link = &machine->gpu[from].link[i];

		if (link->peer >= 0 && link->mark == MARK_NONE && !reached[link->peer])
			reach(machine, link->peer, reached);
	}
}

/* Does a list join two GPUs that no NVLink joins, not even by way of other GPUs? */
bool plan_is_apart(const struct plan *plan, int a, int b)
{
	int domain = domain_of(plan, &plan->machine.gpu[a]);
	bool reached[GPUS_MAX] = {};

	if (plan->domains.policy != NVLI_BY_LIST || domain == NVLI_ALONE ||
	    domain != domain_of(plan, &plan->machine.gpu[b]))
		return false;
	reach(&plan->machine, a, reached);

	return !reached[b];
}

/* The source of the IOMMU groups, or NULL if they do not matter. */
const char *plan_groups(const struct plan *plan)
{
	if (plan->domains.policy != NVLI_BY_GROUP)
		return NULL;

	return plan->tree.live ? "kernel" : "assumed";
}

static void print_faults(const struct plan *plan, int number)
{
	const struct gpu *gpu = &plan->machine.gpu[number];
	const struct nvli_topology *topology = &gpu->topology;
	u32 undeclared = 0;
	int i;

	/* These two faults are about the whole list. */
	switch (topology->link[0].fault) {
	case NVLI_FAULT_MISSING:
		draw_note(number, "%s, %s: all six links are cut",
			  nvli_fault_text(NVLI_FAULT_MISSING), missing_reason(plan, gpu));
		return;
	case NVLI_FAULT_LENGTH:
		draw_note(number, "%s but %zu bytes: all six links are cut",
			  nvli_fault_text(NVLI_FAULT_LENGTH), topology->bytes);
		return;
	default:
		break;
	}

	for (i = 0; i < GV100_NVLINKS; i++)
		if (topology->link[i].fault == NVLI_FAULT_UNDECLARED)
			undeclared |= 1U << (GV100_LINK_DISABLE_SHIFT + i);
		else if (topology->link[i].fault)
			draw_note(number, "cell %d of ibm,nvlink-peers (0x%x): %s", i,
				  topology->link[i].phandle,
				  nvli_fault_text(topology->link[i].fault));
	if (undeclared)
		draw_note(number, "links %s are not declared, and are always cut",
			  links_or_none(undeclared));
}

/* This changes nothing about the plan, but the tree may be another board's. */
static void print_unlisted(int number, const struct gpu *gpu)
{
	char links[NVLI_LINKS_TEXT];

	if (gpu->unlisted)
		draw_note(number, "links %s lead to NPU devices that ibm,npu does not list: %s",
			  nvli_links_text(gpu->unlisted, links), "they are kept");
}

/* If one GPU lists another more often than that lists it back, one of the lists is wrong. */
static void print_disagreements(const struct machine *machine)
{
	int i, j;

	for (i = 0; i < machine->count; i++)
		for (j = i + 1; j < machine->count; j++)
			if (!agree(&machine->gpu[i], &machine->gpu[j]))
				draw_pair(i, j,
					  "do not list each other equally often: all links between them are cut");
}

/* GPUs that the list names and the machine lacks: typing errors, or GPUs yet to be added. */
static void print_absent(const struct plan *plan)
{
	char address[NVLI_GPU_ID_TEXT];
	unsigned int i;
	int j;

	for (i = 0; i < plan->domains.count; i++) {
		nvli_gpu_id_text(plan->domains.member[i].gpu, address);
		for (j = 0; j < plan->machine.count; j++)
			if (!strcmp(plan->machine.gpu[j].address, address))
				break;
		if (j == plan->machine.count)
			printf("%s: in the list, and %s\n", address,
			       plan->declared ? "no link of it is declared: all six are cut" :
			       "no V100 SXM2 of this tree");
	}
}

/* GPUs that the list joins and no NVLink does, such as two sockets': maybe a typing error. */
static void print_apart(const struct plan *plan)
{
	const struct machine *machine = &plan->machine;
	int i, j;

	for (i = 0; i < machine->count; i++)
		for (j = i + 1; j < machine->count; j++)
			if (plan_is_apart(plan, i, j))
				draw_pair(i, j,
					  "warning: in one domain, and no NVLink joins them");
}

/* The source of the plan, and the policy */
void plan_print_head(const struct plan *plan)
{
	char text[NVLI_DOMAINS_TEXT];
	char model[TEXT_SIZE];

	if (plan->declared) {
		printf("Links:   %u declared, of %d GPUs\n", plan->wires.count,
		       plan->machine.count);
	} else {
		printf("Tree:    %s", plan->tree.live ? "of this machine" : plan->tree.file);
		if (tree_text(&plan->tree, "/", "model", model))
			printf(" (%s)", model);
		putchar('\n');
	}
	draw_wrapped("Domains: ", nvli_domains_text(&plan->domains, text));
	if (plan->domains.policy == NVLI_BY_GROUP && plan->declared)
		draw_wrapped("         ",
			     "Declared links have no IOMMU groups. Each GPU is assumed to have its own.");
	else if (plan->domains.policy == NVLI_BY_GROUP && !plan->tree.live)
		draw_wrapped("         ",
			     "A tree has no IOMMU groups. Each GPU is assumed to have its own, as on Linux 5.13 and newer.");
	else if (plan->domains.policy == NVLI_BY_OWNER)
		draw_wrapped("         ",
			     "The links follow the guests. This is what is disabled while no guest has more than one GPU.");
}

void plan_print(const struct plan *plan)
{
	const struct machine *machine = &plan->machine;
	int i;

	plan_print_head(plan);
	if (!machine->count) {
		printf("\n%s\n", plan->declared ?
		       "No link is declared: all links of each V100 SXM2 would be cut." :
		       "There is no V100 SXM2 in this tree: nothing would be cut.");
		return;
	}

	printf("\n     %-14s%-17s%-13s%s\n", "GPU", "BOARD", "TO CUT", "MASK");
	for (i = 0; i < machine->count; i++) {
		const struct gpu *gpu = &machine->gpu[i];

		printf("G%-4d%-14s%-17s", i, *gpu->address ? gpu->address : "unknown",
		       gpu->board);
		printf("%-13s0x%08x\n", links_or_none(gpu->required), gpu->required);
	}
	for (i = 0; i < machine->count; i++)
		if (!*machine->gpu[i].address)
			printf("G%d is %s\n", i, machine->gpu[i].node);
		else if (plan->tree.live && !machine->gpu[i].on_pci)
			draw_note(i, "in the tree, but not on PCI: its owner is unknown");
	draw_links(machine);
	draw_legend(machine, "would be disabled");
	for (i = 0; i < machine->count; i++) {
		print_faults(plan, i);
		print_unlisted(i, &machine->gpu[i]);
	}
	draw_notes();
	print_disagreements(machine);
	print_apart(plan);
	print_absent(plan);
}

int command_plan(const struct options *options)
{
	const char *file = options->count ? options->args[0] : NULL;
	static struct plan plan;
	const char *error = NULL;

	if (options->count > 1)
		fail("plan: '%s' is one argument too many: one FILE.dtb is accepted",
		     options->args[1]);
	if (file && options->links)
		fail("plan: '%s' and --links: one of a device tree and declared links is accepted",
		     file);

	if (options->links)
		plan_make_declared(&plan, options->links, options->domains);
	else if (file)
		error = plan_make(&plan, file, options->domains);
	else
		error = plan_make_loaded(&plan, options->domains);
	if (error)
		fail("plan: %s: %s", plan.tree.file, error);
	machine_need_all(&plan.machine);

	if (options->json)
		json_plan(&plan);
	else
		plan_print(&plan);
	tree_close(&plan.tree);

	return EXIT_DONE;
}
