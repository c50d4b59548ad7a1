/* SPDX-License-Identifier: GPL-2.0-only */
/* Resets begin and are over. Called in any context. */
#ifndef NVLI_EVENTS_H
#define NVLI_EVENTS_H

#include "gpu.h"

void nvli_event_reset(struct nvli_gpu *gpu, bool counted);
void nvli_event_release(struct nvli_gpu *gpu);
void nvli_event_thaw(struct nvli_gpu *gpu);
unsigned int nvli_settles_in(struct nvli_gpu *gpu);

#endif
