// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets as the module sees them. The module does not verify a GPU from the begin of a reset until
 * it has settled. So it never takes a read-back from before or during a reset for one after it.
 */

#include "log.h"
#include "events.h"
#include "trace.h"

#include <linux/ktime.h>

/* How long NVIDIA's tools leave a V100 alone after its reset is released (hardware.md). */
#define SETTLE_MS	300

/* The caller holds gpu->lock. */
static void begin(struct nvli_gpu *gpu, bool counted)
{
	/* After a real reset no work runs on the GPU until memory decoding is on again. */
	gpu->reset.happened &= !gpu->status.used;
	nvli_status_reset(&gpu->status, counted);
	gpu->reset.settled_ns = NVLI_IN_RESET;
	/* The reset takes the GPU from the driver that had it when enforcement began. */
	gpu->left_to_driver = false;
	if (gpu->status.enforced)
		strscpy(gpu->error, "reset, and not verified since", sizeof(gpu->error));
	trace_nvli_event(gpu, "reset");
}

/* The reset is released now. The caller holds gpu->lock, and wakes the worker afterwards. */
void nvli_event_release(struct nvli_gpu *gpu)
{
	gpu->reset.settled_ns = ktime_get_ns() + SETTLE_MS * NSEC_PER_MSEC;
	trace_nvli_event(gpu, "release");
}

/*
 * A possible reset is over. If a control or firmware keeps the GPU in reset, that decides when the
 * settle time begins, and the worker watches for it. The caller holds gpu->lock.
 */
static void end(struct nvli_gpu *gpu)
{
	if (!gpu->reset.asserted && !gpu->reset.in_steps)
		nvli_event_release(gpu);
}

/*
 * A reset or a possible reset of the GPU begins. @counted if it is a reset, and not a further step
 * of one. nvli_event_release() has to follow.
 */
void nvli_event_reset(struct nvli_gpu *gpu, bool counted)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	begin(gpu, counted);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/* A possible reset is over: see end(). */
void nvli_event_end(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	end(gpu);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	nvli_gpu_kick(gpu);
}

/*
 * The module did not see a reset or a possible reset, and takes it for over. In one go: otherwise
 * another reset could begin in between, and its end would be taken for this one's.
 */
void nvli_event_unseen(struct nvli_gpu *gpu, bool counted)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	begin(gpu, counted);
	end(gpu);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	nvli_gpu_kick(gpu);
}

/* The reset has really happened, so all work on the GPU has stopped. The caller holds gpu->lock. */
void nvli_event_happened(struct nvli_gpu *gpu)
{
	gpu->reset.happened = true;
	nvli_status_stop(&gpu->status);
	gpu->lost_ns = 0;
	gpu->stuck_on = false;
}

/* Memory decoding is on, or may be: from now on work may run on the GPU. Any context. */
void nvli_event_use(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_use(&gpu->status);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

static u32 control_bit(int i, enum nvli_control control)
{
	return BIT(control * NVLI_BRIDGES + i);
}

/* Does bridge @i keep the GPU in reset by this control, as far as was recorded? */
bool nvli_event_is_asserted(const struct nvli_gpu *gpu, int i, enum nvli_control control)
{
	return READ_ONCE(gpu->reset.asserted) & control_bit(i, control);
}

/*
 * Bridge @i of the GPU's path asserts a reset by this control, or deasserts it if not @set. The
 * caller has called nvli_event_reset() before. A bridge loses its controls when a bridge above it
 * is reset. A restore of config space clears controls that are clear: that releases nothing.
 */
void nvli_event_control(struct nvli_gpu *gpu, int i, enum nvli_control control, bool set)
{
	u32 bit = control_bit(i, control);
	u32 above = (BIT(i + 1) - 1) * NVLI_EACH_CONTROL;
	unsigned long flags;
	bool released;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	released = gpu->reset.asserted;
	if (set) {
		gpu->reset.asserted = (gpu->reset.asserted & above) | bit;
		gpu->reset.settled_ns = NVLI_IN_RESET;
	} else {
		gpu->reset.asserted &= ~bit;
	}
	released &= !gpu->reset.asserted;
	if (released) {
		nvli_event_happened(gpu);
		nvli_event_release(gpu);
	}
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	if (released)
		nvli_gpu_kick(gpu);
}

/*
 * The GPU's port did not set its bus reset bit, or the module could not read it back. So the GPU
 * may not have been reset. A firmware reset in progress is not affected.
 */
void nvli_event_dropped(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (gpu->path.depth > 0)
		gpu->reset.asserted &= ~control_bit(gpu->path.depth - 1, NVLI_BUS_RESET);
	nvli_status_use(&gpu->status);
	end(gpu);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	nvli_gpu_kick(gpu);
}

/*
 * The GPU responds to accesses again. An earlier attempt may have met a frozen PE: on powernv EEH
 * enables a device before it thaws the PE. Such an attempt proves nothing about the GPU, so the
 * gate may repeat it.
 */
void nvli_event_thaw(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_thaw(&gpu->status);
	trace_nvli_event(gpu, "thaw");
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	nvli_gpu_kick(gpu);
}

/* Milliseconds until the GPU may be accessed; UINT_MAX while it is in reset. */
unsigned int nvli_settles_in(struct nvli_gpu *gpu)
{
	u64 settled = READ_ONCE(gpu->reset.settled_ns);
	u64 now = ktime_get_ns();

	if (settled == NVLI_IN_RESET)
		return UINT_MAX;

	return settled > now ? div_u64(settled - now, NSEC_PER_MSEC) + 1 : 0;
}
