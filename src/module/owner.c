// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a GPU now? The kernel is asked, in any context, and src/core/owners.c turns its pointers
 * into numbers.
 *
 * A guest is told by its VM or by its VFIO container, and only while the GPU is enabled: VFIO has
 * both before it enables a GPU, keeps them for as long as it is enabled, and releases them after it
 * has disabled it. Neither can be freed meanwhile, so two GPUs with the same pointer at one moment
 * have the same owner.
 */

#include "log.h"
#include "owner.h"
#include "platform.h"
#include "settings.h"
#include "vfio.h"

/* Guards owner and vfio of all GPUs. Before gpu->lock. */
static DEFINE_RAW_SPINLOCK(owners_lock);
static u64 last_number = NVLI_HOST;

/*
 * These hand a device on, to a guest or to a program. Nothing tells to which, so a GPU that they
 * have is alone.
 */
static bool hands_on(const char *driver)
{
	static const char * const parts[] = { "vfio", "pciback", "stub", "uio" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (strstr(driver, parts[i]))
			return true;

	return false;
}

static struct nvli_claim guest_of(struct nvli_gpu *gpu)
{
	struct nvli_claim claim = { .means = NVLI_BY_NOTHING };

	/*
	 * VFIO enables it once. Somebody else has, too, if it counts more: then it stays enabled
	 * from one guest to the next, and the hook is not called.
	 */
	if (atomic_read(&gpu->pdev->enable_cnt) != 1)
		return claim;

	claim.key = nvli_vfio_kvm(gpu->vfio);
	if (claim.key) {
		claim.means = NVLI_BY_KVM;
	} else if (nvli_vfio_has_container(gpu->vfio)) {
		claim.key = nvli_platform->container(gpu);
		if (claim.key)
			claim.means = NVLI_BY_CONTAINER;
	}

	return claim;
}

/*
 * What the kernel says of a GPU. A GPU whose enabling would not be seen may have another owner by
 * now, who has the address of the one before.
 */
static struct nvli_claim claim_of(struct nvli_gpu *gpu)
{
	struct nvli_claim claim = { .means = NVLI_BY_NOTHING };
	struct nvli_status status = nvli_gpu_status(gpu);
	const struct device_driver *driver;

	if (!pci_is_enabled(gpu->pdev) ||
	    (status.enforced && !(status.watched && READ_ONCE(gpu->sees_enable))))
		return claim;
	/* Under RCU, because a driver's name goes with its module. */
	driver = READ_ONCE(gpu->pdev->dev.driver);
	if (driver && !hands_on(driver->name))
		claim.means = NVLI_BY_DRIVER;
	else if (driver && strstr(driver->name, "vfio-pci"))
		claim = guest_of(gpu);
	/* It may have been disabled meanwhile, and then what was read is nobody's. */
	if (!pci_is_enabled(gpu->pdev))
		claim = (struct nvli_claim){ .means = NVLI_BY_NOTHING };

	return claim;
}

static bool is_still(const struct nvli_owner *owner)
{
	struct nvli_claim claim = claim_of(container_of(owner, struct nvli_gpu, owner));

	return claim.means == owner->claim.means && claim.key == owner->claim.key;
}

/* Give a number to the owner of a GPU: that of another GPU of the same owner, if there is one. */
static void number_one(struct nvli_gpu *gpu)
{
	struct nvli_gpu *other;

	nvli_for_each_gpu_rcu(other) {
		if (other != gpu && nvli_owner_joins(&gpu->owner, &other->owner, is_still)) {
			gpu->owner.number = other->owner.number;
			return;
		}
	}
	nvli_owner_number(&gpu->owner, &last_number);
}

/* Ask for the owners of all GPUs. Under RCU, in any context. */
void nvli_owners_ask(void)
{
	struct nvli_claim claim;
	struct nvli_gpu *gpu;
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	nvli_for_each_gpu_rcu(gpu) {
		claim = claim_of(gpu);
		nvli_owner_claim(&gpu->owner, &claim);
	}
	nvli_for_each_gpu_rcu(gpu)
		if (nvli_owner_is_new(&gpu->owner))
			number_one(gpu);
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* A driver is bound. The caller holds the device lock. */
void nvli_owner_bound(struct nvli_gpu *gpu)
{
	const struct vfio_device *device = nvli_vfio_device(gpu->pdev);
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	gpu->vfio = device;
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* Its driver is about to go. Afterwards nobody reads the VFIO device, which the driver frees. */
void nvli_owner_unbinds(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	gpu->vfio = NULL;
	nvli_owner_forget(&gpu->owner);
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* Its owners and resets are followed from now on. */
void nvli_owner_starts(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	nvli_owner_start(&gpu->owner, status.resets);
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* The GPU is about to be enabled. */
void nvli_owner_enables(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	nvli_owner_enable(&gpu->owner, status.resets, status.verified_resets);
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* The GPU is about to be verified, after so many resets. */
void nvli_owner_verifies(struct nvli_gpu *gpu, unsigned int resets)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	nvli_owner_reset(&gpu->owner, resets);
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* The GPU may be switched on, after so many resets, since nothing has to be disabled. */
void nvli_owner_admits(struct nvli_gpu *gpu, unsigned int resets)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	gpu->owner.admitted = resets;
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* May a GPU keep its end of a link to a peer, by what was asked last? */
bool nvli_owner_keeps(const struct nvli_gpu *gpu, const struct nvli_gpu *peer)
{
	unsigned long flags;
	bool keeps;

	raw_spin_lock_irqsave(&owners_lock, flags);
	keeps = nvli_owner_may_keep(&gpu->owner, &peer->owner);
	raw_spin_unlock_irqrestore(&owners_lock, flags);

	return keeps;
}

struct nvli_owner nvli_owner_of(const struct nvli_gpu *gpu)
{
	struct nvli_owner owner;
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	owner = gpu->owner;
	raw_spin_unlock_irqrestore(&owners_lock, flags);

	return owner;
}
