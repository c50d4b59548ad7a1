/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by address.c, domains.c and wires.c: where a word of a parameter ends. */
#ifndef NVLI_CORE_TEXT_H
#define NVLI_CORE_TEXT_H

#include <nvlink_isolation/core.h>

static inline bool nvli_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool nvli_is_separator(char c)
{
	return c == ',' || c == '+';
}

/* A value that is written to sysfs ends with a newline. */
static inline bool nvli_is_end(const char *text)
{
	return !text[0] || (text[0] == '\n' && !text[1]);
}

/* Does a word end here? */
static inline bool nvli_ends_word(char c)
{
	return !c || nvli_is_separator(c) || nvli_is_blank(c);
}

bool nvli_refuse(struct nvli_domains_error *error, const char *text, size_t position,
		 const char *why);
bool nvli_is_like_gpu(const char *text);
bool nvli_gpu_id_read(u32 *gpu, const char *text, size_t *at, struct nvli_domains_error *error);

#endif
