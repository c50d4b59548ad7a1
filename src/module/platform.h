/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between machines: one table of functions for each platform. */
#ifndef NVLI_PLATFORM_H
#define NVLI_PLATFORM_H

#include "gpu.h"

/**
 * struct nvli_platform - how GPUs are watched and reached on a platform
 * @describe: fill in phandle, path and topology of a new GPU. Touches no hardware.
 * @relink: fill in the topology of a GPU once more, by the parameter links, which has changed; NULL
 *	    where firmware tells where links lead, and the parameter is refused. Under RCU.
 * @warn: log what is odd about where the GPU's links lead
 * @watch: see the resets of this GPU, and who enables it, from now on; false if that is not
 *	   possible. Called under nvli_lock, like the next two.
 * @can_unwatch: could all be unwatched now? If not it says so in the log.
 * @unwatch: stop watching all GPUs; returns when nobody runs in a hook, 0 or -EBUSY with nothing
 *	     changed
 * @is_watched: is what @watch put in place still there? Sleeps.
 * @obstacle: what, apart from the GPU itself, keeps accesses from it? NULL if nothing. Sleeps, and
 *	      reads config space.
 * @is_recovered_blind: may the platform's error handling enable this GPU before it can be reached?
 *			Under RCU. NULL for never.
 * @unanswered: an access was not answered. Sleeps. NULL for nothing to be done, like the next two.
 * @stuck: the GPU cannot be reached for long, and nobody has it open. Sleeps.
 * @exit: the module goes, and no GPU is left. Sleeps; called without the PCI rescan lock.
 * @blocked: what keeps accesses from the GPU right now, in any context; NULL if nothing. Without
 *	     this function the platform answers in its own way what does not reach a GPU.
 * @look_at_reset: read what keeps the GPU in reset, and end the reset if nothing does. Any context.
 *		   NULL where the module sees every release.
 * @before_write, @after_write: a config write on a watched bus is about to be passed on, and was.
 *				In any context; NULL where resets are seen in another way
 * @container: what all GPUs have in common that are open in one VFIO container; NULL if that cannot
 *	       be told. For a GPU that is open, under RCU, in any context. The pointer is only
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
	const char *(*obstacle)(struct nvli_gpu *gpu);
	bool (*is_recovered_blind)(struct nvli_gpu *gpu);
	void (*unanswered)(struct nvli_gpu *gpu);
	void (*stuck)(struct nvli_gpu *gpu);
	void (*exit)(void);
	const char *(*blocked)(const struct nvli_gpu *gpu);
	void (*look_at_reset)(struct nvli_gpu *gpu);
	void (*before_write)(const struct pci_bus *bus, unsigned int devfn, int where, int size,
			     u32 value);
	void (*after_write)(const struct pci_bus *bus, unsigned int devfn, int where, int size,
			    u32 value);
	const void *(*container)(const struct nvli_gpu *gpu);
	u32 (*read)(const void __iomem *address);
	void (*write)(void __iomem *address, u32 value);
};

/* The platform of this machine; main.c sets it before anything else runs. */
extern const struct nvli_platform *nvli_platform;

/* Each platform defines this: its table, or NULL after a log line that says why not. */
const struct nvli_platform *nvli_platform_here(void);

#endif
