// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hardware: the only file that touches BAR0 and the config space of a GPU.
 *
 * On powernv a read of BAR0 that nobody answers freezes the PE, and the recovery is a reset. So
 * there is no access unless everything on the way to the GPU was found ready, and a short look
 * precedes each single one. The region is not requested: vfio-pci or the vendor's driver owns it.
 */

#include "nvli.h"

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>

#include <asm/eeh.h>

/* How long NVIDIA's tools leave a V100 alone after a reset before they first access it. */
#define SETTLE_MS	300
/* How long it may take to answer, counted from the same moment; PCIe allows a second. */
#define ANSWER_MS	1000
/* How long the PRI ring may take to start; the public drivers see it take microseconds. */
#define RING_MS		100

/* The pages of BAR0 that are needed, in the order of nvli_bar0.window */
static const struct {
	u32 start;
	u32 size;
} windows[] = {
	{ 0x000000, 0x1000 },	/* PMC */
	{ 0x120000, 0x3000 },	/* PRI ring */
	{ 0xa00000, 0x1000 },	/* NVLink */
};

/* What a config read returns when nobody answers; older kernels have no name for it. */
#define NO_CONFIG_ANSWER	0xffff

#define BUSY_PE_STATES	(EEH_PE_ISOLATED | EEH_PE_RECOVERING | EEH_PE_CFG_BLOCKED | \
			 EEH_PE_RESET | EEH_PE_REMOVED)

#define BARS	(PCI_STD_RESOURCE_END + 1)

/* What was found in config space, to be put back */
struct saved {
	bool memory_was_off;
	u32 bar[BARS];
};

static __printf(3, 4) int trouble(struct nvli_answer *answer, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(answer->text, sizeof(answer->text), fmt, args);
	va_end(args);

	return err;
}

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
static const char *obstacle(struct pci_dev *pdev)
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
static bool wait_for_answer(struct pci_dev *pdev, unsigned long deadline)
{
	while (!eeh_obstacle(pdev) && !config_answers(pdev)) {
		if (time_after(jiffies, deadline))
			return false;
		usleep_range(2000, 4000);
	}

	return true;
}

/* The short look before each access: somebody may have taken the ground away meanwhile. */
static bool is_reachable(struct pci_dev *pdev)
{
	u16 command;
	u32 bar0;

	return !pci_channel_offline(pdev) &&
	       !pci_read_config_word(pdev, PCI_COMMAND, &command) &&
	       command != NO_CONFIG_ANSWER && command & PCI_COMMAND_MEMORY &&
	       !pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0, &bar0) &&
	       (bar0 & PCI_BASE_ADDRESS_MEM_MASK) == bar0_on_bus(pdev);
}

static u32 __iomem *register_at(struct nvli_gpu *gpu, u32 offset)
{
	int i = 0;

	while (offset - windows[i].start >= windows[i].size)
		i++;

	return gpu->bar0.window[i] + (offset - windows[i].start);
}

/*
 * in_le32() and out_le32() rather than readl() and writel(): those call into EEH on all ones, and
 * whether all ones means trouble is for us to tell.
 */
static int read_register(struct nvli_gpu *gpu, u32 offset, u32 *value, struct nvli_answer *answer)
{
	if (!is_reachable(gpu->pdev))
		return trouble(answer, -EAGAIN, "BAR0 went away before 0x%06x was read", offset);

	*value = in_le32(register_at(gpu, offset));
	/* After this the PE may be frozen; another access would start its recovery. */
	if (*value == GV100_NO_ANSWER)
		return trouble(answer, -ENXIO, "nobody answered a read of register 0x%06x", offset);
	if (!nvli_is_answer(*value))
		return trouble(answer, -EIO, "register 0x%06x reads 0x%08x", offset, *value);

	return 0;
}

static int write_register(struct nvli_gpu *gpu, u32 offset, u32 value, struct nvli_answer *answer)
{
	if (!is_reachable(gpu->pdev))
		return trouble(answer, -EAGAIN, "BAR0 went away before 0x%06x was written", offset);

	out_le32(register_at(gpu, offset), value);

	return 0;
}

/* Is this a GV100? Asked before any other register is touched. */
static int check_chip(struct nvli_gpu *gpu, struct nvli_answer *answer)
{
	int err;

	err = read_register(gpu, GV100_PMC_BOOT_0, &answer->boot_0, answer);
	if (err)
		return err;
	if (!nvli_chip_is_gv100(answer->boot_0))
		return trouble(answer, -ENODEV, "PMC_BOOT_0 reads 0x%08x, which is not a GV100",
			       answer->boot_0);

	return 0;
}

/* Steps 1 to 3: a reset stops the PRI ring and the NVLink unit; the mask lies behind both. */
static int start_ring(struct nvli_gpu *gpu, u32 generation, struct nvli_answer *answer)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(RING_MS);
	u32 value;
	int err;

	err = write_register(gpu, GV100_RING_COMMAND, GV100_RING_COMMAND_START, answer);
	if (err)
		return err;

	for (;;) {
		err = read_register(gpu, GV100_RING_COMMAND, &value, answer);
		if (err)
			return err;
		if (!value)
			break;
		if (time_after(jiffies, deadline))
			return trouble(answer, -EIO, "PRI ring not started: command reads 0x%08x",
				       value);
		usleep_range(10, 20);
	}

	/* A ring that started without all its stations does not lead to the mask. */
	err = read_register(gpu, GV100_RING_START_RESULTS, &value, answer);
	if (err)
		return err;
	if (!(value & GV100_RING_START_CONNECTED))
		return trouble(answer, -EIO, "PRI ring not connected: result reads 0x%08x", value);

	err = write_register(gpu, GV100_RING_DECODE_CONFIG, GV100_RING_DECODE_WAIT, answer);
	if (err)
		return err;
	/* The public drivers read here, so that the write has arrived before the ring is used. */
	err = read_register(gpu, GV100_RING_DECODE_CONFIG, &value, answer);
	if (err)
		return err;

	err = read_register(gpu, GV100_PMC_ENABLE, &value, answer);
	if (err)
		return err;
	err = write_register(gpu, GV100_PMC_ENABLE, value | GV100_PMC_ENABLE_NVLINK, answer);
	if (err)
		return err;

	gpu->bar0.ring_generation = generation;

	return 0;
}

/* Step 4. Returns 0 with the mask as last read, whatever it is: judging it is the core's. */
static int disable_links(struct nvli_gpu *gpu, u32 required, struct nvli_answer *answer)
{
	int err;

	err = read_register(gpu, GV100_LINK_DISABLE, &answer->disabled, answer);
	if (err || !(required & ~answer->disabled))
		return err;

	err = write_register(gpu, GV100_LINK_DISABLE, answer->disabled | required, answer);
	if (err)
		return err;

	return read_register(gpu, GV100_LINK_DISABLE, &answer->disabled, answer);
}

/*
 * Starting the ring is for a GPU that was reset or is idle, never for one in use. Where the ring
 * may be running already the mask is tried alone first, and with the ring if that did not do.
 */
static int run_sequence(struct nvli_gpu *gpu, u32 generation, u32 required, bool in_use,
			bool try_mask_first, struct nvli_answer *answer)
{
	int err;

	err = check_chip(gpu, answer);
	if (err)
		return err;

	if (in_use || try_mask_first || gpu->bar0.ring_generation == generation) {
		err = disable_links(gpu, required, answer);
		if (in_use || (err && err != -EIO) || (!err && !(required & ~answer->disabled)))
			return err;
	}

	err = start_ring(gpu, generation, answer);
	if (err)
		return err;

	return disable_links(gpu, required, answer);
}

/* Mapped once, and again if BAR0 moved. Sleeps. */
static int map_windows(struct nvli_gpu *gpu)
{
	resource_size_t start = pci_resource_start(gpu->pdev, 0);
	struct nvli_bar0 *bar0 = &gpu->bar0;
	int i;

	BUILD_BUG_ON(ARRAY_SIZE(windows) != ARRAY_SIZE(bar0->window));

	if (bar0->window[0] && bar0->start == start)
		return 0;

	nvli_bar0_unmap(gpu);
	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		bar0->window[i] = ioremap(start + windows[i].start, windows[i].size);
		if (!bar0->window[i]) {
			nvli_bar0_unmap(gpu);
			return -ENOMEM;
		}
	}
	bar0->start = start;

	return 0;
}

/* Drop the mapping. The caller holds apply_lock, or the last reference. */
void nvli_bar0_unmap(struct nvli_gpu *gpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		if (gpu->bar0.window[i])
			iounmap(gpu->bar0.window[i]);
		gpu->bar0.window[i] = NULL;
	}
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

/* Write all BARs: as they should be, or as they were found if @saved says so. */
static void write_bars(struct pci_dev *pdev, const struct saved *saved, bool as_found)
{
	u32 value, mask;
	int i;

	for (i = 0; i < BARS; i++) {
		value = bar_on_bus(pdev, i, &mask);
		if ((saved->bar[i] ^ value) & mask)
			pci_write_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * i,
					       as_found ? saved->bar[i] : value);
	}
}

/*
 * Where decoding is on somebody has set it up, and it is left as it is. Where it is off all BARs
 * are programmed and not only BAR0: after a reset they hold 0, and BAR1, of 16 GiB, would claim
 * the addresses of BAR0, too.
 */
static int start_decoding(struct pci_dev *pdev, bool in_use, struct saved *saved)
{
	u16 command;
	int i;

	if (pci_read_config_word(pdev, PCI_COMMAND, &command) || command == NO_CONFIG_ANSWER)
		return -EAGAIN;
	if (command & PCI_COMMAND_MEMORY)
		return is_reachable(pdev) ? 0 : -EAGAIN;
	if (in_use)
		return -EAGAIN;

	for (i = 0; i < BARS; i++)
		if (pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * i, &saved->bar[i]))
			return -EAGAIN;

	saved->memory_was_off = true;
	write_bars(pdev, saved, false);
	pci_write_config_word(pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);

	return 0;
}

/* Put back what was changed, and only that: others may write COMMAND meanwhile. */
static void stop_decoding(struct pci_dev *pdev, const struct saved *saved)
{
	u16 command;

	if (!saved->memory_was_off)
		return;

	if (!pci_read_config_word(pdev, PCI_COMMAND, &command) && command != NO_CONFIG_ANSWER)
		pci_write_config_word(pdev, PCI_COMMAND, command & ~PCI_COMMAND_MEMORY);
	write_bars(pdev, saved, true);
}

/**
 * nvli_bar0_apply() - disable links and read the mask back
 * @gpu: the GPU
 * @generation: the generation that the read-back will be judged in
 * @required: bits of GV100_LINK_DISABLE to set
 * @occasion: why now
 * @answer: filled in
 *
 * The caller holds apply_lock and sees to it that nobody changes the GPU's config space meanwhile,
 * as far as that can be had. COMMAND and the BARs are afterwards as before. Sleeps, after a reset
 * for 0.3 to 1 second.
 *
 * Return: 0 if the mask was read, into @answer->disabled; -EAGAIN if the GPU cannot be reached
 * now; -ENODEV if it is not a GV100; -EIO if it answered wrong or not in time; -ENXIO if it did not
 * answer an access.
 */
int nvli_bar0_apply(struct nvli_gpu *gpu, u32 generation, u32 required,
		    enum nvli_occasion occasion, struct nvli_answer *answer)
{
	bool in_use = occasion == NVLI_START && pci_is_enabled(gpu->pdev);
	bool after_reset = occasion == NVLI_AFTER_RESET;
	unsigned long deadline = jiffies + msecs_to_jiffies(ANSWER_MS);
	struct pci_dev *pdev = gpu->pdev;
	struct saved saved = {};
	const char *what;
	int err;

	if (after_reset)
		msleep(SETTLE_MS);
	if (after_reset && !wait_for_answer(pdev, deadline))
		return trouble(answer, -EIO, "no answer in config space after the reset");
	what = obstacle(pdev);
	if (what)
		return trouble(answer, -EAGAIN, "not reachable: %s", what);
	if (map_windows(gpu))
		return trouble(answer, -EAGAIN, "no memory to map BAR0");
	if (start_decoding(pdev, in_use, &saved))
		return trouble(answer, -EAGAIN, "not reachable: memory decoding is not set up");

	for (;;) {
		err = run_sequence(gpu, generation, required, in_use,
				   !after_reset && !saved.memory_was_off, answer);
		/* Right after a reset a wrong answer may only mean that it is not up yet. */
		if ((err != -EIO && err != -ENODEV) || !after_reset ||
		    time_after(jiffies, deadline))
			break;
		msleep(20);
	}
	stop_decoding(pdev, &saved);

	/* Who uses a GPU can change how PMC_BOOT_0 reads; that must not exempt it. */
	if (err == -ENODEV && in_use) {
		answer->boot_0 = GV100_NO_ANSWER;
		err = -EIO;
	}

	return err;
}
