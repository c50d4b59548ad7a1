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

/* What a config read returns when nobody answers; older kernels have no name for it. */
#define NO_CONFIG_ANSWER	0xffff

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

/*
 * From the root port down: nothing is asked below one that does not answer, or does not forward
 * memory accesses. That one may have lost its bus numbers, too. Or it was found together with the
 * GPU, and the PCI core switches it on when somebody enables that, right before it asks us.
 * Returns what nvli_config_wait() does.
 */
static int look_at_bridges(struct nvli_gpu *gpu, const char **what)
{
	struct pci_dev *bridge;
	u16 command;
	int i;

	*what = "the bridges above it cannot be told";
	if (gpu->path.depth < 0)
		return -ETIMEDOUT;

	for (i = 0; i < gpu->path.depth; i++) {
		bridge = gpu->path.bridge[i];
		*what = "a bridge above it does not answer";
		if (!config_answers(bridge))
			return -ETIMEDOUT;
		*what = "a bridge above it is not in D0";
		if (!is_in_d0(bridge))
			return -ETIMEDOUT;
		*what = "a bridge above it does not forward memory accesses";
		if (pci_read_config_word(bridge, PCI_COMMAND, &command) ||
		    !(command & PCI_COMMAND_MEMORY))
			return -EAGAIN;
	}

	return 0;
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

/* By somebody else: one that we hold is let go before anything is asked. */
static bool is_in_reset(struct nvli_gpu *gpu)
{
	struct pci_dev *bridge;
	u16 control;
	int i;

	for (i = 0; i < gpu->path.depth; i++) {
		bridge = gpu->path.bridge[i];
		/* All ones is no answer, and nothing below it would give one. */
		if (pci_read_config_word(bridge, PCI_BRIDGE_CONTROL, &control) ||
		    control == NO_CONFIG_ANSWER)
			return false;
		if (control & PCI_BRIDGE_CTL_BUS_RESET)
			return true;
	}

	return false;
}

/* What keeps everybody from BAR0, and us with them? NULL if nothing does. */
const char *nvli_config_closed(struct nvli_gpu *gpu)
{
	const char *what = nvli_eeh_obstacle(gpu);

	if (!what && is_in_reset(gpu))
		what = "a bridge above it holds it in reset";

	return what ? what : bar0_obstacle(gpu->pdev);
}

/* Does all on the way to the GPU answer? Right after a reset that may need time. */
static int look_at_path(struct nvli_gpu *gpu, const char **what)
{
	int err = look_at_bridges(gpu, what);

	if (err)
		return err;
	*what = "it does not answer in config space";

	return config_answers(gpu->pdev) ? 0 : -ETIMEDOUT;
}

/**
 * nvli_config_wait() - go through what stands between us and BAR0, apart from the GPU's own BAR0
 *			and COMMAND, and wait where waiting can help
 * @gpu: the GPU
 * @deadline: how long, in jiffies; one that has passed is for one look
 * @what: what is in the way, if anything is
 *
 * Return: 0 if nothing is; -EBUSY if it is something that keeps everybody from BAR0; -ETIMEDOUT if
 * the GPU or a bridge above it does not answer; -EAGAIN if it is something else.
 */
int nvli_config_wait(struct nvli_gpu *gpu, unsigned long deadline, const char **what)
{
	bool late;
	int err;

	nvli_eeh_begin(gpu);
	for (;;) {
		/* Before the look: it may have taken long to get to it. */
		late = time_after(jiffies, deadline);
		*what = nvli_config_closed(gpu);
		if (*what)
			return nvli_eeh_has_given_up(gpu) ? -EAGAIN : -EBUSY;
		*what = nvli_eeh_channel_obstacle(gpu);
		if (*what)
			return -EAGAIN;
		err = look_at_path(gpu, what);
		if (!err)
			break;
		if (late)
			return err;
		usleep_range(2000, 4000);
	}
	if (is_in_d0(gpu->pdev))
		return 0;
	*what = "it is not in D0";

	return -EAGAIN;
}

/* The short look before each access: somebody may have taken the ground away meanwhile. */
bool nvli_config_reachable(struct nvli_gpu *gpu)
{
	struct pci_dev *pdev = gpu->pdev;
	u16 command;
	u32 bar0;

	return !nvli_eeh_is_busy(gpu) && !pci_read_config_word(pdev, PCI_COMMAND, &command) &&
	       command != NO_CONFIG_ANSWER && command & PCI_COMMAND_MEMORY &&
	       !pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0, &bar0) &&
	       (bar0 & PCI_BASE_ADDRESS_MEM_MASK) == bar0_on_bus(pdev) && is_in_d0(pdev);
}

/* Was a BAR register found to hold something else than it has to, apart from its flags? */
static bool is_bar_wrong(struct nvli_gpu *gpu, int i, u32 *right)
{
	const struct resource *bar = &gpu->pdev->resource[i];
	u32 mask;

	if (bar->flags & IORESOURCE_MEM && bar->parent) {
		mask = (u32)PCI_BASE_ADDRESS_MEM_MASK;
		*right = lower_32_bits(pci_bus_address(gpu->pdev, i));
	} else if (i && bar[-1].flags & IORESOURCE_MEM_64 && bar[-1].parent) {
		mask = U32_MAX;
		*right = upper_32_bits(pci_bus_address(gpu->pdev, i - 1));
	} else {
		return false;
	}

	return (gpu->access.bar[i] ^ *right) & mask;
}

/* Write all BARs that were found elsewhere: as they have to be, or as they were found. */
static void write_bars(struct nvli_gpu *gpu, bool as_found)
{
	u32 right;
	int i;

	for (i = 0; i < NVLI_BARS; i++)
		if (is_bar_wrong(gpu, i, &right))
			pci_write_config_dword(gpu->pdev, PCI_BASE_ADDRESS_0 + 4 * i,
					       as_found ? gpu->access.bar[i] : right);
}

static bool read_bars(struct nvli_gpu *gpu)
{
	int i;

	for (i = 0; i < NVLI_BARS; i++)
		if (pci_read_config_dword(gpu->pdev, PCI_BASE_ADDRESS_0 + 4 * i,
					  &gpu->access.bar[i]))
			return false;

	return true;
}

static const char *switch_memory_on(struct nvli_gpu *gpu, bool may_switch)
{
	struct pci_dev *pdev = gpu->pdev;
	u16 command, memory;

	if (pci_read_config_word(pdev, PCI_COMMAND, &command) || command == NO_CONFIG_ANSWER)
		return "it does not answer in config space";
	memory = command & PCI_COMMAND_MEMORY;
	if (memory && nvli_config_reachable(gpu))
		return NULL;
	if (!may_switch)
		return memory ? "BAR0 is not where it should be" : "memory decoding is off";
	if (!read_bars(gpu))
		return "it does not answer in config space";

	gpu->access.programmed = true;
	gpu->access.memory = memory;
	if (memory)
		pci_write_config_word(pdev, PCI_COMMAND, command & ~PCI_COMMAND_MEMORY);
	write_bars(gpu, false);
	pci_write_config_word(pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);

	return NULL;
}

/**
 * nvli_config_start() - make BAR0 accessible
 * @gpu: the GPU, with no obstacle
 * @may_switch: decoding may be switched, and the BARs be programmed
 *
 * Where decoding is on and BAR0 is right somebody has set it up, and it is left as it is. It may
 * also be on over BARs that a reset unknown to the kernel has cleared: drivers switch it on and
 * leave it so. All BARs are programmed and not only BAR0: after a reset they hold 0, and BAR1, of
 * 16 GiB, would claim the addresses of BAR0, too.
 *
 * Return: NULL, or what is in the way; either way nvli_config_stop() puts back what was changed.
 */
const char *nvli_config_start(struct nvli_gpu *gpu, bool may_switch)
{
	const char *what = switch_memory_on(gpu, may_switch);

	return what ? what : nvli_eeh_thaw(gpu);
}

/* Put back what was changed, and only that: others may write COMMAND meanwhile. */
void nvli_config_stop(struct nvli_gpu *gpu)
{
	struct pci_dev *pdev = gpu->pdev;
	u16 command, memory;

	if (gpu->access.programmed && !pci_read_config_word(pdev, PCI_COMMAND, &command) &&
	    command != NO_CONFIG_ANSWER) {
		/* What somebody has switched off stays off. */
		memory = command & gpu->access.memory;
		command &= ~PCI_COMMAND_MEMORY;
		pci_write_config_word(pdev, PCI_COMMAND, command);
		write_bars(gpu, true);
		if (memory)
			pci_write_config_word(pdev, PCI_COMMAND, command | memory);
	}
	nvli_eeh_end(gpu);
}

/* What a driver switches on, and whoever comes next switches on for itself */
#define DRIVERS_COMMAND	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | \
			 PCI_COMMAND_INTX_DISABLE)

static bool bars_are_right(struct nvli_gpu *gpu)
{
	u32 right;
	int i;

	if (!read_bars(gpu))
		return false;
	for (i = 0; i < NVLI_BARS; i++)
		if (is_bar_wrong(gpu, i, &right))
			return false;

	return true;
}

/*
 * For the case that the GPU is held some day: keep what firmware and the PCI core set up and a
 * reset destroys. Right after a reset it is gone already, which the BARs tell.
 */
void nvli_config_remember(struct nvli_gpu *gpu)
{
	struct nvli_hold *hold = &gpu->hold;

	if (!config_answers(gpu->pdev) || !bars_are_right(gpu) ||
	    pci_read_config_word(gpu->pdev, PCI_COMMAND, &hold->command) ||
	    pcie_capability_read_word(gpu->pdev, PCI_EXP_DEVCTL, &hold->control) ||
	    pcie_capability_read_word(gpu->pdev, PCI_EXP_DEVCTL2, &hold->control2))
		return;
	hold->command &= ~DRIVERS_COMMAND;
	hold->known = true;
}

/**
 * nvli_config_repair() - restore config space after the GPU was held
 * @gpu: the GPU; the caller holds apply_lock
 * @in_use: somebody has enabled it, and COMMAND is theirs
 *
 * The PCI core and vfio-pci have tried to restore it meanwhile, and may have saved nothing but
 * ones, which they write when it is closed. Where the BARs tell of that, write what the PCI core
 * would have.
 */
void nvli_config_repair(struct nvli_gpu *gpu, bool in_use)
{
	struct nvli_hold *hold = &gpu->hold;

	if (!config_answers(gpu->pdev) || bars_are_right(gpu))
		return;
	write_bars(gpu, false);
	if (!hold->known)
		return;

	if (!in_use)
		pci_write_config_word(gpu->pdev, PCI_COMMAND, hold->command);
	pcie_capability_write_word(gpu->pdev, PCI_EXP_DEVCTL, hold->control);
	pcie_capability_write_word(gpu->pdev, PCI_EXP_DEVCTL2, hold->control2);
}
