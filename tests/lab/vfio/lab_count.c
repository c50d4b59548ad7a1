// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab_count [begin|end]: put the gate's count of each GPU into the device's log, where the judge
 * compares it with what the device saw.
 *
 *   begin   enforcement is about to begin: the count is 0
 *   end     it has ended: what the gate says now is old
 *
 * A GPU may be switched on at the same time. The gate counts under pci_lock, which all accesses to
 * config space take, this program's own among them. So a count that reads the same before and after
 * the write that informs the device is the count at that write.
 *
 * Without a count in sysfs this writes nothing. With isolate=0 it writes `end`.
 *
 * This writes `begin` a moment before enforcement begins. With two processors or a client of VFIO
 * a GPU may be switched on in that moment, so it writes `end` instead. Then the first count is what
 * later ones are compared with.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ISOLATE		"%s/sys/module/nvlink_isolation/parameters/isolate"
#define COUNT		0x44		/* see tests/device/control.c */
#define CONFIRM		0x48
#define ID_BEGIN	0xfff
#define ID_END		0xffe
#define TRIES		1000

static int control = -1;
static const char *root;	/* $LAB_ROOT: where a self test has its own files */

static bool first_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	bool read = file && fgets(text, size, file);

	if (file)
		fclose(file);
	if (read)
		text[strcspn(text, "\n")] = '\0';

	return read;
}

static bool enforced(void)
{
	char path[128], text[8];

	snprintf(path, sizeof(path), ISOLATE, root);

	return first_line(path, text, sizeof(text)) && (*text == '1' || *text == 'Y');
}

static bool has_client(void)
{
	char path[300], name[32];
	DIR *proc = opendir("/proc");
	bool found = false;
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		found |= *entry->d_name >= '0' && *entry->d_name <= '9' &&
			 first_line(path, name, sizeof(name)) && !strcmp(name, "lab_vfio");
	}
	if (proc)
		closedir(proc);

	return found;
}

static void tell(unsigned int where, unsigned int gpu, unsigned int what)
{
	unsigned int value = gpu << 28 | what;

	if (pwrite(control, &value, sizeof(value), where) != sizeof(value)) {
		perror("lab_count: control device");
		exit(2);
	}
}

/* Returns how often it was switched on, or -1; *@id distinguishes devices at the same address. */
static long switched_on(const char *path, unsigned int *id)
{
	struct stat info;
	char text[24];

	if (!first_line(path, text, sizeof(text)) || stat(path, &info))
		return -1;
	*id = info.st_ino % ID_END;

	return atol(text);
}

static void count(unsigned int gpu, const char *bdf)
{
	long before, after;
	unsigned int id;
	char path[160];
	int tries;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/nvlink_isolation/switched_on", root,
		 bdf);
	for (tries = 0; tries < TRIES; tries++) {
		before = switched_on(path, &id);
		if (before < 0)
			return;
		tell(COUNT, gpu, id << 16 | (before & 0xffff));
		after = switched_on(path, &id);
		if (after != before)
			continue;
		tell(CONFIRM, gpu, before >> 16 & 0xffff);
		return;
	}
	/* The next count covers this time, too. */
	fprintf(stderr, "lab_count: %s is switched on all the time\n", bdf);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned int gpu;
	char line[64], path[128];
	FILE *gpus;

	root = getenv("LAB_ROOT") ?: "";
	if (!strcmp(what, "begin") && !enforced() &&
	    (sysconf(_SC_NPROCESSORS_ONLN) > 1 || has_client()))
		what = "end";
	else if (!strcmp(what, "begin") && enforced())
		what = "";
	if (!*what && !enforced())
		what = "end";
	if (!first_line("/run/lab-control", path, sizeof(path)))
		return 2;
	control = open(path, O_RDWR);
	gpus = fopen("/run/lab-gpus", "r");
	if (control < 0 || !gpus) {
		perror("lab_count");
		return 2;
	}
	/* Two of these would take each other's counts. */
	flock(control, LOCK_EX);
	for (gpu = 0; fgets(line, sizeof(line), gpus); gpu++) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(what, "begin"))
			tell(COUNT, gpu, ID_BEGIN << 16);
		else if (!strcmp(what, "end"))
			tell(COUNT, gpu, ID_END << 16);
		else
			count(gpu, line);
	}

	return 0;
}
