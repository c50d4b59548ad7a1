// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any value of ibm,nvlink-peers, in any tree, under any domains: is a link cut whenever it has to
 * be, and only then?
 *
 * The input is a header, and then the property's value to its last byte.
 */

#include <string.h>

#include "fuzz.h"

struct header {
	u8 present;		/* odd: there is such a property */
	u8 self;		/* the GPU's own phandle, small so that it is met */
	u8 domain;		/* of the GPU, in the same few numbers as the others */
	u8 peer_domain[GV100_NVLINKS];
	u8 estranged;		/* bit n: the friend at link n becomes a stranger */
};

/* Two numbers that are domains, and two that are not */
static int domain_of(u8 byte)
{
	static const int domains[] = { 0, 7, NVLI_ALONE, -19 };

	return domains[byte & 3];
}

/* The tree: the last four bits of a phandle say what it leads to. */
static struct nvli_node find(void *context, u32 phandle)
{
	static const struct nvli_node nodes[] = {
		{ .found = true, .npu = true, .vendor = 0x1014, .device = 0x04ea },
		{ .found = true, .vendor = 0x10de, .device = 0x1db1 },
		{ .found = true, .vendor = 0x10de, .device = 0x1db5 },
		{ .found = true, .npu = true },
		/* None of these is a friend: SXM3, PCIe, P100, another vendor's, one without ids */
		{ .found = true, .vendor = 0x10de, .device = 0x1db8 },
		{ .found = true, .vendor = 0x10de, .device = 0x1db4 },
		{ .found = true, .vendor = 0x10de, .device = 0x15f9 },
		{ .found = true, .vendor = 0x1014, .device = 0x1db1 },
		{ .found = true },
		/* Nor is what is said of a node that is not there. */
		{ .found = false, .npu = true, .vendor = 0x10de, .device = 0x1db1 },
	};
	unsigned int *lookups = context;

	++*lookups;
	/* An unused phandle means that cells were misread. */
	always(phandle);

	return nodes[(phandle & 0xf) % ARRAY_SIZE(nodes)];
}

/* The same, decided in another way than by the core: the first four kinds of node above */
static enum nvli_end end_of(u32 phandle, u32 self)
{
	u32 kind = (phandle & 0xf) % 10;

	if (!phandle)
		return NVLI_END_NONE;
	if (phandle == self || kind > 3)
		return NVLI_END_UNKNOWN;

	return kind == 1 || kind == 2 ? NVLI_END_GPU : NVLI_END_CPU;
}

static u32 phandle_of(const u8 *cells, int link)
{
	u32 phandle = 0;

	for (int i = 0; i < 4; i++)
		phandle = phandle * 256 + cells[4 * link + i];

	return phandle;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	int domain, peer_domain[GV100_NVLINKS], fewer[GV100_NVLINKS];
	struct nvli_topology topology;
	unsigned int lookups = 0;
	struct header header;
	const u8 *cells;
	size_t bytes;
	bool whole;
	u32 mask;

	if (size < sizeof(header))
		return -1;
	memcpy(&header, data, sizeof(header));
	bytes = size - sizeof(header);
	cells = header.present & 1 ? data + sizeof(header) : NULL;
	whole = cells && bytes == 24;

	domain = domain_of(header.domain);
	for (int link = 0; link < GV100_NVLINKS; link++) {
		peer_domain[link] = domain_of(header.peer_domain[link]);
		fewer[link] = header.estranged & 1 << link ? NVLI_ALONE : peer_domain[link];
	}

	/* What was there before is not to be seen afterwards. */
	memset(&topology, header.present, sizeof(topology));
	nvli_topology_parse(&topology, cells, bytes, header.self, find, &lookups);
	mask = nvli_required_mask(&topology, domain, peer_domain);

	always(!(mask & ~GV100_LINK_DISABLE_ALL));
	always(whole || !lookups);
	always(topology.bytes == bytes);
	for (int link = 0; link < GV100_NVLINKS; link++) {
		u32 phandle = whole ? phandle_of(cells, link) : 0;
		enum nvli_end end = whole ? end_of(phandle, header.self) : NVLI_END_UNKNOWN;
		bool friends = domain >= 0 && domain == peer_domain[link];
		bool cut = mask & 0x10000U << link;

		always(topology.link[link].end == end);
		always((topology.link[link].fault != NVLI_FAULT_NONE) ==
		       (end == NVLI_END_UNKNOWN));
		always(topology.link[link].phandle == phandle);
		/* Nobody is cut off from the CPU for what another cell says. */
		always(cut == !(end == NVLI_END_CPU || (end == NVLI_END_GPU && friends)));
	}

	always(!(mask & ~nvli_required_mask(&topology, domain, fewer)));
	always(!(mask & ~nvli_required_mask(&topology, NVLI_ALONE, peer_domain)));

	return 0;
}
