// SPDX-License-Identifier: GPL-2.0-only
/* Will the GPUs be isolated at the next boot, whichever installed kernel boots? */

#include "command.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct list {
	struct boot *boots;
	int count;
	char running[TEXT_SIZE];
};

static void add(struct list *list, const char *release)
{
	struct boot *boot;
	int i;

	for (i = 0; i < list->count; i++)
		if (!strcmp(list->boots[i].release, release) ||
		    !strcmp(list->boots[i].pkgbase, release))
			return;
	list->boots = realloc(list->boots, (list->count + 1) * sizeof(*boot));
	if (!list->boots)
		fail("no memory left");
	boot = &list->boots[list->count++];
	memset(boot, 0, sizeof(*boot));
	strncat(boot->release, release, sizeof(boot->release) - 1);
	boot->running = !strcmp(boot->release, list->running);
	read_line(boot->pkgbase, sizeof(boot->pkgbase),
		  at("/lib/modules/%s/pkgbase", boot->release));
	installed_read(&boot->installed, boot->release, true);
	initramfs_read(&boot->initramfs, boot->release, boot->pkgbase, boot->installed.path);
}

/*
 * Is this the name of a second file of a kernel? SUSE has vmlinux-RELEASE.gz beside the
 * vmlinuz-RELEASE that boots. A vmlinuz-RELEASE.old was replaced by one that has the same modules
 * and initramfs.
 */
static bool is_second(const char *name)
{
	static const char * const ends[] = { ".gz", ".xz", ".zst", ".old" };
	const char *end = strrchr(name, '.');
	size_t i;

	for (i = 0; end && i < ARRAY_SIZE(ends); i++)
		if (!strcmp(end, ends[i]))
			return true;

	return false;
}

/* Add each release for which @dir has an entry @prefix + release, with the file @needs in it. */
static void add_all(struct list *list, const char *dir, const char *prefix, const char *needs)
{
	size_t length = strlen(prefix);
	struct dirent **entries;
	int n, i;

	n = scandir(at("%s", dir), &entries, NULL, versionsort);
	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		/*
		 * A rescue image of dracut is no kernel of its own, and boots only when it is
		 * chosen by hand.
		 */
		if (name[0] != '.' && !strncmp(name, prefix, length) &&
		    !(length && is_second(name)) &&
		    strncmp(name + length, "0-rescue-", strlen("0-rescue-")) &&
		    !access(at("%s/%s%s", dir, name, needs), F_OK))
			add(list, name + length);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/**
 * boot_read() - look at each kernel that is installed
 * @boots: set; boot_free() frees it
 *
 * Return: how many there are. The running kernel counts, even if its files are gone.
 */
int boot_read(struct boot **boots)
{
	struct list list = {};
	int i;

	kernel_release(list.running);
	/* A kernel's package removes this file. DKMS and depmod leave other files behind. */
	add_all(&list, "/lib/modules", "", "/modules.builtin");
	add_all(&list, "/boot", "vmlinux-", "");
	add_all(&list, "/boot", "vmlinuz-", "");
	add(&list, list.running);
	for (i = 0; i < list.count; i++)
		make_printable(list.boots[i].release);
	*boots = list.boots;

	return list.count;
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
 * @fault: set to one text for each reason
 *
 * Return: how many there are; 0 if they will be isolated. Anything unknown is a fault, too.
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
	if (!installed_gates(&boot->installed))
		fault[count++] = "a line in modprobe.d, or the kernel's command line, sets gate=0";
	if (boot->installed.kept_out)
		fault[count++] =
			"a line in modprobe.d, or the kernel's command line, keeps the module out";
	if (boot->installed.refused)
		fault[count++] =
			"the module is not signed, and the running kernel loads signed ones only";
	if (initramfs->unknown) {
		fault[count++] = "its initramfs is unknown";
		return count;
	}
	if (!initramfs->module)
		fault[count++] = "its initramfs has no module";
	else if (initramfs->older)
		fault[count++] = "its initramfs is older than the module";
	if (!initramfs->configured)
		fault[count++] = "its initramfs lacks the module's configuration";
	else if (initramfs->stale)
		fault[count++] = "its initramfs is older than modprobe's configuration or the rule";
	if (initramfs->foreign[0])
		fault[count++] = "its initramfs has a modprobe.d file that this host lacks";
	if (initramfs->masked)
		fault[count++] = "a file in /etc or /usr/local/lib masks its udev rule";
	else if (!initramfs->rule)
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
	else if (boot->initramfs.foreign[0])
		printf(" (%s)", boot->initramfs.foreign);
	putchar('\n');
}
