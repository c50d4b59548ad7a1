// SPDX-License-Identifier: GPL-2.0-only
/* Machines with PCI Express and no firmware between it and the kernel: the platform's table. */

#include "../log.h"
#include "x86.h"
#include "../settings.h"

#include <linux/io.h>
#include <linux/iommu.h>

/* Config space, ACPI and the GPU do not show where NVLinks lead: the administrator declares it. */
static void relink(struct nvli_gpu *gpu)
{
	struct nvli_wires wires = nvli_wires();

	nvli_wires_apply(&wires, gpu->phandle, &gpu->topology);
}

static void describe(struct nvli_gpu *gpu)
{
	nvli_path_read(gpu);
	gpu->phandle = nvli_gpu_id(gpu);
	relink(gpu);
}

static void warn(struct nvli_gpu *gpu)
{
	char links[NVLI_LINKS_TEXT];
	u32 undeclared = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (gpu->topology.link[i].fault)
			undeclared |= 1U << (GV100_LINK_DISABLE_SHIFT + i);
	if (undeclared && nvli_domains().policy == NVLI_BY_LIST)
		pci_warn(gpu->pdev, "NVLinks %s are not in the parameter links, so they have to be disabled\n",
			 nvli_links_text(undeclared, links));
}

/* Without the hook a driver sees its error later. Logged once. */
static bool watch(struct nvli_gpu *gpu)
{
	nvli_hook_watch(gpu->pdev);

	return nvli_ports_watch(gpu);
}

/*
 * VFIO's type 1 gives the groups of a container one IOMMU domain. If the IOMMUs differ it makes
 * several, which look like several containers.
 */
static const void *container(const struct nvli_gpu *gpu)
{
	return iommu_get_domain_for_dev(&gpu->pdev->dev);
}

static u32 read_register(const void __iomem *address)
{
	return readl(address);
}

static void write_register(void __iomem *address, u32 value)
{
	writel(value, address);
}

static const struct nvli_platform x86 = {
	.describe = describe,
	.relink = relink,
	.warn = warn,
	.watch = watch,
	.can_unwatch = nvli_hook_can_unwatch,
	.unwatch = nvli_hook_unwatch,
	.is_watched = nvli_ports_are_watched,
	.sees_enable = nvli_hook_is_watched,
	.obstacle = nvli_path_obstacle,
	.blocked = nvli_ports_block,
	.look_at_reset = nvli_ports_look_at_reset,
	.on_write = nvli_ports_on_write,
	.container = container,
	.read = read_register,
	.write = write_register,
};

const struct nvli_platform *nvli_platform_here(void)
{
	return &x86;
}
