/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The values of the parameters. parameters.c writes them, under its lock; the files below read them
 * from any context, by READ_ONCE().
 */
#ifndef NVLI_SETTINGS_H
#define NVLI_SETTINGS_H

#include <nvlink_isolation/core.h>

/* Are the links to be kept disabled? */
extern bool nvli_isolate;

/* Does the gate refuse a GPU that is not verified, or only report it? */
extern bool nvli_gate;

#define NVLI_AUDIT_SECONDS	60	/* the default of the next */

/* The mean time between two audits of a GPU, in seconds; 0 for no audits */
extern unsigned int nvli_audit_seconds;

/* The GPUs that keep links between them. Setting this does not plan: see nvli_plan_all(). */
struct nvli_domains nvli_domains(void);
bool nvli_by_owner(void);
void nvli_set_domains(const struct nvli_domains *domains);

/* Declared links, on a platform whose firmware does not describe them. Does not plan either. */
struct nvli_wires nvli_wires(void);
void nvli_set_wires(const struct nvli_wires *wires);

#endif
