// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port above a GPU. This file reads the port's link status. It also resets the GPU by its
 * port if work on the GPU may use links that the module cannot disable.
 */

#include "log.h"
#include "port.h"
#include "events.h"

#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/pm_runtime.h>

/* How long NVIDIA's tools keep a V100 in reset (hardware.md) */
#define ASSERT_MS	100
/*
 * The kernel's removal of a device waits for the worker: no longer than a second for the release,
 * and another one for the link.
 */
#define RELEASE_TRIES	10

/* A port that cannot be read may do so. */
static bool reports_link(struct pci_dev *port)
{
	u32 capabilities = 0;

	return port && (pcie_capability_read_dword(port, PCI_EXP_LNKCAP, &capabilities) ||
			capabilities & PCI_EXP_LNKCAP_DLLLARC);
}

/* May the link be down, and its coming up be latched later? Not if the port does not report it. */
bool nvli_link_may_be_down(struct nvli_gpu *gpu)
{
	struct pci_dev *port = pci_upstream_bridge(gpu->pdev);
	u16 status = 0;

	return reports_link(port) && (pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status) ||
				      status == U16_MAX || !(status & PCI_EXP_LNKSTA_DLLLA));
}

/*
 * Has the port latched that its link went down, or came up? Clears the latch, so that the next call
 * reports only what follows. A hot-plug driver that has enabled the port's notification uses the
 * latch itself; then it is left alone.
 */
bool nvli_link_went_down(struct nvli_gpu *gpu)
{
	struct pci_dev *port = pci_upstream_bridge(gpu->pdev);
	u16 control = 0, status = 0;

	if (!reports_link(port) ||
	    pcie_capability_read_word(port, PCI_EXP_SLTCTL, &control) ||
	    control & PCI_EXP_SLTCTL_DLLSCE ||
	    pcie_capability_read_word(port, PCI_EXP_SLTSTA, &status) || status == U16_MAX ||
	    !(status & PCI_EXP_SLTSTA_DLLSC))
		return false;
	pcie_capability_write_word(port, PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_DLLSC);

	return true;
}

static bool read_control(struct pci_dev *port, u16 *control)
{
	return !pci_read_config_word(port, PCI_BRIDGE_CONTROL, control) && *control != U16_MAX;
}

/*
 * Firmware may not write the bit, and the kernel drops firmware's error.
 *
 * Return: 0, -EBUSY if the port has not taken the bit, -EIO if it cannot be read back, or -ENODEV
 * with nothing written if it could not be read before.
 */
static int write_reset_bit(struct pci_dev *port, bool set)
{
	u16 control;

	if (!read_control(port, &control))
		return -ENODEV;
	control &= ~PCI_BRIDGE_CTL_BUS_RESET;
	if (set)
		control |= PCI_BRIDGE_CTL_BUS_RESET;
	pci_write_config_word(port, PCI_BRIDGE_CONTROL, control);
	if (!read_control(port, &control))
		return -EIO;

	return !!(control & PCI_BRIDGE_CTL_BUS_RESET) == set ? 0 : -EBUSY;
}

/**
 * struct muted - a hot-plug port whose driver shall not see a reset
 * @notifications: those that the driver had turned on; 0 if there is nothing to mute
 * @irq: the port's interrupt, which is disabled; 0 if the notifications are turned off instead
 */
struct muted {
	u16 notifications;
	int irq;
};

/* The hot-plug interrupt of this port, or 0 if it may be other devices' too. */
static int hotplug_irq(struct pci_dev *port)
{
	u16 flags;
	int irq;

	if (!(port->msi_enabled || port->msix_enabled) ||
	    pcie_capability_read_word(port, PCI_EXP_FLAGS, &flags) || flags == U16_MAX)
		return 0;
	irq = pci_irq_vector(port, (flags & PCI_EXP_FLAGS_IRQ) >> 9);

	return max(irq, 0);
}

/*
 * The driver of a hot-plug port would take the reset for a pulled card, and remove the GPU. It
 * reads what the port has latched at each interrupt, which may be for another reason: a command has
 * completed, or the link has changed its speed. So its handler may not run. Do not wait for its
 * thread, which may be waiting until this task is done with the GPU.
 */
static struct muted mute_hotplug(struct pci_dev *port)
{
	struct muted muted = {};
	u16 control;

	if (pcie_capability_read_word(port, PCI_EXP_SLTCTL, &control) || control == U16_MAX)
		return muted;
	muted.notifications = control & (PCI_EXP_SLTCTL_DLLSCE | PCI_EXP_SLTCTL_PDCE);
	if (!muted.notifications)
		return muted;
	muted.irq = hotplug_irq(port);
	if (muted.irq) {
		disable_irq_nosync(muted.irq);
		synchronize_hardirq(muted.irq);
	} else {
		pcie_capability_clear_word(port, PCI_EXP_SLTCTL, muted.notifications);
	}

	return muted;
}

/* Wait for the link to come up again, clear what the port has latched, and notify again. */
static void unmute_hotplug(struct pci_dev *port, struct muted muted)
{
	u16 status = 0;
	int tries;

	if (!muted.notifications)
		return;
	for (tries = 0; tries < RELEASE_TRIES && muted.notifications & PCI_EXP_SLTCTL_DLLSCE;
	     tries++) {
		msleep(ASSERT_MS);
		if (!pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status) &&
		    status != U16_MAX && status & PCI_EXP_LNKSTA_DLLLA)
			break;
	}
	pcie_capability_write_word(port, PCI_EXP_SLTSTA,
				   PCI_EXP_SLTSTA_DLLSC | PCI_EXP_SLTSTA_PDC);
	if (muted.irq)
		enable_irq(muted.irq);
	else
		pcie_capability_set_word(port, PCI_EXP_SLTCTL, muted.notifications);
}

/*
 * Uses aligned 16-bit writes of bridge control: skiboot only recognises those, and then resets the
 * CPU's side of the links too.
 *
 * Return: false if the GPU has no port of its own, or the port is not known to have asserted the
 * reset. True also if the port does not release it again, which the log says.
 */
static bool reset_by_port(struct nvli_gpu *gpu)
{
	struct pci_dev *port = nvli_gpu_port(gpu);
	struct muted muted;
	int err, tries;

	if (!port)
		return false;
	muted = mute_hotplug(port);
	err = write_reset_bit(port, true);
	if (err == -ENODEV) {
		unmute_hotplug(port, muted);
		return false;
	}
	if (!err) {
		WRITE_ONCE(gpu->lost_ns, 0);
		WRITE_ONCE(gpu->stuck_on, false);
	}
	/* EEH may be blocking the port's config space. */
	for (tries = 0; err != -EBUSY && tries < RELEASE_TRIES; tries++) {
		msleep(ASSERT_MS);
		if (!write_reset_bit(port, false))
			break;
	}
	if (tries == RELEASE_TRIES)
		pci_err(gpu->pdev, "its port may keep it in reset: clear the port's reset bit by hand\n");
	unmute_hotplug(port, muted);
	if (err)
		nvli_event_dropped(gpu);

	return !err;
}

/*
 * Reset a GPU whose user may use links that cannot be disabled, if another task has not. Stops all
 * work on the GPU. Restores nothing: the gate keeps it off. False if its port cannot reset it.
 */
bool nvli_stop_user(struct nvli_gpu *gpu)
{
	struct pci_dev *port = nvli_gpu_port(gpu);
	bool done, reset = false;
	enum nvli_state state;

	/* If the port slept meanwhile, the kernel would save the reset bit, and set it later. */
	if (port)
		pm_runtime_get_sync(&port->dev);
	mutex_lock(&gpu->ring_lock);
	state = nvli_gpu_state(gpu);
	/* After its removal another GPU may be below the port. It may be verified meanwhile. */
	done = READ_ONCE(gpu->dead) || state == NVLI_OFF || state == NVLI_ISOLATED ||
	       !(READ_ONCE(gpu->lost_ns) || READ_ONCE(gpu->stuck_on));
	if (!done)
		reset = reset_by_port(gpu);
	mutex_unlock(&gpu->ring_lock);
	if (port)
		pm_runtime_put(&port->dev);
	if (done)
		return true;
	/* Let the GPU settle and verify it before the next try. */
	if (!reset)
		WRITE_ONCE(gpu->lost_ns, ktime_get_ns());
	if (__ratelimit(&gpu->log))
		pci_err(gpu->pdev, "its links may be in use and cannot be disabled: %s\n",
			reset ? "its port resets it" : "its port cannot reset it either");

	return reset;
}
