/* SPDX-License-Identifier: GPL-2.0-only */
/* Begin and end of resets. Called in any context. */
#ifndef NVLI_EVENTS_H
#define NVLI_EVENTS_H

#include "gpu.h"

/**
 * enum nvli_control - the controls by which a bridge holds the devices below it in reset
 * @NVLI_BUS_RESET: the secondary bus reset of bridge control
 * @NVLI_POWER_OFF: the power control of a hot-plug slot
 * @NVLI_LINK_OFF: the link disable of a PCIe port
 */
enum nvli_control {
	NVLI_BUS_RESET,
	NVLI_POWER_OFF,
	NVLI_LINK_OFF,
};

/* Times a set of bridges: these bridges in each control's part of struct nvli_reset.asserted */
#define NVLI_EACH_CONTROL	(1 | BIT(NVLI_BRIDGES) | BIT(2 * NVLI_BRIDGES))

void nvli_event_reset(struct nvli_gpu *gpu, bool counted);
void nvli_event_release(struct nvli_gpu *gpu);
void nvli_event_end(struct nvli_gpu *gpu);
void nvli_event_unseen(struct nvli_gpu *gpu, bool counted);
void nvli_event_happened(struct nvli_gpu *gpu);
void nvli_event_control(struct nvli_gpu *gpu, int i, enum nvli_control control, bool set);
void nvli_event_use(struct nvli_gpu *gpu);
void nvli_event_dropped(struct nvli_gpu *gpu);
bool nvli_event_is_asserted(const struct nvli_gpu *gpu, int i, enum nvli_control control);
void nvli_event_thaw(struct nvli_gpu *gpu);
unsigned int nvli_settles_in(struct nvli_gpu *gpu);

#endif
