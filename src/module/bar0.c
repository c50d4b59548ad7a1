// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers: the only file that touches BAR0. It asks config.c before each access. The region
 * is not requested: vfio-pci or the vendor's driver owns it.
 */

#include "nvli.h"

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>

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

static __printf(3, 4) int trouble(struct nvli_answer *answer, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(answer->text, sizeof(answer->text), fmt, args);
	va_end(args);

	return err;
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
	if (!nvli_config_reachable(gpu->pdev))
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
	if (!nvli_config_reachable(gpu->pdev))
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
	struct nvli_decoding decoding = {};
	const char *what;
	int err;

	if (after_reset)
		msleep(SETTLE_MS);
	if (after_reset && !nvli_config_wait(pdev, deadline))
		return trouble(answer, -EIO, "no answer in config space after the reset");
	what = nvli_config_obstacle(pdev);
	if (what)
		return trouble(answer, -EAGAIN, "not reachable: %s", what);
	if (map_windows(gpu))
		return trouble(answer, -EAGAIN, "no memory to map BAR0");
	if (nvli_config_start(pdev, in_use, &decoding))
		return trouble(answer, -EAGAIN, "not reachable: memory decoding is not set up");

	for (;;) {
		err = run_sequence(gpu, generation, required, in_use,
				   !after_reset && !decoding.memory_was_off, answer);
		/* Right after a reset a wrong answer may only mean that it is not up yet. */
		if ((err != -EIO && err != -ENODEV) || !after_reset ||
		    time_after(jiffies, deadline))
			break;
		msleep(20);
	}
	nvli_config_stop(pdev, &decoding);

	/* Who uses a GPU can change how PMC_BOOT_0 reads; that must not exempt it. */
	if (err == -ENODEV && in_use) {
		answer->boot_0 = GV100_NO_ANSWER;
		err = -EIO;
	}

	return err;
}
