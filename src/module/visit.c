// SPDX-License-Identifier: GPL-2.0-only
/*
 * A visit of the gate. It begins with the write that rings or switches decoding on, and ends when
 * config space is as it was found. Only this file and the gate write PCI_COMMAND and BARs.
 *
 * The visit holds the gate's lock, and on powerpc pci_lock with interrupts off. Config space goes
 * through the bus's own operations, since pci_read_config_*() would take pci_lock again. Nothing
 * here sleeps, and gpu->lock is not held across a config access.
 *
 * EEH does not take pci_lock. On a user's behalf it can block config space in the middle of a
 * visit, or write PCI_COMMAND back as it read it during one.
 */

#include "log.h"
#include "visit.h"
#include "platform.h"

/* Read config space. False if the read failed. A device that does not respond reads all ones. */
bool nvli_visit_read(struct nvli_visit *visit, int where, int size, u32 *value)
{
	u32 ones = size == 4 ? U32_MAX : U16_MAX;
	int err;

	visit->accesses++;
	*value = ones;
	err = visit->ops->read(visit->bus, visit->devfn, where, size, value);
	/* Some operations do not write the bits above the width. */
	*value &= ones;

	return !err;
}

static bool write_config(struct nvli_visit *visit, int where, int size, u32 value)
{
	visit->accesses++;

	return !visit->ops->write(visit->bus, visit->devfn, where, size, value);
}

/* Write COMMAND. False if the write failed. */
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
 * Switch decoding off. The write fails if EEH has blocked config space during the visit, and a user
 * can keep it blocked. Then the worker resets the GPU by the port above it, which EEH does not
 * block. The gate does not do that itself: firmware may purge all caches before it asserts such a
 * reset.
 */
static bool switch_off(struct nvli_visit *visit)
{
	bool done = nvli_visit_write_command(visit, visit->command & ~PCI_COMMAND_MEMORY);

	if (!done)
		nvli_gpu_set_stuck_on(visit->gpu);

	return done;
}

/* Read the register: pdev->current_state may be outdated. */
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

/* Is this the upper half of the 64-bit BAR before it? Only an upper half may hold all ones. */
static bool is_upper_half(const struct pci_dev *pdev, int i)
{
	return i && pdev->resource[i - 1].flags & IORESOURCE_MEM_64;
}

static int bar_register(int i)
{
	return i == PCI_ROM_RESOURCE ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i;
}

/*
 * The right value of BAR register @i, and the @bits of it that count. No bits count if it is not a
 * memory BAR with an address. The upper half of a 64-bit BAR is the next register.
 */
static u32 right_bar(struct pci_dev *pdev, int i, u32 *bits)
{
	const struct resource *bar = &pdev->resource[i];

	*bits = 0;
	if (i == PCI_ROM_RESOURCE) {
		/* A ROM without an address has to be off. */
		if (bar->flags & IORESOURCE_MEM)
			*bits = (u32)PCI_ROM_ADDRESS_MASK;
		return bar->parent ? lower_32_bits(pci_bus_address(pdev, i)) : 0;
	}
	if (is_memory(bar)) {
		*bits = (u32)PCI_BASE_ADDRESS_MEM_MASK;
		return lower_32_bits(pci_bus_address(pdev, i));
	}
	if (is_upper_half(pdev, i) && is_memory(&bar[-1])) {
		*bits = U32_MAX;
		return upper_32_bits(pci_bus_address(pdev, i - 1));
	}

	return 0;
}

/* Is @value, of BAR register @i, @right in the @bits that count? A ROM that is off is nowhere. */
static bool is_right(int i, u32 value, u32 right, u32 bits)
{
	if (i == PCI_ROM_RESOURCE && !(value & PCI_ROM_ADDRESS_ENABLE))
		return true;

	return !((value ^ right) & bits);
}

static bool is_bar_right(struct nvli_visit *visit, int i)
{
	u32 right, bits, value;

	right = right_bar(visit->gpu->pdev, i, &bits);
	if (!bits)
		return true;

	return nvli_visit_read(visit, bar_register(i), 4, &value) &&
	       is_right(i, value, right, bits);
}

/*
 * Is each BAR but BAR0 where it belongs, and so not over BAR0? If the upper half of a 64-bit BAR is
 * right and not 0, it is not over BAR0, which has 32 bits, and its lower half is not read.
 *
 * A guest that has kept a mapping of BAR0 may move a BAR over it at any time, by the copy of config
 * space there. It cannot move the BAR back during the visit, since that copy is covered as well. So
 * call this after the last register was read. An expansion ROM is smaller: see SECURITY.md.
 */
bool nvli_visit_is_uncovered(struct nvli_visit *visit)
{
	struct pci_dev *pdev = visit->gpu->pdev;
	u32 bits;
	int i;

	for (i = 1; i <= PCI_STD_RESOURCE_END; i++) {
		if (!is_memory(&pdev->resource[i]))
			continue;
		if (i < PCI_STD_RESOURCE_END && pdev->resource[i].flags & IORESOURCE_MEM_64) {
			if (!is_bar_right(visit, i + 1))
				return false;
			if (right_bar(pdev, i + 1, &bits))
				continue;
		}
		if (!is_bar_right(visit, i))
			return false;
	}

	return is_bar_right(visit, PCI_ROM_RESOURCE);
}

/* Write each BAR that was found elsewhere: where it belongs, or as it was found. */
static void write_bars(struct nvli_visit *visit, bool as_found)
{
	u32 right, bits;
	int i;

	for (i = 0; i < NVLI_BARS; i++) {
		right = right_bar(visit->gpu->pdev, i, &bits);
		if (!is_right(i, visit->bar[i], right, bits))
			write_config(visit, bar_register(i), 4, as_found ? visit->bar[i] : right);
	}
}

/* Write the BARs where they belong, with decoding off meanwhile. */
static bool program_bars(struct nvli_visit *visit)
{
	u32 bits;
	int i;

	/*
	 * A GPU that is gone reads as all ones. Never write those back. The type of a memory BAR is
	 * in its low bits, so only an upper half may hold them.
	 */
	for (i = 0; i < NVLI_BARS; i++) {
		right_bar(visit->gpu->pdev, i, &bits);
		if (bits && (!nvli_visit_read(visit, bar_register(i), 4, &visit->bar[i]) ||
			     (visit->bar[i] == U32_MAX && bits != U32_MAX)))
			return false;
	}
	if (visit->is_on && !switch_off(visit))
		return false;
	visit->programmed = true;
	write_bars(visit, false);

	return true;
}

/* BAR0 as mapped for the gate. NULL if it is not mapped, or was moved since. Under RCU. */
void __iomem *nvli_visit_base(const struct nvli_gpu *gpu)
{
	const struct nvli_mapping *mapping = rcu_dereference(gpu->mapping);

	return mapping && is_memory(&gpu->pdev->resource[0]) &&
	       mapping->start == pci_resource_start(gpu->pdev, 0) ? mapping->base : NULL;
}

/*
 * Make BAR0 accessible: program the BARs, unless @leave_bars, and switch decoding on. Returns NULL,
 * or the obstacle. nvli_visit_is_uncovered() and nvli_visit_end() have to follow.
 */
const char *nvli_visit_open(struct nvli_visit *visit, bool leave_bars)
{
	const char *what = nvli_platform->blocked ? nvli_platform->blocked(visit->gpu) : NULL;

	if (what)
		return what;
	if (!is_in_d0(visit))
		return "it is not in D0";
	visit->is_on = visit->command & PCI_COMMAND_MEMORY;
	if (!is_bar_right(visit, 0) || (leave_bars && !nvli_visit_is_uncovered(visit))) {
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

/*
 * Program the BARs, once, so that the sequence can be repeated. False if that is not possible, or
 * if BAR0 has moved as well, as in a reset.
 */
bool nvli_visit_uncover(struct nvli_visit *visit)
{
	return !visit->programmed && is_bar_right(visit, 0) && program_bars(visit) &&
	       nvli_visit_write_command(visit, visit->command | PCI_COMMAND_MEMORY);
}

/* Switch decoding off, if this visit has switched it on. */
void nvli_visit_close(struct nvli_visit *visit)
{
	if (visit->is_on && !(visit->command & PCI_COMMAND_MEMORY))
		switch_off(visit);
}

/* Put config space back as it was found; with @stay_on, decoding stays on if the BARs allow it. */
void nvli_visit_end(struct nvli_visit *visit, bool stay_on)
{
	if (visit->programmed) {
		if (visit->is_on)
			switch_off(visit);
		write_bars(visit, true);
		/* A reset during the visit has switched decoding off: leave it off. */
		if (visit->command & PCI_COMMAND_MEMORY && !nvli_visit_was_reset(visit))
			nvli_visit_write_command(visit, visit->command);
	} else if (!stay_on) {
		nvli_visit_close(visit);
	}
}
