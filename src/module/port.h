/* SPDX-License-Identifier: GPL-2.0-only */
/* The port above a GPU. */
#ifndef NVLI_PORT_H
#define NVLI_PORT_H

#include "gpu.h"

bool nvli_link_may_be_down(struct nvli_gpu *gpu);
bool nvli_link_went_down(struct nvli_gpu *gpu);
bool nvli_stop_user(struct nvli_gpu *gpu);

#endif
