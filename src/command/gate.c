// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: the loaded module's parameter "gate". With gate=0 the state of a GPU says what was last read
 * back, but nothing keeps the GPU off if its links cannot be disabled after the next reset.
 */

#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/**
 * gate_read() - read the parameter
 * @why: set unless it is 1: what follows and what to do, or why it is unknown
 *
 * Each version of the module has the file and writes a digit, so anything else proves nothing.
 *
 * Return: unknown as well if the module is not loaded.
 */
enum gate gate_read(char why[WHY_SIZE])
{
	const char *path = at(MODULE_DIR "/parameters/gate");
	char text[16];

	why[0] = '\0';
	if (!read_line(text, sizeof(text), path)) {
		snprintf(why, WHY_SIZE, "%.*s: %s", TEXT_SIZE, path, strerror(errno));
		return GATE_UNKNOWN;
	}
	if (!strcmp(text, "1"))
		return GATE_ON;
	if (!strcmp(text, "0")) {
		snprintf(why, WHY_SIZE,
			 "gate=0: a driver or a guest can switch on a GPU whose links are not verified as disabled; write 1 to %.*s",
			 TEXT_SIZE, path);
		return GATE_OFF;
	}
	snprintf(why, WHY_SIZE, "%.*s: '%s' is neither 0 nor 1", TEXT_SIZE, path, text);

	return GATE_UNKNOWN;
}
