/* SPDX-License-Identifier: GPL-2.0-only */
/* Enforcement: from isolate=1 to isolate=0. Called under nvli_lock. */
#ifndef NVLI_ENFORCE_H
#define NVLI_ENFORCE_H

#include "gpu.h"

void nvli_enforce(struct nvli_gpu *gpu);
int nvli_start(void);
int nvli_stop(void);
void nvli_reconsider(void);
void nvli_replan(void);

#endif
