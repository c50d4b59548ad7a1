/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's parameters, and the lock under which they act. */
#ifndef NVLI_PARAMETERS_H
#define NVLI_PARAMETERS_H

#include <linux/mutex.h>

/**
 * struct nvli_actions - what a change of a parameter does; called under the lock
 * @start: isolate=1: 0, or an error and nothing has changed
 * @stop: isolate=0: likewise
 * @reconsider: gate or audit_seconds changed while enforcing
 * @replan: domains changed
 */
struct nvli_actions {
	int (*start)(void);
	int (*stop)(void);
	void (*reconsider)(void);
	void (*replan)(void);
};

extern struct mutex nvli_lock;

void nvli_parameters_act(const struct nvli_actions *actions);

#endif
