/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's parameters, and the lock under which they act. */
#ifndef NVLI_PARAMETERS_H
#define NVLI_PARAMETERS_H

#include <linux/mutex.h>

extern struct mutex nvli_lock;

void nvli_parameters_act(bool act);

#endif
