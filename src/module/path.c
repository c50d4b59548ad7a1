// SPDX-License-Identifier: GPL-2.0-only
/* The bridges above a GPU: which they are, and whether they let accesses pass. */

#include "log.h"
#include "platform.h"

/* Record the bridges above a GPU. They do not change until the GPU is removed. */
void nvli_path_read(struct nvli_gpu *gpu)
{
	struct nvli_path *path = &gpu->path;
	struct pci_dev *bridge;
	int depth = 0;
	int i;

	for (bridge = pci_upstream_bridge(gpu->pdev); bridge; bridge = pci_upstream_bridge(bridge))
		depth++;
	if (depth > NVLI_BRIDGES) {
		path->depth = -1;
		return;
	}

	path->depth = depth;
	bridge = gpu->pdev;
	for (i = depth - 1; i >= 0; i--) {
		bridge = pci_upstream_bridge(bridge);
		path->bridge[i] = bridge;
	}
}

/* Read from the register: what the PCI core remembers may be older. */
static bool is_in_d0(struct pci_dev *pdev)
{
	u16 control;

	if (!pdev->pm_cap)
		return true;

	return !pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &control) &&
	       !(control & PCI_PM_CTRL_STATE_MASK);
}

static bool responds(struct pci_dev *pdev)
{
	u32 id;

	return !pci_read_config_dword(pdev, PCI_VENDOR_ID, &id) &&
	       id == ((u32)pdev->device << 16 | pdev->vendor);
}

/*
 * Does every bridge above the GPU respond, forward memory accesses and deassert the reset of its
 * secondary bus? Checks from the root port down, and stops at a bridge that does not respond: it
 * may have lost its bus numbers as well. Sleeps.
 */
const char *nvli_path_obstacle(struct nvli_gpu *gpu)
{
	struct pci_dev *bridge;
	u16 command, control;
	int i;

	if (gpu->path.depth < 0)
		return "the bridges above it are not known";

	for (i = 0; i < gpu->path.depth; i++) {
		bridge = gpu->path.bridge[i];
		if (!responds(bridge))
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
