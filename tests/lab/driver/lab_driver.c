// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI drivers as the lab's scenarios need them. They match nothing by themselves; bind one by
 * driver_override:
 *
 *   lab_driver        enables its device and nothing else: what the scenarios use to ask whether a
 *                     GPU may be enabled, and to have one in use
 *   lab_driver_aware  the same, and it survives EEH recovery as a real driver does: it asks for a
 *                     reset, and enables and restores the device after it
 *
 * With the parameter read=1 both also read BAR0 when they have enabled the device, at an offset
 * that nobody else reads: in the device's log these are the driver's.
 *
 * With stay=1 lab_driver_aware leaves its device enabled while EEH resets it, as some drivers do;
 * EEH then enables it anew itself, at the end of the reset.
 *
 * A bound device has a directory lab_driver/ in sysfs:
 *
 *   read   reading it reads BAR0 once and shows the value; ENXIO when the device does not decode
 *   poll   1: a thread reads BAR0 again and again, but for when the device does not decode.
 *          0: it ends. Reads as how often it did since it was started
 *   reset  writing does one of the resets that only the kernel can ask for; see lab_resets
 *   eeh    reads as the device's PE and the PEs above it, up to the PHB's: ADDRESS:STATE each
 *
 * Unrelated to any driver, a PCI address written to the parameter phb_failure has EEH recover the
 * PHB of that device as if it was fenced. eeh_failure has to be given for it.
 *
 * START-END, in hexadecimal, written to the parameter reserve has nobody get these addresses;
 * "-" frees them.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <asm/eeh.h>
#include <asm/ppc-pci.h>

/* Plain memory of the emulated GPU, far from the registers that the project uses. */
#define LAB_OFFSET 0x700000

static bool read;
module_param(read, bool, 0644);
MODULE_PARM_DESC(read, "read BAR0 after enabling a device (default: N)");

static bool stay;
module_param(stay, bool, 0644);
MODULE_PARM_DESC(stay, "do not disable a device for EEH (default: N)");

static unsigned int poll_ms = 10;
module_param(poll_ms, uint, 0644);
MODULE_PARM_DESC(poll_ms, "what the thread sleeps between two reads, in ms (default: 10)");

/* Debugfs takes PEs by number, which a PHB's does not have, and the kernel exports nothing. */
static ulong eeh_failure;
module_param(eeh_failure, ulong, 0644);
MODULE_PARM_DESC(eeh_failure, "__eeh_send_failure_event in /proc/kallsyms");

static int set_phb_failure(const char *val, const struct kernel_param *kp)
{
	int (*send)(struct eeh_pe *pe) = (void *)eeh_failure;
	struct pci_dev *pdev = NULL;
	struct eeh_dev *edev;
	struct eeh_pe *pe;
	int ret = -ENODEV;

	while ((pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev)))
		if (sysfs_streq(val, pci_name(pdev)))
			break;
	edev = pdev ? pci_dev_to_eeh_dev(pdev) : NULL;
	for (pe = edev ? edev->pe : NULL; pe && !(pe->type & EEH_PE_PHB); pe = pe->parent)
		;
	if (pe && send) {
		/* All below a fenced PHB is frozen. */
		eeh_pe_mark_isolated(pe);
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

struct lab_device {
	struct pci_dev *pdev;
	void __iomem *word;	/* LAB_OFFSET, wherever BAR0 was at probe */
	bool enabled;
	struct mutex lock;	/* guards thread */
	struct task_struct *thread;
	unsigned long polls;
};

/* After a reset a driver that is not told of it finds decoding off, or another BAR0, or nothing. */
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
	if (lab_read(lab, &val))
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

static ssize_t read_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct lab_device *lab = dev_get_drvdata(dev);
	u32 val;

	return lab_read(lab, &val) ? sysfs_emit(buf, "0x%08x\n", val) : -ENXIO;
}
static DEVICE_ATTR_RO(read);

static ssize_t poll_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct lab_device *lab = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%lu\n", READ_ONCE(lab->polls));
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
	{ "bus", pci_reset_bus },
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

static ssize_t eeh_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct eeh_dev *edev = pci_dev_to_eeh_dev(to_pci_dev(dev));
	struct eeh_pe *pe = edev ? edev->pe : NULL;
	int len = 0;

	for (; pe; pe = pe->parent)
		len += sysfs_emit_at(buf, len, "%x:%x%c", pe->addr, pe->state,
				     pe->parent ? ' ' : '\n');
	return len;
}
static DEVICE_ATTR_RO(eeh);

static struct attribute *lab_attrs[] = {
	&dev_attr_read.attr,
	&dev_attr_poll.attr,
	&dev_attr_reset.attr,
	&dev_attr_eeh.attr,
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

static int __init lab_driver_init(void)
{
	int ret = pci_register_driver(&lab_driver);

	if (ret)
		return ret;
	ret = pci_register_driver(&lab_driver_aware);
	if (ret)
		pci_unregister_driver(&lab_driver);
	return ret;
}

static void __exit lab_driver_exit(void)
{
	set_reserve("-", NULL);
	pci_unregister_driver(&lab_driver_aware);
	pci_unregister_driver(&lab_driver);
}

module_init(lab_driver_init);
module_exit(lab_driver_exit);

MODULE_DESCRIPTION("Enables PCI devices and resets them in ways that only a driver can (test)");
MODULE_LICENSE("GPL");
