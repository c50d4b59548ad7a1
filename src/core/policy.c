// SPDX-License-Identifier: GPL-2.0-only
/* Which links have to be disabled. */

#include <nvlink_isolation/core.h>

/*
 * A link to nothing may not stay enabled: disabling it does no harm, and half-populated boards have
 * had wrong cells.
 */
static bool may_talk(const struct nvli_topology_link *link, int domain, int peer_domain)
{
	if (link->end == NVLI_END_CPU)
		return true;

	/* A negative error code in place of a domain must not join two GPUs. */
	return link->end == NVLI_END_GPU && domain >= 0 && domain == peer_domain;
}

/**
 * nvli_required_mask() - the links that a GPU has to disable
 * @topology: where its links lead
 * @domain: the GPU's own domain, or NVLI_ALONE
 * @peer_domain: for each link that leads to a GPU, the domain of that GPU; NVLI_ALONE where it is
 *		 not known. Not read for other links.
 *
 * Return: bits of GV100_LINK_DISABLE. A link that is not known to be allowed is required.
 */
u32 nvli_required_mask(const struct nvli_topology *topology, int domain,
		       const int peer_domain[GV100_NVLINKS])
{
	u32 mask = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (!may_talk(&topology->link[i], domain, peer_domain[i]))
			mask |= 1U << (GV100_LINK_DISABLE_SHIFT + i);

	return mask;
}

/*
 * Write the bits of GV100_LINK_DISABLE in @mask as a list of links, as in "0,2,4"; empty for none.
 * Returns @text.
 */
const char *nvli_links_text(u32 mask, char text[NVLI_LINKS_TEXT])
{
	char *end = text;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		if (!(mask & 1U << (GV100_LINK_DISABLE_SHIFT + i)))
			continue;
		if (end != text)
			*end++ = ',';
		*end++ = '0' + i;
	}
	*end = '\0';

	return text;
}
