// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of src/module/sequence.c, against a model of a GV100: which registers it accesses, in
 * which order and with which values, and where it ends when one of them fails.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/module/sequence.h"

#define REQUIRED	0x150000	/* links 0, 2 and 4 */
#define FOREIGN		0x40000005	/* bits of the mask that nobody knows */
#define ENABLED		0x40003120	/* PMC_ENABLE after a reset, without the NVLink unit */
#define RESULTS		0x00000101	/* the ring start's results; bit 0: connected */
#define DECODE		0x00000f00	/* the decode configuration after a reset */
#define GV100		0x140000a1
#define GP100		0x130000a1
#define PRI_ERROR	0xbadf1002
#define RING_READS	50		/* as in sequence.c */
#define RING_ERRORS	5
#define UNIT_READS	3
#define UNIT_WAIT	40		/* microseconds */
#define ACCESSES	128

enum kind { END, READ, WRITE };

/**
 * struct access - one access to a register
 * @kind: whether it was read or written
 * @offset: the register
 * @value: what was read or written
 */
struct access {
	enum kind kind;
	u32 offset;
	u32 value;
};

/**
 * struct model - a GV100
 * @boot_0: what PMC_BOOT_0 reads as
 * @command: the ring command; reads as this until the ring has started
 * @ring_reads: reads of @command until the ring has started
 * @starting_error: what these give instead of @command; 0 for that
 * @results: results of the last ring start
 * @decode: the decode configuration
 * @enable: PMC_ENABLE
 * @unit_is_dead: the NVLink unit does not answer
 * @mask: the link disable mask; bits are only ever set
 * @sticks: the bits of @mask that can be set
 * @fails_at: number of the access that fails, from 1; 0 for none
 * @failure: what a read gives there; 0 if the access must not be made any more
 * @goes_on: the sequence is to go on after it
 * @log: every access, also one that fails
 * @accesses: how many there are in @log
 * @pauses: how often the sequence waited
 */
struct model {
	u32 boot_0;
	u32 command;
	unsigned int ring_reads;
	u32 starting_error;
	u32 results;
	u32 decode;
	u32 enable;
	bool unit_is_dead;
	u32 mask;
	u32 sticks;
	unsigned int fails_at;
	u32 failure;
	bool goes_on;
	struct access log[ACCESSES];
	unsigned int accesses;
	unsigned int pauses;
};

/* After a reset: the ring is stopped, and the NVLink unit is off. */
static struct model reset_gpu(void)
{
	return (struct model){
		.boot_0 = GV100,
		.ring_reads = 1,
		.enable = ENABLED,
		.mask = FOREIGN,
		.sticks = GV100_LINK_DISABLE_ALL,
	};
}

/* A driver has started the ring, and has not disabled any link. */
static struct model started_gpu(void)
{
	struct model model = reset_gpu();

	model.results = RESULTS;
	model.decode = GV100_RING_DECODE_WAIT;
	model.enable |= GV100_PMC_ENABLE_NVLINK;

	return model;
}

static bool mask_is_reached(const struct model *model)
{
	return !model->unit_is_dead && !model->command &&
	       model->results & GV100_RING_START_CONNECTED &&
	       model->decode & GV100_RING_DECODE_WAIT &&
	       model->enable & GV100_PMC_ENABLE_NVLINK;
}

static void finish_ring_start(struct model *model)
{
	model->command = 0;
	if (!model->results)
		model->results = RESULTS;
}

static u32 read_model(struct model *model, u32 offset)
{
	u32 value;

	switch (offset) {
	case GV100_PMC_BOOT_0:
		return model->boot_0;
	case GV100_PMC_ENABLE:
		return model->enable;
	case GV100_RING_COMMAND:
		value = model->command;
		if (value && model->starting_error)
			value = model->starting_error;
		if (model->command && !--model->ring_reads)
			finish_ring_start(model);
		return value;
	case GV100_RING_START_RESULTS:
		return model->results;
	case GV100_RING_DECODE_CONFIG:
		return model->decode;
	case GV100_LINK_DISABLE:
		return mask_is_reached(model) ? model->mask : PRI_ERROR;
	}
	fail_msg("register 0x%06x is read", offset);

	return 0;
}

static void write_model(struct model *model, u32 offset, u32 value)
{
	switch (offset) {
	case GV100_PMC_ENABLE:
		model->enable = value;
		return;
	case GV100_RING_COMMAND:
		model->command = value;
		if (!model->ring_reads)
			finish_ring_start(model);
		return;
	case GV100_RING_DECODE_CONFIG:
		model->decode = value;
		return;
	case GV100_LINK_DISABLE:
		/* What is unknown is written as it was read. */
		assert_true(mask_is_reached(model));
		assert_int_equal(value & ~GV100_LINK_DISABLE_ALL,
				 model->mask & ~GV100_LINK_DISABLE_ALL);
		model->mask |= value & model->sticks;
		return;
	}
	fail_msg("register 0x%06x is written", offset);
}

static struct access *log_access(struct model *model, enum kind kind, u32 offset, u32 value)
{
	struct access *access = &model->log[model->accesses];

	assert_true(model->accesses < ACCESSES - 1);
	/* After one that fails there is no further one, unless it is to go on. */
	assert_true(!model->fails_at || model->goes_on || model->accesses < model->fails_at);
	model->accesses++;
	*access = (struct access){ kind, offset, value };

	return access;
}

static bool read_register(void *context, u32 offset, u32 *value)
{
	struct model *model = context;
	struct access *access = log_access(model, READ, offset, 0);

	if (model->accesses == model->fails_at) {
		*value = model->failure;
		return model->failure;
	}
	*value = read_model(model, offset);
	access->value = *value;

	return true;
}

static bool write_register(void *context, u32 offset, u32 value)
{
	struct model *model = context;

	log_access(model, WRITE, offset, value);
	if (model->accesses == model->fails_at)
		return false;
	write_model(model, offset, value);

	return true;
}

static void pause_model(void *context)
{
	struct model *model = context;

	model->pauses++;
}

static const struct nvli_accessors accessors = {
	.read = read_register,
	.write = write_register,
	.pause = pause_model,
};

static struct nvli_result run(struct model *model, u32 required, bool mask_first,
			      enum nvli_ring_use ring)
{
	struct nvli_request request = {
		.required = required,
		.mask_first = mask_first,
		.ring = ring,
	};

	return nvli_sequence_run(&request, &accessors, model);
}

static void expect_log(const struct model *model, const struct access *log)
{
	unsigned int i;

	for (i = 0; log[i].kind != END; i++) {
		assert_true(i < model->accesses);
		if (memcmp(&model->log[i], &log[i], sizeof(*log)))
			fail_msg("access %u: %s 0x%06x is 0x%08x, not %s 0x%06x 0x%08x", i + 1,
				 model->log[i].kind == READ ? "read" : "write",
				 model->log[i].offset, model->log[i].value,
				 log[i].kind == READ ? "read" : "write",
				 log[i].offset, log[i].value);
	}
	assert_int_equal(model->accesses, i);
}

static void expect_result(struct nvli_result result, enum nvli_outcome outcome, u32 offset,
			  u32 value, bool written)
{
	assert_int_equal(result.outcome, outcome);
	assert_int_equal(result.offset, offset);
	assert_int_equal(result.value, value);
	assert_int_equal(result.written, written);
}

/* Bits other than the NVLink unit's stay in PMC_ENABLE, and the foreign ones in the mask. */
static const struct access whole_sequence[] = {
	{ READ, GV100_PMC_BOOT_0, GV100 },
	{ WRITE, GV100_RING_COMMAND, GV100_RING_COMMAND_START },
	{ READ, GV100_RING_COMMAND, GV100_RING_COMMAND_START },
	{ READ, GV100_RING_COMMAND, 0 },
	{ READ, GV100_RING_START_RESULTS, RESULTS },
	{ WRITE, GV100_RING_DECODE_CONFIG, GV100_RING_DECODE_WAIT },
	{ READ, GV100_RING_DECODE_CONFIG, GV100_RING_DECODE_WAIT },
	{ READ, GV100_PMC_ENABLE, ENABLED },
	{ WRITE, GV100_PMC_ENABLE, ENABLED | GV100_PMC_ENABLE_NVLINK },
	{ READ, GV100_LINK_DISABLE, FOREIGN },
	{ WRITE, GV100_LINK_DISABLE, FOREIGN | REQUIRED },
	{ READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED },
	{ END }
};

static const struct access mask_first_sequence[] = {
	{ READ, GV100_PMC_BOOT_0, GV100 },
	{ READ, GV100_LINK_DISABLE, PRI_ERROR },
	{ WRITE, GV100_RING_COMMAND, GV100_RING_COMMAND_START },
	{ READ, GV100_RING_COMMAND, GV100_RING_COMMAND_START },
	{ READ, GV100_RING_COMMAND, 0 },
	{ READ, GV100_RING_START_RESULTS, RESULTS },
	{ WRITE, GV100_RING_DECODE_CONFIG, GV100_RING_DECODE_WAIT },
	{ READ, GV100_RING_DECODE_CONFIG, GV100_RING_DECODE_WAIT },
	{ READ, GV100_PMC_ENABLE, ENABLED },
	{ WRITE, GV100_PMC_ENABLE, ENABLED | GV100_PMC_ENABLE_NVLINK },
	{ READ, GV100_LINK_DISABLE, FOREIGN },
	{ WRITE, GV100_LINK_DISABLE, FOREIGN | REQUIRED },
	{ READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED },
	{ END }
};

static const struct access mask_only[] = {
	{ READ, GV100_PMC_BOOT_0, GV100 },
	{ READ, GV100_LINK_DISABLE, FOREIGN },
	{ WRITE, GV100_LINK_DISABLE, FOREIGN | REQUIRED },
	{ READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED },
	{ END }
};

static const struct access look_only[] = {
	{ READ, GV100_PMC_BOOT_0, GV100 },
	{ READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED },
	{ END }
};

static void a_gpu_after_a_reset(void **state)
{
	struct model model = reset_gpu();

	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
	expect_log(&model, whole_sequence);
	assert_int_equal(model.accesses, 12);
	assert_int_equal(model.pauses, 1);

	/* A ring that starts at once is read once. */
	model = reset_gpu();
	model.ring_reads = 0;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
	assert_int_equal(model.accesses, 11);
	assert_int_equal(model.pauses, 0);
}

static void the_mask_is_tried_first_where_the_ring_may_run(void **state)
{
	struct model model = reset_gpu();

	expect_result(run(&model, REQUIRED, true, NVLI_RING_FREELY),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
	expect_log(&model, mask_first_sequence);
}

/* One access that reads as a PRI error, after which the sequence goes on and disables the links */
static void goes_on_after(struct model *model, unsigned int fails_at, enum nvli_ring_use ring)
{
	model->fails_at = fails_at;
	model->failure = PRI_ERROR;
	model->goes_on = true;
	expect_result(run(model, REQUIRED, false, ring),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
}

/* Before the ring of a GPU in use is started, its NVLink unit is on, and has had time. */
static void a_stopped_ring_of_a_gpu_in_use(void **state)
{
	struct model model = reset_gpu();
	unsigned int i;

	expect_result(run(&model, REQUIRED, false, NVLI_RING_IF_STOPPED),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
	assert_int_equal(model.log[2].offset, GV100_PMC_ENABLE);
	assert_int_equal(model.log[3].kind, WRITE);
	assert_int_equal(model.log[3].value, ENABLED | GV100_PMC_ENABLE_NVLINK);
	for (i = 4; i < 4 + UNIT_READS; i++)
		assert_int_equal(model.log[i].offset, GV100_LINK_DISABLE);
	assert_int_equal(model.log[i].offset, GV100_RING_COMMAND);
	assert_in_range(model.pauses, UNIT_WAIT, UNIT_WAIT + 1);

	/* PMC_ENABLE may lie behind the ring as well. Without any answer it ends there. */
	model = reset_gpu();
	goes_on_after(&model, 3, NVLI_RING_IF_STOPPED);
	assert_int_equal(model.log[3].offset, GV100_RING_COMMAND);

	model = reset_gpu();
	model.fails_at = 3;
	model.failure = GV100_NO_ANSWER;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_IF_STOPPED),
		      NVLI_NO_ANSWER, GV100_PMC_ENABLE, GV100_NO_ANSWER, false);
}

/* A driver that works without NVLink has switched the unit off. Its ring is not started again. */
static void a_gpu_in_use_whose_unit_is_off(void **state)
{
	struct model model = started_gpu();

	model.enable = ENABLED;
	expect_result(run(&model, REQUIRED, true, NVLI_RING_IF_STOPPED),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
	assert_int_equal(model.accesses, 7);
	for (unsigned int i = 0; i < model.accesses; i++)
		assert_true(model.log[i].offset != GV100_RING_COMMAND);

	/* A unit that is slow to answer */
	model = started_gpu();
	model.enable = ENABLED;
	goes_on_after(&model, 5, NVLI_RING_IF_STOPPED);
	assert_int_equal(model.accesses, 8);

	/* What it finds then is the result, also if the mask does not stick. */
	model = started_gpu();
	model.enable = ENABLED;
	model.sticks = 0;
	expect_result(run(&model, REQUIRED, true, NVLI_RING_IF_STOPPED),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN, true);
	assert_int_equal(model.accesses, 7);
}

/* A PRI error is not the end where nothing depends on what is read. */
static void pri_errors_while_the_ring_starts(void **state)
{
	static const unsigned int at[] = { 3, 7 };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		struct model model = reset_gpu();

		goes_on_after(&model, at[i], NVLI_RING_FREELY);
	}

	/* They may not last. */
	struct model model = reset_gpu();

	model.starting_error = PRI_ERROR;
	model.ring_reads = RING_ERRORS;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
	model = reset_gpu();
	model.starting_error = PRI_ERROR;
	model.ring_reads = RING_ERRORS + 1;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_WRONG, GV100_RING_COMMAND, PRI_ERROR, false);
	assert_int_equal(model.accesses, 2 + RING_ERRORS + 1);
}

static void a_ring_that_runs_is_left_alone(void **state)
{
	static const enum nvli_ring_use uses[] = { NVLI_RING_NEVER, NVLI_RING_IF_STOPPED,
						   NVLI_RING_FREELY };

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		struct model model = started_gpu();

		expect_result(run(&model, REQUIRED, true, uses[i]),
			      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
		expect_log(&model, mask_only);
		/* The next look only reads. */
		model.accesses = 0;
		expect_result(run(&model, REQUIRED, true, uses[i]),
			      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, false);
		expect_log(&model, look_only);
		assert_int_equal(model.accesses, 2);
		assert_int_equal(model.pauses, 0);
	}
}

static void everything_but_a_free_ring_implies_mask_first(void **state)
{
	static const enum nvli_ring_use uses[] = { NVLI_RING_NEVER, NVLI_RING_IF_STOPPED };

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		struct model model = started_gpu();

		expect_result(run(&model, REQUIRED, false, uses[i]),
			      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
		expect_log(&model, mask_only);
	}
}

/* BARs that were programmed: the ring is started whether it runs or not. */
static void without_mask_first_the_ring_is_started(void **state)
{
	struct model model = started_gpu();

	model.enable = ENABLED;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
	expect_log(&model, whole_sequence);
}

static void a_stopped_ring_of_a_gpu_in_use_stays_stopped(void **state)
{
	struct model model = reset_gpu();

	expect_result(run(&model, REQUIRED, true, NVLI_RING_NEVER),
		      NVLI_WRONG, GV100_LINK_DISABLE, PRI_ERROR, false);
	assert_int_equal(model.accesses, 2);
}

/* Links 0 and 4 do not stick: is the ring started to try again? */
static void a_mask_that_does_not_stick(void **state)
{
	static const struct {
		enum nvli_ring_use ring;
		unsigned int accesses;
	} rows[] = {
		{ NVLI_RING_NEVER, 4 },
		{ NVLI_RING_IF_STOPPED, 4 },
		{ NVLI_RING_FREELY, 4 + 7 + 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct model model = started_gpu();

		model.sticks = 0x040000;
		expect_result(run(&model, REQUIRED, true, rows[i].ring),
			      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | 0x040000, true);
		assert_int_equal(model.accesses, rows[i].accesses);
	}

	struct model model = reset_gpu();

	model.sticks = 0;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN, true);
	assert_int_equal(model.accesses, 12);
}

static void links_that_are_disabled_already_stay_so(void **state)
{
	struct model model = started_gpu();

	model.mask = FOREIGN | 0x220000;
	expect_result(run(&model, 0x060000, true, NVLI_RING_NEVER),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | 0x260000, true);
	assert_int_equal(model.log[2].kind, WRITE);
	assert_int_equal(model.log[2].value, FOREIGN | 0x260000);
	/* More than is required is enough. */
	model.accesses = 0;
	expect_result(run(&model, 0x200000, true, NVLI_RING_NEVER),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | 0x260000, false);
	assert_int_equal(model.accesses, 2);
}

static void a_ring_that_never_starts(void **state)
{
	struct model model = reset_gpu();

	model.ring_reads = ACCESSES;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_WRONG, GV100_RING_COMMAND, GV100_RING_COMMAND_START, false);
	assert_int_equal(model.accesses, 2 + RING_READS);
	assert_in_range(model.pauses, RING_READS - 1, RING_READS);

	/* The last read counts. */
	model = reset_gpu();
	model.ring_reads = RING_READS - 1;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_READ, GV100_LINK_DISABLE, FOREIGN | REQUIRED, true);
}

static void a_ring_that_is_not_connected(void **state)
{
	struct model model = reset_gpu();

	model.results = 0x100;
	expect_result(run(&model, REQUIRED, false, NVLI_RING_FREELY),
		      NVLI_WRONG, GV100_RING_START_RESULTS, 0x100, false);
	assert_int_equal(model.accesses, 5);
}

static void another_chip_is_not_touched(void **state)
{
	static const u32 chips[] = { GP100, 0, 1, 0x141000a1, 0x170000a1, 0xfffffffe };
	static const enum nvli_ring_use uses[] = { NVLI_RING_NEVER, NVLI_RING_IF_STOPPED,
						   NVLI_RING_FREELY };

	for (size_t i = 0; i < ARRAY_SIZE(chips); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(uses); j++) {
			struct model model = started_gpu();

			model.boot_0 = chips[i];
			expect_result(run(&model, REQUIRED, true, uses[j]),
				      NVLI_NOT_GV100, GV100_PMC_BOOT_0, chips[i], false);
			assert_int_equal(model.accesses, 1);
		}
	}
}

/*
 * A PRI error of the mask is what a stopped ring looks like. While the ring starts it may give such
 * errors, and the read that follows the decode configuration is for nothing but its order.
 */
static bool goes_on(u32 offset, enum nvli_ring_use ring)
{
	return offset == GV100_RING_COMMAND || offset == GV100_RING_DECODE_CONFIG ||
	       (offset == GV100_LINK_DISABLE && ring != NVLI_RING_NEVER);
}

/* Each read of @log as it fails in one way: the sequence ends there, see log_access(). */
static void reads_fail(struct model gpu, const struct access *log, bool mask_first,
		       enum nvli_ring_use ring, u32 failure, enum nvli_outcome outcome)
{
	bool written = false;

	for (unsigned int i = 0; log[i].kind != END; i++) {
		struct model model = gpu;
		struct nvli_result result;

		written |= log[i].kind == WRITE && log[i].offset == GV100_LINK_DISABLE;
		if (log[i].kind != READ || (failure == PRI_ERROR && goes_on(log[i].offset, ring)))
			continue;
		model.fails_at = i + 1;
		model.failure = failure;
		result = run(&model, REQUIRED, mask_first, ring);
		assert_int_equal(model.accesses, i + 1);
		assert_int_equal(result.outcome, outcome);
		assert_int_equal(result.written, written);
		if (outcome == NVLI_STOPPED)
			continue;
		assert_int_equal(result.offset, log[i].offset);
		assert_int_equal(result.value, failure);
	}
}

static void every_read_may_fail(void **state)
{
	static const struct {
		u32 failure;
		enum nvli_outcome outcome;
	} rows[] = {
		{ GV100_NO_ANSWER, NVLI_NO_ANSWER },
		{ PRI_ERROR, NVLI_WRONG },
		{ 0, NVLI_STOPPED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 failure = rows[i].failure;
		enum nvli_outcome outcome = rows[i].outcome;
		struct model model = started_gpu();

		reads_fail(reset_gpu(), whole_sequence, false, NVLI_RING_FREELY, failure, outcome);
		reads_fail(reset_gpu(), mask_first_sequence, true, NVLI_RING_FREELY, failure,
			   outcome);
		reads_fail(model, mask_only, true, NVLI_RING_NEVER, failure, outcome);
		reads_fail(model, mask_only, true, NVLI_RING_FREELY, failure, outcome);
		model.mask |= REQUIRED;
		reads_fail(model, look_only, true, NVLI_RING_IF_STOPPED, failure, outcome);
	}
}

/* A reset that begins between two accesses: a write is not made, and nothing after it. */
static void every_write_may_be_stopped(void **state)
{
	for (unsigned int i = 0; whole_sequence[i].kind != END; i++) {
		struct model model = reset_gpu();
		struct nvli_result result;
		u32 mask = model.mask;

		if (whole_sequence[i].kind != WRITE)
			continue;
		model.fails_at = i + 1;
		result = run(&model, REQUIRED, false, NVLI_RING_FREELY);
		assert_int_equal(result.outcome, NVLI_STOPPED);
		assert_int_equal(model.accesses, i + 1);
		assert_int_equal(model.mask, mask);
	}
}

/* PRI errors of the mask to the end are the result, independent of the first one. */
static void a_ring_that_was_started_in_vain(void **state)
{
	static const struct {
		enum nvli_ring_use ring;
		unsigned int accesses;
	} rows[] = {
		{ NVLI_RING_IF_STOPPED, 11 + 2 * UNIT_READS },
		{ NVLI_RING_FREELY, 10 + UNIT_READS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct model model = reset_gpu();

		model.unit_is_dead = true;
		expect_result(run(&model, REQUIRED, true, rows[i].ring),
			      NVLI_WRONG, GV100_LINK_DISABLE, PRI_ERROR, false);
		assert_int_equal(model.log[model.accesses - 1].offset, GV100_LINK_DISABLE);
		assert_int_equal(model.accesses, rows[i].accesses);
	}
}

/* The unit answers after some time: nothing has failed. */
static void a_unit_that_is_slow_to_answer(void **state)
{
	struct model model = reset_gpu();

	goes_on_after(&model, 10, NVLI_RING_FREELY);
	assert_int_equal(model.log[9].offset, GV100_LINK_DISABLE);
	assert_int_equal(model.accesses, 13);
}

/* The ring stops between the write of the mask and its read-back. */
static void a_ring_that_stops_meanwhile(void **state)
{
	struct model model = started_gpu();

	model.fails_at = 4;
	model.failure = PRI_ERROR;
	expect_result(run(&model, REQUIRED, true, NVLI_RING_NEVER),
		      NVLI_WRONG, GV100_LINK_DISABLE, PRI_ERROR, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpu_after_a_reset),
		cmocka_unit_test(the_mask_is_tried_first_where_the_ring_may_run),
		cmocka_unit_test(a_stopped_ring_of_a_gpu_in_use),
		cmocka_unit_test(a_gpu_in_use_whose_unit_is_off),
		cmocka_unit_test(pri_errors_while_the_ring_starts),
		cmocka_unit_test(a_ring_that_runs_is_left_alone),
		cmocka_unit_test(everything_but_a_free_ring_implies_mask_first),
		cmocka_unit_test(without_mask_first_the_ring_is_started),
		cmocka_unit_test(a_stopped_ring_of_a_gpu_in_use_stays_stopped),
		cmocka_unit_test(a_mask_that_does_not_stick),
		cmocka_unit_test(links_that_are_disabled_already_stay_so),
		cmocka_unit_test(a_ring_that_never_starts),
		cmocka_unit_test(a_ring_that_is_not_connected),
		cmocka_unit_test(another_chip_is_not_touched),
		cmocka_unit_test(every_read_may_fail),
		cmocka_unit_test(every_write_may_be_stopped),
		cmocka_unit_test(a_ring_that_was_started_in_vain),
		cmocka_unit_test(a_unit_that_is_slow_to_answer),
		cmocka_unit_test(a_ring_that_stops_meanwhile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
