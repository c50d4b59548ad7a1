// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work that may sleep, which the gate may not do: check whether a GPU can be reached, and wake it.
 * This file takes neither device_lock nor the config access lock: either would make vfio's
 * try-locks fail, and with them opens and resets.
 */

#include "log.h"
#include "look.h"
#include "bus.h"
#include "events.h"
#include "gate.h"
#include "platform.h"

#include <linux/delay.h>
#include <linux/pm_runtime.h>

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

/* Does the GPU answer in config space? */
static bool is_present(struct nvli_gpu *gpu)
{
	bool present;

	mutex_lock(&gpu->ring_lock);
	present = !READ_ONCE(gpu->dead) && pci_device_is_present(gpu->pdev);
	mutex_unlock(&gpu->ring_lock);

	return present;
}

static void report_unanswered(struct nvli_gpu *gpu)
{
	mutex_lock(&gpu->ring_lock);
	if (!READ_ONCE(gpu->dead) && nvli_platform->unanswered)
		nvli_platform->unanswered(gpu);
	mutex_unlock(&gpu->ring_lock);
}

/*
 * Does the GPU have its config space? Not in a reset, and not after it until the kernel has
 * restored it. If it went to sleep before that, the PM core would save what the reset has left, and
 * the kernel would restore that. So such a GPU stays awake until the next look.
 */
static bool is_restored(struct nvli_gpu *gpu)
{
	const u32 mask = (u32)PCI_BASE_ADDRESS_MEM_MASK;
	bool restored;
	u32 bar0;

	mutex_lock(&gpu->ring_lock);
	restored = !READ_ONCE(gpu->dead) && !nvli_settles_in(gpu) &&
		   !pci_read_config_dword(gpu->pdev, PCI_BASE_ADDRESS_0, &bar0) &&
		   (bar0 & mask) == (lower_32_bits(pci_bus_address(gpu->pdev, 0)) & mask);
	mutex_unlock(&gpu->ring_lock);

	return restored;
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
	woken = !READ_ONCE(gpu->dead) && pdev->current_state == PCI_D3hot &&
		!pci_set_power_state(pdev, PCI_D0);
	answer = nvli_gate_ring(gpu, how);
	if (woken && !pci_is_enabled(pdev))
		pci_set_power_state(pdev, PCI_D3hot);
	mutex_unlock(&gpu->power_lock);
	if (is_restored(gpu))
		pm_runtime_put_sync(&pdev->dev);
	else
		pm_runtime_put_noidle(&pdev->dev);

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
	} else if (is_present(gpu)) {
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
	if (!READ_ONCE(gpu->dead) && gpu->pdev->current_state == PCI_D3hot)
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
 * gate. A GPU that is not enabled counts: VFIO's close skips the reset if it cannot lock the
 * device.
 */
bool nvli_may_use_links(struct nvli_gpu *gpu)
{
	unsigned long flags;
	bool asserted, idle;

	if (!nvli_gpu_is_uncut(gpu))
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
