// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the GPU objects, and the list of them. The gate and hook C read the list under RCU
 * with interrupts off; all other callers take a reference.
 */

#include "log.h"
#include "gpu.h"
#include "settings.h"

#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

LIST_HEAD(nvli_gpus);
static DEFINE_MUTEX(list_lock);
static unsigned int last_serial;

static struct workqueue_struct *queue;

/* Return: 0 or -ENOMEM. */
int nvli_gpus_init(void)
{
	/* Unbound, so that GPUs that were reset together are verified at the same time. */
	queue = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND | WQ_FREEZABLE, 0);

	return queue ? 0 : -ENOMEM;
}

void nvli_gpus_exit(void)
{
	destroy_workqueue(queue);
}

static void free_gpu(struct kref *ref)
{
	struct nvli_gpu *gpu = container_of(ref, struct nvli_gpu, ref);
	struct nvli_mapping *mapping = rcu_dereference_protected(gpu->mapping, true);

	if (mapping)
		iounmap(mapping->base);
	kfree(mapping);
	pci_dev_put(gpu->pdev);
	kfree(gpu);
}

/* May sleep if this is the last reference. */
void nvli_gpu_put(struct nvli_gpu *gpu)
{
	kref_put(&gpu->ref, free_gpu);
}

/*
 * Make the object of a V100 SXM2, with one reference; NULL if there is no memory. The caller fills
 * in path and topology and then publishes it. Touches no hardware.
 */
struct nvli_gpu *nvli_gpu_new(struct pci_dev *pdev, work_func_t work)
{
	struct nvli_gpu *gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);

	if (!gpu)
		return NULL;

	kref_init(&gpu->ref);
	mutex_init(&gpu->power_lock);
	mutex_init(&gpu->ring_lock);
	raw_spin_lock_init(&gpu->lock);
	ratelimit_state_init(&gpu->log, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);
	INIT_DELAYED_WORK(&gpu->work, work);
	gpu->added_at = jiffies;
	gpu->pdev = pci_dev_get(pdev);
	gpu->status.generation = 1;
	/* Until it is planned: the gate may meet it before. */
	gpu->status.required = GV100_LINK_DISABLE_ALL;

	return gpu;
}

/* From now on the GPU is found. The list takes over the caller's reference. */
void nvli_gpu_publish(struct nvli_gpu *gpu)
{
	mutex_lock(&list_lock);
	gpu->serial = ++last_serial;
	list_add_tail_rcu(&gpu->node, &nvli_gpus);
	mutex_unlock(&list_lock);
}

/*
 * The device of a published GPU is being removed, or the module unloaded. The module does not touch
 * its hardware afterwards. Callers hold the PCI rescan lock. This waits for the worker, which takes
 * neither that lock nor nvli_lock.
 */
void nvli_gpu_remove(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	WRITE_ONCE(gpu->dead, true);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	mutex_lock(&list_lock);
	list_del_rcu(&gpu->node);
	mutex_unlock(&list_lock);
	/* The gate and hook C may still be looking at it, and at its device. */
	synchronize_rcu();
	/* A sleepable caller may be waking or verifying it. */
	mutex_lock(&gpu->power_lock);
	mutex_lock(&gpu->ring_lock);
	mutex_unlock(&gpu->ring_lock);
	mutex_unlock(&gpu->power_lock);
	cancel_delayed_work_sync(&gpu->work);
	nvli_gpu_put(gpu);
}

/* Find the object of a device. The caller puts the reference. NULL for any other device. */
struct nvli_gpu *nvli_gpu_get(const struct pci_dev *pdev)
{
	struct nvli_gpu *gpu, *found = NULL;

	rcu_read_lock();
	nvli_for_each_gpu_rcu(gpu) {
		if (gpu->pdev == pdev && kref_get_unless_zero(&gpu->ref)) {
			found = gpu;
			break;
		}
	}
	rcu_read_unlock();

	return found;
}

/* Find a GPU by its place, under RCU. */
struct nvli_gpu *nvli_gpu_find(const struct pci_bus *bus, unsigned int devfn)
{
	struct nvli_gpu *gpu;

	nvli_for_each_gpu_rcu(gpu)
		if (gpu->pdev->bus == bus && gpu->pdev->devfn == devfn)
			return gpu;

	return NULL;
}

/**
 * nvli_gpu_next() - get the next GPU
 * @previous: the one before, whose reference is put; NULL to begin
 *
 * For walks that sleep. A walk has to run to its end: while ((gpu = nvli_gpu_next(gpu))) ...
 *
 * Return: the next GPU, with a reference, or NULL at the end.
 */
struct nvli_gpu *nvli_gpu_next(struct nvli_gpu *previous)
{
	unsigned int serial = previous ? previous->serial : 0;
	struct nvli_gpu *gpu, *next = NULL;

	rcu_read_lock();
	nvli_for_each_gpu_rcu(gpu) {
		if (gpu->serial > serial && kref_get_unless_zero(&gpu->ref)) {
			next = gpu;
			break;
		}
	}
	rcu_read_unlock();
	if (previous)
		nvli_gpu_put(previous);

	return next;
}

/*
 * The GPU as the parameters name it, see NVLI_GPU_ID. Intel's VMD makes segments above ffff: 0
 * stands for all GPUs there. It is the address of a host bridge, so no parameter names such a GPU.
 */
u32 nvli_gpu_id(const struct nvli_gpu *gpu)
{
	const struct pci_dev *pdev = gpu->pdev;
	u32 segment = pci_domain_nr(pdev->bus);

	if (segment > U16_MAX)
		return 0;

	return NVLI_GPU_ID(segment, pdev->bus->number, PCI_SLOT(pdev->devfn),
			   PCI_FUNC(pdev->devfn));
}

/* The port above a GPU: a PCIe port, below which there is no other device. NULL if it has none. */
struct pci_dev *nvli_gpu_port(const struct nvli_gpu *gpu)
{
	struct pci_dev *port = pci_upstream_bridge(gpu->pdev);

	return port && pci_is_pcie(port) && (pci_pcie_type(port) == PCI_EXP_TYPE_ROOT_PORT ||
					     pci_pcie_type(port) == PCI_EXP_TYPE_DOWNSTREAM) ?
		port : NULL;
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

enum nvli_state nvli_gpu_state(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);

	return nvli_state(&status);
}

/* Would the gate refuse to switch it on, because an attempt since the last reset has failed? */
bool nvli_gpu_is_refused(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);

	return READ_ONCE(nvli_gate) && nvli_state(&status) == NVLI_FAILED &&
	       nvli_status_has_failed(&status) && !READ_ONCE(gpu->left_to_driver);
}

/* The gate or hook B has refused to switch on or to enable the GPU. Any context. */
void nvli_gpu_count_refusal(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	gpu->refused++;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/* Work on the GPU may use a link that has to be disabled. Any context. */
void nvli_gpu_set_lost(struct nvli_gpu *gpu)
{
	if (!READ_ONCE(gpu->lost_ns))
		WRITE_ONCE(gpu->lost_ns, ktime_get_ns());
}

/* The host driver that had the GPU when enforcement began keeps it no longer. Any context. */
void nvli_gpu_take_back(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	gpu->left_to_driver = false;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/* May a required link be enabled, because it was not read back as disabled since the last reset? */
bool nvli_gpu_is_uncut(struct nvli_gpu *gpu)
{
	struct nvli_status status = nvli_gpu_status(gpu);
	enum nvli_state state = nvli_state(&status);

	return (state == NVLI_PENDING || state == NVLI_FAILED) &&
	       !nvli_status_was_cut(&status) && !READ_ONCE(gpu->left_to_driver);
}

/* May the user of an enabled GPU be able to use a required link? */
bool nvli_gpu_is_open_uncut(struct nvli_gpu *gpu)
{
	return pci_is_enabled(gpu->pdev) && nvli_gpu_is_uncut(gpu);
}

/* Decoding may be on, and config space is blocked. The worker has to reset the GPU. Any context. */
void nvli_gpu_set_stuck_on(struct nvli_gpu *gpu)
{
	WRITE_ONCE(gpu->stuck_on, true);
	nvli_gpu_kick(gpu);
}

/* The facts to publish. The caller holds @gpu->lock. */
struct nvli_reported nvli_gpu_news(const struct nvli_gpu *gpu)
{
	return (struct nvli_reported) {
		.state = nvli_state(&gpu->status),
		.reapplied = gpu->status.reapplied,
		.refused = gpu->refused,
		.repaired = gpu->repaired,
		.required = gpu->status.required,
	};
}

/* Has something changed that was not published yet? Any context. */
bool nvli_gpu_has_news(struct nvli_gpu *gpu)
{
	struct nvli_reported now;
	unsigned long flags;
	bool news;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	now = nvli_gpu_news(gpu);
	news = memcmp(&now, &gpu->reported, sizeof(now));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return news;
}

/* Why the GPU is not isolated; empty if it is, or is off. The caller holds @gpu->lock. */
const char *nvli_gpu_error(const struct nvli_gpu *gpu)
{
	enum nvli_state state = nvli_state(&gpu->status);

	return state == NVLI_ISOLATED || state == NVLI_OFF ? "" : gpu->error;
}

/* A GPU that has to be verified cannot be reached, because of @what. Any context. */
void nvli_gpu_set_obstacle(struct nvli_gpu *gpu, const char *what)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (nvli_state(&gpu->status) == NVLI_PENDING)
		scnprintf(gpu->error, sizeof(gpu->error), "not reachable: %s", what);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/*
 * Parts of the names of drivers that hand a device on to a guest or a program. Only vfio-pci lets
 * the module identify the recipient. With any other of them the GPU is alone.
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

/*
 * Does a driver of the host use the GPU itself? Any context: the driver's name is freed with its
 * module, after an RCU grace period.
 */
bool nvli_gpu_has_host_driver(const struct nvli_gpu *gpu)
{
	const struct device_driver *driver;
	bool host;

	rcu_read_lock();
	driver = READ_ONCE(gpu->pdev->dev.driver);
	host = driver && !hands_on(driver->name);
	rcu_read_unlock();

	return host;
}

/* Wake the worker for a GPU now. Any context. */
void nvli_gpu_kick(struct nvli_gpu *gpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (!gpu->dead)
		mod_delayed_work(queue, &gpu->work, 0);
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}

/* Wake the worker after @ms, unless it is due sooner anyway. */
void nvli_gpu_kick_in(struct nvli_gpu *gpu, unsigned int ms)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	if (!gpu->dead)
		queue_delayed_work(queue, &gpu->work, msecs_to_jiffies(max(ms, 1U)));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
}
