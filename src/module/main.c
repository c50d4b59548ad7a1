// SPDX-License-Identifier: GPL-2.0-only
/*
 * nvlink_isolation: keeps the NVLinks between V100 SXM2 GPUs of different owners disabled, after
 * every reset and whatever driver is bound. This file: parameters, load, unload, GPUs coming and
 * going.
 */

#include "nvli.h"

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/string.h>

#include <asm/machdep.h>

/*
 * Serialises start and stop of enforcement and the coming of GPUs. Order: the PCI rescan lock,
 * this, a device's lock, its config access lock, apply_lock. The hooks never take it.
 */
static DEFINE_MUTEX(enforcement);

/*
 * Parameter files can be written before init has ended and after exit has begun. Until the module
 * is live a write is only noted; afterwards it has no effect.
 */
static enum { LOADING, LIVE, LEAVING } phase = LOADING;

/* A day, which is long enough */
#define AUDIT_SECONDS_MAX	86400U

static bool isolate;
static bool gate = true;
static unsigned int audit_seconds = 60;

/* May an unverified GPU be kept from being enabled? */
bool nvli_gate(void)
{
	return READ_ONCE(gate);
}

/* How often to look whether what is called isolated still is; 0 for never */
unsigned int nvli_audit_seconds(void)
{
	return READ_ONCE(audit_seconds);
}

/* All hooks first: no GPU may be reset or enabled unseen while another one is being served. */
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
		nvli_enforce_start(gpu);
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

/* From here on the module cannot be unloaded: an rmmod must not quietly end the isolation. */
static int start_enforcement(void)
{
	if (!try_module_get(THIS_MODULE))
		return -EBUSY;

	isolate = true;
	pr_info("enforcement starts (isolate=1, gate=%d)\n", nvli_gate());
	start_all();

	return 0;
}

static int stop_enforcement(void)
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
	isolate = false;
	pr_info("enforcement ended (isolate=0): disabled links come back at each GPU's next reset\n");
	module_put(THIS_MODULE);

	return 0;
}

/* Return: 0, or -EINVAL with a line in the log if this is neither 0 nor 1. */
static int parse(const char *text, const struct kernel_param *kp, bool *value)
{
	static const char * const words[] = { "0", "1", "n", "y", "N", "Y", "off", "on" };
	/* The name alone switches it on, as for any boolean. */
	int i = text ? sysfs_match_string(words, text) : 1;

	if (i < 0) {
		pr_err("%s: '%.*s' is not accepted: 0 or 1 is\n", kp->name,
		       (int)strcspn(text, "\n"), text);
		return -EINVAL;
	}
	*value = i & 1;

	return 0;
}

/*
 * A module that did not load because of a typing error would isolate nothing, so at load the safe
 * value, which is 1 for both, is taken in place of a bad one.
 */
static int parse_at_load(const char *text, const struct kernel_param *kp, bool *value)
{
	if (parse(text, kp, value)) {
		pr_err("%s: 1, the safe value, is taken\n", kp->name);
		*value = true;
	}

	return 0;
}

static int set_isolate(const char *text, const struct kernel_param *kp)
{
	bool value;
	int err = 0;

	mutex_lock(&enforcement);
	if (phase == LOADING)
		err = parse_at_load(text, kp, &isolate);
	else if (phase == LEAVING)
		err = -ENODEV;
	else
		err = parse(text, kp, &value);
	if (!err && phase == LIVE && value != isolate)
		err = value ? start_enforcement() : stop_enforcement();
	mutex_unlock(&enforcement);

	return err;
}

/* A parameter changed: GPUs that are held may not have to be any more, or the reverse. */
static void reconsider_all(void)
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

static int set_gate(const char *text, const struct kernel_param *kp)
{
	bool value;
	int err;

	mutex_lock(&enforcement);
	err = phase == LOADING ? parse_at_load(text, kp, &value) : parse(text, kp, &value);
	if (!err)
		WRITE_ONCE(gate, value);
	if (!err && phase == LIVE && isolate)
		reconsider_all();
	mutex_unlock(&enforcement);

	return err;
}

static int set_audit_seconds(const char *text, const struct kernel_param *kp)
{
	unsigned int value;
	int err;

	mutex_lock(&enforcement);
	err = kstrtouint(text, 0, &value);
	if (!err && value > AUDIT_SECONDS_MAX)
		err = -ERANGE;
	if (!err) {
		WRITE_ONCE(audit_seconds, value);
		if (phase == LIVE && isolate)
			reconsider_all();
	} else {
		pr_err("%s: '%.*s' is not accepted: a number of seconds from 0 to %u is\n",
		       kp->name, (int)strcspn(text, "\n"), text, AUDIT_SECONDS_MAX);
		err = -EINVAL;
	}
	/* As above: a typing error must not keep the module from loading. */
	if (err && phase == LOADING) {
		pr_err("%s: %u is taken\n", kp->name, audit_seconds);
		err = 0;
	}
	mutex_unlock(&enforcement);

	return err;
}

/* Said of a list only: a GPU may come later, or the address may be wrong. */
static void warn_of_absent(const struct nvli_domains *domains)
{
	char text[NVLI_GPU_ID_TEXT];
	struct klist_iter iter;
	struct nvli_gpu *gpu;
	unsigned int i;

	for (i = 0; i < domains->count; i++) {
		nvli_gpu_id_text(domains->member[i].gpu, text);
		nvli_gpu_iter_init(&iter);
		while ((gpu = nvli_gpu_next(&iter)) && strcmp(pci_name(gpu->pdev), text))
			;
		klist_iter_exit(&iter);
		if (!gpu)
			pr_warn("domains: there is no V100 SXM2 at %s now; it is kept for when there is\n",
				text);
	}
}

/* Who may talk to whom has changed. More to disable is disabled now, less at the next reset. */
static void replan_all(void)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;
	u32 before;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter))) {
		before = nvli_gpu_status(gpu).required;
		if (isolate)
			nvli_enforce_again(gpu);
		else
			nvli_gpu_plan(gpu);
		if (nvli_gpu_status(gpu).required != before)
			nvli_topology_describe(gpu);
	}
	klist_iter_exit(&iter);
}

static int set_domains(const char *text, const struct kernel_param *kp)
{
	static const struct nvli_domains alone = { .policy = NVLI_BY_GPU };
	struct nvli_domains_error error;
	struct nvli_domains domains;
	int err = 0;

	/* The name alone says nothing. */
	if (!text)
		text = "";
	mutex_lock(&enforcement);
	if (!nvli_domains_parse(&domains, text, &error)) {
		pr_err("%s: '%.*s', at character %zu: %s\n", kp->name,
		       (int)strcspn(text, "\n"), text, error.position + 1, error.text);
		err = -EINVAL;
	}
	/* As above. Each GPU alone is the safe side. */
	if (err && phase == LOADING) {
		pr_err("%s: gpu, each GPU alone, is taken\n", kp->name);
		domains = alone;
		err = 0;
	}
	if (!err) {
		nvli_topology_set_domains(&domains);
		if (phase == LIVE) {
			warn_of_absent(&domains);
			replan_all();
		}
	}
	mutex_unlock(&enforcement);

	return err;
}

static int show_domains(char *buffer, const struct kernel_param *kp)
{
	struct nvli_domains domains = nvli_topology_domains();

	nvli_domains_text(&domains, buffer);

	return strlen(strcat(buffer, "\n"));
}

static int show_switch(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%d\n", *(bool *)kp->arg);
}

static const struct kernel_param_ops isolate_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_isolate,
	.get = show_switch,
};

static const struct kernel_param_ops gate_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_gate,
	.get = show_switch,
};

static const struct kernel_param_ops audit_seconds_ops = {
	.set = set_audit_seconds,
	.get = param_get_uint,
};

static const struct kernel_param_ops domains_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_domains,
	.get = show_domains,
};

module_param_cb(isolate, &isolate_ops, &isolate, 0644);
MODULE_PARM_DESC(isolate,
		 "0 (default): observe, touch nothing, show what would be cut; 1: keep the NVLinks between GPUs of different owners disabled. Can be changed at run time");
module_param_cb(gate, &gate_ops, &gate, 0644);
MODULE_PARM_DESC(gate,
		 "1 (default): a GPU that is not verified as isolated cannot be enabled and is held in reset; 0: only report it. Can be changed at run time");
module_param_cb(audit_seconds, &audit_seconds_ops, &audit_seconds, 0644);
MODULE_PARM_DESC(audit_seconds,
		 "how often the disabled links of each GPU are read back, and the hooks are looked at, in seconds; 0: never (default: 60). Can be changed at run time");

module_param_cb(domains, &domains_ops, NULL, 0644);
MODULE_PARM_DESC(domains,
		 "which GPUs may keep talking: group (default): those of one IOMMU group; gpu: none; or a list, 0004:04:00.0+0004:05:00.0,0035:03:00.0 (+ joins, a comma separates; who is not named is alone). Can be changed at run time: more links are disabled at once, fewer at the next reset");

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

	mutex_lock(&enforcement);
	gpu = nvli_gpu_add(pdev);
	if (gpu) {
		plan_all();
		nvli_topology_describe(gpu);
		if (isolate) {
			nvli_gpu_enforce(gpu, nvli_resets_watch(pdev));
			nvli_worker_kick(gpu);
		}
	}
	mutex_unlock(&enforcement);
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
		about_driver(to_pci_dev(data), nvli_enforce_bind);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		about_driver(to_pci_dev(data), nvli_enforce_unbound);
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
	struct nvli_domains domains;
	struct pci_dev *pdev = NULL;
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	while ((pdev = pci_get_device(GV100_VENDOR_ID, PCI_ANY_ID, pdev)))
		nvli_gpu_add(pdev);
	plan_all();
	domains = nvli_topology_domains();
	warn_of_absent(&domains);

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
		mutex_lock(&enforcement);
		add_present();
		phase = LIVE;
		/* This cannot fail: a module can be pinned while it is loading. */
		if (isolate)
			start_enforcement();
		mutex_unlock(&enforcement);
	}
	pci_unlock_rescan_remove();
	if (err)
		nvli_worker_exit();

	return err;
}

static void __exit nvlink_isolation_exit(void)
{
	/* Not enforcing: that would have pinned the module. So there is no hook any more. */
	mutex_lock(&enforcement);
	phase = LEAVING;
	mutex_unlock(&enforcement);

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
