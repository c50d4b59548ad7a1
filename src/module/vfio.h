/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vfio-pci knows about a GPU's owner. For owner.c. Kbuild builds vfio_kvm.c or vfio_none.c,
 * by what the kernel has.
 */
#ifndef NVLI_VFIO_H
#define NVLI_VFIO_H

#include <linux/pci.h>

struct vfio_device;

/*
 * The VFIO device of a GPU, NULL if vfio-pci does not drive it or this kernel hides it. The
 * caller holds the device lock. It is valid until BUS_NOTIFY_UNBIND_DRIVER.
 */
const struct vfio_device *nvli_vfio_device(struct pci_dev *pdev);

/* The virtual machine of a device that is open, NULL if it has none. Any context. */
const void *nvli_vfio_kvm(const struct vfio_device *device);

/* Is a device that is open in a VFIO container, and not in an iommufd? Any context. */
bool nvli_vfio_has_container(const struct vfio_device *device);

#endif
