// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events in, on powernv: when a GPU is reset, and when somebody is about to enable it.
 *
 * Each PHB has its own copy of struct pci_controller_ops, and the powerpc PCI code always calls
 * through it: pcibios_reset_secondary_bus() for every secondary bus reset, with the caller's locks
 * held, and pcibios_enable_device() for pci_enable_device() and all that builds on it. Both members
 * are replaced on each PHB that has a GPU, and call the original. A probe on the functions around
 * them would not do: the compiler inlines those.
 */

#include "nvli.h"

#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include <asm/pci-bridge.h>

struct watched_phb {
	struct list_head node;
	struct pci_controller *phb;
};

/* Guarded by main.c's mutex, as all that is called from outside. */
static LIST_HEAD(watched);

/*
 * What was there before us: one pair for all PHBs, so that the hooks find it without a look-up.
 * Written while no hook is in place.
 */
static struct pci_controller_ops original;

/* Callers inside a hook, which unloading has to wait for */
static atomic_t in_flight = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_left);

static void enter_hook(void)
{
	atomic_inc(&in_flight);
}

static void leave_hook(void)
{
	/* Each pci_enable_device() of others comes by, and hardly ever does somebody wait. */
	if (atomic_dec_and_test(&in_flight) && wq_has_sleeper(&all_left))
		wake_up(&all_left);
}

/* Hook A: a reset of a bridge's secondary bus. Runs in the resetter's context, with its locks. */
static void reset_secondary_bus(struct pci_dev *bridge)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	enter_hook();

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		if (nvli_is_below(gpu->pdev, bridge))
			nvli_gpu_event(gpu, NVLI_RESET_BEGINS);
	klist_iter_exit(&iter);

	original.reset_secondary_bus(bridge);

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter))) {
		if (!nvli_is_below(gpu->pdev, bridge))
			continue;
		nvli_gpu_event(gpu, NVLI_RESET_OVER);
		/*
		 * The PCI core restores the GPU after this hook; until then its decoding is off,
		 * but for the moment that we need it. With another bridge in between, that one
		 * would have to be restored first: then it is left to the worker.
		 */
		if (pci_upstream_bridge(gpu->pdev) == bridge)
			nvli_enforce_apply(gpu, NVLI_AFTER_RESET);
		nvli_worker_kick(gpu);
	}
	klist_iter_exit(&iter);

	leave_hook();
}

/*
 * EEH has reset all that is below a bridge and enables that again: our last call before a guest can
 * configure a GPU that it has there. Other GPUs are seen to when somebody enables them.
 */
static void expect_guests_below(struct pci_dev *bridge)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		if (nvli_is_below(gpu->pdev, bridge) && nvli_eeh_is_passed(gpu))
			nvli_admit_guest(gpu);
	klist_iter_exit(&iter);
}

/* Hook B: pci_enable_device(). Returning false makes it fail. */
static bool enable_device_hook(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu;
	bool ok;

	enter_hook();

	ok = original.enable_device_hook(pdev);
	if (ok && nvli_board(pdev->vendor, pdev->device)) {
		gpu = nvli_gpu_get(pdev);
		/* One that could not be taken in is not isolated either. */
		ok = gpu ? nvli_admit_enable(gpu) : !nvli_gate();
		if (gpu)
			nvli_gpu_put(gpu);
	} else if (ok && pdev->subordinate && nvli_is_in_eehd()) {
		expect_guests_below(pdev);
	}

	leave_hook();

	return ok;
}

static bool is_watched(const struct pci_controller *phb)
{
	return READ_ONCE(phb->controller_ops.reset_secondary_bus) == reset_secondary_bus &&
	       READ_ONCE(phb->controller_ops.enable_device_hook) == enable_device_hook;
}

/**
 * nvli_resets_are_watched() - are all hooks that see this GPU still ours?
 * @gpu: the GPU
 *
 * For a look now and then: asks what is in place, not what was put there.
 */
bool nvli_resets_are_watched(struct nvli_gpu *gpu)
{
	return is_watched(pci_bus_to_host(gpu->pdev->bus)) && gpu->path.depth >= 0 &&
	       nvli_opal_fires(gpu);
}

/* Put our hooks in place of the originals. False, with nothing changed, if those are not there. */
static bool hook(struct pci_controller *phb)
{
	struct pci_controller_ops *ops = &phb->controller_ops;

	if (cmpxchg(&ops->reset_secondary_bus, original.reset_secondary_bus,
		    reset_secondary_bus) != original.reset_secondary_bus)
		return false;
	if (cmpxchg(&ops->enable_device_hook, original.enable_device_hook,
		    enable_device_hook) == original.enable_device_hook)
		return true;
	cmpxchg(&ops->reset_secondary_bus, reset_secondary_bus, original.reset_secondary_bus);

	return false;
}

/* The reverse. False, with nothing changed, if somebody has put another hook on top of ours. */
static bool unhook(struct pci_controller *phb)
{
	struct pci_controller_ops *ops = &phb->controller_ops;

	if (cmpxchg(&ops->enable_device_hook, enable_device_hook,
		    original.enable_device_hook) != enable_device_hook)
		return false;
	if (cmpxchg(&ops->reset_secondary_bus, reset_secondary_bus,
		    original.reset_secondary_bus) == reset_secondary_bus)
		return true;
	cmpxchg(&ops->enable_device_hook, original.enable_device_hook, enable_device_hook);

	return false;
}

/**
 * nvli_resets_watch() - watch the PHB of a GPU
 * @pdev: the GPU
 *
 * Return: true if resets, enables and firmware calls about what is below this PHB come to us from
 * now on, or did already.
 */
bool nvli_resets_watch(struct pci_dev *pdev)
{
	struct pci_controller *phb = pci_bus_to_host(pdev->bus);
	struct watched_phb *entry;

	if (!nvli_opal_watch())
		return false;

	list_for_each_entry(entry, &watched, node)
		if (entry->phb == phb)
			return is_watched(phb);

	if (!phb->controller_ops.reset_secondary_bus || !phb->controller_ops.enable_device_hook) {
		pci_err(pdev, "PHB %04x has no reset or enable hook\n", phb->global_number);
		return false;
	}

	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return false;
	entry->phb = phb;

	if (list_empty(&watched))
		original = phb->controller_ops;
	if (!hook(phb)) {
		pci_err(pdev, "PHB %04x has other hooks than the PHBs before it: %ps, %ps\n",
			phb->global_number, phb->controller_ops.reset_secondary_bus,
			phb->controller_ops.enable_device_hook);
		kfree(entry);
		return false;
	}
	list_add_tail(&entry->node, &watched);

	return true;
}

/*
 * Wait until nobody runs in a hook. The first grace period is for those who have read our pointer
 * and not yet counted themselves, the second for those who are on their way out.
 */
static void wait_for_callers(void)
{
	synchronize_rcu_tasks();
	wait_event(all_left, !atomic_read(&in_flight));
	synchronize_rcu_tasks();
}

/**
 * nvli_resets_unwatch_all() - take all hooks off and wait until nobody runs in them
 *
 * Return: 0, or -EBUSY with all hooks still in place if somebody has put another hook on top.
 */
int nvli_resets_unwatch_all(void)
{
	struct watched_phb *entry, *next;

	list_for_each_entry(entry, &watched, node) {
		if (unhook(entry->phb))
			continue;
		pr_err("PHB %04x: another module has put its hook on top of ours: %ps, %ps\n",
		       entry->phb->global_number,
		       entry->phb->controller_ops.reset_secondary_bus,
		       entry->phb->controller_ops.enable_device_hook);
		list_for_each_entry_continue_reverse(entry, &watched, node)
			hook(entry->phb);
		return -EBUSY;
	}

	wait_for_callers();
	nvli_opal_unwatch();
	list_for_each_entry_safe(entry, next, &watched, node) {
		list_del(&entry->node);
		kfree(entry);
	}

	return 0;
}
