/* SPDX-License-Identifier: GPL-2.0-only */
/* What the administrator has chosen, as the files below parameters.c read it. */
#ifndef NVLI_SETTINGS_H
#define NVLI_SETTINGS_H

#include <nvlink_isolation/core.h>

/* Are the links to be kept disabled? */
bool nvli_isolate(void);
void nvli_set_isolate(bool isolate);

/* Is a GPU that is not verified refused, or only reported? */
bool nvli_gate(void);
void nvli_set_gate(bool gate);

/* The mean time between two audits of a GPU, in seconds; 0 for no audits */
unsigned int nvli_audit_seconds(void);
void nvli_set_audit_seconds(unsigned int seconds);

/* Which GPUs may talk to each other. Setting them plans nothing: see nvli_plan_all(). */
struct nvli_domains nvli_domains(void);
void nvli_set_domains(const struct nvli_domains *domains);

#endif
