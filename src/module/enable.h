/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a device may be enabled. For the platforms' enable hooks. */
#ifndef NVLI_ENABLE_H
#define NVLI_ENABLE_H

#include "gpu.h"

#include <linux/atomic.h>

/* Callers inside a hook, for any device of the machine. Unloading has to wait for them. */
extern atomic_t nvli_enabling;

void nvli_enable_wait(void);

/* Called first and last in a hook, since a hook may sleep. */
static inline void nvli_enable_begin(void)
{
	atomic_inc(&nvli_enabling);
}

static inline void nvli_enable_end(void)
{
	atomic_dec(&nvli_enabling);
}

bool nvli_may_enable(struct pci_dev *pdev);

#endif
