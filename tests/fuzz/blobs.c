// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any flattened device tree, as tests/unit/tree.c reads it: whatever is in it, a link is kept only
 * if it leads to the CPU, or to a GPU of the same domain that says so too.
 *
 * The input is the blob. Its boot CPU, which NVLinks do not depend on, says who is in which domain.
 */

#include <string.h>

#include <libfdt.h>

#include "../unit/tree.h"
#include "fuzz.h"

/* How many cells of this GPU's property, read anew, are the phandle? */
static int cells_with(const void *fdt, int node, u32 phandle)
{
	const fdt32_t *cell;
	int bytes, n = 0;

	cell = fdt_getprop(fdt, node, "ibm,nvlink-peers", &bytes);
	if (!cell || bytes != 24)
		return 0;
	for (int i = 0; i < GV100_NVLINKS; i++)
		n += fdt32_ld(&cell[i]) == phandle;

	return n;
}

/* May this GPU keep this link, by what the tree says now? */
static bool may_be_kept(const void *fdt, const struct tree_gpu *gpus, size_t n, size_t i, int link,
			const int *domains)
{
	u32 phandle = gpus[i].topology.link[link].phandle;
	int node = fdt_node_offset_by_phandle(fdt, phandle);
	int own = fdt_node_offset_by_phandle(fdt, gpus[i].phandle);
	bool friends = false;
	int parent, found = 0;

	if (node < 0)
		return false;
	parent = fdt_parent_offset(fdt, node);
	if (!fdt_node_check_compatible(fdt, node, "ibm,power9-npu-pciex") ||
	    (parent >= 0 && !fdt_node_check_compatible(fdt, parent, "ibm,power9-npu-pciex")))
		return true;

	for (size_t peer = 0; peer < n; peer++)
		if (peer != i && gpus[peer].phandle == gpus[i].phandle)
			return false;
	for (size_t peer = 0; peer < n; peer++)
		if (gpus[peer].phandle == phandle) {
			found++;
			friends = domains[i] >= 0 && domains[i] == domains[peer];
		}

	return found == 1 && friends && phandle != gpus[i].phandle &&
	       cells_with(fdt, own, phandle) == cells_with(fdt, node, gpus[i].phandle);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	int domains[TREE_GPUS], fewer[TREE_GPUS];
	struct tree_gpu gpus[TREE_GPUS];
	unsigned int who;
	size_t n;

	if (!tree_is_valid(data, size))
		return 0;

	n = tree_read(data, gpus);
	always(n <= TREE_GPUS);
	who = fdt_boot_cpuid_phys(data);
	for (size_t i = 0; i < n; i++) {
		/* Most are in one domain, or nothing would ever be kept. */
		domains[i] = (who >> 2 * i & 3) == 3 ? NVLI_ALONE : (int)(who >> 2 * i & 1);
		fewer[i] = who >> (31 - i) & 1 ? NVLI_ALONE : domains[i];
	}

	for (size_t i = 0; i < n; i++) {
		u32 mask = tree_required(gpus, n, i, domains);

		always(!(mask & ~GV100_LINK_DISABLE_ALL));
		always(!(mask & ~tree_required(gpus, n, i, fewer)));
		for (int link = 0; link < GV100_NVLINKS; link++)
			always(mask & 0x10000U << link ||
			       may_be_kept(data, gpus, n, i, link, domains));
		for (size_t j = 0; j < n; j++)
			always(nvli_topology_agree(&gpus[i].topology, gpus[i].phandle,
						   &gpus[j].topology, gpus[j].phandle) ==
			       nvli_topology_agree(&gpus[j].topology, gpus[j].phandle,
						   &gpus[i].topology, gpus[i].phandle));
	}

	return 0;
}
