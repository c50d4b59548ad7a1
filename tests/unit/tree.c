// SPDX-License-Identifier: GPL-2.0-only
/* See tree.h. The module's queries of the kernel, made to libfdt, with the same names. */

#include "tree.h"

#include <libfdt.h>

#define NPU_COMPATIBLE	"ibm,power9-npu-pciex"

/* A property of one cell, 0 if there is none */
static u32 cell(const void *fdt, int node, const char *name)
{
	const fdt32_t *value;
	int bytes;

	value = fdt_getprop(fdt, node, name, &bytes);

	return value && bytes == sizeof(*value) ? fdt32_ld(value) : 0;
}

static u16 id(const void *fdt, int node, const char *name)
{
	u32 value = cell(fdt, node, name);

	return value <= 0xffff ? value : 0;
}

static bool is_npu(const void *fdt, int node)
{
	int parent = fdt_parent_offset(fdt, node);

	return !fdt_node_check_compatible(fdt, node, NPU_COMPATIBLE) ||
	       (parent >= 0 && !fdt_node_check_compatible(fdt, parent, NPU_COMPATIBLE));
}

/* What there is under a phandle; @fdt is not written to. */
struct nvli_node tree_find_node(void *fdt, u32 phandle)
{
	int node = fdt_node_offset_by_phandle(fdt, phandle);

	if (node < 0)
		return (struct nvli_node){ .found = false };

	return (struct nvli_node){
		.found = true,
		.npu = is_npu(fdt, node),
		.vendor = id(fdt, node, "vendor-id"),
		.device = id(fdt, node, "device-id"),
	};
}

/* The number of the PHB that a node is below, which is Linux's PCI domain; 0 if there is none */
static u16 segment(const void *fdt, int node)
{
	const fdt64_t *value;
	int bytes;

	for (; node >= 0; node = fdt_parent_offset(fdt, node)) {
		value = fdt_getprop(fdt, node, "ibm,opal-phbid", &bytes);
		if (value && bytes == sizeof(*value))
			return fdt64_ld(value);
	}

	return 0;
}

/* The first cell of reg has bus, device and function. */
static u32 address(const void *fdt, int node)
{
	const fdt32_t *reg;
	int bytes;
	u32 where;

	reg = fdt_getprop(fdt, node, "reg", &bytes);
	where = reg && bytes >= (int)sizeof(*reg) ? fdt32_ld(reg) : 0;

	return NVLI_GPU_ID(segment(fdt, node), where >> 16 & 0xff, where >> 11 & 0x1f,
			   where >> 8 & 0x7);
}

/*
 * Can the tree be read without going beyond its bytes? Before version 16 names were paths, and
 * fdt_check_full() reads at NULL where one is not. Trees have been written in 17 for long.
 */
bool tree_is_valid(const void *fdt, size_t bytes)
{
	return bytes >= sizeof(struct fdt_header) && fdt_version(fdt) >= 17 &&
	       !fdt_check_full(fdt, bytes);
}

/* Read the GPUs of a valid tree in their order. Return: how many */
size_t tree_read(const void *fdt, struct tree_gpu gpus[TREE_GPUS])
{
	struct tree_gpu *gpu = gpus;
	int node, bytes;

	for (node = fdt_next_node(fdt, -1, NULL); node >= 0 && gpu < gpus + TREE_GPUS;
	     node = fdt_next_node(fdt, node, NULL)) {
		const void *cells;

		if (!nvli_board(id(fdt, node, "vendor-id"), id(fdt, node, "device-id")))
			continue;

		gpu->id = address(fdt, node);
		gpu->phandle = fdt_get_phandle(fdt, node);
		cells = fdt_getprop(fdt, node, "ibm,nvlink-peers", &bytes);
		nvli_topology_parse(&gpu->topology, cells, cells ? bytes : 0, gpu->phandle,
				    tree_find_node, (void *)fdt);
		cells = fdt_getprop(fdt, node, "ibm,npu", &bytes);
		gpu->unlisted = nvli_topology_unlisted(&gpu->topology, cells, cells ? bytes : 0);
		gpu++;
	}

	return gpu - gpus;
}

/* The GPU with this phandle; NULL if there is none, or more than one */
static const struct tree_gpu *gpu_by_phandle(const struct tree_gpu *gpus, size_t n, u32 phandle)
{
	const struct tree_gpu *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (gpus[i].phandle != phandle)
			continue;
		if (found)
			return NULL;
		found = &gpus[i];
	}

	return found;
}

/**
 * tree_required() - which links a GPU has to disable
 * @gpus: the GPUs of a tree
 * @n: how many they are
 * @i: which of them it is
 * @domains: the domain of each; one that PCI does not know is NVLI_ALONE
 *
 * Return: bits of GV100_LINK_DISABLE
 */
u32 tree_required(const struct tree_gpu *gpus, size_t n, size_t i, const int *domains)
{
	const struct tree_gpu *gpu = &gpus[i];
	bool known = gpu_by_phandle(gpus, n, gpu->phandle);
	int peer_domain[GV100_NVLINKS];

	for (int link = 0; link < GV100_NVLINKS; link++) {
		const struct tree_gpu *peer;

		peer = gpu_by_phandle(gpus, n, gpu->topology.link[link].phandle);
		peer_domain[link] = known && peer &&
				    nvli_topology_agree(&gpu->topology, gpu->phandle,
							&peer->topology, peer->phandle) ?
				    domains[peer - gpus] : NVLI_ALONE;
	}

	return nvli_required_mask(&gpu->topology, domains[i], peer_domain);
}
