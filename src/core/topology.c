// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the links lead: the property ibm,nvlink-peers of a GPU's device-tree node, which skiboot
 * writes since v6.3. One big-endian cell a link, in order of link number: the phandle of the node
 * at the other end, or 0 where nothing is.
 */

#include <nvlink_isolation/core.h>

static u32 cell(const u8 *bytes)
{
	return (u32)bytes[0] << 24 | (u32)bytes[1] << 16 | (u32)bytes[2] << 8 | bytes[3];
}

/*
 * Identify a CPU entry by the NPU that it belongs to, and not by the GPU's ibm,npu list: this list
 * and board labels have disagreed on real machines.
 */
static struct nvli_topology_link link_of(u32 phandle, u32 self, nvli_find_node_t find,
					 void *context)
{
	struct nvli_topology_link link = { .phandle = phandle };
	struct nvli_node node;

	if (!phandle) {
		link.end = NVLI_END_NONE;
		return link;
	}

	if (phandle == self) {
		link.fault = NVLI_FAULT_SELF;
		return link;
	}

	node = find(context, phandle);
	if (!node.found)
		link.fault = NVLI_FAULT_PHANDLE;
	else if (node.npu)
		link.end = NVLI_END_CPU;
	else if (nvli_board(node.vendor, node.device))
		link.end = NVLI_END_GPU;
	else
		link.fault = NVLI_FAULT_NODE;

	return link;
}

/**
 * nvli_topology_parse() - read ibm,nvlink-peers
 * @topology: filled in
 * @cells: the property's value, or NULL if the GPU has no such property
 * @bytes: its length
 * @self: the GPU's own phandle, 0 if it has none
 * @find: looks a phandle up in the device tree
 * @context: passed to @find
 *
 * A list of another length than six cells is useless: if a cell is missing, it may be any of them,
 * so no cell can be matched to its link.
 */
void nvli_topology_parse(struct nvli_topology *topology, const void *cells, size_t bytes,
			 u32 self, nvli_find_node_t find, void *context)
{
	const u8 *byte = cells;
	int i;

	topology->bytes = bytes;

	for (i = 0; i < GV100_NVLINKS; i++) {
		struct nvli_topology_link *link = &topology->link[i];

		*link = (struct nvli_topology_link){ .end = NVLI_END_UNKNOWN };
		if (!cells)
			link->fault = NVLI_FAULT_MISSING;
		else if (bytes != 4 * GV100_NVLINKS)
			link->fault = NVLI_FAULT_LENGTH;
		else
			*link = link_of(cell(byte + 4 * i), self, find, context);
	}
}

/* How many links of a GPU lead to the GPU with this phandle? */
static unsigned int links_to(const struct nvli_topology *topology, u32 phandle)
{
	unsigned int links = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (topology->link[i].end == NVLI_END_GPU && topology->link[i].phandle == phandle)
			links++;

	return links;
}

/**
 * nvli_topology_agree() - do two GPUs list each other equally often?
 * @a: the links of one
 * @a_phandle: its phandle, 0 if it has none
 * @b: the links of the other
 * @b_phandle: its phandle, 0 if it has none
 *
 * A link has two ends. If one GPU counts more links to the other than that counts back, some cell
 * is wrong, and a link that seems to lead to the same domain may lead to another one. The caller
 * then has to give nvli_required_mask() NVLI_ALONE as the peer's domain, for both GPUs.
 *
 * Return: true if they do, also if neither lists the other.
 */
bool nvli_topology_agree(const struct nvli_topology *a, u32 a_phandle,
			 const struct nvli_topology *b, u32 b_phandle)
{
	return links_to(a, b_phandle) == links_to(b, a_phandle);
}

/**
 * nvli_topology_unlisted() - which CPU links lead to an NPU device that is not the GPU's own?
 * @topology: the links
 * @npus: value of the GPU's ibm,npu, phandles of NPU devices, or NULL if it has none
 * @bytes: its length
 *
 * Firmware has two lists, and they have disagreed. The board may then number its links in another
 * way than firmware's tables do. The result is for a warning only: the required links do not depend
 * on which NPU is at the other end.
 *
 * Return: bits of GV100_LINK_DISABLE
 */
u32 nvli_topology_unlisted(const struct nvli_topology *topology, const void *npus, size_t bytes)
{
	const u8 *byte = npus;
	u32 unlisted = 0;
	size_t at;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		if (topology->link[i].end != NVLI_END_CPU)
			continue;
		for (at = 0; npus && at + 4 <= bytes; at += 4)
			if (cell(byte + at) == topology->link[i].phandle)
				break;
		if (!npus || at + 4 > bytes)
			unlisted |= 1U << (GV100_LINK_DISABLE_SHIFT + i);
	}

	return unlisted;
}

/* Why a link's other end is unknown, in words that follow "cell N:" */
const char *nvli_fault_text(enum nvli_fault fault)
{
	switch (fault) {
	case NVLI_FAULT_NONE:
		return "no fault";
	case NVLI_FAULT_MISSING:
		return "the GPU has no ibm,nvlink-peers";
	case NVLI_FAULT_LENGTH:
		return "ibm,nvlink-peers is not six cells long";
	case NVLI_FAULT_PHANDLE:
		return "no node has this phandle";
	case NVLI_FAULT_SELF:
		return "this is the GPU itself";
	case NVLI_FAULT_NODE:
		return "this node is neither an NPU's nor a V100 SXM2";
	case NVLI_FAULT_UNDECLARED:
		return "the parameter links does not name this link";
	}

	return "no such fault";
}
