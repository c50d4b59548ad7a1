// SPDX-License-Identifier: GPL-2.0-only
/* The plan of the running machine, by the parameters of the loaded module. */

#include "command.h"

#include <unistd.h>

/**
 * plan_make_loaded() - find out what would be cut on this machine
 * @plan: set
 * @domains: the policy, or NULL for that of the loaded module; without the module the default
 *
 * A machine without a device tree has the links that the module was told.
 *
 * Return: as plan_make().
 */
const char *plan_make_loaded(struct plan *plan, const char *domains)
{
	char loaded[DOMAINS_SIZE], links[DOMAINS_SIZE];

	if (!domains) {
		module_domains(loaded);
		domains = loaded;
	}
	/* Kernels for x86-64 can have an empty tree. */
	if (access(at("/sys/firmware/devicetree/base/compatible"), F_OK) &&
	    read_line(links, sizeof(links), at(MODULE_DIR "/parameters/links"))) {
		plan_make_declared(plan, links, domains);
		return NULL;
	}

	return plan_make(plan, NULL, domains);
}
