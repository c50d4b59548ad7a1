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
#include <linux/spinlock.h>

#include <nvlink_isolation/core.h>

#define NVLI_BARS	(PCI_STD_RESOURCE_END + 1)
#define NVLI_TEXT	112	/* the longest error, and some room */
#define NVLI_PEER_NAME	16	/* "0004:05:00.0", "unknown" */

/**
 * struct nvli_bar0 - the pages of BAR0 that the registers lie in
 * @start: CPU address of BAR0 when they were mapped, to notice that it moved
 * @window: one mapping for each entry of bar0.c's table, NULL before the first access
 * @ring_generation: the generation in which we started the PRI ring; a reset stops it
 *
 * Only bar0.c looks inside, under nvli_gpu.apply_lock.
 */
struct nvli_bar0 {
	resource_size_t start;
	void __iomem *window[3];
	u32 ring_generation;
};

/**
 * struct nvli_gpu - one V100 SXM2, from BUS_NOTIFY_ADD_DEVICE to BUS_NOTIFY_DEL_DEVICE
 * @node: in the list of all GPUs; holds one reference
 * @ref: the list, iterators and hooks hold references
 * @pdev: the device; holds a reference, so that a late hook may still read its ids
 * @board: name of the board
 * @phandle: of its device-tree node, by which its peers name it; 0 if it has none
 * @topology: where the links lead; written once, when the GPU is added
 * @apply_lock: serialises access to the hardware, guards @bar0. Inner to device_lock and to
 *		pci_cfg_access_lock, which are never taken under it.
 * @bar0: the mapped registers
 * @lock: guards @status and @error; a leaf
 * @status: state, masks, counters
 * @error: why the GPU is not isolated; empty when it is
 * @log: limits the log lines that a tenant can cause
 */
struct nvli_gpu {
	struct klist_node node;
	struct kref ref;
	struct pci_dev *pdev;
	const char *board;
	u32 phandle;
	struct nvli_topology topology;
	struct mutex apply_lock;	/* the hardware, bar0 */
	struct nvli_bar0 bar0;
	spinlock_t lock;		/* status, error */
	struct nvli_status status;
	char error[NVLI_TEXT];
	struct ratelimit_state log;
};

/**
 * enum nvli_occasion - why the mask is applied now; it decides what may be touched
 * @NVLI_AFTER_RESET: inside the reset hook, right after the reset: the GPU is nobody's, and may
 *		      still need some time to answer
 * @NVLI_BEFORE_ENABLE: inside the enable hook, before a driver or a guest gets at the GPU
 * @NVLI_START: enforcement starts; the GPU may be in use
 */
enum nvli_occasion {
	NVLI_AFTER_RESET,
	NVLI_BEFORE_ENABLE,
	NVLI_START,
};

/* main.c */
bool nvli_gate(void);

/* gpu.c */
struct nvli_gpu *nvli_gpu_add(struct pci_dev *pdev);
void nvli_gpu_remove(struct pci_dev *pdev);
void nvli_gpu_remove_all(void);
struct nvli_gpu *nvli_gpu_get(struct pci_dev *pdev);
void nvli_gpu_put(struct nvli_gpu *gpu);
void nvli_gpu_iter_init(struct klist_iter *iter);
struct nvli_gpu *nvli_gpu_next(struct klist_iter *iter);
bool nvli_gpu_is_below(const struct nvli_gpu *gpu, const struct pci_dev *bridge);
void nvli_gpu_plan(struct nvli_gpu *gpu);
struct nvli_status nvli_gpu_status(struct nvli_gpu *gpu);
void nvli_gpu_enforce(struct nvli_gpu *gpu, bool watched);
void nvli_gpu_start(struct nvli_gpu *gpu);
void nvli_gpu_stop(struct nvli_gpu *gpu);
void nvli_gpu_reset(struct nvli_gpu *gpu);
void nvli_gpu_reset_done(struct nvli_gpu *gpu);
bool nvli_gpu_apply(struct nvli_gpu *gpu, enum nvli_occasion occasion);
bool nvli_gpu_admit(struct nvli_gpu *gpu);

/* topology.c */
void nvli_topology_read(struct nvli_gpu *gpu);
void nvli_topology_describe(struct nvli_gpu *gpu);
void nvli_topology_peer_name(struct nvli_gpu *gpu, int link, char name[NVLI_PEER_NAME]);
u32 nvli_topology_required(struct nvli_gpu *gpu);

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

/**
 * struct nvli_decoding - how a GPU's decoding was found
 * @memory_was_off: and so it was switched on, and has to be put back
 * @bar: the BARs then; not set otherwise
 */
struct nvli_decoding {
	bool memory_was_off;
	u32 bar[NVLI_BARS];
};

/* config.c */
const char *nvli_config_obstacle(struct pci_dev *pdev);
bool nvli_config_wait(struct pci_dev *pdev, unsigned long deadline);
bool nvli_config_reachable(struct pci_dev *pdev);
int nvli_config_start(struct pci_dev *pdev, bool in_use, struct nvli_decoding *decoding);
void nvli_config_stop(struct pci_dev *pdev, const struct nvli_decoding *decoding);

/* bar0.c */
int nvli_bar0_apply(struct nvli_gpu *gpu, u32 generation, u32 required,
		    enum nvli_occasion occasion, struct nvli_answer *answer);
void nvli_bar0_unmap(struct nvli_gpu *gpu);

/* resets.c */
bool nvli_resets_watch(struct pci_dev *pdev);
int nvli_resets_unwatch_all(void);

/* sysfs.c */
int nvli_sysfs_add(struct nvli_gpu *gpu);
void nvli_sysfs_remove(struct nvli_gpu *gpu);

#endif
