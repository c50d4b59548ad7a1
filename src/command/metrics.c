// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out: metrics in the text format of Prometheus. A value that the module does not show has no
 * sample: an absent value raises an alarm sooner than an invented one.
 */

#include "command.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX	"nvlink_isolation_"
#define UNKNOWN	"unknown"

/* What a metric is computed from. Each metric returns false if it has no value for this GPU. */
struct source {
	const struct gpu *gpu;
	const struct checked *checked;
};

static bool is_number(const char *text)
{
	return isdigit((unsigned char)*text);
}

static bool number(long long *value, const char *text)
{
	*value = strtoll(text, NULL, 10);

	return is_number(text);
}

static bool isolated(long long *value, const struct source *from)
{
	*value = from->checked->verdict == VERDICT_ISOLATED;

	return true;
}

static bool held(long long *value, const struct source *from)
{
	*value = from->gpu->seen.held;

	return from->gpu->seen.shown;
}

static int links_in(u32 mask)
{
	return __builtin_popcount(mask);
}

static bool required_links(long long *value, const struct source *from)
{
	*value = links_in(from->gpu->required);

	return from->gpu->seen.shown;
}

static bool disabled_links(long long *value, const struct source *from)
{
	*value = links_in(from->gpu->seen.disabled);

	return from->gpu->seen.shown && from->gpu->seen.disabled_known;
}

static bool exposed_links(long long *value, const struct source *from)
{
	int i;

	*value = 0;
	for (i = 0; i < GV100_NVLINKS; i++)
		*value += from->gpu->link[i].mark == MARK_OPEN;

	return from->gpu->seen.shown;
}

static bool joined_peers(long long *value, const struct source *from)
{
	const char *text = from->gpu->seen.joined;

	*value = *text ? 1 : 0;
	for (; *text; text++)
		*value += *text == ' ';

	return from->gpu->seen.joined_known;
}

static bool verification_age(long long *value, const struct source *from)
{
	return number(value, from->gpu->seen.verified);
}

static bool resets(long long *value, const struct source *from)
{
	return number(value, from->gpu->seen.resets);
}

static bool reapplied(long long *value, const struct source *from)
{
	return number(value, from->gpu->seen.reapplied);
}

static bool refused(long long *value, const struct source *from)
{
	return number(value, from->gpu->seen.refused);
}

static bool switched_on(long long *value, const struct source *from)
{
	return number(value, from->gpu->seen.switched_on);
}

static bool owner(long long *value, const struct source *from)
{
	const char *text = from->gpu->seen.owner;

	*value = !strcmp(text, "host") ? NVLI_HOST : NVLI_NOBODY;

	return !strcmp(text, "none") || !strcmp(text, "host") || number(value, text);
}

/* One value for each GPU, with the label "gpu". The man page documents them. */
static const struct metric {
	const char *name;
	const char *type;
	const char *help;
	bool (*read)(long long *value, const struct source *from);
} metrics[] = {
	{ "gpu_isolated", "gauge", "1 if nvlink-isolation check calls the GPU isolated.",
	  isolated },
	{ "gpu_held", "gauge",
	  "1 if the GPU cannot be switched on: an attempt has failed since its last reset.", held },
	{ "gpu_required_links", "gauge", "NVLinks that have to be disabled.", required_links },
	{ "gpu_disabled_links", "gauge",
	  "NVLinks read back as disabled since the last reset; absent if unknown.",
	  disabled_links },
	{ "gpu_exposed_links", "gauge",
	  "NVLinks that have to be disabled and are not known to be at either end.",
	  exposed_links },
	{ "gpu_joined_peers", "gauge", "GPUs of the same domain, to which NVLinks are kept.",
	  joined_peers },
	{ "gpu_owner", "gauge",
	  "Owner of the GPU: 0 for none, 1 for the host, a higher number for a guest.", owner },
	{ "gpu_verification_age_seconds", "gauge",
	  "Time since every required NVLink was last read back as disabled; absent if never.",
	  verification_age },
	{ "gpu_resets_total", "counter", "Resets seen while enforcing.", resets },
	{ "gpu_reapplied_total", "counter",
	  "Read-backs that verified the GPU again after a reset.", reapplied },
	{ "gpu_refused_total", "counter",
	  "Times that switching the GPU on was refused since isolate=1.", refused },
	{ "gpu_switched_on_total", "counter",
	  "Times that the GPU's memory decoding was switched on since isolate=1.", switched_on },
};

static void print_head(const char *name, const char *type, const char *help)
{
	printf("# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

/* Print a quoted value, and escape quotes. Text from sysfs is printable already. */
static void print_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

static void print_metric(const struct metric *metric, const struct machine *machine,
			 const struct check *check)
{
	bool head = false;
	long long value;
	int i;

	for (i = 0; i < machine->count; i++) {
		struct source from = { &machine->gpu[i], &check->device[i] };

		if (!metric->read(&value, &from))
			continue;
		if (!head)
			print_head(metric->name, metric->type, metric->help);
		head = true;
		printf(PREFIX "%s{", metric->name);
		print_label("gpu", from.gpu->address);
		printf("} %lld\n", value);
	}
}

/* Return: the name of its series; an older or newer module may show a state that has none. */
static const char *state_of(const struct gpu_seen *seen)
{
	int state;

	for (state = NVLI_OFF; seen->shown && state <= NVLI_UNSUPPORTED; state++)
		if (!strcmp(seen->state, nvli_state_text(state)))
			return seen->state;

	return UNKNOWN;
}

/* One series for each state that there is, of which one is 1. */
static void print_states(const struct machine *machine)
{
	char group[16];
	int i, state;

	if (!machine->count)
		return;
	print_head("gpu_info", "gauge", "The board of a GPU and its IOMMU group.");
	for (i = 0; i < machine->count; i++) {
		const struct gpu *gpu = &machine->gpu[i];

		snprintf(group, sizeof(group), "%d", gpu->group);
		printf(PREFIX "gpu_info{");
		print_label("gpu", gpu->address);
		putchar(',');
		print_label("board", gpu->board);
		putchar(',');
		print_label("iommu_group", gpu->group < 0 ? "" : group);
		printf("} 1\n");
	}
	print_head("gpu_state", "gauge",
		   "1 for the state of the GPU; unknown if the module does not show it, or another state.");
	for (i = 0; i < machine->count; i++) {
		const char *shown = state_of(&machine->gpu[i].seen);

		for (state = NVLI_OFF; state <= NVLI_UNSUPPORTED + 1; state++) {
			const char *name = state <= NVLI_UNSUPPORTED ? nvli_state_text(state) :
				UNKNOWN;

			printf(PREFIX "gpu_state{");
			print_label("gpu", machine->gpu[i].address);
			putchar(',');
			print_label("state", name);
			printf("} %d\n", !strcmp(shown, name));
		}
	}
}

static void print_module(const struct machine *machine)
{
	char version[TEXT_SIZE];
	bool loaded = module_is_loaded();
	char why[WHY_SIZE];
	long long seconds;
	enum gate gate;

	print_head("command_info", "gauge", "The version of the command that wrote this.");
	printf(PREFIX "command_info{version=\"" NVLI_VERSION "\"} 1\n");
	print_head("platform_supported", "gauge", "1 if the module can work on this machine.");
	printf(PREFIX "platform_supported %d\n", !platform_fault());
	print_head("module_loaded", "gauge", "1 if the module is loaded.");
	printf(PREFIX "module_loaded %d\n", loaded);
	if (loaded && module_version(version)) {
		print_head("module_info", "gauge", "The version of the loaded module.");
		printf(PREFIX "module_info{");
		print_label("version", version);
		printf("} 1\n");
	}
	if (loaded && module_audit_seconds(&seconds)) {
		print_head("audit_period_seconds", "gauge",
			   "Mean time between two read-backs of a GPU; 0 if there are none.");
		printf(PREFIX "audit_period_seconds %lld\n", seconds);
	}
	gate = gate_read(why);
	if (gate != GATE_UNKNOWN) {
		print_head("gate", "gauge",
			   "1 if no GPU can be switched on before its links are verified as disabled.");
		printf(PREFIX "gate %d\n", gate == GATE_ON);
	}
	print_head("gpus", "gauge", "V100 SXM2 GPUs on PCI.");
	printf(PREFIX "gpus %d\n", machine->count);
	print_head("unsupported_gpus", "gauge",
		   "Other GPUs on PCI that may have NVLinks, which nothing disables.");
	printf(PREFIX "unsupported_gpus %d\n", other_nvlink_gpus());
}

int command_metrics(const struct options *options)
{
	static struct machine machine;
	struct check check;
	size_t i;

	if (options->count)
		fail("metrics: '%s' is not accepted: it takes no arguments", options->args[0]);
	machine_from_module(&machine);
	check_machine(&check, &machine);
	print_module(&machine);
	print_states(&machine);
	for (i = 0; i < ARRAY_SIZE(metrics); i++)
		print_metric(&metrics[i], &machine, &check);
	check_free(&check);

	return EXIT_DONE;
}
