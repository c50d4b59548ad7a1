// SPDX-License-Identifier: GPL-2.0-only
/* In: the files that the module shows of a GPU. They are documented in src/module/sysfs.c. */

#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read one of the module's files about a GPU. The file has to exist. */
static void see(char *text, size_t size, const char *address, const char *name)
{
	const char *path = at(DEVICES_DIR "/%s/" MODULE "/%s", address, name);

	if (!read_line(text, size, path))
		fail_errno("%s", path);
}

/* The same for a file that an older module may lack. Return: false if it does. */
static bool see_if_there(char *text, size_t size, const char *address, const char *name)
{
	const char *path = at(DEVICES_DIR "/%s/" MODULE "/%s", address, name);
	bool there = read_line(text, size, path);

	if (!there && errno != ENOENT)
		fail_errno("%s", path);

	return there;
}

/* "0,2,4", or the empty string. Return: false if it is anything else. */
static bool parse_links(u32 *mask, const char *text)
{
	*mask = 0;
	while (*text) {
		if (*text < '0' || *text >= '0' + GV100_NVLINKS)
			return false;
		*mask |= 1U << (GV100_LINK_DISABLE_SHIFT + *text++ - '0');
		if (*text && (*text++ != ',' || !*text))
			return false;
	}

	return true;
}

static u32 see_links(const char *address, const char *name, bool *known)
{
	char text[TEXT_SIZE];
	u32 mask;

	see(text, sizeof(text), address, name);
	if (known && !strcmp(text, "unknown")) {
		*known = false;
		return 0;
	}
	if (!parse_links(&mask, text))
		fail("%s: '%s' is no list of links; a list such as 0,2,4 is accepted",
		     at(DEVICES_DIR "/%s/" MODULE "/%s", address, name), text);
	if (known)
		*known = true;

	return mask;
}

static void see_peers(struct gpu_seen *seen, const char *address)
{
	char text[TEXT_SIZE];
	char *rest = text, *word;
	int i;

	see(text, sizeof(text), address, "peers");
	for (i = 0; i < GV100_NVLINKS; i++) {
		word = strsep(&rest, " ");
		if (!word || !*word)
			fail("%s: %d words are too few: six are accepted",
			     at(DEVICES_DIR "/%s/" MODULE "/peers", address), i);
		snprintf(seen->peers[i], sizeof(seen->peers[i]), "%.*s", ADDRESS_SIZE - 1, word);
	}
}

static void see_once(struct gpu_seen *seen, const char *address)
{
	char held[4];

	memset(seen, 0, sizeof(*seen));
	if (access(at(DEVICES_DIR "/%s/" MODULE, address), F_OK))
		return;

	seen->shown = true;
	see(seen->state, sizeof(seen->state), address, "state");
	see(held, sizeof(held), address, "held");
	seen->held = strcmp(held, "0");
	seen->required = see_links(address, "required_links", NULL);
	seen->disabled = see_links(address, "disabled_links", &seen->disabled_known);
	see_peers(seen, address);
	see_if_there(seen->domain, sizeof(seen->domain), address, "domain");
	see_if_there(seen->owner, sizeof(seen->owner), address, "owner");
	see_if_there(seen->owner_means, sizeof(seen->owner_means), address, "owner_means");
	see(seen->exposed, sizeof(seen->exposed), address, "exposed_peers");
	seen->joined_known = see_if_there(seen->joined, sizeof(seen->joined), address,
					  "joined_peers");
	see(seen->resets, sizeof(seen->resets), address, "resets");
	see(seen->reapplied, sizeof(seen->reapplied), address, "reapplied");
	see(seen->error, sizeof(seen->error), address, "last_error");
}

/*
 * Read what the module shows of a GPU, in several files. The GPU may be reset between two of them,
 * so read all files until two rounds agree, but at most eight times. The age of the read-back
 * differs from one round to the next, so read it once, at the end.
 */
void gpu_see(struct gpu_seen *seen, const char *address)
{
	struct gpu_seen before;
	int tries = 8;

	see_once(seen, address);
	do {
		before = *seen;
		see_once(seen, address);
	} while (memcmp(&before, seen, sizeof(before)) && --tries);
	if (!seen->shown)
		return;
	see_if_there(seen->verified, sizeof(seen->verified), address, "verified");
	see_if_there(seen->refused, sizeof(seen->refused), address, "refused");
	see_if_there(seen->switched_on, sizeof(seen->switched_on), address, "switched_on");
}
