// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worker: verifies pending GPUs, retries failed ones, audits isolated ones, and publishes
 * their states. Holders of the PCI rescan lock wait for it, so it takes no mutex that one of them
 * may hold, such as nvli_lock or a device lock.
 */

#include "log.h"
#include "worker.h"
#include "bus.h"
#include "events.h"
#include "gate.h"
#include "look.h"
#include "owner.h"
#include "plan.h"
#include "platform.h"
#include "port.h"
#include "report.h"
#include "settings.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/random.h>

#define RETRY_MIN_MS	5
#define RETRY_MAX_MS	1000
/*
 * The PCI core restores a GPU that is in use 1.8 to 2.8 seconds after its release, and the gate
 * verifies it then. An earlier attempt of the worker would only open the GPU to an old mapping.
 */
#define IN_USE_MS	3000
#define FAILED_MIN_MS	1000
#define FAILED_MAX_MS	64000
/* Audit periods after which a read-back is too old to prove anything */
#define STALE_PERIODS	3
/* How often to check whether a GPU that was switched off also has to be reset */
#define LOST_MS		10
#define NEVER		UINT_MAX
/* How often to check the owner of an enabled GPU: no event reports that a guest closes it */
#define OWNER_MS	100
/* How often to check whether a new GPU has its IOMMU group, and for how long */
#define GROUP_MS	20
#define GROUP_WAIT	(2 * HZ)

static unsigned int back_off(struct nvli_gpu *gpu, unsigned int min, unsigned int max)
{
	unsigned int now = clamp(gpu->retry_ms, min, max);

	gpu->retry_ms = min(2 * now, max);

	return now;
}

/*
 * The next audit comes half a period to one and a half after the last read-back, so that a tenant
 * cannot predict it.
 */
static void draw_audit(struct nvli_gpu *gpu)
{
	unsigned long period = READ_ONCE(nvli_audit_seconds) * HZ;
	u32 random;

	get_random_bytes(&random, sizeof(random));
	gpu->audit_at = jiffies + period / 2 + random % (period + 1);
	gpu->drawn_for = READ_ONCE(gpu->verified_ns);
}

static unsigned int ms_until(unsigned long at)
{
	return time_after(at, jiffies) ? jiffies_to_msecs(at - jiffies) : 0;
}

/*
 * If the GPU could not be read back for STALE_PERIODS of @period seconds, for any reason, claim
 * nothing any more.
 *
 * Return: milliseconds until then; 0 if that is now.
 */
static unsigned int expire(struct nvli_gpu *gpu, unsigned int period)
{
	u64 limit = (u64)STALE_PERIODS * period * NSEC_PER_SEC;
	unsigned long flags;
	u64 age;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	age = ktime_get_ns() - gpu->verified_ns;
	if (age >= limit && nvli_state(&gpu->status) == NVLI_ISOLATED) {
		nvli_status_expire(&gpu->status);
		scnprintf(gpu->error, sizeof(gpu->error),
			  "its links could not be read back for %u audit periods", STALE_PERIODS);
	}
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return age < limit ? div_u64(limit - age, NSEC_PER_MSEC) + 1 : 0;
}

/*
 * If the link went down and we saw no reset, an unseen reset may be the cause. After a reset that
 * we saw, only clear the latch, once the link is up: the port latches that as well.
 *
 * Return: true if there was an unseen one.
 */
static bool look_at_link(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);
	bool seen = gpu->link_generation != status.generation;

	if (seen && nvli_link_may_be_down(gpu))
		return false;
	gpu->link_generation = status.generation;
	if (seen) {
		gpu->retry_ms = 0;
		gpu->retry_at = jiffies;
	}
	if (!nvli_link_went_down(gpu) || seen)
		return false;

	nvli_event_unseen(gpu, true);
	/*
	 * The owner at that reset is unknown, and a user may have used the GPU since. So the GPU
	 * keeps no links until its next reset.
	 */
	nvli_event_use(gpu);
	nvli_owner_starts(gpu);

	return true;
}

/* Return: milliseconds until the next audit, or until the last read-back is too old. */
static unsigned int audit(struct nvli_gpu *gpu)
{
	unsigned int period = READ_ONCE(nvli_audit_seconds);

	if (!period)
		return NEVER;
	if (!nvli_gpu_status(gpu).required)
		return period * MSEC_PER_SEC;

	/* The gate has read the GPU back since, or the period is shorter now. */
	if (gpu->drawn_for != READ_ONCE(gpu->verified_ns) ||
	    time_after(gpu->audit_at, jiffies + 2 * period * HZ))
		draw_audit(gpu);
	if (!ms_until(gpu->audit_at)) {
		/* After an unseen reset verify the GPU, instead of repairing its mask. */
		if (look_at_link(gpu))
			return nvli_settles_in(gpu);
		nvli_look(gpu, NVLI_RETRY);
		draw_audit(gpu);
		if (nvli_gpu_state(gpu) != NVLI_ISOLATED)
			return 0;
	}

	return min(ms_until(gpu->audit_at), expire(gpu, period));
}

/*
 * Reset a GPU by its port if decoding is stuck on. Also if decoding was switched off while a link
 * to another owner may be enabled at both ends: work on the GPU continues, and may use that link.
 */
static void stop_user(struct nvli_gpu *gpu)
{
	unsigned long flags;

	/*
	 * Test and clear under gpu->lock. Otherwise the gate could find a link enabled in between,
	 * and this would discard its request for a reset.
	 */
	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (nvli_state(&gpu->status) == NVLI_ISOLATED) {
		gpu->lost_ns = 0;
		gpu->stuck_on = false;
	}
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	if (!READ_ONCE(nvli_gate))
		return;
	if (!READ_ONCE(gpu->stuck_on)) {
		if (!READ_ONCE(gpu->lost_ns) || !nvli_plan_is_any_exposed(gpu))
			return;
		/* The GPU's own reset may just have ended. A verification clears lost_ns. */
		nvli_look(gpu, NVLI_RETRY);
	}
	nvli_stop_user(gpu);
}

/* Do the hooks see resets, and is the gate attached? Checks the kernel, not our own records. */
static void look_at_hooks(struct nvli_gpu *gpu)
{
	bool watched = nvli_bus_is_attached(gpu->pdev->bus) && nvli_platform->is_watched(gpu);
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (gpu->status.watched != watched && gpu->status.enforced) {
		nvli_status_watch(&gpu->status, watched);
		strscpy(gpu->error, watched ? "not tried yet" : "its resets cannot be watched",
			sizeof(gpu->error));
	}
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/* Milliseconds until the worker verifies a GPU; its user may enable it, and so verify it, first. */
static unsigned int ms_until_turn(struct nvli_gpu *gpu)
{
	u64 settled = READ_ONCE(gpu->reset.settled_ns);
	u64 now = ktime_get_ns();
	u64 turn;

	/* A reset has begun since serve() checked. */
	if (settled == NVLI_IN_RESET)
		return RETRY_MAX_MS;
	turn = settled + IN_USE_MS * NSEC_PER_MSEC;

	/*
	 * 0: no reset was seen. If decoding is on, a verification opens nothing further. No later
	 * write will reach the gate: decoding was switched on while no link was required.
	 */
	if (!settled || !pci_is_enabled(gpu->pdev) || turn <= now || nvli_is_decoding(gpu))
		return 0;

	return div_u64(turn - now, NSEC_PER_MSEC) + 1;
}

/*
 * A user can keep us from reading its GPU and then stop doing so, and no event announces it. Retry
 * at least once per audit period, so that its links are open no longer than between two audits.
 */
static unsigned int longest_wait(struct nvli_gpu *gpu)
{
	unsigned int period = READ_ONCE(nvli_audit_seconds);

	if (!period || !pci_is_enabled(gpu->pdev))
		return FAILED_MAX_MS;

	return clamp(period, 1U, FAILED_MAX_MS / 1000U) * 1000;
}

/*
 * Plan a new GPU and its peers. The kernel gives a hot-added GPU its IOMMU group some time after
 * BUS_NOTIFY_ADD_DEVICE; until then the GPU is in a domain of its own. Returns false while it
 * waits for the group.
 */
static bool plan_once(struct nvli_gpu *gpu)
{
	if (gpu->planned)
		return true;
	if (!nvli_plan_is_ready(gpu) && time_before(jiffies, gpu->added_at + GROUP_WAIT))
		return false;

	gpu->planned = true;
	nvli_plan_all(true);
	nvli_report_links(gpu);

	return true;
}

/* Return: milliseconds until the GPU has to be served again. */
static unsigned int serve(struct nvli_gpu *gpu)
{
	struct nvli_status status;
	enum nvli_answer answer;
	unsigned int ms;

	if (!plan_once(gpu))
		return GROUP_MS;
	nvli_plan_by_owner(NULL);
	if (nvli_gpu_state(gpu) == NVLI_OFF)
		return NEVER;

	/* Stop the user first: it could delay us here by one reset after another. */
	ms = nvli_settles_in(gpu);
	if (READ_ONCE(gpu->stuck_on) || !nvli_is_being_stopped(gpu))
		stop_user(gpu);
	if (ms == NEVER && nvli_platform->look_at_reset) {
		nvli_platform->look_at_reset(gpu);
		return RETRY_MAX_MS;
	}
	if (ms)
		return ms;

	/* Limit these: a tenant can cause kicks, and they read config space that others share. */
	if (gpu->link_generation != nvli_gpu_status(gpu).generation ||
	    time_after(jiffies, gpu->checked_at + HZ)) {
		gpu->checked_at = jiffies;
		look_at_hooks(gpu);
		look_at_link(gpu);
	}
	status = nvli_gpu_status(gpu);
	switch (nvli_state(&status)) {
	case NVLI_OFF:
	case NVLI_UNSUPPORTED:
		return NEVER;
	case NVLI_ISOLATED:
		gpu->retry_ms = 0;
		return audit(gpu);
	case NVLI_PENDING:
	case NVLI_FAILED:
		break;
	}
	if (READ_ONCE(gpu->left_to_driver))
		return NEVER;
	if (!status.watched && nvli_status_is_cut(&status))
		return RETRY_MAX_MS;
	/*
	 * Any failure begins the back-off. A kick, which a tenant can cause, does not end it.
	 * Decoding does: EEH may have switched it on without the gate.
	 */
	if (nvli_status_has_failed(&status)) {
		if (!gpu->retry_ms) {
			ms = back_off(gpu, FAILED_MIN_MS, FAILED_MAX_MS);
			gpu->retry_at = jiffies + msecs_to_jiffies(ms);
		}
		if (ms_until(gpu->retry_at) && !(READ_ONCE(nvli_gate) && nvli_is_decoding(gpu)))
			return ms_until(gpu->retry_at);
	}

	ms = ms_until_turn(gpu);
	if (ms) {
		/* Its user may switch it on before, by a write that may not sleep to map BAR0. */
		nvli_gate_map(gpu);
		return ms;
	}

	answer = nvli_look(gpu, NVLI_RETRY);
	if (answer == NVLI_NOT_READY) {
		if (nvli_platform->stuck)
			nvli_platform->stuck(gpu);
		return back_off(gpu, RETRY_MIN_MS, RETRY_MAX_MS);
	}
	if (answer == NVLI_NOT_VERIFIED) {
		ms = back_off(gpu, FAILED_MIN_MS, longest_wait(gpu));
		gpu->retry_at = jiffies + msecs_to_jiffies(ms);
		return ms;
	}

	return 0;
}

void nvli_work(struct work_struct *work)
{
	struct nvli_gpu *gpu = container_of(to_delayed_work(work), struct nvli_gpu, work);
	unsigned int ms = serve(gpu);

	/* Each reset makes it pending for a moment, which is not worth a line. */
	if (nvli_gpu_state(gpu) != NVLI_PENDING || gpu->retry_ms >= RETRY_MAX_MS)
		if (!nvli_report(gpu))
			ms = min_t(unsigned int, ms, RETRY_MAX_MS);
	/* Its peers may be exposed later. */
	if (nvli_gpu_state(gpu) != NVLI_OFF &&
	    (READ_ONCE(gpu->lost_ns) || READ_ONCE(gpu->stuck_on)))
		ms = min_t(unsigned int, ms, LOST_MS);
	if (nvli_by_owner() && pci_is_enabled(gpu->pdev))
		ms = min_t(unsigned int, ms, OWNER_MS);
	if (ms != NEVER)
		nvli_gpu_kick_in(gpu, ms);
}
