// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replaces the write operation of a bus by the gate's, with pci_bus_set_ops().
 *
 * A bus that the kernel allocates below such a bus inherits its operations. So the copies of the
 * operations live until the module is unloaded.
 */

#include "log.h"
#include "bus.h"

#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>

/**
 * struct copy - operations of a host bridge, with the gate's write
 * @node: in the list of all copies
 * @original: the operations that were copied
 * @ops: the copy
 */
struct copy {
	struct list_head node;
	struct pci_ops *original;
	struct pci_ops ops;
};

static LIST_HEAD(buses);
static LIST_HEAD(copies);
/* Guards both lists. Readers may be under RCU. */
static DEFINE_MUTEX(buses_lock);

static nvli_bus_write_t gate_write;

atomic_t nvli_bus_sleepers = ATOMIC_INIT(0);

/* Compares addresses only: operations of another module may be gone with it. */
static bool is_ours(const struct pci_ops *ops)
{
	struct copy *copy;
	bool ours = false;

	rcu_read_lock();
	list_for_each_entry_rcu(copy, &copies, node)
		ours |= ops == &copy->ops;
	rcu_read_unlock();

	return ours;
}

/*
 * container_of(bus->ops) would not do: aer_inject puts its own operations there while it injects
 * errors, and calls ours. Under RCU.
 */
struct nvli_bus *nvli_bus_find(const struct pci_bus *bus)
{
	struct nvli_bus *entry;

	list_for_each_entry_rcu(entry, &buses, node)
		if (entry->bus == bus)
			return entry;

	return NULL;
}

/*
 * Wait until the gate has decided about the write that it may be handling on a bus. pci_lock does
 * the same for config accesses that take it.
 */
void nvli_bus_wait(const struct pci_bus *bus)
{
	struct nvli_bus *entry;
	unsigned long flags;

	rcu_read_lock();
	entry = nvli_bus_find(bus);
	if (entry) {
		raw_spin_lock_irqsave(&entry->lock, flags);
		raw_spin_unlock_irqrestore(&entry->lock, flags);
	}
	rcu_read_unlock();
}

/* The operations that the host bridge's driver gave to all its buses. The gate calls them. */
struct pci_ops *nvli_bus_own_ops(struct pci_bus *bus)
{
	while (bus->parent)
		bus = bus->parent;

	return to_pci_host_bridge(bus->bridge)->ops;
}

/*
 * Read config space in any context, where config accesses do not take pci_lock: pci_read_config_*()
 * would, if the caller's write came from user space. False if the device did not respond.
 */
bool nvli_bus_read(struct pci_dev *pdev, int where, int size, u32 *value)
{
	u32 ones = size == 4 ? U32_MAX : U16_MAX;

	*value = ones;
	/* Bypass the bus's operations: aer_inject may hold its lock while it calls the gate. */
	if (nvli_bus_own_ops(pdev->bus)->read(pdev->bus, pdev->devfn, where, size, value))
		return false;
	*value &= ones;

	return *value != ones;
}

/* The caller holds buses_lock, which keeps the entry. */
static struct nvli_bus *find_locked(const struct pci_bus *bus)
{
	struct nvli_bus *entry;

	rcu_read_lock();
	entry = nvli_bus_find(bus);
	rcu_read_unlock();

	return entry;
}

/* Do config writes on this bus go through the gate? */
bool nvli_bus_is_attached(const struct pci_bus *bus)
{
	bool attached;

	rcu_read_lock();
	attached = nvli_bus_find(bus) && is_ours(READ_ONCE(bus->ops));
	rcu_read_unlock();

	return attached;
}

static struct pci_ops *copy_of(struct pci_ops *original)
{
	struct copy *copy;

	list_for_each_entry(copy, &copies, node)
		if (copy->original == original)
			return &copy->ops;

	copy = kzalloc(sizeof(*copy), GFP_KERNEL);
	if (!copy)
		return NULL;
	copy->original = original;
	copy->ops = *original;
	copy->ops.write = gate_write;
	list_add_rcu(&copy->node, &copies);

	return &copy->ops;
}

/* Put the bus in the list, if it is not there yet. False if that is not possible. */
static bool add_entry(struct pci_bus *bus)
{
	struct nvli_bus *entry;

	if (find_locked(bus))
		return true;
	if (bus->ops != nvli_bus_own_ops(bus) && !is_ours(bus->ops)) {
		dev_err(&bus->dev, "another module has put its config operations there: %ps\n",
			bus->ops);
		return false;
	}

	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return false;
	raw_spin_lock_init(&entry->lock);
	entry->cpu = -1;
	get_device(&bus->dev);
	entry->bus = bus;
	list_add_tail_rcu(&entry->node, &buses);

	return true;
}

/*
 * Let config writes on a bus go through the gate. Do not put the gate on top of another module's
 * operations: that module could be unloaded first. Returns true if they go through the gate now.
 */
bool nvli_bus_attach(struct pci_bus *bus)
{
	struct pci_ops *own = nvli_bus_own_ops(bus);
	struct pci_ops *ops;

	mutex_lock(&buses_lock);
	/* Add the entry first: a write may arrive as soon as the operations are replaced. */
	ops = add_entry(bus) ? copy_of(own) : NULL;
	if (ops && READ_ONCE(bus->ops) == own)
		pci_bus_set_ops(bus, ops);
	mutex_unlock(&buses_lock);

	return nvli_bus_is_attached(bus);
}

/*
 * Call @visit for each device of the machine, under pci_bus_sem, which keeps the buses below its
 * own bus, but for a bus that is just being removed: the kernel's own walks share that window of
 * microseconds. Callers need not hold the rescan lock: a device that is held keeps its root bus.
 */
static void walk_devices(int (*visit)(struct pci_dev *pdev, void *data), void *data)
{
	struct pci_bus *walked = NULL;
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev) {
		if (!pci_is_root_bus(pdev->bus) || pdev->bus == walked)
			continue;
		walked = pdev->bus;
		pci_walk_bus(walked, visit, data);
	}
}

/* Has another module put its operations on top of ours? If so, log it. */
static bool is_covered(struct pci_bus *bus)
{
	const struct pci_ops *ops = READ_ONCE(bus->ops);

	if (is_ours(ops) || ops == nvli_bus_own_ops(bus))
		return false;
	dev_err(&bus->dev, "another module has put its config operations on top of ours: %ps\n",
		ops);

	return true;
}

/*
 * A bus below an intercepted one may have inherited the gate before another module covered it. That
 * module would put the gate back after ours has gone. Under buses_lock. Once for each bus, by its
 * first device, so that the log has one line.
 */
static int look_at_heirs(struct pci_dev *pdev, void *covered)
{
	struct pci_bus *child, *above;

	if (pdev != list_first_entry(&pdev->bus->devices, struct pci_dev, bus_list))
		return 0;
	list_for_each_entry(child, &pdev->bus->children, node) {
		for (above = child->parent; above && !find_locked(above); above = above->parent)
			;
		if (above && !find_locked(child) && is_covered(child))
			*(bool *)covered = true;
	}

	return 0;
}

/* Could the gate be removed from all buses now, without removing others' operations? */
bool nvli_buses_can_detach(void)
{
	struct nvli_bus *entry;
	bool covered = false;

	mutex_lock(&buses_lock);
	list_for_each_entry(entry, &buses, node)
		covered |= is_covered(entry->bus);
	walk_devices(look_at_heirs, &covered);
	mutex_unlock(&buses_lock);

	return !covered;
}

/* False if another module has put its operations on top meanwhile. */
static bool restore(struct nvli_bus *entry)
{
	struct pci_ops *own = nvli_bus_own_ops(entry->bus);
	struct pci_ops *ops = pci_bus_set_ops(entry->bus, own);

	if (is_ours(ops) || ops == own)
		return true;
	pci_bus_set_ops(entry->bus, ops);

	return false;
}

/* The caller holds buses_lock. */
static void forget(struct nvli_bus *entry)
{
	list_del_rcu(&entry->node);
	synchronize_rcu();
	put_device(&entry->bus->dev);
	kfree(entry);
}

/* Under buses_lock, unless the gate is detached. */
static int restore_heirs(struct pci_dev *pdev, void *unused)
{
	struct pci_bus *child;

	list_for_each_entry(child, &pdev->bus->children, node)
		if (is_ours(READ_ONCE(child->ops)) && !find_locked(child))
			pci_bus_set_ops(child, nvli_bus_own_ops(child));

	return 0;
}

/*
 * Wait until no task runs in operations that a bus had before. Where config accesses do not take
 * pci_lock, a task may have read the pointer to a write operation and be preempted before it calls
 * it.
 */
void nvli_buses_wait(void)
{
	synchronize_rcu_tasks();
	synchronize_rcu();
}

/*
 * Wait until no task runs in the gate, which was removed. A grace period does not wait for a task
 * that sleeps in it, so these are counted.
 */
static void wait_for_gate(void)
{
	synchronize_rcu_tasks();
	while (atomic_read(&nvli_bus_sleepers))
		msleep(20);
	nvli_buses_wait();
}

/* Return: 0, or -EBUSY if the gate is still on a bus. It is removed from the others. */
int nvli_buses_detach(void)
{
	struct nvli_bus *entry, *next;
	int err = 0;

	mutex_lock(&buses_lock);
	list_for_each_entry_safe(entry, next, &buses, node) {
		if (restore(entry))
			forget(entry);
		else
			err = -EBUSY;
	}
	walk_devices(restore_heirs, NULL);
	mutex_unlock(&buses_lock);
	wait_for_gate();

	return err;
}

/*
 * The kernel does not report that it removes a root bus, so the removal of the last device there
 * stands for it. If a GPU is added there later, nvli_bus_attach() makes an entry again.
 */
static bool leaves_root_empty(const struct pci_dev *pdev, struct pci_bus *bus)
{
	return pdev->bus == bus && pci_is_root_bus(bus) && list_is_singular(&bus->devices);
}

/*
 * A device is removed, after the bus below it. The entry of a bus that goes with it still holds a
 * reference to the pci_bus. If another module's operations are on top there, it will put the gate's
 * back some time, so the entry stays at least until then. The caller holds the rescan lock.
 */
void nvli_bus_forget_below(const struct pci_dev *pdev)
{
	struct nvli_bus *entry, *next;

	mutex_lock(&buses_lock);
	list_for_each_entry_safe(entry, next, &buses, node)
		if ((entry->bus->self == pdev || leaves_root_empty(pdev, entry->bus)) &&
		    restore(entry))
			forget(entry);
	mutex_unlock(&buses_lock);
}

/* @write replaces the write operation of each bus to which the gate is attached from now on. */
void nvli_buses_init(nvli_bus_write_t write)
{
	gate_write = write;
}

/* The gate is detached. A bus may have inherited it since; the caller holds the rescan lock. */
void nvli_buses_exit(void)
{
	struct copy *copy, *next;

	walk_devices(restore_heirs, NULL);
	wait_for_gate();
	list_for_each_entry_safe(copy, next, &copies, node) {
		list_del(&copy->node);
		kfree(copy);
	}
}
