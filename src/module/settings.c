// SPDX-License-Identifier: GPL-2.0-only
/* What the administrator has chosen, and what holds until then. */

#include "settings.h"

#include <linux/spinlock.h>

bool nvli_isolate;
bool nvli_gate = true;
unsigned int nvli_audit_seconds = 60;

static struct nvli_domains domains;
static DEFINE_SPINLOCK(domains_lock);

struct nvli_domains nvli_domains(void)
{
	struct nvli_domains copy;

	spin_lock(&domains_lock);
	copy = domains;
	spin_unlock(&domains_lock);

	return copy;
}

void nvli_set_domains(const struct nvli_domains *value)
{
	spin_lock(&domains_lock);
	domains = *value;
	spin_unlock(&domains_lock);
}
