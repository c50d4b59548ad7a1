// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the command ends with an error: one sentence on stderr and status 2. A monitoring plugin
 * has to print it on stdout, with another status.
 */

#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool for_nagios;

/* Report errors as a monitoring plugin does from now on: see nagios.c. */
void fail_for_nagios(void)
{
	for_nagios = true;
}

/* A path may be in the text, or a whole list of domains. */
static char text[PATH_MAX + DOMAINS_SIZE];

static __noreturn void end(void)
{
	if (for_nagios)
		exit(nagios_unknown(text));
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
	exit(EXIT_ERROR);
}

/* End the command with an error that says what was bad, and what is accepted. */
void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	end();
}

/* The same for a call that failed: errno says why. */
void fail_errno(const char *format, ...)
{
	const char *reason = strerror(errno);
	va_list args;
	size_t length;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	length = strlen(text);
	snprintf(text + length, sizeof(text) - length, ": %s", reason);
	end();
}
