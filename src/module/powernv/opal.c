// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook C: the kernel's calls to firmware. Every reset that software makes on powernv ends in a
 * call of OPAL: resets of a bridge's secondary bus, EEH's resets, slot power, and raw writes of
 * bridge control.
 *
 * Each call passes two tracepoints, in which interrupts are off. A reset is asserted in one call
 * and released in a later poll, recognised by what the polls return. Isolation rests on the gate,
 * not on this. The claims about an idle GPU do rest on this.
 */

#include "../log.h"
#include "powernv.h"
#include "../events.h"
#include "../visit.h"

#include <linux/percpu.h>
#include <linux/tracepoint.h>

#include <asm/opal-api.h>

/* A slot's number is the PHB's; with the top bit set, the bridge above the slot is in it, too. */
#define SLOT_IS_BRIDGE	BIT_ULL(63)
#define SLOT_ID(slot)	(((slot) >> 16) & 0xffff)
#define SLOT_PHB(slot)	((slot) & 0xffff)

/*
 * skiboot (v5.11 to v7.1) releases the hot reset of a bridge's slot in a call that then requests a
 * wait of 1.8 seconds. All other calls for such a slot request a second at most. A call that comes
 * too early requests what is left of a wait.
 */
#define RELEASE_WAIT_MS	1500

/**
 * struct call - a call of OPAL that this processor is in, if it matters
 * @opcode: 0 if no call matters
 * @phb: OPAL's number of the PHB
 * @whole_phb: it is about all that is below the PHB
 * @id: otherwise: the bridge's bus, device and function number
 * @resets: it begins a reset
 * @counted: this reset is not a further step of another one
 * @control: it writes bridge control
 * @command: it sets MEMORY in the COMMAND of the device @id, as EEH does, and MEMORY was not set
 * @pe: it thaws the PE with this number, if it is OPAL_PCI_EEH_FREEZE_CLEAR
 */
struct call {
	unsigned long opcode;
	u64 phb;
	bool whole_phb;
	u16 id;
	bool resets;
	bool counted;
	bool control;
	bool command;
	unsigned long pe;
};

/**
 * struct watch - the state of the hooks on one processor
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
	call->control = true;
	call->resets = args[3] >> 8 * (PCI_BRIDGE_CONTROL - offset) & PCI_BRIDGE_CTL_BUS_RESET;
	call->counted = call->resets;

	return true;
}

/*
 * EEH restores BARs past the operations of the bus, and so past the gate. It reads COMMAND and
 * STATUS, and writes these 4 bytes back. That switches decoding on if config space was blocked at
 * the read, or the GPU did not answer, or the gate had it on then.
 */
static bool sets_memory(const unsigned long *args)
{
	return args[2] == PCI_COMMAND && args[3] & PCI_COMMAND_MEMORY;
}

static bool about_command(struct call *call, const unsigned long *args)
{
	call->command = sets_memory(args);
	call->phb = args[0];
	call->id = args[1];

	return call->command;
}

static bool matters(struct call *call, const unsigned long *args)
{
	switch (call->opcode) {
	case OPAL_PCI_RESET:
		/* These two clear errors and tables, and reset no bus. */
		if (args[1] == OPAL_RESET_PHB_ERROR || args[1] == OPAL_RESET_PCI_IODA_TABLE)
			return false;
		about_slot(call, args[0]);
		call->resets = true;
		call->counted = args[2] == OPAL_ASSERT_RESET;
		return true;
	case OPAL_PCI_POLL:
		about_slot(call, args[0]);
		return true;
	case OPAL_PCI_SET_POWER_STATE:
		about_slot(call, args[1]);
		call->resets = true;
		call->counted = true;
		return true;
	case OPAL_PCI_EEH_FREEZE_CLEAR:
		call->phb = args[0];
		call->whole_phb = true;
		call->pe = args[1];
		return true;
	case OPAL_PCI_CONFIG_WRITE_BYTE:
		return about_bridge_control(call, args, 1);
	case OPAL_PCI_CONFIG_WRITE_HALF_WORD:
		return about_bridge_control(call, args, 2);
	case OPAL_PCI_CONFIG_WRITE_WORD:
		return about_bridge_control(call, args, 4) || about_command(call, args);
	}

	return false;
}

/* Which bridge of the GPU's path is the call about? -1 for none; for a whole PHB the first. */
static int bridge_of(const struct call *call, const struct nvli_gpu *gpu)
{
	const struct pci_dev *bridge;
	int i;

	if (gpu->path.phb != call->phb)
		return -1;
	for (i = 0; i < gpu->path.depth; i++) {
		bridge = gpu->path.bridge[i];
		if (call->whole_phb || PCI_DEVID(bridge->bus->number, bridge->devfn) == call->id)
			return i;
	}

	return -1;
}

static bool is_about(const struct call *call, const struct nvli_gpu *gpu)
{
	return gpu->path.phb == call->phb &&
	       PCI_DEVID(gpu->pdev->bus->number, gpu->pdev->devfn) == call->id;
}

/*
 * A call for a slot in reset has returned, and firmware wants the next call after @result ms. Has
 * this call released the GPU from reset? If no call is known to release it, assume that the last
 * one does. After the release, further calls only wait for the link. The caller holds gpu->lock.
 */
static bool step_releases(struct nvli_gpu *gpu, const struct call *call, int bridge, s64 result)
{
	bool deasserts = !call->whole_phb && result >= RELEASE_WAIT_MS;
	struct nvli_reset *reset = &gpu->reset;

	/* nvli_event_end() may have run since the call began. */
	if (call->resets)
		reset->settled_ns = NVLI_IN_RESET;
	reset->in_steps = result > 0;
	if (reset->settled_ns != NVLI_IN_RESET || (!deasserts && result > 0))
		return false;

	/*
	 * The bridge's reset bit is clear now, and those below were cleared by the reset. Any other
	 * reset may have had no effect: a fundamental one does nothing to a slot whose power
	 * firmware cannot switch.
	 */
	if (deasserts) {
		reset->asserted &= (BIT(bridge) - 1) * NVLI_EACH_CONTROL;
		nvli_event_happened(gpu);
	}
	nvli_event_release(gpu);

	return true;
}

static void after_call(const struct call *call, struct nvli_gpu *gpu, int bridge, s64 result)
{
	bool released;

	if (call->opcode == OPAL_PCI_EEH_FREEZE_CLEAR) {
		if (nvli_eeh_is_in(gpu, call->pe))
			nvli_event_thaw(gpu);
		return;
	}
	if (call->control) {
		nvli_event_control(gpu, bridge, NVLI_BUS_RESET, call->resets);
		return;
	}
	if (call->opcode == OPAL_PCI_POLL && !READ_ONCE(gpu->reset.in_steps)) {
		if (result <= 0)
			return;
		/* A reset that began before enforcement did */
		nvli_event_reset(gpu, false);
	}

	raw_spin_lock(&gpu->lock);
	released = step_releases(gpu, call, bridge, result);
	raw_spin_unlock(&gpu->lock);
	if (released)
		nvli_gpu_kick(gpu);
}

/*
 * This runs for every call of the machine, and nearly none concerns a GPU: filter those out with a
 * few instructions. matters() decides about the rest.
 */
static bool may_matter(unsigned long opcode, const unsigned long *args)
{
	switch (opcode) {
	case OPAL_PCI_CONFIG_WRITE_WORD:
		if (sets_memory(args))
			return true;
		fallthrough;
	case OPAL_PCI_CONFIG_WRITE_BYTE:
	case OPAL_PCI_CONFIG_WRITE_HALF_WORD:
		return args[2] - (PCI_BRIDGE_CONTROL - 3) <= 3;
	case OPAL_PCI_RESET:
	case OPAL_PCI_POLL:
	case OPAL_PCI_SET_POWER_STATE:
	case OPAL_PCI_EEH_FREEZE_CLEAR:
		return true;
	}

	return false;
}

/* Like end(), not inlined: so the hooks need no stack frame. */
static noinline void begin(struct call *call, unsigned long opcode, const unsigned long *args)
{
	struct nvli_gpu *gpu;

	*call = (struct call) { .opcode = opcode };
	if (!matters(call, args)) {
		call->opcode = 0;
		return;
	}

	rcu_read_lock();
	nvli_for_each_gpu_rcu(gpu) {
		if (call->resets && bridge_of(call, gpu) >= 0)
			nvli_event_reset(gpu, call->counted);
		if (call->command && is_about(call, gpu) && !nvli_visit_is_past(gpu))
			call->opcode = 0;
	}
	rcu_read_unlock();
}

static noinline void end(struct call *call, unsigned long opcode, s64 result)
{
	struct nvli_gpu *gpu;
	int bridge;

	/* A machine check during the call may make an OPAL call of its own. */
	if (call->opcode != opcode)
		return;

	rcu_read_lock();
	nvli_for_each_gpu_rcu(gpu) {
		bridge = bridge_of(call, gpu);
		if (call->command && is_about(call, gpu))
			nvli_visit_undo(gpu);
		else if (bridge >= 0 && !call->command)
			after_call(call, gpu, bridge, result);
	}
	rcu_read_unlock();
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
		end(call, opcode, result);
}

static void find_point(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "opal_entry"))
		entry_point = point;
	else if (!strcmp(point->name, "opal_exit"))
		exit_point = point;
}

/* Forget the calls that were in flight when the tracepoints were last unregistered. */
static void forget_calls(void)
{
	struct watch *watch;
	int cpu;

	for_each_possible_cpu(cpu) {
		watch = per_cpu_ptr(&watches, cpu);
		watch->call.opcode = 0;
	}
}

/* Watch the calls of OPAL, if that is not done already. True if they are seen from now on. */
bool nvli_opal_watch(void)
{
	if (watching)
		return true;

	for_each_kernel_tracepoint(find_point, NULL);
	if (!entry_point || !exit_point) {
		pr_err("this kernel has no tracepoints opal_entry and opal_exit\n");
		return false;
	}
	/* The exit of a call does nothing if its entry was not seen. So register the exit first. */
	forget_calls();
	if (tracepoint_probe_register(exit_point, on_exit, NULL))
		return false;
	if (tracepoint_probe_register(entry_point, on_entry, NULL)) {
		tracepoint_probe_unregister(exit_point, on_exit, NULL);
		return false;
	}
	watching = true;

	return true;
}

/* When this returns, no processor runs a hook any more. */
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
 * Do the hooks really see OPAL calls? A config read of the root port makes one. If EEH blocks that
 * read, nothing was tested, and the hooks are assumed to work.
 */
bool nvli_opal_fires(struct nvli_gpu *gpu)
{
	unsigned long before = count_seen();
	u16 id;

	if (!READ_ONCE(watching))
		return false;
	if (pci_read_config_word(gpu->path.bridge[0], PCI_VENDOR_ID, &id) || id == U16_MAX)
		return true;

	return count_seen() != before;
}
