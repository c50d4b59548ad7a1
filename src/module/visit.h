/* SPDX-License-Identifier: GPL-2.0-only */
/* A visit of the gate: finds, changes and restores config space. For gate.c and verify.c. */
#ifndef NVLI_VISIT_H
#define NVLI_VISIT_H

#include "gpu.h"

/* The expansion ROM is one of them, as PCI_ROM_RESOURCE. */
#define NVLI_BARS	(PCI_ROM_RESOURCE + 1)

/**
 * struct nvli_visit - a config write that may switch a GPU on, and how the gate handles it
 * @bus: the GPU's bus
 * @devfn: its place there
 * @ops: the bus's own operations, below the gate
 * @gpu: its object, NULL if there is none
 * @generation: the generation in which the visit began
 * @command: PCI_COMMAND as found
 * @base: BAR0 as mapped for the gate, NULL if it is not
 * @in_use: a driver or a guest has enabled the GPU
 * @programmed: the BARs were found elsewhere and have been programmed
 * @is_on: decoding was switched on by this visit
 * @accesses: how often config space was accessed, for tracing
 * @result: the result of the sequence, if it ran
 * @bar: the BARs as found, if @programmed
 */
struct nvli_visit {
	struct pci_bus *bus;
	unsigned int devfn;
	struct pci_ops *ops;
	struct nvli_gpu *gpu;
	u32 generation;
	u16 command;
	void __iomem *base;
	bool in_use;
	bool programmed;
	bool is_on;
	unsigned int accesses;
	struct nvli_result result;
	u32 bar[NVLI_BARS];
};

/* Did a reset of the GPU begin during the visit? */
static inline bool nvli_visit_was_reset(const struct nvli_visit *visit)
{
	return READ_ONCE(visit->gpu->status.generation) != visit->generation;
}

/* Did BAR0 hold nothing, as after a reset? */
static inline bool nvli_visit_was_cleared(const struct nvli_visit *visit)
{
	return visit->programmed && !visit->bar[0];
}

bool nvli_visit_read(struct nvli_visit *visit, int where, int size, u32 *value);
bool nvli_visit_write_command(struct nvli_visit *visit, u16 command);
void __iomem *nvli_visit_base(const struct nvli_gpu *gpu);
const char *nvli_visit_open(struct nvli_visit *visit, bool leave_bars);
bool nvli_visit_is_uncovered(struct nvli_visit *visit);
bool nvli_visit_uncover(struct nvli_visit *visit);
void nvli_visit_close(struct nvli_visit *visit);
void nvli_visit_end(struct nvli_visit *visit, bool stay_on);

/* verify.c */
enum nvli_answer nvli_visit_verify(struct nvli_visit *visit, enum nvli_how how);
bool nvli_visit_is_past(struct nvli_gpu *gpu);
void nvli_visit_undo(struct nvli_gpu *gpu);

#endif
