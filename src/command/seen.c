// SPDX-License-Identifier: GPL-2.0-only
/* In: the files that the module shows of a GPU. They are documented in src/module/sysfs.c. */

#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/**
 * struct reading - a GPU whose files are read
 * @address: its PCI address
 * @why: why they cannot be read: the first reason; empty if there is none
 */
struct reading {
	const char *address;
	char *why;
};

static const char *path_of(const struct reading *reading, const char *name)
{
	return at(DEVICES_DIR "/%s/" MODULE "/%s", reading->address, name);
}

static void __printf(3, 4) blame(struct reading *reading, const char *name, const char *format, ...)
{
	va_list args;
	int length;

	if (*reading->why)
		return;
	length = snprintf(reading->why, WHY_SIZE, "%s: ", path_of(reading, name));
	if (length >= WHY_SIZE)
		return;
	va_start(args, format);
	vsnprintf(reading->why + length, WHY_SIZE - length, format, args);
	va_end(args);
}

/* Read a file that an older module may lack. Return: false if it does. */
static bool see_if_there(struct reading *reading, char *text, size_t size, const char *name)
{
	bool there = read_line(text, size, path_of(reading, name));

	if (!there && errno != ENOENT)
		blame(reading, name, "%s", strerror(errno));

	return there;
}

/* Read a file that has to exist. */
static void see(struct reading *reading, char *text, size_t size, const char *name)
{
	if (!see_if_there(reading, text, size, name))
		blame(reading, name, "%s", strerror(errno));
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

static u32 see_links(struct reading *reading, const char *name, bool *known)
{
	char text[TEXT_SIZE];
	u32 mask;

	see(reading, text, sizeof(text), name);
	if (known && !strcmp(text, "unknown")) {
		*known = false;
		return 0;
	}
	if (!parse_links(&mask, text))
		blame(reading, name,
		      "'%s' is no list of links; a list such as 0,2,4 is accepted", text);
	if (known)
		*known = true;

	return mask;
}

static void see_peers(struct reading *reading, struct gpu_seen *seen)
{
	char text[TEXT_SIZE];
	char *rest = text, *word;
	int i;

	see(reading, text, sizeof(text), "peers");
	for (i = 0; i < GV100_NVLINKS; i++) {
		word = strsep(&rest, " ");
		if (!word || !*word) {
			blame(reading, "peers", "%d words are too few: six are accepted", i);
			return;
		}
		snprintf(seen->peers[i], sizeof(seen->peers[i]), "%.*s", ADDRESS_SIZE - 1, word);
	}
}

static void see_once(struct reading *reading, struct gpu_seen *seen)
{
	char held[4];

	memset(seen, 0, sizeof(*seen));
	if (access(at(DEVICES_DIR "/%s/" MODULE, reading->address), F_OK))
		return;

	seen->shown = true;
	see(reading, seen->state, sizeof(seen->state), "state");
	see(reading, held, sizeof(held), "held");
	seen->held = strcmp(held, "0");
	seen->required = see_links(reading, "required_links", NULL);
	seen->disabled = see_links(reading, "disabled_links", &seen->disabled_known);
	see_peers(reading, seen);
	see_if_there(reading, seen->domain, sizeof(seen->domain), "domain");
	see_if_there(reading, seen->owner, sizeof(seen->owner), "owner");
	see_if_there(reading, seen->owner_means, sizeof(seen->owner_means), "owner_means");
	see(reading, seen->exposed, sizeof(seen->exposed), "exposed_peers");
	seen->joined_known = see_if_there(reading, seen->joined, sizeof(seen->joined),
					  "joined_peers");
	see(reading, seen->resets, sizeof(seen->resets), "resets");
	see(reading, seen->reapplied, sizeof(seen->reapplied), "reapplied");
	see(reading, seen->error, sizeof(seen->error), "last_error");
}

/**
 * gpu_see() - read what the module shows of a GPU, in several files
 * @seen: set; all zero if the module does not show the GPU, or if a file cannot be read
 * @address: of the GPU
 * @why: set if a file cannot be read: which, and why
 *
 * The GPU may be reset between two files, so read all of them until two rounds agree, but at most
 * eight times. The age of the read-back differs from one round to the next, so read it once, at the
 * end.
 *
 * Return: false if a file cannot be read.
 */
bool gpu_see(struct gpu_seen *seen, const char *address, char why[WHY_SIZE])
{
	struct reading reading = { address, why };
	struct gpu_seen before;
	int tries = 8;

	why[0] = '\0';
	see_once(&reading, seen);
	do {
		before = *seen;
		see_once(&reading, seen);
	} while (memcmp(&before, seen, sizeof(before)) && --tries);
	if (seen->shown) {
		see_if_there(&reading, seen->verified, sizeof(seen->verified), "verified");
		see_if_there(&reading, seen->refused, sizeof(seen->refused), "refused");
		see_if_there(&reading, seen->switched_on, sizeof(seen->switched_on), "switched_on");
	}
	if (*why)
		memset(seen, 0, sizeof(*seen));

	return !*why;
}
