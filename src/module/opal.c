// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook C: what the kernel asks firmware to do. Resets that do not go through
 * reset_secondary_bus() end in these calls all the same: fundamental and PHB resets, the second
 * reset of an EEH recovery, slot power, and bridge control written by whoever can.
 *
 * Each call of OPAL passes two tracepoints, in which interrupts are off. A reset is asserted in one
 * call and released in a later poll, so each call that may be a part of one is an event before and
 * after it. Here a GPU is marked and the worker is called, and no more.
 */

#include "nvli.h"

#include <linux/of.h>
#include <linux/percpu.h>
#include <linux/tracepoint.h>

#include <asm/opal-api.h>
#include <asm/pci-bridge.h>

/* A slot's number: a PHB's, or with the top bit set that of the bridge above the slot, too. */
#define SLOT_IS_BRIDGE	BIT_ULL(63)
#define SLOT_ID(slot)	(((slot) >> 16) & 0xffff)
#define SLOT_PHB(slot)	((slot) & 0xffff)

/**
 * struct call - a call of OPAL that this processor is in, if it matters
 * @opcode: 0 if it does not
 * @phb: OPAL's number of the PHB
 * @whole_phb: it is about all that is below the PHB
 * @id: otherwise: the bridge's bus, device and function number
 * @begins: it begins a reset
 * @clears: it is a write that leaves bridge control without the reset bit
 */
struct call {
	unsigned long opcode;
	u64 phb;
	bool whole_phb;
	u16 id;
	bool begins;
	bool clears;
};

/**
 * struct watch - what a processor knows
 * @seen: calls seen, to prove that they are
 * @call: the one that it is in
 */
struct watch {
	unsigned long seen;
	struct call call;
};

static DEFINE_PER_CPU(struct watch, watches);

static struct tracepoint *entry_point, *exit_point;
static bool watching;

static void about_slot(struct call *call, u64 slot)
{
	call->whole_phb = !(slot & SLOT_IS_BRIDGE);
	call->phb = call->whole_phb ? slot : SLOT_PHB(slot);
	call->id = SLOT_ID(slot);
}

/* A config write that covers the byte of bridge control that has the reset bit */
static bool about_bridge_control(struct call *call, const unsigned long *args, unsigned int size)
{
	unsigned long offset = args[2];

	if (offset > PCI_BRIDGE_CONTROL || offset + size <= PCI_BRIDGE_CONTROL)
		return false;

	call->phb = args[0];
	call->id = args[1];
	call->begins = args[3] >> 8 * (PCI_BRIDGE_CONTROL - offset) & PCI_BRIDGE_CTL_BUS_RESET;
	call->clears = !call->begins;

	return true;
}

static bool matters(struct call *call, const unsigned long *args)
{
	switch (call->opcode) {
	case OPAL_PCI_RESET:
		/* These two clear errors and tables, and reset no bus. */
		if (args[1] == OPAL_RESET_PHB_ERROR || args[1] == OPAL_RESET_PCI_IODA_TABLE)
			return false;
		about_slot(call, args[0]);
		call->begins = args[2] == OPAL_ASSERT_RESET;
		return true;
	case OPAL_PCI_POLL:
		about_slot(call, args[0]);
		return true;
	case OPAL_PCI_SET_POWER_STATE:
		about_slot(call, args[1]);
		call->begins = true;
		return true;
	case OPAL_PCI_CONFIG_WRITE_BYTE:
		return about_bridge_control(call, args, 1);
	case OPAL_PCI_CONFIG_WRITE_HALF_WORD:
		return about_bridge_control(call, args, 2);
	case OPAL_PCI_CONFIG_WRITE_WORD:
		return about_bridge_control(call, args, 4);
	}

	return false;
}

static bool is_about(const struct call *call, const struct nvli_gpu *gpu)
{
	int i;

	if (gpu->path.phb != call->phb)
		return false;
	if (call->whole_phb)
		return true;
	for (i = 0; i < gpu->path.depth; i++)
		if (gpu->path.id[i] == call->id)
			return true;

	return false;
}

static void mark(const struct call *call, bool begins)
{
	struct nvli_gpu *gpu;
	bool kick = false;

	rcu_read_lock();
	list_for_each_entry_rcu(gpu, &nvli_gpus_rcu, rcu_node) {
		if (!is_about(call, gpu) || READ_ONCE(gpu->hold.writer) == current)
			continue;
		/*
		 * The PCI core writes bridge control without the bit when it restores a bridge,
		 * which is no reset. But it may let go of a GPU that is in reset, which then is not
		 * called isolated.
		 */
		if (call->clears && READ_ONCE(gpu->status.state) == NVLI_ISOLATED)
			continue;
		nvli_gpu_event(gpu, begins ? NVLI_FIRST_STEP : NVLI_STEP);
		/* A reset that comes through hook A is over only when that says so, and kicks. */
		kick |= READ_ONCE(gpu->status.state) != NVLI_OFF &&
			!READ_ONCE(gpu->status.resetting);
	}
	rcu_read_unlock();

	if (kick)
		nvli_worker_kick_all();
}

/*
 * All calls of the machine come by, and nearly none is ours: those are told here, by a few
 * instructions. matters() decides about the others.
 */
static bool may_matter(unsigned long opcode, const unsigned long *args)
{
	switch (opcode) {
	case OPAL_PCI_CONFIG_WRITE_BYTE:
	case OPAL_PCI_CONFIG_WRITE_HALF_WORD:
	case OPAL_PCI_CONFIG_WRITE_WORD:
		return args[2] - (PCI_BRIDGE_CONTROL - 3) <= 3;
	case OPAL_PCI_RESET:
	case OPAL_PCI_POLL:
	case OPAL_PCI_SET_POWER_STATE:
		return true;
	}

	return false;
}

/* Not inlined, nor the next, so that the hooks need no stack frame. */
static noinline void begin(struct call *call, unsigned long opcode, const unsigned long *args)
{
	*call = (struct call) { .opcode = opcode };
	if (matters(call, args))
		mark(call, call->begins);
	else
		call->opcode = 0;
}

static noinline void end(struct call *call, unsigned long opcode)
{
	/* A machine check in the call may make one of its own. */
	if (call->opcode != opcode)
		return;
	mark(call, false);
	call->opcode = 0;
}

static void on_entry(void *unused, unsigned long opcode, unsigned long *args)
{
	struct watch *watch = this_cpu_ptr(&watches);

	watch->seen++;
	if (may_matter(opcode, args))
		begin(&watch->call, opcode, args);
}

static void on_exit(void *unused, unsigned long opcode, unsigned long result)
{
	struct call *call = &this_cpu_ptr(&watches)->call;

	if (call->opcode)
		end(call, opcode);
}

static void find_point(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "opal_entry"))
		entry_point = point;
	else if (!strcmp(point->name, "opal_exit"))
		exit_point = point;
}

/**
 * nvli_opal_watch() - watch the calls of OPAL, if that is not done already
 *
 * Return: true if they are seen from now on.
 */
bool nvli_opal_watch(void)
{
	if (watching)
		return true;

	for_each_kernel_tracepoint(find_point, NULL);
	if (!entry_point || !exit_point) {
		pr_err("this kernel has no tracepoints opal_entry and opal_exit\n");
		return false;
	}
	if (tracepoint_probe_register(entry_point, on_entry, NULL))
		return false;
	if (tracepoint_probe_register(exit_point, on_exit, NULL)) {
		tracepoint_probe_unregister(entry_point, on_entry, NULL);
		return false;
	}
	watching = true;

	return true;
}

/* Nobody is in here any more when this returns. */
void nvli_opal_unwatch(void)
{
	if (!watching)
		return;

	tracepoint_probe_unregister(exit_point, on_exit, NULL);
	tracepoint_probe_unregister(entry_point, on_entry, NULL);
	tracepoint_synchronize_unregister();
	watching = false;
}

static unsigned long count_seen(void)
{
	unsigned long count = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		count += per_cpu(watches, cpu).seen;

	return count;
}

/*
 * Are the calls of OPAL really seen? A config read of the root port is one. Where EEH does not let
 * it pass nothing was tried, and nothing is said against them.
 */
bool nvli_opal_fires(struct nvli_gpu *gpu)
{
	unsigned long before = count_seen();
	u16 id;

	if (!READ_ONCE(watching))
		return false;
	if (gpu->path.depth <= 0 ||
	    pci_read_config_word(gpu->path.bridge[0], PCI_VENDOR_ID, &id) || id == U16_MAX)
		return true;

	return count_seen() != before;
}

/* Note the bridges above a GPU. They do not change as long as it is there. */
void nvli_opal_read_path(struct nvli_gpu *gpu)
{
	struct device_node *node = pci_bus_to_host(gpu->pdev->bus)->dn;
	struct nvli_path *path = &gpu->path;
	struct pci_dev *bridge;
	int depth = 0;
	int i;

	for (bridge = pci_upstream_bridge(gpu->pdev); bridge; bridge = pci_upstream_bridge(bridge))
		depth++;
	if (depth > NVLI_BRIDGES || of_property_read_u64(node, "ibm,opal-phbid", &path->phb)) {
		path->depth = -1;
		return;
	}

	path->depth = depth;
	bridge = gpu->pdev;
	for (i = depth - 1; i >= 0; i--) {
		bridge = pci_upstream_bridge(bridge);
		path->bridge[i] = bridge;
		path->id[i] = PCI_DEVID(bridge->bus->number, bridge->devfn);
	}
}
