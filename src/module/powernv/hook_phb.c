// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook B of this platform. Each PHB has its own copy of struct pci_controller_ops, and
 * pcibios_enable_device() always calls through it, so the compiler cannot inline it away. The
 * member is replaced on each PHB that has a GPU, and calls the original.
 */

#include "../log.h"
#include "powernv.h"
#include "../enable.h"

#include <linux/atomic.h>
#include <linux/slab.h>

#include <asm/pci-bridge.h>

struct watched_phb {
	struct list_head node;
	struct pci_controller *phb;
};

/* Guarded by nvli_lock, as all that is called from outside. */
static LIST_HEAD(watched);

/* The original hook, the same on all PHBs. Written while our hook is not in place. */
static bool (*original)(struct pci_dev *pdev);

static bool enable_device_hook(struct pci_dev *pdev)
{
	bool ok;

	nvli_enable_begin();
	ok = original(pdev) && nvli_may_enable(pdev);
	nvli_enable_end();

	return ok;
}

/* Is the hook in place on the PHB of this device? */
bool nvli_hook_is_watched(const struct pci_dev *pdev)
{
	return READ_ONCE(pci_bus_to_host(pdev->bus)->controller_ops.enable_device_hook) ==
	       enable_device_hook;
}

static bool hook(struct pci_controller *phb)
{
	return cmpxchg(&phb->controller_ops.enable_device_hook, original, enable_device_hook) ==
	       original;
}

static bool unhook(struct pci_controller *phb)
{
	return cmpxchg(&phb->controller_ops.enable_device_hook, enable_device_hook, original) ==
	       enable_device_hook;
}

/* Put the hook on the PHB of a GPU, if it is not there already. False if that is not possible. */
bool nvli_hook_watch(struct pci_dev *pdev)
{
	struct pci_controller *phb = pci_bus_to_host(pdev->bus);
	struct watched_phb *entry;

	list_for_each_entry(entry, &watched, node)
		if (entry->phb == phb)
			return nvli_hook_is_watched(pdev);

	if (!phb->controller_ops.enable_device_hook) {
		pci_err(pdev, "PHB %04x has no enable hook\n", phb->global_number);
		return false;
	}

	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return false;
	entry->phb = phb;

	if (list_empty(&watched))
		original = phb->controller_ops.enable_device_hook;
	if (!hook(phb)) {
		pci_err(pdev, "PHB %04x has another enable hook than the PHBs before it: %ps\n",
			phb->global_number, phb->controller_ops.enable_device_hook);
		kfree(entry);
		return false;
	}
	list_add_tail(&entry->node, &watched);

	return true;
}

/* Does the kernel still call all our hooks directly, so that they can be removed? */
bool nvli_hook_can_unwatch(void)
{
	struct watched_phb *entry;
	bool can = true;

	list_for_each_entry(entry, &watched, node) {
		if (READ_ONCE(entry->phb->controller_ops.enable_device_hook) == enable_device_hook)
			continue;
		pr_err("PHB %04x: another module has put its hook on top of ours: %ps\n",
		       entry->phb->global_number,
		       entry->phb->controller_ops.enable_device_hook);
		can = false;
	}

	return can;
}

/* Remove all hooks. 0, or -EBUSY with all in place if another hook is on top of one. */
int nvli_hook_unwatch(void)
{
	struct watched_phb *entry, *next;

	list_for_each_entry(entry, &watched, node) {
		if (unhook(entry->phb))
			continue;
		list_for_each_entry_continue_reverse(entry, &watched, node)
			hook(entry->phb);
		return -EBUSY;
	}

	nvli_enable_wait();
	list_for_each_entry_safe(entry, next, &watched, node) {
		list_del(&entry->node);
		kfree(entry);
	}

	return 0;
}
