// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvlink_isolation: keeps the NVLinks between V100 SXM2 GPUs of different owners disabled, after
 * every reset and under any driver. This file: load, unload, hot-plug of GPUs, binding of drivers.
 */

#include "log.h"
#include "bus.h"
#include "enforce.h"
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
#include "sleep.h"
#include "sysfs.h"
#include "worker.h"

#include <linux/module.h>
#include <linux/notifier.h>

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
		if (READ_ONCE(nvli_isolate))
			nvli_enforce(gpu);
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
	switch (event) {
	case BUS_NOTIFY_BIND_DRIVER:
		/* This driver did not have the GPU when enforcement began. */
		nvli_gpu_take_back(gpu);
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
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
	case BUS_NOTIFY_UNBOUND_DRIVER:
		/* Under the lock, because leave_to_driver() decides by the driver under it. */
		nvli_gpu_take_back(gpu);
		nvli_gpu_kick(gpu);
		break;
	case BUS_NOTIFY_DEL_DEVICE:
		let_go(gpu);
		/* Nothing is known of that end of its links now, so its peers disable theirs. */
		nvli_plan_all(true);
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
			nvli_owner_record(gpu);
		}
	}
	nvli_plan_all(false);
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
	err = nvli_sleep_init();
	if (err)
		goto no_sleep;

	/* Under the rescan lock no GPU comes or goes between the notifier and the first look. */
	pci_lock_rescan_remove();
	err = bus_register_notifier(&pci_bus_type, &notifier);
	if (!err) {
		mutex_lock(&nvli_lock);
		add_present();
		nvli_parameters_act(true);
		/* This cannot fail: a module can be pinned while it is loading. */
		if (READ_ONCE(nvli_isolate))
			nvli_start();
		mutex_unlock(&nvli_lock);
	}
	pci_unlock_rescan_remove();
	if (!err)
		return 0;

	nvli_sleep_exit();
no_sleep:
	nvli_gpus_exit();

	return err;
}

static void __exit nvlink_isolation_exit(void)
{
	struct nvli_gpu *gpu = NULL;

	/* Enforcement would have pinned the module, so it is off and no hook is left. */
	mutex_lock(&nvli_lock);
	nvli_parameters_act(false);
	mutex_unlock(&nvli_lock);

	nvli_sleep_exit();
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
