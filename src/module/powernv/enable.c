// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook B: who enables a GPU. The gate alone would do, but its refusal does not reach a driver:
 * pci_enable_device() returns 0 with decoding off, and the driver's first access freezes the PE.
 * So pci_enable_device() is made to fail.
 *
 * Each PHB has its own copy of struct pci_controller_ops, and pcibios_enable_device() always calls
 * through it, so the compiler cannot inline it away. The member is replaced on each PHB that has a
 * GPU, and calls the original.
 */

#include "../log.h"
#include "powernv.h"
#include "../events.h"
#include "../look.h"
#include "../settings.h"

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include <asm/pci-bridge.h>

struct watched_phb {
	struct list_head node;
	struct pci_controller *phb;
};

/* Guarded by nvli_lock, as all that is called from outside. */
static LIST_HEAD(watched);

/* What was there before us, on all PHBs. Written while no hook is in place. */
static bool (*original)(struct pci_dev *pdev);

/* Callers inside the hook, which unloading has to wait for */
static atomic_t in_flight = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_left);

/*
 * EEH enables a device while it cannot be reached, and gives it up if that fails; a guest that has
 * the GPU meets the gate. Everybody else gets a clean error here.
 */
static bool may_enable(struct nvli_gpu *gpu)
{
	enum nvli_answer answer;
	unsigned int ms = nvli_settles_in(gpu);
	bool involved;

	/* EEH forgets a device that goes, after us. */
	rcu_read_lock();
	involved = !READ_ONCE(gpu->dead) && nvli_eeh_is_involved(gpu);
	rcu_read_unlock();

	/* Nobody resets a GPU right before enabling it but by raw bridge control. */
	if (ms && ms != UINT_MAX && !involved)
		msleep(ms);
	answer = nvli_look_at_enable(gpu);
	if (answer == NVLI_VERIFIED || answer == NVLI_SPARED || involved || !READ_ONCE(nvli_gate))
		return true;

	nvli_gpu_count_refusal(gpu);

	return false;
}

static bool enable_device_hook(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu;
	bool ok;

	atomic_inc(&in_flight);

	ok = original(pdev);
	if (ok && nvli_board(pdev->vendor, pdev->device)) {
		gpu = nvli_gpu_get(pdev);
		/* One that could not be taken in is not isolated either. */
		ok = gpu ? may_enable(gpu) : !READ_ONCE(nvli_gate);
		if (gpu) {
			nvli_gpu_kick(gpu);
			nvli_gpu_put(gpu);
		}
	}

	if (atomic_dec_and_test(&in_flight) && wq_has_sleeper(&all_left))
		wake_up(&all_left);

	return ok;
}

/* Is the hook in place on the PHB of this device? */
bool nvli_enable_is_watched(const struct pci_dev *pdev)
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
bool nvli_enable_watch(struct pci_dev *pdev)
{
	struct pci_controller *phb = pci_bus_to_host(pdev->bus);
	struct watched_phb *entry;

	list_for_each_entry(entry, &watched, node)
		if (entry->phb == phb)
			return nvli_enable_is_watched(pdev);

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

/* Are all hooks still what the kernel calls, so that they could be taken off? */
bool nvli_enable_can_unwatch(void)
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

/*
 * Wait until nobody runs in the hook. The first grace period is for those who have read our pointer
 * and not yet counted themselves, the second for those who are on their way out.
 */
static void wait_for_callers(void)
{
	synchronize_rcu_tasks();
	wait_event(all_left, !atomic_read(&in_flight));
	synchronize_rcu_tasks();
}

/* Take all hooks off. 0, or -EBUSY with all in place if another hook is on top of one. */
int nvli_enable_unwatch(void)
{
	struct watched_phb *entry, *next;

	list_for_each_entry(entry, &watched, node) {
		if (unhook(entry->phb))
			continue;
		list_for_each_entry_continue_reverse(entry, &watched, node)
			hook(entry->phb);
		return -EBUSY;
	}

	wait_for_callers();
	list_for_each_entry_safe(entry, next, &watched, node) {
		list_del(&entry->node);
		kfree(entry);
	}

	return 0;
}
