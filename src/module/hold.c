// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding a GPU in reset: what is left when its links cannot be cut. Nobody owns its port but us,
 * and while the port's reset bit is set there is no MMIO, no DMA and no NVLink.
 *
 * The PCI core does not know. A reset of the GPU that is under way waits for it for up to a minute;
 * vfio-pci saves a config space of ones, which config.c repairs.
 */

#include "nvli.h"

#include <linux/delay.h>
#include <linux/jiffies.h>

/* How long NVIDIA's tools keep a V100 in reset */
#define ASSERT_MS	100

static struct pci_dev *port_of(struct nvli_gpu *gpu)
{
	return pci_upstream_bridge(gpu->pdev);
}

/* Is there anything else below the GPU's port, which is not ours to reset? */
static bool is_shared(struct nvli_gpu *gpu, struct pci_dev *port)
{
	struct pci_dev *other = NULL;

	for_each_pci_dev(other) {
		if (other != gpu->pdev && nvli_is_below(other, port)) {
			pci_dev_put(other);
			return true;
		}
	}

	return false;
}

static bool read_control(struct pci_dev *port, u16 *control)
{
	return !pci_read_config_word(port, PCI_BRIDGE_CONTROL, control) && *control != U16_MAX;
}

/*
 * One aligned write of 16 bits: skiboot looks for no other when it takes the CPU's side of the
 * links along.
 */
static bool write_reset(struct nvli_gpu *gpu, struct pci_dev *port, bool reset)
{
	u16 control;

	if (!read_control(port, &control))
		return false;

	if (reset)
		control |= PCI_BRIDGE_CTL_BUS_RESET;
	else
		control &= ~PCI_BRIDGE_CTL_BUS_RESET;
	WRITE_ONCE(gpu->hold.writer, current);
	pci_write_config_word(port, PCI_BRIDGE_CONTROL, control);
	WRITE_ONCE(gpu->hold.writer, NULL);

	return read_control(port, &control) && !(control & PCI_BRIDGE_CTL_BUS_RESET) == !reset;
}

/**
 * nvli_hold_set() - put the GPU into reset and leave it there
 * @gpu: the GPU; the caller holds apply_lock
 *
 * Return: NULL, or why it cannot be held.
 */
const char *nvli_hold_set(struct nvli_gpu *gpu)
{
	struct pci_dev *port = port_of(gpu);

	if (!port)
		return "it has no port of its own";
	if (is_shared(gpu, port))
		return "its port has other devices below it";

	gpu->hold.lost = true;
	nvli_config_remember(gpu);
	if (!write_reset(gpu, port, true))
		return "its port does not take the reset bit";
	gpu->hold.at = jiffies;
	nvli_gpu_held(gpu, true);

	return NULL;
}

/*
 * Is the port's reset bit still there? A reset by somebody else clears it. A port that cannot be
 * asked has not said so.
 */
bool nvli_hold_is_set(struct nvli_gpu *gpu)
{
	u16 control;

	return !read_control(port_of(gpu), &control) || control & PCI_BRIDGE_CTL_BUS_RESET;
}

/**
 * nvli_hold_clear() - let the GPU out of reset
 * @gpu: the GPU; the caller holds apply_lock
 *
 * Return: false if its port does not let it.
 */
bool nvli_hold_clear(struct nvli_gpu *gpu)
{
	unsigned long end = gpu->hold.at + msecs_to_jiffies(ASSERT_MS);

	if (time_before(jiffies, end))
		msleep(jiffies_to_msecs(end - jiffies));
	if (!write_reset(gpu, port_of(gpu), false))
		return false;
	nvli_gpu_held(gpu, false);

	return true;
}
