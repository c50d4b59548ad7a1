// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameters: isolate, gate, audit_seconds, domains.
 *
 * Their files can be written before init has ended and after exit has begun. Until the module is
 * live a value is only noted, and a bad one is no error: a module that did not load because of a
 * typing error would isolate nothing. The safe value is taken in its place.
 */

#include "nvli.h"

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

/* A day, which is long enough */
#define AUDIT_SECONDS_MAX	86400U

static bool isolate;
static bool gate = true;
static unsigned int audit_seconds = 60;

/* Are the links to be kept disabled? Under nvli_lock() this is also what is done. */
bool nvli_isolate(void)
{
	return isolate;
}

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

/* Return: 0, or -EINVAL with a line in the log if this is neither 0 nor 1. */
static int parse(const char *text, const struct kernel_param *kp, bool *value)
{
	static const char * const words[] = { "0", "1", "n", "y", "N", "Y", "off", "on" };
	/* The name alone switches it on, as for any boolean. */
	int i = text ? sysfs_match_string(words, text) : 1;

	if (i < 0) {
		pr_err("%s: '%.*s' is not accepted: 0 or 1 is\n", kp->name, nvli_shown(text),
		       text);
		return -EINVAL;
	}
	*value = i & 1;

	return 0;
}

/* For both, 1 is the safe value. */
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
	enum nvli_phase phase = nvli_lock();
	bool value;
	int err;

	err = phase == NVLI_LOADING ? parse_at_load(text, kp, &value) : parse(text, kp, &value);
	if (!err && phase == NVLI_LEAVING)
		err = -ENODEV;
	if (!err && phase == NVLI_LIVE && value != isolate)
		err = value ? nvli_start() : nvli_stop();
	if (!err)
		isolate = value;
	nvli_unlock();

	return err;
}

static int set_gate(const char *text, const struct kernel_param *kp)
{
	enum nvli_phase phase = nvli_lock();
	bool value;
	int err;

	err = phase == NVLI_LOADING ? parse_at_load(text, kp, &value) : parse(text, kp, &value);
	if (!err)
		WRITE_ONCE(gate, value);
	if (!err && phase == NVLI_LIVE && isolate)
		nvli_reconsider();
	nvli_unlock();

	return err;
}

static int set_audit_seconds(const char *text, const struct kernel_param *kp)
{
	enum nvli_phase phase = nvli_lock();
	unsigned int value;
	int err;

	err = kstrtouint(text, 0, &value);
	if (!err && value > AUDIT_SECONDS_MAX)
		err = -ERANGE;
	if (!err) {
		WRITE_ONCE(audit_seconds, value);
		if (phase == NVLI_LIVE && isolate)
			nvli_reconsider();
	} else {
		pr_err("%s: '%.*s' is not accepted: a number of seconds from 0 to %u is\n",
		       kp->name, nvli_shown(text), text, AUDIT_SECONDS_MAX);
		err = -EINVAL;
	}
	if (err && phase == NVLI_LOADING) {
		pr_err("%s: %u is taken\n", kp->name, audit_seconds);
		err = 0;
	}
	nvli_unlock();

	return err;
}

static int set_domains(const char *text, const struct kernel_param *kp)
{
	static const struct nvli_domains alone = { .policy = NVLI_BY_GPU };
	enum nvli_phase phase = nvli_lock();
	struct nvli_domains_error error;
	struct nvli_domains domains;
	int err = 0;

	/* The name alone says nothing. */
	if (!text)
		text = "";
	if (!nvli_domains_parse(&domains, text, &error)) {
		pr_err("%s: '%.*s', at character %zu: %s\n", kp->name, nvli_shown(text), text,
		       error.position + 1, error.text);
		err = -EINVAL;
	}
	/* Each GPU alone is the safe side. */
	if (err && phase == NVLI_LOADING) {
		pr_err("%s: gpu, each GPU alone, is taken\n", kp->name);
		domains = alone;
		err = 0;
	}
	if (!err) {
		nvli_topology_set_domains(&domains);
		if (phase == NVLI_LIVE)
			nvli_replan();
	}
	nvli_unlock();

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
