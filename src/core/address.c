// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address of a GPU, in the forms in which programs print it:
 *
 *   0004:04:00.0				the kernel, lspci -D
 *   00000004:04:00.0				nvidia-smi
 *   pci_0004_04_00_0				libvirt
 *   /sys/bus/pci/devices/0004:04:00.0		a path that ends with one of these
 *
 * All digits are required, in either case. A text that cannot be parsed is refused and never
 * guessed. The error suggests the address that the administrator probably wanted.
 */

#include "text.h"

#define GPU	"0004:04:00.0"

static const char blank[] = "spaces and line breaks are not accepted: a list is as in "
	GPU "+0004:05:00.0,0035:03:00.0";
static const char short_segment[] = "a segment has four hex digits and is not left out";
static const char more_than_one[] = "one GPU and nothing after it is accepted, as in " GPU;
static const char no_address[] = "a path has to end with the address of a GPU, as in " GPU;

/* The parts of 0004:04:00.0, in order */
static const struct field {
	unsigned int digits;
	unsigned int bits;
	char end;		/* what follows, if it is always the same; libvirt has '_' */
	const char *form;
	const char *range;	/* NULL if the digits cannot exceed a limit */
} fields[] = {
	{ 4, 16, ':', "a segment is four hex digits and a colon", NULL },
	{ 2, 8, ':', "a bus is two hex digits and a colon", NULL },
	{ 2, 5, '.', "a device is two hex digits and a dot", "a device is 00 to 1f" },
	{ 1, 3, '\0', "a function is one digit", "a function is 0 to 7" },
};

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

/* Set the error. A blank is always named as the mistake. Returns false. */
bool nvli_refuse(struct nvli_domains_error *error, const char *text, size_t position,
		 const char *why)
{
	error->position = position;
	snprintf(error->text, sizeof(error->text), "%s",
		 nvli_is_blank(text[position]) && !nvli_is_end(text + position) ? blank : why);

	return false;
}

static bool is_node(const char *text)
{
	return !strncmp(text, "pci_", 4);
}

/* Does a GPU's address start here? Any word with a colon in it counts as one. */
bool nvli_is_like_gpu(const char *text)
{
	if (text[0] == '/' || is_node(text))
		return true;
	for (; *text && !nvli_is_separator(*text); text++)
		if (*text == ':')
			return true;

	return false;
}

/* Where the last name of a path begins; @at itself if the text there is no path */
static size_t last_name(const char *text, size_t at)
{
	size_t name = at;

	if (text[at] != '/')
		return at;
	for (; !nvli_ends_word(text[at]); at++)
		if (text[at] == '/' && text[at + 1] != '/' && !nvli_ends_word(text[at + 1]))
			name = at + 1;

	return name;
}

/* The number at @at, of at most eight digits. Returns false if there is none. */
static bool read_number(u32 *value, const char *text, size_t *at)
{
	unsigned int digits;

	*value = 0;
	for (digits = 0; hex_digit(text[*at]) >= 0; digits++, ++*at)
		*value = *value << 4 | hex_digit(text[*at]);

	return digits && digits <= 8;
}

/* Write the suggested address for the word at @at, in the kernel's form; or an example. */
static const char *suggest(char form[NVLI_FORM], const char *text, size_t at)
{
	u32 part[ARRAY_SIZE(fields)] = {};
	char joint[ARRAY_SIZE(fields)] = {};
	unsigned int n = 0;

	at += is_node(text + at) ? 4 : text[at] == ':';
	while (n < ARRAY_SIZE(fields) && read_number(&part[n], text, &at)) {
		joint[n] = text[at];
		if (n++ == ARRAY_SIZE(fields) - 1 || nvli_ends_word(text[at]))
			break;
		at++;
	}
	snprintf(form, NVLI_FORM, ", as in " GPU);
	if (!nvli_ends_word(text[at]) && text[at] != '/')
		return form;
	/* 04:00.0 has no segment, 0004:04:00 no function. */
	if (n == 3 && joint[1] == '.' && !(part[0] >> 8 || part[1] >> 5 || part[2] >> 3))
		snprintf(form, NVLI_FORM, ": write SSSS:%02x:%02x.%x, where lspci -D shows SSSS",
			 part[0], part[1], part[2]);
	else if (n >= 3 && joint[1] != '.' &&
		 !(part[0] >> 16 || part[1] >> 8 || part[2] >> 5 || part[3] >> 3))
		snprintf(form, NVLI_FORM, ": write %04x:%02x:%02x.%x", part[0], part[1], part[2],
			 part[3]);

	return form;
}

/* Refuse the word that begins at @start, and suggest an address. */
static bool refuse(struct nvli_domains_error *error, const char *text, size_t position,
		   const char *why, size_t start)
{
	char form[NVLI_FORM], whole[NVLI_ERROR];

	snprintf(whole, sizeof(whole), "%s%s", why, suggest(form, text, start));

	return nvli_refuse(error, text, position, whole);
}

/* nvidia-smi prints eight digits of segment. Only those that VMD makes need the first four. */
static bool is_long_segment(const char *text)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (text[i] != '0')
			return false;
	for (; i < 8; i++)
		if (hex_digit(text[i]) < 0)
			return false;

	return text[i] == ':';
}

/* Read one GPU at @at, and leave @at behind it. Sets @gpu, see NVLI_GPU_ID, or @error. */
bool nvli_gpu_id_read(u32 *gpu, const char *text, size_t *at, struct nvli_domains_error *error)
{
	const size_t start = last_name(text, *at);
	const bool path = start != *at || text[start] == '/';
	bool node = is_node(text + start);
	unsigned int value, digit;
	size_t i;

	*at = start;
	if (node || is_long_segment(text + start))
		*at += 4;
	else if (path && (text[start] == '/' || !nvli_is_like_gpu(text + start)))
		return nvli_refuse(error, text, start, no_address);

	*gpu = 0;
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];
		char end = field->end && node ? '_' : field->end;

		value = 0;
		for (digit = 0; digit < field->digits; digit++, ++*at) {
			if (hex_digit(text[*at]) < 0)
				return refuse(error, text, *at, !i && text[*at] == ':' ?
					      short_segment : field->form, start);
			value = value << 4 | hex_digit(text[*at]);
		}
		if (value >> field->bits)
			return refuse(error, text, *at - field->digits, field->range, start);
		*gpu = *gpu << field->bits | value;
		if (!end)
			continue;
		if (text[*at] != end)
			return refuse(error, text, *at, field->form, start);
		++*at;
	}
	while (path && text[*at] == '/')
		++*at;

	return true;
}

/*
 * Read the address of one GPU and nothing else, save one newline at the end. Sets @gpu, see
 * NVLI_GPU_ID, and returns true, or sets @error.
 */
bool nvli_gpu_id_parse(u32 *gpu, const char *text, struct nvli_domains_error *error)
{
	size_t at = 0;
	u32 id;

	if (!nvli_gpu_id_read(&id, text, &at, error))
		return false;
	if (!nvli_is_end(text + at))
		return nvli_refuse(error, text, at, more_than_one);

	*gpu = id;

	return true;
}

/* Write the address of a GPU as the kernel does, into NVLI_GPU_ID_TEXT characters. */
const char *nvli_gpu_id_text(u32 gpu, char text[NVLI_GPU_ID_TEXT])
{
	snprintf(text, NVLI_GPU_ID_TEXT, "%04x:%02x:%02x.%x", gpu >> 16, gpu >> 8 & 0xff,
		 gpu >> 3 & 0x1f, gpu & 7);

	return text;
}
