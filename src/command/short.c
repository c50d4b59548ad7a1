// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses without their segment, as in 04:00.0. On an AC922 two GPUs may share one, so such an
 * address is accepted only if exactly one device has it.
 */

#include "command.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT	7	/* "04:00.0" */

/* The addresses that a short one may mean, "0004:04:00.0 or 0035:04:00.0" */
struct matches {
	int count;
	char first[ADDRESS_SIZE];
	char text[TEXT_SIZE];
};

static bool is_short(const char *text, size_t length)
{
	return length == SHORT && isxdigit((unsigned char)text[0]) &&
	       isxdigit((unsigned char)text[1]) && text[2] == ':' &&
	       isxdigit((unsigned char)text[3]) && isxdigit((unsigned char)text[4]) &&
	       text[5] == '.' && isxdigit((unsigned char)text[6]);
}

static void match(struct matches *matches, const char *name, const char *text)
{
	size_t length = strlen(name), used = strlen(matches->text);

	if (length < NVLI_GPU_ID_TEXT - 1 || strncasecmp(name + length - SHORT, text, SHORT))
		return;
	snprintf(matches->text + used, sizeof(matches->text) - used, "%s%s",
		 used ? " or " : "", name);
	if (!matches->count++)
		snprintf(matches->first, sizeof(matches->first), "%.*s", ADDRESS_SIZE - 1, name);
}

static void match_all(struct matches *matches, const char *text)
{
	struct dirent **entries;
	int n, i;

	n = scandir(at(DEVICES_DIR), &entries, NULL, alphasort);
	for (i = 0; i < n; i++) {
		match(matches, entries[i]->d_name, text);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Return: true if @matches has exactly one device; otherwise @why is set. */
static bool is_one(const struct matches *matches, const char *text, char why[WHY_SIZE])
{
	if (matches->count == 1)
		return true;
	if (matches->count)
		snprintf(why, WHY_SIZE, "'%.*s' is ambiguous: write %.*s", SHORT, text,
			 TEXT_SIZE / 2, matches->text);
	else
		snprintf(why, WHY_SIZE,
			 "'%.*s': no device has this address in any segment; lspci -D shows all with theirs",
			 SHORT, text);

	return false;
}

/**
 * short_read() - read the address of a PCI device, with its segment or without
 * @address: set to it; empty if @text is no address
 * @text: the address, in one of the forms of src/core/address.c, or without its segment
 * @why: set if @text is no address: what is wrong and what is accepted
 */
void short_read(char address[ADDRESS_SIZE], const char *text, char why[WHY_SIZE])
{
	struct nvli_domains_error error;
	struct matches matches = {};
	u32 id;

	address[0] = '\0';
	if (nvli_gpu_id_parse(&id, text, &error)) {
		nvli_gpu_id_text(id, address);
	} else if (is_short(text, strlen(text))) {
		match_all(&matches, text);
		if (is_one(&matches, text, why))
			strcpy(address, matches.first);
	} else if (strlen(text) < ADDRESS_SIZE && strchr(text, ':') && !strchr(text, '/') &&
		   gpu_is_on_pci(text)) {
		/* Behind Intel's VMD a segment has five digits. */
		strcpy(address, text);
	} else {
		snprintf(why, WHY_SIZE, "'%.*s', at character %zu: %s", ADDRESS_SIZE * 3, text,
			 error.position + 1, error.text);
	}
}

/**
 * short_expand() - add the segments that a list of GPUs leaves out
 * @text: what --domains has
 * @machine: its GPUs may be meant
 *
 * Return: the list, which the caller frees. An address that is ambiguous ends the command.
 */
char *short_expand(const char *text, const struct machine *machine)
{
	char *all = NULL, why[WHY_SIZE];
	struct matches matches;
	size_t length, size;
	FILE *to;
	int i;

	to = open_memstream(&all, &size);
	if (!to)
		fail("no memory left");
	for (; *text; text += length) {
		length = strcspn(text, ",+\n");
		if (is_short(text, length)) {
			matches = (struct matches){};
			for (i = 0; i < machine->count; i++)
				match(&matches, machine->gpu[i].address, text);
			if (!is_one(&matches, text, why))
				fail("--domains: %s", why);
			fputs(matches.first, to);
		} else {
			fwrite(text, 1, length, to);
		}
		if (text[length])
			fputc(text[length++], to);
	}
	if (fclose(to))
		fail("no memory left");

	return all;
}
