/* SPDX-License-Identifier: GPL-2.0-only */
/* The attributes of a GPU. */
#ifndef NVLI_SYSFS_H
#define NVLI_SYSFS_H

#include "gpu.h"

int nvli_sysfs_add(struct nvli_gpu *gpu);
void nvli_sysfs_remove(struct nvli_gpu *gpu);

#endif
