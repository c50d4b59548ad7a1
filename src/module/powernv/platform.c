// SPDX-License-Identifier: GPL-2.0-only
/* IBM AC922 and other OpenPOWER hosts: the platform's table, and the way to a GPU. */

#include "../log.h"
#include "powernv.h"
#include "../path.h"

#include <linux/io.h>

#include <asm/machdep.h>

static const char *obstacle(struct nvli_gpu *gpu)
{
	const char *what = nvli_eeh_obstacle(gpu);

	return what ? what : nvli_path_obstacle(gpu);
}

static bool watch(struct nvli_gpu *gpu)
{
	return nvli_opal_watch() && nvli_hook_watch(gpu->pdev) && gpu->path.depth > 0;
}

static int unwatch(void)
{
	int err = nvli_hook_unwatch();

	if (!err)
		nvli_opal_unwatch();

	return err;
}

static bool is_watched(struct nvli_gpu *gpu)
{
	return nvli_hook_is_watched(gpu->pdev) && gpu->path.depth > 0 && nvli_opal_fires(gpu);
}

/*
 * in_le32() and out_le32() rather than readl() and writel(): those call into EEH on all ones, which
 * the gate is not to do.
 */
static u32 read_register(const void __iomem *address)
{
	return in_le32((const u32 __iomem *)address);
}

static void write_register(void __iomem *address, u32 value)
{
	out_le32((u32 __iomem *)address, value);
}

static const struct nvli_platform powernv = {
	.describe = nvli_tree_describe,
	.warn = nvli_tree_warn,
	.watch = watch,
	.can_unwatch = nvli_hook_can_unwatch,
	.unwatch = unwatch,
	.is_watched = is_watched,
	.obstacle = obstacle,
	.is_recovered_blind = nvli_eeh_is_involved,
	.unanswered = nvli_eeh_unanswered,
	.stuck = nvli_eeh_unblock,
	.exit = nvli_eeh_exit,
	.read = read_register,
	.write = write_register,
};

const struct nvli_platform *nvli_platform_here(void)
{
	if (machine_is(powernv))
		return &powernv;

	pr_err("this machine is not an OpenPOWER host (powernv), whose PCI resets this module knows; it is not loaded\n");

	return NULL;
}
