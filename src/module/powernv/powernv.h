/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that the files of this platform share. */
#ifndef NVLI_POWERNV_H
#define NVLI_POWERNV_H

#include "../platform.h"

/* tree.c */
void nvli_tree_describe(struct nvli_gpu *gpu);
void nvli_tree_warn(struct nvli_gpu *gpu);

/* eeh.c */
const char *nvli_eeh_obstacle(struct nvli_gpu *gpu);
bool nvli_eeh_is_involved(struct nvli_gpu *gpu);
bool nvli_eeh_is_in(struct nvli_gpu *gpu, unsigned long number);
void nvli_eeh_unanswered(struct nvli_gpu *gpu);
void nvli_eeh_unblock(struct nvli_gpu *gpu);
void nvli_eeh_exit(void);

/* hook_phb.c */
bool nvli_hook_watch(struct pci_dev *pdev);
bool nvli_hook_is_watched(const struct pci_dev *pdev);
bool nvli_hook_can_unwatch(void);
int nvli_hook_unwatch(void);

/* opal.c */
bool nvli_opal_watch(void);
void nvli_opal_unwatch(void);
bool nvli_opal_fires(struct nvli_gpu *gpu);

#endif
