// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the parameter "domains", built with AddressSanitizer and UBSan. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <nvlink_isolation/core.h>

#define A "0004:04:00.0"
#define B "0004:05:00.0"
#define C "0035:03:00.0"

/* The first words of each message; what is accepted follows them. */
#define NOTHING		"nothing is set: accepted is group, gpu, owner, or a list"
#define WORD		"unknown word: accepted is group, gpu, owner, or a list"
#define ONLY_GPUS	"group, gpu and owner stand alone"
#define BLANK		"spaces and line breaks are not accepted"
#define BEFORE		"no GPU before this separator"
#define AFTER		"no GPU after this separator"
#define SEPARATOR	"after a GPU ',' (next domain), '+' (same domain) or the end is accepted"
#define TWICE_HERE	"this GPU is in this domain already"
#define TWICE		"this GPU is in another domain already"
#define SEGMENT		"a segment is four hex digits and a colon"
#define SHORT		"a segment has four hex digits and is not left out"
#define BUS		"a bus is two hex digits and a colon"
#define DEVICE		"a device is two hex digits and a dot"
#define DEVICE_MAX	"a device is 00 to 1f"
#define FUNCTION	"a function is one digit"
#define FUNCTION_MAX	"a function is 0 to 7"
#define MORE		"one GPU and nothing after it is accepted"

struct bad {
	const char *text;
	size_t position;
	const char *why;
};

static const struct bad bad_domains[] = {
	{ "", 0, NOTHING },
	{ "\n", 0, NOTHING },
	{ "all", 0, WORD },
	{ "none\n", 0, WORD },
	{ "Group", 0, WORD },
	{ "GPU", 0, WORD },
	{ "groups", 0, WORD },
	{ "gp", 0, WORD },
	{ "owners", 0, WORD },
	{ "Owner", 0, WORD },
	{ "deadbeef", 0, WORD },
	{ "04.0", 0, WORD },
	{ "-1", 0, WORD },
	{ A "+all", 13, WORD },
	{ "group,gpu", 5, ONLY_GPUS },
	{ "gpu+" A, 3, ONLY_GPUS },
	{ A ",group", 13, ONLY_GPUS },
	{ A "+gpu\n", 13, ONLY_GPUS },
	{ "owner," A, 5, ONLY_GPUS },
	{ A "+owner", 13, ONLY_GPUS },
	{ " ", 0, BLANK },
	{ " group", 0, BLANK },
	{ "group ", 5, BLANK },
	{ "owner ", 5, BLANK },
	{ "group\n\n", 5, BLANK },
	{ "gpu\r\n", 3, BLANK },
	{ A " " B, 12, BLANK },
	{ A " +" B, 12, BLANK },
	{ A ", " B, 13, BLANK },
	{ A ",\t" B, 13, BLANK },
	{ A "\n" B, 12, BLANK },
	{ "0004 :04:00.0", 4, BLANK },
	{ "0004:04:0 0.0", 9, BLANK },
	{ ",", 0, BEFORE },
	{ "+" A, 0, BEFORE },
	{ A ",," B, 13, BEFORE },
	{ A "+," B, 13, BEFORE },
	{ A ",+" B, 13, BEFORE },
	{ A ",", 12, AFTER },
	{ A "+\n", 12, AFTER },
	{ A "+" B ",", 25, AFTER },
	{ A ";" B, 12, SEPARATOR },
	{ A "-" B, 12, SEPARATOR },
	{ A "0", 12, SEPARATOR },
	{ A ":0", 12, SEPARATOR },
	{ A "+" A, 13, TWICE_HERE },
	{ A "+" B "+" A, 26, TWICE_HERE },
	{ "00ab:04:00.0+00AB:04:00.0", 13, TWICE_HERE },
	{ A "," A, 13, TWICE },
	{ A "+" B "," C "+" B "\n", 39, TWICE },
	{ ":04:00.0", 0, SHORT },
	{ "04:00.0", 2, SHORT },
	{ A "+05:00.0", 15, SHORT },
	{ "4:04:00.0", 1, SHORT },
	{ "g004:04:00.0", 0, SEGMENT },
	{ "000g:04:00.0", 3, SEGMENT },
	{ "0x04:04:00.0", 1, SEGMENT },
	{ "00004:04:00.0", 4, SEGMENT },
	{ "0004.04:00.0", 4, SEGMENT },
	{ A ",g004:04:00.0", 13, SEGMENT },
	{ "0004:4:00.0", 6, BUS },
	{ "0004:0g:00.0", 6, BUS },
	{ "0004:004:00.0", 7, BUS },
	{ "0004:04.00.0", 7, BUS },
	{ "0004:", 5, BUS },
	{ "0004:04:0.0", 9, DEVICE },
	{ "0004:04:1g.0", 9, DEVICE },
	{ "0004:04:00", 10, DEVICE },
	{ "0004:04:00:0", 10, DEVICE },
	{ "0004:04:20.0", 8, DEVICE_MAX },
	{ "0004:04:ff.0", 8, DEVICE_MAX },
	{ "0004:04:00.", 11, FUNCTION },
	{ "0004:04:00.\n", 11, FUNCTION },
	{ "0004:04:00.g", 11, FUNCTION },
	{ "0004:04:00.+" B, 11, FUNCTION },
	{ "0004:04:00.8", 11, FUNCTION_MAX },
	{ "0004:04:00.f", 11, FUNCTION_MAX },
};

static const struct bad bad_gpus[] = {
	{ "", 0, SEGMENT },
	{ "group", 0, SEGMENT },
	{ "04:00.0", 2, SHORT },
	{ " " A, 0, BLANK },
	{ A " ", 12, BLANK },
	{ A "\n\n", 12, BLANK },
	{ A "+" B, 12, MORE },
	{ A "0", 12, MORE },
	{ "0004:04:20.0", 8, DEVICE_MAX },
	{ "0004:04:00.8", 11, FUNCTION_MAX },
};

/* The text in as much memory as it needs, so that AddressSanitizer sees who reads beyond. */
static char *exact(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);

	return copy;
}

static void expect_error(const struct bad *bad, const struct nvli_domains_error *error)
{
	if (error->position != bad->position || strncmp(error->text, bad->why, strlen(bad->why)))
		fail_msg("'%s': expected %zu: %s, got %zu: %s", bad->text, bad->position, bad->why,
			 error->position, error->text);
}

/* Say that the text is refused, why, and that nothing else happens. */
static void expect_refused(const struct bad *bad)
{
	struct nvli_domains domains, before;
	struct nvli_domains_error error;
	char *text = exact(bad->text);

	memset(&before, 0x5a, sizeof(before));
	domains = before;
	if (nvli_domains_parse(&domains, text, &error))
		fail_msg("'%s' is accepted", bad->text);
	assert_memory_equal(&domains, &before, sizeof(domains));
	expect_error(bad, &error);
	free(text);
}

static struct nvli_domains parsed(const char *text)
{
	struct nvli_domains_error error;
	struct nvli_domains domains;
	char *copy = exact(text);

	if (!nvli_domains_parse(&domains, copy, &error))
		fail_msg("'%s', %zu: %s", text, error.position, error.text);
	free(copy);

	return domains;
}

static void bad_text_is_refused_in_words(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_domains); i++)
		expect_refused(&bad_domains[i]);
}

/* A list of @n GPUs, each alone, in memory of its own */
static char *list_of(unsigned int n)
{
	char *text = malloc(n * NVLI_GPU_ID_TEXT);
	char *end = text;

	assert_non_null(text);
	for (unsigned int i = 0; i < n; i++)
		end += sprintf(end, "%s%04x:ff:1f.7", i ? "," : "", i);

	return text;
}

static void a_list_has_an_end(void **state)
{
	struct bad bad = { list_of(NVLI_DOMAINS_MAX + 1), NVLI_DOMAINS_MAX * NVLI_GPU_ID_TEXT,
			   "more than 32 GPUs" };
	char *longest = list_of(NVLI_DOMAINS_MAX);
	struct nvli_domains domains = parsed(longest);
	char again[NVLI_DOMAINS_TEXT];
	char word[5000];

	expect_refused(&bad);
	free((char *)bad.text);
	bad.text = list_of(500);
	expect_refused(&bad);
	free((char *)bad.text);

	assert_int_equal(domains.count, NVLI_DOMAINS_MAX);
	assert_int_equal(strlen(longest), NVLI_DOMAINS_TEXT - 1);
	assert_string_equal(nvli_domains_text(&domains, again), longest);
	free(longest);

	memset(word, 'a', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	expect_refused(&(struct bad){ word, 0, WORD });
}

static void good_text_is_accepted(void **state)
{
	static const struct {
		const char *text;
		const char *again;
		enum nvli_policy policy;
		unsigned int count;
		int domain[4];
	} rows[] = {
		{ "group", "group", NVLI_BY_GROUP, 0, { 0 } },
		{ "group\n", "group", NVLI_BY_GROUP, 0, { 0 } },
		{ "gpu", "gpu", NVLI_BY_GPU, 0, { 0 } },
		{ "gpu\n", "gpu", NVLI_BY_GPU, 0, { 0 } },
		{ "owner", "owner", NVLI_BY_OWNER, 0, { 0 } },
		{ "owner\n", "owner", NVLI_BY_OWNER, 0, { 0 } },
		{ A, A, NVLI_BY_LIST, 1, { 0 } },
		{ A "\n", A, NVLI_BY_LIST, 1, { 0 } },
		{ A "+" B, A "+" B, NVLI_BY_LIST, 2, { 0, 0 } },
		{ A "," B, A "," B, NVLI_BY_LIST, 2, { 0, 1 } },
		{ A "+" B "," C "+0035:04:00.0\n", A "+" B "," C "+0035:04:00.0", NVLI_BY_LIST, 4,
		  { 0, 0, 1, 1 } },
		{ C "," B "+" A, C "," B "+" A, NVLI_BY_LIST, 3, { 0, 1, 1 } },
		{ "0000:00:00.0", "0000:00:00.0", NVLI_BY_LIST, 1, { 0 } },
		{ "ABCD:EF:1F.7", "abcd:ef:1f.7", NVLI_BY_LIST, 1, { 0 } },
		{ "FfFf:fF:1f.7", "ffff:ff:1f.7", NVLI_BY_LIST, 1, { 0 } },
	};
	char again[NVLI_DOMAINS_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nvli_domains domains = parsed(rows[i].text);
		struct nvli_domains twice;

		assert_int_equal(domains.policy, rows[i].policy);
		assert_int_equal(domains.count, rows[i].count);
		for (unsigned int j = 0; j < domains.count; j++)
			assert_int_equal(domains.member[j].domain, rows[i].domain[j]);
		assert_string_equal(nvli_domains_text(&domains, again), rows[i].again);
		twice = parsed(again);
		assert_memory_equal(&twice, &domains, sizeof(twice));
	}
}

static void the_address_of_a_gpu(void **state)
{
	struct nvli_domains_error error;
	char text[NVLI_GPU_ID_TEXT];
	u32 gpu = 0x5a5a5a5a;

	for (size_t i = 0; i < ARRAY_SIZE(bad_gpus); i++) {
		assert_false(nvli_gpu_id_parse(&gpu, bad_gpus[i].text, &error));
		assert_int_equal(gpu, 0x5a5a5a5a);
		expect_error(&bad_gpus[i], &error);
	}

	assert_true(nvli_gpu_id_parse(&gpu, A, &error));
	assert_int_equal(gpu, NVLI_GPU_ID(4, 4, 0, 0));
	assert_true(nvli_gpu_id_parse(&gpu, "0035:FE:1e.3\n", &error));
	assert_int_equal(gpu, NVLI_GPU_ID(0x35, 0xfe, 0x1e, 3));
	assert_string_equal(nvli_gpu_id_text(gpu, text), "0035:fe:1e.3");
	assert_int_equal(NVLI_GPU_ID(0xffff, 0xff, 0x1f, 7), 0xffffffff);
	assert_string_equal(nvli_gpu_id_text(0xffffffff, text), "ffff:ff:1f.7");
	assert_string_equal(nvli_gpu_id_text(0, text), "0000:00:00.0");
}

static void a_gpu_has_one_domain(void **state)
{
	static const u32 a = NVLI_GPU_ID(4, 4, 0, 0);
	static const u32 b = NVLI_GPU_ID(4, 5, 0, 0);
	static const u32 c = NVLI_GPU_ID(0x35, 3, 0, 0);
	struct nvli_domains domains = { 0 };

	/* What is all zero is the default: by group, and who has none is alone. */
	assert_int_equal(nvli_domain_of(&domains, a, 0), 0);
	assert_int_equal(nvli_domain_of(&domains, a, 17), 17);
	assert_int_equal(nvli_domain_of(&domains, a, -1), NVLI_ALONE);
	assert_int_equal(nvli_domain_of(&domains, a, -19), NVLI_ALONE);

	domains = parsed("gpu");
	assert_int_equal(nvli_domain_of(&domains, a, 17), NVLI_ALONE);

	/* The owner's number is not the policy's. */
	domains = parsed("owner");
	assert_int_equal(nvli_domain_of(&domains, a, 17), NVLI_ALONE);

	/* A list ignores the group; a GPU that is not named is alone. */
	domains = parsed(B "," A);
	assert_int_equal(nvli_domain_of(&domains, a, 17), 1);
	assert_int_equal(nvli_domain_of(&domains, b, -1), 0);
	assert_int_equal(nvli_domain_of(&domains, c, 0), NVLI_ALONE);
	assert_int_equal(nvli_domain_of(&domains, a + 1, 17), NVLI_ALONE);

	/* A policy that does not exist joins nobody. */
	domains.policy = (enum nvli_policy)7;
	assert_int_equal(nvli_domain_of(&domains, a, 17), NVLI_ALONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_text_is_refused_in_words),
		cmocka_unit_test(a_list_has_an_end),
		cmocka_unit_test(good_text_is_accepted),
		cmocka_unit_test(the_address_of_a_gpu),
		cmocka_unit_test(a_gpu_has_one_domain),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
