// SPDX-License-Identifier: GPL-2.0-only
/* report: all that a bug report needs. It names what it cannot read, which is no error. */

#include "command.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DMI_DIR	"/sys/class/dmi/id"	/* of a PC */

/* One line of the head: the content of a file, or why it cannot be read. */
static void print_file(const char *label, const char *path)
{
	char text[TEXT_SIZE];

	if (read_line(text, sizeof(text), path))
		printf("%-13s%s\n", label, text);
	else
		printf("%-13s(%s)\n", label, strerror(errno));
}

/* What modprobe would load on each installed kernel, and with which options. */
static void print_boot(void)
{
	struct boot *boots;
	int count = boot_read(&boots);
	int i;

	printf("\nNext boot\n%-13s%s\n", "options:", *boots->installed.options ?
	       boots->installed.options : "none configured");
	for (i = 0; i < count; i++)
		boot_print(&boots[i]);
	boot_free(boots, count);
}

static void print_link(const char *label, const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	const char *name;

	target[length < 0 ? 0 : length] = '\0';
	make_printable(target);
	name = strrchr(target, '/');
	printf("  %-18s%s\n", label, length < 0 ? "none" : name ? name + 1 : target);
}

/* A property of the GPU's node in the device tree, cell by cell. */
static void print_cells(const char *address, const char *property)
{
	FILE *file = fopen(at(DEVICES_DIR "/%s/of_node/%s", address, property), "re");
	int count = 0;
	u32 cell;

	printf("  %-18s", property);
	if (!file) {
		printf("(%s)\n", strerror(errno));
		return;
	}
	while (count < 16 && fread(&cell, sizeof(cell), 1, file) == 1)
		printf("%s0x%x", count++ ? " " : "", be32toh(cell));
	printf("%s\n", fgetc(file) == EOF ? "" : " ...");
	fclose(file);
}

/* Each file that the module shows, including those unknown to this command. */
static void print_shown(const char *address)
{
	struct dirent **entries;
	char text[DOMAINS_SIZE];
	int n, i;

	n = scandir(at(DEVICES_DIR "/%s/" MODULE, address), &entries, NULL, alphasort);
	if (n < 0) {
		printf("  not known to the module\n");
		return;
	}
	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		if (name[0] != '.' &&
		    read_line(text, sizeof(text),
			      at(DEVICES_DIR "/%s/" MODULE "/%s", address, name)))
			printf("  %-*s%s\n", *text ? 18 : 0, name, text);
		free(entries[i]);
	}
	free(entries);
}

/* What the kernel would reset the GPU by; before 5.15 it does not say. */
static void print_reset(const char *address)
{
	char text[TEXT_SIZE];

	if (!read_line(text, sizeof(text), at(DEVICES_DIR "/%s/reset_method", address)))
		snprintf(text, sizeof(text), "(%s)", strerror(errno));
	printf("  %-18s%s\n", "reset_method", *text ? text : "none");
}

static void print_gpu(const struct gpu *gpu)
{
	char vendor[16], device[16];

	read_line(vendor, sizeof(vendor), at(DEVICES_DIR "/%s/vendor", gpu->address));
	read_line(device, sizeof(device), at(DEVICES_DIR "/%s/device", gpu->address));
	printf("\n%s: %s (%s:%s)\n", gpu->address, gpu->board, vendor, device);
	print_link("driver", at(DEVICES_DIR "/%s/driver", gpu->address));
	print_link("iommu_group", at(DEVICES_DIR "/%s/iommu_group", gpu->address));
	print_reset(gpu->address);
	print_shown(gpu->address);
	print_cells(gpu->address, "phandle");
	print_cells(gpu->address, "ibm,npu");
	print_cells(gpu->address, "ibm,nvlink-peers");
}

static void print_plan(void)
{
	static struct plan plan;
	char domains[DOMAINS_SIZE];
	struct nvli_domains_error bad;
	struct nvli_domains parsed;
	const char *error;

	module_domains(domains);
	printf("\nPlan\n");
	error = plan_make_loaded(&plan,
				 nvli_domains_parse(&parsed, domains, &bad) ? NULL : "group");
	if (error)
		printf("(%s: %s)\n", plan.tree.file, error);
	else
		plan_print(&plan);
	tree_close(&plan.tree);
}

int command_report(const struct options *options)
{
	static struct machine machine;
	int i;

	if (options->count)
		fail("report: '%s' is not accepted: it takes no arguments", options->args[0]);

	printf("%-13s%s\n", "command:", NVLI_VERSION);
	print_file("kernel:", at("/proc/sys/kernel/osrelease"));
	print_file("built:", at("/proc/sys/kernel/version"));
	print_file("tainted:", at("/proc/sys/kernel/tainted"));
	if (access(at(DMI_DIR), F_OK)) {
		print_file("machine:", at("/sys/firmware/devicetree/base/model"));
		print_file("skiboot:",
			   at("/sys/firmware/devicetree/base/ibm,opal/firmware/version"));
	} else {
		print_file("machine:", at(DMI_DIR "/product_name"));
		print_file("firmware:", at(DMI_DIR "/bios_version"));
	}
	draw_module();
	print_boot();
	machine_from_pci(&machine);
	if (*machine.unread)
		printf("\nNot all devices can be read: %s\n", machine.unread);
	else if (!machine.count)
		printf("\nThere is no V100 SXM2 in this machine.\n");
	for (i = 0; i < machine.count; i++)
		print_gpu(&machine.gpu[i]);
	print_plan();
	kernel_log_print(&machine);

	return EXIT_DONE;
}
