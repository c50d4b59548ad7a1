// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be claimed about a GPU. There is one way into NVLI_ISOLATED: a read-back that was begun
 * after the last reset event and shows every required bit.
 */

#include <nvlink_isolation/core.h>

/* How often in a row an audit has to read something else before it is believed */
#define MISMATCHES	3

/* What was read before is not proof any more. */
static void forget(struct nvli_status *status)
{
	status->generation++;
	status->disabled_known = false;
}

/**
 * nvli_status_enforce() - enforcement begins, or goes on
 * @status: the GPU
 * @watched: resets of the GPU are seen from now on. Without that it is never isolated.
 */
void nvli_status_enforce(struct nvli_status *status, bool watched)
{
	if (status->state != NVLI_OFF && status->unwatched == !watched)
		return;

	/* What was read while nobody watched is not taken, nor what is being read now. */
	if (status->state == NVLI_OFF)
		status->reset_pending = false;
	else
		forget(status);
	status->unwatched = !watched;
	status->state = watched ? NVLI_PENDING : NVLI_FAILED;
}

/* Enforcement ends: from now on resets go unseen, so nothing is known. */
void nvli_status_release(struct nvli_status *status)
{
	forget(status);
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
	if (status->state == NVLI_ISOLATED && !nvli_status_is_cut(status)) {
		status->state = NVLI_PENDING;
		status->disabled_known = false;
	}
}

/* What was read before the reset proves nothing, not even which chip it is. */
static void make_pending(struct nvli_status *status)
{
	forget(status);
	status->reset_pending = true;
	if (status->state != NVLI_OFF)
		status->state = status->unwatched ? NVLI_FAILED : NVLI_PENDING;
}

/* Something happens that resets the GPU, or may: what was read before is proof no more. */
void nvli_status_event(struct nvli_status *status, enum nvli_event event)
{
	make_pending(status);
	switch (event) {
	case NVLI_RESET_BEGINS:
		status->resetting++;
		break;
	case NVLI_RESET_OVER:
		status->resets++;
		/* A GPU that was added meanwhile did not see it begin. */
		if (status->resetting)
			status->resetting--;
		break;
	case NVLI_FIRST_STEP:
		if (!status->resetting)
			status->resets++;
		break;
	case NVLI_STEP:
		break;
	}
}

/* We keep the GPU in reset from now on. That it does not answer then says nothing about it. */
void nvli_status_hold(struct nvli_status *status)
{
	forget(status);
	status->reset_pending = true;
	status->held = true;
	if (status->state == NVLI_ISOLATED)
		status->state = NVLI_PENDING;
}

/* It is out of reset again. */
void nvli_status_let_go(struct nvli_status *status)
{
	forget(status);
	status->held = false;
}

/* Is there something to apply or to verify? */
bool nvli_status_wants_work(const struct nvli_status *status)
{
	return status->state == NVLI_PENDING || status->state == NVLI_FAILED;
}

/* Was every link that has to be disabled read back as disabled? Needs no read if there is none. */
bool nvli_status_is_cut(const struct nvli_status *status)
{
	return !status->required ||
	       (status->disabled_known && !(status->required & ~status->disabled));
}

/* May a result of this generation be taken? */
static bool is_current(const struct nvli_status *status, u32 generation)
{
	return nvli_status_wants_work(status) && status->generation == generation &&
	       !status->resetting && !status->held;
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
	}
	if (!nvli_status_is_cut(status) || status->unwatched) {
		status->state = NVLI_FAILED;
		return false;
	}

	status->state = NVLI_ISOLATED;
	status->mismatches = 0;
	if (status->reset_pending)
		status->reapplied++;
	status->reset_pending = false;

	return true;
}

/**
 * nvli_status_audit() - judge a read of GV100_LINK_DISABLE of a GPU that is called isolated
 * @status: the GPU
 * @generation: the generation in which the read was begun
 * @value: what was read, or GV100_NO_ANSWER if nothing could be
 * @in_use: somebody works with the GPU, and may have stopped what leads to the register
 *
 * One odd answer is nobody's word; several in a row are. What is not an answer is odd only on an
 * idle GPU.
 *
 * Return: true if the next audit should be soon, because this one was odd.
 */
bool nvli_status_audit(struct nvli_status *status, u32 generation, u32 value, bool in_use)
{
	bool answer = nvli_is_answer(value);

	if (status->state != NVLI_ISOLATED || status->generation != generation ||
	    !status->required || (in_use && !answer))
		return false;

	if (answer && !(status->required & ~value)) {
		status->mismatches = 0;
		return false;
	}
	if (++status->mismatches < MISMATCHES)
		return true;

	forget(status);
	status->state = NVLI_FAILED;

	return false;
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
