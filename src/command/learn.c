// SPDX-License-Identifier: GPL-2.0-only
/*
 * learn: make the module's parameter "links" from what nvidia-smi says. The GPUs at both ends of a
 * link have to report the same link. If the ends of any link disagree, learn declares nothing.
 */

#include "smi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What became of the links */
struct learned {
	int gpus;
	int disagree;
	int left_out;
	int inactive;
};

static void say(const struct smi_gpu *gpu, int link, const char *text)
{
	char address[NVLI_GPU_ID_TEXT];

	fprintf(stderr, "%s: link %d %s\n", nvli_gpu_id_text(gpu->id, address), link, text);
}

/* Return: the GPU with this address, or NULL */
static const struct smi_gpu *find(const struct smi *smi, u32 id)
{
	int i;

	for (i = 0; i < GPUS_MAX; i++)
		if (smi->gpu[i].addressed && smi->gpu[i].id == id)
			return &smi->gpu[i];

	return NULL;
}

/* Each GPU has to be in the output of both commands. Return: how many there are. */
static int check_gpus(const struct smi *smi)
{
	char address[NVLI_GPU_ID_TEXT];
	int i, count = 0;

	for (i = 0; i < GPUS_MAX; i++) {
		const struct smi_gpu *gpu = &smi->gpu[i];

		if (gpu->listed && !gpu->addressed)
			fail("learn: GPU %d has no address: the output of %s is needed as well", i,
			     SMI_ADDRESSES);
		if (gpu->addressed && !gpu->listed)
			fail("learn: GPU %d (%s) has no links: the output of %s is needed as well",
			     i, nvli_gpu_id_text(gpu->id, address), SMI_LINKS);
		count += gpu->listed;
	}
	if (!count)
		fail("learn: nvidia-smi lists no GPU");

	return count;
}

/* Does the GPU at the other end report the same link? If not, say what it reports instead. */
static bool agrees(const struct smi_gpu *gpu, int number, const struct smi_gpu *other)
{
	char text[TEXT_SIZE], address[NVLI_GPU_ID_TEXT], back[NVLI_GPU_ID_TEXT];
	const struct smi_link *link = &gpu->link[number], *same;
	int length;

	nvli_gpu_id_text(link->device, address);
	if (link->number >= GV100_NVLINKS)
		fail("learn: %s link %u: a V100 SXM2 has the links 0 to 5", address, link->number);
	same = &other->link[link->number];
	if (same->end == SMI_DEVICE && same->device == gpu->id &&
	    same->number == (unsigned int)number)
		return true;

	length = snprintf(text, sizeof(text), "leads to %s link %u, which ", address,
			  link->number);
	if (same->end == SMI_DEVICE)
		snprintf(text + length, sizeof(text) - length, "leads to %s link %u",
			 nvli_gpu_id_text(same->device, back), same->number);
	else
		snprintf(text + length, sizeof(text) - length, "is %s",
			 same->end == SMI_INACTIVE ? "inactive" : "not listed");
	say(gpu, number, text);

	return false;
}

/* Add a link to the list, if it is one between two GPUs. The GPU at its lower end adds it. */
static void learn_link(struct learned *learned, const struct smi *smi, const struct smi_gpu *gpu,
		       int number, FILE *list)
{
	const struct smi_link *link = &gpu->link[number];
	char text[TEXT_SIZE], address[NVLI_GPU_ID_TEXT];
	const struct smi_gpu *other;

	if (link->end != SMI_DEVICE) {
		say(gpu, number, link->end == SMI_INACTIVE ? "is inactive: left out" :
		    "is not listed: left out");
		learned->left_out++;
		learned->inactive++;
		return;
	}

	nvli_gpu_id_text(link->device, address);
	other = find(smi, link->device);
	if (!other) {
		snprintf(text, sizeof(text),
			 "leads to %s, which nvidia-smi does not list as a GPU (a CPU, a switch, another driver's GPU?): left out",
			 address);
		say(gpu, number, text);
		learned->left_out++;
	} else if (!agrees(gpu, number, other)) {
		learned->disagree++;
	} else if (gpu->id <= other->id) {
		fprintf(list, "%s%s.%u-", ftell(list) ? "," : "", address, link->number);
		fprintf(list, "%s.%d", nvli_gpu_id_text(gpu->id, address), number);
	}
}

/* Make one list of all links. The caller frees it. */
static char *learn_all(struct learned *learned, const struct smi *smi)
{
	char *text = NULL;
	size_t size;
	FILE *list = open_memstream(&text, &size);
	int i, j;

	if (!list)
		fail("no memory left");
	for (i = 0; i < GPUS_MAX; i++)
		for (j = 0; smi->gpu[i].listed && j < GV100_NVLINKS; j++)
			learn_link(learned, smi, &smi->gpu[i], j, list);
	if (fclose(list))
		fail("no memory left");

	return text;
}

/* The module may have disabled an inactive link. A reset with isolate=0 makes it active again. */
static void say_inactive(const struct learned *learned)
{
	if (learned->inactive)
		fputs("A link that is left out is always disabled. If the module has disabled it:\n"
		      "set isolate=0, reset the GPUs, and learn again.\n", stderr);
}

int command_learn(const struct options *options)
{
	char again[NVLI_WIRES_TEXT];
	struct nvli_domains_error bad;
	struct learned learned = {};
	struct nvli_wires wires;
	static struct smi smi;
	char *text;

	if (options->count > 1)
		fail("learn: '%s' is one argument too many: one FILE is accepted",
		     options->args[1]);
	if (options->count)
		smi_read(&smi, options->args[0]);
	else if (*root_dir)
		fail("learn: --root has no nvidia-smi to run: FILE is needed");
	else
		smi_run(&smi);

	learned.gpus = check_gpus(&smi);
	text = learn_all(&learned, &smi);
	if (learned.disagree) {
		fprintf(stderr, "%s: learn: the ends of links disagree: nothing is declared\n",
			program_invocation_short_name);
		free(text);
		return EXIT_DISAGREE;
	}
	say_inactive(&learned);
	if (!*text)
		fail("learn: no link joins two GPUs: there is nothing to declare");
	if (!nvli_wires_parse(&wires, text, &bad))
		fail("learn: '%s', at character %zu: %s", text, bad.position + 1, bad.text);
	free(text);

	printf("options " MODULE " links=%s\n", nvli_wires_text(&wires, again));
	fprintf(stderr, "%u links of %d GPUs are declared.\n", wires.count, learned.gpus);

	return EXIT_DONE;
}
