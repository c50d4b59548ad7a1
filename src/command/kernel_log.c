// SPDX-License-Identifier: GPL-2.0-only
/*
 * report: the lines of the kernel's log about the module, and those of EEH, AER and vfio about the
 * GPUs and the ports above them.
 */

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES_MAX	(8 * GPUS_MAX)	/* a GPU of an AC922 is the fifth below its host bridge */

/**
 * struct filter - which lines are printed
 * @count: how many devices there are
 * @device: addresses of the GPUs and of the ports above them
 * @ours: the last line of EEH with a device or PHB in it named one of ours
 */
struct filter {
	int count;
	char device[DEVICES_MAX][ADDRESS_SIZE];
	bool ours;
};

static void add(struct filter *filter, const char *name, size_t length)
{
	int i;

	if (length != NVLI_GPU_ID_TEXT - 1 || filter->count == DEVICES_MAX)
		return;
	for (i = 0; i < filter->count; i++)
		if (!strncmp(filter->device[i], name, length))
			return;
	snprintf(filter->device[filter->count++], ADDRESS_SIZE, "%.*s", (int)length, name);
}

/* A GPU is a link to a directory below those of its ports: ".../0004:02:0a.0/0004:04:00.0". */
static void add_gpu(struct filter *filter, const char *address)
{
	char target[PATH_MAX];
	ssize_t length;
	char *rest = target, *name;

	add(filter, address, strlen(address));
	length = readlink(at(DEVICES_DIR "/%s", address), target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = '\0';
	while ((name = strsep(&rest, "/")))
		if (strlen(name) == NVLI_GPU_ID_TEXT - 1 && name[4] == ':')
			add(filter, name, strlen(name));
}

static bool names_device(const struct filter *filter, const char *text)
{
	int i;

	for (i = 0; i < filter->count; i++)
		if (strstr(text, filter->device[i]))
			return true;

	return false;
}

/* "PHB#4-PE#fd": the number of a host bridge is its segment. */
static bool names_phb(const struct filter *filter, const char *text)
{
	const char *number = strstr(text, "PHB#");
	unsigned long phb;
	int i;

	if (!number)
		return false;
	phb = strtoul(number + 4, NULL, 16);
	for (i = 0; i < filter->count; i++)
		if (strtoul(filter->device[i], NULL, 16) == phb)
			return true;

	return false;
}

/* EEH names its PE first. The lines that follow belong to this PE. */
static bool is_of_eeh(struct filter *filter, const char *text)
{
	if (!strstr(text, "EEH") && !strstr(text, "Diag-data"))
		return false;
	if (names_device(filter, text) || names_phb(filter, text))
		filter->ours = true;
	else if (strstr(text, "PHB#") || strncmp(text, "EEH: ", 5))
		filter->ours = false;

	return filter->ours;
}

static bool is_wanted(struct filter *filter, const char *text)
{
	bool of_eeh = is_of_eeh(filter, text);

	if (of_eeh || strstr(text, MODULE))
		return true;

	return (strstr(text, "AER") || strstr(text, "PCIe Bus Error") || strstr(text, "vfio")) &&
		names_device(filter, text);
}

/*
 * "6,339,5140900,-;text": level, number, microseconds, flags. Other lines have details of the
 * line before.
 *
 * Return: true if it was printed.
 */
static bool print_record(struct filter *filter, char *line)
{
	unsigned long long time;
	char *text = strchr(line, ';');

	if (!text || *line == ' ' || sscanf(line, "%*u,%*u,%llu", &time) != 1)
		return false;
	text++;
	text[strcspn(text, "\n")] = '\0';
	if (!is_wanted(filter, text))
		return false;
	make_printable(text);
	printf("[%5llu.%06llu] %s\n", time / 1000000, time % 1000000, text);

	return true;
}

static void print_failure(void)
{
	printf("(it cannot be read: %s%s)\n", strerror(errno),
	       errno == EACCES || errno == EPERM ? "; root may read it" : "");
}

/* Print what the kernel's log has about the GPUs of a machine. */
void kernel_log_print(const struct machine *machine)
{
	/* Each read returns one record, which has to fit. */
	static char record[16384];
	static struct filter filter;
	int fd = open(at("/dev/kmsg"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	bool found = false;
	char *line = NULL;
	size_t size = 0;
	int i;

	printf("\nKernel log\n");
	if (!file) {
		print_failure();
		return;
	}
	for (i = 0; i < machine->count; i++)
		add_gpu(&filter, machine->gpu[i].address);
	setvbuf(file, record, _IOFBF, sizeof(record));
	for (;;) {
		errno = 0;
		if (getline(&line, &size, file) >= 0)
			found |= print_record(&filter, line);
		else if (errno == EPIPE)	/* overwritten before it was read: go on after it */
			clearerr(file);
		else
			break;
	}
	if (errno && errno != EAGAIN)
		print_failure();
	else if (!found)
		printf("(nothing about " MODULE " or the GPUs)\n");
	free(line);
	fclose(file);
}
