// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook B, the part that all platforms share: who enables a GPU. The gate alone would do, but its
 * refusal does not reach a driver: pci_enable_device() returns 0 with decoding off, and nobody
 * answers the driver's first access. So the platform's hook makes pci_enable_device() fail.
 */

#include "log.h"
#include "enable.h"
#include "events.h"
#include "look.h"
#include "owner.h"
#include "plan.h"
#include "platform.h"
#include "settings.h"

#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/wait.h>

atomic_t nvli_enabling = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(all_left);

/* The last one has left a hook. */
void nvli_enable_left(void)
{
	if (wq_has_sleeper(&all_left))
		wake_up(&all_left);
}

/*
 * The hooks are off: wait until nobody runs in one. The first grace period is for those who have
 * read our pointer and not yet counted themselves, the second for those who are on their way out.
 */
void nvli_enable_wait(void)
{
	synchronize_rcu_tasks();
	wait_event(all_left, !atomic_read(&nvli_enabling));
	synchronize_rcu_tasks();
}

/* The platform's error handling forgets a device that goes, after us. */
static bool is_recovered_blind(struct nvli_gpu *gpu)
{
	bool blind;

	rcu_read_lock();
	blind = nvli_platform->is_recovered_blind && !READ_ONCE(gpu->dead) &&
		nvli_platform->is_recovered_blind(gpu);
	rcu_read_unlock();

	return blind;
}

/*
 * With domains=owner this GPU has another owner from now on. Peers that have kept links to it
 * disable them before the GPU is used or reset: in its reset nothing but the peer's end isolates.
 * A peer that nobody has enabled reaches nothing; the worker does the rest.
 */
static void change_owner(struct nvli_gpu *gpu)
{
	struct nvli_gpu *other = NULL;

	nvli_owner_enables(gpu);
	if (!nvli_by_owner())
		return;

	nvli_plan_by_owner(NULL);
	while ((other = nvli_gpu_next(other))) {
		if (other == gpu || !pci_is_enabled(other->pdev) || READ_ONCE(other->spared) ||
		    nvli_gpu_state(other) != NVLI_PENDING)
			continue;
		/* After a reset the gate decides. If it was none, a look switches the GPU off. */
		if (nvli_settles_in(other))
			nvli_look(other, NVLI_RETRY);
		else
			nvli_look_again(other);
	}
}

static bool may_enable(struct nvli_gpu *gpu)
{
	bool blind = is_recovered_blind(gpu);
	unsigned int ms = nvli_settles_in(gpu);
	enum nvli_answer answer;

	/* Nobody resets a GPU right before enabling it but by raw bridge control. */
	if (ms && ms != UINT_MAX && !blind)
		msleep(ms);
	answer = nvli_look_at_enable(gpu);
	if (answer == NVLI_VERIFIED || answer == NVLI_SPARED || blind || !READ_ONCE(nvli_gate))
		return true;

	nvli_gpu_count_refusal(gpu);

	return false;
}

/* May this device be enabled? Verifies a GPU for it. Sleeps; the caller may hold a device lock. */
bool nvli_may_enable(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu;
	bool ok;

	if (!nvli_board(pdev->vendor, pdev->device))
		return true;

	gpu = nvli_gpu_get(pdev);
	/* A GPU that could not be taken in is not isolated either. */
	if (!gpu)
		return !READ_ONCE(nvli_gate);
	change_owner(gpu);
	ok = may_enable(gpu);
	nvli_gpu_kick(gpu);
	nvli_gpu_put(gpu);

	return ok;
}
