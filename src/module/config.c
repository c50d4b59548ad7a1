// SPDX-License-Identifier: GPL-2.0-only
/*
 * Config space: whether a GPU can answer at all, and its memory decoding, switched on for as long
 * as BAR0 is needed and put back.
 *
 * On powernv a read of BAR0 that nobody answers freezes the PE, and the recovery is a reset. So
 * there is no access unless everything on the way to the GPU was found ready, and a short look
 * precedes each single one.
 */

#include "nvli.h"

#include <linux/delay.h>
#include <linux/jiffies.h>

#include <asm/eeh.h>

/* What a config read returns when nobody answers; older kernels have no name for it. */
#define NO_CONFIG_ANSWER	0xffff

#define BUSY_PE_STATES	(EEH_PE_ISOLATED | EEH_PE_RECOVERING | EEH_PE_CFG_BLOCKED | \
			 EEH_PE_RESET | EEH_PE_REMOVED)

static const char *eeh_obstacle(struct pci_dev *pdev)
{
	struct eeh_pe *pe = eeh_dev_to_pe(pci_dev_to_eeh_dev(pdev));

	if (!eeh_enabled())
		return NULL;
	if (!pe)
		return "it has no EEH PE";
	if (pe->state & BUSY_PE_STATES)
		return "EEH is handling it";
	/* The flags alone miss a PE that is frozen and belongs to a guest. */
	if (eeh_pe_get_state(pe) != EEH_PE_STATE_NORMAL)
		return "its PE is frozen";

	return NULL;
}

/* Read from the register: what the PCI core remembers may be older. Waking it is not our job. */
static bool is_in_d0(struct pci_dev *pdev)
{
	u16 control;

	if (!pdev->pm_cap)
		return true;

	return !pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &control) &&
	       !(control & PCI_PM_CTRL_STATE_MASK);
}

static bool config_answers(struct pci_dev *pdev)
{
	u32 id;

	return !pci_read_config_dword(pdev, PCI_VENDOR_ID, &id) &&
	       id == ((u32)pdev->device << 16 | pdev->vendor);
}

static const char *bridge_obstacle(struct pci_dev *pdev)
{
	struct pci_dev *bridge;
	u16 command;

	for (bridge = pci_upstream_bridge(pdev); bridge; bridge = pci_upstream_bridge(bridge)) {
		if (!is_in_d0(bridge))
			return "a bridge above it is not in D0";
		if (pci_read_config_word(bridge, PCI_COMMAND, &command) ||
		    command == NO_CONFIG_ANSWER || !(command & PCI_COMMAND_MEMORY))
			return "a bridge above it does not forward memory accesses";
	}

	return NULL;
}

/* The GPU's address on the bus, which on powernv is not its address for the CPU */
static u32 bar0_on_bus(struct pci_dev *pdev)
{
	return pci_bus_address(pdev, 0);
}

static const char *bar0_obstacle(struct pci_dev *pdev)
{
	const struct resource *bar0 = &pdev->resource[0];

	if (!(bar0->flags & IORESOURCE_MEM) || bar0->flags & IORESOURCE_UNSET || !bar0->parent)
		return "BAR0 has no address yet";
	if (resource_size(bar0) < GV100_BAR0_SIZE)
		return "BAR0 is smaller than 16 MiB";

	return NULL;
}

/* What stands between us and BAR0, apart from the GPU's own BAR0 and COMMAND? NULL if nothing. */
const char *nvli_config_obstacle(struct pci_dev *pdev)
{
	const char *what;

	if (pci_channel_offline(pdev))
		return "its PCI channel is offline";

	what = eeh_obstacle(pdev);
	if (!what)
		what = bar0_obstacle(pdev);
	if (what)
		return what;

	if (!config_answers(pdev))
		return "it does not answer in config space";
	if (!is_in_d0(pdev))
		return "it is not in D0";

	return bridge_obstacle(pdev);
}

/* Wait, where waiting can help: while EEH blocks config space nothing will answer. */
bool nvli_config_wait(struct pci_dev *pdev, unsigned long deadline)
{
	while (!eeh_obstacle(pdev) && !config_answers(pdev)) {
		if (time_after(jiffies, deadline))
			return false;
		usleep_range(2000, 4000);
	}

	return true;
}

/* The short look before each access: somebody may have taken the ground away meanwhile. */
bool nvli_config_reachable(struct pci_dev *pdev)
{
	u16 command;
	u32 bar0;

	return !pci_channel_offline(pdev) &&
	       !pci_read_config_word(pdev, PCI_COMMAND, &command) &&
	       command != NO_CONFIG_ANSWER && command & PCI_COMMAND_MEMORY &&
	       !pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0, &bar0) &&
	       (bar0 & PCI_BASE_ADDRESS_MEM_MASK) == bar0_on_bus(pdev);
}

/* What a BAR register has to hold, apart from its flags, and which bits those leave. */
static u32 bar_on_bus(struct pci_dev *pdev, int i, u32 *mask)
{
	const struct resource *bar = &pdev->resource[i];

	*mask = 0;
	if (bar->flags & IORESOURCE_MEM && bar->parent) {
		*mask = (u32)PCI_BASE_ADDRESS_MEM_MASK;
		return lower_32_bits(pci_bus_address(pdev, i));
	}
	if (i && bar[-1].flags & IORESOURCE_MEM_64 && bar[-1].parent) {
		*mask = U32_MAX;
		return upper_32_bits(pci_bus_address(pdev, i - 1));
	}

	return 0;
}

/* Write all BARs that were found elsewhere: as they have to be, or as they were found. */
static void write_bars(struct pci_dev *pdev, const struct nvli_decoding *decoding, bool as_found)
{
	u32 value, mask;
	int i;

	for (i = 0; i < NVLI_BARS; i++) {
		value = bar_on_bus(pdev, i, &mask);
		if ((decoding->bar[i] ^ value) & mask)
			pci_write_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * i,
					       as_found ? decoding->bar[i] : value);
	}
}

/*
 * Where decoding is on somebody has set it up, and it is left as it is. Where it is off all BARs
 * are programmed and not only BAR0: after a reset they hold 0, and BAR1, of 16 GiB, would claim
 * the addresses of BAR0, too.
 */
int nvli_config_start(struct pci_dev *pdev, bool in_use, struct nvli_decoding *decoding)
{
	u16 command;
	int i;

	if (pci_read_config_word(pdev, PCI_COMMAND, &command) || command == NO_CONFIG_ANSWER)
		return -EAGAIN;
	if (command & PCI_COMMAND_MEMORY)
		return nvli_config_reachable(pdev) ? 0 : -EAGAIN;
	if (in_use)
		return -EAGAIN;

	for (i = 0; i < NVLI_BARS; i++)
		if (pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * i, &decoding->bar[i]))
			return -EAGAIN;

	decoding->memory_was_off = true;
	write_bars(pdev, decoding, false);
	pci_write_config_word(pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);

	return 0;
}

/* Put back what was changed, and only that: others may write COMMAND meanwhile. */
void nvli_config_stop(struct pci_dev *pdev, const struct nvli_decoding *decoding)
{
	u16 command;

	if (!decoding->memory_was_off)
		return;

	if (!pci_read_config_word(pdev, PCI_COMMAND, &command) && command != NO_CONFIG_ANSWER)
		pci_write_config_word(pdev, PCI_COMMAND, command & ~PCI_COMMAND_MEMORY);
	write_bars(pdev, decoding, true);
}
