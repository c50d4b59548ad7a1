// SPDX-License-Identifier: GPL-2.0-only
/* One object per GPU, from the moment the PCI core adds it until it removes it. */

#include "nvli.h"
#include "trace.h"

#include <linux/jiffies.h>
#include <linux/slab.h>

static void get_from_list(struct klist_node *node)
{
	kref_get(&container_of(node, struct nvli_gpu, node)->ref);
}

static void put_from_list(struct klist_node *node)
{
	nvli_gpu_put(container_of(node, struct nvli_gpu, node));
}

/* A klist may be walked while GPUs come and go, and no lock is held between two of them. */
static struct klist gpus = KLIST_INIT(gpus, get_from_list, put_from_list);

/* The same for hook C, which may take no lock of a klist: read under RCU, written under a mutex. */
LIST_HEAD(nvli_gpus_rcu);
static DEFINE_MUTEX(rcu_list_lock);

static void free_gpu(struct kref *ref)
{
	struct nvli_gpu *gpu = container_of(ref, struct nvli_gpu, ref);

	nvli_bar0_unmap(gpu);
	pci_dev_put(gpu->pdev);
	kfree(gpu);
}

void nvli_gpu_put(struct nvli_gpu *gpu)
{
	kref_put(&gpu->ref, free_gpu);
}

/* Start a walk over all GPUs; klist_iter_exit() ends it. */
void nvli_gpu_iter_init(struct klist_iter *iter)
{
	klist_iter_init(&gpus, iter);
}

/* The next GPU, or NULL. It is held until the following call or klist_iter_exit(). */
struct nvli_gpu *nvli_gpu_next(struct klist_iter *iter)
{
	struct klist_node *node = klist_next(iter);

	return node ? container_of(node, struct nvli_gpu, node) : NULL;
}

/* Find the object of a device. The caller puts the reference. NULL for every other device. */
struct nvli_gpu *nvli_gpu_get(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu;
	struct klist_iter iter;

	if (!nvli_board(pdev->vendor, pdev->device))
		return NULL;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)) && gpu->pdev != pdev)
		;
	if (gpu)
		kref_get(&gpu->ref);
	klist_iter_exit(&iter);

	return gpu;
}

/* Does a reset of this bridge's secondary bus reset the device? */
bool nvli_is_below(struct pci_dev *pdev, const struct pci_dev *bridge)
{
	do
		pdev = pci_upstream_bridge(pdev);
	while (pdev && pdev != bridge);

	return pdev;
}

/**
 * nvli_gpu_add() - take a GPU in
 * @pdev: any PCI device; only a V100 SXM2 that is not known yet is taken
 *
 * Nothing of the hardware is touched. The caller holds main.c's mutex, so that a GPU is not taken
 * twice.
 *
 * Return: the GPU, held by the list, or NULL if there is nothing to take in.
 */
struct nvli_gpu *nvli_gpu_add(struct pci_dev *pdev)
{
	const char *board = nvli_board(pdev->vendor, pdev->device);
	struct nvli_gpu *gpu;
	int err;

	if (!board)
		return NULL;

	gpu = nvli_gpu_get(pdev);
	if (gpu) {
		nvli_gpu_put(gpu);
		return NULL;
	}

	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu) {
		err = -ENOMEM;
		goto no_gpu;
	}

	kref_init(&gpu->ref);
	mutex_init(&gpu->apply_lock);
	raw_spin_lock_init(&gpu->lock);
	ratelimit_state_init(&gpu->log, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);
	gpu->pdev = pci_dev_get(pdev);
	gpu->board = board;
	gpu->status.generation = 1;
	nvli_opal_read_path(gpu);
	nvli_topology_read(gpu);
	nvli_worker_prepare(gpu);

	err = nvli_sysfs_add(gpu);
	if (err)
		goto put_gpu;
	klist_add_tail(&gpu->node, &gpus);
	mutex_lock(&rcu_list_lock);
	list_add_tail_rcu(&gpu->rcu_node, &nvli_gpus_rcu);
	mutex_unlock(&rcu_list_lock);
	nvli_gpu_put(gpu);

	return gpu;

put_gpu:
	nvli_gpu_put(gpu);
no_gpu:
	pci_err(pdev, "cannot be taken in (error %d): it is not isolated\n", err);
	return NULL;
}

static void remove_gpu(struct nvli_gpu *gpu)
{
	struct pci_dev *port = pci_upstream_bridge(gpu->pdev);

	nvli_sysfs_remove(gpu);
	nvli_worker_forget(gpu);
	/* EEH forgets the device next. Who has the lock needs it, for a second or two. */
	mutex_lock(&gpu->apply_lock);
	mutex_unlock(&gpu->apply_lock);
	if (nvli_gpu_status(gpu).held)
		pci_warn(gpu->pdev, "removed while held in reset: `setpci -s %s BRIDGE_CONTROL=0:40` and a rescan bring it back\n",
			 pci_name(port));

	mutex_lock(&rcu_list_lock);
	list_del_rcu(&gpu->rcu_node);
	mutex_unlock(&rcu_list_lock);
	/* Hook C may still be looking at it, and at its device. */
	synchronize_rcu();
	/* Nobody waits here: an iterator that is on this GPU drops it when it goes on. */
	klist_del(&gpu->node);
}

/* Let a device go, if it is one of ours. Called under pci_lock_rescan_remove(). */
void nvli_gpu_remove(struct pci_dev *pdev)
{
	struct nvli_gpu *gpu = nvli_gpu_get(pdev);

	if (!gpu)
		return;

	remove_gpu(gpu);
	nvli_gpu_put(gpu);
}

/* The module goes. Called under pci_lock_rescan_remove(), after the notifier. */
void nvli_gpu_remove_all(void)
{
	struct klist_iter iter;
	struct nvli_gpu *gpu;

	nvli_gpu_iter_init(&iter);
	while ((gpu = nvli_gpu_next(&iter)))
		remove_gpu(gpu);
	klist_iter_exit(&iter);
}

/* Work out which links have to be cut, from what is known of groups and peers now. */
void nvli_gpu_plan(struct nvli_gpu *gpu)
{
	u32 required = nvli_topology_required(gpu);
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_require(&gpu->status, required);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

struct nvli_status nvli_gpu_status(struct nvli_gpu *gpu)
{
	struct nvli_status status;
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	status = gpu->status;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return status;
}

/**
 * nvli_gpu_enforce() - from now on the GPU has to be isolated
 * @gpu: the GPU
 * @watched: its resets come to us. If not, its links are cut all the same, and nothing is claimed.
 */
void nvli_gpu_enforce(struct nvli_gpu *gpu, bool watched)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_enforce(&gpu->status, watched);
	if (nvli_status_wants_work(&gpu->status))
		strscpy(gpu->error, watched ? "not tried yet" : "its resets cannot be watched",
			sizeof(gpu->error));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/**
 * nvli_gpu_event() - something happened that resets the GPU, or may
 * @gpu: the GPU
 * @event: what it was
 *
 * From any context: takes no reference and does not sleep.
 */
void nvli_gpu_event(struct nvli_gpu *gpu, enum nvli_event event)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	nvli_status_event(&gpu->status, event);
	gpu->reset_at = jiffies;
	/* Whoever had it when enforcement began has lost it. */
	gpu->spared = false;
	if (gpu->status.state == NVLI_PENDING)
		strscpy(gpu->error, "reset, and not verified since", sizeof(gpu->error));
	trace_nvli_event(gpu, event);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/* We hold the GPU in reset now, or do not any more. */
void nvli_gpu_held(struct nvli_gpu *gpu, bool held)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (held)
		nvli_status_hold(&gpu->status);
	else
		nvli_status_let_go(&gpu->status);
	gpu->reset_at = jiffies;
	trace_nvli_hold(gpu, held);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}
