// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI driver that does nothing but enable its device: what the lab's scenarios use to ask whether
 * a GPU may be enabled, and to have one in use. It matches nothing by itself; bind it by
 * driver_override.
 */
#include <linux/module.h>
#include <linux/pci.h>

static int lab_driver_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = pci_enable_device(pdev);

	/* The scenarios read this line. */
	pci_info(pdev, "enable: %d\n", ret);
	return ret;
}

static void lab_driver_remove(struct pci_dev *pdev)
{
	pci_disable_device(pdev);
	pci_info(pdev, "disabled\n");
}

static struct pci_driver lab_driver = {
	.name = KBUILD_MODNAME,
	.probe = lab_driver_probe,
	.remove = lab_driver_remove,
};
module_pci_driver(lab_driver);

MODULE_DESCRIPTION("Enables a PCI device and nothing else (test)");
MODULE_LICENSE("GPL");
