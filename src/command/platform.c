// SPDX-License-Identifier: GPL-2.0-only
/* Can the module work on this machine at all? */

#include "command.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ARCH		"/proc/sys/kernel/arch"
#define COMPATIBLE	"/sys/firmware/devicetree/base/compatible"

/* The kernel detects a bare-metal POWER host by the same word. */
static bool is_powernv(void)
{
	static const char powernv[] = "ibm,powernv";
	FILE *file = fopen(at(COMPATIBLE), "re");
	char text[TEXT_SIZE];
	size_t length, i;

	if (!file)
		return false;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	for (i = 0; i < length; i += strlen(text + i) + 1)
		if (!strcmp(text + i, powernv))
			return true;

	return false;
}

/* A kernel before 6.1 does not show its architecture. Then uname() has it. */
static bool is_x86_64(void)
{
	char arch[TEXT_SIZE];
	struct utsname uts;

	if (read_line(arch, sizeof(arch), at(ARCH)))
		return !strcmp(arch, "x86_64");

	return !uname(&uts) && !strcmp(uts.machine, "x86_64");
}

/**
 * platform_fault() - why the module cannot work on this machine
 *
 * Return: NULL if it can, or a clause that follows "the module". A loaded module is proof
 * that it can.
 */
const char *platform_fault(void)
{
	if (module_is_loaded() || is_x86_64() || is_powernv())
		return NULL;

	return "works on bare-metal POWER9 and on x86-64 hosts, and this is neither";
}
