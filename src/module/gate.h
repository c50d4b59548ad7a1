/* SPDX-License-Identifier: GPL-2.0-only */
/* The gate: nobody switches a GPU's memory decoding on before its links were verified. */
#ifndef NVLI_GATE_H
#define NVLI_GATE_H

#include "gpu.h"

bool nvli_gate_attach(struct pci_bus *bus);
bool nvli_gate_is_attached(const struct pci_bus *bus);
bool nvli_gate_can_detach(void);
int nvli_gate_detach_all(void);
void nvli_gate_forget_port(const struct pci_dev *port);
void nvli_gate_forget_bus(const struct pci_bus *bus);

enum nvli_answer nvli_gate_ring(struct nvli_gpu *gpu, enum nvli_how how);
void nvli_gate_unmap(struct nvli_gpu *gpu);

#endif
