/* SPDX-License-Identifier: GPL-2.0-only */
/* The current owner of a GPU: a guest, the host, or none. The rule is in src/core/owners.c. */
#ifndef NVLI_OWNER_H
#define NVLI_OWNER_H

#include "gpu.h"

void nvli_owner_bound(struct nvli_gpu *gpu);
void nvli_owner_record(struct nvli_gpu *gpu);
void nvli_owner_unbinds(struct nvli_gpu *gpu);
void nvli_owner_starts(struct nvli_gpu *gpu);
void nvli_owner_enables(struct nvli_gpu *gpu);
void nvli_owners_update(void);
void nvli_owner_verifies(struct nvli_gpu *gpu, unsigned int resets);
bool nvli_owner_keeps(const struct nvli_gpu *gpu, const struct nvli_gpu *peer);
struct nvli_owner nvli_owner_of(const struct nvli_gpu *gpu);

#endif
