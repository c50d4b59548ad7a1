// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work that may sleep, which the gate may not do: check whether a GPU can be reached, wake it, and
 * use the port above it. This file takes neither device_lock nor the config access lock: either
 * would make vfio's try-locks fail, and with them opens and resets.
 */

#include "log.h"
#include "look.h"
#include "bus.h"
#include "events.h"
#include "gate.h"
#include "platform.h"

#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/pm_runtime.h>

/* How long NVIDIA's tools keep a V100 in reset (hardware.md) */
#define ASSERT_MS	100
/*
 * The kernel's removal of a device waits for the worker: no longer than a second for the release,
 * and another one for the link.
 */
#define RELEASE_TRIES	10
/* How long to wait for a firmware reset that may have no effect, before the port resets the GPU */
#define RELEASE_MS	2000

/* Check gpu->dead under ring_lock: EEH forgets a removed device and its PE, which powernv reads. */
static const char *obstacle(struct nvli_gpu *gpu)
{
	const char *what;

	mutex_lock(&gpu->ring_lock);
	what = READ_ONCE(gpu->dead) ? "it is removed" : nvli_platform->obstacle(gpu);
	mutex_unlock(&gpu->ring_lock);

	return what;
}

static void report_unanswered(struct nvli_gpu *gpu)
{
	mutex_lock(&gpu->ring_lock);
	if (!READ_ONCE(gpu->dead) && nvli_platform->unanswered)
		nvli_platform->unanswered(gpu);
	mutex_unlock(&gpu->ring_lock);
}

/*
 * Wake a GPU that is not in use, verify it, and put it back to sleep. Runtime PM counts its users.
 * But vfio-pci before Linux 5.19 uses pci_set_power_state(), which does not count. Hence
 * power_lock: without it the first of two looks to end would suspend the GPU under the other. No
 * holder of power_lock waits for a driver's resume, because nvli_look_at_enable() takes it as well.
 */
static enum nvli_answer ring_awake(struct nvli_gpu *gpu, enum nvli_how how)
{
	struct pci_dev *pdev = gpu->pdev;
	enum nvli_answer answer;
	bool woken;

	pm_runtime_get_sync(&pdev->dev);
	mutex_lock(&gpu->power_lock);
	woken = pdev->current_state == PCI_D3hot && !pci_set_power_state(pdev, PCI_D0);
	answer = nvli_gate_ring(gpu, how);
	if (woken && !pci_is_enabled(pdev))
		pci_set_power_state(pdev, PCI_D3hot);
	mutex_unlock(&gpu->power_lock);
	pm_runtime_put(&pdev->dev);

	return answer;
}

static enum nvli_answer look(struct nvli_gpu *gpu, enum nvli_how how)
{
	const char *what = obstacle(gpu);
	enum nvli_answer answer;

	if (what) {
		nvli_gpu_set_obstacle(gpu, what);
		return NVLI_NOT_READY;
	}

	if (pci_is_enabled(gpu->pdev) || nvli_gpu_has_host_driver(gpu)) {
		answer = nvli_gate_ring(gpu, how);
	} else if (pci_device_is_present(gpu->pdev)) {
		answer = ring_awake(gpu, how);
	} else {
		/* Resume would restore, and so discard, the saved config space, and log errors. */
		nvli_gpu_set_obstacle(gpu, "it does not answer in config space");
		answer = NVLI_NOT_READY;
	}
	if (answer == NVLI_NOT_VERIFIED && nvli_gpu_status(gpu).unanswered)
		report_unanswered(gpu);

	return answer;
}

/*
 * Verify a GPU if it can be reached. Wakes a suspended GPU only if it is not in use. The port above
 * it has to be awake before anything can check whether the GPU can be reached. Returns as
 * nvli_gate_ring() does.
 */
enum nvli_answer nvli_look(struct nvli_gpu *gpu, enum nvli_how how)
{
	struct pci_dev *port = pci_upstream_bridge(gpu->pdev);
	enum nvli_answer answer;

	if (port)
		pm_runtime_get_sync(&port->dev);
	answer = look(gpu, how);
	if (port)
		pm_runtime_put(&port->dev);

	return answer;
}

/*
 * Verify a GPU that is being enabled. The kernel has woken it and counts it as enabled. But a look
 * that began before that may have suspended it again. Returns as nvli_gate_ring() does.
 */
enum nvli_answer nvli_look_at_enable(struct nvli_gpu *gpu)
{
	mutex_lock(&gpu->power_lock);
	if (gpu->pdev->current_state == PCI_D3hot)
		pci_set_power_state(gpu->pdev, PCI_D0);
	mutex_unlock(&gpu->power_lock);

	return nvli_gate_ring(gpu, NVLI_ONCE);
}

/*
 * Is memory decoding on? False if config space does not answer. Under ring_lock, as EEH forgets a
 * removed device. A write that the gate has decided to pass on counts: it may follow an older plan.
 */
bool nvli_is_decoding(struct nvli_gpu *gpu)
{
	u16 command;
	bool on;

	mutex_lock(&gpu->ring_lock);
	nvli_bus_wait(gpu->pdev->bus);
	on = !READ_ONCE(gpu->dead) && !pci_read_config_word(gpu->pdev, PCI_COMMAND, &command) &&
	     command != U16_MAX && command & PCI_COMMAND_MEMORY;
	mutex_unlock(&gpu->ring_lock);

	return on;
}

/*
 * Can work on the GPU use a link that has to be disabled? Not while a control keeps the GPU in
 * reset, nor after a real reset, until it is used again. EEH can switch decoding on without the
 * gate. A user who is gone may have left work: VFIO's close skips the reset if a lock is taken.
 */
bool nvli_may_use_links(struct nvli_gpu *gpu)
{
	unsigned long flags;
	bool asserted, idle;

	if (!nvli_gpu_is_uncut(gpu) || !(pci_is_enabled(gpu->pdev) || READ_ONCE(gpu->has_worked)))
		return false;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	asserted = gpu->reset.asserted;
	idle = gpu->reset.happened && !gpu->status.used && !gpu->stuck_on;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return !asserted && (!idle || nvli_is_decoding(gpu));
}

/*
 * Is the GPU in a reset, or not settled after it? A firmware reset may have no effect. So once the
 * links of a guest's GPU may be in use, the answer is false after RELEASE_MS, unless a port's
 * control bit keeps the GPU in reset.
 */
bool nvli_is_being_stopped(struct nvli_gpu *gpu)
{
	u64 lost_ns = READ_ONCE(gpu->lost_ns);

	return nvli_settles_in(gpu) &&
	       (READ_ONCE(gpu->reset.asserted) || nvli_gpu_has_host_driver(gpu) || !lost_ns ||
		ktime_get_ns() < lost_ns + RELEASE_MS * NSEC_PER_MSEC);
}

/*
 * The plan requires more links than before: verify the GPU as soon as it has settled. Its user may
 * prevent that, by having EEH block config space, or by resets that reset nothing.
 */
void nvli_look_again(struct nvli_gpu *gpu)
{
	unsigned int ms = nvli_settles_in(gpu);

	if (ms && ms != UINT_MAX)
		msleep(ms);
	nvli_look(gpu, NVLI_RETRY);
}

static bool reports_link(struct pci_dev *port)
{
	u32 capabilities = 0;

	return port && !pcie_capability_read_dword(port, PCI_EXP_LNKCAP, &capabilities) &&
	       capabilities & PCI_EXP_LNKCAP_DLLLARC;
}

/* Does the port above the GPU report that its link is down? */
bool nvli_link_is_down(struct nvli_gpu *gpu)
{
	struct pci_dev *port = pci_upstream_bridge(gpu->pdev);
	u16 status = 0;

	return reports_link(port) && !pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status) &&
	       !(status & PCI_EXP_LNKSTA_DLLLA);
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
	bool done, reset = false;

	mutex_lock(&gpu->ring_lock);
	/* After its removal another GPU may be below the port. */
	done = READ_ONCE(gpu->dead) || nvli_gpu_state(gpu) == NVLI_OFF ||
	       !(READ_ONCE(gpu->lost_ns) || READ_ONCE(gpu->stuck_on));
	if (!done)
		reset = reset_by_port(gpu);
	mutex_unlock(&gpu->ring_lock);
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
