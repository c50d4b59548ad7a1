/* SPDX-License-Identifier: GPL-2.0-only */
/* Enforcement: from isolate=1 to isolate=0. For main.c. */
#ifndef NVLI_ENFORCE_H
#define NVLI_ENFORCE_H

#include "gpu.h"
#include "parameters.h"

/* What the parameters cause. Under nvli_lock. */
extern const struct nvli_actions nvli_enforcement;

void nvli_enforce(struct nvli_gpu *gpu);

#endif
