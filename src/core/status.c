// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be claimed about a GPU. Only facts are kept here; the state follows from them. A GPU
 * becomes NVLI_ISOLATED in one way: a read-back that began after the last reset shows every
 * required bit.
 */

#include <nvlink_isolation/core.h>

/* Attempts in a row that have to name another chip before a GPU is left alone */
#define OTHER_CHIP_ATTEMPTS	2

/* Enforcement begins or ends. Either way, earlier read-backs prove nothing afterwards. */
void nvli_status_enforce(struct nvli_status *status, bool enforced)
{
	if (status->enforced == enforced)
		return;

	status->enforced = enforced;
	status->generation++;
	status->other_chip = 0;
	status->verified_resets = status->resets;
	/* A user may have switched memory decoding on before enforcement began. */
	nvli_status_use(status);
}

/*
 * Note whether the hooks see resets from now on. A read-back from before the hooks returned proves
 * nothing: an unseen reset may have followed it.
 */
void nvli_status_watch(struct nvli_status *status, bool watched)
{
	if (status->watched == watched)
		return;

	status->watched = watched;
	status->generation++;
}

/*
 * Say which links have to be disabled: bits of GV100_LINK_DISABLE. A read-back still proves what it
 * shows, unless nothing was required before: then the worker has not audited the GPU. A failed
 * attempt was for other links, so the next attempt is allowed.
 */
void nvli_status_require(struct nvli_status *status, u32 required)
{
	if (status->required == required)
		return;

	if (!status->required)
		status->read_in = 0;
	status->required = required;
	status->failed_in = 0;
}

/* Memory decoding is on. */
void nvli_status_use(struct nvli_status *status)
{
	status->used = true;
}

/* A reset stops all work on the GPU. */
void nvli_status_stop(struct nvli_status *status)
{
	status->used = false;
}

/* A reset begins, or what may be one; @counted if it is one, and not a further step of one. */
void nvli_status_reset(struct nvli_status *status, bool counted)
{
	status->generation++;
	if (counted)
		nvli_status_stop(status);
	status->resets += counted && status->enforced;
	/* Read the chip's id again: wrong answers must not exempt a GPU forever. */
	if (status->other_chip == OTHER_CHIP_ATTEMPTS)
		status->other_chip--;
}

/*
 * The GPU responds to accesses again. Allow one more attempt after an unanswered one, but only
 * once in each generation: a user can freeze and thaw its GPU at will.
 */
void nvli_status_thaw(struct nvli_status *status)
{
	if (status->failed_in != status->generation || !status->unanswered ||
	    status->thawed_in == status->generation)
		return;

	status->failed_in = 0;
	status->thawed_in = status->generation;
}

/* The last read-back is too old to prove anything. */
void nvli_status_expire(struct nvli_status *status)
{
	status->stale = true;
}

/* Believe only a known other chip, named in attempts in a row. Garbage is a fault. */
static void judge_chip(struct nvli_status *status, const struct nvli_result *result)
{
	if (result->outcome != NVLI_NOT_GV100 || status->was_gv100 ||
	    !nvli_chip_is_other(result->value))
		status->other_chip = 0;
	else if (status->other_chip < OTHER_CHIP_ATTEMPTS)
		status->other_chip++;
}

/**
 * nvli_status_judge() - evaluate the result of an attempt
 * @status: the GPU
 * @generation: the generation in which the attempt was begun
 * @result: what it found
 *
 * A result of an older generation proves nothing about this one, so it changes nothing.
 *
 * Return: true if the result shows that every required link is disabled now.
 */
bool nvli_status_judge(struct nvli_status *status, u32 generation,
		       const struct nvli_result *result)
{
	if (!status->enforced || status->generation != generation ||
	    result->outcome == NVLI_NOT_TRIED || result->outcome == NVLI_STOPPED)
		return false;

	judge_chip(status, result);
	/* No other register is accessed before PMC_BOOT_0 has named a GV100. */
	if (result->offset != GV100_PMC_BOOT_0)
		status->was_gv100 = true;
	if (result->outcome == NVLI_READ) {
		status->disabled = result->value & GV100_LINK_DISABLE_ALL;
		status->read_in = generation;
		status->stale = false;
	} else {
		status->read_in = 0;
	}

	if (!nvli_status_is_cut(status)) {
		status->failed_in = generation;
		status->unanswered = result->outcome == NVLI_NO_ANSWER;
		return false;
	}

	status->failed_in = 0;
	status->unanswered = false;
	if (status->watched && status->verified_resets != status->resets) {
		status->verified_resets = status->resets;
		status->reapplied++;
	}

	return true;
}

/* Was the mask read back since the last reset, however long ago? */
bool nvli_status_was_read(const struct nvli_status *status)
{
	return status->read_in == status->generation;
}

/* Was the mask read back since the last reset, and recently enough to be proof? */
bool nvli_status_is_fresh(const struct nvli_status *status)
{
	return nvli_status_was_read(status) && !status->stale;
}

/* May the links that were read back as disabled be shown? */
bool nvli_status_is_known(const struct nvli_status *status)
{
	return status->enforced && status->watched && nvli_status_is_fresh(status);
}

/* Was every required link read back as disabled since the last reset, however long ago? */
bool nvli_status_was_cut(const struct nvli_status *status)
{
	return !status->required || (nvli_status_was_read(status) &&
				     !(status->required & ~status->disabled));
}

/* The same, recently enough to be proof. True if none is required. */
bool nvli_status_is_cut(const struct nvli_status *status)
{
	return !status->required || (!status->stale && nvli_status_was_cut(status));
}

/* Has an attempt failed since the last reset, and none succeeded? Then users cause no more. */
bool nvli_status_has_failed(const struct nvli_status *status)
{
	return status->failed_in == status->generation && !nvli_status_is_cut(status);
}

/* What may be claimed, from all that is known. */
enum nvli_state nvli_state(const struct nvli_status *status)
{
	if (!status->enforced)
		return NVLI_OFF;
	if (status->other_chip >= OTHER_CHIP_ATTEMPTS)
		return NVLI_UNSUPPORTED;
	if (!status->watched)
		return NVLI_FAILED;
	if (nvli_status_is_cut(status))
		return NVLI_ISOLATED;

	return nvli_status_has_failed(status) ? NVLI_FAILED : NVLI_PENDING;
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
