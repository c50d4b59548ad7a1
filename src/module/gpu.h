/* SPDX-License-Identifier: GPL-2.0-only */
/* One object for each GPU: its state, its lifetime and its locks. */
#ifndef NVLI_GPU_H
#define NVLI_GPU_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <nvlink_isolation/core.h>

struct vfio_device;

#define NVLI_BRIDGES	8	/* an AC922 has three above a GPU */
#define NVLI_TEXT	112	/* the longest error, and some room */

/**
 * struct nvli_path - the bridges between a GPU and its host bridge, from the root port down
 * @phb: the firmware's number of the host bridge
 * @depth: how many bridges there are; -1 if the path is not known
 * @bridge: the bridges; they stay as long as the GPU's pci_dev is held
 * @containment: where each has the capability of Downstream Port Containment, 0 for nowhere
 * @power_control: those above whose slot power can be switched off: a set of bridges
 *
 * Written once, when the GPU is added; the last two before its ports are watched, on x86-64.
 */
struct nvli_path {
	u64 phb;
	int depth;
	struct pci_dev *bridge[NVLI_BRIDGES];
	u16 containment[NVLI_BRIDGES];
	u32 power_control;
};

/* The GPU is in reset: struct nvli_reset.settled_ns */
#define NVLI_IN_RESET	U64_MAX

/**
 * struct nvli_reset - the last reset of a GPU
 * @settled_ns: when the GPU may be accessed again, by ktime_get_ns(); NVLI_IN_RESET until its
 *		release has been seen
 * @asserted: what keeps it in reset, by config writes: see nvli_event_control()
 * @in_steps: firmware is working on a reset
 * @happened: the GPU was really reset and then released: by this reset, or by an earlier one since
 *	      which it was not used
 */
struct nvli_reset {
	u64 settled_ns;
	u32 asserted;
	bool in_steps;
	bool happened;
};

/**
 * struct nvli_mapping - BAR0 as mapped for the gate, which cannot map it itself
 * @start: CPU address of BAR0 then, to notice that it moved
 * @base: its registers, up to the last one that is needed
 */
struct nvli_mapping {
	resource_size_t start;
	void __iomem *base;
};

/**
 * enum nvli_how - how insistent a caller of a verification is
 * @NVLI_ONCE: no attempt after a failed one since the last reset, and none on a GPU that is left to
 *	       its host driver
 * @NVLI_RETRY: repeat a failed attempt if no user with an old mapping could reach the GPU meanwhile
 * @NVLI_FORCE: always, on behalf of root
 */
enum nvli_how {
	NVLI_ONCE,
	NVLI_RETRY,
	NVLI_FORCE,
};

/**
 * enum nvli_answer - the result of a verification
 * @NVLI_VERIFIED: every required link was read back as disabled, or none is required
 * @NVLI_LEFT_ALONE: the GPU is left to its host driver, is an unsupported chip, or is off
 * @NVLI_NOT_READY: the GPU cannot be accessed now
 * @NVLI_NOT_VERIFIED: an attempt failed, now or before
 */
enum nvli_answer {
	NVLI_VERIFIED,
	NVLI_LEFT_ALONE,
	NVLI_NOT_READY,
	NVLI_NOT_VERIFIED,
};

/**
 * struct nvli_bell - a request to verify through a config write, see nvli_gate_ring()
 * @ringer: the task whose next write is the request, NULL for none
 * @how: how insistent the ringer is
 * @answer: the result
 */
struct nvli_bell {
	struct task_struct *ringer;
	enum nvli_how how;
	enum nvli_answer answer;
};

/**
 * struct nvli_reported - the facts last published about a GPU, in the log and by uevent
 * @state: its state
 * @reapplied: status.reapplied then
 * @refused: nvli_gpu.refused then
 * @repaired: nvli_gpu.repaired then
 * @required: status.required then
 */
struct nvli_reported {
	enum nvli_state state;
	unsigned int reapplied;
	unsigned int refused;
	unsigned int repaired;
	u32 required;
};

/**
 * struct nvli_gpu - one V100 SXM2, from BUS_NOTIFY_ADD_DEVICE to BUS_NOTIFY_DEL_DEVICE
 * @node: in the list of all GPUs
 * @serial: counts the GPUs that were ever added, so that a walk can continue after a removed one
 * @ref: the list and callers that sleep with it hold references; readers under RCU need none
 * @pdev: the device; holds a reference
 * @phandle: of its device-tree node, by which its peers name it; 0 if it has none
 * @path: the bridges above it
 * @topology: where the links lead; written when the GPU is added, and where links are declared by
 *	      nvli_plan_all(), too. A reader meanwhile may see the old end of one link, and the new
 *	      end of another.
 * @vfio: its VFIO device, NULL if that is not known. For owner.c alone, like @owner.
 * @owner: its owner, as of the last nvli_owners_update()
 * @power_lock: serialises waking and suspending by pci_set_power_state(); outside @ring_lock
 * @ring_lock: serialises verifications of sleepable callers, and the mapping
 * @mapping: BAR0 for the gate; written under @ring_lock, read under RCU
 * @bell: written under @ring_lock, handled by the gate
 * @lock: guards what follows, down to @log, but for @switched_on, @lost_ns and @stuck_on. A leaf:
 *	  taken with interrupts off, and never held across a config access, since those may enter
 *	  hook C, which takes it.
 * @status: facts from which the state follows
 * @reset: the last reset
 * @error: why the GPU was last not isolated: see nvli_gpu_error()
 * @verified_ns: ktime_get_ns() of the last verified read-back, 0 for never
 * @switched_on: how often memory decoding was switched on since enforcement began, by the gate or
 *		 past it; counted under the bus entry's lock
 * @refused: how often switching it on or enabling it was refused
 * @repaired: how often links were found enabled without a reset, and were disabled again
 * @left_to_driver: a host driver had it when enforcement began, and keeps it until its next reset,
 *		    or until decoding was off; without @lock a hint
 * @lost_ns: since when work on the GPU may use a required link that is not disabled, or when its
 *	     port last failed to reset it for that, by ktime_get_ns(). 0 if verified or reset since
 * @stuck_on: decoding may be on and cannot be switched off: the port has to reset the GPU
 * @dead: removed: no work is queued and the hardware is not touched any more
 * @reported: the facts last published about it
 * @log: limits the log lines that a tenant can cause
 * @work: the worker's turn for it. What follows is for worker.c alone.
 * @planned: its links were planned since it was added, at @added_at, in jiffies
 * @retry_ms: its next back-off
 * @audit_at: when it audits the GPU next, in jiffies
 * @retry_at: when it tries the GPU again after a failure, in jiffies
 * @drawn_for: @verified_ns when the time of the next audit was drawn
 * @link_generation: the generation in which the port's link-down latch was cleared
 * @checked_at: when the worker last checked hooks and port, in jiffies
 */
struct nvli_gpu {
	struct list_head node;
	unsigned int serial;
	struct kref ref;
	struct pci_dev *pdev;
	u32 phandle;
	struct nvli_path path;
	struct nvli_topology topology;

	const struct vfio_device *vfio;
	struct nvli_owner owner;

	struct mutex power_lock;	/* sleep by pci_set_power_state() */
	struct mutex ring_lock;		/* verifications of sleepable callers */
	struct nvli_mapping __rcu *mapping;
	struct nvli_bell bell;

	raw_spinlock_t lock;		/* what follows, down to @log */
	struct nvli_status status;
	struct nvli_reset reset;
	char error[NVLI_TEXT];
	u64 verified_ns;
	unsigned int switched_on;
	unsigned int refused;
	unsigned int repaired;
	bool left_to_driver;
	u64 lost_ns;
	bool stuck_on;
	bool dead;
	struct nvli_reported reported;
	struct ratelimit_state log;

	struct delayed_work work;
	bool planned;
	unsigned long added_at;
	unsigned int retry_ms;
	unsigned long audit_at;
	unsigned long retry_at;
	u64 drawn_for;
	u32 link_generation;
	unsigned long checked_at;
};

int nvli_gpus_init(void);
void nvli_gpus_exit(void);
struct nvli_gpu *nvli_gpu_new(struct pci_dev *pdev, work_func_t work);
void nvli_gpu_publish(struct nvli_gpu *gpu);
void nvli_gpu_remove(struct nvli_gpu *gpu);
struct nvli_gpu *nvli_gpu_get(const struct pci_dev *pdev);
void nvli_gpu_put(struct nvli_gpu *gpu);
struct nvli_gpu *nvli_gpu_find(const struct pci_bus *bus, unsigned int devfn);
struct nvli_gpu *nvli_gpu_next(struct nvli_gpu *previous);
u32 nvli_gpu_id(const struct nvli_gpu *gpu);
struct pci_dev *nvli_gpu_port(const struct nvli_gpu *gpu);

extern struct list_head nvli_gpus;

/* Walk all GPUs under RCU, without sleeping. */
#define nvli_for_each_gpu_rcu(gpu) list_for_each_entry_rcu(gpu, &nvli_gpus, node)

struct nvli_status nvli_gpu_status(struct nvli_gpu *gpu);
enum nvli_state nvli_gpu_state(struct nvli_gpu *gpu);
void nvli_gpu_count_refusal(struct nvli_gpu *gpu);
void nvli_gpu_set_lost(struct nvli_gpu *gpu);
void nvli_gpu_take_back(struct nvli_gpu *gpu);
bool nvli_gpu_is_uncut(struct nvli_gpu *gpu);
bool nvli_gpu_is_open_uncut(struct nvli_gpu *gpu);
void nvli_gpu_set_stuck_on(struct nvli_gpu *gpu);
struct nvli_reported nvli_gpu_news(const struct nvli_gpu *gpu);
bool nvli_gpu_has_news(struct nvli_gpu *gpu);
bool nvli_gpu_is_refused(struct nvli_gpu *gpu);
const char *nvli_gpu_error(const struct nvli_gpu *gpu);
void nvli_gpu_set_obstacle(struct nvli_gpu *gpu, const char *what);
bool nvli_gpu_has_host_driver(const struct nvli_gpu *gpu);

void nvli_gpu_kick(struct nvli_gpu *gpu);
void nvli_gpu_kick_in(struct nvli_gpu *gpu, unsigned int ms);

#endif
