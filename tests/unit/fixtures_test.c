// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device trees of tests/fixtures: where the links of each GPU lead, why that cannot be told,
 * and which have to be cut. Built with AddressSanitizer and UBSan, run from the top of the project.
 */

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tree.h"

#define SOURCES "tests/fixtures/"
#define TREES "build/fixtures/"

#define ALL 0x3f0000
#define GPUS 6		/* of the largest machine */

/* The masks of a GPU that is alone, by the fact sheet */
#define REDBUD 0x150000
#define SEQUOIA 0x1d0000
#define SEQUOIA_2 0x170000

/*
 * What is at the end of each link: a GPU, the CPU or nothing; or in lower case why that cannot be
 * told: the list is missing or of another length, no node has the phandle, the GPU itself has it,
 * the node is of another kind.
 */
static char end_letter(const struct nvli_topology_link *link)
{
	static const char ends[] = {
		[NVLI_END_UNKNOWN] = '?', [NVLI_END_NONE] = '-', [NVLI_END_CPU] = 'C',
		[NVLI_END_GPU] = 'G'
	};
	static const char faults[] = {
		[NVLI_FAULT_NONE] = '?', [NVLI_FAULT_MISSING] = 'm', [NVLI_FAULT_LENGTH] = 'l',
		[NVLI_FAULT_PHANDLE] = 'p', [NVLI_FAULT_SELF] = 's', [NVLI_FAULT_NODE] = 'n'
	};

	return link->end == NVLI_END_UNKNOWN ? faults[link->fault] : ends[link->end];
}

#define R "GCGCGC"
#define S "GCGGGC"
#define S2 "GGGCGC"

static const struct fixture {
	const char *name;
	const char *links[GPUS];
	u32 alone[GPUS];	/* each for itself */
	u32 socket[GPUS];	/* with those of its socket, which before 5.13 are one group */
} fixtures[] = {
	{ "redbud", { R, R, R, R }, { REDBUD, REDBUD, REDBUD, REDBUD }, { 0, 0, 0, 0 } },
	{ "group", { R, R }, { REDBUD, REDBUD }, { 0, 0 } },
	{ "foreign", { R, R }, { REDBUD, REDBUD }, { 0, 0 } },
	{ "redbud-absent", { "-C-C-C", R, R }, { REDBUD, REDBUD, REDBUD }, { REDBUD, 0, 0 } },
	{ "redbud-garbage", { "nCpCpp", R, R }, { 0x350000, REDBUD, REDBUD }, { 0x350000, 0, 0 } },
	/* What others say of a GPU that says nothing itself is not believed either. */
	{ "redbud-nopeers", { "mmmmmm", R, R, R }, { ALL, REDBUD, REDBUD, REDBUD },
	  { ALL, REDBUD, 0, 0 } },
	{ "redbud-nocells", { "llllll", R, R, R }, { ALL, REDBUD, REDBUD, REDBUD },
	  { ALL, REDBUD, 0, 0 } },
	{ "redbud-5cells", { "llllll", R, R, R }, { ALL, REDBUD, REDBUD, REDBUD },
	  { ALL, REDBUD, 0, 0 } },
	{ "redbud-7cells", { "llllll", R, R, R }, { ALL, REDBUD, REDBUD, REDBUD },
	  { ALL, REDBUD, 0, 0 } },
	{ "redbud-23bytes", { "llllll", R, R, R }, { ALL, REDBUD, REDBUD, REDBUD },
	  { ALL, REDBUD, 0, 0 } },
	{ "redbud-self", { "GsGCGC", R, R, R }, { 0x170000, REDBUD, REDBUD, REDBUD },
	  { 0x020000, 0, 0, 0 } },
	{ "redbud-unknown", { "GCGpGC", R, R, R }, { 0x1d0000, REDBUD, REDBUD, REDBUD },
	  { 0x080000, 0, 0, 0 } },
	{ "redbud-repeats", { R, "ssssss", R, R }, { REDBUD, ALL, REDBUD, REDBUD },
	  { REDBUD, ALL, 0, 0 } },
	/* The list of CPU ends is not relied on: each CPU end identifies itself. */
	{ "redbud-nonpu", { R, R, R, R }, { REDBUD, REDBUD, REDBUD, REDBUD }, { 0, 0, 0, 0 } },
	{ "redbud-wrongnpu", { R, R, R, R }, { REDBUD, REDBUD, REDBUD, REDBUD }, { 0, 0, 0, 0 } },
	{ "redbud-swapped", { R, R, R, R }, { REDBUD, REDBUD, REDBUD, REDBUD }, { 0, 0, 0, 0 } },
	{ "redbud-npuphb", { R, R, R, R }, { REDBUD, REDBUD, REDBUD, REDBUD }, { 0, 0, 0, 0 } },
	{ "redbud-otherphb", { "GnGnGn", "GnGnGn", R, R }, { ALL, ALL, REDBUD, REDBUD },
	  { 0x2a0000, 0x2a0000, 0, 0 } },
	{ "redbud-asymmetric", { R, "GCGCCC", R, R }, { REDBUD, 0x050000, REDBUD, REDBUD },
	  { REDBUD, 0x050000, 0, 0 } },
	{ "redbud-stranger", { R, R, R, R }, { REDBUD, REDBUD, REDBUD, REDBUD },
	  { REDBUD, REDBUD, 0, 0 } },
	/* A board that is not supported is not served, and is a stranger to those that are. */
	{ "redbud-sxm3", { "nCnCnC", R, R }, { REDBUD, REDBUD, REDBUD }, { REDBUD, 0, 0 } },
	{ "redbud-noid", { "nCnCnC", R, R }, { REDBUD, REDBUD, REDBUD }, { REDBUD, 0, 0 } },
	{ "redbud-nophandle", { "pCpCpC", R, R, R }, { REDBUD, REDBUD, REDBUD, REDBUD },
	  { REDBUD, REDBUD, 0, 0 } },
	{ "sequoia", { S, S, S2, S, S, S2 },
	  { SEQUOIA, SEQUOIA, SEQUOIA_2, SEQUOIA, SEQUOIA, SEQUOIA_2 }, { 0, 0, 0, 0, 0, 0 } },
	{ "sequoia-absent", { "GC--GC", "GC--GC", S, S, S2 },
	  { SEQUOIA, SEQUOIA, SEQUOIA, SEQUOIA, SEQUOIA_2 }, { 0x0c0000, 0x0c0000, 0, 0, 0 } },
	{ "sequoia-garbage", { "GCppGC", "GCppGC", S, S, S2 },
	  { SEQUOIA, SEQUOIA, SEQUOIA, SEQUOIA, SEQUOIA_2 }, { 0x0c0000, 0x0c0000, 0, 0, 0 } },
};

/* Masks under other policies; who is not on PCI is a stranger to all. */
static const struct policy {
	const char *name;
	const char *domains;
	unsigned int absent;	/* bit n: the tree's GPU n is not on PCI */
	u32 masks[GPUS];
} policies[] = {
	{ "redbud", "0004:04:00.0+0004:05:00.0", 0, { 0, 0, REDBUD, REDBUD } },
	{ "redbud", "0004:04:00.0+0004:05:00.0,0035:03:00.0+0035:04:00.0", 0, { 0, 0, 0, 0 } },
	{ "redbud", "0004:04:00.0+0004:05:00.0,0035:03:00.0+0035:04:00.0", 1 << 1,
	  { REDBUD, REDBUD, 0, 0 } },
	/* Nothing is between the sockets that could be kept. */
	{ "redbud", "0004:04:00.0+0035:03:00.0,0004:05:00.0+0035:04:00.0", 0,
	  { REDBUD, REDBUD, REDBUD, REDBUD } },
	/* Two that do not agree are not joined. */
	{ "redbud-stranger", "0004:05:00.0+0035:03:00.0", 0, { REDBUD, REDBUD, REDBUD, REDBUD } },
	{ "redbud-asymmetric", "0004:04:00.0+0004:05:00.0", 0,
	  { REDBUD, 0x050000, REDBUD, REDBUD } },
	{ "sequoia", "0004:04:00.0+0004:05:00.0", 0,
	  { 0x0c0000, 0x0c0000, SEQUOIA_2, SEQUOIA, SEQUOIA, SEQUOIA_2 } },
	{ "sequoia", "0004:04:00.0+0004:06:00.0,0035:05:00.0+0035:04:00.0,0035:03:00.0", 0,
	  { 0x110000, SEQUOIA, 0x050000, SEQUOIA, 0x110000, 0x120000 } },
	{ "sequoia", "0004:04:00.0+0004:05:00.0+0004:06:00.0", 0,
	  { 0, 0, 0, SEQUOIA, SEQUOIA, SEQUOIA_2 } },
	{ "sequoia", "0004:04:00.0+0004:05:00.0+0004:06:00.0", 1 << 2,
	  { 0x0c0000, 0x0c0000, SEQUOIA_2, SEQUOIA, SEQUOIA, SEQUOIA_2 } },
	{ "sequoia-garbage", "0004:04:00.0+0004:05:00.0+0004:06:00.0", 0,
	  { 0x0c0000, 0x0c0000, SEQUOIA, SEQUOIA, SEQUOIA_2 } },
};

/* Read a fixture in as much memory as it needs, and its GPUs. */
static size_t read_fixture(const char *name, struct tree_gpu gpus[TREE_GPUS])
{
	char path[200];
	size_t n, bytes;
	void *fdt;
	FILE *file;

	snprintf(path, sizeof(path), TREES "%s.dtb", name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("%s is not there: make unit", path);
	fseek(file, 0, SEEK_END);
	bytes = ftell(file);
	rewind(file);
	fdt = malloc(bytes);
	assert_non_null(fdt);
	assert_int_equal(fread(fdt, 1, bytes, file), bytes);
	fclose(file);

	assert_true(tree_is_valid(fdt, bytes));
	n = tree_read(fdt, gpus);
	free(fdt);

	return n;
}

static void expect_mask(const char *name, const char *domains, size_t gpu, u32 mask, u32 expected)
{
	if (mask != expected)
		fail_msg("%s, %s, GPU %zu: expected 0x%06x, got 0x%06x", name, domains, gpu,
			 expected, mask);
}

static void expect_links(const char *name, const struct tree_gpu *gpus, size_t gpu,
			 const char *expected)
{
	char links[GV100_NVLINKS + 1] = "";

	for (int i = 0; i < GV100_NVLINKS; i++)
		links[i] = end_letter(&gpus[gpu].topology.link[i]);
	if (!expected || strcmp(links, expected))
		fail_msg("%s, GPU %zu: expected %s, got %s", name, gpu,
			 expected ? expected : "no such GPU", links);
}

static void links_and_masks_of_each(void **state)
{
	struct tree_gpu gpus[TREE_GPUS];
	int alone[TREE_GPUS];
	int socket[TREE_GPUS];

	for (size_t f = 0; f < ARRAY_SIZE(fixtures); f++) {
		const struct fixture *fixture = &fixtures[f];
		size_t n = read_fixture(fixture->name, gpus);

		assert_in_range(n, 1, GPUS);
		assert_true(n == GPUS || !fixture->links[n]);
		for (size_t i = 0; i < n; i++) {
			alone[i] = NVLI_ALONE;
			socket[i] = gpus[i].id >> 16;
		}
		for (size_t i = 0; i < n; i++) {
			expect_links(fixture->name, gpus, i, fixture->links[i]);
			expect_mask(fixture->name, "each alone", i,
				    tree_required(gpus, n, i, alone), fixture->alone[i]);
			expect_mask(fixture->name, "by socket", i,
				    tree_required(gpus, n, i, socket), fixture->socket[i]);
		}
	}
}

static void masks_under_other_policies(void **state)
{
	struct tree_gpu gpus[TREE_GPUS];
	struct nvli_domains_error error;
	struct nvli_domains domains;
	int domain[TREE_GPUS];

	for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
		const struct policy *policy = &policies[p];
		size_t n = read_fixture(policy->name, gpus);

		assert_true(nvli_domains_parse(&domains, policy->domains, &error));
		for (size_t i = 0; i < n; i++)
			domain[i] = policy->absent & 1U << i ? NVLI_ALONE :
				    nvli_domain_of(&domains, gpus[i].id, NVLI_ALONE);
		for (size_t i = 0; i < n; i++)
			expect_mask(policy->name, policy->domains, i,
				    tree_required(gpus, n, i, domain), policy->masks[i]);
	}
}

/* For a warning only: the masks above are what they are without. */
static void cpu_ends_of_others(void **state)
{
	static const struct {
		const char *name;
		u32 unlisted[GPUS];
	} rows[] = {
		{ "redbud", { 0, 0, 0, 0 } },
		{ "redbud-nonpu", { 0x2a0000, 0, 0, 0 } },
		{ "redbud-wrongnpu", { 0x2a0000, 0, 0, 0 } },
		{ "redbud-swapped", { 0x280000, 0x280000, 0, 0 } },
		{ "redbud-npuphb", { 0x080000, 0, 0, 0 } },
		{ "redbud-nopeers", { 0, 0, 0, 0 } },
		{ "sequoia", { 0, 0, 0, 0, 0, 0 } },
	};
	struct tree_gpu gpus[TREE_GPUS];

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		size_t n = read_fixture(rows[r].name, gpus);

		for (size_t i = 0; i < n; i++)
			expect_mask(rows[r].name, "not in ibm,npu", i, gpus[i].unlisted,
				    rows[r].unlisted[i]);
	}
}

static void addresses_are_the_machines(void **state)
{
	static const struct {
		const char *name;
		const char *gpu[GPUS];
	} rows[] = {
		{ "redbud", { "0004:04:00.0", "0004:05:00.0", "0035:03:00.0", "0035:04:00.0" } },
		{ "sequoia", { "0004:04:00.0", "0004:05:00.0", "0004:06:00.0", "0035:03:00.0",
			       "0035:04:00.0", "0035:05:00.0" } },
	};
	struct tree_gpu gpus[TREE_GPUS];
	char text[NVLI_GPU_ID_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = read_fixture(rows[i].name, gpus);

		for (size_t gpu = 0; gpu < n; gpu++)
			assert_string_equal(nvli_gpu_id_text(gpus[gpu].id, text), rows[i].gpu[gpu]);
	}
}

/* A fixture that nobody expects anything of is a mistake. */
static void none_is_left_out(void **state)
{
	glob_t found;

	assert_int_equal(glob(SOURCES "*.dts", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i] + strlen(SOURCES);
		size_t length = strlen(name) - strlen(".dts");
		size_t f;

		for (f = 0; f < ARRAY_SIZE(fixtures); f++)
			if (strlen(fixtures[f].name) == length &&
			    !strncmp(fixtures[f].name, name, length))
				break;
		if (f == ARRAY_SIZE(fixtures))
			fail_msg("%s is in no table", found.gl_pathv[i]);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_and_masks_of_each),
		cmocka_unit_test(masks_under_other_policies),
		cmocka_unit_test(cpu_ends_of_others),
		cmocka_unit_test(addresses_are_the_machines),
		cmocka_unit_test(none_is_left_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("fixtures", tests, NULL, NULL);
}
