/* SPDX-License-Identifier: GPL-2.0-only */
/* What a text says of a GPU, read in another way than the core reads it. */
#ifndef PLAIN_H
#define PLAIN_H

#include <ctype.h>
#include <string.h>

#include "fuzz.h"

static inline unsigned int hex(const char *text, int digits)
{
	static const char all[] = "0123456789abcdef";
	unsigned int value = 0;

	while (digits--) {
		const char *digit = strchr(all, *text++);

		always(digit && *digit);
		value = 16 * value + (digit - all);
	}

	return value;
}

/* The address of a GPU, by where its digits stand */
static inline u32 gpu_at(const char *text)
{
	unsigned int device = hex(text + 8, 2), function = hex(text + 11, 1);

	always(text[4] == ':' && text[7] == ':' && text[10] == '.');
	always(device < 32 && function < 8);

	return NVLI_GPU_ID(hex(text, 4), hex(text + 5, 2), device, function);
}

/* The kernel's form of a GPU that was written in any, of @length characters. Returns its length. */
static inline size_t plain_gpu(char *plain, const char *text, size_t length)
{
	const char *end = text + length, *at;
	size_t n = 0;

	if (*text == '/') {
		while (end[-1] == '/')
			end--;
		for (at = end; at[-1] != '/'; at--)
			;
		text = at;
	}
	if (end - text == 16 && !memcmp(text, "pci_", 4)) {
		text += 4;
		always(text[4] == '_' && text[7] == '_' && text[10] == '_');
	} else if (end - text == 16) {
		always(!memcmp(text, "0000", 4));
		text += 4;
	}
	always(end - text == 12);
	for (; text < end; text++, n++)
		plain[n] = *text != '_' ? tolower((unsigned char)*text) : n == 10 ? '.' : ':';

	return n;
}

#endif
