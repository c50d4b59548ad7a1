// SPDX-License-Identifier: GPL-2.0-only
/*
 * The current owner of each GPU. This file reads the kernel's pointers, in any context, and
 * src/core/owners.c turns them into numbers.
 *
 * The module identifies a guest by its VM or by its VFIO container, and only while the GPU is
 * enabled. VFIO gets both before it enables a GPU, and releases both after it has disabled it.
 * Neither can be freed in between, so two GPUs with the same pointer at one moment have the same
 * owner.
 */

#include "log.h"
#include "owner.h"
#include "platform.h"
#include "vfio.h"

/* Guards owner and vfio of all GPUs. Before gpu->lock. */
static DEFINE_RAW_SPINLOCK(owners_lock);
static u64 last_number = NVLI_HOST;

static struct nvli_claim guest_of(struct nvli_gpu *gpu)
{
	struct nvli_claim claim = { .means = NVLI_BY_NOTHING };

	/*
	 * VFIO enables a GPU once. A higher count means that something else has enabled it as well:
	 * then it stays enabled from one guest to the next, and the kernel does not call the hook.
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
 * The kernel's statement about the owner of a GPU. If no hook sees the GPU being enabled, it may
 * have a new owner with the address of the previous one: then claim nothing.
 */
static struct nvli_claim claim_of(struct nvli_gpu *gpu)
{
	struct nvli_claim claim = { .means = NVLI_BY_NOTHING };
	struct nvli_status status = nvli_gpu_status(gpu);
	const struct device_driver *driver;

	if (!pci_is_enabled(gpu->pdev) ||
	    (status.enforced && !(status.watched && nvli_platform->sees_enable(gpu->pdev))))
		return claim;
	/* Under RCU, because a driver's name goes with its module. */
	driver = READ_ONCE(gpu->pdev->dev.driver);
	if (nvli_gpu_has_host_driver(gpu))
		claim.means = NVLI_BY_DRIVER;
	else if (driver && strstr(driver->name, "vfio-pci"))
		claim = guest_of(gpu);
	/* If the GPU was disabled meanwhile, the pointers read above have no owner any more. */
	if (!pci_is_enabled(gpu->pdev))
		claim = (struct nvli_claim){ .means = NVLI_BY_NOTHING };

	return claim;
}

static struct nvli_claim claim_of_owner(const struct nvli_owner *owner)
{
	return claim_of(container_of(owner, struct nvli_gpu, owner));
}

/* Number the owner of a GPU: take the number of another GPU of the same owner, or a new one. */
static void number_one(struct nvli_gpu *gpu)
{
	struct nvli_gpu *other;

	nvli_for_each_gpu_rcu(other) {
		if (other != gpu &&
		    nvli_owner_joins(&gpu->owner, &other->owner, claim_of_owner)) {
			gpu->owner.number = other->owner.number;
			return;
		}
	}
	nvli_owner_number(&gpu->owner, &last_number);
}

/* Update the owners of all GPUs from the kernel. Under RCU, in any context. */
void nvli_owners_update(void)
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

/*
 * Record the bound driver's VFIO device, unless a bind or unbind holds the device lock. In that
 * case vfio-pci cannot identify the owner until the next bind. A recorded one stays until the
 * driver unbinds; VFIO itself only tries the lock, and an open or a reset would fail meanwhile.
 */
void nvli_owner_record(struct nvli_gpu *gpu)
{
	if (READ_ONCE(gpu->vfio) || !device_trylock(&gpu->pdev->dev))
		return;

	nvli_owner_bound(gpu);
	device_unlock(&gpu->pdev->dev);
}

/* A driver is about to unbind, and frees its VFIO device. This file no longer reads that. */
void nvli_owner_unbinds(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&owners_lock, flags);
	gpu->vfio = NULL;
	nvli_owner_forget(&gpu->owner);
	raw_spin_unlock_irqrestore(&owners_lock, flags);
}

/* Follow the owners and resets of the GPU from now on. */
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
	nvli_owner_enable(&gpu->owner, &status);
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

/* May a GPU keep its end of a link to a peer, by the last nvli_owners_update()? */
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
