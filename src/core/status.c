// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be claimed about a GPU. There is one way into NVLI_ISOLATED: a read-back that was begun
 * after the last reset event and shows every required bit.
 */

#include <nvlink_isolation/core.h>

/* Forget what was read: it is not proof any more. */
static void set_pending(struct nvli_status *status)
{
	status->state = NVLI_PENDING;
	status->disabled_known = false;
}

/**
 * nvli_status_enforce() - enforcement begins, or goes on
 * @status: the GPU
 * @watched: resets of the GPU are seen from now on. Without that it is never isolated.
 */
void nvli_status_enforce(struct nvli_status *status, bool watched)
{
	status->unwatched = !watched;
	if (status->state == NVLI_OFF || !watched)
		set_pending(status);
	if (!watched)
		status->state = NVLI_FAILED;
}

/* Enforcement ends: from now on resets go unseen, so nothing is known. */
void nvli_status_release(struct nvli_status *status)
{
	status->generation++;
	set_pending(status);
	status->state = NVLI_OFF;
	status->reset_pending = false;
}

/**
 * nvli_status_require() - say which links have to be cut
 * @status: the GPU
 * @required: bits of GV100_LINK_DISABLE
 *
 * A mask that grew beyond what was read back is proven no more; one that shrank still is.
 */
void nvli_status_require(struct nvli_status *status, u32 required)
{
	status->required = required;
	if (status->state == NVLI_ISOLATED &&
	    !(status->disabled_known && !(required & ~status->disabled)))
		set_pending(status);
}

/* What was read before proves nothing, not even which chip it is. */
static void forget(struct nvli_status *status)
{
	status->generation++;
	status->disabled_known = false;
	status->reset_pending = true;
	if (status->state != NVLI_OFF && !status->unwatched)
		status->state = NVLI_PENDING;
}

/* A reset begins. Until it is over a read may still see the old mask. */
void nvli_status_reset(struct nvli_status *status)
{
	forget(status);
	status->resetting++;
}

/* The reset is over. A GPU that was added meanwhile did not see it begin. */
void nvli_status_reset_done(struct nvli_status *status)
{
	forget(status);
	status->resets++;
	if (status->resetting)
		status->resetting--;
}

/* Is there something to apply or to verify? */
bool nvli_status_wants_work(const struct nvli_status *status)
{
	return status->state == NVLI_PENDING || status->state == NVLI_FAILED;
}

/* May a result of this generation be taken? */
static bool is_current(const struct nvli_status *status, u32 generation)
{
	return nvli_status_wants_work(status) && status->generation == generation &&
	       !status->resetting && !status->unwatched;
}

/* It answered, and wrong, or it did not answer in time. */
void nvli_status_fault(struct nvli_status *status, u32 generation)
{
	if (is_current(status, generation))
		status->state = NVLI_FAILED;
}

/**
 * nvli_status_chip() - judge PMC_BOOT_0
 * @status: the GPU
 * @generation: the generation in which the read was begun
 * @boot_0: what was read
 *
 * Return: true if this is a GV100, whose other registers may be touched.
 */
bool nvli_status_chip(struct nvli_status *status, u32 generation, u32 boot_0)
{
	if (nvli_chip_is_gv100(boot_0)) {
		status->was_gv100 = true;
		return true;
	}

	if (status->was_gv100 || !nvli_is_answer(boot_0))
		nvli_status_fault(status, generation);
	else if (is_current(status, generation))
		status->state = NVLI_UNSUPPORTED;

	return false;
}

/**
 * nvli_status_read_back() - judge a read of GV100_LINK_DISABLE
 * @status: the GPU
 * @generation: the generation in which the read was begun
 * @value: what was read; ignored where no link has to be cut, which needs no proof
 *
 * Return: true if the GPU is isolated now. A result of an older generation changes nothing.
 */
bool nvli_status_read_back(struct nvli_status *status, u32 generation, u32 value)
{
	if (!is_current(status, generation))
		return false;

	if (status->required) {
		status->disabled_known = nvli_is_answer(value);
		status->disabled = value & GV100_LINK_DISABLE_ALL;
		if (!status->disabled_known || status->required & ~status->disabled) {
			status->state = NVLI_FAILED;
			return false;
		}
	}

	status->state = NVLI_ISOLATED;
	if (status->reset_pending)
		status->reapplied++;
	status->reset_pending = false;

	return true;
}

/* The state's name, as sysfs shows it. */
const char *nvli_state_text(enum nvli_state state)
{
	switch (state) {
	case NVLI_OFF:
		return "off";
	case NVLI_PENDING:
		return "pending";
	case NVLI_ISOLATED:
		return "isolated";
	case NVLI_FAILED:
		return "failed";
	case NVLI_UNSUPPORTED:
		return "unsupported";
	}

	return "unknown";
}
