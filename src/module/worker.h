/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker: one delayed work for each GPU. */
#ifndef NVLI_WORKER_H
#define NVLI_WORKER_H

#include "gpu.h"

void nvli_work(struct work_struct *work);

#endif
