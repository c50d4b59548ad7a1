// SPDX-License-Identifier: GPL-2.0-only
/* What vfio-pci knows about a GPU's owner, on kernels before 6.2: nothing reliable. */

#include "log.h"
#include "vfio.h"

const struct vfio_device *nvli_vfio_device(struct pci_dev *pdev)
{
	return NULL;
}

const void *nvli_vfio_kvm(const struct vfio_device *device)
{
	return NULL;
}

/*
 * Without an iommufd VFIO has no other way to open a PCI device. A GPU that is opened through one
 * is enabled first, while its IOMMU domain may be one that all devices share.
 */
bool nvli_vfio_has_container(const struct vfio_device *device)
{
	return !IS_ENABLED(CONFIG_IOMMUFD);
}
