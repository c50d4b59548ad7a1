// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may keep talking: the module parameter "domains".
 *
 *   domains = "group" | "gpu" | domain { "," domain }
 *   domain  = GPU { "+" GPU }
 *   GPU     = segment ":" bus ":" device "." function
 *
 * A GPU is written as the kernel writes it, with every digit, so that there is one way to name it.
 * What cannot be read is refused and never guessed: a domain too large is a link left open.
 */

#include <nvlink_isolation/core.h>

#define GPU	"0004:04:00.0"
#define LIST	GPU "+0004:05:00.0,0035:03:00.0"
#define FORMS	"group, gpu, or a list as in " LIST

static const char nothing[] = "nothing is set: accepted is " FORMS;
static const char unknown_word[] = "unknown word: accepted is " FORMS;
static const char not_in_a_list[] = "group and gpu stand alone: a list has GPUs only, as in " LIST;
static const char blank[] = "spaces and line breaks are not accepted: a list is as in " LIST;
static const char no_gpu_before[] = "no GPU before this separator: a list is as in " LIST;
static const char no_gpu_after[] = "no GPU after this separator: a list is as in " LIST;
static const char no_separator[] =
	"after a GPU ',' (next domain), '+' (same domain) or the end is accepted, as in " LIST;
static const char twice_here[] = "this GPU is in this domain already: each is named once";
static const char twice[] = "this GPU is in another domain already: each is in one";
static const char too_many[] = "more than 32 GPUs: a list names at most 32";
static const char short_segment[] =
	"a segment has four hex digits and is not left out: " GPU " is accepted, 04:00.0 is not";
static const char more_than_one[] = "one GPU and nothing after it is accepted, as in " GPU;

_Static_assert(NVLI_DOMAINS_MAX == 32, "too_many names another number");

/* The parts of 0004:04:00.0, in order */
static const struct field {
	unsigned int digits;
	unsigned int bits;
	char end;		/* what follows, if it is always the same */
	const char *form;
	const char *range;	/* NULL if the digits cannot say too much */
} fields[] = {
	{ 4, 16, ':', "a segment is four hex digits and a colon, as 0004: in " GPU, NULL },
	{ 2, 8, ':', "a bus is two hex digits and a colon, as 04: in " GPU, NULL },
	{ 2, 5, '.', "a device is two hex digits and a dot, as 00. in " GPU,
	  "a device is 00 to 1f, as 00 in " GPU },
	{ 1, 3, '\0', "a function is one digit, as 0 at the end of " GPU,
	  "a function is 0 to 7, as 0 at the end of " GPU },
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_separator(char c)
{
	return c == ',' || c == '+';
}

/* What is written to sysfs ends with a newline. */
static bool is_end(const char *text)
{
	return !text[0] || (text[0] == '\n' && !text[1]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}

/* Say why not. A blank is what is wrong, whatever was expected in its place. */
static bool refuse(struct nvli_domains_error *error, const char *text, size_t position,
		   const char *why)
{
	error->position = position;
	error->text = is_blank(text[position]) && !is_end(text + position) ? blank : why;

	return false;
}

/* Read one GPU at @at, and leave @at behind it. */
static bool parse_gpu(u32 *gpu, const char *text, size_t *at, struct nvli_domains_error *error)
{
	unsigned int value, digit;
	size_t i;

	*gpu = 0;
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];

		value = 0;
		for (digit = 0; digit < field->digits; digit++, ++*at) {
			if (hex_digit(text[*at]) < 0)
				return refuse(error, text, *at, !i && text[*at] == ':' ?
					      short_segment : field->form);
			value = value << 4 | hex_digit(text[*at]);
		}
		if (value >> field->bits)
			return refuse(error, text, *at - field->digits, field->range);
		*gpu = *gpu << field->bits | value;
		if (!field->end)
			continue;
		if (text[*at] != field->end)
			return refuse(error, text, *at, field->form);
		++*at;
	}

	return true;
}

/*
 * Read the address of one GPU, as 0004:04:00.0, and nothing else save one newline at the end. Sets
 * @gpu, see NVLI_GPU_ID, and returns true, or sets @error.
 */
bool nvli_gpu_id_parse(u32 *gpu, const char *text, struct nvli_domains_error *error)
{
	size_t at = 0;
	u32 id;

	if (!parse_gpu(&id, text, &at, error))
		return false;
	if (!is_end(text + at))
		return refuse(error, text, at, more_than_one);

	*gpu = id;

	return true;
}

/* Is this the word, up to where a word can end? */
static bool is_word(const char *text, const char *word)
{
	while (*word)
		if (*text++ != *word++)
			return false;

	return !*text || is_blank(*text) || is_separator(*text);
}

/* Is there a colon before the next separator? Without one it was not meant as a GPU. */
static bool has_colon(const char *text)
{
	while (*text && !is_separator(*text))
		if (*text++ == ':')
			return true;

	return false;
}

/* Read a policy's name, which has to be all that is there. */
static bool parse_policy(struct nvli_domains *domains, const char *text,
			 struct nvli_domains_error *error)
{
	bool by_group = is_word(text, "group");
	size_t length = by_group ? 5 : 3;

	if (!by_group && !is_word(text, "gpu"))
		return refuse(error, text, 0, unknown_word);
	if (!is_end(text + length))
		return refuse(error, text, length, not_in_a_list);

	*domains = (struct nvli_domains){ .policy = by_group ? NVLI_BY_GROUP : NVLI_BY_GPU };

	return true;
}

/* Can a GPU stand at @at? The separator before, if there is one, is at @at - 1. */
static bool expect_gpu(const char *text, size_t at, struct nvli_domains_error *error)
{
	if (is_end(text + at))
		return refuse(error, text, at - 1, no_gpu_after);
	if (is_separator(text[at]))
		return refuse(error, text, at, no_gpu_before);
	if (has_colon(text + at))
		return true;

	return refuse(error, text, at, is_word(text + at, "group") || is_word(text + at, "gpu") ?
		      not_in_a_list : unknown_word);
}

/* Add a GPU to a list, unless it is there already. */
static bool add_gpu(struct nvli_domains *domains, u32 gpu, int domain, const char *text,
		    size_t at, struct nvli_domains_error *error)
{
	unsigned int i;

	for (i = 0; i < domains->count; i++)
		if (domains->member[i].gpu == gpu)
			return refuse(error, text, at, domains->member[i].domain == domain ?
				      twice_here : twice);
	if (domains->count == NVLI_DOMAINS_MAX)
		return refuse(error, text, at, too_many);

	domains->member[domains->count++] = (struct nvli_member){ gpu, domain };

	return true;
}

/**
 * nvli_domains_parse() - read the parameter "domains"
 * @domains: set, but on an error
 * @text: "group", "gpu", or a list: "0004:04:00.0+0004:05:00.0,0035:03:00.0+0035:04:00.0", in which
 *	  hex digits may be in either case. One newline at the end is ignored.
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

	if (is_end(text))
		return refuse(error, text, 0, nothing);
	if (!is_separator(text[0]) && !has_colon(text))
		return parse_policy(domains, text, error);

	for (;;) {
		start = at;
		if (!expect_gpu(text, at, error) || !parse_gpu(&gpu, text, &at, error) ||
		    !add_gpu(&list, gpu, domain, text, start, error))
			return false;
		if (is_end(text + at))
			break;
		if (!is_separator(text[at]))
			return refuse(error, text, at, no_separator);
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
 * Two GPUs of the same number may talk. Numbers of different policies have nothing in common.
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
		break;
	}

	return NVLI_ALONE;
}

/* Write the address of a GPU as the kernel does, into NVLI_GPU_ID_TEXT characters. */
const char *nvli_gpu_id_text(u32 gpu, char text[NVLI_GPU_ID_TEXT])
{
	snprintf(text, NVLI_GPU_ID_TEXT, "%04x:%02x:%02x.%x", gpu >> 16, gpu >> 8 & 0xff,
		 gpu >> 3 & 0x1f, gpu & 7);

	return text;
}

/* Write what nvli_domains_parse() reads, in lower case without a newline. Returns @text. */
const char *nvli_domains_text(const struct nvli_domains *domains, char text[NVLI_DOMAINS_TEXT])
{
	char *end = text;
	unsigned int i;

	switch (domains->policy) {
	case NVLI_BY_GROUP:
		snprintf(text, NVLI_DOMAINS_TEXT, "group");
		break;
	case NVLI_BY_GPU:
		snprintf(text, NVLI_DOMAINS_TEXT, "gpu");
		break;
	case NVLI_BY_LIST:
		for (i = 0; i < domains->count; i++) {
			const struct nvli_member *member = &domains->member[i];

			if (i)
				*end++ = member->domain == member[-1].domain ? '+' : ',';
			nvli_gpu_id_text(member->gpu, end);
			/* An address is as long as any other. */
			end += NVLI_GPU_ID_TEXT - 1;
		}
		*end = '\0';
		break;
	}

	return text;
}
