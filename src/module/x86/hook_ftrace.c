// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook B by ftrace, as a live patch: do_pci_enable_device() calls pcibios_enable_device(), and for
 * one of our GPUs the handler redirects the call to enable(). The handler itself may not sleep. To
 * reach the original, enable() enables the device once more, and the handler passes that second
 * call. It must not call the original by its address, since IBT kernels seal functions.
 */

#include "../log.h"
#include "x86.h"
#include "../enable.h"

#include <linux/ftrace.h>
#include <linux/pm_runtime.h>
#include <linux/spinlock.h>

#define FUNCTION	"pcibios_enable_device"

/**
 * struct passing - a call that the handler does not redirect
 * @node: in the list of them
 * @task: the caller
 */
struct passing {
	struct list_head node;
	const struct task_struct *task;
};

static LIST_HEAD(all_passing);
static DEFINE_RAW_SPINLOCK(passing_lock);

/* Counts the calls that the handler has seen, for any device: proof that ftrace calls it */
static atomic_t seen = ATOMIC_INIT(0);

static bool hooked;

static bool is_passing(const struct task_struct *task)
{
	struct passing *passing;
	unsigned long flags;
	bool found = false;

	raw_spin_lock_irqsave(&passing_lock, flags);
	list_for_each_entry(passing, &all_passing, node)
		found |= passing->task == task;
	raw_spin_unlock_irqrestore(&passing_lock, flags);

	return found;
}

/* In place of pcibios_enable_device() */
static int enable(struct pci_dev *pdev, int mask)
{
	struct passing passing = { .task = current };
	unsigned long flags;
	int err = -EIO;

	nvli_enable_begin();
	if (!nvli_may_enable(pdev))
		goto out;

	raw_spin_lock_irqsave(&passing_lock, flags);
	list_add(&passing.node, &all_passing);
	raw_spin_unlock_irqrestore(&passing_lock, flags);
	/* Enables all BARs. The mask only selects memory BARs, and a GPU has no others. */
	err = pci_is_enabled(pdev) ? pci_reenable_device(pdev) : -ENODEV;
	raw_spin_lock_irqsave(&passing_lock, flags);
	list_del(&passing.node);
	raw_spin_unlock_irqrestore(&passing_lock, flags);
out:
	nvli_enable_end();

	return err;
}

static void notrace handle(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			   struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);
	const struct pci_dev *pdev;

	atomic_inc(&seen);
	if (!regs)
		return;
	pdev = (const struct pci_dev *)regs_get_kernel_argument(regs, 0);
	if (nvli_board(pdev->vendor, pdev->device) && !is_passing(current))
		instruction_pointer_set(regs, (unsigned long)enable);
}

/* FTRACE_OPS_FL_PERMANENT: kernel.ftrace_enabled=0 is refused, instead of ending this silently. */
static struct ftrace_ops ops = {
	.func = handle,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT |
		 FTRACE_OPS_FL_RECURSION,
};

/*
 * Any bridge that is enabled: the port above the GPU may not be enabled yet. The caller puts the
 * reference.
 */
static struct pci_dev *enabled_bridge(void)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		if (pdev->class >> 8 == PCI_CLASS_BRIDGE_PCI && pci_is_enabled(pdev))
			return pdev;

	return NULL;
}

/*
 * Some kernels resolve the name to another place (5.18 to 6.14 with IBT, where a weak function is
 * overridden, as this one is). So the test enables a bridge once more that is enabled already, and
 * keeps it awake meanwhile. Without any such bridge the hook is not trusted.
 */
static bool fires(void)
{
	struct pci_dev *bridge = enabled_bridge();
	int before = atomic_read(&seen);
	int err;

	if (!bridge)
		return false;

	pm_runtime_get_sync(&bridge->dev);
	err = pci_reenable_device(bridge);
	pm_runtime_put(&bridge->dev);
	pci_dev_put(bridge);

	return !err && atomic_read(&seen) != before;
}

bool nvli_hook_watch(struct pci_dev *pdev)
{
	int err;

	if (hooked)
		return true;

	err = ftrace_set_filter(&ops, FUNCTION, strlen(FUNCTION), 1);
	if (!err)
		err = register_ftrace_function(&ops);
	/* If ftrace cannot unregister the handler it keeps calling it: the hook counts as set. */
	if (!err && !fires() && !unregister_ftrace_function(&ops))
		err = -ENOENT;
	WRITE_ONCE(hooked, !err);
	if (err)
		pr_warn_once("cannot refuse pci_enable_device() by ftrace (error %d): the driver of a GPU that is not verified finds its memory decoding off instead\n",
			     err);

	return hooked;
}

bool nvli_hook_is_watched(const struct pci_dev *pdev)
{
	return READ_ONCE(hooked);
}

/* ftrace serves any number of users, but only one per function that redirects calls. */
bool nvli_hook_can_unwatch(void)
{
	return true;
}

/* 0, or -EBUSY if ftrace has disabled itself after a fault, and keeps calling the handler. */
int nvli_hook_unwatch(void)
{
	if (hooked && unregister_ftrace_function(&ops))
		return -EBUSY;
	WRITE_ONCE(hooked, false);
	nvli_enable_wait();
	/*
	 * Free the filter, which ftrace keeps, also of a hook that could not be set. Only now:
	 * ftrace may still look at the ops on another CPU, and without a filter it calls the
	 * handler for every function. ftrace_free_filter() leaves pointers to what it has freed.
	 */
	ftrace_set_filter(&ops, NULL, 0, 1);

	return 0;
}
