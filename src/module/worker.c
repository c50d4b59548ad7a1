// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worker: tries again, without end, what the hooks could not do at once; audits what is called
 * isolated; and says what has changed, which the hooks leave to it.
 *
 * It takes locks only by trying, and who holds the PCI rescan lock never waits for it.
 */

#include "nvli.h"

#include <linux/jiffies.h>
#include <linux/pm_runtime.h>

#define RETRY_MIN_MS	5
#define RETRY_MAX_MS	1000
#define RELEASE_MIN_MS	1000
#define RELEASE_MAX_MS	64000
/* Between an audit that read something odd and the next */
#define ODD_MS		100
#define NEVER		UINT_MAX

static struct workqueue_struct *queue;

static unsigned int longer(unsigned int *ms, unsigned int max)
{
	unsigned int now = *ms;

	*ms = min(2 * now, max);

	return now;
}

/*
 * Nobody waits for a GPU's work, so it holds a reference while it is queued. A kick comes before
 * what is queued for later, and is not put off by it.
 */
static void serve_in(struct nvli_gpu *gpu, unsigned int ms)
{
	unsigned long delay = msecs_to_jiffies(ms);
	unsigned long flags;
	bool queued = false;

	kref_get(&gpu->ref);
	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (!gpu->dead && !ms)
		queued = !mod_delayed_work(queue, &gpu->work, 0);
	else if (!gpu->dead)
		queued = queue_delayed_work(queue, &gpu->work, delay);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	if (!queued)
		nvli_gpu_put(gpu);
}

/* Return: milliseconds until the next audit. */
static unsigned int audit(struct nvli_gpu *gpu)
{
	unsigned int period = nvli_audit_seconds();
	unsigned long due = READ_ONCE(gpu->verified_at) + period * HZ;
	bool odd;

	if (!period)
		return NEVER;
	if (time_before(jiffies, due))
		return jiffies_to_msecs(due - jiffies);
	if (!nvli_enforce_lock(gpu->pdev, 1))
		return RETRY_MAX_MS;

	odd = nvli_enforce_audit(gpu);
	nvli_enforce_unlock(gpu->pdev);
	if (nvli_gpu_status(gpu).state == NVLI_FAILED)
		return 0;

	return odd ? ODD_MS : period * MSEC_PER_SEC;
}

/* A GPU that nobody has open may sleep; a guest's or a driver's sleep is theirs. */
static void try_again(struct nvli_gpu *gpu)
{
	bool idle = !pci_is_enabled(gpu->pdev);

	if (idle)
		pm_runtime_get_sync(&gpu->pdev->dev);
	nvli_enforce_unblock(gpu);
	nvli_enforce_apply(gpu, NVLI_LATER);
	if (idle)
		pm_runtime_put(&gpu->pdev->dev);
}

/* Return: milliseconds until it wants to be served again. */
static unsigned int serve(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);
	unsigned long due;
	bool watched;

	if (status.state == NVLI_OFF)
		return NEVER;

	/* Below a bridge in reset nothing is asked. */
	if (!status.resetting) {
		watched = nvli_resets_are_watched(gpu);
		if (watched == status.unwatched)
			nvli_gpu_enforce(gpu, watched);
	}

	status = nvli_gpu_status(gpu);
	if (status.state == NVLI_ISOLATED) {
		/* Whoever saw to it: the next hold has nothing to do with the ones before. */
		gpu->release_ms = RELEASE_MIN_MS;
		return audit(gpu);
	}
	if (!nvli_status_wants_work(&status) || READ_ONCE(gpu->spared))
		return NEVER;
	if (status.held && nvli_hold_is_set(gpu)) {
		if (!nvli_admit_may_release(gpu))
			return RELEASE_MAX_MS;
		due = READ_ONCE(gpu->hold.at) + msecs_to_jiffies(gpu->release_ms);
		if (time_before(jiffies, due))
			return jiffies_to_msecs(due - jiffies);
	}
	if (status.unwatched && nvli_status_is_cut(&status))
		return RETRY_MAX_MS;
	/* Whoever resets it sees to it afterwards, and the time it takes is no failure. */
	if (status.resetting)
		return longer(&gpu->retry_ms, RETRY_MAX_MS);
	/*
	 * Whoever has the locks may have restored it already, so what there is to wait is waited
	 * beside them, not asleep.
	 */
	if (!nvli_enforce_lock(gpu->pdev, 1 + gpu->retry_ms / NVLI_LOCK_WAIT_MS)) {
		longer(&gpu->retry_ms, RETRY_MAX_MS);
		return RETRY_MIN_MS;
	}

	try_again(gpu);
	nvli_enforce_unlock(gpu->pdev);

	status = nvli_gpu_status(gpu);
	if (status.held) {
		longer(&gpu->release_ms, RELEASE_MAX_MS);
		return gpu->release_ms;
	}
	if (nvli_status_wants_work(&status))
		return longer(&gpu->retry_ms, RETRY_MAX_MS);

	return 0;
}

static void work(struct work_struct *work)
{
	struct nvli_gpu *gpu = container_of(to_delayed_work(work), struct nvli_gpu, work);
	unsigned int ms = serve(gpu);
	struct nvli_status status = nvli_gpu_status(gpu);

	/* That it is pending for a moment at each reset is not worth a line. */
	if (status.state != NVLI_PENDING || status.held ||
	    (gpu->retry_ms == RETRY_MAX_MS && !status.resetting))
		if (!nvli_tell(gpu))
			ms = min_t(unsigned int, ms, RETRY_MAX_MS);
	if (ms != NEVER)
		serve_in(gpu, ms);
	nvli_gpu_put(gpu);
}

/* A GPU is taken in. */
void nvli_worker_prepare(struct nvli_gpu *gpu)
{
	INIT_DELAYED_WORK(&gpu->work, work);
	gpu->retry_ms = RETRY_MIN_MS;
	gpu->release_ms = RELEASE_MIN_MS;
}

/* A GPU goes. Does not wait. */
void nvli_worker_forget(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	WRITE_ONCE(gpu->dead, true);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	if (cancel_delayed_work(&gpu->work))
		nvli_gpu_put(gpu);
}

/* See to a GPU now: there is something to do or to say. Sleeps not, but takes a reference. */
void nvli_worker_kick(struct nvli_gpu *gpu)
{
	WRITE_ONCE(gpu->retry_ms, RETRY_MIN_MS);
	serve_in(gpu, 0);
}

static void kick_all(struct work_struct *unused)
{
	struct nvli_status status;
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter))) {
		status = nvli_gpu_status(gpu);
		if (nvli_status_wants_work(&status) && !status.resetting)
			nvli_worker_kick(gpu);
	}
	klist_iter_exit(&iter);
}

static DECLARE_WORK(kick_all_work, kick_all);

/* See to all GPUs that wait for it. For hook C: takes no reference and does not sleep. */
void nvli_worker_kick_all(void)
{
	queue_work(queue, &kick_all_work);
}

/* Wait until nobody works on a GPU any more. What is queued for later finds nothing to do. */
void nvli_worker_flush(void)
{
	flush_workqueue(queue);
}

/* Return: 0 or -ENOMEM. */
int nvli_worker_init(void)
{
	/* Unbound, so that GPUs that were reset together are seen to at the same time. */
	queue = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND, 0);

	return queue ? 0 : -ENOMEM;
}

/* All GPUs are gone, and with them what was queued for later. */
void nvli_worker_exit(void)
{
	destroy_workqueue(queue);
}
