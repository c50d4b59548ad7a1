/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads GPUs and their links from a flattened device tree, for tests of the core. */
#ifndef TREE_H
#define TREE_H

#include <nvlink_isolation/core.h>

/* The most GPUs that are read from a tree */
#define TREE_GPUS	16

/**
 * struct tree_gpu - a V100 SXM2 of the tree
 * @id: its PCI address, see NVLI_GPU_ID
 * @phandle: its phandle, 0 if it has none
 * @topology: its links
 * @unlisted: CPU links that its ibm,npu does not list
 */
struct tree_gpu {
	u32 id;
	u32 phandle;
	struct nvli_topology topology;
	u32 unlisted;
};

struct nvli_node tree_find_node(void *fdt, u32 phandle);
bool tree_is_valid(const void *fdt, size_t bytes);
size_t tree_read(const void *fdt, struct tree_gpu gpus[TREE_GPUS]);
u32 tree_required(const struct tree_gpu *gpus, size_t n, size_t i, const int *domains);

#endif
