/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said of a GPU in the log and by uevent. */
#ifndef NVLI_TELL_H
#define NVLI_TELL_H

#include "gpu.h"

void nvli_tell_links(struct nvli_gpu *gpu);
void nvli_tell_absent(void);
bool nvli_tell(struct nvli_gpu *gpu);

#endif
