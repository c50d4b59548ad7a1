// SPDX-License-Identifier: GPL-2.0-only
/* check: are the GPUs isolated? Hooks and monitoring rely on it, so in doubt a GPU is not. */

#include "command.h"

#include <ctype.h>
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __printf(3, 4) judge(struct checked *checked, enum verdict verdict,
				 const char *format, ...)
{
	va_list args;

	checked->verdict = verdict;
	va_start(args, format);
	vsnprintf(checked->text, sizeof(checked->text), format, args);
	va_end(args);
	/* The text may quote an argument, and JSON takes only valid text. */
	make_printable(checked->text);
}

static bool is_named(const struct check *check, const char *address)
{
	int i;

	for (i = 0; check->named && i < check->count; i++)
		if (!strcmp(check->device[i].address, address))
			return true;

	return false;
}

/* The peers that may keep talking to a GPU, "0004:05:00.0 0004:06:00.0", but for those named. */
static u32 joined(const struct check *check, const struct gpu_seen *seen, char text[TEXT_SIZE])
{
	struct nvli_domains_error error;
	size_t length = 0;
	u32 mask = 0;
	u32 id;
	int i;

	text[0] = '\0';
	for (i = 0; i < GV100_NVLINKS; i++) {
		u32 bit = 1U << (GV100_LINK_DISABLE_SHIFT + i);

		if (seen->required & bit || !nvli_gpu_id_parse(&id, seen->peers[i], &error) ||
		    is_named(check, seen->peers[i]))
			continue;
		mask |= bit;
		if (!strstr(text, seen->peers[i]))
			length += snprintf(text + length, TEXT_SIZE - length, "%s%s",
					   length ? " " : "", seen->peers[i]);
	}

	return mask;
}

/* The module shows the GPU as isolated. Does it keep links to GPUs that were not named? */
static void check_peers(const struct check *check, struct checked *checked)
{
	const struct gpu_seen *seen = &checked->seen;
	char domains[DOMAINS_SIZE], peers[TEXT_SIZE];
	u32 mask = joined(check, seen, peers);
	char kept[2 * TEXT_SIZE] = "";

	module_domains(domains);
	if (mask && is_by_group(domains)) {
		judge(checked, VERDICT_NOT_ISOLATED,
		      "not isolated from %s: NVLinks %s are kept, because they are of one IOMMU group (%d); domains=gpu would cut them",
		      peers, links_or_none(mask), gpu_group(checked->address));
		return;
	}

	if (mask)
		snprintf(kept, sizeof(kept), "; joined by domains= to %s (NVLinks %s)", peers,
			 links_or_none(mask));
	if (seen->required)
		judge(checked, VERDICT_ISOLATED, "isolated: NVLinks %s read back as disabled%s",
		      links_or_none(seen->required), kept);
	else
		judge(checked, VERDICT_ISOLATED, "isolated: no NVLink has to be disabled%s", kept);
}

/* The links that are kept although nothing is known of their other end. */
static u32 kept_unknown(const struct gpu_seen *seen)
{
	u32 mask = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (!strcmp(seen->peers[i], "unknown"))
			mask |= 1U << (GV100_LINK_DISABLE_SHIFT + i);

	return mask & ~seen->required;
}

/*
 * Why the state "isolated" cannot be believed. An audit comes within one and a half periods, and
 * the module itself believes no read-back older than three, so after four its worker is stuck.
 *
 * Return: NULL if the other files agree with the state.
 */
static const char *contradiction(const struct gpu_seen *seen)
{
	static char text[2 * TEXT_SIZE];
	u32 open = seen->required & ~seen->disabled;
	u32 unknown = kept_unknown(seen);
	long long age, period;

	if (unknown) {
		snprintf(text, sizeof(text), "links %s, whose other ends are unknown, are kept",
			 links_or_none(unknown));
		return text;
	}
	if (open) {
		snprintf(text, sizeof(text), "links %s were not read back as disabled",
			 links_or_none(open));
		return text;
	}
	if (*seen->exposed) {
		snprintf(text, sizeof(text), "it is exposed to %s", seen->exposed);
		return text;
	}
	/* Without required links there are no audits, and an older module shows no age. */
	if (!seen->required || !*seen->verified)
		return NULL;
	if (!isdigit((unsigned char)*seen->verified))
		return "its links were never verified";
	age = strtoll(seen->verified, NULL, 10);
	if (!module_audit_seconds(&period))
		return "the module's audit_seconds cannot be read";
	if (!period || age <= 4 * period)
		return NULL;
	snprintf(text, sizeof(text),
		 "its links were last read back %lld s ago, with audit_seconds=%lld", age, period);

	return text;
}

static void check_gpu(const struct check *check, struct checked *checked)
{
	const struct gpu_seen *seen = &checked->seen;
	const char *fault = platform_fault();
	const char *doubt;

	if (!module_is_loaded()) {
		judge(checked, VERDICT_NOT_ISOLATED,
		      "not isolated: the module " MODULE " is not loaded%s%s",
		      fault ? "; it " : "", fault ?: "");
		return;
	}
	if (!seen->shown) {
		judge(checked, VERDICT_NOT_ISOLATED,
		      "not isolated: the module does not know it; see the kernel's log");
		return;
	}
	if (!strcmp(seen->state, nvli_state_text(NVLI_ISOLATED))) {
		doubt = contradiction(seen);
		if (doubt)
			judge(checked, VERDICT_NOT_ISOLATED,
			      "not isolated: its state is isolated, but %s", doubt);
		else
			check_peers(check, checked);
		return;
	}

	judge(checked, VERDICT_NOT_ISOLATED, "not isolated: %s%s: %s%s%s", seen->state,
	      seen->held ? ", cannot be switched on" : "",
	      !strcmp(seen->state, nvli_state_text(NVLI_OFF)) ? "isolate=0, nothing is enforced" :
	      *seen->error ? seen->error : "no reason is given",
	      *seen->exposed ? "; exposed to " : "", seen->exposed);
}

/* One device, which has an address. */
static void check_device(const struct check *check, struct checked *checked,
			 const struct options *options)
{
	char other[TEXT_SIZE], why[WHY_SIZE];

	if (!gpu_is_on_pci(checked->address)) {
		judge(checked, VERDICT_ERROR, "%s: there is no such PCI device", checked->address);
	} else if (!device_is_known(checked->address, why)) {
		judge(checked, VERDICT_ERROR, "%s", why);
	} else if (gpu_board(checked->address)) {
		if (gpu_see(&checked->seen, checked->address, why))
			check_gpu(check, checked);
		else
			judge(checked, VERDICT_ERROR, "%s: %s", checked->address, why);
	} else if (other_nvlink_gpu(checked->address, other)) {
		if (options->unsupported)
			judge(checked, VERDICT_UNSUPPORTED,
			      "passed over, warning: %s may have NVLinks, and nothing disables them",
			      other);
		else
			judge(checked, VERDICT_ERROR,
			      "%s: %s may have NVLinks, and nothing disables them; --unsupported=ok passes over it",
			      checked->address, other);
	} else if (options->others) {
		judge(checked, VERDICT_PASSED_OVER, "passed over: not a V100 SXM2");
	} else {
		judge(checked, VERDICT_ERROR,
		      "%s: not a V100 SXM2; --ignore-others passes over such", checked->address);
	}
}

/* Read the address of a named device. One without an address is an error, judged here. */
static void read_address(struct checked *checked, const char *text)
{
	char why[WHY_SIZE];

	short_read(checked->address, text, why);
	if (!*checked->address)
		judge(checked, VERDICT_ERROR, "%s", why);
}

static void make_room(struct check *check, int count)
{
	check->count = count;
	check->device = calloc(count, sizeof(*check->device));
	if (!check->device)
		fail("no memory left");
}

/**
 * check_machine() - judge each V100 SXM2 of a machine
 * @check: set; check_free() frees it
 * @machine: as machine_from_module() reads it; @check has the GPUs in the same order
 */
void check_machine(struct check *check, const struct machine *machine)
{
	int i;

	*check = (struct check){};
	make_room(check, machine->count);
	for (i = 0; i < machine->count; i++) {
		strcpy(check->device[i].address, machine->gpu[i].address);
		check->device[i].seen = machine->gpu[i].seen;
		check_gpu(check, &check->device[i]);
	}
}

/* Judge the named devices. They may be joined to each other, so read all of them first. */
static void check_arguments(struct check *check, const struct options *options)
{
	int i;

	*check = (struct check){ .named = true };
	make_room(check, options->count);
	for (i = 0; i < check->count; i++)
		read_address(&check->device[i], options->args[i]);
	for (i = 0; i < check->count; i++)
		if (*check->device[i].address)
			check_device(check, &check->device[i], options);
}

/*
 * Judge all GPUs with NVLinks, also those that the module does not isolate. A device that cannot be
 * read may be one.
 */
static void check_all(struct check *check, const struct options *options)
{
	char other[TEXT_SIZE], why[WHY_SIZE];
	struct checked *checked;
	struct pci_devices pci;
	bool found = false;
	int i;

	*check = (struct check){};
	pci_list(&pci);
	make_room(check, pci.count);
	check->count = 0;
	for (i = 0; i < pci.count; i++) {
		if (!device_is_known(pci.address[i], why) || gpu_board(pci.address[i]))
			found = true;
		else if (!other_nvlink_gpu(pci.address[i], other))
			continue;
		checked = &check->device[check->count++];
		strcpy(checked->address, pci.address[i]);
		check_device(check, checked, options);
	}
	free(pci.address);
	if (!found)
		fail("check: there is no V100 SXM2 in this machine%s%s",
		     platform_fault() ? "; the module " : "", platform_fault() ?: "");
}

/*
 * Judge the gate. Without the module each GPU is judged already. Only a V100 SXM2 depends on the
 * gate, so a guest without one may start.
 */
static void check_gate(struct check *check)
{
	static const enum verdict verdicts[] = {
		[GATE_OFF] = VERDICT_NOT_ISOLATED,
		[GATE_ON] = VERDICT_ISOLATED,
		[GATE_UNKNOWN] = VERDICT_ERROR,
	};
	bool found = false;
	int i;

	for (i = 0; i < check->count; i++)
		found |= check->device[i].verdict == VERDICT_ISOLATED ||
			 check->device[i].verdict == VERDICT_NOT_ISOLATED;
	if (found && module_is_loaded())
		check->verdict = verdicts[gate_read(check->fault)];
}

void check_free(struct check *check)
{
	free(check->device);
}

/* Return: an exit status. An error is worse than what is not isolated. */
int check_status(const struct check *check)
{
	static const int status[] = {
		[VERDICT_ISOLATED] = EXIT_DONE,
		[VERDICT_PASSED_OVER] = EXIT_DONE,
		[VERDICT_UNSUPPORTED] = EXIT_DONE,
		[VERDICT_NOT_ISOLATED] = EXIT_NOT_ISOLATED,
		[VERDICT_ERROR] = EXIT_ERROR,
	};
	int worst = status[check->verdict];
	int i;

	for (i = 0; i < check->count; i++)
		if (worst < status[check->device[i].verdict])
			worst = status[check->device[i].verdict];

	return worst;
}

static void print(const struct check *check)
{
	int i;

	for (i = 0; i < check->count; i++) {
		const struct checked *checked = &check->device[i];

		if (checked->verdict == VERDICT_ERROR)
			warnx("check: %s", checked->text);
		else
			printf("%s: %s\n", checked->address, checked->text);
	}
	if (check->verdict == VERDICT_ERROR)
		warnx("check: %s", check->fault);
	else if (*check->fault)
		printf("%s\n", check->fault);
}

static int check_boot(const struct options *options)
{
	const char *faults[BOOT_FAULTS];
	int worst = EXIT_DONE;
	struct boot *boots;
	int count, i;

	if (options->others || options->unsupported)
		fail("check: --%s is not for --boot",
		     options->others ? "ignore-others" : "unsupported");
	if (options->nagios)
		fail("check: --nagios is not for --boot");
	if (options->count)
		fail("check: '%s' is not accepted: --boot is about all GPUs", options->args[0]);
	if (platform_fault())
		warnx("check: the module %s", platform_fault());
	count = boot_read(&boots);
	for (i = 0; i < count; i++) {
		if (boot_faults(&boots[i], faults))
			worst = EXIT_NOT_ISOLATED;
		if (!options->json)
			boot_print(&boots[i]);
	}
	if (options->json)
		json_boot(boots, count);
	boot_free(boots, count);

	return worst;
}

int command_check(const struct options *options)
{
	struct check check;
	int status;

	if (options->boot)
		return check_boot(options);
	if (options->json && options->nagios)
		fail("check: one of --json and --nagios is accepted");

	if (options->count)
		check_arguments(&check, options);
	else
		check_all(&check, options);
	check_gate(&check);
	status = check_status(&check);
	if (options->json)
		json_check(&check);
	else if (options->nagios)
		status = nagios_check(&check);
	else
		print(&check);
	check_free(&check);

	return status;
}
