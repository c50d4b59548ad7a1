/* SPDX-License-Identifier: GPL-2.0-only */
/* The bridges between a GPU and its host bridge. */
#ifndef NVLI_PATH_H
#define NVLI_PATH_H

#include "gpu.h"

void nvli_path_read(struct nvli_gpu *gpu);
const char *nvli_path_obstacle(struct nvli_gpu *gpu);

#endif
