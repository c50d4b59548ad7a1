// SPDX-License-Identifier: GPL-2.0-only
/* What is done with a GPU, and when: apply, judge, admit or deny, hold. */

#include "nvli.h"
#include "trace.h"

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>

/* Is a driver bound that works with the GPU itself, and not for a guest? */
bool nvli_has_foreign_driver(struct pci_dev *pdev)
{
	const struct device_driver *driver = READ_ONCE(pdev->dev.driver);

	return driver && strcmp(driver->name, "vfio-pci");
}

/* Take what the hardware said, if it is still about this generation. */
static void judge(struct nvli_gpu *gpu, const struct nvli_status *before,
		  enum nvli_occasion occasion, int err, const struct nvli_answer *answer)
{
	struct nvli_status *status = &gpu->status;
	u32 generation = before->generation;
	bool isolated = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (err != -EAGAIN && err != -EBUSY &&
	    (!before->required || nvli_status_chip(status, generation, answer->boot_0))) {
		if (err)
			nvli_status_fault(status, generation);
		else
			isolated = nvli_status_read_back(status, generation, answer->disabled);
	}

	if (isolated) {
		gpu->error[0] = '\0';
		gpu->verified_at = jiffies;
	} else if (status->unwatched) {
		strscpy(gpu->error, "its resets cannot be watched", sizeof(gpu->error));
	} else if (status->generation != generation) {
		strscpy(gpu->error, "reset while its links were being disabled",
			sizeof(gpu->error));
	} else if (err) {
		strscpy(gpu->error, answer->text, sizeof(gpu->error));
	} else {
		scnprintf(gpu->error, sizeof(gpu->error),
			  "link disable mask reads 0x%08x, 0x%08x is required",
			  answer->disabled, status->required);
	}
	trace_nvli_apply(gpu, occasion, err, answer->disabled);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/*
 * Does a GPU that is not isolated have to be held? Not one that nobody can reach, nor one that only
 * we cannot reach and nobody has enabled: it is seen to before anybody does.
 */
static bool must_hold(struct nvli_gpu *gpu, const struct nvli_status *status,
		      enum nvli_occasion occasion, int err)
{
	if (!nvli_gate() || !nvli_status_wants_work(status) || nvli_status_is_cut(status))
		return false;
	/* Whoever is resetting it comes here when the reset is over. */
	if (err == -EBUSY || status->resetting || READ_ONCE(gpu->spared))
		return false;
	if (occasion == NVLI_AFTER_RESET || occasion == NVLI_BEFORE_ENABLE)
		return true;

	return status->state == NVLI_FAILED || pci_is_enabled(gpu->pdev);
}

static void hold(struct nvli_gpu *gpu)
{
	const char *what = nvli_hold_set(gpu);
	unsigned long flags;
	size_t length;

	if (!what)
		return;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	length = strlen(gpu->error);
	scnprintf(gpu->error + length, sizeof(gpu->error) - length, "; it cannot be held: %s",
		  what);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/*
 * A GPU that we hold: has a reset by somebody else let it go, or may we? Return: false if it is
 * held still.
 */
static bool is_let_go(struct nvli_gpu *gpu, enum nvli_occasion occasion)
{
	if (!nvli_hold_is_set(gpu)) {
		nvli_gpu_held(gpu, false);
		return true;
	}

	if (occasion < NVLI_LATER)
		return false;
	nvli_eeh_prepare(gpu, occasion);
	if (nvli_eeh_obstacle(gpu))
		return false;

	return nvli_hold_clear(gpu);
}

static void try_to_isolate(struct nvli_gpu *gpu, const struct nvli_status *before,
			   enum nvli_occasion occasion)
{
	struct nvli_answer answer = { .boot_0 = GV100_NO_ANSWER, .disabled = GV100_NO_ANSWER };
	struct nvli_status status;
	int err = 0;

	/* Nothing to cut, nothing to prove: leave it alone. */
	if (before->required)
		err = nvli_bar0_apply(gpu, before, occasion, &answer);
	gpu->answered = nvli_is_answer(answer.boot_0);
	judge(gpu, before, occasion, err, &answer);

	status = nvli_gpu_status(gpu);
	/* Not right after a reset: the PCI core has not restored it yet. */
	if (occasion > NVLI_BEFORE_ENABLE && !nvli_status_wants_work(&status))
		nvli_config_remember(gpu);
	if (must_hold(gpu, &status, occasion, err))
		hold(gpu);
	else if (occasion >= NVLI_LATER && gpu->hold.lost && err != -EBUSY)
		nvli_config_repair(gpu, false);
}

/**
 * nvli_enforce_apply() - bring a GPU to the state that is required of it
 * @gpu: the GPU
 * @occasion: why now
 *
 * Does nothing unless the GPU is pending or failed. If it cannot be isolated it is held in reset,
 * with gate=1. The caller sees to it that config space is stable, as nvli_bar0_apply() asks.
 * Sleeps.
 *
 * Return: false if the GPU has to be isolated and is not verified to be.
 */
bool nvli_enforce_apply(struct nvli_gpu *gpu, enum nvli_occasion occasion)
{
	struct nvli_status status = nvli_gpu_status(gpu);

	if (nvli_status_wants_work(&status))
		nvli_eeh_wait_for_phb(gpu);
	mutex_lock(&gpu->apply_lock);
	nvli_gpu_plan(gpu);
	status = nvli_gpu_status(gpu);
	if (READ_ONCE(gpu->dead))
		goto unlock;
	if (status.held && nvli_status_wants_work(&status) && is_let_go(gpu, occasion))
		status = nvli_gpu_status(gpu);
	if (nvli_status_wants_work(&status) && !status.held) {
		try_to_isolate(gpu, &status, occasion);
		status = nvli_gpu_status(gpu);
	}
unlock:
	mutex_unlock(&gpu->apply_lock);

	return !nvli_status_wants_work(&status);
}

/* Keep others from resetting, binding and configuring a device, or give up. */
bool nvli_enforce_lock(struct pci_dev *pdev, unsigned int tries)
{
	while (tries--) {
		if (device_trylock(&pdev->dev)) {
			if (pci_cfg_access_trylock(pdev))
				return true;
			device_unlock(&pdev->dev);
		}
		if (tries)
			msleep(NVLI_LOCK_WAIT_MS);
	}

	return false;
}

void nvli_enforce_unlock(struct pci_dev *pdev)
{
	pci_cfg_access_unlock(pdev);
	device_unlock(&pdev->dev);
}

/* Leave the GPU to the driver that has it? Not after a reset. */
static void spare(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	gpu->spared = gpu->status.required && !gpu->status.reset_pending &&
		      nvli_has_foreign_driver(gpu->pdev);
	if (gpu->spared)
		scnprintf(gpu->error, sizeof(gpu->error),
			  "in use by driver %s; its links are cut after its next reset",
			  gpu->pdev->dev.driver->name);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/*
 * A reset that was under way before the hooks were in place goes unseen, so its end is waited for.
 * It takes seconds; somebody who holds the device for longer does not hang the administrator.
 */
#define START_TRIES	1000

/* Enforcement starts: cut the links now. False if somebody has it, and we are not @patient. */
bool nvli_enforce_start(struct nvli_gpu *gpu, bool patient)
{
	bool locked = nvli_enforce_lock(gpu->pdev, patient ? START_TRIES : 1);

	if (locked) {
		spare(gpu);
		if (!READ_ONCE(gpu->spared))
			nvli_enforce_apply(gpu, NVLI_START);
		nvli_enforce_unlock(gpu->pdev);
	}
	if (locked || patient) {
		nvli_tell(gpu);
		nvli_worker_kick(gpu);
	}

	return locked;
}

/* Out of reset again, as far as we are concerned. Under apply_lock. */
static void release(struct nvli_gpu *gpu)
{
	const char *what;

	if (READ_ONCE(gpu->dead) || !nvli_gpu_status(gpu).held || !nvli_hold_clear(gpu))
		return;

	nvli_eeh_prepare(gpu, NVLI_LATER);
	nvli_config_wait(gpu, jiffies + HZ, &what);
	nvli_config_repair(gpu, false);
}

/* The GPU does not have to be held any more. */
void nvli_enforce_release(struct nvli_gpu *gpu)
{
	mutex_lock(&gpu->apply_lock);
	release(gpu);
	mutex_unlock(&gpu->apply_lock);
}

/* Enforcement ends for this GPU. Disabled links stay so until its next reset. */
void nvli_enforce_stop(struct nvli_gpu *gpu)
{
	unsigned long flags;

	/* Nobody holds it again in between: with the lock free again it is off. */
	mutex_lock(&gpu->apply_lock);
	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_release(&gpu->status);
	gpu->error[0] = '\0';
	gpu->spared = false;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	release(gpu);
	/* Nobody sees to it later. */
	if (gpu->hold.lost && !READ_ONCE(gpu->dead))
		nvli_config_repair(gpu, pci_is_enabled(gpu->pdev));
	nvli_bar0_unmap(gpu);
	mutex_unlock(&gpu->apply_lock);
	nvli_tell(gpu);
}

/* See nvli_eeh_unblock(). */
void nvli_enforce_unblock(struct nvli_gpu *gpu)
{
	mutex_lock(&gpu->apply_lock);
	if (!READ_ONCE(gpu->dead))
		nvli_eeh_unblock(gpu);
	mutex_unlock(&gpu->apply_lock);
}

/**
 * nvli_enforce_audit() - read the mask of an isolated GPU back
 * @gpu: the GPU, locked by nvli_enforce_lock()
 *
 * Return: true if the answer was odd, and should be asked for again soon.
 */
bool nvli_enforce_audit(struct nvli_gpu *gpu)
{
	struct nvli_answer answer = { .disabled = GV100_NO_ANSWER };
	struct nvli_status status = nvli_gpu_status(gpu);
	bool in_use = pci_is_enabled(gpu->pdev);
	unsigned long flags;
	bool odd = false;

	mutex_lock(&gpu->apply_lock);
	if (gpu->hold.lost && !READ_ONCE(gpu->dead))
		nvli_config_repair(gpu, in_use);
	if (status.state == NVLI_ISOLATED && status.required && !READ_ONCE(gpu->dead) &&
	    !nvli_bar0_read_mask(gpu, status.generation, &answer)) {
		raw_spin_lock_irqsave(&gpu->lock, flags);
		odd = nvli_status_audit(&gpu->status, status.generation, answer.disabled, in_use);
		if (gpu->status.state == NVLI_FAILED)
			scnprintf(gpu->error, sizeof(gpu->error),
				  "audit: link disable mask reads 0x%08x, 0x%08x is required",
				  answer.disabled, gpu->status.required);
		else if (!odd)
			gpu->verified_at = jiffies;
		raw_spin_unlock_irqrestore(&gpu->lock, flags);
	}
	mutex_unlock(&gpu->apply_lock);

	return odd;
}
