/* SPDX-License-Identifier: GPL-2.0-only */
/* Log lines and uevents of a GPU. */
#ifndef NVLI_REPORT_H
#define NVLI_REPORT_H

#include "gpu.h"

void nvli_report_links(struct nvli_gpu *gpu);
void nvli_report_absent(void);
bool nvli_report(struct nvli_gpu *gpu);

#endif
