// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verification: decoding is switched on, the required links are disabled and read back, and config
 * space is left as it was found. All of it runs in one go, in the gate: on powerpc with pci_lock
 * held and interrupts off. Two can still come between, as they do not take pci_lock. A reset by
 * firmware: then the generation differs, and nothing that was read counts. And EEH, for a user: it
 * blocks config space, or writes COMMAND as it read it a moment before.
 *
 * Config space goes through the bus's own operations: pci_read_config_*() would take pci_lock
 * again. Nothing here sleeps, and gpu->lock is not held across a config access.
 */

#include "log.h"
#include "verify.h"
#include "events.h"
#include "platform.h"
#include "sequence.h"
#include "settings.h"

#include <linux/delay.h>
#include <linux/ktime.h>

/* Read config space. False if the read failed; all ones is what nobody answered. */
bool nvli_visit_read(struct nvli_visit *visit, int where, int size, u32 *value)
{
	u32 ones = size == 4 ? U32_MAX : U16_MAX;
	int err;

	visit->accesses++;
	*value = ones;
	err = visit->ops->read(visit->bus, visit->devfn, where, size, value);
	/* Some operations leave what is above the width as they find it. */
	*value &= ones;

	return !err;
}

static bool write_config(struct nvli_visit *visit, int where, int size, u32 value)
{
	visit->accesses++;

	return !visit->ops->write(visit->bus, visit->devfn, where, size, value);
}

/* Write COMMAND. False if that did not get through. */
bool nvli_visit_write_command(struct nvli_visit *visit, u16 command)
{
	bool done = write_config(visit, PCI_COMMAND, 2, command);
	bool on = command & PCI_COMMAND_MEMORY;

	if (done && on && !visit->is_on)
		visit->gpu->switched_on++;
	visit->is_on = done ? on : visit->is_on;

	return done;
}

/*
 * Switch decoding off. Where EEH has blocked config space meanwhile that fails, and the GPU's user
 * can have it stay so. Nobody has blocked the port above it, and the worker resets the GPU by that:
 * not here, since skiboot purges all caches before it asserts such a reset.
 */
static bool switch_off(struct nvli_visit *visit)
{
	bool done = nvli_visit_write_command(visit, visit->command & ~PCI_COMMAND_MEMORY);

	if (!done)
		nvli_gpu_set_stuck_on(visit->gpu);

	return done;
}

/* What the kernel remembers of the power state may be older than the register. */
static bool is_in_d0(struct nvli_visit *visit)
{
	u8 pm = visit->gpu->pdev->pm_cap;
	u32 control;

	return !pm || (nvli_visit_read(visit, pm + PCI_PM_CTRL, 2, &control) &&
		       !(control & PCI_PM_CTRL_STATE_MASK));
}

static bool is_memory(const struct resource *bar)
{
	return bar->flags & IORESOURCE_MEM && bar->parent;
}

/*
 * What BAR register @i has to hold, and which bits of it count; no bits if it is not a memory BAR
 * that has an address. The upper half of a 64-bit BAR is the register behind it.
 */
static u32 right_bar(struct pci_dev *pdev, int i, u32 *bits)
{
	const struct resource *bar = &pdev->resource[i];

	*bits = 0;
	if (is_memory(bar)) {
		*bits = (u32)PCI_BASE_ADDRESS_MEM_MASK;
		return lower_32_bits(pci_bus_address(pdev, i));
	}
	if (i && bar[-1].flags & IORESOURCE_MEM_64 && is_memory(&bar[-1])) {
		*bits = U32_MAX;
		return upper_32_bits(pci_bus_address(pdev, i - 1));
	}

	return 0;
}

/* A reset leaves each BAR at 0. Would this one then lie over BAR0? */
static bool could_cover_bar0(struct pci_dev *pdev, int i)
{
	return resource_size(&pdev->resource[i]) > pci_bus_address(pdev, 0);
}

static bool is_bar_right(struct nvli_visit *visit, int i)
{
	u32 right, bits, value;

	right = right_bar(visit->gpu->pdev, i, &bits);
	if (!bits)
		return true;

	return nvli_visit_read(visit, PCI_BASE_ADDRESS_0 + 4 * i, 4, &value) &&
	       !((value ^ right) & bits);
}

/*
 * Is BAR0 where it belongs, and no other BAR over it? BAR1 has 16 GiB and 64 bits: if its upper
 * half is right and not 0, it is not over BAR0, which has 32 bits, and its lower half is not read.
 */
static bool are_bars_right(struct nvli_visit *visit)
{
	struct pci_dev *pdev = visit->gpu->pdev;
	u32 bits;
	int i;

	if (!is_bar_right(visit, 0))
		return false;
	for (i = 1; i < NVLI_BARS; i++) {
		if (!is_memory(&pdev->resource[i]) || !could_cover_bar0(pdev, i))
			continue;
		if (i + 1 < NVLI_BARS && pdev->resource[i].flags & IORESOURCE_MEM_64) {
			if (!is_bar_right(visit, i + 1))
				return false;
			if (right_bar(pdev, i + 1, &bits))
				continue;
		}
		if (!is_bar_right(visit, i))
			return false;
	}

	return true;
}

/* Write each BAR that was found elsewhere: where it belongs, or as it was found. */
static void write_bars(struct nvli_visit *visit, bool as_found)
{
	u32 right, bits;
	int i;

	for (i = 0; i < NVLI_BARS; i++) {
		right = right_bar(visit->gpu->pdev, i, &bits);
		if ((visit->bar[i] ^ right) & bits)
			write_config(visit, PCI_BASE_ADDRESS_0 + 4 * i, 4,
				     as_found ? visit->bar[i] : right);
	}
}

/* Write the BARs where they belong, with decoding off meanwhile. */
static bool program_bars(struct nvli_visit *visit)
{
	int i;

	/* All ones is what a GPU that is gone says, and nothing to put back. */
	for (i = 0; i < NVLI_BARS; i++)
		if (!nvli_visit_read(visit, PCI_BASE_ADDRESS_0 + 4 * i, 4, &visit->bar[i]) ||
		    visit->bar[i] == U32_MAX)
			return false;
	if (visit->is_on && !switch_off(visit))
		return false;
	visit->programmed = true;
	write_bars(visit, false);

	return true;
}

/* The accessors of the sequence. A GPU that was reset meanwhile is not accessed any more. */
static bool was_reset(const struct nvli_visit *visit)
{
	return READ_ONCE(visit->gpu->status.generation) != visit->generation;
}

static bool read_register(void *context, u32 offset, u32 *value)
{
	struct nvli_visit *visit = context;

	if (was_reset(visit))
		return false;
	*value = nvli_platform->read(visit->base + offset);

	return true;
}

static bool write_register(void *context, u32 offset, u32 value)
{
	struct nvli_visit *visit = context;

	if (was_reset(visit))
		return false;
	nvli_platform->write(visit->base + offset, value);

	return true;
}

static void pause(void *context)
{
	udelay(1);
}

static const struct nvli_accessors accessors = {
	.read = read_register,
	.write = write_register,
	.pause = pause,
};

static void __iomem *mapped_base(const struct nvli_gpu *gpu)
{
	const struct nvli_mapping *mapping = rcu_dereference(gpu->mapping);

	return mapping && is_memory(&gpu->pdev->resource[0]) &&
	       mapping->start == pci_resource_start(gpu->pdev, 0) ? mapping->base : NULL;
}

/*
 * May the PRI ring be started? Not in an audit while a user works with the GPU. A user that only
 * switches decoding on does not work with the GPU yet; nor does one whose ring is still stopped
 * after a reset.
 */
static enum nvli_ring_use ring_use(const struct nvli_visit *visit, enum nvli_how how, bool was_read)
{
	bool was_on = visit->command & PCI_COMMAND_MEMORY;

	if (!visit->in_use || (!was_on && (how == NVLI_ONCE || !was_read)))
		return NVLI_RING_FREELY;

	return was_read ? NVLI_RING_NEVER : NVLI_RING_IF_STOPPED;
}

/* Make BAR0 accessible. Returns NULL, or what is in the way. */
static const char *open_bar0(struct nvli_visit *visit, bool leave_bars)
{
	if (!is_in_d0(visit))
		return "it is not in D0";
	visit->is_on = visit->command & PCI_COMMAND_MEMORY;
	if (!are_bars_right(visit)) {
		if (leave_bars)
			return "BAR0 is not where it should be";
		if (!program_bars(visit))
			return "it does not answer in config space";
	}
	if (!visit->is_on &&
	    !nvli_visit_write_command(visit, visit->command | PCI_COMMAND_MEMORY))
		return "it does not answer in config space";

	return NULL;
}

static void explain(struct nvli_gpu *gpu, const struct nvli_result *result)
{
	size_t size = sizeof(gpu->error);

	switch (result->outcome) {
	case NVLI_NOT_TRIED:
		break;
	case NVLI_STOPPED:
		strscpy(gpu->error, "reset while its links were being disabled", size);
		break;
	case NVLI_READ:
		scnprintf(gpu->error, size, "link disable mask reads 0x%08x, 0x%08x is required",
			  result->value, gpu->status.required);
		break;
	case NVLI_NO_ANSWER:
		scnprintf(gpu->error, size, "nobody answered a read of register 0x%06x",
			  result->offset);
		break;
	case NVLI_WRONG:
		scnprintf(gpu->error, size, "register 0x%06x reads 0x%08x", result->offset,
			  result->value);
		break;
	case NVLI_NOT_GV100:
		scnprintf(gpu->error, size, "PMC_BOOT_0 reads 0x%08x, which is not a GV100",
			  result->value);
		break;
	}
}

/*
 * Judge what was found. A user can stop the ring, and what then cannot be read says nothing against
 * the read-back before it, which grows old; so @keep it.
 */
static bool judge(struct nvli_visit *visit, u32 required, bool keep)
{
	struct nvli_result *result = &visit->result;
	struct nvli_gpu *gpu = visit->gpu;
	bool verified = false, was_cut;
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	/* The plan has changed meanwhile: what was found is not about it. */
	if (gpu->status.required != required)
		result->outcome = NVLI_STOPPED;
	was_cut = nvli_status_is_cut(&gpu->status);
	if (!keep || result->outcome == NVLI_READ)
		verified = nvli_status_judge(&gpu->status, visit->generation, result);
	/* Root has forced it, or the GPU is not spared anyway. */
	gpu->spared = false;
	if (verified) {
		gpu->verified_ns = ktime_get_ns();
		gpu->lost = false;
		gpu->error[0] = '\0';
		gpu->repaired += was_cut && result->written;
	} else if (!(keep && was_cut)) {
		explain(gpu, result);
	}
	if (verified && !gpu->status.watched)
		strscpy(gpu->error, "its resets cannot be watched", sizeof(gpu->error));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return verified;
}

/* Decoding was on, and a required link may be enabled: switch the user off, unless spared. */
static bool must_switch_off(const struct nvli_status *status, const struct nvli_result *result)
{
	if (!READ_ONCE(nvli_gate) || result->outcome == NVLI_STOPPED)
		return false;

	return result->outcome == NVLI_READ || !nvli_status_was_read(status);
}

/*
 * Decoding is on right after a reset that was seen, and nothing was read back since. That reset did
 * not happen, or somebody came past the gate; and whoever can make that look like a reset every
 * moment is never looked at.
 */
static bool survived_reset(const struct nvli_status *status)
{
	return READ_ONCE(nvli_gate) && status->resets != status->verified_resets &&
	       !nvli_status_was_read(status);
}

/* Has the GPU a user for whom nothing was read back since its last reset? */
bool nvli_visit_may_be_on(const struct nvli_visit *visit)
{
	struct nvli_status status = nvli_gpu_status(visit->gpu);

	enum nvli_state state = nvli_state(&status);

	return (state == NVLI_PENDING || state == NVLI_FAILED) &&
	       !nvli_status_was_read(&status) && !READ_ONCE(visit->gpu->spared) &&
	       pci_is_enabled(visit->gpu->pdev);
}

/* Switch the user off, whose work may use its links until it is verified or reset by its port. */
static void lose(struct nvli_visit *visit)
{
	visit->command &= ~PCI_COMMAND_MEMORY;
	visit->is_on = true;
	WRITE_ONCE(visit->gpu->lost, true);
}

static enum nvli_answer run_sequence(struct nvli_visit *visit, const struct nvli_status *status,
				     enum nvli_how how)
{
	bool was_read = nvli_status_was_read(status);
	struct nvli_gpu *gpu = visit->gpu;
	bool was_on = visit->command & PCI_COMMAND_MEMORY;
	struct nvli_request request = {
		.required = status->required,
		/* The ring runs if we or an earlier user started it since the last reset. */
		.mask_first = was_read || (!visit->programmed &&
					   status->verified_resets == status->resets),
		.ring = ring_use(visit, how, was_read),
	};
	bool verified;

	visit->result = nvli_sequence_run(&request, &accessors, visit);
	verified = judge(visit, request.required, request.ring == NVLI_RING_NEVER);
	/* Another chip, as it said before its last reset, too */
	if (!verified && nvli_gpu_state(gpu) == NVLI_UNSUPPORTED)
		return NVLI_SPARED;
	if (!verified && was_on && must_switch_off(status, &visit->result))
		lose(visit);

	return verified ? NVLI_VERIFIED : NVLI_NOT_VERIFIED;
}

/**
 * nvli_visit_verify() - read the required links back as disabled, disabling them if need be
 * @visit: of a GPU that answers in config space, with @command read
 * @how: how strongly that is wanted
 *
 * Decoding may be on afterwards; nvli_visit_end() has to follow. Runs under RCU.
 */
enum nvli_answer nvli_visit_verify(struct nvli_visit *visit, enum nvli_how how)
{
	bool was_on = visit->command & PCI_COMMAND_MEMORY;
	struct nvli_gpu *gpu = visit->gpu;
	struct nvli_status status = nvli_gpu_status(gpu);
	enum nvli_state state = nvli_state(&status);
	unsigned int settles_in;
	bool leave_bars;
	const char *what;

	visit->generation = status.generation;
	visit->in_use = pci_is_enabled(gpu->pdev);
	if (state == NVLI_OFF || state == NVLI_UNSUPPORTED)
		return NVLI_SPARED;
	if (!status.required)
		return NVLI_VERIFIED;
	if (how != NVLI_FORCE && READ_ONCE(gpu->spared))
		return NVLI_SPARED;
	/* One attempt that switches decoding on. What is on already may be looked at again. */
	if (nvli_status_has_failed(&status) && !was_on &&
	    (how == NVLI_ONCE || (how == NVLI_RETRY && visit->in_use)))
		return NVLI_NOT_VERIFIED;
	visit->base = mapped_base(gpu);
	settles_in = nvli_settles_in(gpu);
	what = settles_in == UINT_MAX ? "it is in reset" :
	       settles_in ? "its reset is too recent" :
	       !visit->base ? "BAR0 is not mapped" : NULL;
	/* The BARs of a host driver that is at work are that driver's business. */
	leave_bars = how == NVLI_RETRY && visit->in_use && nvli_status_was_read(&status) &&
		     nvli_gpu_has_host_driver(gpu);
	if (!what)
		what = open_bar0(visit, leave_bars);
	if (what) {
		nvli_gpu_set_obstacle(gpu, what);
		if (settles_in && was_on && survived_reset(&status))
			lose(visit);
		return NVLI_NOT_READY;
	}

	return run_sequence(visit, &status, how);
}

/* Put config space back as it was found; with @stay_on, decoding stays on if the BARs allow it. */
void nvli_visit_end(struct nvli_visit *visit, bool stay_on)
{
	if (visit->programmed) {
		if (visit->is_on)
			switch_off(visit);
		write_bars(visit, true);
		/* A reset meanwhile has switched decoding off, and it stays off. */
		if (visit->command & PCI_COMMAND_MEMORY && !was_reset(visit))
			nvli_visit_write_command(visit, visit->command);
	} else if (visit->is_on && !stay_on && !(visit->command & PCI_COMMAND_MEMORY)) {
		switch_off(visit);
	}
}
