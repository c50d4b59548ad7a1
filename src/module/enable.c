// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook B, the part that all platforms share: may a driver enable this GPU? The gate alone isolates
 * the GPU, but a driver does not see its refusal: pci_enable_device() returns 0 with decoding off,
 * and the driver's first access fails. So the platform's hook makes pci_enable_device() fail.
 */

#include "log.h"
#include "enable.h"
#include "events.h"
#include "look.h"
#include "owner.h"
#include "plan.h"
#include "platform.h"
#include "port.h"
#include "settings.h"

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>

/*
 * How long to wait for the reset of a peer: longer than nvli_is_being_stopped() allows one. Each
 * failure of the peer's port to reset it begins that time again.
 */
#define STOP_WAIT	(3 * HZ)

atomic_t nvli_enabling = ATOMIC_INIT(0);

/*
 * The hooks are removed: wait until no task runs in one. The first grace period covers tasks that
 * have read our pointer and not yet counted themselves, the second those that are returning.
 */
void nvli_enable_wait(void)
{
	synchronize_rcu_tasks();
	while (atomic_read(&nvli_enabling))
		msleep(20);
	synchronize_rcu_tasks();
}

/* Check gpu->dead under RCU: the platform's error handling forgets a removed device after us. */
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
 * Disable a peer's end of its links to a GPU that gets a new owner. If the peer's user prevents
 * that, wait for a reset in progress, then reset the peer by its port. Never reset a host driver's
 * GPU here, because EEH may be recovering it, nor one that is not enabled: a reset by the port
 * restores nothing. Return: false if the peer may still use the links.
 */
static bool disable_end(struct nvli_gpu *peer)
{
	bool in_use = pci_is_enabled(peer->pdev);
	unsigned long until;

	nvli_look_again(peer);
	if (!READ_ONCE(nvli_gate) || nvli_gpu_has_host_driver(peer) || !nvli_may_use_links(peer))
		return !nvli_may_use_links(peer);
	if (in_use)
		nvli_gpu_set_lost(peer);
	until = jiffies + STOP_WAIT;
	while (nvli_is_being_stopped(peer) && nvli_may_use_links(peer) &&
	       time_before(jiffies, until))
		msleep(20);
	nvli_look_again(peer);
	if (!nvli_may_use_links(peer))
		return true;
	if (in_use && pci_is_enabled(peer->pdev) && nvli_stop_user(peer))
		return true;
	nvli_gpu_kick(peer);

	return false;
}

/*
 * With domains=owner this GPU gets a new owner now. Its peers disable the links to it that they
 * have kept, before the new owner uses or resets the GPU: during its reset only the peer's end
 * isolates. A peer on which no work can run cannot reach anything, so the worker does it later.
 * False if a peer may still use them.
 */
static bool change_owner(struct nvli_gpu *gpu)
{
	struct nvli_gpu *other = NULL;
	bool done = true;

	nvli_owner_enables(gpu);
	if (!nvli_by_owner())
		return true;

	nvli_plan_by_owner(NULL);
	/* EEH or firmware may have left it on, not verified. The peers can take seconds. */
	if (nvli_is_decoding(gpu))
		nvli_look_at_enable(gpu);
	while ((other = nvli_gpu_next(other))) {
		if (other == gpu || !nvli_plan_is_linked(other, gpu) ||
		    !nvli_may_use_links(other) || disable_end(other))
			continue;
		if (__ratelimit(&gpu->log))
			pci_err(gpu->pdev, "GPU %s may still use its NVLinks to this GPU, and they cannot be disabled: reset that GPU\n",
				pci_name(other->pdev));
		done = false;
	}

	return done;
}

static bool may_enable(struct nvli_gpu *gpu, bool peers_done)
{
	bool blind = is_recovered_blind(gpu);
	unsigned int ms = nvli_settles_in(gpu);
	enum nvli_answer answer;

	/* Only a raw write of bridge control can reset a GPU right before it is enabled. */
	if (ms && ms != UINT_MAX && !blind)
		msleep(ms);
	answer = nvli_look_at_enable(gpu);
	if (!READ_ONCE(nvli_gate))
		return true;
	if (blind && (peers_done || nvli_gpu_has_host_driver(gpu)))
		return true;
	if (peers_done && (answer == NVLI_VERIFIED || answer == NVLI_LEFT_ALONE))
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
	/* A GPU whose object could not be created is not isolated. */
	if (!gpu)
		return !READ_ONCE(nvli_gate);
	ok = may_enable(gpu, change_owner(gpu));
	nvli_gpu_kick(gpu);
	nvli_gpu_put(gpu);

	return ok;
}
