// SPDX-License-Identifier: GPL-2.0-only
/* This kernel's vfio-pci does not say, or not for as long as a GPU is open, which VM has it. */
#include <linux/pci.h>
#include <linux/vfio_pci_core.h>

struct kvm *nvli_feature(struct pci_dev *pdev);
struct kvm *nvli_feature(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
	struct vfio_device *device = &core->vdev;

	/* Without this member VFIO holds no reference to the VM. */
	if (core->pdev != pdev || device->dev != &pdev->dev || !device->put_kvm)
		return NULL;
#if IS_ENABLED(CONFIG_IOMMUFD)
	if (device->iommufd_device)
		return NULL;
#endif

	return device->kvm;
}
