// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab_fuzz SEED WRITERS WRITES FILE[=VALUE,...]...: write to files of sysfs what nobody should.
 *
 * Each of WRITERS processes makes WRITES writes, each to any of the files: random bytes, one of its
 * VALUEs, such a value with something wrong, text without an end, NUL bytes; up to 64 KiB, now and
 * then from an offset, and it may read the file, too. A file that is not there counts as refused:
 * modules may come and go meanwhile. The same SEED writes the same. Prints
 *
 *   writes=N accepted=N refused=N
 *
 * and ends with an error if a write did what no write may: took more than it was given.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST 65536

static unsigned long state;

/* xorshift64* */
static unsigned int draw(unsigned int below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;

	return (state * 2685821657736338717ull >> 32) % below;
}

struct counts {
	unsigned long writes, accepted, refused, odd;
};

static struct counts *counts;

static size_t one_value(const char *values, char *text)
{
	const char *end, *value = values;
	unsigned int n = 1;
	size_t length;

	for (const char *c = values; *c; c++)
		n += *c == ',';
	for (n = draw(n); n; n--)
		value = strchr(value, ',') + 1;
	end = strchrnul(value, ',');
	length = end - value;
	memcpy(text, value, length);
	/* A comma in a value is written as a semicolon. */
	for (size_t i = 0; i < length; i++)
		if (text[i] == ';')
			text[i] = ',';

	return length;
}

/* Most are short: each may become a line of the kernel's log. */
static size_t any_length(void)
{
	switch (draw(16)) {
	case 0:
		return LONGEST;
	case 1:
		return draw(LONGEST);
	case 2:
		return 4095 + draw(3);
	default:
		return draw(64);
	}
}

static size_t make(const char *values, char *text)
{
	size_t length = 0, i;

	switch (draw(8)) {
	case 0:
		length = any_length();
		for (i = 0; i < length; i++)
			text[i] = draw(256);
		break;
	case 1:
		length = any_length();
		memset(text, "0a+,:.1\n"[draw(8)], length);
		break;
	case 2:
		length = any_length();
		memset(text, 0, length);
		break;
	case 3:
		/* A value again and again */
		i = one_value(values, text);
		for (length = i; i && length + i < LONGEST && draw(200); length += i)
			memcpy(text + length, text, i);
		break;
	case 4:
	case 5:
		length = one_value(values, text);
		if (length)
			text[draw(length)] = draw(256);
		text[length++] = draw(2) ? '\n' : draw(256);
		break;
	default:
		length = one_value(values, text);
		text[length++] = '\n';
		break;
	}

	return length;
}

static void write_once(char *arg)
{
	static char text[LONGEST + 256], name[256];
	char *values = strchrnul(arg, '=');
	ssize_t written;
	size_t length;
	int fd;

	snprintf(name, sizeof(name), "%.*s", (int)(values - arg), arg);
	length = make(*values ? values + 1 : values, text);
	counts->writes++;
	fd = open(name, draw(4) ? O_WRONLY : O_RDWR);
	if (fd < 0)
		fd = open(name, O_WRONLY);
	if (fd < 0) {
		counts->refused++;
		usleep(2000);
		return;
	}
	if (!draw(8))
		written = pwrite(fd, text, length, draw(3) ? draw(LONGEST) : -1ull >> 1);
	else
		written = write(fd, text, length);
	if (written < 0)
		counts->refused++;
	else
		counts->accepted++;
	counts->odd += written > (ssize_t)length;
	if (draw(2))
		(void)!read(fd, text, draw(LONGEST));
	close(fd);
}

int main(int argc, char **argv)
{
	struct counts sum = {};
	unsigned long seed, writers, writes;

	if (argc < 5) {
		fprintf(stderr, "usage: lab_fuzz SEED WRITERS WRITES FILE[=VALUE,...]...\n");
		return 2;
	}
	seed = strtoul(argv[1], NULL, 0);
	writers = strtoul(argv[2], NULL, 0);
	writes = strtoul(argv[3], NULL, 0);
	counts = mmap(NULL, writers * sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 2;

	for (unsigned long i = 0; i < writers; i++, counts++) {
		pid_t pid = fork();

		if (pid < 0)
			return 2;
		if (pid)
			continue;
		state = (seed + i + 1) * 0x9e3779b97f4a7c15ull;
		while (counts->writes < writes)
			write_once(argv[4 + draw(argc - 4)]);
		_exit(0);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	for (unsigned long i = 0; i < writers; i++) {
		counts--;
		sum.writes += counts->writes;
		sum.accepted += counts->accepted;
		sum.refused += counts->refused;
		sum.odd += counts->odd;
	}
	printf("writes=%lu accepted=%lu refused=%lu\n", sum.writes, sum.accepted, sum.refused);

	return sum.odd || sum.writes != writers * writes;
}
