// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook B where struct pci_host_bridge has enable_device(), which do_pci_enable_device() calls
 * just before pcibios_enable_device(). Our hook first calls the original one, such as 7.2's quirk
 * for a Xeon's narrow links.
 */

#include "../log.h"
#include "x86.h"
#include "../enable.h"

#include <linux/slab.h>

typedef int (*enable_t)(struct pci_host_bridge *bridge, struct pci_dev *pdev);

/**
 * struct watched - a host bridge with our hook
 * @node: in the list of all of them
 * @bridge: the host bridge; holds a reference
 * @original: the hook that we replaced
 */
struct watched {
	struct list_head node;
	struct pci_host_bridge *bridge;
	enable_t original;
};

/* Guarded by nvli_lock; callers that enable a device read it under RCU. */
static LIST_HEAD(watched);

static enable_t original_of(struct pci_host_bridge *bridge)
{
	enable_t original = NULL;
	struct watched *entry;

	rcu_read_lock();
	list_for_each_entry_rcu(entry, &watched, node)
		if (entry->bridge == bridge)
			original = entry->original;
	rcu_read_unlock();

	return original;
}

static int enable_device(struct pci_host_bridge *bridge, struct pci_dev *pdev)
{
	enable_t original;
	int err = 0;

	nvli_enable_begin();
	original = original_of(bridge);
	if (original)
		err = original(bridge, pdev);
	if (!err && !nvli_may_enable(pdev))
		err = -EIO;
	nvli_enable_end();

	return err;
}

bool nvli_hook_is_watched(const struct pci_dev *pdev)
{
	return READ_ONCE(pci_find_host_bridge(pdev->bus)->enable_device) == enable_device;
}

bool nvli_hook_watch(struct pci_dev *pdev)
{
	struct pci_host_bridge *bridge = pci_find_host_bridge(pdev->bus);
	struct watched *entry;

	list_for_each_entry(entry, &watched, node)
		if (entry->bridge == bridge)
			return nvli_hook_is_watched(pdev);

	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return false;
	get_device(&bridge->dev);
	entry->bridge = bridge;
	entry->original = READ_ONCE(bridge->enable_device);
	list_add_tail_rcu(&entry->node, &watched);
	WRITE_ONCE(bridge->enable_device, enable_device);

	return true;
}

/* Does the kernel still call all our hooks directly, so that they can be removed? */
bool nvli_hook_can_unwatch(void)
{
	struct watched *entry;
	bool can = true;

	list_for_each_entry(entry, &watched, node) {
		if (READ_ONCE(entry->bridge->enable_device) == enable_device)
			continue;
		dev_err(&entry->bridge->dev,
			"another module has put its enable hook on top of ours: %ps\n",
			entry->bridge->enable_device);
		can = false;
	}

	return can;
}

/* Remove all hooks. 0, or -EBUSY with all in place if another hook is on top of one. */
int nvli_hook_unwatch(void)
{
	struct watched *entry, *next;

	list_for_each_entry(entry, &watched, node) {
		if (cmpxchg(&entry->bridge->enable_device, enable_device, entry->original) ==
		    enable_device)
			continue;
		list_for_each_entry_continue_reverse(entry, &watched, node)
			WRITE_ONCE(entry->bridge->enable_device, enable_device);
		return -EBUSY;
	}

	nvli_enable_wait();
	list_for_each_entry_safe(entry, next, &watched, node) {
		list_del_rcu(&entry->node);
		put_device(&entry->bridge->dev);
		kfree(entry);
	}

	return 0;
}
