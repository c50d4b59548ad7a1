/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a device may be enabled. For the platforms' enable hooks. */
#ifndef NVLI_ENABLE_H
#define NVLI_ENABLE_H

#include "gpu.h"

void nvli_enable_begin(void);
void nvli_enable_end(void);
void nvli_enable_wait(void);
bool nvli_may_enable(struct pci_dev *pdev);

#endif
