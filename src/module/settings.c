// SPDX-License-Identifier: GPL-2.0-only
/* What the administrator has chosen, and what holds until then. */

#include "settings.h"

#include <linux/spinlock.h>

bool nvli_isolate;
bool nvli_gate = true;
unsigned int nvli_audit_seconds = 60;

static struct nvli_domains domains;
static struct nvli_wires wires;
/* Guards both. */
static DEFINE_SPINLOCK(settings_lock);

struct nvli_domains nvli_domains(void)
{
	struct nvli_domains copy;

	spin_lock(&settings_lock);
	copy = domains;
	spin_unlock(&settings_lock);

	return copy;
}

void nvli_set_domains(const struct nvli_domains *value)
{
	spin_lock(&settings_lock);
	domains = *value;
	spin_unlock(&settings_lock);
}

struct nvli_wires nvli_wires(void)
{
	struct nvli_wires copy;

	spin_lock(&settings_lock);
	copy = wires;
	spin_unlock(&settings_lock);

	return copy;
}

void nvli_set_wires(const struct nvli_wires *value)
{
	spin_lock(&settings_lock);
	wires = *value;
	spin_unlock(&settings_lock);
}

/* Fill in where the links of a GPU lead, by the parameter links. */
void nvli_topology_as_declared(u32 gpu, struct nvli_topology *topology)
{
	spin_lock(&settings_lock);
	nvli_wires_apply(&wires, gpu, topology);
	spin_unlock(&settings_lock);
}
