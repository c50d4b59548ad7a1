// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvlink_isolation: keeps the NVLinks between V100 SXM2 GPUs of different owners disabled, after
 * every reset and under any driver. This file: load, unload, start and stop of enforcement,
 * hot-plug of GPUs, binding of drivers.
 */

#include "log.h"
#include "bus.h"
#include "events.h"
#include "gate.h"
#include "gpu.h"
#include "look.h"
#include "owner.h"
#include "parameters.h"
#include "plan.h"
#include "platform.h"
#include "report.h"
#include "settings.h"
#include "sysfs.h"
#include "worker.h"

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/notifier.h>

/* Attach the gate first: it keeps the GPU off while the platform sets up its hooks. */
static bool watch(struct nvli_gpu *gpu)
{
	bool gated = nvli_bus_attach(gpu->pdev->bus);

	return nvli_platform->watch(gpu) && gated;
}

/* From now on the GPU has to be isolated. Its owner at its last reset is unknown. */
static void enforce(struct nvli_gpu *gpu, bool watched)
{
	unsigned long flags;

	nvli_owner_starts(gpu);
	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_enforce(&gpu->status, true);
	nvli_status_watch(&gpu->status, watched);
	gpu->verified_ns = 0;
	gpu->switched_on = 0;
	gpu->refused = 0;
	gpu->repaired = 0;
	gpu->reported.refused = 0;
	gpu->reported.repaired = 0;
	gpu->lost = false;
	gpu->stuck_on = false;
	if (nvli_state(&gpu->status) != NVLI_ISOLATED)
		strscpy(gpu->error, watched ? "not tried yet" : "its resets cannot be watched",
			sizeof(gpu->error));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/*
 * A host driver that has the GPU when enforcement starts keeps it until its next reset. The module
 * does not leave a GPU to a driver that binds later: hook B has verified the GPU for that one.
 */
static void leave_to_driver(struct nvli_gpu *gpu)
{
	const struct device_driver *driver;
	unsigned long flags;

	rcu_read_lock();
	raw_spin_lock_irqsave(&gpu->lock, flags);
	driver = READ_ONCE(gpu->pdev->dev.driver);
	/* A driver whose GPU is in reset has lost it already. */
	gpu->left_to_driver = !nvli_status_is_cut(&gpu->status) && driver &&
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
 * Verify the GPU now. A held device lock may mean a reset that began unseen. Then leave the GPU
 * alone for as long as after a reset: hook C sees the next step.
 */
static void start_gpu(struct nvli_gpu *gpu)
{
	if (device_trylock(&gpu->pdev->dev)) {
		/* Under the device lock, so that no driver binds meanwhile. */
		leave_to_driver(gpu);
		device_unlock(&gpu->pdev->dev);
		if (!READ_ONCE(gpu->left_to_driver))
			nvli_look(gpu, NVLI_ONCE);
		nvli_report(gpu);
	} else {
		nvli_event_reset(gpu, false);
		nvli_event_end(gpu);
	}
	nvli_gpu_kick(gpu);
}

/*
 * Pin the module: an rmmod must not end the isolation silently. Watch all GPUs before the first is
 * verified, so that the module sees each of them being reset or switched on meanwhile.
 *
 * Return: 0, or -EBUSY if the module is about to be unloaded.
 */
static int start(void)
{
	struct nvli_gpu *gpu = NULL;

	if (!try_module_get(THIS_MODULE))
		return -EBUSY;

	pr_info("enforcement starts (isolate=1, gate=%d)\n", READ_ONCE(nvli_gate));
	while ((gpu = nvli_gpu_next(gpu)))
		enforce(gpu, watch(gpu));
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
	gpu->error[0] = '\0';
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
static int stop(void)
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
		start();
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
 * switched on unverified, instead of at the worker's next attempt.
 */
static void reconsider(void)
{
	struct nvli_gpu *gpu = NULL;

	while ((gpu = nvli_gpu_next(gpu))) {
		if (nvli_gpu_is_refused(gpu))
			nvli_look(gpu, NVLI_ONCE);
		nvli_gpu_kick(gpu);
	}
}

static void look_again(struct nvli_gpu *gpu)
{
	unsigned int ms = nvli_settles_in(gpu);

	if (ms != UINT_MAX)
		msleep(ms);
	nvli_look_again(gpu);
}

/*
 * Record the bound driver's VFIO device, unless a bind or unbind holds the device lock. In that
 * case vfio-pci cannot identify the owner until the next bind.
 */
static void record_driver(struct nvli_gpu *gpu)
{
	if (!device_trylock(&gpu->pdev->dev))
		return;

	nvli_owner_bound(gpu);
	device_unlock(&gpu->pdev->dev);
}

/*
 * The domains or links have changed. Disable additional links now, also on a GPU in use, where it
 * takes a single write. Links that may be enabled again return at the GPU's next reset.
 */
static void replan(void)
{
	struct nvli_gpu *gpu = NULL;

	while ((gpu = nvli_gpu_next(gpu)))
		record_driver(gpu);
	nvli_report_absent();
	nvli_plan_all();
	while ((gpu = nvli_gpu_next(gpu)))
		if (nvli_gpu_state(gpu) == NVLI_PENDING && !READ_ONCE(gpu->left_to_driver))
			look_again(gpu);
	/* Kick the workers last, so that they reset all GPUs that need it at the same time. */
	while ((gpu = nvli_gpu_next(gpu))) {
		nvli_report_links(gpu);
		nvli_gpu_kick(gpu);
	}
}

static const struct nvli_actions actions = {
	.start = start,
	.stop = stop,
	.reconsider = reconsider,
	.replan = replan,
};

/* Create a GPU's object without touching the GPU. Under nvli_lock, so that it gets only one. */
static struct nvli_gpu *take_in(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu;
	int err = -ENOMEM;

	if (!nvli_board(pdev->vendor, pdev->device))
		return NULL;
	gpu = nvli_gpu_get(pdev);
	if (gpu) {
		nvli_gpu_put(gpu);
		return NULL;
	}

	gpu = nvli_gpu_new(pdev, nvli_work);
	if (gpu) {
		nvli_platform->describe(gpu);
		err = nvli_sysfs_add(gpu);
		if (!err)
			return gpu;
		nvli_gpu_put(gpu);
	}
	pci_err(pdev, "cannot be managed (error %d): it is not isolated\n", err);
	/* The gate refuses to switch on a GPU that has no object. */
	if (READ_ONCE(nvli_isolate))
		nvli_bus_attach(pdev->bus);

	return NULL;
}

static void let_go(struct nvli_gpu *gpu)
{
	nvli_sysfs_remove(gpu);
	nvli_gpu_remove(gpu);
}

/*
 * A hot-added GPU. It has no IOMMU group yet, and its BAR0 no address: the worker verifies it once
 * it has both. Its reset may have been released just now.
 */
static void hot_add(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu;

	if (!nvli_board(pdev->vendor, pdev->device))
		return;

	mutex_lock(&nvli_lock);
	gpu = take_in(pdev);
	if (gpu) {
		nvli_plan_new(gpu);
		/* Enforce before publishing, so that the gate never passes it unverified. */
		if (READ_ONCE(nvli_isolate))
			enforce(gpu, watch(gpu));
		nvli_gpu_publish(gpu);
		if (READ_ONCE(nvli_isolate))
			nvli_event_end(gpu);
		else
			nvli_gpu_kick(gpu);
	}
	mutex_unlock(&nvli_lock);
}

static void notify_of_gpu(struct nvli_gpu *gpu, unsigned long event)
{
	unsigned long flags;

	switch (event) {
	case BUS_NOTIFY_BIND_DRIVER:
		/*
		 * A driver need not call pci_enable_device(). If it does, the call also enables
		 * the bridges above, which may not forward yet.
		 */
		if (nvli_gpu_state(gpu) == NVLI_PENDING && !nvli_settles_in(gpu))
			nvli_look(gpu, NVLI_ONCE);
		nvli_gpu_kick(gpu);
		break;
	case BUS_NOTIFY_BOUND_DRIVER:
		nvli_owner_bound(gpu);
		nvli_gpu_kick(gpu);
		break;
	case BUS_NOTIFY_UNBIND_DRIVER:
		nvli_owner_unbinds(gpu);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		/* Under the lock, because leave_to_driver() decides by the driver under it. */
		raw_spin_lock_irqsave(&gpu->lock, flags);
		gpu->left_to_driver = false;
		raw_spin_unlock_irqrestore(&gpu->lock, flags);
		nvli_gpu_kick(gpu);
		break;
	case BUS_NOTIFY_DEL_DEVICE:
		let_go(gpu);
		break;
	}
}

/* BUS_NOTIFY_DEL_DEVICE comes with the PCI rescan lock held. */
static int notify(struct notifier_block *block, unsigned long event, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	struct nvli_gpu *gpu = nvli_gpu_get(pdev);

	if (gpu) {
		notify_of_gpu(gpu, event);
		nvli_gpu_put(gpu);
	}
	if (event == BUS_NOTIFY_ADD_DEVICE)
		hot_add(pdev);
	else if (event == BUS_NOTIFY_DEL_DEVICE)
		nvli_bus_forget_below(pdev);

	return NOTIFY_DONE;
}

static struct notifier_block notifier = {
	.notifier_call = notify,
	/* Before EEH, which forgets a removed device while the worker may still verify it. */
	.priority = INT_MAX,
};

static void add_present(void)
{
	struct pci_dev *pdev = NULL;
	struct nvli_gpu *gpu;

	while ((pdev = pci_get_device(GV100_VENDOR_ID, PCI_ANY_ID, pdev))) {
		gpu = take_in(pdev);
		if (gpu) {
			nvli_gpu_publish(gpu);
			record_driver(gpu);
		}
	}
	nvli_plan_all();
	nvli_report_absent();
	gpu = NULL;
	while ((gpu = nvli_gpu_next(gpu))) {
		gpu->planned = true;
		nvli_report_links(gpu);
	}
}

static int __init nvlink_isolation_init(void)
{
	int err;

	nvli_platform = nvli_platform_here();
	if (!nvli_platform)
		return -ENODEV;
	nvli_buses_init(nvli_gate_write);
	if (!nvli_platform->relink && nvli_wires().count)
		pr_warn("the parameter links is ignored: on this platform firmware describes the NVLinks\n");

	err = nvli_gpus_init();
	if (err)
		return err;
	err = nvli_events_init();
	if (err)
		goto no_events;

	/* Under the rescan lock no GPU comes or goes between the notifier and the first look. */
	pci_lock_rescan_remove();
	err = bus_register_notifier(&pci_bus_type, &notifier);
	if (!err) {
		mutex_lock(&nvli_lock);
		add_present();
		nvli_parameters_act(&actions);
		/* This cannot fail: a module can be pinned while it is loading. */
		if (READ_ONCE(nvli_isolate))
			start();
		mutex_unlock(&nvli_lock);
	}
	pci_unlock_rescan_remove();
	if (!err)
		return 0;

	nvli_events_exit();
no_events:
	nvli_gpus_exit();

	return err;
}

static void __exit nvlink_isolation_exit(void)
{
	struct nvli_gpu *gpu = NULL;

	/* Enforcement would have pinned the module, so it is off and no hook is left. */
	mutex_lock(&nvli_lock);
	nvli_parameters_act(NULL);
	mutex_unlock(&nvli_lock);

	nvli_events_exit();
	pci_lock_rescan_remove();
	bus_unregister_notifier(&pci_bus_type, &notifier);
	while ((gpu = nvli_gpu_next(gpu)))
		let_go(gpu);
	nvli_buses_exit();
	pci_unlock_rescan_remove();
	if (nvli_platform->exit)
		nvli_platform->exit();
	nvli_gpus_exit();
}

module_init(nvlink_isolation_init);
module_exit(nvlink_isolation_exit);

/* For udev, which loads the module on machines with such a GPU. The module never binds to one. */
static const struct pci_device_id ids[] = {
#define NVLI_BOARD(id, name)	{ PCI_DEVICE(GV100_VENDOR_ID, id) },
#include <nvlink_isolation/boards.h>
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

MODULE_DESCRIPTION("Keeps the NVLinks between V100 GPUs of different owners disabled");
MODULE_VERSION(NVLI_VERSION);
MODULE_LICENSE("GPL");
