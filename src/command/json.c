// SPDX-License-Identifier: GPL-2.0-only
/* Out: --json. The man page documents the output. Names may be added, never removed. */

#include "command.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* jansson returns NULL when there is no memory, and for nothing else here. */
static json_t *need(json_t *value)
{
	if (!value)
		fail("no memory left for JSON");

	return value;
}

static void set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, need(value)))
		fail("no memory left for JSON");
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

/* A file that an older module lacks reads as empty here; some files have a word instead. */
static json_t *number_or_null(const char *text)
{
	return isdigit((unsigned char)*text) ? json_integer(strtoll(text, NULL, 10)) : json_null();
}

static json_t *links(u32 mask)
{
	json_t *array = need(json_array());
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (mask & 1U << (GV100_LINK_DISABLE_SHIFT + i))
			json_array_append_new(array, need(json_integer(i)));

	return array;
}

static json_t *words(const char *text)
{
	json_t *array = need(json_array());
	size_t length;

	for (; *text; text += length + (text[length] == ' ')) {
		length = strcspn(text, " ");
		if (length)
			json_array_append_new(array, need(json_stringn(text, length)));
	}

	return array;
}

static json_t *topology(const struct machine *machine, const struct gpu *gpu)
{
	static const char * const ends[] = { "unknown", "none", "cpu", "gpu" };
	json_t *array = need(json_array());
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		const struct gpu_link *link = &gpu->link[i];
		const struct gpu *peer = link->peer < 0 ? NULL : &machine->gpu[link->peer];
		json_t *object = need(json_object());

		set(object, "link", json_integer(i));
		set(object, "end", json_string(ends[link->end]));
		set(object, "peer", text_or_null(!peer ? "" : *peer->address ? peer->address :
						 peer->node));
		set(object, "required",
		    json_boolean(gpu->required & 1U << (GV100_LINK_DISABLE_SHIFT + i)));
		json_array_append_new(array, object);
	}

	return array;
}

static void print(json_t *object)
{
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

static json_t *root(void)
{
	json_t *object = need(json_object());

	set(object, "version", json_string(NVLI_VERSION));

	return object;
}

static json_t *all_parameters(void)
{
	json_t *object = need(json_object());
	char text[DOMAINS_SIZE];
	struct dirent **entries;
	int n, i;

	n = scandir(at(MODULE_DIR "/parameters"), &entries, NULL, alphasort);
	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		if (name[0] != '.' &&
		    read_line(text, sizeof(text), at(MODULE_DIR "/parameters/%s", name)))
			set(object, name, json_string(text));
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);

	return object;
}

static json_t *module(void)
{
	json_t *object = need(json_object());
	char version[TEXT_SIZE];

	set(object, "version", text_or_null(module_version(version) ? version : ""));
	set(object, "parameters", all_parameters());

	return object;
}

static json_t *group(const struct gpu *gpu)
{
	return gpu->group < 0 ? json_null() : json_integer(gpu->group);
}

/* What the module shows of a GPU. If it shows nothing, only a state, which is null. */
static void set_seen(json_t *object, const struct gpu_seen *seen)
{
	char by[DOMAINS_SIZE];

	set(object, "state", text_or_null(seen->state));
	if (!seen->shown)
		return;

	set(object, "held", json_boolean(seen->held));
	set(object, "required_links", links(seen->required));
	set(object, "verified", number_or_null(seen->verified));
	set(object, "disabled_links", seen->disabled_known ? links(seen->disabled) : json_null());
	set(object, "exposed_peers", words(seen->exposed));
	set(object, "domain", number_or_null(seen->domain));
	set(object, "owner", text_or_null(seen->owner));
	set(object, "owner_means", text_or_null(seen->owner_means));
	set(object, "joined_peers", seen->joined_known ? words(seen->joined) : json_null());
	joined_by(by);
	set(object, "joined_by", text_or_null(*seen->joined ? by : ""));
	set(object, "resets", json_integer(strtoul(seen->resets, NULL, 10)));
	set(object, "reapplied", json_integer(strtoul(seen->reapplied, NULL, 10)));
	set(object, "switched_on", number_or_null(seen->switched_on));
	set(object, "refused", number_or_null(seen->refused));
	set(object, "last_error", text_or_null(seen->error));
}

static json_t *seen_gpu(const struct machine *machine, const struct gpu *gpu)
{
	json_t *object = need(json_object());

	set(object, "address", json_string(gpu->address));
	set(object, "board", json_string(gpu->board));
	set(object, "iommu_group", group(gpu));
	set_seen(object, &gpu->seen);
	if (gpu->seen.shown)
		set(object, "links", topology(machine, gpu));

	return object;
}

void json_status(const struct machine *machine)
{
	json_t *object = root();
	json_t *gpus = need(json_array());
	int i;

	set(object, "platform_supported", json_boolean(!platform_fault()));
	set(object, "module", module_is_loaded() ? module() : json_null());
	for (i = 0; i < machine->count; i++)
		json_array_append_new(gpus, seen_gpu(machine, &machine->gpu[i]));
	set(object, "gpus", gpus);
	print(object);
}

/* Why a link's other end is unknown. A fault of the whole list is repeated for each link. */
static json_t *faults(const struct gpu *gpu)
{
	json_t *array = need(json_array());
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		const struct nvli_topology_link *link = &gpu->topology.link[i];
		json_t *object;

		if (!link->fault)
			continue;
		object = need(json_object());
		set(object, "link", json_integer(i));
		set(object, "phandle", json_integer(link->phandle));
		set(object, "fault", json_string(nvli_fault_text(link->fault)));
		json_array_append_new(array, object);
	}

	return array;
}

/* The GPUs of its domain that no NVLink joins it to */
static json_t *not_joined(const struct plan *plan, const struct gpu *gpu)
{
	const struct machine *machine = &plan->machine;
	json_t *array = need(json_array());
	int i;

	for (i = 0; i < machine->count; i++)
		if (plan_is_apart(plan, gpu - machine->gpu, i))
			json_array_append_new(array, need(json_string(machine->gpu[i].address)));

	return array;
}

static json_t *planned_gpu(const struct plan *plan, const struct gpu *gpu)
{
	json_t *object = need(json_object());
	char mask[16];

	snprintf(mask, sizeof(mask), "0x%08x", gpu->required);
	set(object, "address", text_or_null(gpu->address));
	set(object, "node", text_or_null(gpu->node));
	set(object, "board", json_string(gpu->board));
	set(object, "on_pci", plan->tree.live ? json_boolean(gpu->on_pci) : json_null());
	set(object, "iommu_group", group(gpu));
	set(object, "required_links", links(gpu->required));
	set(object, "mask", json_string(mask));
	set(object, "links", topology(&plan->machine, gpu));
	set(object, "faults", faults(gpu));
	set(object, "unlisted_npu_links", links(gpu->unlisted));
	set(object, "not_joined", not_joined(plan, gpu));

	return object;
}

/* What a plan is made from: a device tree, or declared links */
static void set_source(json_t *object, const struct plan *plan)
{
	char text[NVLI_WIRES_TEXT];
	char model[TEXT_SIZE];
	char *file;

	set(object, "declared_links", plan->declared ?
	    json_string(nvli_wires_text(&plan->wires, text)) : json_null());
	if (plan->declared) {
		set(object, "tree", json_null());
		set(object, "model", json_null());
		return;
	}

	file = strdup(plan->tree.file);
	if (!file)
		fail("no memory left for JSON");
	make_printable(file);
	set(object, "tree", json_string(file));
	free(file);
	set(object, "model",
	    text_or_null(tree_text(&plan->tree, "/", "model", model) ? model : ""));
}

void json_plan(const struct plan *plan)
{
	json_t *object = root();
	json_t *gpus = need(json_array());
	char text[NVLI_DOMAINS_TEXT];
	int i;

	set_source(object, plan);
	set(object, "domains", json_string(nvli_domains_text(&plan->domains, text)));
	set(object, "iommu_groups", text_or_null(plan_groups(plan) ? plan_groups(plan) : ""));
	for (i = 0; i < plan->machine.count; i++)
		json_array_append_new(gpus, planned_gpu(plan, &plan->machine.gpu[i]));
	set(object, "gpus", gpus);
	print(object);
}

static json_t *unless(const char *unknown, bool value)
{
	return unknown ? json_null() : json_boolean(value);
}

static json_t *kernel(const struct boot *boot)
{
	const struct initramfs *initramfs = &boot->initramfs;
	json_t *object = need(json_object());
	json_t *array = need(json_array());
	const char *fault[BOOT_FAULTS];
	int count = boot_faults(boot, fault);
	int i;

	set(object, "kernel", json_string(boot->release));
	set(object, "running", json_boolean(boot->running));
	set(object, "isolated", json_boolean(!count));
	set(object, "module", boot->installed.path ?
	    json_string(boot->installed.version) : json_null());
	set(object, "isolate", json_boolean(installed_enforces(&boot->installed)));
	set(object, "gate", json_boolean(installed_gates(&boot->installed)));
	set(object, "initramfs_module", unless(initramfs->unknown, initramfs->module));
	set(object, "initramfs_rule", unless(initramfs->unknown, initramfs->rule));
	set(object, "initramfs_older", unless(initramfs->unknown,
					      initramfs->older || initramfs->stale));
	for (i = 0; i < count; i++)
		json_array_append_new(array, need(json_string(fault[i])));
	set(object, "faults", array);

	return object;
}

void json_boot(const struct boot *boots, int count)
{
	json_t *object = root();
	json_t *kernels = need(json_array());
	int i;

	for (i = 0; i < count; i++)
		json_array_append_new(kernels, kernel(&boots[i]));
	set(object, "kernels", kernels);
	print(object);
}

void json_check(const struct check *check)
{
	static const char * const verdicts[] = {
		"isolated", "passed over", "unsupported", "not isolated", "error"
	};
	json_t *object = root();
	json_t *devices = need(json_array());
	json_t *faults = need(json_array());
	int i;

	set(object, "status", json_integer(check_status(check)));
	if (*check->fault)
		json_array_append_new(faults, need(json_string(check->fault)));
	set(object, "faults", faults);
	for (i = 0; i < check->count; i++) {
		const struct checked *checked = &check->device[i];
		json_t *device = need(json_object());

		set(device, "address", text_or_null(checked->address));
		set(device, "verdict", json_string(verdicts[checked->verdict]));
		set(device, "reason", json_string(checked->text));
		set_seen(device, &checked->seen);
		json_array_append_new(devices, device);
	}
	set(object, "devices", devices);
	print(object);
}
