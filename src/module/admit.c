// SPDX-License-Identifier: GPL-2.0-only
/* Who comes to a GPU: to enable it, to drive it, to leave it, to have its links cut now. */

#include "nvli.h"

#include <linux/delay.h>

/* A driver or a guest waits for a second, and not for the end of somebody's reset. */
#define ADMIT_TRIES	100

static bool is_admitted(struct nvli_gpu *gpu)
{
	unsigned int tries = ADMIT_TRIES;
	struct nvli_status status;
	bool ok;

	for (;;) {
		status = nvli_gpu_status(gpu);
		if (!nvli_status_wants_work(&status) && !READ_ONCE(gpu->hold.lost))
			return true;
		/*
		 * Who holds this lock is about to reset the GPU or to restore it: then what is
		 * read may be gone in a moment, and what is put back would undo the restore. The
		 * device lock is not needed: our caller may have it.
		 */
		if (pci_cfg_access_trylock(gpu->pdev))
			break;
		if (!tries--)
			return !nvli_status_wants_work(&status);
		msleep(NVLI_LOCK_WAIT_MS);
	}

	ok = nvli_enforce_apply(gpu, NVLI_BEFORE_ENABLE);
	if (ok && READ_ONCE(gpu->hold.lost)) {
		mutex_lock(&gpu->apply_lock);
		if (!READ_ONCE(gpu->dead))
			nvli_config_repair(gpu, false);
		mutex_unlock(&gpu->apply_lock);
	}
	pci_cfg_access_unlock(gpu->pdev);

	return ok;
}

/**
 * nvli_admit_enable() - may this GPU be enabled?
 * @gpu: the GPU
 *
 * Called before a driver or a guest gets at the GPU. One that is not verified gets its links cut
 * now or is not admitted and held in reset, unless the administrator chose gate=0.
 *
 * Return: false to deny.
 */
bool nvli_admit_enable(struct nvli_gpu *gpu)
{
	unsigned long flags;
	bool ok;

	ok = is_admitted(gpu) || !nvli_gate();
	if (!ok) {
		raw_spin_lock_irqsave(&gpu->lock, flags);
		gpu->denials++;
		raw_spin_unlock_irqrestore(&gpu->lock, flags);
	}
	nvli_worker_kick(gpu);

	return ok;
}

/* The same for a guest that has the GPU, and is about to get at it without being asked. */
void nvli_admit_guest(struct nvli_gpu *gpu)
{
	is_admitted(gpu);
	nvli_worker_kick(gpu);
}

/* A driver is about to be bound, by a caller who has the device lock. It may not ask to enable. */
void nvli_admit_bind(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);

	if (!nvli_status_wants_work(&status) || !pci_cfg_access_trylock(gpu->pdev))
		return;

	nvli_enforce_apply(gpu, NVLI_LATER);
	pci_cfg_access_unlock(gpu->pdev);
	nvli_worker_kick(gpu);
}

/* The driver that had it has left it. */
void nvli_admit_unbound(struct nvli_gpu *gpu)
{
	if (nvli_gpu_status(gpu).state == NVLI_OFF)
		return;

	WRITE_ONCE(gpu->spared, false);
	nvli_worker_kick(gpu);
}

/**
 * nvli_admit_force() - root wants the links cut now, whoever uses the GPU
 * @gpu: the GPU
 *
 * Return: 0 if the GPU is isolated; -EBUSY if somebody is resetting or binding it; -EOPNOTSUPP if
 * it does not have to be, or cannot; -EIO if it did not work, last_error says why.
 */
int nvli_admit_force(struct nvli_gpu *gpu)
{
	struct nvli_status status;

	if (!nvli_enforce_lock(gpu->pdev, 1))
		return -EBUSY;
	nvli_enforce_apply(gpu, NVLI_FORCED);
	nvli_enforce_unlock(gpu->pdev);

	/* If it could only not be reached, the driver that has it keeps it. */
	status = nvli_gpu_status(gpu);
	if (status.state != NVLI_PENDING)
		WRITE_ONCE(gpu->spared, false);
	nvli_worker_kick(gpu);
	if (nvli_status_wants_work(&status))
		return -EIO;

	return status.state == NVLI_ISOLATED ? 0 : -EOPNOTSUPP;
}

/*
 * Other links may have to be disabled than before: see to it now, in a GPU in use too, where it is
 * a single write. What cannot be done now is left to the worker.
 */
void nvli_admit_again(struct nvli_gpu *gpu)
{
	struct nvli_status status;

	nvli_gpu_plan(gpu);
	status = nvli_gpu_status(gpu);
	if (nvli_status_wants_work(&status) && !READ_ONCE(gpu->spared) &&
	    nvli_enforce_lock(gpu->pdev, ADMIT_TRIES)) {
		nvli_enforce_apply(gpu, NVLI_LATER);
		nvli_enforce_unlock(gpu->pdev);
	}
	nvli_worker_kick(gpu);
}

/**
 * nvli_admit_may_release() - may the worker let a held GPU out of reset, to try again?
 * @gpu: the GPU
 *
 * Not one that answered wrong while somebody has it open: each attempt would be a moment in which
 * that one can reach it.
 */
bool nvli_admit_may_release(struct nvli_gpu *gpu)
{
	return !pci_is_enabled(gpu->pdev) || !READ_ONCE(gpu->answered);
}
