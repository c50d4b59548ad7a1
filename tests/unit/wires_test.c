// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the parameter "links", built with AddressSanitizer and UBSan, run from the top of
 * the project.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <nvlink_isolation/core.h>

#define A "0000:06:00.0"
#define B "0000:07:00.0"
#define C "0000:0a:00.0"

#define A_ID NVLI_GPU_ID(0, 6, 0, 0)
#define B_ID NVLI_GPU_ID(0, 7, 0, 0)

/* A link, 29 characters long */
#define AB A ".0-" B ".2"

/* The first words of each message; what is accepted follows them. */
#define NOTHING		"nothing is set: accepted is none, or links as in"
#define WORD		"unknown word: accepted is none, or links as in"
#define ALONE		"none stands alone"
#define BLANK		"spaces and line breaks are not accepted: links are as in"
#define BEFORE		"nothing before this separator"
#define AFTER		"nothing after this separator"
#define OTHER_END	"after one end of a link '-' and the other end are accepted"
#define COMMA		"after a link ',' (next link) or the end is accepted"
#define NUMBER		"the link is missing: write " A ".0"
#define DIGIT		"a link is one digit, 0 to 5"
#define ONE_GPU		"both ends are of one GPU"
#define TWICE		"this end is named already"
#define MANY		"more than 48 links"
#define LONG		"too long for one end of a link"
#define SEGMENT		"a segment is four hex digits and a colon"
#define SHORT		"a segment has four hex digits and is not left out: write SSSS:07:00.0"
#define DEVICE_MAX	"a device is 00 to 1f"
#define FUNCTION_MAX	"a function is 0 to 7"
#define MORE		"one GPU and nothing after it is accepted"
#define PATH		"a path has to end with the address of a GPU"

struct bad {
	const char *text;
	size_t position;
	const char *why;
};

static const struct bad bad_wires[] = {
	{ "", 0, NOTHING },
	{ "\n", 0, NOTHING },
	{ "all", 0, WORD },
	{ "None", 0, WORD },
	{ "nonee", 0, WORD },
	{ "non", 0, WORD },
	{ "0.0", 0, WORD },
	{ AB ",all", 30, WORD },
	{ A ".0-x", 15, WORD },
	{ "none," AB, 4, ALONE },
	{ "none-" AB, 4, ALONE },
	{ AB ",none", 30, ALONE },
	{ A ".0-none", 15, ALONE },
	{ " ", 0, BLANK },
	{ " none", 0, BLANK },
	{ "none ", 4, BLANK },
	{ "none\n\n", 4, BLANK },
	{ A " .0-" B ".2", 12, BLANK },
	{ A ".0 -" B ".2", 14, BLANK },
	{ A ".0- " B ".2", 15, BLANK },
	{ A ".0-" B ". 2", 28, BLANK },
	{ "0000 :06:00.0.0-" B ".2", 4, BLANK },
	{ AB " ", 29, BLANK },
	{ AB "\n\n", 29, BLANK },
	{ AB ", " C ".0-" A ".1", 30, BLANK },
	{ AB "\n" C ".0-" A ".1", 29, BLANK },
	{ "," AB, 0, BEFORE },
	{ "-" B ".2", 0, BEFORE },
	{ ";", 0, BEFORE },
	{ AB ",," C ".0-" A ".1", 30, BEFORE },
	{ A ".0--" B ".2", 15, BEFORE },
	{ A ".0-," B ".2", 15, BEFORE },
	{ AB ",", 29, AFTER },
	{ AB ",\n", 29, AFTER },
	{ A ".0-", 14, AFTER },
	{ A ".0", 14, OTHER_END },
	{ A ".0\n", 14, OTHER_END },
	{ A ".0," B ".2", 14, OTHER_END },
	{ A ".0+" B ".2", 14, OTHER_END },
	{ AB "-" C ".0", 29, COMMA },
	{ AB ";" C ".0-" A ".1", 29, COMMA },
	{ AB "+" C ".0-" A ".1", 29, COMMA },
	{ A "-" B, 12, NUMBER },
	{ A ".-" B ".2", 13, NUMBER },
	{ A ".0-" B, 27, NUMBER },
	{ A ".0-" B "\n", 27, NUMBER },
	{ A ".0-" B ".", 28, NUMBER },
	{ "pci_0000_06_00_0-" B ".2", 16, NUMBER },
	{ "/sys/bus/pci/devices/" A "-" B ".2", 33, NUMBER },
	{ A ".6-" B ".2", 13, DIGIT },
	{ A ".00-" B ".2", 13, DIGIT },
	{ A ".10-" B ".2", 13, DIGIT },
	{ A ".a-" B ".2", 13, DIGIT },
	{ A ".0-" B ".9", 28, DIGIT },
	{ A ".0-" B ".5x", 28, DIGIT },
	{ A ".0-" A ".1", 15, ONE_GPU },
	{ A ".0-" A ".0", 15, ONE_GPU },
	{ A ".0-00000000:06:00.0.1", 15, ONE_GPU },
	{ AB "," A ".0-" C ".1", 30, TWICE },
	{ AB "," B ".2-" C ".1", 30, TWICE },
	{ AB "," C ".1-" A ".0", 45, TWICE },
	{ AB "," C ".1-pci_0000_07_00_0.2", 45, TWICE },
	{ AB "," AB, 30, TWICE },
	{ AB "," B ".2-" A ".0", 30, TWICE },
	{ "07:00.0.2-" A ".0", 2, SHORT },
	{ A ".0-07:00.0.2", 17, SHORT },
	{ "x:", 0, SEGMENT },
	{ A ".0-000g:07:00.0.1", 18, SEGMENT },
	{ "0000:06:20.0.0-" B ".2", 8, DEVICE_MAX },
	{ "0000:06:00.8.0-" B ".2", 11, FUNCTION_MAX },
	{ "0000:06:00.8-" B ".2", 11, FUNCTION_MAX },
	{ A ".0.1-" B ".2", 12, MORE },
	{ A "0.1-" B ".2", 12, MORE },
	{ "/sys/a-b/" A ".0-" B ".2", 5, PATH },
	{ A ".0-/sys/.0", 16, PATH },
};

/* The text in as much memory as it needs, so that AddressSanitizer sees who reads beyond. */
static char *exact(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);

	return copy;
}

/* Say that the text is refused, why, and that nothing else happens. */
static void expect_refused(const struct bad *bad)
{
	struct nvli_domains_error error;
	struct nvli_wires wires, before;
	char *text = exact(bad->text);

	memset(&before, 0x5a, sizeof(before));
	wires = before;
	if (nvli_wires_parse(&wires, text, &error))
		fail_msg("'%s' is accepted", bad->text);
	assert_memory_equal(&wires, &before, sizeof(wires));
	if (error.position != bad->position || strncmp(error.text, bad->why, strlen(bad->why)))
		fail_msg("'%s': expected %zu: %s, got %zu: %s", bad->text, bad->position, bad->why,
			 error.position, error.text);
	/* The sentence ends within what there is for it. */
	assert_true(strlen(error.text) < sizeof(error.text) - 1);
	free(text);
}

static struct nvli_wires parsed(const char *text)
{
	struct nvli_domains_error error;
	struct nvli_wires wires;
	char *copy = exact(text);

	if (!nvli_wires_parse(&wires, copy, &error))
		fail_msg("'%s', %zu: %s", text, error.position, error.text);
	free(copy);

	return wires;
}

static void bad_text_is_refused_in_words(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_wires); i++)
		expect_refused(&bad_wires[i]);
}

static void good_text_is_accepted(void **state)
{
	static const struct {
		const char *text;
		const char *again;
		unsigned int count;
	} rows[] = {
		{ "none", "none", 0 },
		{ "none\n", "none", 0 },
		{ AB, AB, 1 },
		{ AB "\n", AB, 1 },
		/* Neither the order of ends nor that of links means anything. */
		{ B ".2-" A ".0", AB, 1 },
		{ C ".1-" B ".5," A ".5-" B ".0," B ".2-" A ".0",
		  AB "," A ".5-" B ".0," B ".5-" C ".1", 3 },
		{ "00000000:06:00.0.0-pci_0000_07_00_0.2", AB, 1 },
		{ "/sys/bus/pci/devices/" A ".0-/sys/bus/pci/devices/" B "/.2", AB, 1 },
		{ "/sys/bus/pci/devices/../devices/" A ".0-" B ".2", AB, 1 },
		{ "ABCD:EF:1F.7.5-FFFF:ff:1f.7.5", "abcd:ef:1f.7.5-ffff:ff:1f.7.5", 1 },
		{ "0000:00:00.0.0-" A ".0", "0000:00:00.0.0-" A ".0", 1 },
	};
	char again[NVLI_WIRES_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nvli_wires wires = parsed(rows[i].text);
		struct nvli_wires twice;

		assert_int_equal(wires.count, rows[i].count);
		assert_string_equal(nvli_wires_text(&wires, again), rows[i].again);
		twice = parsed(again);
		assert_memory_equal(&twice, &wires, sizeof(twice));
	}
}

/* @n links, each of GPUs of its own, in memory of their own */
static char *list_of(unsigned int n)
{
	char *text = malloc(n * 2 * (NVLI_GPU_ID_TEXT + 2));
	char *end = text;

	assert_non_null(text);
	for (unsigned int i = 0; i < n; i++)
		end += sprintf(end, "%s%04x:ff:1f.7.5-%04x:ff:1f.7.0", i ? "," : "", 2 * i,
			       2 * i + 1);

	return text;
}

static void a_list_has_an_end(void **state)
{
	struct bad bad = { list_of(NVLI_WIRES_MAX + 1), NVLI_WIRES_MAX * 30, MANY };
	char *longest = list_of(NVLI_WIRES_MAX);
	struct nvli_wires wires = parsed(longest);
	char again[NVLI_WIRES_TEXT];
	char word[5000];

	expect_refused(&bad);
	free((char *)bad.text);
	bad.text = list_of(500);
	expect_refused(&bad);
	free((char *)bad.text);

	assert_int_equal(wires.count, NVLI_WIRES_MAX);
	assert_int_equal(strlen(longest), NVLI_WIRES_TEXT - 1);
	assert_string_equal(nvli_wires_text(&wires, again), longest);
	free(longest);

	memset(word, ':', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	expect_refused(&(struct bad){ word, 0, LONG });
	/* The longest end that is read is a path of 127 characters. */
	memset(word, '/', sizeof(word));
	strcpy(word + 127 - strlen(A ".0"), A ".0-" B ".2");
	assert_int_equal(parsed(word).count, 1);
	memset(word, '/', sizeof(word));
	strcpy(word + 128 - strlen(A ".0"), A ".0-" B ".2");
	expect_refused(&(struct bad){ word, 0, LONG });
}

static void a_declared_link_has_two_ends(void **state)
{
	struct nvli_wires wires = parsed(B ".2-" A ".0," A ".5-" C ".1");
	struct nvli_topology topology;

	memset(&topology, 0x5a, sizeof(topology));
	nvli_wires_apply(&wires, A_ID, &topology);
	assert_int_equal(topology.bytes, 0);
	for (int i = 0; i < GV100_NVLINKS; i++) {
		bool declared = i == 0 || i == 5;

		assert_int_equal(topology.link[i].end, declared ? NVLI_END_GPU : NVLI_END_UNKNOWN);
		assert_int_equal(topology.link[i].fault,
				 declared ? NVLI_FAULT_NONE : NVLI_FAULT_UNDECLARED);
	}
	assert_int_equal(topology.link[0].phandle, B_ID);
	assert_int_equal(topology.link[5].phandle, NVLI_GPU_ID(0, 0xa, 0, 0));
	nvli_wires_apply(&wires, B_ID, &topology);
	assert_int_equal(topology.link[2].end, NVLI_END_GPU);
	assert_int_equal(topology.link[2].phandle, A_ID);
}

/* The required mask of @gpu where @domain has the domain of each GPU */
static u32 mask_of(const struct nvli_wires *wires, u32 gpu, const struct nvli_domains *domains)
{
	int peer_domain[GV100_NVLINKS];
	struct nvli_topology own, peer;

	nvli_wires_apply(wires, gpu, &own);
	for (int i = 0; i < GV100_NVLINKS; i++) {
		nvli_wires_apply(wires, own.link[i].phandle, &peer);
		assert_true(nvli_topology_agree(&own, gpu, &peer, own.link[i].phandle));
		peer_domain[i] = nvli_domain_of(domains, own.link[i].phandle, -1);
	}

	return nvli_required_mask(&own, nvli_domain_of(domains, gpu, -1), peer_domain);
}

static void undeclared_links_are_always_disabled(void **state)
{
	struct nvli_wires wires = parsed(AB "," A ".1-" B ".1");
	struct nvli_wires none = { 0 };
	struct nvli_domains_error error;
	struct nvli_domains domains;

	assert_true(nvli_domains_parse(&domains, A "+" B "+" C, &error));
	assert_int_equal(mask_of(&wires, A_ID, &domains), 0x3c0000);
	assert_int_equal(mask_of(&wires, B_ID, &domains), 0x390000);
	/* A GPU that is not named, and the default, which is all zero */
	assert_int_equal(mask_of(&wires, NVLI_GPU_ID(0, 0xa, 0, 0), &domains), 0x3f0000);
	assert_int_equal(mask_of(&none, A_ID, &domains), 0x3f0000);
	assert_true(nvli_domains_parse(&domains, A "," B, &error));
	assert_int_equal(mask_of(&wires, A_ID, &domains), 0x3f0000);
}

static char *read_file(const char *path)
{
	static char text[4096];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);

	return text;
}

#define HALF_A "0000:06:00.0+0000:07:00.0+0000:0a:00.0+0000:0b:00.0"
#define HALF_B "0000:85:00.0+0000:86:00.0+0000:89:00.0+0000:8a:00.0"

/*
 * The mesh of a DGX-1V, by the number of links between two of its GPUs:
 *
 *   0-1:1 0-2:1 0-3:2 1-2:2 1-3:1 2-3:2
 *   0-4:2 1-5:2 2-6:1 3-7:1
 *   4-5:1 4-6:1 4-7:2 5-6:2 5-7:1 6-7:2
 *
 * With the domains 0+1+2+3 and 4+5+6+7, those of the second line have to be disabled: two of each
 * of the GPUs 0, 1, 4 and 5, one of each of the others. In dgx1.links these are, picked by hand:
 *
 *   0.3-4.2 0.4-4.3   1.3-5.4 1.4-5.0   2.1-6.5   3.5-7.3
 *
 * So GPU 0 disables 3 and 4, GPU 1 the same, GPU 2 link 1, GPU 3 link 5, GPU 4 links 2 and 3, GPU 5
 * links 0 and 4, GPU 6 link 5 and GPU 7 link 3: bit 16 + n of the mask for link n.
 */
static void masks_of_a_dgx1(void **state)
{
	static const u8 bus[] = { 0x06, 0x07, 0x0a, 0x0b, 0x85, 0x86, 0x89, 0x8a };
	static const u32 masks[] = { 0x180000, 0x180000, 0x020000, 0x200000,
				     0x0c0000, 0x110000, 0x200000, 0x080000 };
	static const u8 pairs[8][8] = {
		{ 0, 1, 1, 2, 2 }, { 1, 0, 2, 1, 0, 2 }, { 1, 2, 0, 2, 0, 0, 1 },
		{ 2, 1, 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 1, 1, 2 }, { 0, 2, 0, 0, 1, 0, 2, 1 },
		{ 0, 0, 1, 0, 1, 2, 0, 2 }, { 0, 0, 0, 1, 2, 1, 2, 0 },
	};
	struct nvli_wires wires = parsed(read_file("tests/fixtures/dgx1.links"));
	struct nvli_domains_error error;
	struct nvli_domains domains;

	assert_int_equal(wires.count, 24);
	assert_true(nvli_domains_parse(&domains, HALF_A "," HALF_B, &error));
	for (int i = 0; i < 8; i++) {
		struct nvli_topology topology;
		int links[8] = { 0 };

		nvli_wires_apply(&wires, NVLI_GPU_ID(0, bus[i], 0, 0), &topology);
		for (int j = 0; j < GV100_NVLINKS; j++)
			for (int k = 0; k < 8; k++)
				links[k] += topology.link[j].phandle ==
					NVLI_GPU_ID(0, bus[k], 0, 0);
		for (int k = 0; k < 8; k++)
			assert_int_equal(links[k], pairs[i][k]);
		assert_int_equal(mask_of(&wires, NVLI_GPU_ID(0, bus[i], 0, 0), &domains), masks[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_text_is_refused_in_words),
		cmocka_unit_test(good_text_is_accepted),
		cmocka_unit_test(a_list_has_an_end),
		cmocka_unit_test(a_declared_link_has_two_ends),
		cmocka_unit_test(undeclared_links_are_always_disabled),
		cmocka_unit_test(masks_of_a_dgx1),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("wires", tests, NULL, NULL);
}
