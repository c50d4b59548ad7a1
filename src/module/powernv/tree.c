// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device tree's description of a GPU: its PHB, and the other ends of its links.
 *
 * Peers are found by device-tree node and not by PCI device: since Linux 5.13 the NPU's nodes have
 * no PCI device.
 */

#include "../log.h"
#include "powernv.h"
#include "../plan.h"

#include <linux/of.h>

#include <asm/pci-bridge.h>

#define PEERS_PROPERTY	"ibm,nvlink-peers"
#define NPUS_PROPERTY	"ibm,npu"
#define NPU_COMPATIBLE	"ibm,power9-npu-pciex"

static bool is_npu(const struct device_node *node)
{
	return of_device_is_compatible(node, NPU_COMPATIBLE) ||
	       (node->parent && of_device_is_compatible(node->parent, NPU_COMPATIBLE));
}

static struct nvli_node find_node(void *context, u32 phandle)
{
	struct device_node *node = of_find_node_by_phandle(phandle);
	struct nvli_node found = {};
	u32 id;

	if (!node)
		return found;

	found.found = true;
	found.npu = is_npu(node);
	if (!of_property_read_u32(node, "vendor-id", &id) && id <= U16_MAX)
		found.vendor = id;
	if (!of_property_read_u32(node, "device-id", &id) && id <= U16_MAX)
		found.device = id;
	of_node_put(node);

	return found;
}

/* Read what is above a GPU and where its links lead. The tree is firmware's and does not change. */
void nvli_tree_describe(struct nvli_gpu *gpu)
{
	struct device_node *phb = pci_bus_to_host(gpu->pdev->bus)->dn;
	struct device_node *node = pci_device_to_OF_node(gpu->pdev);
	const void *cells = NULL;
	int bytes = 0;

	nvli_path_read(gpu);
	if (of_property_read_u64(phb, "ibm,opal-phbid", &gpu->path.phb))
		gpu->path.depth = -1;
	gpu->phandle = node ? node->phandle : 0;
	if (node)
		cells = of_get_property(node, PEERS_PROPERTY, &bytes);
	nvli_topology_parse(&gpu->topology, cells, bytes, gpu->phandle, find_node, NULL);
}

static void warn_of_faults(struct nvli_gpu *gpu)
{
	const struct nvli_topology *topology = &gpu->topology;
	size_t cells = topology->bytes / 4;
	int i;

	/* These two are about the whole list. */
	switch (topology->link[0].fault) {
	case NVLI_FAULT_MISSING:
		pci_warn(gpu->pdev, "%s, so all six NVLinks have to be disabled\n",
			 nvli_fault_text(NVLI_FAULT_MISSING));
		pci_warn(gpu->pdev, "skiboot provides it since v6.3: a firmware update would keep the links to the CPU\n");
		return;
	case NVLI_FAULT_LENGTH:
		pci_warn(gpu->pdev, "%s but %zu (%zu bytes), so cell %zu is %s, no cell can be matched to its link, and all six NVLinks have to be disabled\n",
			 nvli_fault_text(NVLI_FAULT_LENGTH), cells, topology->bytes,
			 min_t(size_t, cells, GV100_NVLINKS),
			 cells < GV100_NVLINKS ? "missing" : "too many");
		return;
	default:
		break;
	}

	for (i = 0; i < GV100_NVLINKS; i++)
		if (topology->link[i].fault)
			pci_warn(gpu->pdev, PEERS_PROPERTY " cell %d (0x%x): %s, so NVLink %d has to be disabled\n",
				 i, topology->link[i].phandle,
				 nvli_fault_text(topology->link[i].fault), i);
}

/* If two GPUs do not list each other equally often, any of those cells may be wrong. */
static void warn_of_asymmetry(struct nvli_gpu *gpu)
{
	char name[NVLI_PEER_NAME];
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		if (nvli_plan_peer_agrees(gpu, i))
			continue;
		nvli_plan_peer_name(gpu, i, name);
		pci_warn(gpu->pdev, PEERS_PROPERTY " cell %d (0x%x): %s does not list as many links back, so NVLink %d has to be disabled\n",
			 i, gpu->topology.link[i].phandle, name, i);
	}
}

/* The tree's two lists disagree: a sign that it may not be this board's. */
static void warn_of_unlisted(struct nvli_gpu *gpu)
{
	struct device_node *node = pci_device_to_OF_node(gpu->pdev);
	char links[NVLI_LINKS_TEXT];
	const void *npus = NULL;
	int bytes = 0;
	u32 unlisted;

	if (node)
		npus = of_get_property(node, NPUS_PROPERTY, &bytes);
	unlisted = nvli_topology_unlisted(&gpu->topology, npus, bytes);
	if (unlisted)
		pci_warn(gpu->pdev, "NVLinks %s lead to NPU devices that its %s does not list: they are kept, as links to a CPU\n",
			 nvli_links_text(unlisted, links),
			 npus ? NPUS_PROPERTY : "(missing) " NPUS_PROPERTY);
}

/* Log oddities of the device tree. */
void nvli_tree_warn(struct nvli_gpu *gpu)
{
	warn_of_faults(gpu);
	warn_of_asymmetry(gpu);
	warn_of_unlisted(gpu);
}
