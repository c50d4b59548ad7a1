// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another module that hooks resets: puts itself on top of whatever reset_secondary_bus the PHB of a
 * device has, and calls it. Unloading puts back what it found.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/pci.h>

#include <asm/pci-bridge.h>

static char *device = "";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "PCI address of a device below the PHB to hook, as in 0000:03:00.0");

static struct pci_controller *phb;
static void (*below)(struct pci_dev *bridge);

static void on_top(struct pci_dev *bridge)
{
	below(bridge);
}

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
	phb->controller_ops.reset_secondary_bus = on_top;

	return 0;
}

/* No reset may be under way: the scenario sees to that. */
static void __exit lab_hook_exit(void)
{
	phb->controller_ops.reset_secondary_bus = below;
}

module_init(lab_hook_init);
module_exit(lab_hook_exit);

MODULE_DESCRIPTION("Hooks the resets of a PHB on top of another module (test)");
MODULE_LICENSE("GPL");
