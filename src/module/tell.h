/* SPDX-License-Identifier: GPL-2.0-only */
/* Log lines and uevents of a GPU. */
#ifndef NVLI_TELL_H
#define NVLI_TELL_H

#include "gpu.h"

void nvli_tell_links(struct nvli_gpu *gpu);
void nvli_tell_absent(void);
bool nvli_tell(struct nvli_gpu *gpu);

#endif
