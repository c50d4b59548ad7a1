/* SPDX-License-Identifier: GPL-2.0-only */
/* The other end of each link, and the links that each GPU has to disable. */
#ifndef NVLI_PLAN_H
#define NVLI_PLAN_H

#include "gpu.h"

#define NVLI_PEER_NAME	16	/* "0004:05:00.0", "unknown" */

bool nvli_plan_is_ready(const struct nvli_gpu *gpu);
void nvli_plan_new(struct nvli_gpu *gpu);
void nvli_plan_all(bool kick);
void nvli_plan_by_owner(struct nvli_gpu *gpu);
int nvli_plan_domain(const struct nvli_gpu *gpu);
struct nvli_owner nvli_plan_owner(const struct nvli_gpu *gpu);
void nvli_plan_peer_name(const struct nvli_gpu *gpu, int link, char name[NVLI_PEER_NAME]);
bool nvli_plan_peer_agrees(const struct nvli_gpu *gpu, int link);
bool nvli_plan_is_linked(const struct nvli_gpu *gpu, const struct nvli_gpu *peer);
bool nvli_plan_is_joined(struct nvli_gpu *gpu, int link);
bool nvli_plan_is_exposed(struct nvli_gpu *gpu, int link);
bool nvli_plan_is_any_exposed(struct nvli_gpu *gpu);

#endif
