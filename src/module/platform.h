/* SPDX-License-Identifier: GPL-2.0-only */
/* The differences between machines: one table of functions for each platform. */
#ifndef NVLI_PLATFORM_H
#define NVLI_PLATFORM_H

#include "gpu.h"

/**
 * struct nvli_platform - how GPUs are watched and reached on a platform
 * @describe: fill in phandle, path and topology of a new GPU. Touches no hardware.
 * @relink: update the topology of a GPU after the parameter links has changed; NULL where firmware
 *	    describes the links, and the module refuses the parameter. Under RCU.
 * @warn: log oddities of the GPU's links
 * @watch: see every reset and every enabling of this GPU from now on; false if that is not
 *	   possible. Called under nvli_lock, like the next two.
 * @can_unwatch: could all be unwatched now? If not, it logs the reason.
 * @unwatch: stop watching all GPUs; returns 0 when no task runs in a hook any more, or -EBUSY with
 *	     nothing changed
 * @is_watched: is what @watch put in place still there? Sleeps.
 * @sees_enable: does the kernel call hook B for each pci_enable_device() of this GPU, now? Any
 *		 context.
 * @obstacle: the obstacle that keeps accesses from the GPU, apart from the GPU itself; NULL for
 *	      none. Sleeps, and reads config space.
 * @is_recovered_blind: may the platform's error handling enable this GPU before it can be reached?
 *			Under RCU. NULL for never.
 * @unanswered: the GPU did not respond to an access. Sleeps. NULL if the platform has nothing to
 *		do, like the next two.
 * @stuck: the GPU could not be reached for some time, and is not in use. Sleeps.
 * @exit: the module is being unloaded, and no GPU is left. Sleeps; called without the PCI rescan
 *	  lock.
 * @blocked: the obstacle that keeps accesses from the GPU right now, in any context; NULL for none.
 *	     A platform without this function copes with accesses that do not reach a GPU.
 * @look_at_reset: check whether a bridge still holds the GPU in reset, and end the reset if none
 *		   does. Any context. NULL where the module sees every release.
 * @on_write: called before and, with @done, after the gate passes on a config write on a watched
 *	      bus. In any context; NULL where hooks elsewhere see resets
 * @container: a pointer that all GPUs open in one VFIO container share; NULL if the container is
 *	       unknown. For a GPU that is open, under RCU, in any context. The pointer is only
 *	       compared.
 * @read, @write: a register of a mapped BAR0, in any context
 *
 * @is_watched and @stuck are for the worker, which holds no lock. @obstacle and @unanswered run
 * under ring_lock, and the caller may hold a device lock, nvli_lock or the PCI rescan lock besides.
 */
struct nvli_platform {
	void (*describe)(struct nvli_gpu *gpu);
	void (*relink)(struct nvli_gpu *gpu);
	void (*warn)(struct nvli_gpu *gpu);
	bool (*watch)(struct nvli_gpu *gpu);
	bool (*can_unwatch)(void);
	int (*unwatch)(void);
	bool (*is_watched)(struct nvli_gpu *gpu);
	bool (*sees_enable)(const struct pci_dev *pdev);
	const char *(*obstacle)(struct nvli_gpu *gpu);
	bool (*is_recovered_blind)(struct nvli_gpu *gpu);
	void (*unanswered)(struct nvli_gpu *gpu);
	void (*stuck)(struct nvli_gpu *gpu);
	void (*exit)(void);
	const char *(*blocked)(const struct nvli_gpu *gpu);
	void (*look_at_reset)(struct nvli_gpu *gpu);
	void (*on_write)(const struct pci_bus *bus, unsigned int devfn, int where, int size,
			 u32 value, bool done);
	const void *(*container)(const struct nvli_gpu *gpu);
	u32 (*read)(const void __iomem *address);
	void (*write)(void __iomem *address, u32 value);
};

/* The platform of this machine; main.c sets it before anything else runs. */
extern const struct nvli_platform *nvli_platform;

/* Each platform defines this: its table, or NULL after a log line with the reason. */
const struct nvli_platform *nvli_platform_here(void);

/* path.c, for the platforms */
void nvli_path_read(struct nvli_gpu *gpu);
const char *nvli_path_obstacle(struct nvli_gpu *gpu);

#endif
