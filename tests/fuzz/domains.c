// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text for the parameter "domains": what is accepted says what it seems to say, what is not
 * changes nothing, and nothing that is right is refused.
 *
 * The input is the text. It is taken as it is, and its bytes are also made into a list that has to
 * be accepted.
 */

#include "plain.h"

/* Parse a text that ends where its memory does. */
static bool parse(struct nvli_domains *domains, const char *text, size_t length,
		  struct nvli_domains_error *error)
{
	char *copy = strndup(text, length);
	bool accepted;

	always(copy);
	accepted = nvli_domains_parse(domains, copy, error);
	free(copy);

	return accepted;
}

static void refused_changes_nothing(const char *text, size_t length)
{
	struct nvli_domains_error error = { .position = (size_t)-1 };
	struct nvli_domains domains, before;

	memset(&before, 0xa5, sizeof(before));
	domains = before;
	always(!parse(&domains, text, length, &error));
	always(!memcmp(&domains, &before, sizeof(before)));
	always(error.position <= length);
	always(memchr(error.text, '\0', sizeof(error.text)) && *error.text);
}

/* The same of a list, with its separators. A newline at the end is left out. */
static size_t plain_list(char plain[NVLI_DOMAINS_TEXT], const char *text, size_t length)
{
	size_t n = 0, word;

	if (length && text[length - 1] == '\n')
		length--;
	for (;;) {
		for (word = 0; word < length && text[word] != ',' && text[word] != '+'; word++)
			;
		n += plain_gpu(plain + n, text, word);
		if (word == length)
			return n;
		plain[n++] = text[word];
		text += word + 1;
		length -= word + 1;
	}
}

/* What is written again is the list in the kernel's form, and means the same. */
static void accepted_is_what_was_written(const struct nvli_domains *domains, const char *text,
					 size_t length, char again[NVLI_DOMAINS_TEXT])
{
	struct nvli_domains_error error;
	char plain[NVLI_DOMAINS_TEXT];
	struct nvli_domains twice;
	size_t n;

	memset(again, 'x', NVLI_DOMAINS_TEXT);
	always(nvli_domains_text(domains, again) == again);
	n = strnlen(again, NVLI_DOMAINS_TEXT);
	if (domains->policy == NVLI_BY_LIST)
		always(plain_list(plain, text, length) == n && !memcmp(plain, again, n));
	else
		always((n == length || (n + 1 == length && text[n] == '\n')) &&
		       !memcmp(again, text, n));

	memset(&twice, 0xa5, sizeof(twice));
	always(parse(&twice, again, n, &error));
	always(!memcmp(&twice, domains, sizeof(twice)));
}

/* The domain of a GPU is how many commas are before it; who is not named has none. */
static void domains_are_those_of_the_text(const struct nvli_domains *domains, const char *text)
{
	size_t length = strlen(text);
	int domain = 0;
	u32 sum = 0;

	always(domains->count <= NVLI_DOMAINS_MAX);
	always(domains->count == (domains->policy == NVLI_BY_LIST ? (length + 1) / 13 : 0));
	for (unsigned int i = 0; i < domains->count; i++) {
		u32 gpu = gpu_at(text + 13 * i);

		if (i && text[13 * i - 1] == ',')
			domain++;
		always(domains->member[i].gpu == gpu);
		always(nvli_domain_of(domains, gpu, 1000) == domain);
		/* That no other GPU is meant follows, as no two are the same. */
		for (unsigned int j = 0; j < i; j++)
			always(domains->member[j].gpu != gpu);
		sum += gpu * 2654435761U;
	}

	/* Some GPU that is not named, unless it is by chance */
	for (unsigned int i = 0; i < domains->count; i++)
		if (domains->member[i].gpu == sum)
			return;
	switch (domains->policy) {
	case NVLI_BY_GROUP:
		always(nvli_domain_of(domains, sum, 1000) == 1000);
		always(nvli_domain_of(domains, sum, -19) == NVLI_ALONE);
		break;
	case NVLI_BY_GPU:
	case NVLI_BY_LIST:
	case NVLI_BY_OWNER:
		always(nvli_domain_of(domains, sum, 1000) == NVLI_ALONE);
		break;
	}
}

/* A list with some '+' replaced by ',' names the same GPUs and joins none that were not joined. */
static void fewer_friends_stay_friends(const struct nvli_domains *domains, const char *text)
{
	struct nvli_domains_error error;
	int joined[NVLI_DOMAINS_MAX], left[NVLI_DOMAINS_MAX];
	char commas[NVLI_DOMAINS_TEXT];
	struct nvli_domains divided;

	strcpy(commas, text);
	for (size_t i = 0; commas[i]; i++)
		if (commas[i] == '+' && i % 2)
			commas[i] = ',';
	always(parse(&divided, commas, sizeof(commas), &error));

	always(divided.count == domains->count);
	for (unsigned int i = 0; i < domains->count; i++) {
		joined[i] = nvli_domain_of(domains, domains->member[i].gpu, 0);
		left[i] = nvli_domain_of(&divided, domains->member[i].gpu, 0);
		for (unsigned int j = 0; j < i; j++)
			always(joined[i] == joined[j] || left[i] != left[j]);
	}
}

static void try_text(const char *text, size_t length)
{
	struct nvli_domains_error error;
	struct nvli_domains domains;
	char again[NVLI_DOMAINS_TEXT];

	memset(&domains, 0x5a, sizeof(domains));
	if (!parse(&domains, text, length, &error)) {
		refused_changes_nothing(text, length);
		return;
	}

	accepted_is_what_was_written(&domains, text, length, again);
	domains_are_those_of_the_text(&domains, again);
	fewer_friends_stay_friends(&domains, again);
}

/* Five bytes a GPU: four are its address, one is the separator before it and its form. */
static void try_list(const u8 *data, size_t size)
{
	static const char * const forms[] = {
		"%02x%02x:%02x:%02x.%x", "%02X%02X:%02X:%02X.%X", "0000%02x%02x:%02x:%02x.%x",
		"pci_%02x%02x_%02x_%02x_%x", "/sys/bus/pci/devices/%02x%02x:%02x:%02x.%x/",
		"/sys/devices/pci0004:00/%02x%02X:%02x:%02X.%x", "//pci_%02x%02X_%02x_%02X_%x",
		"/0000%02x%02x:%02x:%02x.%x//",
	};
	char text[(NVLI_DOMAINS_MAX + 2) * 64];
	struct nvli_domains_error error;
	struct nvli_domains domains;
	bool right = true;
	char *end = text;
	size_t i, n = size / 5;

	if (n > NVLI_DOMAINS_MAX + 1)
		n = NVLI_DOMAINS_MAX + 1;
	for (i = 0; i < n; i++) {
		const u8 *gpu = data + 5 * i;

		if (i)
			*end++ = gpu[4] & 1 ? '+' : ',';
		end += sprintf(end, forms[gpu[4] >> 1 & 7], gpu[0], gpu[1], gpu[2], gpu[3] >> 3,
			       gpu[3] & 7);
		for (size_t j = 0; j < i; j++)
			right &= !!memcmp(gpu, data + 5 * j, 4);
	}
	if (size % 2)
		*end++ = '\n';
	right &= n && n <= NVLI_DOMAINS_MAX;

	always(parse(&domains, text, end - text, &error) == right);
	try_text(text, end - text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	try_text((const char *)data, strnlen((const char *)data, size));
	try_list(data, size);

	return 0;
}
