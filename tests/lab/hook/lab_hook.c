// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another module that hooks what ours hooks: puts itself on top of the present hook, and calls it.
 *
 *   what=enable   enable_device_hook of the PHB of a device (default)
 *   what=config   the operations of the device's bus, by which config space is accessed
 *
 * With deny=1 its enable hook says no, as the platform's does of a device that it cannot serve.
 *
 * With stack=0 it only keeps what it found when it was loaded, which calls nobody who comes later.
 * The parameter `replace`, written then, replaces the hook that is there by that time:
 *
 *   kept   put back what was found at load, as a module does that does not know of others
 *   own    put a hook of this module there, which calls what was found at load
 *   none   put back whom it pushed out
 *
 * Unloading puts back whom it pushed out, too.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/pci.h>

#include <asm/pci-bridge.h>

static char *device = "";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "PCI address of a device below the PHB to hook, as in 0000:03:00.0");

static char *what = "enable";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "enable (default) or config");

static bool stack = true;
module_param(stack, bool, 0444);
MODULE_PARM_DESC(stack, "hook at load (default: Y)");

static bool deny;
module_param(deny, bool, 0644);
MODULE_PARM_DESC(deny, "whether no device may be enabled (default: N)");

static struct pci_controller *phb;
static struct pci_bus *bus;	/* NULL: what=enable */
static void *below;		/* found at load */
static void *displaced;		/* to be put back */

static bool enable_on_top(struct pci_dev *pdev)
{
	return !READ_ONCE(deny) && ((typeof(phb->controller_ops.enable_device_hook))below)(pdev);
}

static int write_on_top(struct pci_bus *to, unsigned int devfn, int where, int size, u32 value)
{
	return ((struct pci_ops *)below)->write(to, devfn, where, size, value);
}

static struct pci_ops ops_on_top;

static void *in_place(void)
{
	return bus ? (void *)bus->ops : (void *)phb->controller_ops.enable_device_hook;
}

static void *on_top(void)
{
	return bus ? (void *)&ops_on_top : (void *)enable_on_top;
}

static void place(void *hook)
{
	if (!displaced)
		displaced = in_place();
	if (bus)
		pci_bus_set_ops(bus, hook ?: displaced);
	else
		WRITE_ONCE(phb->controller_ops.enable_device_hook, hook ?: displaced);
	if (!hook)
		displaced = NULL;
}

static int set_replace(const char *val, const struct kernel_param *kp)
{
	/* On modprobe's command line there is no PHB yet. */
	if (!phb)
		return -ENODEV;
	if (sysfs_streq(val, "kept"))
		place(below);
	else if (sysfs_streq(val, "own"))
		place(on_top());
	else if (sysfs_streq(val, "none"))
		place(NULL);
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops replace_ops = {
	.set = set_replace,
};
module_param_cb(replace, &replace_ops, NULL, 0200);
MODULE_PARM_DESC(replace, "whose hook to put in place of the present one: kept, own, none");

static int __init lab_hook_init(void)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev)))
		if (!strcmp(pci_name(pdev), device))
			break;
	if (!pdev) {
		pr_err("device=%s: no such PCI device\n", device);
		return -ENODEV;
	}
	if (!strcmp(what, "config")) {
		bus = pdev->bus;
		get_device(&bus->dev);
	}
	phb = pci_bus_to_host(pdev->bus);
	pci_dev_put(pdev);
	below = in_place();
	if (bus) {
		ops_on_top = *bus->ops;
		ops_on_top.write = write_on_top;
	}
	if (stack)
		place(on_top());

	return 0;
}

/* No task may be in the hook: the scenario ensures that. */
static void __exit lab_hook_exit(void)
{
	place(NULL);
	if (bus)
		put_device(&bus->dev);
}

module_init(lab_hook_init);
module_exit(lab_hook_exit);

MODULE_DESCRIPTION("Hooks a PHB or a bus on top of another module (test)");
MODULE_LICENSE("GPL");
