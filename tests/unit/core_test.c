// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the core but for status.c, which has its own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <nvlink_isolation/core.h>

#define LINKS(...) { __VA_ARGS__ }
#define ALL 0x3f0000

/* One GPU of a board: its cells, and which masks the fact sheet expects of it. */
struct gpu {
	u32 self;
	u32 cells[GV100_NVLINKS];
};

static const struct gpu redbud[] = {
	{ 0x201, LINKS(0x202, 0x301, 0x202, 0x302, 0x202, 0x303) },
	{ 0x202, LINKS(0x201, 0x304, 0x201, 0x305, 0x201, 0x306) },
};

static const struct gpu sequoia[] = {
	{ 0x401, LINKS(0x402, 0x501, 0x403, 0x403, 0x402, 0x502) },
	{ 0x402, LINKS(0x401, 0x503, 0x403, 0x403, 0x401, 0x504) },
	{ 0x403, LINKS(0x402, 0x401, 0x402, 0x505, 0x401, 0x506) },
};

/* A device tree: GPUs are 0x2?? and 0x4??, NPU links 0x3?? and 0x5??, a network card 0x600. */
static struct nvli_node find(void *context, u32 phandle)
{
	struct nvli_node node = { .found = true };
	unsigned int *lookups = context;

	(*lookups)++;
	if ((phandle >= 0x201 && phandle <= 0x204) || (phandle >= 0x401 && phandle <= 0x406)) {
		node.vendor = 0x10de;
		node.device = 0x1db1;
	} else if ((phandle >= 0x301 && phandle <= 0x306) ||
		   (phandle >= 0x501 && phandle <= 0x506)) {
		node.npu = true;
		node.vendor = 0x1014;
		node.device = 0x04ea;
	} else if (phandle == 0x600) {
		node.vendor = 0x14e4;
		node.device = 0x1657;
	} else if (phandle == 0x601) {	/* V100 SXM3 */
		node.vendor = 0x10de;
		node.device = 0x1db8;
	} else {
		node.found = false;
	}

	return node;
}

static void to_bytes(const u32 *cells, size_t n, u8 *bytes)
{
	for (size_t i = 0; i < n; i++)
		for (int j = 0; j < 4; j++)
			bytes[4 * i + j] = cells[i] >> (24 - 8 * j);
}

static struct nvli_topology parse(const struct gpu *gpu)
{
	struct nvli_topology topology;
	u8 bytes[4 * GV100_NVLINKS];
	unsigned int lookups = 0;

	to_bytes(gpu->cells, GV100_NVLINKS, bytes);
	nvli_topology_parse(&topology, bytes, sizeof(bytes), gpu->self, find, &lookups);

	return topology;
}

/* The mask of boards[i] when domains[] says who may talk to whom. */
static u32 mask_of(const struct gpu *board, size_t n, size_t i, const int *domains)
{
	struct nvli_topology topology = parse(&board[i]);
	int peer_domain[GV100_NVLINKS];

	for (int link = 0; link < GV100_NVLINKS; link++) {
		peer_domain[link] = NVLI_ALONE;
		for (size_t peer = 0; peer < n; peer++)
			if (board[peer].self == topology.link[link].phandle)
				peer_domain[link] = domains[peer];
	}

	return nvli_required_mask(&topology, domains[i], peer_domain);
}

static void expect_masks(const struct gpu *board, size_t n, const int *domains, const u32 *masks)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(mask_of(board, n, i, domains), masks[i]);
}

static void masks_of_the_fact_sheet(void **state)
{
	static const struct {
		const struct gpu *board;
		size_t n;
		int domains[3];
		u32 masks[3];
	} rows[] = {
		{ redbud, 2, LINKS(NVLI_ALONE, NVLI_ALONE), LINKS(0x150000, 0x150000) },
		{ redbud, 2, LINKS(7, 8), LINKS(0x150000, 0x150000) },
		{ redbud, 2, LINKS(7, 7), LINKS(0, 0) },
		{ redbud, 2, LINKS(0, 0), LINKS(0, 0) },
		{ redbud, 2, LINKS(NVLI_ALONE, 7), LINKS(0x150000, 0x150000) },
		{ sequoia, 3, LINKS(1, 2, 3), LINKS(0x1d0000, 0x1d0000, 0x170000) },
		{ sequoia, 3, LINKS(1, 1, 2), LINKS(0x0c0000, 0x0c0000, 0x170000) },
		{ sequoia, 3, LINKS(1, 2, 1), LINKS(0x110000, 0x1d0000, 0x050000) },
		{ sequoia, 3, LINKS(2, 1, 1), LINKS(0x1d0000, 0x110000, 0x120000) },
		{ sequoia, 3, LINKS(1, 1, 1), LINKS(0, 0, 0) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_masks(rows[i].board, rows[i].n, rows[i].domains, rows[i].masks);
}

/* What the parameter says of the GPUs of one socket, which are in IOMMU groups. */
static void masks_of_the_parameter(void **state)
{
	static const u32 socket_redbud[] = { NVLI_GPU_ID(4, 4, 0, 0), NVLI_GPU_ID(4, 5, 0, 0) };
	static const u32 socket_sequoia[] = { NVLI_GPU_ID(4, 4, 0, 0), NVLI_GPU_ID(4, 5, 0, 0),
					      NVLI_GPU_ID(4, 6, 0, 0) };
	static const struct {
		const struct gpu *board;
		const u32 *ids;
		size_t n;
		const char *domains;
		int groups[3];
		u32 masks[3];
	} rows[] = {
		/* Since Linux 5.13 each GPU has a group, before a socket has one. */
		{ redbud, socket_redbud, 2, "group", LINKS(0, 1), LINKS(0x150000, 0x150000) },
		{ redbud, socket_redbud, 2, "group", LINKS(3, 3), LINKS(0, 0) },
		{ redbud, socket_redbud, 2, "group", LINKS(-1, -1), LINKS(0x150000, 0x150000) },
		{ redbud, socket_redbud, 2, "gpu", LINKS(3, 3), LINKS(0x150000, 0x150000) },
		{ redbud, socket_redbud, 2, "0004:04:00.0+0004:05:00.0", LINKS(0, 1), LINKS(0, 0) },
		{ redbud, socket_redbud, 2, "0004:04:00.0,0004:05:00.0", LINKS(3, 3),
		  LINKS(0x150000, 0x150000) },
		{ redbud, socket_redbud, 2, "0004:04:00.0", LINKS(3, 3),
		  LINKS(0x150000, 0x150000) },
		{ sequoia, socket_sequoia, 3, "group", LINKS(0, 1, 2),
		  LINKS(0x1d0000, 0x1d0000, 0x170000) },
		{ sequoia, socket_sequoia, 3, "group", LINKS(3, 3, 3), LINKS(0, 0, 0) },
		{ sequoia, socket_sequoia, 3, "gpu", LINKS(3, 3, 3),
		  LINKS(0x1d0000, 0x1d0000, 0x170000) },
		{ sequoia, socket_sequoia, 3, "0004:04:00.0+0004:05:00.0", LINKS(3, 3, 3),
		  LINKS(0x0c0000, 0x0c0000, 0x170000) },
		{ sequoia, socket_sequoia, 3, "0004:06:00.0+0004:04:00.0,0004:05:00.0",
		  LINKS(0, 1, 2), LINKS(0x110000, 0x1d0000, 0x050000) },
		{ sequoia, socket_sequoia, 3, "0004:04:00.0,0004:05:00.0+0004:06:00.0",
		  LINKS(0, 1, 2), LINKS(0x1d0000, 0x110000, 0x120000) },
		{ sequoia, socket_sequoia, 3, "0004:04:00.0+0004:05:00.0+0004:06:00.0",
		  LINKS(0, 1, 2), LINKS(0, 0, 0) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nvli_domains_error error;
		struct nvli_domains domains;
		int domain[3];

		assert_true(nvli_domains_parse(&domains, rows[i].domains, &error));
		for (size_t gpu = 0; gpu < rows[i].n; gpu++)
			domain[gpu] = nvli_domain_of(&domains, rows[i].ids[gpu],
						     rows[i].groups[gpu]);
		expect_masks(rows[i].board, rows[i].n, domain, rows[i].masks);
	}
}

/* What is isolated when the parameter is changed, and what has to be done then */
static void a_cut_that_grows_and_shrinks(void **state)
{
	static const struct {
		int domains[3];
		u32 required;
		enum nvli_state state;
	} steps[] = {
		{ LINKS(1, 1, 1), 0, NVLI_ISOLATED },
		{ LINKS(1, 1, 2), 0x0c0000, NVLI_PENDING },
		{ LINKS(1, 2, 1), 0x110000, NVLI_PENDING },
		/* Both cuts together; then it shrinks: what is cut too much proves enough. */
		{ LINKS(1, 2, 3), 0x1d0000, NVLI_ISOLATED },
		{ LINKS(1, 2, 1), 0x110000, NVLI_ISOLATED },
		{ LINKS(1, 1, 2), 0x0c0000, NVLI_ISOLATED },
		{ LINKS(1, 1, 1), 0, NVLI_ISOLATED },
		/* The worker did not audit the GPU while nothing was required. */
		{ LINKS(1, 2, 3), 0x1d0000, NVLI_PENDING },
	};
	struct nvli_status status = { .generation = 1 };
	/* A disable bit is only ever set, until the next reset. */
	struct nvli_result hardware = { NVLI_READ, GV100_LINK_DISABLE, 0, false };

	nvli_status_watch(&status, true);
	nvli_status_enforce(&status, true);
	assert_true(nvli_status_judge(&status, status.generation, &hardware));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		u32 required = mask_of(sequoia, 3, 0, steps[i].domains);

		assert_int_equal(required, steps[i].required);
		nvli_status_require(&status, required);
		assert_int_equal(nvli_state(&status), steps[i].state);
		if (nvli_state(&status) == NVLI_ISOLATED)
			continue;
		hardware.value |= required;
		assert_true(nvli_status_judge(&status, status.generation, &hardware));
		assert_int_equal(status.disabled, hardware.value);
	}
	assert_int_equal(status.reapplied, 0);

	/* After a reset only what is required then is cut. */
	nvli_status_require(&status, 0x110000);
	nvli_status_reset(&status, true);
	hardware.value = 0x110000;
	assert_true(nvli_status_judge(&status, status.generation, &hardware));
	assert_int_equal(status.disabled, 0x110000);
}

static void an_error_is_no_domain(void **state)
{
	static const int errors[] = { -19, -19 };
	static const u32 masks[] = { 0x150000, 0x150000 };

	expect_masks(redbud, 2, errors, masks);
}

static void gpus_that_do_not_agree(void **state)
{
	static const struct {
		struct gpu a;
		struct gpu b;
		bool agree;
	} rows[] = {
		{ { 0x201, LINKS(0x202, 0x301, 0x202, 0x302, 0x202, 0x303) },
		  { 0x202, LINKS(0x201, 0x304, 0x201, 0x305, 0x201, 0x306) }, true },
		/* On a Sequoia a link has another number at its other end. */
		{ { 0x401, LINKS(0x402, 0x501, 0x403, 0x403, 0x402, 0x502) },
		  { 0x403, LINKS(0x402, 0x401, 0x402, 0x505, 0x401, 0x506) }, true },
		/* Of different sockets */
		{ { 0x201, LINKS(0x202, 0x301, 0x202, 0x302, 0x202, 0x303) },
		  { 0x203, LINKS(0x204, 0x307, 0x204, 0x308, 0x204, 0x309) }, true },
		{ { 0x201, LINKS(0x202, 0x301, 0x202, 0x302, 0x202, 0x303) },
		  { 0x202, LINKS(0x201, 0x304, 0x201, 0x305, 0, 0x306) }, false },
		{ { 0x201, LINKS(0x202, 0x301, 0x202, 0x302, 0x202, 0x303) },
		  { 0x202, LINKS(0x201, 0x201, 0x201, 0x201, 0x201, 0x201) }, false },
		{ { 0x201, LINKS(0x202, 0x301, 0x202, 0x302, 0x202, 0x303) },
		  { 0x202, LINKS(0, 0x304, 0, 0x305, 0, 0x306) }, false },
		/* Who has no phandle is in nobody's list, and an empty cell is not a link to it. */
		{ { 0x201, LINKS(0x202, 0, 0, 0, 0, 0) },
		  { 0, LINKS(0x201, 0, 0, 0, 0, 0) }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nvli_topology a = parse(&rows[i].a);
		struct nvli_topology b = parse(&rows[i].b);

		assert_int_equal(nvli_topology_agree(&a, rows[i].a.self, &b, rows[i].b.self),
				 rows[i].agree);
		assert_int_equal(nvli_topology_agree(&b, rows[i].b.self, &a, rows[i].a.self),
				 rows[i].agree);
	}
}

static void no_property_tells_nothing(void **state)
{
	int peer_domain[GV100_NVLINKS] = { 0 };
	struct nvli_topology topology;
	unsigned int lookups = 0;

	nvli_topology_parse(&topology, NULL, 0, 0x201, find, &lookups);
	for (int i = 0; i < GV100_NVLINKS; i++) {
		assert_int_equal(topology.link[i].end, NVLI_END_UNKNOWN);
		assert_int_equal(topology.link[i].fault, NVLI_FAULT_MISSING);
	}
	assert_int_equal(nvli_required_mask(&topology, 0, peer_domain), ALL);
	assert_int_equal(lookups, 0);
}

static void a_list_of_another_length_tells_nothing(void **state)
{
	static const size_t lengths[] = { 0, 4, 20, 23, 25, 28, 48 };
	u32 cells[12] = { 0x202, 0x301, 0x202, 0x302, 0x202, 0x303, 0x202, 0x301, 0x202, 0x302,
			  0x202, 0x303 };
	int peer_domain[GV100_NVLINKS] = { 0 };
	struct nvli_topology topology;
	unsigned int lookups = 0;
	u8 bytes[sizeof(cells)];

	to_bytes(cells, 12, bytes);
	for (size_t n = 0; n < ARRAY_SIZE(lengths); n++) {
		nvli_topology_parse(&topology, bytes, lengths[n], 0x201, find, &lookups);
		for (int i = 0; i < GV100_NVLINKS; i++)
			assert_int_equal(topology.link[i].fault, NVLI_FAULT_LENGTH);
		assert_int_equal(topology.bytes, lengths[n]);
		assert_int_equal(nvli_required_mask(&topology, 0, peer_domain), ALL);
	}
	assert_int_equal(lookups, 0);
}

static void each_cell_is_judged_alone(void **state)
{
	static const struct gpu gpu = {
		0x201, LINKS(0x202, 0x301, 0xdead, 0x201, 0x600, 0x601)
	};
	static const enum nvli_fault faults[] = {
		NVLI_FAULT_NONE, NVLI_FAULT_NONE, NVLI_FAULT_PHANDLE, NVLI_FAULT_SELF,
		NVLI_FAULT_NODE, NVLI_FAULT_NODE
	};
	struct nvli_topology topology = parse(&gpu);
	int peer_domain[GV100_NVLINKS] = { 0 };

	for (int i = 0; i < GV100_NVLINKS; i++) {
		assert_int_equal(topology.link[i].fault, faults[i]);
		assert_int_equal(topology.link[i].phandle, gpu.cells[i]);
	}
	assert_int_equal(topology.link[0].end, NVLI_END_GPU);
	assert_int_equal(topology.link[1].end, NVLI_END_CPU);
	assert_int_equal(nvli_required_mask(&topology, 0, peer_domain), 0x3c0000);
	assert_int_equal(nvli_required_mask(&topology, NVLI_ALONE, peer_domain), 0x3d0000);
}

/* Whole cells count, and only for links that lead to a CPU. */
static void a_cpu_end_that_is_not_listed(void **state)
{
	static const u8 npus[] = { 0, 0, 3, 3, 0, 0, 2, 2, 0, 0, 3, 1, 0, 0, 3 };
	struct nvli_topology topology = { .link = {
		[1] = { .end = NVLI_END_CPU, .phandle = 0x301 },
		[2] = { .end = NVLI_END_GPU, .phandle = 0x202 },
		[3] = { .end = NVLI_END_CPU, .phandle = 0x302 },
		[5] = { .end = NVLI_END_CPU, .phandle = 0x303 },
	} };

	assert_int_equal(nvli_topology_unlisted(&topology, npus, sizeof(npus)), 0x080000);
	assert_int_equal(nvli_topology_unlisted(&topology, npus, 8), 0x0a0000);
	assert_int_equal(nvli_topology_unlisted(&topology, npus, 3), 0x2a0000);
	assert_int_equal(nvli_topology_unlisted(&topology, npus, 0), 0x2a0000);
	assert_int_equal(nvli_topology_unlisted(&topology, NULL, 0), 0x2a0000);
}

static void nothing_at_the_other_end(void **state)
{
	static const struct gpu gpu = { 0x201, LINKS(0, 0x301, 0, 0x302, 0, 0x303) };
	struct nvli_topology topology = parse(&gpu);
	int peer_domain[GV100_NVLINKS] = { 0 };

	assert_int_equal(topology.link[0].end, NVLI_END_NONE);
	assert_int_equal(topology.link[0].fault, NVLI_FAULT_NONE);
	assert_int_equal(nvli_required_mask(&topology, 0, peer_domain), 0x150000);
}

static void a_gpu_without_phandle_is_nobodys_self(void **state)
{
	static const struct gpu gpu = { 0, LINKS(0x202, 0, 0, 0, 0, 0) };
	struct nvli_topology topology = parse(&gpu);

	assert_int_equal(topology.link[0].end, NVLI_END_GPU);
	assert_int_equal(topology.link[1].end, NVLI_END_NONE);
}

static void boards_and_chips(void **state)
{
	static const u16 supported[] = { 0x1db0, 0x1db1, 0x1db2, 0x1db5, 0x1db7, 0x1df5 };
	static const u16 others[] = { 0x1db3, 0x1db4, 0x1db6, 0x1db8, 0x1dba, 0x1dbd, 0x1dbe,
				      0x1df0, 0x1df2, 0x1df6, 0x15f9, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(supported); i++) {
		assert_non_null(nvli_board(0x10de, supported[i]));
		assert_null(nvli_board(0x1014, supported[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_null(nvli_board(0x10de, others[i]));

	assert_true(nvli_chip_is_gv100(0x140000a1));
	assert_true(nvli_chip_is_gv100(0x140fffff));
	assert_false(nvli_chip_is_gv100(0x130000a1));
	assert_false(nvli_chip_is_gv100(0x141000a1));
	assert_false(nvli_chip_is_gv100(0xffffffff));
	assert_false(nvli_chip_is_gv100(0));

	/* Only a chip that is known is another one; everything else is garbage. */
	assert_true(nvli_chip_is_other(0x130000a1));
	assert_true(nvli_chip_is_other(0x130fffff));
	assert_false(nvli_chip_is_other(0x140000a1));
	assert_false(nvli_chip_is_other(0x131000a1));
	assert_false(nvli_chip_is_other(0x170000a1));
	assert_false(nvli_chip_is_other(0xa1000013));
	assert_false(nvli_chip_is_other(0xbadf1002));
	assert_false(nvli_chip_is_other(0xffffffff));
	assert_false(nvli_chip_is_other(0));
}

static void what_is_an_answer(void **state)
{
	assert_true(nvli_is_answer(0));
	assert_true(nvli_is_answer(0x150005));
	assert_true(nvli_is_answer(0xfffffffe));
	assert_true(nvli_is_answer(0xbae00000));
	assert_false(nvli_is_answer(0xffffffff));
	assert_false(nvli_is_answer(0xbadf1002));
	assert_false(nvli_is_answer(0xbad00100));
	assert_false(nvli_is_answer(0xbadfffff));
}

static void links_as_text(void **state)
{
	char text[NVLI_LINKS_TEXT];

	assert_string_equal(nvli_links_text(0, text), "");
	assert_string_equal(nvli_links_text(0x010000, text), "0");
	assert_string_equal(nvli_links_text(0x150000, text), "0,2,4");
	assert_string_equal(nvli_links_text(ALL, text), "0,1,2,3,4,5");
	assert_string_equal(nvli_links_text(0xffffffff, text), "0,1,2,3,4,5");
	assert_string_equal(nvli_links_text(0xffc0ffff, text), "");
}

static void faults_have_names(void **state)
{
	for (int i = 0; i <= NVLI_FAULT_UNDECLARED + 1; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(nvli_fault_text((enum nvli_fault)i),
						nvli_fault_text((enum nvli_fault)j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_of_the_fact_sheet),
		cmocka_unit_test(masks_of_the_parameter),
		cmocka_unit_test(a_cut_that_grows_and_shrinks),
		cmocka_unit_test(an_error_is_no_domain),
		cmocka_unit_test(gpus_that_do_not_agree),
		cmocka_unit_test(no_property_tells_nothing),
		cmocka_unit_test(a_list_of_another_length_tells_nothing),
		cmocka_unit_test(each_cell_is_judged_alone),
		cmocka_unit_test(a_cpu_end_that_is_not_listed),
		cmocka_unit_test(nothing_at_the_other_end),
		cmocka_unit_test(a_gpu_without_phandle_is_nobodys_self),
		cmocka_unit_test(boards_and_chips),
		cmocka_unit_test(what_is_an_answer),
		cmocka_unit_test(links_as_text),
		cmocka_unit_test(faults_have_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
