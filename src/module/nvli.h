/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rooms of the module tell each other. Each of them includes this first. */
#ifndef NVLI_H
#define NVLI_H

/* Before any header of the kernel, which have defaults for these. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/klist.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <nvlink_isolation/core.h>

#define NVLI_BARS	(PCI_STD_RESOURCE_END + 1)
#define NVLI_BRIDGES	8	/* an AC922 has three above a GPU */
#define NVLI_TEXT	112	/* the longest error, and some room */
#define NVLI_PEER_NAME	16	/* "0004:05:00.0", "unknown" */

/*
 * How much of a bad value the log shows: its first line, and no more than a list can be long. A
 * precision of more than 32767, which fits into a page of 64K, is a warning of the kernel's.
 */
static inline int nvli_shown(const char *text)
{
	return min_t(size_t, strcspn(text, "\n"), NVLI_DOMAINS_TEXT);
}

/**
 * struct nvli_path - the bridges between a GPU and its PHB, from the root port down
 * @phb: OPAL's number of the PHB
 * @depth: how many bridges there are; -1 if the path cannot be told
 * @bridge: the bridges; they stay as long as the GPU's pci_dev is held
 * @id: their bus, device and function numbers, for those who may not look at @bridge
 *
 * Written once, when the GPU is added.
 */
struct nvli_path {
	u64 phb;
	int depth;
	struct pci_dev *bridge[NVLI_BRIDGES];
	u16 id[NVLI_BRIDGES];
};

/**
 * struct nvli_access - how BAR0 was made accessible, and has to be put back
 * @busy: EEH states of the PE in which nothing is accessed
 * @may_thaw: a frozen PE may be thawed for as long as the access takes
 * @late: EEH states that are taken off the PE for as long as the access takes
 * @was_frozen: it was, and has to be frozen again
 * @programmed: the BARs were, and decoding switched on
 * @memory: PCI_COMMAND_MEMORY before that, or 0
 * @bar: the BARs before that; not set otherwise
 */
struct nvli_access {
	int busy;
	bool may_thaw;
	int late;
	bool was_frozen;
	bool programmed;
	u16 memory;
	u32 bar[NVLI_BARS];
};

/**
 * struct nvli_bar0 - the pages of BAR0 that the registers lie in
 * @start: CPU address of BAR0 when they were mapped, to notice that it moved
 * @window: one mapping for each entry of bar0.c's table, NULL before the first access
 * @generation: the generation in which it is accessed now
 * @ring_generation: the generation in which we started the PRI ring; a reset stops it
 * @wrote: the last access was a write, which does not tell whether it arrived
 *
 * Only bar0.c looks inside.
 */
struct nvli_bar0 {
	resource_size_t start;
	void __iomem *window[3];
	u32 generation;
	u32 ring_generation;
	bool wrote;
};

/**
 * struct nvli_hold - what holding a GPU in reset needs
 * @writer: the task that is writing the port's reset bit for us; its writes are no event
 * @at: when the GPU was put into reset, in jiffies
 * @lost: it was held once, and may lose its config space again when whoever had it then goes
 * @known: the following were read before that
 * @command: PCI_COMMAND, without what a driver switches on
 * @control: PCI_EXP_DEVCTL
 * @control2: PCI_EXP_DEVCTL2
 */
struct nvli_hold {
	struct task_struct *writer;
	unsigned long at;
	bool lost;
	bool known;
	u16 command;
	u16 control;
	u16 control2;
};

/**
 * struct nvli_told - what was last said about a GPU in the log and by uevent
 * @state: see enum nvli_state
 * @held: it was said to be held
 * @reapplied: status.reapplied then
 * @denials: nvli_gpu.denials then
 */
struct nvli_told {
	enum nvli_state state;
	bool held;
	unsigned int reapplied;
	unsigned int denials;
};

/**
 * struct nvli_gpu - one V100 SXM2, from BUS_NOTIFY_ADD_DEVICE to BUS_NOTIFY_DEL_DEVICE
 * @node: in the list of all GPUs; holds one reference
 * @rcu_node: in the list for those who may not sleep nor take references
 * @ref: the list, iterators, hooks and queued work hold references
 * @pdev: the device; holds a reference, so that a late hook may still read its ids
 * @board: name of the board
 * @phandle: of its device-tree node, by which its peers name it; 0 if it has none
 * @path: the bridges above it
 * @topology: where the links lead; written once, when the GPU is added
 * @apply_lock: serialises access to the hardware. Inner to device_lock and to
 *		pci_cfg_access_lock, which are never taken under it.
 * @bar0: the mapped registers; guarded by @apply_lock
 * @access: how they were made accessible; guarded by @apply_lock
 * @hold: guarded by @apply_lock, but for its writer
 * @answered: PMC_BOOT_0 was an answer in the last attempt; guarded by @apply_lock
 * @lock: guards what follows; a leaf, taken with interrupts off, as by hook C
 * @status: state, masks, counters
 * @error: why the GPU is not isolated; empty when it is
 * @reset_at: when the last reset event was, in jiffies
 * @verified_at: when the mask was last read back as it has to be, in jiffies
 * @spared: a driver had it when enforcement began, and has it since without a reset
 * @dead: removed; no work is queued and the hardware is not touched any more
 * @denials: how often enabling it was denied
 * @told: what was said about it
 * @log: limits the log lines that a tenant can cause
 * @waiting: when enforcement started it could not be served at once; only for main.c
 * @work: what worker.c does about it
 * @retry_ms: when it tries again, doubled each time; only for worker.c
 * @release_ms: when it tries to release a held GPU again; only for worker.c
 */
struct nvli_gpu {
	struct klist_node node;
	struct list_head rcu_node;
	struct kref ref;
	struct pci_dev *pdev;
	const char *board;
	u32 phandle;
	struct nvli_path path;
	struct nvli_topology topology;

	struct mutex apply_lock;	/* the hardware */
	struct nvli_bar0 bar0;
	struct nvli_access access;
	struct nvli_hold hold;
	bool answered;

	raw_spinlock_t lock;		/* what follows, down to @log */
	struct nvli_status status;
	char error[NVLI_TEXT];
	unsigned long reset_at;
	unsigned long verified_at;
	bool spared;
	bool dead;
	unsigned int denials;
	struct nvli_told told;
	struct ratelimit_state log;

	bool waiting;
	struct delayed_work work;
	unsigned int retry_ms;
	unsigned int release_ms;
};

/**
 * enum nvli_occasion - why the mask is applied now; it decides what may be touched
 * @NVLI_AFTER_RESET: inside the reset hook, right after the reset: the GPU is nobody's, and may
 *		      still need some time to answer
 * @NVLI_BEFORE_ENABLE: inside the enable hook, before a driver or a guest gets at the GPU
 * @NVLI_START: enforcement starts; the GPU may be in use
 * @NVLI_LATER: the worker, or a driver is about to be bound
 * @NVLI_FORCED: root asked for it
 */
enum nvli_occasion {
	NVLI_AFTER_RESET,
	NVLI_BEFORE_ENABLE,
	NVLI_START,
	NVLI_LATER,
	NVLI_FORCED,
};

/**
 * enum nvli_phase - what the module is doing
 * @NVLI_LOADING: init has not ended: parameters are only noted
 * @NVLI_LIVE: GPUs are watched, and parameters have an effect at once
 * @NVLI_LEAVING: exit has begun: nothing has an effect any more
 */
enum nvli_phase {
	NVLI_LOADING,
	NVLI_LIVE,
	NVLI_LEAVING,
};

/* main.c; what comes after nvli_unlock() wants the lock held and the module live */
enum nvli_phase nvli_lock(void);
void nvli_unlock(void);
int nvli_start(void);
int nvli_stop(void);
void nvli_reconsider(void);
void nvli_replan(void);

/* parameters.c */
bool nvli_isolate(void);
bool nvli_gate(void);
unsigned int nvli_audit_seconds(void);

/* gpu.c */
struct nvli_gpu *nvli_gpu_add(struct pci_dev *pdev);
void nvli_gpu_remove(struct pci_dev *pdev);
void nvli_gpu_remove_all(void);
struct nvli_gpu *nvli_gpu_get(struct pci_dev *pdev);
void nvli_gpu_put(struct nvli_gpu *gpu);
void nvli_gpu_iter_init(struct klist_iter *iter);
struct nvli_gpu *nvli_gpu_next(struct klist_iter *iter);
bool nvli_is_below(struct pci_dev *pdev, const struct pci_dev *bridge);
void nvli_gpu_plan(struct nvli_gpu *gpu);
struct nvli_status nvli_gpu_status(struct nvli_gpu *gpu);
void nvli_gpu_enforce(struct nvli_gpu *gpu, bool watched);
void nvli_gpu_event(struct nvli_gpu *gpu, enum nvli_event event);
void nvli_gpu_held(struct nvli_gpu *gpu, bool held);

extern struct list_head nvli_gpus_rcu;

/* enforce.c */
#define NVLI_LOCK_WAIT_MS	10	/* between two tries of nvli_enforce_lock() */
bool nvli_has_foreign_driver(struct pci_dev *pdev);
bool nvli_enforce_apply(struct nvli_gpu *gpu, enum nvli_occasion occasion);
bool nvli_enforce_start(struct nvli_gpu *gpu, bool patient);
void nvli_enforce_stop(struct nvli_gpu *gpu);
void nvli_enforce_unblock(struct nvli_gpu *gpu);
bool nvli_enforce_audit(struct nvli_gpu *gpu);
void nvli_enforce_release(struct nvli_gpu *gpu);
bool nvli_enforce_lock(struct pci_dev *pdev, unsigned int tries);
void nvli_enforce_unlock(struct pci_dev *pdev);

/* admit.c */
bool nvli_admit_enable(struct nvli_gpu *gpu);
void nvli_admit_guest(struct nvli_gpu *gpu);
void nvli_admit_bind(struct nvli_gpu *gpu);
void nvli_admit_unbound(struct nvli_gpu *gpu);
int nvli_admit_force(struct nvli_gpu *gpu);
void nvli_admit_again(struct nvli_gpu *gpu);
bool nvli_admit_may_release(struct nvli_gpu *gpu);

/* tell.c */
bool nvli_tell(struct nvli_gpu *gpu);

/* worker.c */
int nvli_worker_init(void);
void nvli_worker_exit(void);
void nvli_worker_flush(void);
void nvli_worker_prepare(struct nvli_gpu *gpu);
void nvli_worker_kick(struct nvli_gpu *gpu);
void nvli_worker_kick_all(void);
void nvli_worker_forget(struct nvli_gpu *gpu);

/* topology.c */
void nvli_topology_read(struct nvli_gpu *gpu);
void nvli_topology_describe(struct nvli_gpu *gpu);
void nvli_topology_peer_name(struct nvli_gpu *gpu, int link, char name[NVLI_PEER_NAME]);
u32 nvli_topology_required(struct nvli_gpu *gpu);
int nvli_topology_domain(struct pci_dev *pdev);
struct nvli_domains nvli_topology_domains(void);
void nvli_topology_set_domains(const struct nvli_domains *new);
void nvli_topology_warn_of_absent(void);
bool nvli_topology_is_exposed(struct nvli_gpu *gpu, const struct nvli_status *status, int link);

/**
 * struct nvli_answer - what the hardware said
 * @boot_0: PMC_BOOT_0, GV100_NO_ANSWER if it was not read
 * @disabled: GV100_LINK_DISABLE as read back
 * @text: what went wrong, for last_error and the log
 */
struct nvli_answer {
	u32 boot_0;
	u32 disabled;
	char text[NVLI_TEXT];
};

/* eeh.c */
bool nvli_is_in_eehd(void);
bool nvli_eeh_is_passed(struct nvli_gpu *gpu);
void nvli_eeh_prepare(struct nvli_gpu *gpu, enum nvli_occasion occasion);
bool nvli_eeh_is_busy(struct nvli_gpu *gpu);
const char *nvli_eeh_obstacle(struct nvli_gpu *gpu);
const char *nvli_eeh_channel_obstacle(struct nvli_gpu *gpu);
bool nvli_eeh_has_given_up(struct nvli_gpu *gpu);
void nvli_eeh_wait_for_phb(struct nvli_gpu *gpu);
void nvli_eeh_begin(struct nvli_gpu *gpu);
const char *nvli_eeh_thaw(struct nvli_gpu *gpu);
void nvli_eeh_end(struct nvli_gpu *gpu);
bool nvli_eeh_is_frozen(struct nvli_gpu *gpu);
void nvli_eeh_unblock(struct nvli_gpu *gpu);

/* config.c */
const char *nvli_config_closed(struct nvli_gpu *gpu);
int nvli_config_wait(struct nvli_gpu *gpu, unsigned long deadline, const char **what);
bool nvli_config_reachable(struct nvli_gpu *gpu);
const char *nvli_config_start(struct nvli_gpu *gpu, bool may_switch);
void nvli_config_stop(struct nvli_gpu *gpu);
void nvli_config_remember(struct nvli_gpu *gpu);
void nvli_config_repair(struct nvli_gpu *gpu, bool in_use);

/* bar0.c */
int nvli_bar0_apply(struct nvli_gpu *gpu, const struct nvli_status *status,
		    enum nvli_occasion occasion, struct nvli_answer *answer);
int nvli_bar0_read_mask(struct nvli_gpu *gpu, u32 generation, struct nvli_answer *answer);
void nvli_bar0_unmap(struct nvli_gpu *gpu);

/* hold.c */
const char *nvli_hold_set(struct nvli_gpu *gpu);
bool nvli_hold_is_set(struct nvli_gpu *gpu);
bool nvli_hold_clear(struct nvli_gpu *gpu);

/* resets.c */
bool nvli_resets_watch(struct pci_dev *pdev);
bool nvli_resets_are_watched(struct nvli_gpu *gpu);
int nvli_resets_unwatch_all(void);

/* opal.c */
void nvli_opal_read_path(struct nvli_gpu *gpu);
bool nvli_opal_watch(void);
void nvli_opal_unwatch(void);
bool nvli_opal_fires(struct nvli_gpu *gpu);

/* sysfs.c */
int nvli_sysfs_add(struct nvli_gpu *gpu);
void nvli_sysfs_remove(struct nvli_gpu *gpu);
void nvli_sysfs_uevent(struct nvli_gpu *gpu, enum nvli_state state);

#endif
