// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameters: isolate, gate, audit_seconds, domains, links.
 *
 * Root can write their files before init has ended and after exit has begun. Until the module is
 * live, a value is only recorded. A bad value is no error then, and the safe value replaces it: a
 * module that did not load because of a typing error would isolate nothing.
 */

#include "log.h"
#include "parameters.h"
#include "enforce.h"
#include "platform.h"
#include "settings.h"

#include <linux/module.h>
#include <linux/moduleparam.h>

/* A day */
#define AUDIT_SECONDS_MAX	86400U

/*
 * Serialises start and stop of enforcement, changes of parameters and hot-plug of GPUs. Order:
 * the PCI rescan lock, this, a GPU's power_lock, its ring_lock. The gate, the hooks and the worker
 * never take it.
 */
DEFINE_MUTEX(nvli_lock);

/* Until init has ended, a value is only recorded. */
static bool loading = true;
/* False while loading, and after exit has begun: then a value has no effect. */
static bool live;

/* The module is live from now on, or else about to be unloaded. The caller holds the lock. */
void nvli_parameters_act(bool act)
{
	live = act;
	loading = false;
}

/*
 * Read a switch, of which 1 is the safe value. This and what follows is called under the lock.
 *
 * Return: 0, or -EINVAL if this is neither 0 nor 1; that is logged.
 */
static int parse(const char *text, const struct kernel_param *kp, bool *value)
{
	static const char * const words[] = { "0", "1", "n", "y", "N", "Y", "off", "on" };
	int i = sysfs_match_string(words, text);

	if (i < 0) {
		pr_err("%s: '%.*s' is not accepted: use 0 or 1\n", kp->name, nvli_shown(text),
		       text);
		if (!loading)
			return -EINVAL;
		pr_err("%s: using 1, the safe value\n", kp->name);
	}
	*value = i < 0 || i & 1;

	return 0;
}

static int change_isolate(const char *text, const struct kernel_param *kp)
{
	bool value;
	int err = parse(text, kp, &value);

	if (!err && !loading && !live)
		err = -ENODEV;
	if (!err && live && value != READ_ONCE(nvli_isolate))
		err = value ? nvli_start() : nvli_stop();
	if (!err)
		WRITE_ONCE(nvli_isolate, value);

	return err;
}

static int change_gate(const char *text, const struct kernel_param *kp)
{
	bool value;
	int err = parse(text, kp, &value);

	if (!err)
		WRITE_ONCE(nvli_gate, value);
	if (!err && live && READ_ONCE(nvli_isolate))
		nvli_reconsider();

	return err;
}

static int change_audit_seconds(const char *text, const struct kernel_param *kp)
{
	unsigned int value;

	if (kstrtouint(text, 10, &value) || value > AUDIT_SECONDS_MAX) {
		pr_err("%s: '%.*s' is not accepted: use a number of seconds from 0 to %u\n",
		       kp->name, nvli_shown(text), text, AUDIT_SECONDS_MAX);
		if (!loading)
			return -EINVAL;
		value = NVLI_AUDIT_SECONDS;
		pr_err("%s: using %u\n", kp->name, value);
	}
	WRITE_ONCE(nvli_audit_seconds, value);
	if (live && READ_ONCE(nvli_isolate))
		nvli_reconsider();

	return 0;
}

static int change_domains(const char *text, const struct kernel_param *kp)
{
	struct nvli_domains_error error;
	struct nvli_domains domains;

	if (!nvli_domains_parse(&domains, text, &error)) {
		pr_err("%s: '%.*s', at character %zu: %s\n", kp->name, nvli_shown(text), text,
		       error.position + 1, error.text);
		if (!loading)
			return -EINVAL;
		/* Each GPU alone is the safe side. */
		pr_err("%s: using gpu, which leaves each GPU alone\n", kp->name);
		domains = (struct nvli_domains){ .policy = NVLI_BY_GPU };
	}
	nvli_set_domains(&domains);
	if (live)
		nvli_replan();

	return 0;
}

static int show_domains(char *buffer, const struct kernel_param *kp)
{
	struct nvli_domains domains = nvli_domains();

	nvli_domains_text(&domains, buffer);

	return strlen(strcat(buffer, "\n"));
}

static int change_links(const char *text, const struct kernel_param *kp)
{
	struct nvli_domains_error error;
	struct nvli_wires wires;

	if (nvli_platform && !nvli_platform->relink) {
		pr_err("%s: not accepted: on this platform firmware describes the NVLinks\n",
		       kp->name);
		return -EOPNOTSUPP;
	}
	if (!nvli_wires_parse(&wires, text, &error)) {
		/* All of it could be longer than a line of the log. */
		pr_err("%s: at character %zu, '%.*s': %s\n", kp->name, error.position + 1,
		       min(nvli_shown(text + error.position), 40), text + error.position,
		       error.text);
		if (!loading)
			return -EINVAL;
		/* A link that is not declared is disabled. */
		pr_err("%s: using none: a link that nothing describes is disabled\n", kp->name);
		wires.count = 0;
	}
	nvli_set_wires(&wires);
	if (live)
		nvli_replan();

	return 0;
}

static int show_links(char *buffer, const struct kernel_param *kp)
{
	struct nvli_wires wires = nvli_wires();

	nvli_wires_text(&wires, buffer);

	return strlen(strcat(buffer, "\n"));
}

/* As a digit, where param_get_bool() writes Y or N */
static int show_switch(char *buffer, const struct kernel_param *kp)
{
	const bool *value = kp->arg;

	return scnprintf(buffer, PAGE_SIZE, "%d\n", READ_ONCE(*value));
}

/* @_empty: what the name alone means: on for a switch, for any other parameter no value */
#define NVLI_PARAMETER(_name, _get, _empty)						\
static int set_##_name(const char *text, const struct kernel_param *kp)		\
{											\
	int err;									\
											\
	mutex_lock(&nvli_lock);								\
	err = change_##_name(text ? text : _empty, kp);					\
	mutex_unlock(&nvli_lock);							\
											\
	return err;									\
}											\
											\
static const struct kernel_param_ops _name##_ops = {					\
	.flags = KERNEL_PARAM_OPS_FL_NOARG,						\
	.set = set_##_name,								\
	.get = _get,									\
}

NVLI_PARAMETER(isolate, show_switch, "1");
NVLI_PARAMETER(gate, show_switch, "1");
NVLI_PARAMETER(audit_seconds, param_get_uint, "");
NVLI_PARAMETER(domains, show_domains, "");
NVLI_PARAMETER(links, show_links, "");

module_param_cb(isolate, &isolate_ops, &nvli_isolate, 0644);
MODULE_PARM_DESC(isolate,
		 "0 (default): observe, touch nothing, show what would be cut; 1: keep the NVLinks between GPUs of different owners disabled. Can be changed at run time");
module_param_cb(gate, &gate_ops, &nvli_gate, 0644);
MODULE_PARM_DESC(gate,
		 "1 (default): keep a GPU switched off until its links are verified as disabled; 0: only report it. Can be changed at run time");
module_param_cb(audit_seconds, &audit_seconds_ops, &nvli_audit_seconds, 0644);
MODULE_PARM_DESC(audit_seconds,
		 "how often the disabled links of each GPU are read back, in seconds, on average; 0: never (default: 60). Can be changed at run time");
module_param_cb(domains, &domains_ops, NULL, 0644);
MODULE_PARM_DESC(domains,
		 "which GPUs keep the NVLinks between them: group (default): those of one IOMMU group; gpu: none; owner: those of one guest, and those of the host; or a list, 0004:04:00.0+0004:05:00.0,0035:03:00.0 (+ joins, a comma separates; a GPU that is not named is alone). Can be changed at run time: more links are disabled at once, fewer at the next reset");
module_param_cb(links, &links_ops, NULL, 0644);
MODULE_PARM_DESC(links,
		 "where the NVLinks lead, if firmware does not describe them: none (default): unknown, all are disabled; or a list of links by their two ends, 0000:06:00.0.0-0000:07:00.0.2,0000:06:00.0.1-0000:0a:00.0.1, each end a GPU and the number that it gives the link. nvlink-isolation learn writes it. Can be changed at run time, as domains can");
