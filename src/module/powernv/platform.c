// SPDX-License-Identifier: GPL-2.0-only
/* IBM AC922 and other OpenPOWER hosts: the platform's table, and the way to a GPU. */

#include "../log.h"
#include "powernv.h"

#include <linux/io.h>

#include <asm/machdep.h>

/* Read from the register: what the PCI core remembers may be older. */
static bool is_in_d0(struct pci_dev *pdev)
{
	u16 control;

	if (!pdev->pm_cap)
		return true;

	return !pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &control) &&
	       !(control & PCI_PM_CTRL_STATE_MASK);
}

static bool answers(struct pci_dev *pdev)
{
	u32 id;

	return !pci_read_config_dword(pdev, PCI_VENDOR_ID, &id) &&
	       id == ((u32)pdev->device << 16 | pdev->vendor);
}

/*
 * Does every bridge on the way to the GPU answer, forward memory accesses and leave what is below
 * it out of reset? From the root port down: below a bridge that does not answer nothing is asked,
 * since it may have lost its bus numbers, too.
 */
static const char *bridge_obstacle(struct nvli_gpu *gpu)
{
	struct pci_dev *bridge;
	u16 command, control;
	int i;

	if (gpu->path.depth < 0)
		return "the bridges above it are not known";

	for (i = 0; i < gpu->path.depth; i++) {
		bridge = gpu->path.bridge[i];
		if (!answers(bridge))
			return "a bridge above it does not answer";
		if (!is_in_d0(bridge))
			return "a bridge above it is not in D0";
		if (pci_read_config_word(bridge, PCI_BRIDGE_CONTROL, &control) ||
		    control == U16_MAX || control & PCI_BRIDGE_CTL_BUS_RESET)
			return "a bridge above it holds it in reset";
		/* The PCI core switches a new bridge on when a device below it is enabled. */
		if (pci_read_config_word(bridge, PCI_COMMAND, &command) ||
		    !(command & PCI_COMMAND_MEMORY))
			return "a bridge above it does not forward memory accesses";
	}

	return NULL;
}

static const char *obstacle(struct nvli_gpu *gpu)
{
	const char *what = nvli_eeh_obstacle(gpu);

	return what ? what : bridge_obstacle(gpu);
}

static bool watch(struct nvli_gpu *gpu)
{
	return nvli_opal_watch() && nvli_enable_watch(gpu->pdev) && gpu->path.depth > 0;
}

static int unwatch(void)
{
	int err = nvli_enable_unwatch();

	if (!err)
		nvli_opal_unwatch();

	return err;
}

static bool is_watched(struct nvli_gpu *gpu)
{
	return nvli_enable_is_watched(gpu->pdev) && gpu->path.depth > 0 && nvli_opal_fires(gpu);
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

const struct nvli_platform nvli_powernv = {
	.describe = nvli_tree_describe,
	.warn = nvli_tree_warn,
	.watch = watch,
	.can_unwatch = nvli_enable_can_unwatch,
	.unwatch = unwatch,
	.is_watched = is_watched,
	.obstacle = obstacle,
	.unanswered = nvli_eeh_unanswered,
	.stuck = nvli_eeh_unblock,
	.exit = nvli_eeh_exit,
	.read = read_register,
	.write = write_register,
};

bool nvli_is_powernv(void)
{
	return machine_is(powernv);
}
