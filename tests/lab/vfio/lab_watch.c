// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab_watch [PERIOD]: does sysfs ever say isolated while the device says open? Asked for every GPU
 * every PERIOD (default 20) milliseconds, or every QUIET times that after so many samples in which
 * nothing changed: in an idle guest it is what takes the time. A SIGTERM ends it, and it prints:
 *
 *   samples=N isolated=N changed=N violations=N
 *
 * A sample is a look at all GPUs; in `isolated` of them one or more was said to be isolated, and
 * `changed` times the mask of a GPU or what sysfs says changed too fast to judge. Each violation
 * is counted, and the first of a row printed at once and marked in the device's log.
 *
 * It has a control device (see tests/device/control.c) of its own, the last one: two who talk to
 * the same would take each other's answers.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICES		"/sys/bus/pci/devices"
#define REQUIRED	"nvlink_isolation/required_links"
#define WINDOW		0x80		/* where commands are written and answers read */
#define ANSWER		16		/* more than any answer here */
#define LINK_SHIFT	16
#define MAX_GPUS	8
#define QUIET		4

struct gpu {
	char bdf[16];
	unsigned int number;		/* of the emulated GPU: gNUMBER */
	unsigned long epoch;		/* as of the last question for the mask */
	unsigned long mask;
	bool known;			/* the mask did not change meanwhile */
	bool isolated;			/* as sysfs last said */
	bool told;			/* of the violation that goes on */
};

static struct gpu gpus[MAX_GPUS];
static unsigned int ngpus;
static int control = -1;
static int stop;

static unsigned long samples, isolated, changed, violations;
static unsigned int unchanged;	/* samples in a row without any change */

static void on_sigterm(int signal)
{
	(void)signal;
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
}

static bool read_file(const char *bdf, const char *name, char *text, size_t size)
{
	char path[128];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", bdf, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		return false;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';

	return true;
}

/* The device acts on the newline: what is written ends with it. */
static void command(const char *text)
{
	size_t length = strlen(text);

	if (pwrite(control, text, length, WINDOW) != (ssize_t)length) {
		perror("lab_watch: control device");
		exit(2);
	}
}

static unsigned long ask(const struct gpu *gpu, const char *property)
{
	char answer[ANSWER + 1] = "", line[64];
	unsigned long value = 0;
	char *end = NULL;

	snprintf(line, sizeof(line), "get g%u %s\n", gpu->number, property);
	command(line);
	if (pread(control, answer, ANSWER, WINDOW) == ANSWER && !strncmp(answer, "ok ", 3))
		value = strtoul(answer + 3, &end, 0);
	if (!end || *end != '\n') {
		fprintf(stderr, "lab_watch: %.*s: %s\n", (int)strlen(line) - 1, line, answer);
		exit(2);
	}

	return value;
}

/* "0,2,4" is 0x00150000 */
static unsigned long mask_of(const char *links)
{
	unsigned long mask = 0;

	for (; *links; links++)
		if (*links >= '0' && *links <= '9')
			mask |= 1ul << (LINK_SHIFT + *links - '0');

	return mask;
}

static void tell(struct gpu *gpu)
{
	char line[128];

	violations++;
	if (gpu->told)
		return;
	gpu->told = true;
	snprintf(line, sizeof(line), "mark lab_watch: g%u is said to be isolated, mask 0x%08lx\n",
		 gpu->number, gpu->mask);
	command(line);
	printf("%s", line + strlen("mark lab_watch: "));
	fflush(stdout);
}

/*
 * Returns whether it was said to be isolated. As long as the epoch stays what it was when the mask
 * was asked for, the mask is still the same and was so when sysfs was read: questions to the device
 * are dear.
 */
static bool look_at(struct gpu *gpu)
{
	char state[32], links[32], before[32];
	int tries;

	for (tries = 0; tries < 2; tries++) {
		unsigned long epoch;

		/* Domains may change in between: what is required has to be so before and after. */
		if (!read_file(gpu->bdf, REQUIRED, before, sizeof(before)) ||
		    !read_file(gpu->bdf, "nvlink_isolation/state", state, sizeof(state)) ||
		    strcmp(state, "isolated") ||
		    !read_file(gpu->bdf, REQUIRED, links, sizeof(links)) || strcmp(before, links))
			break;
		epoch = ask(gpu, "epoch");
		if (gpu->known && epoch == gpu->epoch) {
			if (mask_of(links) & ~gpu->mask)
				tell(gpu);
			else
				gpu->told = false;
			return true;
		}
		unchanged = 0;
		gpu->epoch = epoch;
		gpu->mask = ask(gpu, "mask");
		gpu->known = ask(gpu, "epoch") == epoch;
	}
	if (tries)
		changed++;
	else
		gpu->told = false;

	return tries;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The GPUs in the order of their addresses, as lib.sh numbers them. */
static void find_devices(void)
{
	struct dirent **entry;
	char vendor[16], device[16], path[128];
	int i, n;

	n = scandir(DEVICES, &entry, NULL, by_name);
	for (i = 0; i < n; i++) {
		const char *name = entry[i]->d_name;

		if (!read_file(name, "vendor", vendor, sizeof(vendor)) ||
		    !read_file(name, "device", device, sizeof(device)))
			continue;
		if (!strcmp(vendor, "0x10de") && ngpus < MAX_GPUS) {
			snprintf(gpus[ngpus].bdf, sizeof(gpus[ngpus].bdf), "%.15s", name);
			gpus[ngpus].number = ngpus;
			ngpus++;
		}
		if (strcmp(vendor, "0x1b36") || strcmp(device, "0x00ee"))
			continue;
		snprintf(path, sizeof(path), DEVICES "/%.15s/config", name);
		if (control >= 0)
			close(control);
		control = open(path, O_RDWR);
	}
}

int main(int argc, char **argv)
{
	long period_ms = argc > 1 ? atol(argv[1]) : 20;
	struct timespec period = { period_ms / 1000, period_ms % 1000 * 1000000 };
	struct sigaction action = { .sa_handler = on_sigterm };

	sigaction(SIGTERM, &action, NULL);
	find_devices();
	if (control < 0 || !ngpus) {
		fprintf(stderr, "lab_watch: no control device or no GPU\n");
		return 2;
	}
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		bool any = false;

		unchanged++;
		for (unsigned int i = 0; i < ngpus; i++) {
			bool now = look_at(&gpus[i]);

			if (now != gpus[i].isolated)
				unchanged = 0;
			gpus[i].isolated = now;
			any |= now;
		}
		isolated += any;
		samples++;
		for (int i = 0; i < (unchanged < QUIET ? 1 : QUIET); i++)
			nanosleep(&period, NULL);
	}
	printf("samples=%lu isolated=%lu changed=%lu violations=%lu\n", samples, isolated, changed,
	       violations);

	return violations != 0;
}
