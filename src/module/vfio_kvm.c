// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vfio-pci knows about a GPU's owner, on kernels since 6.2. There VFIO holds a reference to
 * the VM from before it enables a GPU until after it has disabled it (vfio_device.put_kvm). So
 * the VM cannot be freed, and no other VM has its address, while the GPU is open. Earlier kernels
 * keep the bare pointer, which can outlive the VM. It is not used there.
 */

#include "log.h"
#include "vfio.h"

#include <linux/vfio_pci_core.h>

/*
 * Only vfio-pci itself: drivers that build on vfio-pci-core may have anything for driver data. No
 * other PCI driver can register this name beside it.
 */
const struct vfio_device *nvli_vfio_device(struct pci_dev *pdev)
{
	const struct device_driver *driver = pdev->dev.driver;
	const struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	if (!driver || strcmp(driver->name, "vfio-pci") || !core || core->pdev != pdev ||
	    core->vdev.dev != &pdev->dev)
		return NULL;

	return &core->vdev;
}

const void *nvli_vfio_kvm(const struct vfio_device *device)
{
	return device ? READ_ONCE(device->kvm) : NULL;
}

bool nvli_vfio_has_container(const struct vfio_device *device)
{
#if IS_ENABLED(CONFIG_IOMMUFD)
	return device && !READ_ONCE(device->iommufd_device);
#else
	return true;
#endif
}
