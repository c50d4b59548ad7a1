// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another module that hooks resets: puts itself on top of whatever reset_secondary_bus the PHB of a
 * device has, and calls it.
 *
 * With stack=0 it only keeps what it found when it was loaded, which calls nobody who comes later.
 * The parameter `replace`, written then, pushes out whoever is there by that time:
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

static bool stack = true;
module_param(stack, bool, 0444);
MODULE_PARM_DESC(stack, "hook at load (default: Y)");

typedef void (*reset_hook)(struct pci_dev *bridge);

static struct pci_controller *phb;
static reset_hook below;	/* found at load */
static reset_hook displaced;	/* to be put back */

static void on_top(struct pci_dev *bridge)
{
	below(bridge);
}

static void place(reset_hook hook)
{
	reset_hook *slot = &phb->controller_ops.reset_secondary_bus;

	if (!displaced)
		displaced = *slot;
	WRITE_ONCE(*slot, hook ?: displaced);
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
		place(on_top);
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
	phb = pci_bus_to_host(pdev->bus);
	pci_dev_put(pdev);
	below = phb->controller_ops.reset_secondary_bus;
	if (stack)
		place(on_top);

	return 0;
}

/* No reset may be under way: the scenario sees to that. */
static void __exit lab_hook_exit(void)
{
	place(NULL);
}

module_init(lab_hook_init);
module_exit(lab_hook_exit);

MODULE_DESCRIPTION("Hooks the resets of a PHB on top of another module (test)");
MODULE_LICENSE("GPL");
