// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plan: the links that each GPU has to disable. It follows from the other ends of the links and
 * from the GPUs that share a domain. A link that is not known to be allowed is required.
 */

#include "log.h"
#include "plan.h"
#include "owner.h"
#include "platform.h"
#include "settings.h"

#include <linux/iommu.h>

/*
 * Serialises updates of the plan, so that the last one has the newest domains and owners. The gate
 * also takes it, within a visit.
 */
static DEFINE_RAW_SPINLOCK(plan_lock);
/* Was the last plan by owner? Guarded by plan_lock. */
static bool was_by_owner;

static int group_of(const struct nvli_gpu *gpu)
{
	struct iommu_group *group = iommu_group_get(&gpu->pdev->dev);
	int id;

	if (!group)
		return -1;

	id = iommu_group_id(group);
	iommu_group_put(group);

	return id;
}

static int domain_of(const struct nvli_gpu *gpu, const struct nvli_domains *domains)
{
	u64 owner;

	if (domains->policy == NVLI_BY_OWNER) {
		owner = nvli_owner_of(gpu).number;
		return owner == NVLI_NOBODY ? NVLI_ALONE : (int)min_t(u64, owner, INT_MAX);
	}

	return nvli_domain_of(domains, nvli_gpu_id(gpu), group_of(gpu));
}

/* The domain of a GPU: a number, or NVLI_ALONE. */
int nvli_plan_domain(const struct nvli_gpu *gpu)
{
	struct nvli_domains domains = nvli_domains();

	return domain_of(gpu, &domains);
}

/* The current owner of a GPU. Any context. */
struct nvli_owner nvli_plan_owner(const struct nvli_gpu *gpu)
{
	rcu_read_lock();
	nvli_owners_update();
	rcu_read_unlock();

	return nvli_owner_of(gpu);
}

/* The GPU at the other end of a link; NULL if PCI knows none by that phandle, or several. RCU. */
static struct nvli_gpu *peer_of(const struct nvli_gpu *gpu, int link)
{
	struct nvli_gpu *other, *peer = NULL;

	if (gpu->topology.link[link].end != NVLI_END_GPU)
		return NULL;

	nvli_for_each_gpu_rcu(other) {
		if (other->phandle != gpu->topology.link[link].phandle)
			continue;
		if (peer)
			return NULL;
		peer = other;
	}

	return peer;
}

static bool agrees(const struct nvli_gpu *gpu, const struct nvli_gpu *peer)
{
	return nvli_topology_agree(&gpu->topology, gpu->phandle, &peer->topology, peer->phandle);
}

/* False if a GPU is at the other end, and counts other links to this one than this one to it. */
bool nvli_plan_peer_agrees(const struct nvli_gpu *gpu, int link)
{
	const struct nvli_gpu *peer;
	bool ok;

	rcu_read_lock();
	peer = peer_of(gpu, link);
	ok = !peer || agrees(gpu, peer);
	rcu_read_unlock();

	return ok;
}

/* The domain of a peer as the required mask counts it: a GPU and those it may talk to share one. */
static int domain_for(const struct nvli_gpu *gpu, const struct nvli_gpu *peer,
		      const struct nvli_domains *domains, int domain)
{
	if (!peer || !agrees(gpu, peer))
		return NVLI_ALONE;
	if (domains->policy == NVLI_BY_OWNER)
		return nvli_owner_keeps(gpu, peer) ? domain : NVLI_ALONE;

	return domain_of(peer, domains);
}

/*
 * Uses one copy of the policy throughout: the parameter may change meanwhile, and the number of a
 * group must never be compared to that of an owner.
 */
static u32 required_of(const struct nvli_gpu *gpu)
{
	struct nvli_domains domains = nvli_domains();
	int domain = domain_of(gpu, &domains);
	int peer_domain[GV100_NVLINKS];
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		peer_domain[i] = domain_for(gpu, peer_of(gpu, i), &domains, domain);

	return nvli_required_mask(&gpu->topology, domain, peer_domain);
}

/* Is the domain of a GPU known? Not before the kernel has put it into its IOMMU group. */
bool nvli_plan_is_ready(const struct nvli_gpu *gpu)
{
	return nvli_domains().policy != NVLI_BY_GROUP || group_of(gpu) >= 0;
}

/* Plan a GPU before it is published: it keeps its links to the CPU only. */
void nvli_plan_new(struct nvli_gpu *gpu)
{
	rcu_read_lock();
	nvli_status_require(&gpu->status, required_of(gpu));
	rcu_read_unlock();
}

/* Plan all GPUs by their recorded owners. With @kick, wake the worker for each changed GPU. */
static void update(bool kick)
{
	enum nvli_state state;
	struct nvli_gpu *gpu;
	unsigned long flags;
	bool changed;
	u32 required;

	nvli_for_each_gpu_rcu(gpu) {
		required = required_of(gpu);
		raw_spin_lock_irqsave(&gpu->lock, flags);
		changed = gpu->status.required != required;
		state = nvli_state(&gpu->status);
		nvli_status_require(&gpu->status, required);
		if (changed && state == NVLI_ISOLATED && !gpu->left_to_driver)
			strscpy(gpu->error, "not tried yet", sizeof(gpu->error));
		raw_spin_unlock_irqrestore(&gpu->lock, flags);
		if (changed && kick)
			nvli_gpu_kick(gpu);
	}
}

/*
 * Update the owners. The module follows resets only with domains=owner: it does not know the owner
 * at an earlier reset.
 */
static void update_owners(void)
{
	bool by_owner = nvli_by_owner();
	struct nvli_gpu *gpu;

	if (by_owner && !was_by_owner)
		nvli_for_each_gpu_rcu(gpu)
			nvli_owner_starts(gpu);
	was_by_owner = by_owner;
	nvli_owners_update();
}

/*
 * Work out the required links of all GPUs before any GPU is verified: otherwise the gate could pass
 * a GPU by the old plan. With @kick, wake the worker for each changed GPU; else the caller does.
 */
void nvli_plan_all(bool kick)
{
	struct nvli_gpu *gpu;
	unsigned long flags;

	rcu_read_lock();
	raw_spin_lock_irqsave(&plan_lock, flags);
	if (nvli_platform->relink)
		nvli_for_each_gpu_rcu(gpu)
			nvli_platform->relink(gpu);
	update_owners();
	update(kick);
	raw_spin_unlock_irqrestore(&plan_lock, flags);
	rcu_read_unlock();
}

/*
 * With domains=owner, update the owners and plan by them. @gpu is about to be verified, or is NULL.
 * If this is its first verification since its last reset, its owner counts as the owner at that
 * reset. Any context.
 */
void nvli_plan_by_owner(struct nvli_gpu *gpu)
{
	unsigned long flags;

	if (!nvli_by_owner())
		return;

	rcu_read_lock();
	raw_spin_lock_irqsave(&plan_lock, flags);
	update_owners();
	if (gpu)
		nvli_owner_verifies(gpu, nvli_gpu_status(gpu).resets);
	update(true);
	raw_spin_unlock_irqrestore(&plan_lock, flags);
	rcu_read_unlock();
}

static bool is_required(struct nvli_gpu *gpu, int link)
{
	return nvli_gpu_status(gpu).required & 1U << (GV100_LINK_DISABLE_SHIFT + link);
}

static bool leads_to(const struct nvli_gpu *gpu, int link, const struct nvli_gpu *peer)
{
	return gpu->topology.link[link].end == NVLI_END_GPU &&
	       gpu->topology.link[link].phandle == peer->phandle;
}

/* Does a link of this GPU lead to @peer? */
bool nvli_plan_is_linked(const struct nvli_gpu *gpu, const struct nvli_gpu *peer)
{
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (leads_to(gpu, i, peer))
			return true;

	return false;
}

/* Does this GPU keep its end of all links to a peer? */
static bool keeps_all(struct nvli_gpu *gpu, const struct nvli_gpu *peer)
{
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (leads_to(gpu, i, peer) && is_required(gpu, i))
			return false;

	return true;
}

/*
 * Is this a kept link to another GPU, because both are in one domain? With domains=owner a link is
 * only joined if neither end is required: the peer may need a reset before it can keep its end.
 */
bool nvli_plan_is_joined(struct nvli_gpu *gpu, int link)
{
	struct nvli_gpu *peer;
	bool joined;

	if (gpu->topology.link[link].end != NVLI_END_GPU || is_required(gpu, link))
		return false;
	if (!nvli_by_owner())
		return true;

	rcu_read_lock();
	peer = peer_of(gpu, link);
	joined = peer && keeps_all(peer, gpu);
	rcu_read_unlock();

	return joined;
}

/*
 * May another owner use a link of this GPU? Not if either end was read back as disabled, if the
 * link is not required, or if nothing is at the other end. An isolated peer has disabled all its
 * links to other owners that the topology shows.
 */
bool nvli_plan_is_exposed(struct nvli_gpu *gpu, int link)
{
	struct nvli_status status = nvli_gpu_status(gpu);
	struct nvli_gpu *peer;
	bool exposed;

	if (gpu->topology.link[link].end == NVLI_END_NONE || !is_required(gpu, link) ||
	    nvli_state(&status) == NVLI_ISOLATED ||
	    (nvli_status_is_known(&status) &&
	     status.disabled & 1U << (GV100_LINK_DISABLE_SHIFT + link)))
		return false;

	rcu_read_lock();
	peer = peer_of(gpu, link);
	exposed = !peer || !agrees(gpu, peer) || nvli_gpu_state(peer) != NVLI_ISOLATED;
	rcu_read_unlock();

	return exposed;
}

bool nvli_plan_is_any_exposed(struct nvli_gpu *gpu)
{
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (nvli_plan_is_exposed(gpu, i))
			return true;

	return false;
}

/* Name the other end of a link as sysfs and the log do. */
void nvli_plan_peer_name(const struct nvli_gpu *gpu, int link, char name[NVLI_PEER_NAME])
{
	/* The topology has this GPU and PCI does not, so its domain is unknown. */
	const char *text = "unknown";
	const struct nvli_gpu *peer;

	rcu_read_lock();
	peer = peer_of(gpu, link);
	if (peer)
		text = pci_name(peer->pdev);
	else if (gpu->topology.link[link].end == NVLI_END_CPU)
		text = "cpu";
	else if (gpu->topology.link[link].end == NVLI_END_NONE)
		text = "none";
	strscpy(name, text, NVLI_PEER_NAME);
	rcu_read_unlock();
}
