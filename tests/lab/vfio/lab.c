// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab WORD...: have the control device do this (see tests/lab/guest/lib.sh for what it can), and
 * print what it answers. Its config file is named in /run/lab-control. The status is 1, and stderr
 * has a line, where it refuses or is not there.
 *
 * A shell would start six processes for it, 60 ms of an emulated processor, and scenarios do it
 * all the time.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WINDOW		0x80		/* where commands are written and answers read */
#define WINDOW_SIZE	128
#define PIECE		16		/* most answers are not longer */

static int open_control(void)
{
	FILE *file = fopen("/run/lab-control", "r");
	char path[128] = "";

	if (file && fgets(path, sizeof(path), file))
		path[strcspn(path, "\n")] = '\0';
	if (file)
		fclose(file);

	return open(path, O_RDWR);
}

/* Up to its newline, which is not kept; false if there is none. */
static bool read_answer(int control, char *answer)
{
	size_t got;

	for (got = 0; got < WINDOW_SIZE; got += PIECE) {
		char *end;

		if (pread(control, answer + got, PIECE, WINDOW + got) != PIECE)
			return false;
		answer[got + PIECE] = '\0';
		end = strchr(answer, '\n');
		if (end) {
			*end = '\0';
			return true;
		}
	}

	return false;
}

int main(int argc, char **argv)
{
	char line[WINDOW_SIZE] = "", answer[WINDOW_SIZE + 1] = "";
	int control = open_control();
	size_t length = 0;

	if (control < 0) {
		fprintf(stderr, "lab: no control device\n");
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		length += snprintf(line + length, sizeof(line) - length, "%s%s", i > 1 ? " " : "",
				   argv[i]);
		if (length > sizeof(line) - 2) {
			fprintf(stderr, "lab: too long: %s...\n", line);
			return 1;
		}
	}
	/* The device acts on the newline, so all must be there with it: one write. */
	line[length++] = '\n';
	if (pwrite(control, line, length, WINDOW) != (ssize_t)length ||
	    !read_answer(control, answer)) {
		perror("lab: control device");
		return 1;
	}
	if (!strncmp(answer, "ok ", 3)) {
		puts(answer + 3);
	} else if (strcmp(answer, "ok")) {
		fprintf(stderr, "lab: %.*s: %s\n", (int)length - 1, line, answer);
		return 1;
	}

	return 0;
}
