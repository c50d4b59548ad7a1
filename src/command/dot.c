// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out: topology --dot, a graph in the language of Graphviz, and --svg, which lets dot draw it.
 * Domains are clusters. A kept link is solid, a disabled one dashed. A link that
 * has to be disabled and is open is red.
 */

#include "command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What is between two GPUs, or a GPU and something else */
struct edge {
	int count;
	char links[NVLI_LINKS_TEXT];	/* of the first GPU */
};

/* A link is as disabled as its better end. */
static enum mark mark_of(const struct machine *machine, int gpu, int link)
{
	enum mark mark = machine->gpu[gpu].link[link].mark;

	return mark == MARK_FAR ? MARK_CUT : mark;
}

/* The links of @gpu to @peer, or if that is -1 to @end, that have @mark */
static struct edge edge_of(const struct machine *machine, int gpu, int peer, enum nvli_end end,
			   enum mark mark)
{
	struct edge edge = {};
	u32 mask = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		const struct gpu_link *link = &machine->gpu[gpu].link[i];

		if (link->peer != peer || (peer < 0 && link->end != end) ||
		    mark_of(machine, gpu, i) != mark)
			continue;
		mask |= 1U << (GV100_LINK_DISABLE_SHIFT + i);
		edge.count++;
	}
	nvli_links_text(mask, edge.links);

	return edge;
}

/* Solid, dashed or red; the width is the number of links. The label has one end's numbers. */
static void print_edge(FILE *out, int gpu, const char *peer, const struct edge *edge,
		       enum mark mark)
{
	static const char * const styles[] = {
		[MARK_NONE] = "style=solid",
		[MARK_CUT] = "style=dashed color=gray50",
		[MARK_FAR] = "style=dashed color=gray50",
		[MARK_OPEN] = "style=bold color=red fontcolor=red",
	};

	if (edge->count)
		fprintf(out, "\tG%d -- %s [label=\" %s%s\" penwidth=%d %s]\n", gpu, peer,
			mark == MARK_OPEN ? "OPEN " : "", edge->links, edge->count, styles[mark]);
}

/* Links of two GPUs, numbered as the first has them */
static void print_edges(FILE *out, const struct machine *machine)
{
	enum mark mark;
	char peer[24];
	int i, j;

	for (i = 0; i < machine->count; i++)
		for (mark = MARK_NONE; mark <= MARK_OPEN; mark++) {
			struct edge edge;

			for (j = i + 1; j < machine->count; j++) {
				edge = edge_of(machine, i, j, NVLI_END_GPU, mark);
				snprintf(peer, sizeof(peer), "G%d", j);
				print_edge(out, i, peer, &edge, mark);
			}
			edge = edge_of(machine, i, -1, NVLI_END_UNKNOWN, mark);
			snprintf(peer, sizeof(peer), "unknown%d", i);
			if (edge.count)
				fprintf(out, "\t%s [label=\"?\" shape=plaintext]\n", peer);
			print_edge(out, i, peer, &edge, mark);
		}
}

/* The GPUs that @gpu keeps links to, and those that they keep links to */
static void join(const struct machine *machine, int gpu, int domain, int domains[GPUS_MAX])
{
	int i;

	domains[gpu] = domain;
	for (i = 0; i < GV100_NVLINKS; i++) {
		const struct gpu_link *link = &machine->gpu[gpu].link[i];

		if (link->peer >= 0 && domains[link->peer] < 0 &&
		    !(machine->gpu[gpu].required & 1U << (GV100_LINK_DISABLE_SHIFT + i)))
			join(machine, link->peer, domain, domains);
	}
}

/* Quotes and backslashes end a text in this language; states and addresses have none. */
static void print_gpu(FILE *out, const struct gpu *gpu, int number)
{
	const struct gpu_seen *seen = &gpu->seen;
	bool good = seen->shown && !strcmp(seen->state, nvli_state_text(NVLI_ISOLATED));

	fprintf(out, "\t\tG%d [label=\"G%d\\n%s", number, number,
		*gpu->address ? gpu->address : "unknown address");
	if (seen->shown)
		fprintf(out, "\\n%s\"%s]\n", seen->state, good ? "" : " color=red");
	else
		fprintf(out, "\"]\n");
}

/**
 * dot_print() - write a machine as a graph
 * @out: where to
 * @machine: it
 * @clusters: the domains are known, which they are not without the module
 */
void dot_print(FILE *out, const struct machine *machine, bool clusters)
{
	int domains[GPUS_MAX];
	int i, j, domain = 0;

	fprintf(out, "graph nvlink {\n");
	fprintf(out, "\tlabel=\"NVLinks: solid is kept, dashed is disabled, red is open%s\"\n",
		clusters ? "\\nA grey box is a domain" : "");
	fprintf(out, "\tfontname=sans nodesep=1.0 ranksep=1.0\n");
	fprintf(out, "\tnode [shape=box fontname=sans]\n\tedge [fontname=sans]\n");
	for (i = 0; i < machine->count; i++)
		domains[i] = -1;
	for (i = 0; i < machine->count; i++) {
		if (domains[i] >= 0)
			continue;
		join(machine, i, domain, domains);
		fprintf(out, "\tsubgraph %s%d {\n", clusters ? "cluster" : "gpus", domain);
		/* The label of a cluster would overlap the links. */
		fprintf(out, "\t\tlabel=\"\" color=gray50\n");
		for (j = i; j < machine->count; j++)
			if (domains[j] == domain)
				print_gpu(out, &machine->gpu[j], j);
		fprintf(out, "\t}\n");
		domain++;
	}
	print_edges(out, machine);
	fprintf(out, "}\n");
}

/**
 * dot_svg() - have dot draw a machine as SVG, on stdout
 * @machine: as for dot_print()
 * @clusters: as for dot_print()
 */
void dot_svg(const struct machine *machine, bool clusters)
{
	char dot[] = "dot", svg[] = "-Tsvg";
	char * const args[] = { dot, svg, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], status, error;
	FILE *out;
	pid_t pid;

	if (pipe(ends))
		fail_errno("topology: --svg");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	error = posix_spawnp(&pid, dot, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error == ENOENT)
		fail("topology: --svg needs dot, which the package graphviz has; --dot does not");
	errno = error;
	if (error)
		fail_errno("topology: --svg: dot");
	close(ends[0]);
	out = fdopen(ends[1], "w");
	if (!out)
		fail_errno("topology: --svg");
	/* If dot ends early, its exit status says so below: a SIGPIPE must not end us first. */
	signal(SIGPIPE, SIG_IGN);
	dot_print(out, machine, clusters);
	fclose(out);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		fail("topology: --svg: dot failed");
}
