// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: the GPUs' addresses and the ends of their links, as nvidia-smi prints them. NVIDIA does not
 * promise that this output stays as it is, so an unknown line is an error and is not skipped.
 *
 *   0, 00000000:06:00.0
 *   GPU 0: Tesla V100-SXM2-32GB (UUID: GPU-...)
 *            Link 0: Remote Device 00000000:0A:00.0: Link 3
 *            Link 1: <inactive>
 *   GPU 1: Tesla V100-SXM2-32GB (UUID: GPU-...)
 *            NVML: Unable to retrieve NVLink information as all links are inActive
 */

#include "smi.h"

#include <ctype.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Where a line is from, for errors */
struct source {
	const char *name;
	int line;
	int gpu;	/* the GPU whose links follow; -1 for none */
};

static __noreturn void fail_line(const struct source *source, const char *text, const char *why)
{
	fail("learn: %s, line %d: '%.100s': %s", source->name, source->line, text, why);
}

/* Read an address that nvidia-smi prints. Cuts @text behind it. */
static u32 address_in(const struct source *source, const char *line, const char *text)
{
	struct nvli_domains_error error;
	u32 id;

	if (!nvli_gpu_id_parse(&id, text, &error))
		fail_line(source, line, error.text);

	return id;
}

/* Return: the GPU with this number */
static struct smi_gpu *gpu_of(struct smi *smi, const struct source *source, const char *line,
			      unsigned int index)
{
	if (index >= GPUS_MAX)
		fail_line(source, line, "no machine has so many GPUs");

	return &smi->gpu[index];
}

static void add_address(struct smi *smi, const struct source *source, const char *line,
			unsigned int index, const char *address)
{
	struct smi_gpu *gpu = gpu_of(smi, source, line, index);
	u32 id = address_in(source, line, address);
	int i;

	if (gpu->addressed)
		fail_line(source, line,
			  "this GPU has an address already: one output of each command is accepted");
	for (i = 0; i < GPUS_MAX; i++)
		if (smi->gpu[i].addressed && smi->gpu[i].id == id)
			fail_line(source, line, "another GPU has this address");
	gpu->addressed = true;
	gpu->id = id;
}

static void add_gpu(struct smi *smi, struct source *source, const char *line, unsigned int index)
{
	struct smi_gpu *gpu = gpu_of(smi, source, line, index);

	if (gpu->listed)
		fail_line(source, line,
			  "this GPU is there already: one output of each command is accepted");
	gpu->listed = true;
	source->gpu = index;
}

/* Read what follows the number of a link. Changes @text. */
static void add_link(struct smi *smi, const struct source *source, const char *line,
		     unsigned int number, char *text)
{
	static const char device[] = "Remote Device ";
	struct smi_link *link;
	unsigned int other;
	char *end;
	int length = 0;

	if (source->gpu < 0)
		fail_line(source, line, "a link before the first GPU");
	if (number >= GV100_NVLINKS)
		fail_line(source, line, "a V100 SXM2 has the links 0 to 5");
	link = &smi->gpu[source->gpu].link[number];
	if (link->end != SMI_UNLISTED)
		fail_line(source, line,
			  "this link is there already: one output of each command is accepted");
	if (!strcasecmp(text, "<inactive>")) {
		link->end = SMI_INACTIVE;
		return;
	}

	end = strstr(text, ": Link ");
	if (strncmp(text, device, strlen(device)) || !end ||
	    !isdigit((unsigned char)end[strlen(": Link ")]) ||
	    sscanf(end, ": Link %3u%n", &other, &length) != 1 || end[length])
		fail_line(source, line,
			  "of a link, Remote Device ADDRESS: Link NUMBER and <inactive> are accepted");
	*end = '\0';
	link->device = address_in(source, line, text + strlen(device));
	link->number = other;
	link->end = SMI_DEVICE;
}

static void take_line(struct smi *smi, struct source *source, char *line)
{
	char copy[TEXT_SIZE], address[TEXT_SIZE];
	unsigned int number;
	int length = 0;

	source->line++;
	line += strspn(line, " \t");
	while (*line && isspace((unsigned char)line[strlen(line) - 1]))
		line[strlen(line) - 1] = '\0';
	make_printable(line);
	snprintf(copy, sizeof(copy), "%s", line);
	if (strlen(line) >= sizeof(copy))
		fail_line(source, line, "longer than any line of nvidia-smi");

	if (!*line || !strcmp(line, "index, pci.bus_id"))
		return;
	if (sscanf(line, "%5u, %255s%n", &number, address, &length) == 2 && !line[length])
		add_address(smi, source, line, number, address);
	else if (sscanf(line, "GPU %5u:%n", &number, &length) == 1 && length)
		add_gpu(smi, source, line, number);
	else if (sscanf(line, "Link %5u: %n", &number, &length) == 1 && length)
		add_link(smi, source, line, number, copy + length);
	else if (source->gpu >= 0 && (!strncmp(line, "NVML: ", strlen("NVML: ")) ||
				      strcasestr(line, "all links are inactive")))
		/* All of its links stay unlisted. */
		fprintf(stderr, "GPU %d: %s\n", source->gpu, line);
	else
		fail_line(source, line, "not a line of " SMI_LINKS ", nor of " SMI_ADDRESSES);
}

static void take_file(struct smi *smi, const char *name, FILE *file)
{
	struct source source = { .name = name, .gpu = -1 };
	char *line = NULL;
	size_t size = 0;

	errno = 0;
	while (getline(&line, &size, file) >= 0)
		take_line(smi, &source, line);
	if (ferror(file))
		fail_errno("learn: %s", name);
	if (!source.line)
		fail("learn: %s: it is empty: the output of %s and of %s are accepted", name,
		     SMI_LINKS, SMI_ADDRESSES);
	free(line);
}

/**
 * smi_read() - read the output of both commands, one after the other
 * @smi: set
 * @file: a file that has it, or "-" for standard input
 *
 * Output that cannot be read ends the command.
 */
void smi_read(struct smi *smi, const char *file)
{
	bool input = !strcmp(file, "-");
	FILE *in = input ? stdin : fopen(file, "re");

	memset(smi, 0, sizeof(*smi));
	if (!in)
		fail_errno("learn: %s", file);
	take_file(smi, input ? "standard input" : file, in);
	if (!input)
		fclose(in);
}

/* Run a command, without a shell, and read what it prints. */
static void run(struct smi *smi, const char *name, char * const args[])
{
	posix_spawn_file_actions_t actions;
	int ends[2], status, error;
	char *copy = NULL;
	size_t size = 0;
	FILE *from, *to;
	pid_t pid;
	int c;

	if (pipe(ends))
		fail_errno("learn");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	error = posix_spawnp(&pid, args[0], &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (error == ENOENT)
		fail("learn: nvidia-smi not found; give a FILE that has its output");
	errno = error;
	if (error)
		fail_errno("learn: %s", name);

	/* Read to the end first: the exit status says more than the output. */
	from = fdopen(ends[0], "r");
	to = open_memstream(&copy, &size);
	if (!from || !to)
		fail_errno("learn: %s", name);
	while ((c = getc(from)) != EOF)
		putc(c, to);
	fclose(from);
	if (fclose(to))
		fail("no memory left");
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		fail("learn: %s failed%s%.*s", name, size ? ": " : "",
		     (int)strcspn(copy, "\r\n"), copy);

	from = size ? fmemopen(copy, size, "r") : NULL;
	if (!from)
		fail("learn: %s printed nothing", name);
	take_file(smi, name, from);
	fclose(from);
	free(copy);
}

/**
 * smi_run() - ask nvidia-smi
 * @smi: set
 *
 * If nvidia-smi fails or prints an unknown line, that ends the command.
 */
void smi_run(struct smi *smi)
{
	char smi_name[] = "nvidia-smi", nvlink[] = "nvlink", remote[] = "-R";
	char query[] = "--query-gpu=index,pci.bus_id", format[] = "--format=csv,noheader";
	char * const addresses[] = { smi_name, query, format, NULL };
	char * const links[] = { smi_name, nvlink, remote, NULL };

	memset(smi, 0, sizeof(*smi));
	run(smi, SMI_ADDRESSES, addresses);
	run(smi, SMI_LINKS, links);
}
