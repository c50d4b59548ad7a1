// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text for the parameter "links": what is accepted declares the links that it seems to declare
 * and no others, both ends of each; what is not accepted changes nothing, and nothing that is right
 * is refused.
 *
 * The input is the text. It is taken as it is, and its bytes are also made into links.
 */

#include "plain.h"

/* "0000:06:00.0.3" and a separator or the end */
#define END	15

/* Parse a text that ends where its memory does. */
static bool parse(struct nvli_wires *wires, const char *text, size_t length,
		  struct nvli_domains_error *error)
{
	char *copy = strndup(text, length);
	bool accepted;

	always(copy);
	accepted = nvli_wires_parse(wires, copy, error);
	free(copy);

	return accepted;
}

static void refused_changes_nothing(const char *text, size_t length)
{
	struct nvli_domains_error error = { .position = (size_t)-1 };
	struct nvli_wires wires, before;

	memset(&before, 0xa5, sizeof(before));
	wires = before;
	always(!parse(&wires, text, length, &error));
	always(!memcmp(&wires, &before, sizeof(before)));
	always(error.position <= length);
	always(memchr(error.text, '\0', sizeof(error.text)) && *error.text);
}

/* Is there this end, and then the other, in a text as the core writes it? */
static bool has(const char *text, const char *a, const char *b)
{
	size_t length = strlen(text);

	for (size_t i = 0; i + 2 * END <= length + 1; i += 2 * END)
		if (!memcmp(text + i, a, END - 1) && !memcmp(text + i + END, b, END - 1))
			return true;

	return false;
}

/* Each link that was written is in @again, and @again has as many as were written. */
static void nothing_is_added(const char *again, const char *text, size_t length)
{
	unsigned int count = 0;
	char end[2][END];

	if (length && text[length - 1] == '\n')
		length--;
	if (length == 4 && !memcmp(text, "none", 4)) {
		always(!strcmp(again, "none"));
		return;
	}
	for (;;) {
		for (int i = 0; i < 2; i++) {
			size_t word = 0;

			while (word < length && text[word] != ',' && text[word] != '-')
				word++;
			always(word > 2 && text[word - 2] == '.');
			always(plain_gpu(end[i], text, word - 2) == 12);
			end[i][12] = '.';
			end[i][13] = text[word - 1];
			always(i || (word < length && text[word] == '-'));
			always(!i || word == length || text[word] == ',');
			text += word < length ? word + 1 : word;
			length -= word < length ? word + 1 : word;
		}
		count++;
		always(has(again, end[0], end[1]) || has(again, end[1], end[0]));
		if (!length)
			break;
	}
	always(strlen(again) + 1 == 2 * END * count);
}

/* What is written again means the same, and is written in the same way. */
static void again_is_the_same(const struct nvli_wires *wires, char again[NVLI_WIRES_TEXT])
{
	struct nvli_domains_error error;
	char third[NVLI_WIRES_TEXT];
	struct nvli_wires twice;

	memset(again, 'x', NVLI_WIRES_TEXT);
	always(nvli_wires_text(wires, again) == again);
	always(memchr(again, '\0', NVLI_WIRES_TEXT));
	memset(&twice, 0xa5, sizeof(twice));
	always(parse(&twice, again, strlen(again), &error));
	always(!memcmp(&twice, wires, sizeof(twice)));
	always(!strcmp(nvli_wires_text(&twice, third), again));
}

/*
 * The links of a GPU are those of the text, from either end. Nothing else is claimed: were all GPUs
 * of one domain, each link that is not in the text would still have to be disabled.
 */
static void links_are_those_of_the_text(const struct nvli_wires *wires, const char *text)
{
	static const int one_domain[GV100_NVLINKS];
	size_t length = strlen(text) + 1;
	struct nvli_topology own, peer;
	u32 sum = 0;

	always(wires->count == (length == 5 ? 0 : length / (2 * END)));
	for (size_t i = 0; length != 5 && i < length; i += END) {
		size_t j = i / END % 2 ? i - END : i + END;
		u32 gpu = gpu_at(text + i), other = gpu_at(text + j);
		unsigned int link = text[i + 13] - '0', expected = 0;

		nvli_wires_apply(wires, gpu, &own);
		always(link < GV100_NVLINKS && gpu != other);
		always(own.link[link].end == NVLI_END_GPU && own.link[link].phandle == other);

		for (size_t k = 0; k < length; k += END)
			if (gpu_at(text + k) == gpu)
				expected |= 1U << (GV100_LINK_DISABLE_SHIFT + text[k + 13] - '0');
		always(nvli_required_mask(&own, 0, one_domain) ==
		       (GV100_LINK_DISABLE_ALL & ~expected));
		nvli_wires_apply(wires, other, &peer);
		always(nvli_topology_agree(&own, gpu, &peer, other));
		sum += gpu * 2654435761U + 1;
	}

	/* Some GPU that is not named, unless it is by chance */
	for (unsigned int i = 0; i < 2 * wires->count; i++)
		if (wires->wire[i / 2].end[i % 2].gpu == sum)
			return;
	nvli_wires_apply(wires, sum, &own);
	always(nvli_required_mask(&own, 0, one_domain) == GV100_LINK_DISABLE_ALL);
}

static void try_text(const char *text, size_t length)
{
	struct nvli_domains_error error;
	char again[NVLI_WIRES_TEXT];
	struct nvli_wires wires;

	memset(&wires, 0x5a, sizeof(wires));
	if (!parse(&wires, text, length, &error)) {
		refused_changes_nothing(text, length);
		return;
	}

	again_is_the_same(&wires, again);
	nothing_is_added(again, text, length);
	links_are_those_of_the_text(&wires, again);
}

/* Four bytes a link: the buses of its two GPUs, the two numbers, and how the GPUs are written */
static void try_links(const u8 *data, size_t size)
{
	static const char * const forms[] = {
		"0000:%02x:00.0", "0000:%02X:00.0", "00000000:%02x:00.0", "pci_0000_%02x_00_0",
		"/sys/bus/pci/devices/0000:%02x:00.0", "/0000:%02x:00.0//", "//pci_0000_%02X_00_0",
		"/sys/devices/pci0000:00/0000:00:01.0/0000:%02x:00.0/",
	};
	char text[(NVLI_WIRES_MAX + 1) * 160];
	struct nvli_domains_error error;
	bool named[256][8] = { 0 };
	struct nvli_wires wires;
	char *end = text;
	bool right = true;
	size_t i, n = size / 4;

	if (n > NVLI_WIRES_MAX + 1)
		n = NVLI_WIRES_MAX + 1;
	for (i = 0; i < n; i++) {
		const u8 *link = data + 4 * i;

		end += sprintf(end, "%s", i ? "," : "");
		for (int j = 0; j < 2; j++) {
			/* Every 32nd number is too large. */
			int number = link[2] >> 4 * j & 15 ? (link[2] >> 4 * j & 15) % 6 :
				link[3] & 64 ? 6 : 0;

			end += sprintf(end, "%s", j ? "-" : "");
			end += sprintf(end, forms[link[3] >> 3 * j & 7], link[j]);
			end += sprintf(end, ".%d", number);
			right &= number < 6 && !named[link[j]][number];
			named[link[j]][number] = true;
		}
		right &= link[0] != link[1];
	}
	*end = '\0';
	if (size % 2)
		*end++ = '\n';
	right &= n && n <= NVLI_WIRES_MAX;

	always(parse(&wires, text, end - text, &error) == right);
	try_text(text, end - text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	try_text((const char *)data, strnlen((const char *)data, size));
	try_links(data, size);

	return 0;
}
