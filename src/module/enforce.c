// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start and stop of enforcement, and what a changed parameter causes. All of it under nvli_lock.
 */

#include "log.h"
#include "bus.h"
#include "enforce.h"
#include "events.h"
#include "gate.h"
#include "look.h"
#include "owner.h"
#include "plan.h"
#include "platform.h"
#include "report.h"
#include "settings.h"

#include <linux/module.h>

/* Attach the gate first: it keeps the GPU off while the platform sets up its hooks. */
static bool watch(struct nvli_gpu *gpu)
{
	bool gated = nvli_bus_attach(gpu->pdev->bus);

	return nvli_platform->watch(gpu) && gated;
}

/*
 * From now on the GPU has to be isolated. Its owner at its last reset is unknown. The caller
 * publishes a new GPU after this call, so that the gate never passes it unverified.
 */
void nvli_enforce(struct nvli_gpu *gpu)
{
	/* Hook B verifies the GPU for a driver that enables it after this. */
	bool was_enabled = pci_is_enabled(gpu->pdev);
	bool watched = watch(gpu);
	unsigned long flags;

	nvli_owner_starts(gpu);
	raw_spin_lock_irqsave(&gpu->lock, flags);
	gpu->left_to_driver = was_enabled && nvli_gpu_has_host_driver(gpu);
	nvli_status_enforce(&gpu->status, true);
	nvli_status_watch(&gpu->status, watched);
	gpu->verified_ns = 0;
	gpu->switched_on = 0;
	gpu->refused = 0;
	gpu->repaired = 0;
	gpu->reported.refused = 0;
	gpu->reported.repaired = 0;
	gpu->lost_ns = 0;
	gpu->stuck_on = false;
	strscpy(gpu->error, watched ? "not tried yet" : "its resets cannot be watched",
		sizeof(gpu->error));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/*
 * A host driver that had enabled the GPU when enforcement started keeps it until its next reset,
 * unless hook B or root has verified the GPU meanwhile.
 */
static void leave_to_driver(struct nvli_gpu *gpu)
{
	const struct device_driver *driver;
	unsigned long flags;

	rcu_read_lock();
	raw_spin_lock_irqsave(&gpu->lock, flags);
	driver = READ_ONCE(gpu->pdev->dev.driver);
	/* A driver whose GPU is in reset has lost it already. */
	gpu->left_to_driver &= !nvli_status_is_cut(&gpu->status) && driver &&
			       gpu->reset.settled_ns != NVLI_IN_RESET &&
			       nvli_gpu_has_host_driver(gpu);
	if (gpu->left_to_driver)
		scnprintf(gpu->error, sizeof(gpu->error),
			  "in use by driver %s; its links are disabled after its next reset",
			  driver->name);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	rcu_read_unlock();
}

/*
 * Does a host driver use the GPU, with no reset in progress? Either it had the GPU before, or hook
 * B has verified the GPU for it. The kernel switches decoding off before it resets a GPU. A held
 * device lock does not show a reset: on some kernels every read of the device's driver_override
 * takes that lock.
 */
static bool has_driver_at_work(struct nvli_gpu *gpu)
{
	return pci_is_enabled(gpu->pdev) && nvli_gpu_has_host_driver(gpu) &&
	       (nvli_gpu_state(gpu) == NVLI_ISOLATED ||
		(READ_ONCE(gpu->left_to_driver) && nvli_is_decoding(gpu)));
}

/*
 * Verify the GPU now. A held device lock may mean a reset that began unseen. Then leave the GPU
 * alone for as long as after a reset: hook C sees the next step.
 */
static void start_gpu(struct nvli_gpu *gpu)
{
	bool locked = device_trylock(&gpu->pdev->dev);

	if (locked || has_driver_at_work(gpu)) {
		leave_to_driver(gpu);
		if (locked)
			device_unlock(&gpu->pdev->dev);
		if (READ_ONCE(gpu->left_to_driver))
			nvli_gate_map(gpu);
		else
			nvli_look(gpu, NVLI_ONCE);
		nvli_report(gpu);
	} else {
		nvli_event_unseen(gpu, false);
	}
	nvli_gpu_kick(gpu);
}

/*
 * Pin the module: an rmmod must not end the isolation silently. Watch all GPUs before the first is
 * verified, so that the module sees each of them being reset or switched on meanwhile.
 *
 * Return: 0, or -EBUSY if the module is about to be unloaded.
 */
int nvli_start(void)
{
	struct nvli_gpu *gpu = NULL;

	if (!try_module_get(THIS_MODULE))
		return -EBUSY;

	pr_info("enforcement starts (isolate=1, gate=%d)\n", READ_ONCE(nvli_gate));
	while ((gpu = nvli_gpu_next(gpu)))
		nvli_enforce(gpu);
	/* Wait for writes that began before the gate was attached. */
	nvli_buses_wait();
	while ((gpu = nvli_gpu_next(gpu)))
		start_gpu(gpu);

	return 0;
}

/* Enforcement ends for this GPU. Disabled links stay so until its next reset. */
static void release(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_enforce(&gpu->status, false);
	gpu->left_to_driver = false;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	mutex_lock(&gpu->ring_lock);
	nvli_gate_unmap(gpu);
	mutex_unlock(&gpu->ring_lock);
	nvli_report(gpu);
}

/*
 * Check that everything can be released before releasing anything. Then drop all claims about the
 * GPUs, and only after that remove the hooks.
 *
 * Return: 0, or -EBUSY if enforcement continues.
 */
int nvli_stop(void)
{
	struct nvli_gpu *gpu = NULL;
	int err;

	if (!nvli_buses_can_detach() || !nvli_platform->can_unwatch()) {
		pr_err("isolate stays 1: the hooks cannot be removed\n");
		return -EBUSY;
	}

	while ((gpu = nvli_gpu_next(gpu)))
		release(gpu);
	err = nvli_platform->unwatch();
	if (!err)
		err = nvli_buses_detach();
	if (err) {
		pr_err("isolate stays 1: the hooks cannot be removed\n");
		nvli_start();
		module_put(THIS_MODULE);
		return err;
	}

	while ((gpu = nvli_gpu_next(gpu))) {
		flush_delayed_work(&gpu->work);
		/* Hook C is off and will not see the end of a reset in progress. */
		gpu->reset = (struct nvli_reset) { };
	}
	pr_info("enforcement ended (isolate=0): disabled links come back at each GPU's next reset\n");
	module_put(THIS_MODULE);

	return 0;
}

/*
 * A parameter changed that the worker reads. If gate=1 returns, switch off now each GPU that was
 * switched on unverified, instead of at the worker's next attempt. Also try again to see the
 * resets of a GPU if that was not possible.
 */
void nvli_reconsider(void)
{
	struct nvli_gpu *gpu = NULL;

	while ((gpu = nvli_gpu_next(gpu))) {
		if (!nvli_gpu_status(gpu).watched)
			watch(gpu);
		if (nvli_gpu_is_refused(gpu))
			nvli_look(gpu, NVLI_ONCE);
		nvli_gpu_kick(gpu);
	}
}

/*
 * The domains or links have changed. Disable additional links now, also on a GPU in use, where it
 * takes a single write. Links that may be enabled again return at the GPU's next reset.
 */
void nvli_replan(void)
{
	struct nvli_gpu *gpu = NULL;

	while ((gpu = nvli_gpu_next(gpu)))
		nvli_owner_record(gpu);
	nvli_report_absent();
	nvli_plan_all(false);
	while ((gpu = nvli_gpu_next(gpu))) {
		if (nvli_gpu_state(gpu) != NVLI_PENDING || READ_ONCE(gpu->left_to_driver))
			continue;
		nvli_look_again(gpu);
		if (pci_is_enabled(gpu->pdev) && !nvli_gpu_has_host_driver(gpu) &&
		    nvli_may_use_links(gpu))
			nvli_gpu_set_lost(gpu);
	}
	/* Kick the workers last, so that they reset all GPUs that need it at the same time. */
	while ((gpu = nvli_gpu_next(gpu))) {
		nvli_report_links(gpu);
		nvli_gpu_kick(gpu);
	}
}
