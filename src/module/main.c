// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvlink_isolation: keeps the NVLinks between V100 SXM2 GPUs of different owners disabled, after
 * every reset and whatever driver is bound. This file: load, unload, start and stop of enforcement,
 * GPUs and drivers coming and going.
 */

#include "nvli.h"

#include <linux/module.h>
#include <linux/notifier.h>

#include <asm/machdep.h>

/*
 * Serialises start and stop of enforcement, changes of parameters and the coming of GPUs. Order:
 * the PCI rescan lock, this, a device's lock, its config access lock, apply_lock. The hooks never
 * take it.
 */
static DEFINE_MUTEX(enforcement);

static enum nvli_phase phase = NVLI_LOADING;

/* Return: what the module is doing; that stays so until nvli_unlock(). */
enum nvli_phase nvli_lock(void)
{
	mutex_lock(&enforcement);

	return phase;
}

void nvli_unlock(void)
{
	mutex_unlock(&enforcement);
}

/*
 * All hooks first: no GPU may be reset or enabled unseen while another one is being served. And one
 * that somebody resets, which takes seconds, is waited for when all others are done.
 */
static void start_all(void)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		nvli_gpu_enforce(gpu, nvli_resets_watch(gpu->pdev));
	klist_iter_exit(&iter);

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		gpu->waiting = !nvli_enforce_start(gpu, false);
	klist_iter_exit(&iter);

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		if (gpu->waiting)
			nvli_enforce_start(gpu, true);
	klist_iter_exit(&iter);
}

static void stop_all(void)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		nvli_enforce_stop(gpu);
	klist_iter_exit(&iter);
}

/*
 * From here on the module cannot be unloaded: an rmmod must not quietly end the isolation.
 *
 * Return: 0, or -EBUSY if it is about to be.
 */
int nvli_start(void)
{
	if (!try_module_get(THIS_MODULE))
		return -EBUSY;

	pr_info("enforcement starts (isolate=1, gate=%d)\n", nvli_gate());
	start_all();

	return 0;
}

/* Return: 0, or an error, and then enforcement goes on. */
int nvli_stop(void)
{
	int err;

	/* First claim nothing any more, then stop looking: never the other way round. */
	stop_all();
	err = nvli_resets_unwatch_all();
	if (err) {
		pr_err("isolate stays 1: the hooks cannot be taken off\n");
		start_all();
		return err;
	}

	nvli_worker_flush();
	pr_info("enforcement ended (isolate=0): disabled links come back at each GPU's next reset\n");
	module_put(THIS_MODULE);

	return 0;
}

/* A parameter changed: GPUs that are held may not have to be any more, or the reverse. */
void nvli_reconsider(void)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter))) {
		if (!nvli_gate())
			nvli_enforce_release(gpu);
		nvli_worker_kick(gpu);
	}
	klist_iter_exit(&iter);
}

/* Who may talk to whom has changed. More to disable is disabled now, less at the next reset. */
void nvli_replan(void)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;
	u32 before;

	nvli_topology_warn_of_absent();
	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter))) {
		before = nvli_gpu_status(gpu).required;
		nvli_admit_again(gpu);
		if (nvli_gpu_status(gpu).required != before)
			nvli_topology_describe(gpu);
	}
	klist_iter_exit(&iter);
}

static void plan_all(void)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		nvli_gpu_plan(gpu);
	klist_iter_exit(&iter);
}

/* A GPU that comes later. Its BAR0 has no address yet: it is the worker's as soon as it has. */
static void add_late(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu;

	nvli_lock();
	gpu = nvli_gpu_add(pdev);
	if (gpu) {
		plan_all();
		nvli_topology_describe(gpu);
		if (nvli_isolate()) {
			nvli_gpu_enforce(gpu, nvli_resets_watch(pdev));
			nvli_worker_kick(gpu);
		}
	}
	nvli_unlock();
}

/* Nothing happens in these two unless the GPU has to be isolated and is not. */
static void about_driver(struct pci_dev *pdev, void (*what)(struct nvli_gpu *gpu))
{
	struct nvli_gpu *gpu = nvli_gpu_get(pdev);

	if (!gpu)
		return;

	what(gpu);
	nvli_gpu_put(gpu);
}

static int notify(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case BUS_NOTIFY_ADD_DEVICE:
		add_late(to_pci_dev(data));
		break;
	case BUS_NOTIFY_BIND_DRIVER:
		about_driver(to_pci_dev(data), nvli_admit_bind);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		about_driver(to_pci_dev(data), nvli_admit_unbound);
		break;
	case BUS_NOTIFY_DEL_DEVICE:
		nvli_gpu_remove(to_pci_dev(data));
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block notifier = {
	.notifier_call = notify,
	/* Before EEH, which forgets a device that goes while we may still look at it. */
	.priority = INT_MAX,
};

static void add_present(void)
{
	struct pci_dev *pdev = NULL;
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	while ((pdev = pci_get_device(GV100_VENDOR_ID, PCI_ANY_ID, pdev)))
		nvli_gpu_add(pdev);
	plan_all();
	nvli_topology_warn_of_absent();

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		nvli_topology_describe(gpu);
	klist_iter_exit(&iter);
}

static int __init nvlink_isolation_init(void)
{
	int err;

	if (!machine_is(powernv)) {
		pr_err("this machine is not an OpenPOWER host (powernv), whose PCI resets this module knows; it is not loaded\n");
		return -ENODEV;
	}

	err = nvli_worker_init();
	if (err)
		return err;

	/* Under the rescan lock no GPU comes or goes between the notifier and the first look. */
	pci_lock_rescan_remove();
	err = bus_register_notifier(&pci_bus_type, &notifier);
	if (!err) {
		nvli_lock();
		add_present();
		phase = NVLI_LIVE;
		/* This cannot fail: a module can be pinned while it is loading. */
		if (nvli_isolate())
			nvli_start();
		nvli_unlock();
	}
	pci_unlock_rescan_remove();
	if (err)
		nvli_worker_exit();

	return err;
}

static void __exit nvlink_isolation_exit(void)
{
	/* Not enforcing: that would have pinned the module. So there is no hook any more. */
	nvli_lock();
	phase = NVLI_LEAVING;
	nvli_unlock();

	pci_lock_rescan_remove();
	bus_unregister_notifier(&pci_bus_type, &notifier);
	nvli_gpu_remove_all();
	pci_unlock_rescan_remove();
	nvli_worker_exit();
}

module_init(nvlink_isolation_init);
module_exit(nvlink_isolation_exit);

/* For udev, so that the module is loaded where there is such a GPU. It never binds to one. */
static const struct pci_device_id ids[] = {
#define NVLI_BOARD(id, name)	{ PCI_DEVICE(GV100_VENDOR_ID, id) },
#include <nvlink_isolation/boards.h>
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

MODULE_DESCRIPTION("Keeps the NVLinks between V100 GPUs of different owners disabled on POWER9");
MODULE_VERSION(NVLI_VERSION);
MODULE_LICENSE("GPL");
