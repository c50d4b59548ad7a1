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
/*
 * Reads before sleeping in between: until the links are cut, who has BAR0 mapped may reach it in
 * the sequence, and should not be given the time.
 */
#define RING_EAGER	50

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

/* One that was reset meanwhile has to be left alone anew, and what it says does not count. */
static bool is_reset(struct nvli_gpu *gpu)
{
	return READ_ONCE(gpu->status.generation) != gpu->bar0.generation;
}

static bool is_reachable(struct nvli_gpu *gpu)
{
	return !is_reset(gpu) && nvli_config_reachable(gpu);
}

/*
 * in_le32() and out_le32() rather than readl() and writel(): those call into EEH on all ones, and
 * whether all ones means trouble is for us to tell.
 */
static int read_register(struct nvli_gpu *gpu, u32 offset, u32 *value, struct nvli_answer *answer)
{
	if (!is_reachable(gpu) || (gpu->bar0.wrote && nvli_eeh_is_frozen(gpu)))
		return trouble(answer, -EAGAIN, "BAR0 went away before 0x%06x was read", offset);

	gpu->bar0.wrote = false;
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
	if (!is_reachable(gpu))
		return trouble(answer, -EAGAIN, "BAR0 went away before 0x%06x was written", offset);

	out_le32(register_at(gpu, offset), value);
	gpu->bar0.wrote = true;

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
	unsigned int reads = 0;
	bool late;
	u32 value;
	int err;

	err = write_register(gpu, GV100_RING_COMMAND, GV100_RING_COMMAND_START, answer);
	if (err)
		return err;

	for (;;) {
		/*
		 * Time alone says nothing: we may have been off the processor for longer than
		 * that, now and between any two reads.
		 */
		late = reads > RING_EAGER && time_after(jiffies, deadline);
		err = read_register(gpu, GV100_RING_COMMAND, &value, answer);
		if (err)
			return err;
		if (!value)
			break;
		if (late)
			return trouble(answer, -EIO, "PRI ring not started: command reads 0x%08x",
				       value);
		if (++reads > RING_EAGER)
			usleep_range(10, 20);
		else
			udelay(1);
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

/*
 * Does somebody work with the GPU? Not right after a reset, which took everything from it; but who
 * was let at it all the same, once the ring was started, may.
 */
static bool is_in_use(struct nvli_gpu *gpu, const struct nvli_status *status,
		      enum nvli_occasion occasion)
{
	if (occasion == NVLI_AFTER_RESET || occasion == NVLI_BEFORE_ENABLE)
		return false;

	return pci_is_enabled(gpu->pdev) &&
	       (!status->reset_pending || gpu->bar0.ring_generation == status->generation);
}

/*
 * Go through the guards, waiting until @deadline where that may help, and open BAR0. Whatever comes
 * of it, nvli_config_stop() has to follow.
 */
static int open_bar0(struct nvli_gpu *gpu, bool may_switch, unsigned long deadline,
		     struct nvli_answer *answer)
{
	const char *what;
	int err;

	err = nvli_config_wait(gpu, deadline, &what);
	if (err)
		return trouble(answer, err, "not reachable: %s", what);
	if (is_reset(gpu))
		return trouble(answer, -EAGAIN, "not reachable: it was reset meanwhile");
	if (map_windows(gpu))
		return trouble(answer, -EAGAIN, "no memory to map BAR0");
	what = nvli_config_start(gpu, may_switch);
	if (what)
		return trouble(answer, -EAGAIN, "not reachable: %s", what);

	return 0;
}

static void sleep_until(unsigned long when)
{
	if (time_before(jiffies, when))
		msleep(jiffies_to_msecs(when - jiffies));
}

/**
 * nvli_bar0_apply() - disable links and read the mask back
 * @gpu: the GPU
 * @status: its status; nothing is accessed in another generation than this one
 * @occasion: why now
 * @answer: filled in
 *
 * The caller holds apply_lock and sees to it that nobody changes the GPU's config space meanwhile,
 * as far as that can be had. COMMAND and the BARs are afterwards as before. Sleeps, within the
 * first second after a reset until that is over if need be.
 *
 * Return: 0 if the mask was read, into @answer->disabled; -EBUSY if nobody can reach the GPU now;
 * -EAGAIN if it is only we who cannot, or it was reset again; -ENODEV if it is not a GV100; -EIO if
 * it answered wrong or not in time; -ENXIO if it did not answer an access.
 */
int nvli_bar0_apply(struct nvli_gpu *gpu, const struct nvli_status *status,
		    enum nvli_occasion occasion, struct nvli_answer *answer)
{
	unsigned long deadline = gpu->reset_at + msecs_to_jiffies(ANSWER_MS);
	bool in_use = is_in_use(gpu, status, occasion);
	bool wait = status->reset_pending && time_before(jiffies, deadline);
	bool may_switch = !in_use || !nvli_has_foreign_driver(gpu->pdev);
	bool try_mask_first;
	bool late;
	int err;

	gpu->bar0.wrote = false;
	gpu->bar0.generation = status->generation;
	nvli_eeh_prepare(gpu, occasion);
	if (wait && !nvli_config_closed(gpu))
		sleep_until(gpu->reset_at + msecs_to_jiffies(SETTLE_MS));
	err = open_bar0(gpu, may_switch, wait ? deadline : jiffies - 1, answer);
	/* All the time that it may take was given to it, which is not so without a reset. */
	if (err == -ETIMEDOUT)
		err = wait ? -EIO : -EAGAIN;
	try_mask_first = !status->reset_pending && !gpu->access.programmed;
	while (!err) {
		late = time_after(jiffies, deadline);
		err = run_sequence(gpu, status->generation, status->required, in_use,
				   try_mask_first, answer);
		/* Right after a reset a wrong answer may only mean that it is not up yet. */
		if ((err != -EIO && err != -ENODEV) || !wait || late)
			break;
		msleep(20);
		err = 0;
	}
	nvli_config_stop(gpu);

	/* Who uses a GPU can change how PMC_BOOT_0 reads; that must not exempt it. */
	if (err == -ENODEV && in_use) {
		answer->boot_0 = GV100_NO_ANSWER;
		err = -EIO;
	}

	return err;
}

/**
 * nvli_bar0_read_mask() - read the mask and change nothing
 * @gpu: the GPU
 * @generation: in which it was isolated
 * @answer: filled in
 *
 * As nvli_bar0_apply(). Of a GPU that is enabled decoding is not switched on.
 *
 * Return: 0 if the register was read, whatever it said, else as nvli_bar0_apply().
 */
int nvli_bar0_read_mask(struct nvli_gpu *gpu, u32 generation, struct nvli_answer *answer)
{
	int err;

	gpu->bar0.wrote = false;
	gpu->bar0.generation = generation;
	nvli_eeh_prepare(gpu, NVLI_LATER);
	gpu->access.may_thaw = false;
	err = open_bar0(gpu, !pci_is_enabled(gpu->pdev), jiffies - 1, answer);
	if (err == -ETIMEDOUT)
		err = -EAGAIN;
	if (!err)
		err = read_register(gpu, GV100_LINK_DISABLE, &answer->disabled, answer);
	nvli_config_stop(gpu);

	return err == -EIO || err == -ENXIO ? 0 : err;
}
