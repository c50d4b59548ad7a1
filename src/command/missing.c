// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a GPU's node has no ibm,nvlink-peers. Skiboot writes the property since v6.3. It writes none
 * for a chip on which the highest number of a GPU is 0, so a GPU 0 that is alone there has none.
 */

#include "command.h"

#include <stdio.h>
#include <string.h>

static bool is_missing(const struct gpu *gpu)
{
	return gpu->topology.link[0].fault == NVLI_FAULT_MISSING;
}

/* On the boards that have NVLinks all GPUs of a chip are in one PCI segment. */
static bool is_alone_on_chip(const struct machine *machine, const struct gpu *gpu)
{
	size_t segment = strcspn(gpu->address, ":") + 1;
	int i;

	if (!*gpu->address)
		return false;
	for (i = 0; i < machine->count; i++)
		if (&machine->gpu[i] != gpu &&
		    (!*machine->gpu[i].address ||
		     !strncmp(machine->gpu[i].address, gpu->address, segment)))
			return false;

	return true;
}

/* Does the firmware write the property? Other GPUs or its version say so, if anything does. */
static bool is_new_firmware(const struct plan *plan)
{
	unsigned int major, minor;
	char version[TEXT_SIZE];
	const char *number;
	int i;

	for (i = 0; i < plan->machine.count; i++)
		if (!is_missing(&plan->machine.gpu[i]))
			return true;
	if (!tree_text(&plan->tree, "/ibm,opal/firmware", "version", version))
		return false;
	number = strchr(version, 'v');

	return number && sscanf(number, "v%u.%u", &major, &minor) == 2 &&
		(major > 6 || (major == 6 && minor >= 3));
}

/**
 * missing_reason() - why a GPU has no ibm,nvlink-peers, if that is known
 * @plan: has the GPU
 * @gpu: it
 *
 * Return: a clause that follows the name of the property.
 */
const char *missing_reason(const struct plan *plan, const struct gpu *gpu)
{
	if (!*gpu->node)
		return "since the device tree has no node of it";
	if (!is_alone_on_chip(&plan->machine, gpu))
		return "which skiboot provides since v6.3";
	if (is_new_firmware(plan))
		return "which skiboot does not write for a GPU 0 that is alone on its chip";

	return "which skiboot provides since v6.3, but not for a GPU 0 that is alone on its chip";
}
