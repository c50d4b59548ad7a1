// SPDX-License-Identifier: GPL-2.0-only
/* What the administrator has chosen. Written by parameters.c, readable from any context. */

#include "settings.h"

#include <linux/compiler.h>
#include <linux/spinlock.h>

static bool isolate;
static bool gate = true;
static unsigned int audit_seconds = 60;

static struct nvli_domains domains;
static DEFINE_SPINLOCK(domains_lock);

bool nvli_isolate(void)
{
	return READ_ONCE(isolate);
}

void nvli_set_isolate(bool value)
{
	WRITE_ONCE(isolate, value);
}

bool nvli_gate(void)
{
	return READ_ONCE(gate);
}

void nvli_set_gate(bool value)
{
	WRITE_ONCE(gate, value);
}

unsigned int nvli_audit_seconds(void)
{
	return READ_ONCE(audit_seconds);
}

void nvli_set_audit_seconds(unsigned int value)
{
	WRITE_ONCE(audit_seconds, value);
}

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
