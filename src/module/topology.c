// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the links lead and who may talk to whom, as the device tree and the IOMMU groups say.
 *
 * Peers are found by device-tree node and not by PCI device: since Linux 5.13 the NPU's nodes have
 * no PCI device.
 */

#include "nvli.h"

#include <linux/iommu.h>
#include <linux/of.h>

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

/* Read where a GPU's links lead. The tree is the firmware's and does not change. */
void nvli_topology_read(struct nvli_gpu *gpu)
{
	struct device_node *node = pci_device_to_OF_node(gpu->pdev);
	const void *cells = NULL;
	int bytes = 0;

	gpu->phandle = node ? node->phandle : 0;
	if (node)
		cells = of_get_property(node, PEERS_PROPERTY, &bytes);
	nvli_topology_parse(&gpu->topology, cells, bytes, gpu->phandle, find_node, NULL);
}

/* Who may talk to whom. The hooks ask at any time. */
static struct nvli_domains domains;
static DEFINE_SPINLOCK(domains_lock);

/* From now on these are the domains. It is for the caller to plan anew. */
void nvli_topology_set_domains(const struct nvli_domains *new)
{
	spin_lock(&domains_lock);
	domains = *new;
	spin_unlock(&domains_lock);
}

struct nvli_domains nvli_topology_domains(void)
{
	struct nvli_domains copy;

	spin_lock(&domains_lock);
	copy = domains;
	spin_unlock(&domains_lock);

	return copy;
}

/* Name the GPUs of a list that are not there: they may come later, or the address may be wrong. */
void nvli_topology_warn_of_absent(void)
{
	struct nvli_domains domains = nvli_topology_domains();
	char text[NVLI_GPU_ID_TEXT];
	struct klist_iter iter;
	struct nvli_gpu *gpu;
	unsigned int i;

	for (i = 0; i < domains.count; i++) {
		nvli_gpu_id_text(domains.member[i].gpu, text);
		nvli_gpu_iter_init(&iter);
		while ((gpu = nvli_gpu_next(&iter)) && strcmp(pci_name(gpu->pdev), text))
			;
		klist_iter_exit(&iter);
		if (!gpu)
			pr_warn("domains: there is no V100 SXM2 at %s now; it is kept for when there is\n",
				text);
	}
}

static u32 id_of(const struct pci_dev *pdev)
{
	return NVLI_GPU_ID(pci_domain_nr(pdev->bus), pdev->bus->number, PCI_SLOT(pdev->devfn),
			   PCI_FUNC(pdev->devfn));
}

static int group_of(struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	int id;

	if (!group)
		return -1;

	id = iommu_group_id(group);
	iommu_group_put(group);

	return id;
}

/* The domain of a GPU: a number, or NVLI_ALONE. Sleeps. */
int nvli_topology_domain(struct pci_dev *pdev)
{
	int group = group_of(pdev);
	int domain;

	spin_lock(&domains_lock);
	domain = nvli_domain_of(&domains, id_of(pdev), group);
	spin_unlock(&domains_lock);

	return domain;
}

/*
 * The GPU at the other end of a link, held; NULL if PCI knows of none by that phandle, or of more
 * than one.
 */
static struct nvli_gpu *peer_of(struct nvli_gpu *gpu, int link)
{
	struct nvli_gpu *other, *peer = NULL;
	unsigned int count = 0;
	struct klist_iter iter;

	if (gpu->topology.link[link].end != NVLI_END_GPU)
		return NULL;

	nvli_gpu_iter_init(&iter);
	while ((other = nvli_gpu_next(&iter)))
		if (other->phandle == gpu->topology.link[link].phandle && !count++) {
			kref_get(&other->ref);
			peer = other;
		}
	klist_iter_exit(&iter);

	if (count > 1) {
		nvli_gpu_put(peer);
		peer = NULL;
	}

	return peer;
}

/* Which links the GPU has to disable. Whatever cannot be told is cut. */
u32 nvli_topology_required(struct nvli_gpu *gpu)
{
	int peer_domain[GV100_NVLINKS];
	struct nvli_gpu *peer;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		peer = peer_of(gpu, i);
		peer_domain[i] = NVLI_ALONE;
		if (!peer)
			continue;
		if (nvli_topology_agree(&gpu->topology, gpu->phandle, &peer->topology,
					peer->phandle))
			peer_domain[i] = nvli_topology_domain(peer->pdev);
		nvli_gpu_put(peer);
	}

	return nvli_required_mask(&gpu->topology, nvli_topology_domain(gpu->pdev), peer_domain);
}

/**
 * nvli_topology_is_exposed() - may somebody else use a link of this GPU?
 * @gpu: the GPU
 * @status: its status
 * @link: the link
 *
 * Return: false if the link is cut at an end, as last read back, or need not be, or has nothing at
 * the other end. An isolated peer has disabled all its links to others.
 */
bool nvli_topology_is_exposed(struct nvli_gpu *gpu, const struct nvli_status *status, int link)
{
	struct nvli_gpu *peer;
	bool exposed = true;

	if (status->state == NVLI_ISOLATED ||
	    !(status->required & 1U << (GV100_LINK_DISABLE_SHIFT + link)) ||
	    gpu->topology.link[link].end == NVLI_END_NONE)
		return false;

	peer = peer_of(gpu, link);
	if (peer) {
		exposed = nvli_gpu_status(peer).state != NVLI_ISOLATED;
		nvli_gpu_put(peer);
	}

	return exposed;
}

/* What is at the other end of a link, as sysfs and the log call it */
void nvli_topology_peer_name(struct nvli_gpu *gpu, int link, char name[NVLI_PEER_NAME])
{
	struct nvli_gpu *peer = peer_of(gpu, link);

	if (peer) {
		strscpy(name, pci_name(peer->pdev), NVLI_PEER_NAME);
		nvli_gpu_put(peer);
	} else if (gpu->topology.link[link].end == NVLI_END_CPU) {
		strscpy(name, "cpu", NVLI_PEER_NAME);
	} else if (gpu->topology.link[link].end == NVLI_END_NONE) {
		strscpy(name, "none", NVLI_PEER_NAME);
	} else {
		/* A GPU that the tree knows and PCI does not is nobody's to vouch for. */
		strscpy(name, "unknown", NVLI_PEER_NAME);
	}
}

/* A GPU that counts other links to this one than this one to it may have any of them wrong. */
static void warn_of_asymmetry(struct nvli_gpu *gpu)
{
	struct nvli_gpu *peer;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		peer = peer_of(gpu, i);
		if (!peer)
			continue;
		if (!nvli_topology_agree(&gpu->topology, gpu->phandle, &peer->topology,
					 peer->phandle))
			pci_warn(gpu->pdev, PEERS_PROPERTY " cell %d (0x%x): %s does not list as many links back, so NVLink %d has to be disabled\n",
				 i, gpu->topology.link[i].phandle, pci_name(peer->pdev), i);
		nvli_gpu_put(peer);
	}
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

/*
 * Are GPUs joined that the administrator has not joined? On kernels before 5.13 a whole socket is
 * one group: isolate=1 cuts nothing between its GPUs.
 */
static void warn_of_kept_links(struct nvli_gpu *gpu, u32 required)
{
	char links[NVLI_LINKS_TEXT];
	u32 kept = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (gpu->topology.link[i].end == NVLI_END_GPU)
			kept |= 1U << (GV100_LINK_DISABLE_SHIFT + i);
	kept &= ~required;
	if (kept && nvli_topology_domains().policy == NVLI_BY_GROUP)
		pci_warn(gpu->pdev, "NVLinks %s lead to GPUs of the same IOMMU group (%d) and are kept: domains=gpu would disable them\n",
			 nvli_links_text(kept, links), group_of(gpu->pdev));
}

/* One line on what the GPU is and where its links lead, and one on each thing to be warned of. */
void nvli_topology_describe(struct nvli_gpu *gpu)
{
	u32 required = nvli_gpu_status(gpu).required;
	char name[GV100_NVLINKS][NVLI_PEER_NAME];
	char links[NVLI_LINKS_TEXT];
	char text[160];
	size_t n = 0;
	u32 same;
	int i, j;

	for (i = 0; i < GV100_NVLINKS; i++)
		nvli_topology_peer_name(gpu, i, name[i]);

	/* "0,2,4 to 0004:05:00.0; 1,3,5 to cpu": each peer once, at its first link */
	for (i = 0; i < GV100_NVLINKS; i++) {
		same = 0;
		for (j = 0; j < GV100_NVLINKS; j++)
			if (!strcmp(name[i], name[j]))
				same |= 1U << (GV100_LINK_DISABLE_SHIFT + j);
		if (__ffs(same) != GV100_LINK_DISABLE_SHIFT + i)
			continue;
		n += scnprintf(text + n, sizeof(text) - n, "%s%s to %s", n ? "; " : "",
			       nvli_links_text(same, links), name[i]);
	}

	pci_info(gpu->pdev, "%s, NVLinks %s; isolate=1 disables %s\n", gpu->board, text,
		 required ? nvli_links_text(required, links) : "none");
	warn_of_faults(gpu);
	warn_of_asymmetry(gpu);
	warn_of_unlisted(gpu);
	warn_of_kept_links(gpu, required);
}
