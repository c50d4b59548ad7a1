// SPDX-License-Identifier: GPL-2.0-only
/* check: is it isolated? For hooks and for monitoring, so in doubt it is not. */

#include "command.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

static bool is_named(const char *address, const struct options *options)
{
	int i;

	for (i = 0; i < options->count; i++)
		if (!strcasecmp(options->args[i], address))
			return true;

	return false;
}

/* The peers that may keep talking to a GPU, "0004:05:00.0 0004:06:00.0", but for those named. */
static u32 joined(const struct gpu_seen *seen, const struct options *options, char text[TEXT_SIZE])
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
		    is_named(seen->peers[i], options))
			continue;
		mask |= bit;
		if (!strstr(text, seen->peers[i]))
			length += snprintf(text + length, TEXT_SIZE - length, "%s%s",
					   length ? " " : "", seen->peers[i]);
	}

	return mask;
}

/* The module says that it is isolated: from whom is it not? */
static int check_peers(const char *address, const struct gpu_seen *seen,
		       const struct options *options)
{
	char domains[DOMAINS_SIZE], peers[TEXT_SIZE];
	u32 mask = joined(seen, options, peers);

	module_domains(domains);
	if (mask && is_by_group(domains)) {
		printf("%s: not isolated from %s: ", address, peers);
		printf("NVLinks %s are kept, because they are of one IOMMU group (%d); ",
		       links_or_none(mask), gpu_group(address));
		printf("domains=gpu would cut them\n");
		return EXIT_NOT_ISOLATED;
	}

	if (seen->required)
		printf("%s: isolated: NVLinks %s read back as disabled", address,
		       links_or_none(seen->required));
	else
		printf("%s: isolated: no NVLink has to be disabled", address);
	if (mask)
		printf("; joined by domains= to %s (NVLinks %s)", peers, links_or_none(mask));
	putchar('\n');

	return EXIT_DONE;
}

static int check_gpu(const char *address, const struct options *options)
{
	struct gpu_seen seen;

	if (!module_is_loaded()) {
		printf("%s: not isolated: the module " MODULE " is not loaded\n", address);
		return EXIT_NOT_ISOLATED;
	}
	gpu_see(&seen, address);
	if (!seen.shown) {
		printf("%s: not isolated: the module does not know it; see the kernel's log\n",
		       address);
		return EXIT_NOT_ISOLATED;
	}
	if (!strcmp(seen.state, nvli_state_text(NVLI_ISOLATED)))
		return check_peers(address, &seen, options);

	printf("%s: not isolated: %s%s: %s", address, seen.state,
	       seen.held ? ", cannot be switched on" : "",
	       !strcmp(seen.state, nvli_state_text(NVLI_OFF)) ? "isolate=0, nothing is enforced" :
	       *seen.error ? seen.error : "no reason is given");
	if (*seen.exposed)
		printf("; exposed to %s", seen.exposed);
	putchar('\n');

	return EXIT_NOT_ISOLATED;
}

/* One device that was named. */
static int check_named(const char *text, const struct options *options)
{
	struct nvli_domains_error error;
	char address[NVLI_GPU_ID_TEXT];
	u32 id;

	if (!nvli_gpu_id_parse(&id, text, &error)) {
		warnx("check: '%s', at character %zu: %s", text, error.position + 1, error.text);
		return EXIT_ERROR;
	}
	nvli_gpu_id_text(id, address);
	if (!gpu_is_on_pci(address)) {
		warnx("check: %s: there is no such PCI device", address);
		return EXIT_ERROR;
	}
	if (gpu_board(address))
		return check_gpu(address, options);
	if (!options->others) {
		warnx("check: %s: not a V100 SXM2; --ignore-others passes over such", address);
		return EXIT_ERROR;
	}
	printf("%s: passed over: not a V100 SXM2\n", address);

	return EXIT_DONE;
}

static int check_boot(const struct options *options)
{
	const char *faults[BOOT_FAULTS];
	int worst = EXIT_DONE;
	struct boot *boots;
	int count, i;

	if (options->others)
		errx(EXIT_ERROR, "check: --ignore-others is not for --boot");
	if (options->count)
		errx(EXIT_ERROR, "check: '%s' is not accepted: --boot is about all GPUs",
		     options->args[0]);
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
	static struct machine machine;
	int worst = EXIT_DONE;
	int i, result;

	if (options->boot)
		return check_boot(options);
	if (options->json)
		errx(EXIT_ERROR, "check: --json is for check --boot alone");

	if (!options->count) {
		machine_from_sysfs(&machine);
		if (!machine.count)
			errx(EXIT_ERROR, "check: there is no V100 SXM2 in this machine");
	}
	for (i = 0; i < (options->count ? options->count : machine.count); i++) {
		result = options->count ? check_named(options->args[i], options) :
			check_gpu(machine.gpu[i].address, options);
		if (worst < result)
			worst = result;
	}

	return worst;
}
