// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI drivers as the lab's scenarios need them. They match nothing by themselves; bind one by
 * driver_override:
 *
 *   lab_driver        enables its device and nothing else: the scenarios use it to check whether a
 *                     GPU may be enabled, and to have one in use
 *   lab_driver_aware  the same, and it survives EEH recovery as a real driver does: it requests a
 *                     reset, and enables and restores the device after it
 *   lab-vfio-pci      puts a device that is not open into D3hot by pci_set_power_state(), as
 *                     vfio-pci does before 5.19. Binding it enables nothing
 *   lab-vfio-pci-pm   the same by runtime PM, as vfio-pci does since
 *
 * With the parameter read=1 the first two also read BAR0 when they have enabled the device, at an
 * offset that nobody else reads: in the device's log these are the driver's.
 *
 * With blind=1 as well they read it whether the device decodes or not, as a driver does that trusts
 * pci_enable_device().
 *
 * With stay=1 lab_driver_aware leaves its device enabled while EEH resets it, as some drivers do;
 * EEH then enables it again itself, at the end of the reset.
 *
 * With leave_asleep=1 lab-vfio-pci does not wake its device when it is unbound. With d3hot_ms=MS
 * the kernel sleeps that long when its device goes to D3hot or comes back, also when unbound.
 *
 * A device bound to one of the first two has a directory lab_driver/ in sysfs:
 *
 *   read   reading it reads BAR0 once and shows the value; ENXIO when the device does not decode
 *   poll   1: a thread reads BAR0 again and again, but for when the device does not decode.
 *          0: it ends. Reads as how often it did since it was started
 *   reset  writing does one of the resets that only the kernel can request; see lab_resets
 *   eeh    reads as the device's PE and the PEs above it, up to the PHB's: ADDRESS:STATE each
 *
 * For the others that directory has one file, open: 1 wakes and enables the device, 0 disables it
 * and puts it to sleep again.
 *
 * Unrelated to any driver, a PCI address written to the parameter phb_failure has EEH recover the
 * PHB of that device as if it was fenced. eeh_failure has to be given for it.
 *
 * The address of a bridge, written to the parameter reset_below, has the kernel reset that bridge's
 * secondary bus. It saves and restores all devices below, as for reset_subordinate in sysfs.
 *
 * "ADDRESS VALUE" written to the parameter write_command has firmware write 4 bytes of COMMAND and
 * STATUS of that device, past the operations of its bus, as EEH does. opal_write has to be given
 * for it.
 *
 * "ADDRESS N [freeze]" written to the parameter couple makes firmware know the PE of emulated GPU
 * N. While that GPU is frozen, OPAL reports its PE as frozen to the kernel. The OPAL call by which
 * the kernel thaws the PE thaws the GPU. With `freeze`, the OPAL call that freezes a PE, which each
 * EEH reset makes, freezes the GPU. Write it again for a GPU that was removed and found again. "-"
 * ends it for all.
 *
 * "ADDRESS +MASK" or "ADDRESS -MASK" written to the parameter mark sets or clears flags of a
 * device's PE, as EEH does: 1 is EEH_PE_ISOLATED.
 *
 * The ADDRESS of a device written to the parameter lock holds its lock until the writer gets a
 * signal, as readers of sysfs do for a moment. The log says when it is held.
 *
 * START-END, in hexadecimal, written to the parameter reserve has nobody get these addresses;
 * "-" frees them.
 *
 * "SYMBOL MS" written to the parameter delay keeps each caller of that function busy for so many
 * milliseconds before it is in it, without preemption: what another processor does meanwhile comes
 * in between. "-" is the end of it. The parameter delayed counts them. With "SYMBOL MS once" only
 * the first caller is kept.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/of.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#ifdef CONFIG_EEH
#include <asm/eeh.h>
#include <asm/opal-api.h>
#include <asm/ppc-pci.h>
#endif

/* Plain memory of the emulated GPU, far from the registers that the project uses. */
#define LAB_OFFSET 0x700000

static bool read;
module_param(read, bool, 0644);
MODULE_PARM_DESC(read, "read BAR0 after enabling a device (default: N)");

static bool blind;
module_param(blind, bool, 0644);
MODULE_PARM_DESC(blind, "with read=1, read even if the device does not decode (default: N)");

static bool stay;
module_param(stay, bool, 0644);
MODULE_PARM_DESC(stay, "do not disable a device for EEH (default: N)");

static bool leave_asleep;
module_param(leave_asleep, bool, 0644);
MODULE_PARM_DESC(leave_asleep, "do not wake a device that is unbound (default: N)");

static unsigned int d3hot_ms;
module_param(d3hot_ms, uint, 0644);
MODULE_PARM_DESC(d3hot_ms, "how long a device takes for D3hot, in ms (default: 0, what it needs)");

static unsigned int poll_ms = 10;
module_param(poll_ms, uint, 0644);
MODULE_PARM_DESC(poll_ms, "what the thread sleeps between two reads, in ms (default: 10)");

/* The device at the address in @val, held; NULL if there is none. */
static struct pci_dev *lab_find(const char *val)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev)))
		if (sysfs_streq(val, pci_name(pdev)))
			break;
	return pdev;
}

#ifdef CONFIG_EEH
/* Debugfs takes PEs by number, which a PHB's does not have, and the kernel exports nothing. */
static ulong eeh_failure;
module_param(eeh_failure, ulong, 0644);
MODULE_PARM_DESC(eeh_failure, "__eeh_send_failure_event in /proc/kallsyms");

static int lab_mark_isolated(struct eeh_pe *pe)
{
#ifdef LAB_HAS_MARK_ISOLATED
	eeh_pe_mark_isolated(pe);
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

static int set_phb_failure(const char *val, const struct kernel_param *kp)
{
	int (*send)(struct eeh_pe *pe) = (void *)eeh_failure;
	struct pci_dev *pdev = lab_find(val);
	struct eeh_dev *edev;
	struct eeh_pe *pe;
	int ret = -ENODEV;

	edev = pdev ? pci_dev_to_eeh_dev(pdev) : NULL;
	for (pe = edev ? edev->pe : NULL; pe && !(pe->type & EEH_PE_PHB); pe = pe->parent)
		;
	if (pe && send) {
		/* All below a fenced PHB is frozen. */
		ret = lab_mark_isolated(pe);
		if (!ret)
			ret = send(pe);
	}
	pci_dev_put(pdev);
	return ret;
}

static const struct kernel_param_ops phb_failure_ops = {
	.set = set_phb_failure,
};
module_param_cb(phb_failure, &phb_failure_ops, NULL, 0200);
MODULE_PARM_DESC(phb_failure, "PCI address of a device whose PHB EEH is to recover");

static ulong opal_write;
module_param(opal_write, ulong, 0644);
MODULE_PARM_DESC(opal_write, "opal_pci_config_write_word in /proc/kallsyms");

static int set_write_command(const char *val, const struct kernel_param *kp)
{
	s64 (*write)(u64 phb, u64 id, u64 offset, u32 value) = (void *)opal_write;
	struct pci_dev *pdev;
	char address[16];
	int ret = -ENODEV;
	u32 value;

	if (sscanf(val, "%15s %x", address, &value) != 2)
		return -EINVAL;
	pdev = lab_find(address);
	/* On powernv a segment has OPAL's number of the PHB. */
	if (pdev && write)
		ret = write(pci_domain_nr(pdev->bus), PCI_DEVID(pdev->bus->number, pdev->devfn),
			    PCI_COMMAND, value) ? -EIO : 0;
	pci_dev_put(pdev);
	return ret;
}

static const struct kernel_param_ops write_command_ops = {
	.set = set_write_command,
};
module_param_cb(write_command, &write_command_ops, NULL, 0200);
MODULE_PARM_DESC(write_command, "a device, and what to write to its COMMAND and STATUS");

#define CONTROL_FREEZE 0x40	/* see tests/device/control.c */
#define COUPLED_MAX 16

/* All guarded by couple_lock; an interrupt may call OPAL. */
static struct coupled {
	bool on;
	bool freeze;
	u64 phb;
	u64 pe;
} coupled[COUPLED_MAX];
static DEFINE_RAW_SPINLOCK(couple_lock);

static struct pci_dev *control;
static struct tracepoint *opal_points[2];

/* Where the call of this processor for the state of a frozen PE wants the answer */
static DEFINE_PER_CPU(u8 *, frozen_state);

static int find_coupled(u64 phb, u64 pe)
{
	int n;

	for (n = 0; n < COUPLED_MAX; n++)
		if (coupled[n].on && coupled[n].phb == phb && coupled[n].pe == pe)
			return n;

	return -1;
}

/*
 * Interrupts are off. The accesses to config space call OPAL in turn, without the lock that the PCI
 * core takes for that, since whoever called OPAL may have it: each is a single one.
 */
static void lab_opal_entry(void *unused, unsigned long opcode, unsigned long *args)
{
	struct pci_ops *ops = control->bus->ops;
	unsigned long flags;
	u32 frozen;
	int n;

	__this_cpu_write(frozen_state, NULL);
	if (opcode != OPAL_PCI_EEH_FREEZE_STATUS && opcode != OPAL_PCI_EEH_FREEZE_CLEAR &&
	    opcode != OPAL_PCI_EEH_FREEZE_SET)
		return;
	raw_spin_lock_irqsave(&couple_lock, flags);
	n = find_coupled(args[0], args[1]);
	if (n < 0)
		goto out;
	if (opcode == OPAL_PCI_EEH_FREEZE_STATUS) {
		if (!ops->read(control->bus, control->devfn, CONTROL_FREEZE, 4, &frozen) &&
		    frozen & BIT(n))
			__this_cpu_write(frozen_state, (u8 *)args[2]);
	} else if (opcode == OPAL_PCI_EEH_FREEZE_CLEAR) {
		if (args[2] & OPAL_EEH_ACTION_CLEAR_FREEZE_MMIO)
			ops->write(control->bus, control->devfn, CONTROL_FREEZE, 4, n << 1);
	} else if (coupled[n].freeze) {
		ops->write(control->bus, control->devfn, CONTROL_FREEZE, 4, n << 1 | 1);
	}
out:
	raw_spin_unlock_irqrestore(&couple_lock, flags);
}

static void lab_opal_exit(void *unused, unsigned long opcode, unsigned long result)
{
	u8 *state = __this_cpu_read(frozen_state);

	if (opcode != OPAL_PCI_EEH_FREEZE_STATUS || !state)
		return;
	*state = OPAL_EEH_STOPPED_MMIO_DMA_FREEZE;
	__this_cpu_write(frozen_state, NULL);
}

static void find_opal_point(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "opal_entry"))
		opal_points[0] = point;
	if (!strcmp(point->name, "opal_exit"))
		opal_points[1] = point;
}

static int watch_opal(void)
{
	struct pci_dev *found;
	int ret;

	if (control)
		return 0;
	for_each_kernel_tracepoint(find_opal_point, NULL);
	found = pci_get_device(PCI_VENDOR_ID_REDHAT, 0x00ee, NULL);
	if (!opal_points[0] || !opal_points[1] || !found) {
		pci_dev_put(found);
		return -ENODEV;
	}
	control = found;
	ret = tracepoint_probe_register(opal_points[1], lab_opal_exit, NULL);
	if (ret)
		goto put;
	ret = tracepoint_probe_register(opal_points[0], lab_opal_entry, NULL);
	if (!ret)
		return 0;
	tracepoint_probe_unregister(opal_points[1], lab_opal_exit, NULL);
	tracepoint_synchronize_unregister();
put:
	control = NULL;
	pci_dev_put(found);
	return ret;
}

static void unwatch_opal(void)
{
	if (!control)
		return;
	tracepoint_probe_unregister(opal_points[0], lab_opal_entry, NULL);
	tracepoint_probe_unregister(opal_points[1], lab_opal_exit, NULL);
	tracepoint_synchronize_unregister();
	pci_dev_put(control);
	control = NULL;
	memset(coupled, 0, sizeof(coupled));
}

/* The module's parameters are written one at a time. */
static int set_couple(const char *val, const struct kernel_param *kp)
{
	char name[16], how[8] = "";
	struct pci_dev *pdev = NULL;
	struct coupled one = { .on = true };
	struct eeh_dev *edev;
	unsigned long flags;
	unsigned int n;
	int ret;

	if (sysfs_streq(val, "-")) {
		unwatch_opal();
		return 0;
	}
	if (sscanf(val, "%15s %u %7s", name, &n, how) < 2 || n >= COUPLED_MAX)
		return -EINVAL;
	one.freeze = !strcmp(how, "freeze");
	while ((pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev)))
		if (!strcmp(name, pci_name(pdev)))
			break;
	edev = pdev ? pci_dev_to_eeh_dev(pdev) : NULL;
	ret = -ENODEV;
	if (!edev || !edev->pe ||
	    of_property_read_u64(pci_bus_to_host(pdev->bus)->dn, "ibm,opal-phbid", &one.phb))
		goto put;
	one.pe = edev->pe->addr;
	ret = watch_opal();
	if (ret)
		goto put;
	raw_spin_lock_irqsave(&couple_lock, flags);
	coupled[n] = one;
	raw_spin_unlock_irqrestore(&couple_lock, flags);
put:
	pci_dev_put(pdev);
	return ret;
}

static const struct kernel_param_ops couple_ops = {
	.set = set_couple,
};
module_param_cb(couple, &couple_ops, NULL, 0200);
MODULE_PARM_DESC(couple, "ADDRESS N [freeze]: the PE of an emulated GPU that firmware is to know");
#else
static void unwatch_opal(void)
{
}
#endif

/* Resets the bus that @pdev is on. In 4.18 the function takes the bus; since 4.19 the device. */
static int lab_reset_bus(struct pci_dev *pdev)
{
	bool by_bus = __builtin_types_compatible_p(typeof(pci_reset_bus), int (struct pci_bus *));

	return pci_reset_bus(by_bus ? (void *)pdev->bus : (void *)pdev);
}

/* Any device right below the bridge will do. */
static int set_reset_below(const char *val, const struct kernel_param *kp)
{
	struct pci_dev *bridge = lab_find(val), *pdev = NULL;
	int ret = -ENODEV;

	while (bridge && bridge->subordinate &&
	       (pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev)))
		if (pdev->bus == bridge->subordinate)
			break;
	if (pdev)
		ret = lab_reset_bus(pdev);
	pci_dev_put(pdev);
	pci_dev_put(bridge);
	return ret;
}

static const struct kernel_param_ops reset_below_ops = {
	.set = set_reset_below,
};
module_param_cb(reset_below, &reset_below_ops, NULL, 0200);
MODULE_PARM_DESC(reset_below, "PCI address of a bridge whose secondary bus is to be reset");

static struct resource *reserved;

static int set_reserve(const char *val, const struct kernel_param *kp)
{
	u64 start, end;

	if (reserved) {
		release_mem_region(reserved->start, resource_size(reserved));
		reserved = NULL;
	}
	if (sysfs_streq(val, "-"))
		return 0;
	if (sscanf(val, "%llx-%llx", &start, &end) != 2)
		return -EINVAL;
	reserved = request_mem_region(start, end - start + 1, "lab");

	return reserved ? 0 : -EBUSY;
}

static const struct kernel_param_ops reserve_ops = {
	.set = set_reserve,
};
module_param_cb(reserve, &reserve_ops, NULL, 0200);
MODULE_PARM_DESC(reserve, "addresses that nobody is to get");

static int set_lock(const char *val, const struct kernel_param *kp)
{
	struct pci_dev *pdev;
	char address[16];

	if (sscanf(val, "%15s", address) != 1)
		return -EINVAL;
	pdev = lab_find(address);
	if (!pdev)
		return -ENODEV;
	device_lock(&pdev->dev);
	pci_info(pdev, "lab_driver: the device lock is held\n");
	msleep_interruptible(UINT_MAX);
	device_unlock(&pdev->dev);
	pci_dev_put(pdev);

	return 0;
}

static const struct kernel_param_ops lock_ops = {
	.set = set_lock,
};
module_param_cb(lock, &lock_ops, NULL, 0200);
MODULE_PARM_DESC(lock, "PCI address of a device whose lock to hold until the writer gets a signal");

#ifdef CONFIG_EEH
static int set_mark(const char *val, const struct kernel_param *kp)
{
	unsigned int domain, bus, slot, function, mask;
	struct pci_dev *pdev;
	struct eeh_pe *pe;
	char sign;

	if (sscanf(val, "%x:%x:%x.%x %c%i", &domain, &bus, &slot, &function, &sign, &mask) != 6)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, function));
	pe = pdev ? eeh_dev_to_pe(pci_dev_to_eeh_dev(pdev)) : NULL;
	pci_dev_put(pdev);
	if (!pe)
		return -ENODEV;
	if (sign == '+')
		eeh_pe_state_mark(pe, mask);
	else
		pe->state &= ~mask;

	return 0;
}

static const struct kernel_param_ops mark_ops = {
	.set = set_mark,
};
module_param_cb(mark, &mark_ops, NULL, 0200);
MODULE_PARM_DESC(mark, "PCI address of a device, and flags to set or clear in its PE");
#endif

static char delayed_symbol[64];
static unsigned int delay_ms;
static bool delay_once;
static atomic_t delayed_callers = ATOMIC_INIT(0);

static int lab_delay(struct kprobe *probe, struct pt_regs *regs)
{
	if (atomic_inc_return(&delayed_callers) == 1 || !delay_once)
		mdelay(delay_ms);

	return 0;
}

static int get_delayed(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%d\n", atomic_read(&delayed_callers));
}

static const struct kernel_param_ops delayed_ops = {
	.get = get_delayed,
};
module_param_cb(delayed, &delayed_ops, NULL, 0400);

static struct kprobe *delayed;

static void end_delay(void)
{
	if (!delayed)
		return;
	unregister_kprobe(delayed);
	kfree(delayed);
	delayed = NULL;
}

static int set_delay(const char *val, const struct kernel_param *kp)
{
	char how[8] = "";
	int ret;

	end_delay();
	atomic_set(&delayed_callers, 0);
	if (sysfs_streq(val, "-"))
		return 0;
	if (sscanf(val, "%63s %u %7s", delayed_symbol, &delay_ms, how) < 2)
		return -EINVAL;
	delay_once = !strcmp(how, "once");
	/* A new one each time: the last may have gone with its module. */
	delayed = kzalloc(sizeof(*delayed), GFP_KERNEL);
	if (!delayed)
		return -ENOMEM;
	delayed->symbol_name = delayed_symbol;
	delayed->pre_handler = lab_delay;
	ret = register_kprobe(delayed);
	if (ret) {
		kfree(delayed);
		delayed = NULL;
	}

	return ret;
}

static const struct kernel_param_ops delay_ops = {
	.set = set_delay,
};
module_param_cb(delay, &delay_ops, NULL, 0200);
MODULE_PARM_DESC(delay, "a function, and for how many ms each caller of it is kept busy");

struct lab_device {
	struct pci_dev *pdev;
	void __iomem *word;	/* LAB_OFFSET, wherever BAR0 was at probe */
	bool enabled;
	struct mutex lock;	/* guards thread */
	struct task_struct *thread;
	unsigned long polls;
};

/* After a reset without a callback a driver finds decoding off, or another BAR0, or nothing. */
static bool lab_decodes(struct pci_dev *pdev)
{
	u16 cmd, pmcsr = 0;
	u32 bar0;

	if (pci_read_config_word(pdev, PCI_COMMAND, &cmd) || cmd == 0xffff ||
	    !(cmd & PCI_COMMAND_MEMORY))
		return false;
	if (pdev->pm_cap)
		pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &pmcsr);
	if (pmcsr & PCI_PM_CTRL_STATE_MASK)
		return false;
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0, &bar0);
	return (bar0 & PCI_BASE_ADDRESS_MEM_MASK) == (u32)pci_bus_address(pdev, 0);
}

/*
 * Not to be scheduled between question and read is all that there is to do against a reset in
 * between: with one processor it is enough.
 */
static bool lab_read(struct lab_device *lab, u32 *val)
{
	bool decodes;

	preempt_disable();
	decodes = lab_decodes(lab->pdev);
	if (decodes)
		*val = readl(lab->word);
	preempt_enable();
	return decodes;
}

/* The scenarios read the lines that this and the next log. */
static void lab_tell(struct lab_device *lab)
{
	u32 val;

	if (!read)
		return;
	if (blind)
		pci_info(lab->pdev, "read: 0x%08x\n", readl(lab->word));
	else if (lab_read(lab, &val))
		pci_info(lab->pdev, "read: 0x%08x\n", val);
	else
		pci_info(lab->pdev, "read: does not decode\n");
}

static int lab_enable(struct lab_device *lab)
{
	int ret = pci_enable_device(lab->pdev);

	pci_info(lab->pdev, "enable: %d\n", ret);
	lab->enabled = !ret;
	if (!ret)
		lab_tell(lab);
	return ret;
}

static void lab_disable(struct lab_device *lab)
{
	if (lab->enabled)
		pci_disable_device(lab->pdev);
	lab->enabled = false;
}

static int lab_thread(void *data)
{
	struct lab_device *lab = data;
	u32 val;

	while (!kthread_should_stop()) {
		if (lab_read(lab, &val))
			WRITE_ONCE(lab->polls, lab->polls + 1);
		msleep(poll_ms);
	}
	return 0;
}

static int lab_poll(struct lab_device *lab, bool on)
{
	struct task_struct *thread;
	int ret = 0;

	mutex_lock(&lab->lock);
	if (on && !lab->thread) {
		lab->polls = 0;
		thread = kthread_run(lab_thread, lab, "lab_driver");
		if (IS_ERR(thread))
			ret = PTR_ERR(thread);
		else
			lab->thread = thread;
	} else if (!on && lab->thread) {
		kthread_stop(lab->thread);
		lab->thread = NULL;
	}
	mutex_unlock(&lab->lock);
	return ret;
}

/* sysfs_emit() and sysfs_emit_at() are not in 4.18. */
static ssize_t read_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct lab_device *lab = dev_get_drvdata(dev);
	u32 val;

	return lab_read(lab, &val) ? scnprintf(buf, PAGE_SIZE, "0x%08x\n", val) : -ENXIO;
}
static DEVICE_ATTR_RO(read);

static ssize_t poll_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct lab_device *lab = dev_get_drvdata(dev);

	return scnprintf(buf, PAGE_SIZE, "%lu\n", READ_ONCE(lab->polls));
}

static ssize_t poll_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	bool on;
	int ret = kstrtobool(buf, &on);

	if (!ret)
		ret = lab_poll(dev_get_drvdata(dev), on);
	return ret ?: count;
}
static DEVICE_ATTR_RW(poll);

static int lab_hot(struct pci_dev *pdev)
{
	return pci_set_pcie_reset_state(pdev, pcie_hot_reset);
}

static int lab_fundamental(struct pci_dev *pdev)
{
	return pci_set_pcie_reset_state(pdev, pcie_warm_reset);
}

static int lab_deassert(struct pci_dev *pdev)
{
	return pci_set_pcie_reset_state(pdev, pcie_deassert_reset);
}

static const struct lab_reset {
	const char *name;
	int (*reset)(struct pci_dev *pdev);
} lab_resets[] = {
	/* The whole PE, in two steps: config space is blocked and frozen until deassert. */
	{ "hot", lab_hot },
	{ "fundamental", lab_fundamental },
	{ "deassert", lab_deassert },
	/* As the kernel does for VFIO's hot reset. */
	{ "bus", lab_reset_bus },
	/* As the device's own `reset` in sysfs, and as VFIO does: that fails instead of waiting. */
	{ "function", pci_reset_function },
	{ "try", pci_try_reset_function },
};

static ssize_t reset_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(lab_resets); i++) {
		if (!sysfs_streq(buf, lab_resets[i].name))
			continue;
		ret = lab_resets[i].reset(to_pci_dev(dev));
		dev_info(dev, "%s: %d\n", lab_resets[i].name, ret);
		return ret ?: count;
	}
	return -EINVAL;
}
static DEVICE_ATTR_WO(reset);

#ifdef CONFIG_EEH
static ssize_t eeh_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct eeh_dev *edev = pci_dev_to_eeh_dev(to_pci_dev(dev));
	struct eeh_pe *pe = edev ? edev->pe : NULL;
	int len = 0;

	for (; pe; pe = pe->parent)
		len += scnprintf(buf + len, PAGE_SIZE - len, "%x:%x%c", pe->addr, pe->state,
				 pe->parent ? ' ' : '\n');
	return len;
}
static DEVICE_ATTR_RO(eeh);
#endif

static struct attribute *lab_attrs[] = {
	&dev_attr_read.attr,
	&dev_attr_poll.attr,
	&dev_attr_reset.attr,
#ifdef CONFIG_EEH
	&dev_attr_eeh.attr,
#endif
	NULL
};

static const struct attribute_group lab_group = {
	.name = KBUILD_MODNAME,
	.attrs = lab_attrs,
};

static int lab_driver_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct lab_device *lab = kzalloc(sizeof(*lab), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!lab)
		return ret;
	lab->pdev = pdev;
	mutex_init(&lab->lock);
	/* Not requested: others map it too. */
	lab->word = ioremap(pci_resource_start(pdev, 0) + LAB_OFFSET, sizeof(u32));
	if (!lab->word)
		goto free;
	ret = lab_enable(lab);
	if (ret)
		goto unmap;
	pci_set_drvdata(pdev, lab);
	/* 5.10's struct pci_driver has no dev_groups. */
	ret = sysfs_create_group(&pdev->dev.kobj, &lab_group);
	if (ret)
		goto disable;

	return 0;
disable:
	lab_disable(lab);
unmap:
	iounmap(lab->word);
free:
	kfree(lab);

	return ret;
}

static void lab_driver_remove(struct pci_dev *pdev)
{
	struct lab_device *lab = pci_get_drvdata(pdev);

	sysfs_remove_group(&pdev->dev.kobj, &lab_group);
	lab_poll(lab, false);
	lab_disable(lab);
	iounmap(lab->word);
	kfree(lab);
	pci_info(pdev, "disabled\n");
}

static pci_ers_result_t lab_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	if (state == pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_DISCONNECT;
	if (!stay)
		lab_disable(pci_get_drvdata(pdev));
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t lab_slot_reset(struct pci_dev *pdev)
{
	struct lab_device *lab = pci_get_drvdata(pdev);

	bool stayed = lab->enabled;

	if (!stayed && lab_enable(lab))
		return PCI_ERS_RESULT_DISCONNECT;
	pci_restore_state(pdev);
	pci_save_state(pdev);
	if (stayed)
		lab_tell(lab);
	return PCI_ERS_RESULT_RECOVERED;
}

static void lab_resume(struct pci_dev *pdev)
{
	pci_info(pdev, "resumed\n");
}

static const struct pci_error_handlers lab_handlers = {
	.error_detected = lab_error_detected,
	.slot_reset = lab_slot_reset,
	.resume = lab_resume,
};

static int lab_aware_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = lab_driver_probe(pdev, id);

	/* What lab_slot_reset() restores. */
	return ret ?: pci_save_state(pdev);
}

static struct pci_driver lab_driver = {
	.name = KBUILD_MODNAME,
	.probe = lab_driver_probe,
	.remove = lab_driver_remove,
};

static struct pci_driver lab_driver_aware = {
	.name = KBUILD_MODNAME "_aware",
	.probe = lab_aware_probe,
	.remove = lab_driver_remove,
	.err_handler = &lab_handlers,
};

/* Their names have parts of those of drivers that hand a device on. */
#define HANDS_ON(part)					\
	{						\
		.name = KBUILD_MODNAME "_" part,	\
		.probe = lab_driver_probe,		\
		.remove = lab_driver_remove,		\
	}

static struct pci_driver lab_hands_on[] = {
	HANDS_ON("stub"), HANDS_ON("uio"), HANDS_ON("pciback"),
};

/* The device lock is held in probe and remove. A file of the device's does not take it. */
static DEFINE_MUTEX(sleeper_lock);

static int sleeper_open(struct pci_dev *pdev)
{
	int ret = pci_set_power_state(pdev, PCI_D0);

	return ret ?: pci_enable_device(pdev);
}

static void sleeper_close(struct pci_dev *pdev)
{
	pci_disable_device(pdev);
	pci_set_power_state(pdev, PCI_D3hot);
}

static int sleeper_pm_open(struct pci_dev *pdev)
{
	int ret = pm_runtime_get_sync(&pdev->dev);

	if (ret >= 0)
		ret = pci_enable_device(pdev);
	if (ret < 0)
		pm_runtime_put(&pdev->dev);
	return ret < 0 ? ret : 0;
}

static void sleeper_pm_close(struct pci_dev *pdev)
{
	pci_disable_device(pdev);
	pm_runtime_put(&pdev->dev);
}

struct lab_sleeper {
	int (*open)(struct pci_dev *pdev);
	void (*close)(struct pci_dev *pdev);
	bool is_open;
};

static int sleeper_switch(struct pci_dev *pdev, bool on)
{
	struct lab_sleeper *sleeper = pci_get_drvdata(pdev);
	int ret = 0;

	mutex_lock(&sleeper_lock);
	if (on && !sleeper->is_open)
		ret = sleeper->open(pdev);
	else if (!on && sleeper->is_open)
		sleeper->close(pdev);
	if (!ret)
		sleeper->is_open = on;
	mutex_unlock(&sleeper_lock);
	return ret;
}

static ssize_t open_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	bool on;
	int ret = kstrtobool(buf, &on);

	if (!ret)
		ret = sleeper_switch(to_pci_dev(dev), on);
	return ret ?: count;
}
static DEVICE_ATTR_WO(open);

static struct attribute *sleeper_attrs[] = {
	&dev_attr_open.attr,
	NULL
};

static const struct attribute_group sleeper_group = {
	.name = KBUILD_MODNAME,
	.attrs = sleeper_attrs,
};

static int sleeper_add(struct pci_dev *pdev, int (*open)(struct pci_dev *pdev),
		       void (*close)(struct pci_dev *pdev))
{
	struct lab_sleeper *sleeper = kzalloc(sizeof(*sleeper), GFP_KERNEL);
	int ret;

	if (!sleeper)
		return -ENOMEM;
	sleeper->open = open;
	sleeper->close = close;
	pci_set_drvdata(pdev, sleeper);
	ret = sysfs_create_group(&pdev->dev.kobj, &sleeper_group);
	if (ret)
		kfree(sleeper);
	return ret;
}

static void sleeper_remove(struct pci_dev *pdev)
{
	sysfs_remove_group(&pdev->dev.kobj, &sleeper_group);
	sleeper_switch(pdev, false);
	kfree(pci_get_drvdata(pdev));
}

/* To D0 first: the kernel does not know yet in which state the device is. */
static int lab_vfio_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = sleeper_add(pdev, sleeper_open, sleeper_close);

	if (!ret) {
		pci_set_power_state(pdev, PCI_D0);
		pci_set_power_state(pdev, PCI_D3hot);
#ifdef LAB_HAS_D3HOT_DELAY
		if (d3hot_ms)
			pdev->d3hot_delay = d3hot_ms;
#endif
	}
	return ret;
}

static void lab_vfio_remove(struct pci_dev *pdev)
{
	sleeper_remove(pdev);
	if (!leave_asleep)
		pci_set_power_state(pdev, PCI_D0);
}

static int lab_vfio_pm_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = sleeper_add(pdev, sleeper_pm_open, sleeper_pm_close);

	if (!ret) {
		pci_set_power_state(pdev, PCI_D0);
		pm_runtime_allow(&pdev->dev);
		pm_runtime_put(&pdev->dev);
	}
	return ret;
}

static void lab_vfio_pm_remove(struct pci_dev *pdev)
{
	sleeper_remove(pdev);
	pm_runtime_get_noresume(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
}

/* The PCI core does the work, if there is something for it to call. */
static int sleeper_runtime(struct device *dev)
{
	return 0;
}

static const struct dev_pm_ops lab_vfio_pm_ops = {
	.runtime_suspend = sleeper_runtime,
	.runtime_resume = sleeper_runtime,
};

static struct pci_driver lab_vfio = {
	.name = "lab-vfio-pci",
	.probe = lab_vfio_probe,
	.remove = lab_vfio_remove,
};

static struct pci_driver lab_vfio_pm = {
	.name = "lab-vfio-pci-pm",
	.probe = lab_vfio_pm_probe,
	.remove = lab_vfio_pm_remove,
	.driver.pm = &lab_vfio_pm_ops,
};

static struct pci_driver * const lab_drivers[] = {
	&lab_driver, &lab_driver_aware, &lab_vfio, &lab_vfio_pm,
	&lab_hands_on[0], &lab_hands_on[1], &lab_hands_on[2],
};

static void lab_unregister(size_t n)
{
	while (n--)
		pci_unregister_driver(lab_drivers[n]);
}

static int __init lab_driver_init(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(lab_drivers); i++) {
		ret = pci_register_driver(lab_drivers[i]);
		if (ret) {
			lab_unregister(i);
			return ret;
		}
	}
	return 0;
}

static void __exit lab_driver_exit(void)
{
	set_reserve("-", NULL);
	end_delay();
	unwatch_opal();
	lab_unregister(ARRAY_SIZE(lab_drivers));
}

module_init(lab_driver_init);
module_exit(lab_driver_exit);

MODULE_DESCRIPTION("Enables PCI devices and resets them in ways that only a driver can (test)");
MODULE_LICENSE("GPL");
