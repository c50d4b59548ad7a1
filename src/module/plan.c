// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plan: from where the links lead and which GPUs may talk, the links that each GPU has to
 * disable. Whatever is not known to be allowed is disabled.
 */

#include "log.h"
#include "plan.h"
#include "platform.h"
#include "settings.h"

#include <linux/iommu.h>
#include <linux/mutex.h>

/* One plan at a time, so that the last one is of the newest domains. */
static DEFINE_MUTEX(plan_lock);

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

/* The domain of a GPU: a number, or NVLI_ALONE. */
int nvli_plan_domain(const struct nvli_gpu *gpu)
{
	const struct pci_dev *pdev = gpu->pdev;
	struct nvli_domains domains = nvli_domains();

	return nvli_domain_of(&domains,
			      NVLI_GPU_ID(pci_domain_nr(pdev->bus), pdev->bus->number,
					  PCI_SLOT(pdev->devfn), PCI_FUNC(pdev->devfn)),
			      group_of(gpu));
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

static u32 required_of(const struct nvli_gpu *gpu)
{
	int peer_domain[GV100_NVLINKS];
	const struct nvli_gpu *peer;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		peer = peer_of(gpu, i);
		peer_domain[i] = peer && agrees(gpu, peer) ? nvli_plan_domain(peer) : NVLI_ALONE;
	}

	return nvli_required_mask(&gpu->topology, nvli_plan_domain(gpu), peer_domain);
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

/*
 * Work out the required links of all GPUs before anybody verifies one: else a GPU could be admitted
 * by the plan of before. The caller then has the worker look at those that are not isolated any
 * more.
 */
void nvli_plan_all(void)
{
	struct nvli_gpu *gpu;
	unsigned long flags;
	u32 required;

	mutex_lock(&plan_lock);
	rcu_read_lock();
	if (nvli_platform->relink)
		nvli_for_each_gpu_rcu(gpu)
			nvli_platform->relink(gpu);
	nvli_for_each_gpu_rcu(gpu) {
		required = required_of(gpu);
		raw_spin_lock_irqsave(&gpu->lock, flags);
		nvli_status_require(&gpu->status, required);
		if (nvli_state(&gpu->status) == NVLI_PENDING && !gpu->error[0])
			strscpy(gpu->error, "not tried yet", sizeof(gpu->error));
		raw_spin_unlock_irqrestore(&gpu->lock, flags);
	}
	rcu_read_unlock();
	mutex_unlock(&plan_lock);
}

static bool is_required(struct nvli_gpu *gpu, int link)
{
	return nvli_gpu_status(gpu).required & 1U << (GV100_LINK_DISABLE_SHIFT + link);
}

/* Is this a link to another GPU that is kept, because both are in one domain? */
bool nvli_plan_is_joined(struct nvli_gpu *gpu, int link)
{
	return gpu->topology.link[link].end == NVLI_END_GPU && !is_required(gpu, link);
}

/*
 * May another owner use a link of this GPU? Not if the link is disabled at an end, as last read
 * back, or need not be, or has nothing at the other end. An isolated peer has disabled all its
 * links to others, as far as it knows of them.
 */
bool nvli_plan_is_exposed(struct nvli_gpu *gpu, int link)
{
	struct nvli_gpu *peer;
	bool exposed;

	if (gpu->topology.link[link].end == NVLI_END_NONE || !is_required(gpu, link) ||
	    nvli_gpu_state(gpu) == NVLI_ISOLATED)
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

/* What is at the other end of a link, as sysfs and the log call it */
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
