// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module built with seam.h calls this instead of the kernel: PEs that are frozen, which the
 * emulated machine does not have, and allocations that fail. Parameters, all of root's:
 *
 *   device      PCI address of the GPU whose PE is played; empty: none
 *   frozen      1: it is frozen
 *   flags       of its PE: written "+MASK" or "-MASK"
 *   passed      1: it is a guest's
 *   freeze_at   at this access to BAR0, from 1, freeze the PE; then 0
 *   block_at    at this access freeze the PE and have EEH block config space; then 0
 *   echo_at     at this access EEH reads COMMAND; after the attempt it writes that value back past
 *               the gate and calls the enable hook; then 0
 *   log         accesses since it was written; in parentheses those that met a frozen PE
 *   checks      calls of eeh_dev_check_failure() for the GPU, and how many of them made an event:
 *               the PE was frozen, not marked and the host's, and is marked as isolated then.
 *               Writing clears both
 *   send        __eeh_send_failure_event in /proc/kallsyms: each event is sent, so that EEH
 *               recovers the PE; 0: none is
 *   fail_at     the allocation, from 1, that fails; 0: none, -1: all. allocations counts them since
 *   taken       allocations that were not given back
 *
 * Allocations are those by name, mappings, the workqueue, the directory in sysfs and the probes.
 */
#include "seam.h"

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include <asm/ppc-pci.h>

/* In here the kernel's own are meant. */
#undef eeh_dev_check_failure
#undef in_le32
#undef out_le32

#define NO_ANSWER 0xffffffff

static struct pci_dev *pdev;
static bool frozen;
static int freeze_at;
static int block_at;
static int echo_at;
static unsigned int accesses, strays;
static unsigned int checks, events;
static ulong send;
/* Taken with interrupts off, under the locks of the PCI core: raw. */
static DEFINE_RAW_SPINLOCK(lock);

static atomic_t fail_at = ATOMIC_INIT(0);
static atomic_t allocations = ATOMIC_INIT(0);
static atomic_t taken = ATOMIC_INIT(0);

bool lab_seam_fails(void)
{
	int n = atomic_inc_return(&allocations);
	int at = atomic_read(&fail_at);

	return at < 0 || n == at;
}
EXPORT_SYMBOL_GPL(lab_seam_fails);

void lab_seam_taken(void)
{
	atomic_inc(&taken);
}
EXPORT_SYMBOL_GPL(lab_seam_taken);

void lab_seam_given_back(void)
{
	atomic_dec(&taken);
}
EXPORT_SYMBOL_GPL(lab_seam_given_back);

/* What the module has mapped where: a kernel need not have a page for such an address. */
static struct {
	const void __iomem *at;
	phys_addr_t start;
	unsigned long size;
} windows[64];

void lab_seam_mapped(const void __iomem *at, phys_addr_t start, unsigned long size)
{
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < ARRAY_SIZE(windows) && windows[i].at; i++)
		;
	if (!WARN_ON(i == ARRAY_SIZE(windows))) {
		windows[i].at = at;
		windows[i].start = start;
		windows[i].size = size;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_GPL(lab_seam_mapped);

void lab_seam_unmapped(const void __iomem *at)
{
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < ARRAY_SIZE(windows); i++)
		if (windows[i].at == at)
			windows[i].at = NULL;
	raw_spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_GPL(lab_seam_unmapped);

/* 0 for what is in no window */
static phys_addr_t physical(const void __iomem *addr)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(windows); i++)
		if (windows[i].at && addr >= windows[i].at &&
		    addr < windows[i].at + windows[i].size)
			return windows[i].start + (addr - windows[i].at);

	return 0;
}

static struct eeh_pe *played(void)
{
	return pdev ? eeh_dev_to_pe(pci_dev_to_eeh_dev(pdev)) : NULL;
}

/* What the kernel does with a PE that it finds frozen; its own finds none here. */
int lab_seam_dev_check_failure(struct eeh_dev *edev)
{
	struct eeh_pe *pe = eeh_dev_to_pe(edev);
	int (*send_event)(struct eeh_pe *pe) = (void *)send;
	unsigned long flags;
	bool event = false;
	int ret = 0;

	if (!pe || pe != played())
		return eeh_dev_check_failure(edev);

	raw_spin_lock_irqsave(&lock, flags);
	checks++;
	if (!eeh_pe_passed(pe)) {
		ret = pe->state & EEH_PE_ISOLATED || frozen;
		event = ret && !(pe->state & EEH_PE_ISOLATED);
	}
	if (event) {
		events++;
		eeh_pe_mark_isolated(pe);
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	if (event && send_event)
		send_event(pe);

	return ret;
}
EXPORT_SYMBOL_GPL(lab_seam_dev_check_failure);

/* EEH reads and writes config space by the machine's operations, past the gate, with no lock. */
static struct pci_ops *machine_ops(void)
{
	struct pci_bus *bus = pdev->bus;

	while (bus->parent)
		bus = bus->parent;

	return to_pci_host_bridge(bus->bridge)->ops;
}

static u32 echoed;
static void echo(struct work_struct *unused)
{
	machine_ops()->write(pdev->bus, pdev->devfn, PCI_COMMAND, 2, echoed);
	pci_bus_to_host(pdev->bus)->controller_ops.enable_device_hook(pdev);
}

static DECLARE_DELAYED_WORK(echo_work, echo);

/* Is it BAR0 of the GPU that is played, and frozen? */
static bool is_stray(const void __iomem *addr)
{
	unsigned long flags;
	bool stray = false;
	phys_addr_t at;

	raw_spin_lock_irqsave(&lock, flags);
	at = physical(addr);
	if (WARN_ON(!at) || !pdev || at < pci_resource_start(pdev, 0) ||
	    at > pci_resource_end(pdev, 0))
		goto out;
	accesses++;
	if (freeze_at && !--freeze_at)
		frozen = true;
	if (block_at && !--block_at) {
		frozen = true;
		eeh_pe_state_mark(played(), EEH_PE_CFG_BLOCKED);
	}
	if (echo_at && !--echo_at) {
		machine_ops()->read(pdev->bus, pdev->devfn, PCI_COMMAND, 2, &echoed);
		schedule_delayed_work(&echo_work, msecs_to_jiffies(20));
	}
	stray = frozen;
	strays += stray;
out:
	raw_spin_unlock_irqrestore(&lock, flags);

	return stray;
}

u32 lab_seam_in_le32(const u32 __iomem *addr)
{
	return is_stray(addr) ? NO_ANSWER : in_le32(addr);
}
EXPORT_SYMBOL_GPL(lab_seam_in_le32);

void lab_seam_out_le32(u32 __iomem *addr, u32 value)
{
	if (!is_stray(addr))
		out_le32(addr, value);
}
EXPORT_SYMBOL_GPL(lab_seam_out_le32);

static int set_device(const char *val, const struct kernel_param *kp)
{
	struct pci_dev *found = NULL;

	while ((found = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, found)))
		if (sysfs_streq(val, pci_name(found)))
			break;
	cancel_delayed_work_sync(&echo_work);
	pci_dev_put(pdev);
	pdev = found;

	return found || sysfs_streq(val, "") ? 0 : -ENODEV;
}

static int set_flags(const char *val, const struct kernel_param *kp)
{
	struct eeh_pe *pe = played();
	unsigned int mask;

	if (!pe || (*val != '+' && *val != '-') || kstrtouint(val + 1, 0, &mask))
		return -EINVAL;
	if (*val == '+')
		eeh_pe_state_mark(pe, mask);
	else
		pe->state &= ~mask;

	return 0;
}

static int set_passed(const char *val, const struct kernel_param *kp)
{
	struct eeh_pe *pe = played();

	if (!pe)
		return -EINVAL;
	atomic_add(sysfs_streq(val, "1") ? 1 : -1, &pe->pass_dev_cnt);

	return 0;
}

static int set_log(const char *val, const struct kernel_param *kp)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	accesses = 0;
	strays = 0;
	raw_spin_unlock_irqrestore(&lock, flags);

	return 0;
}

static int get_log(char *buffer, const struct kernel_param *kp)
{
	unsigned long flags;
	int n;

	raw_spin_lock_irqsave(&lock, flags);
	n = !accesses ? scnprintf(buffer, PAGE_SIZE, "\n") :
	    scnprintf(buffer, PAGE_SIZE, strays ? "%u(%u)\n" : "%u\n", accesses, strays);
	raw_spin_unlock_irqrestore(&lock, flags);

	return n;
}

static int set_checks(const char *val, const struct kernel_param *kp)
{
	checks = 0;
	events = 0;

	return 0;
}

static int get_checks(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%u %u\n", checks, events);
}

static int set_fail_at(const char *val, const struct kernel_param *kp)
{
	int n;

	if (kstrtoint(val, 0, &n))
		return -EINVAL;
	atomic_set(&allocations, 0);
	atomic_set(&fail_at, n);

	return 0;
}

static int get_atomic(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%d\n", atomic_read((atomic_t *)kp->arg));
}

static const struct kernel_param_ops device_ops = { .set = set_device };
static const struct kernel_param_ops flags_ops = { .set = set_flags };
static const struct kernel_param_ops passed_ops = { .set = set_passed };
static const struct kernel_param_ops log_ops = { .set = set_log, .get = get_log };
static const struct kernel_param_ops checks_ops = { .set = set_checks, .get = get_checks };
static const struct kernel_param_ops fail_at_ops = { .set = set_fail_at, .get = get_atomic };
static const struct kernel_param_ops count_ops = { .get = get_atomic };

module_param_cb(device, &device_ops, NULL, 0200);
module_param(frozen, bool, 0600);
module_param_cb(flags, &flags_ops, NULL, 0200);
module_param_cb(passed, &passed_ops, NULL, 0200);
module_param(freeze_at, int, 0600);
module_param(block_at, int, 0600);
module_param(echo_at, int, 0600);
module_param_cb(log, &log_ops, NULL, 0600);
module_param_cb(checks, &checks_ops, NULL, 0600);
module_param(send, ulong, 0600);
module_param_cb(fail_at, &fail_at_ops, &fail_at, 0600);
module_param_cb(allocations, &count_ops, &allocations, 0400);
module_param_cb(taken, &count_ops, &taken, 0400);

static int __init lab_seam_init(void)
{
	return 0;
}
module_init(lab_seam_init);

static void __exit lab_seam_exit(void)
{
	cancel_delayed_work_sync(&echo_work);
	pci_dev_put(pdev);
}
module_exit(lab_seam_exit);

MODULE_DESCRIPTION("Frozen PEs and failing allocations for nvlink_isolation built with seam.h");
MODULE_LICENSE("GPL");
