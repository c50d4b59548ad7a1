// SPDX-License-Identifier: GPL-2.0-only
/* Will the GPUs be isolated at the next boot, whichever of the installed kernels that is? */

#include "command.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kernel's package removes this list with it. DKMS and depmod leave files behind. */
static bool is_installed(const char *release)
{
	return !access(at("/lib/modules/%s/modules.builtin", release), F_OK);
}

static void read_one(struct boot *boot, const char *release, const char *running)
{
	memset(boot, 0, sizeof(*boot));
	strncat(boot->release, release, sizeof(boot->release) - 1);
	boot->running = !strcmp(boot->release, running);
	installed_read(&boot->installed, boot->release);
	initramfs_read(&boot->initramfs, boot->release, boot->installed.path);
	make_printable(boot->release);
}

/**
 * boot_read() - look at each kernel that is installed
 * @boots: set; boot_free() frees it
 *
 * Return: how many there are. The kernel that runs is one, also if its files are gone.
 */
int boot_read(struct boot **boots)
{
	struct dirent **entries;
	char running[TEXT_SIZE];
	int count = 0;
	int n, i;

	kernel_release(running);
	n = scandir(at("/lib/modules"), &entries, NULL, versionsort);
	*boots = calloc((n < 0 ? 0 : n) + 1, sizeof(**boots));
	if (!*boots)
		errx(EXIT_ERROR, "no memory left");
	if (n < 0 || !is_installed(running))
		read_one(&(*boots)[count++], running, running);
	for (i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.' && is_installed(entries[i]->d_name))
			read_one(&(*boots)[count++], entries[i]->d_name, running);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);

	return count;
}

void boot_free(struct boot *boots, int count)
{
	int i;

	for (i = 0; i < count; i++)
		installed_free(&boots[i].installed);
	free(boots);
}

/**
 * boot_faults() - why GPUs may not be isolated when a kernel boots
 * @boot: the kernel
 * @fault: set to a text each
 *
 * Return: how many there are; 0 if they will be isolated. What is not known is a fault, too.
 */
int boot_faults(const struct boot *boot, const char *fault[BOOT_FAULTS])
{
	const struct initramfs *initramfs = &boot->initramfs;
	int count = 0;

	if (!boot->installed.path)
		fault[count++] = "the module is not built for it";
	else if (strcmp(boot->installed.version, NVLI_VERSION))
		fault[count++] = "the module is not of version " NVLI_VERSION;
	if (!installed_enforces(&boot->installed))
		fault[count++] = "isolate=1 is not configured";
	if (initramfs->unknown) {
		fault[count++] = "its initramfs is unknown";
		return count;
	}
	if (!initramfs->module)
		fault[count++] = "its initramfs has no module";
	else if (initramfs->older)
		fault[count++] = "its initramfs is older than the module";
	if (!initramfs->rule)
		fault[count++] = "its initramfs has no udev rule";

	return count;
}

/* "6.1.0-50-powerpc64le (running): NOT isolated at boot: the module is not built for it" */
void boot_print(const struct boot *boot)
{
	const char *fault[BOOT_FAULTS];
	int count = boot_faults(boot, fault);
	int i;

	printf("%s%s: ", boot->release, boot->running ? " (running)" : "");
	if (!count)
		printf("isolated at boot: module %s, in the initramfs with its rule, isolate=1",
		       boot->installed.version);
	else
		printf("NOT isolated at boot: ");
	for (i = 0; i < count; i++)
		printf("%s%s", i ? "; " : "", fault[i]);
	if (boot->initramfs.unknown)
		printf(" (%s)", boot->initramfs.unknown);
	putchar('\n');
}
