/* SPDX-License-Identifier: GPL-2.0-only */
/* A look at a GPU by a caller that may sleep. */
#ifndef NVLI_LOOK_H
#define NVLI_LOOK_H

#include "gpu.h"

enum nvli_answer nvli_look(struct nvli_gpu *gpu, enum nvli_how how);
enum nvli_answer nvli_look_at_enable(struct nvli_gpu *gpu);
bool nvli_is_decoding(struct nvli_gpu *gpu);
bool nvli_may_use_links(struct nvli_gpu *gpu);
void nvli_look_again(struct nvli_gpu *gpu);
bool nvli_is_being_stopped(struct nvli_gpu *gpu);

#endif
