/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that the files of this platform share. */
#ifndef NVLI_X86_H
#define NVLI_X86_H

#include "../platform.h"

/* ports.c */
void nvli_ports_on_write(const struct pci_bus *bus, unsigned int devfn, int where, int size,
			 u32 value, bool done);
void nvli_ports_look_at_reset(struct nvli_gpu *gpu);
const char *nvli_ports_block(const struct nvli_gpu *gpu);
bool nvli_ports_watch(struct nvli_gpu *gpu);
bool nvli_ports_are_watched(struct nvli_gpu *gpu);

/*
 * hook_bridge.c, hook_ftrace.c or hook_none.c: Kbuild takes the first that this kernel has the
 * interfaces for. nvli_hook_watch() returns false and logs the reason if the hook could not be put
 * in place. The GPU can be isolated all the same: the gate suffices, and without the hook a driver
 * only sees its error later.
 */
bool nvli_hook_watch(struct pci_dev *pdev);
/* Does the kernel still call our hook? Another module may have replaced it. */
bool nvli_hook_is_watched(const struct pci_dev *pdev);
bool nvli_hook_can_unwatch(void);
int nvli_hook_unwatch(void);

#endif
