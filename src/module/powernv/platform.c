// SPDX-License-Identifier: GPL-2.0-only
/* IBM AC922 and other OpenPOWER hosts: the platform's table, and the way to a GPU. */

#include "../log.h"
#include "powernv.h"

#include <linux/io.h>
#include <linux/iommu.h>

#include <asm/iommu.h>
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
 * In a version 2 container VFIO creates TCE tables, and sets the same tables in each group. With
 * version 1 each group keeps its own table, and looks like another container. No table exists
 * before the user has set up its first DMA window.
 */
static const void *container(const struct nvli_gpu *gpu)
{
	const struct iommu_table_group *tables = NULL;
	const void *table = NULL;
	struct iommu_group *group;
	int i;

	group = iommu_group_get(&gpu->pdev->dev);
	if (group)
		tables = iommu_group_get_iommudata(group);
	for (i = 0; tables && !table && i < IOMMU_TABLE_GROUP_MAX_TABLES; i++)
		table = READ_ONCE(tables->tables[i]);
	if (group)
		iommu_group_put(group);

	return table;
}

/* in_le32() and out_le32(), because readl() calls into EEH on all ones, and the gate must not. */
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
	.sees_enable = nvli_hook_is_watched,
	.obstacle = obstacle,
	.is_recovered_blind = nvli_eeh_is_involved,
	.unanswered = nvli_eeh_unanswered,
	.stuck = nvli_eeh_unblock,
	.exit = nvli_eeh_exit,
	.container = container,
	.read = read_register,
	.write = write_register,
};

const struct nvli_platform *nvli_platform_here(void)
{
	if (machine_is(powernv))
		return &powernv;

	pr_err("this machine is not an OpenPOWER host (powernv), the only POWER platform that the module supports; it is not loaded\n");

	return NULL;
}
