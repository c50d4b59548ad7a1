// SPDX-License-Identifier: GPL-2.0-only
/* The values of the parameters, and their defaults. */

#include "settings.h"

#include <linux/spinlock.h>

bool nvli_isolate;
bool nvli_gate = true;
unsigned int nvli_audit_seconds = NVLI_AUDIT_SECONDS;

static struct nvli_domains domains;
static struct nvli_wires wires;
/* Guards both. The gate reads them under raw locks. */
static DEFINE_RAW_SPINLOCK(settings_lock);

struct nvli_domains nvli_domains(void)
{
	struct nvli_domains copy;
	unsigned long flags;

	raw_spin_lock_irqsave(&settings_lock, flags);
	copy = domains;
	raw_spin_unlock_irqrestore(&settings_lock, flags);

	return copy;
}

/* Does the domain of a GPU follow its owner? */
bool nvli_by_owner(void)
{
	return READ_ONCE(domains.policy) == NVLI_BY_OWNER;
}

void nvli_set_domains(const struct nvli_domains *value)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&settings_lock, flags);
	domains = *value;
	raw_spin_unlock_irqrestore(&settings_lock, flags);
}

struct nvli_wires nvli_wires(void)
{
	struct nvli_wires copy;
	unsigned long flags;

	raw_spin_lock_irqsave(&settings_lock, flags);
	copy = wires;
	raw_spin_unlock_irqrestore(&settings_lock, flags);

	return copy;
}

void nvli_set_wires(const struct nvli_wires *value)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&settings_lock, flags);
	wires = *value;
	raw_spin_unlock_irqrestore(&settings_lock, flags);
}
