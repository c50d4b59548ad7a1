// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPUs that keep the links between them: the module parameter "domains".
 *
 *   domains = "group" | "gpu" | "owner" | domain { "," domain }
 *   domain  = GPU { "+" GPU }
 *
 * A GPU is written in one of the forms of address.c. A text that cannot be parsed is refused and
 * never guessed: a domain that is too large leaves a link open.
 */

#include "text.h"

#define GPU	"0004:04:00.0"
#define LIST	GPU "+0004:05:00.0,0035:03:00.0"
#define FORMS	"group, gpu, owner, or a list as in " LIST

static const char nothing[] = "nothing is set: accepted is " FORMS;
static const char unknown_word[] = "unknown word: accepted is " FORMS;
static const char not_in_a_list[] =
	"group, gpu and owner stand alone: a list has GPUs only, as in " LIST;
static const char no_gpu_before[] = "no GPU before this separator: a list is as in " LIST;
static const char no_gpu_after[] = "no GPU after this separator: a list is as in " LIST;
static const char no_separator[] =
	"after a GPU ',' (next domain), '+' (same domain) or the end is accepted, as in " LIST;
static const char twice_here[] = "this GPU is in this domain already: each is named once";
static const char twice[] = "this GPU is in another domain already: each is in one";
static const char too_many[] = "more than 32 GPUs: a list names at most 32";

_Static_assert(NVLI_DOMAINS_MAX == 32, "too_many names another number");

static const struct {
	enum nvli_policy policy;
	size_t length;
	const char *name;
} policies[] = {
	{ NVLI_BY_GROUP, 5, "group" },
	{ NVLI_BY_GPU, 3, "gpu" },
	{ NVLI_BY_OWNER, 5, "owner" },
};

/* The policy of which this word is the name, or -1 */
static int find_policy(const char *text)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strncmp(text, policies[i].name, policies[i].length) &&
		    nvli_ends_word(text[policies[i].length]))
			return i;

	return -1;
}

/* Read the name of a policy, which has to be the whole text. */
static bool parse_policy(struct nvli_domains *domains, const char *text,
			 struct nvli_domains_error *error)
{
	int i = find_policy(text);

	if (i < 0)
		return nvli_refuse(error, text, 0, unknown_word);
	if (!nvli_is_end(text + policies[i].length))
		return nvli_refuse(error, text, policies[i].length, not_in_a_list);

	*domains = (struct nvli_domains){ .policy = policies[i].policy };

	return true;
}

/* Can a GPU stand at @at? The separator before, if there is one, is at @at - 1. */
static bool expect_gpu(const char *text, size_t at, struct nvli_domains_error *error)
{
	if (nvli_is_end(text + at))
		return nvli_refuse(error, text, at - 1, no_gpu_after);
	if (nvli_is_separator(text[at]))
		return nvli_refuse(error, text, at, no_gpu_before);
	if (nvli_is_like_gpu(text + at))
		return true;

	return nvli_refuse(error, text, at,
			   find_policy(text + at) >= 0 ? not_in_a_list : unknown_word);
}

/* Add a GPU to a list, unless it is there already. */
static bool add_gpu(struct nvli_domains *domains, u32 gpu, int domain, const char *text,
		    size_t at, struct nvli_domains_error *error)
{
	unsigned int i;

	for (i = 0; i < domains->count; i++)
		if (domains->member[i].gpu == gpu)
			return nvli_refuse(error, text, at, domains->member[i].domain == domain ?
				      twice_here : twice);
	if (domains->count == NVLI_DOMAINS_MAX)
		return nvli_refuse(error, text, at, too_many);

	domains->member[domains->count++] = (struct nvli_member){ gpu, domain };

	return true;
}

/**
 * nvli_domains_parse() - read the parameter "domains"
 * @domains: set, but on an error
 * @text: "group", "gpu", "owner", or a list: "0004:04:00.0+0004:05:00.0,0035:03:00.0+0035:04:00.0",
 *	  in which each GPU has one of the forms of address.c. One newline at the end is ignored.
 * @error: set on an error
 *
 * Domains are numbered from 0, as they come.
 *
 * Return: true if @text is accepted.
 */
bool nvli_domains_parse(struct nvli_domains *domains, const char *text,
			struct nvli_domains_error *error)
{
	struct nvli_domains list = { .policy = NVLI_BY_LIST };
	size_t at = 0, start;
	int domain = 0;
	u32 gpu;

	if (nvli_is_end(text))
		return nvli_refuse(error, text, 0, nothing);
	if (!nvli_is_separator(text[0]) && !nvli_is_like_gpu(text))
		return parse_policy(domains, text, error);

	for (;;) {
		start = at;
		if (!expect_gpu(text, at, error) || !nvli_gpu_id_read(&gpu, text, &at, error) ||
		    !add_gpu(&list, gpu, domain, text, start, error))
			return false;
		if (nvli_is_end(text + at))
			break;
		if (!nvli_is_separator(text[at]))
			return nvli_refuse(error, text, at, no_separator);
		if (text[at++] == ',')
			domain++;
	}

	*domains = list;

	return true;
}

/**
 * nvli_domain_of() - the domain of a GPU
 * @domains: the policy
 * @gpu: the GPU's address, as NVLI_GPU_ID packs it
 * @group: its IOMMU group, negative if it has none
 *
 * GPUs with the same number may keep their links. Do not compare numbers of two policies. With
 * NVLI_BY_OWNER, owners.c has the number.
 *
 * Return: a number >= 0, or NVLI_ALONE.
 */
int nvli_domain_of(const struct nvli_domains *domains, u32 gpu, int group)
{
	unsigned int i;

	switch (domains->policy) {
	case NVLI_BY_GROUP:
		/* The GPUs of one group go to the same guest anyway. */
		return group < 0 ? NVLI_ALONE : group;
	case NVLI_BY_LIST:
		for (i = 0; i < domains->count; i++)
			if (domains->member[i].gpu == gpu)
				return domains->member[i].domain;
		break;
	case NVLI_BY_GPU:
	case NVLI_BY_OWNER:
		break;
	}

	return NVLI_ALONE;
}

/* Write what nvli_domains_parse() reads, in lower case without a newline. Returns @text. */
const char *nvli_domains_text(const struct nvli_domains *domains, char text[NVLI_DOMAINS_TEXT])
{
	char *end = text;
	unsigned int i;

	*end = '\0';
	for (i = 0; i < ARRAY_SIZE(policies); i++)
		if (policies[i].policy == domains->policy)
			snprintf(text, NVLI_DOMAINS_TEXT, "%s", policies[i].name);
	for (i = 0; i < domains->count; i++) {
		const struct nvli_member *member = &domains->member[i];

		if (i)
			*end++ = member->domain == member[-1].domain ? '+' : ',';
		nvli_gpu_id_text(member->gpu, end);
		/* All addresses have the same length. */
		end += NVLI_GPU_ID_TEXT - 1;
	}

	return text;
}
