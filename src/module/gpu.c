// SPDX-License-Identifier: GPL-2.0-only
/* One object per GPU, from the moment the PCI core adds it until it removes it. */

#include "nvli.h"

#include <linux/delay.h>
#include <linux/device.h>
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

/* Does a reset of this bridge's secondary bus reset the GPU? */
bool nvli_gpu_is_below(const struct nvli_gpu *gpu, const struct pci_dev *bridge)
{
	struct pci_dev *above = pci_upstream_bridge(gpu->pdev);

	while (above && above != bridge)
		above = pci_upstream_bridge(above);

	return above;
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
	spin_lock_init(&gpu->lock);
	ratelimit_state_init(&gpu->log, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);
	gpu->pdev = pci_dev_get(pdev);
	gpu->board = board;
	gpu->status.generation = 1;
	nvli_topology_read(gpu);

	err = nvli_sysfs_add(gpu);
	if (err)
		goto put_gpu;
	klist_add_tail(&gpu->node, &gpus);
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
	nvli_sysfs_remove(gpu);
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

	spin_lock(&gpu->lock);
	nvli_status_require(&gpu->status, required);
	spin_unlock(&gpu->lock);
}

struct nvli_status nvli_gpu_status(struct nvli_gpu *gpu)
{
	struct nvli_status status;

	spin_lock(&gpu->lock);
	status = gpu->status;
	spin_unlock(&gpu->lock);

	return status;
}

/* A reset of the GPU begins. */
void nvli_gpu_reset(struct nvli_gpu *gpu)
{
	spin_lock(&gpu->lock);
	nvli_status_reset(&gpu->status);
	if (gpu->status.state == NVLI_PENDING)
		strscpy(gpu->error, "reset, and not verified since", sizeof(gpu->error));
	spin_unlock(&gpu->lock);
}

/* The reset is over. */
void nvli_gpu_reset_done(struct nvli_gpu *gpu)
{
	spin_lock(&gpu->lock);
	nvli_status_reset_done(&gpu->status);
	spin_unlock(&gpu->lock);
}

/* Say in words what came of an attempt. Tenants can cause attempts, hence the limit. */
static void report(struct nvli_gpu *gpu, bool after_reset)
{
	struct nvli_status status;
	char links[NVLI_LINKS_TEXT];
	char error[NVLI_TEXT];

	if (!__ratelimit(&gpu->log))
		return;

	spin_lock(&gpu->lock);
	status = gpu->status;
	strscpy(error, gpu->error, sizeof(error));
	spin_unlock(&gpu->lock);

	switch (status.state) {
	case NVLI_ISOLATED:
		if (status.required)
			pci_info(gpu->pdev, "isolated: NVLinks %s read back as disabled%s\n",
				 nvli_links_text(status.required, links),
				 after_reset ? " after a reset" : "");
		else
			pci_info(gpu->pdev, "isolated: no NVLink has to be disabled\n");
		break;
	case NVLI_FAILED:
		pci_err(gpu->pdev, "NOT isolated, NVLinks may be up: %s\n", error);
		break;
	case NVLI_PENDING:
		pci_warn(gpu->pdev, "not isolated yet: %s\n", error);
		break;
	case NVLI_UNSUPPORTED:
		pci_warn(gpu->pdev, "left alone, not isolated: %s\n", error);
		break;
	case NVLI_OFF:
		break;
	}
}

/* Take what the hardware said, if it is still about this generation. */
static void judge(struct nvli_gpu *gpu, const struct nvli_status *before, int err,
		  const struct nvli_answer *answer)
{
	struct nvli_status *status = &gpu->status;
	u32 generation = before->generation;
	bool isolated = false;

	spin_lock(&gpu->lock);
	if (err != -EAGAIN &&
	    (!before->required || nvli_status_chip(status, generation, answer->boot_0))) {
		if (err)
			nvli_status_fault(status, generation);
		else
			isolated = nvli_status_read_back(status, generation, answer->disabled);
	}

	if (isolated)
		gpu->error[0] = '\0';
	else if (status->unwatched)
		strscpy(gpu->error, "its resets cannot be watched", sizeof(gpu->error));
	else if (err)
		strscpy(gpu->error, answer->text, sizeof(gpu->error));
	else if (status->generation != generation)
		strscpy(gpu->error, "reset while its links were being disabled",
			sizeof(gpu->error));
	else
		scnprintf(gpu->error, sizeof(gpu->error),
			  "link disable mask reads 0x%08x, 0x%08x is required",
			  answer->disabled, status->required);
	spin_unlock(&gpu->lock);
}

/* A GPU that a driver works with is not cut under it. A guest's GPU is: that is the point. */
static bool is_in_foreign_use(struct pci_dev *pdev)
{
	const struct device_driver *driver = pdev->dev.driver;

	return driver && strcmp(driver->name, "vfio-pci");
}

static int access_hardware(struct nvli_gpu *gpu, const struct nvli_status *status,
			   enum nvli_occasion occasion, struct nvli_answer *answer)
{
	/* Nothing to cut, nothing to prove: leave it alone. */
	if (!status->required)
		return 0;

	if (occasion == NVLI_START && is_in_foreign_use(gpu->pdev)) {
		scnprintf(answer->text, sizeof(answer->text),
			  "in use by driver %s; its links are cut after its next reset",
			  gpu->pdev->dev.driver->name);
		return -EAGAIN;
	}

	return nvli_bar0_apply(gpu, status->generation, status->required, occasion, answer);
}

/**
 * nvli_gpu_apply() - bring a GPU to the state that is required of it
 * @gpu: the GPU
 * @occasion: why now
 *
 * Does nothing unless the GPU is pending or failed. The caller sees to it that config space is
 * stable, as nvli_bar0_apply() asks. Sleeps.
 *
 * Return: false if the GPU has to be isolated and is not verified to be.
 */
bool nvli_gpu_apply(struct nvli_gpu *gpu, enum nvli_occasion occasion)
{
	struct nvli_answer answer = { .boot_0 = GV100_NO_ANSWER, .disabled = GV100_NO_ANSWER };
	struct nvli_status status;
	int err;

	mutex_lock(&gpu->apply_lock);
	nvli_gpu_plan(gpu);
	status = nvli_gpu_status(gpu);
	if (nvli_status_wants_work(&status)) {
		err = access_hardware(gpu, &status, occasion, &answer);
		judge(gpu, &status, err, &answer);
		report(gpu, status.reset_pending);
		status = nvli_gpu_status(gpu);
	}
	mutex_unlock(&gpu->apply_lock);

	return !nvli_status_wants_work(&status);
}

/**
 * nvli_gpu_enforce() - from now on the GPU has to be isolated
 * @gpu: the GPU
 * @watched: its resets come to us. If not, its links are cut all the same, and nothing is claimed.
 */
void nvli_gpu_enforce(struct nvli_gpu *gpu, bool watched)
{
	spin_lock(&gpu->lock);
	nvli_status_enforce(&gpu->status, watched);
	if (nvli_status_wants_work(&gpu->status))
		strscpy(gpu->error, watched ? "not tried yet" : "its resets cannot be watched",
			sizeof(gpu->error));
	spin_unlock(&gpu->lock);
}

#define LOCK_WAIT_MS	10

/* Keep others from resetting, binding and configuring a device, or give up. */
static bool lock_device(struct pci_dev *pdev, unsigned int tries)
{
	while (tries--) {
		if (device_trylock(&pdev->dev)) {
			if (pci_cfg_access_trylock(pdev))
				return true;
			device_unlock(&pdev->dev);
		}
		msleep(LOCK_WAIT_MS);
	}

	return false;
}

/*
 * A reset that was under way before the hooks were in place goes unseen, so its end is waited for.
 * It takes seconds; somebody who holds the device for longer does not hang the administrator.
 */
#define START_TRIES	1000

/* Enforcement starts: cut the links now. */
void nvli_gpu_start(struct nvli_gpu *gpu)
{
	struct nvli_status status;

	if (lock_device(gpu->pdev, START_TRIES)) {
		nvli_gpu_apply(gpu, NVLI_START);
		pci_cfg_access_unlock(gpu->pdev);
		device_unlock(&gpu->pdev->dev);
		return;
	}

	/* A reset that we saw has done it meanwhile, perhaps. */
	status = nvli_gpu_status(gpu);
	if (nvli_status_wants_work(&status))
		pci_warn(gpu->pdev, "not isolated yet: its device lock is held\n");
}

/* Enforcement ends for this GPU. Disabled links stay so until its next reset. */
void nvli_gpu_stop(struct nvli_gpu *gpu)
{
	mutex_lock(&gpu->apply_lock);
	spin_lock(&gpu->lock);
	nvli_status_release(&gpu->status);
	gpu->error[0] = '\0';
	spin_unlock(&gpu->lock);
	nvli_bar0_unmap(gpu);
	mutex_unlock(&gpu->apply_lock);
}

/* A driver or a guest waits for a second, and not for the end of somebody's reset. */
#define ADMIT_TRIES	100

/**
 * nvli_gpu_admit() - may this GPU be enabled?
 * @gpu: the GPU
 *
 * Called before a driver or a guest gets at the GPU. One that is not verified gets its links cut
 * now or is not admitted, unless the administrator chose gate=0.
 *
 * Return: false to deny.
 */
bool nvli_gpu_admit(struct nvli_gpu *gpu)
{
	unsigned int tries = ADMIT_TRIES;
	struct nvli_status status;
	bool isolated;

	for (;;) {
		status = nvli_gpu_status(gpu);
		if (!nvli_status_wants_work(&status))
			return true;
		/*
		 * Who holds this lock is about to reset the GPU or to restore it: then what is
		 * read may be gone in a moment, and what is put back would undo the restore. The
		 * device lock is not needed: our caller may have it.
		 */
		if (pci_cfg_access_trylock(gpu->pdev)) {
			isolated = nvli_gpu_apply(gpu, NVLI_BEFORE_ENABLE);
			pci_cfg_access_unlock(gpu->pdev);
			if (isolated)
				return true;
			break;
		}
		if (!tries--)
			break;
		msleep(LOCK_WAIT_MS);
	}

	if (!nvli_gate())
		return true;
	if (__ratelimit(&gpu->log))
		pci_err(gpu->pdev, "enabling denied (gate=1)\n");

	return false;
}
