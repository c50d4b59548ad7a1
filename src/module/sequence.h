/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers of a GV100, in the order in which they disable its NVLinks. */
#ifndef NVLI_SEQUENCE_H
#define NVLI_SEQUENCE_H

#include <nvlink_isolation/core.h>

/**
 * struct nvli_accessors - how a sequence reaches the registers
 * @read: read the register at this offset of BAR0; false if it must not be accessed any more
 * @write: write it; false likewise
 * @pause: wait for about a microsecond
 */
struct nvli_accessors {
	bool (*read)(void *context, u32 offset, u32 *value);
	bool (*write)(void *context, u32 offset, u32 value);
	void (*pause)(void *context);
};

/**
 * enum nvli_ring_use - may the PRI ring be started? That disturbs a GPU at work.
 * @NVLI_RING_NEVER: a user works with the GPU
 * @NVLI_RING_IF_STOPPED: only if the mask reads as a PRI error, also with the NVLink unit on: then
 *			  no user can be at work
 * @NVLI_RING_FREELY: the GPU is idle or was reset
 */
enum nvli_ring_use {
	NVLI_RING_NEVER,
	NVLI_RING_IF_STOPPED,
	NVLI_RING_FREELY,
};

/**
 * struct nvli_request - what a sequence is to do
 * @required: bits of GV100_LINK_DISABLE that have to be set afterwards
 * @mask_first: the PRI ring may be running: try the mask before the ring is started
 * @ring: see above; anything but NVLI_RING_FREELY implies @mask_first
 */
struct nvli_request {
	u32 required;
	bool mask_first;
	enum nvli_ring_use ring;
};

struct nvli_result nvli_sequence_run(const struct nvli_request *request,
				     const struct nvli_accessors *accessors, void *context);

#endif
