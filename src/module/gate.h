/* SPDX-License-Identifier: GPL-2.0-only */
/* The gate: a GPU's memory decoding stays off until its links are verified. */
#ifndef NVLI_GATE_H
#define NVLI_GATE_H

#include "gpu.h"

int nvli_gate_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value);
enum nvli_answer nvli_gate_ring(struct nvli_gpu *gpu, enum nvli_how how);
void nvli_gate_map(struct nvli_gpu *gpu);
void nvli_gate_unmap(struct nvli_gpu *gpu);

#endif
