// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of src/core/status.c: one for each rule in the kernel-doc of core.h and status.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <nvlink_isolation/core.h>

#define REQUIRED	0x150000	/* links 0, 2 and 4 */
#define GV100		0x140000a1
#define GP100		0x130000a1
#define GARBAGE		0x00000001
#define PRI_ERROR	0xbadf1002

static struct nvli_result mask_reads(u32 mask)
{
	return (struct nvli_result){ NVLI_READ, GV100_LINK_DISABLE, mask, false };
}

static struct nvli_result no_answer(u32 offset)
{
	return (struct nvli_result){ NVLI_NO_ANSWER, offset, GV100_NO_ANSWER, false };
}

static struct nvli_result wrong(u32 offset)
{
	return (struct nvli_result){ NVLI_WRONG, offset, PRI_ERROR, false };
}

static struct nvli_result chip_reads(u32 boot_0)
{
	return (struct nvli_result){ NVLI_NOT_GV100, GV100_PMC_BOOT_0, boot_0, false };
}

/* An attempt that is begun now and ends with @result. */
static bool judge(struct nvli_status *status, struct nvli_result result)
{
	return nvli_status_judge(status, status->generation, &result);
}

/* An attempt that was begun in an earlier generation must change nothing. */
static void expect_ignored(struct nvli_status *status, u32 generation, struct nvli_result result)
{
	struct nvli_status before = *status;

	assert_false(nvli_status_judge(status, generation, &result));
	assert_memory_equal(status, &before, sizeof(before));
}

static void expect_state(const struct nvli_status *status, enum nvli_state state)
{
	assert_string_equal(nvli_state_text(nvli_state(status)), nvli_state_text(state));
}

static struct nvli_status new_gpu(void)
{
	struct nvli_status status;

	/* No padding that differs: expect_ignored() compares bytes. */
	memset(&status, 0, sizeof(status));
	status.generation = 1;

	return status;
}

/* A GPU that has to disable links 0, 2 and 4, and whose resets are seen. */
static struct nvli_status pending_gpu(void)
{
	struct nvli_status status = new_gpu();

	nvli_status_require(&status, REQUIRED);
	nvli_status_watch(&status, true);
	expect_state(&status, NVLI_OFF);
	nvli_status_enforce(&status, true);
	expect_state(&status, NVLI_PENDING);

	return status;
}

static struct nvli_status isolated_gpu(void)
{
	struct nvli_status status = pending_gpu();

	assert_true(judge(&status, mask_reads(REQUIRED | 0x5)));
	expect_state(&status, NVLI_ISOLATED);

	return status;
}

static struct nvli_status unsupported_gpu(void)
{
	struct nvli_status status = pending_gpu();

	assert_false(judge(&status, chip_reads(GP100)));
	assert_false(judge(&status, chip_reads(GP100)));
	expect_state(&status, NVLI_UNSUPPORTED);

	return status;
}

static void only_a_full_read_back_isolates(void **state)
{
	static const u32 masks[] = { 0, 0x050000, 0x140005, 0x2a0000, 0x110000, 0x00ffff };

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		struct nvli_status status = pending_gpu();

		assert_false(judge(&status, mask_reads(masks[i])));
		expect_state(&status, NVLI_FAILED);
		assert_false(nvli_status_is_cut(&status));
		/* What was read may be shown all the same. */
		assert_true(nvli_status_is_known(&status));
		assert_int_equal(status.disabled, masks[i] & GV100_LINK_DISABLE_ALL);
		/* A further attempt that verifies it ends the failure. */
		assert_true(judge(&status, mask_reads(GV100_LINK_DISABLE_ALL)));
		expect_state(&status, NVLI_ISOLATED);
		assert_false(nvli_status_has_failed(&status));
	}
}

static void no_other_outcome_isolates(void **state)
{
	const struct nvli_result results[] = {
		no_answer(GV100_PMC_BOOT_0), no_answer(GV100_LINK_DISABLE),
		wrong(GV100_LINK_DISABLE), wrong(GV100_RING_COMMAND),
		chip_reads(GP100), chip_reads(GARBAGE),
		{ NVLI_WRONG, GV100_LINK_DISABLE, GV100_LINK_DISABLE_ALL, true },
		{ NVLI_NO_ANSWER, GV100_LINK_DISABLE, GV100_LINK_DISABLE_ALL, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		struct nvli_status status = pending_gpu();

		assert_false(judge(&status, results[i]));
		expect_state(&status, NVLI_FAILED);
		assert_false(nvli_status_was_read(&status));

		/* An audit that ends like this takes back what was claimed. */
		status = isolated_gpu();
		assert_false(judge(&status, results[i]));
		expect_state(&status, NVLI_FAILED);
		assert_false(nvli_status_was_read(&status));
		assert_false(nvli_status_is_known(&status));
	}
}

static void an_attempt_without_a_verdict_changes_nothing(void **state)
{
	static const enum nvli_outcome outcomes[] = { NVLI_NOT_TRIED, NVLI_STOPPED };

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		struct nvli_result result = { outcomes[i], GV100_LINK_DISABLE,
					      GV100_LINK_DISABLE_ALL, true };
		struct nvli_status status = pending_gpu();

		expect_ignored(&status, status.generation, result);
		expect_state(&status, NVLI_PENDING);
		status = isolated_gpu();
		expect_ignored(&status, status.generation, result);
		assert_false(judge(&status, mask_reads(0)));
		expect_ignored(&status, status.generation, result);
		assert_true(nvli_status_has_failed(&status));
	}
}

static void only_the_links_are_kept(void **state)
{
	struct nvli_status status = pending_gpu();

	assert_true(judge(&status, mask_reads(0x7f550005 | REQUIRED)));
	assert_int_equal(status.disabled, 0x150000);
	assert_true(judge(&status, mask_reads(0xfffffffe)));
	assert_int_equal(status.disabled, GV100_LINK_DISABLE_ALL);
}

static void a_reset_ends_what_was_known(void **state)
{
	static const bool counted[] = { true, false };

	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		struct nvli_status status = isolated_gpu();
		u32 before = status.generation;

		nvli_status_reset(&status, counted[i]);
		expect_state(&status, NVLI_PENDING);
		assert_false(nvli_status_was_read(&status));
		assert_false(nvli_status_is_known(&status));
		assert_false(nvli_status_is_cut(&status));
		assert_int_equal(status.resets, counted[i]);

		/* What was begun before it ended is not taken afterwards, good or bad. */
		expect_ignored(&status, before, mask_reads(REQUIRED));
		expect_ignored(&status, before, mask_reads(0));
		expect_ignored(&status, before, no_answer(GV100_PMC_BOOT_0));
		expect_ignored(&status, before, chip_reads(GP100));
		expect_ignored(&status, status.generation + 1, mask_reads(REQUIRED));

		assert_true(judge(&status, mask_reads(REQUIRED)));
		expect_state(&status, NVLI_ISOLATED);
		assert_int_equal(status.reapplied, counted[i]);
	}
}

/* Users get no second attempt: each one opens the GPU for a moment. */
static void a_failure_latches(void **state)
{
	struct nvli_status status = pending_gpu();

	assert_false(nvli_status_has_failed(&status));
	assert_false(judge(&status, mask_reads(0)));
	assert_true(nvli_status_has_failed(&status));
	assert_false(judge(&status, wrong(GV100_LINK_DISABLE)));
	assert_true(nvli_status_has_failed(&status));

	/* A reset ends it; so do other links, and success. */
	nvli_status_reset(&status, false);
	assert_false(nvli_status_has_failed(&status));
	expect_state(&status, NVLI_PENDING);

	assert_false(judge(&status, mask_reads(0x010000)));
	nvli_status_require(&status, REQUIRED);
	assert_true(nvli_status_has_failed(&status));
	nvli_status_require(&status, 0x110000);
	assert_false(nvli_status_has_failed(&status));
	expect_state(&status, NVLI_PENDING);

	assert_false(judge(&status, mask_reads(0x010000)));
	assert_true(nvli_status_has_failed(&status));
	assert_true(judge(&status, mask_reads(0x110000)));
	assert_false(nvli_status_has_failed(&status));
	nvli_status_expire(&status);
	assert_false(nvli_status_has_failed(&status));
	expect_state(&status, NVLI_PENDING);
}

static void an_unanswered_attempt_is_told_from_others(void **state)
{
	struct nvli_status status = pending_gpu();

	assert_false(status.unanswered);
	assert_false(judge(&status, no_answer(GV100_LINK_DISABLE)));
	assert_true(status.unanswered);
	assert_false(judge(&status, wrong(GV100_LINK_DISABLE)));
	assert_false(status.unanswered);
	assert_false(judge(&status, no_answer(GV100_PMC_BOOT_0)));
	assert_true(status.unanswered);
	assert_false(judge(&status, mask_reads(0)));
	assert_false(status.unanswered);
	assert_false(judge(&status, no_answer(GV100_PMC_BOOT_0)));
	assert_false(judge(&status, chip_reads(GARBAGE)));
	assert_false(status.unanswered);
	assert_false(judge(&status, no_answer(GV100_PMC_BOOT_0)));
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_false(status.unanswered);
}

static void a_thaw_forgives_an_unanswered_attempt_once(void **state)
{
	struct nvli_status status = pending_gpu();
	struct nvli_result unanswered = {
		.outcome = NVLI_NO_ANSWER,
		.offset = GV100_PMC_BOOT_0,
		.value = GV100_NO_ANSWER,
	};

	assert_false(judge(&status, unanswered));
	expect_state(&status, NVLI_FAILED);
	nvli_status_thaw(&status);
	expect_state(&status, NVLI_PENDING);
	assert_false(judge(&status, unanswered));
	nvli_status_thaw(&status);
	expect_state(&status, NVLI_FAILED);

	/* Once in each generation, and no other failure. */
	nvli_status_reset(&status, true);
	assert_false(judge(&status, unanswered));
	nvli_status_thaw(&status);
	expect_state(&status, NVLI_PENDING);
	assert_false(judge(&status, chip_reads(GARBAGE)));
	nvli_status_thaw(&status);
	expect_state(&status, NVLI_FAILED);
}

static void a_known_other_chip_is_believed_the_second_time(void **state)
{
	struct nvli_status status = pending_gpu();

	assert_false(judge(&status, chip_reads(GP100)));
	expect_state(&status, NVLI_FAILED);
	/* The row goes on after a reset. */
	nvli_status_reset(&status, true);
	expect_state(&status, NVLI_PENDING);
	assert_false(judge(&status, chip_reads(0x130fffff)));
	expect_state(&status, NVLI_UNSUPPORTED);
	assert_false(judge(&status, chip_reads(GP100)));
	expect_state(&status, NVLI_UNSUPPORTED);

	/* One more attempt may follow after a reset. Nothing is claimed about links. */
	nvli_status_reset(&status, true);
	expect_state(&status, NVLI_PENDING);
	assert_false(judge(&status, chip_reads(GP100)));
	expect_state(&status, NVLI_UNSUPPORTED);
	assert_false(nvli_status_is_cut(&status));
	assert_false(nvli_status_is_known(&status));
	nvli_status_watch(&status, false);
	expect_state(&status, NVLI_UNSUPPORTED);
	nvli_status_enforce(&status, false);
	expect_state(&status, NVLI_OFF);
}

static void garbage_is_no_other_chip(void **state)
{
	static const u32 garbage[] = { GARBAGE, 0, 0x131000a1, 0x170000a1, 0xfffffffe };
	struct nvli_status status;

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		status = pending_gpu();
		for (int j = 0; j < 4; j++) {
			assert_false(judge(&status, chip_reads(garbage[i])));
			expect_state(&status, NVLI_FAILED);
		}
	}
}

/* Any attempt that ends in another way breaks the row. */
static void another_chip_twice_in_a_row(void **state)
{
	const struct nvli_result between[] = {
		chip_reads(GARBAGE), no_answer(GV100_PMC_BOOT_0), wrong(GV100_PMC_BOOT_0),
	};

	for (size_t i = 0; i < ARRAY_SIZE(between); i++) {
		struct nvli_status status = pending_gpu();

		assert_false(judge(&status, chip_reads(GP100)));
		assert_false(judge(&status, between[i]));
		assert_false(judge(&status, chip_reads(GP100)));
		expect_state(&status, NVLI_FAILED);
		assert_false(judge(&status, chip_reads(GP100)));
		expect_state(&status, NVLI_UNSUPPORTED);
	}
}

/* The registers behind PMC_BOOT_0 are read only after that has named a GV100. */
static void once_a_gv100_always_a_gv100(void **state)
{
	const struct nvli_result results[] = {
		mask_reads(REQUIRED), mask_reads(0), no_answer(GV100_LINK_DISABLE),
		wrong(GV100_LINK_DISABLE), wrong(GV100_RING_START_RESULTS),
	};

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		struct nvli_status status = pending_gpu();

		assert_false(judge(&status, chip_reads(GP100)));
		assert_false(status.was_gv100);
		judge(&status, results[i]);
		assert_true(status.was_gv100);
		for (int j = 0; j < 4; j++) {
			assert_false(judge(&status, chip_reads(GP100)));
			expect_state(&status, NVLI_FAILED);
			nvli_status_reset(&status, true);
		}
		/* Nor is that forgotten when enforcement ends. */
		nvli_status_enforce(&status, false);
		nvli_status_enforce(&status, true);
		for (int j = 0; j < 4; j++)
			assert_false(judge(&status, chip_reads(GP100)));
		expect_state(&status, NVLI_FAILED);
	}
}

static void boot_0_without_an_answer_names_no_gv100(void **state)
{
	const struct nvli_result results[] = {
		no_answer(GV100_PMC_BOOT_0), wrong(GV100_PMC_BOOT_0), chip_reads(GP100),
		chip_reads(GARBAGE),
	};

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		struct nvli_status status = pending_gpu();

		assert_false(judge(&status, results[i]));
		assert_false(status.was_gv100);
	}
}

static void required_links_that_change(void **state)
{
	struct nvli_status status = isolated_gpu();

	/* A read-back proves what it shows. */
	nvli_status_require(&status, 0x050000);
	expect_state(&status, NVLI_ISOLATED);
	nvli_status_require(&status, REQUIRED);
	expect_state(&status, NVLI_ISOLATED);
	nvli_status_require(&status, 0x170000);
	expect_state(&status, NVLI_PENDING);
	assert_true(nvli_status_is_known(&status));
	assert_false(nvli_status_is_cut(&status));
	assert_false(nvli_status_has_failed(&status));
	assert_false(judge(&status, mask_reads(REQUIRED)));
	expect_state(&status, NVLI_FAILED);
	nvli_status_require(&status, REQUIRED);
	expect_state(&status, NVLI_ISOLATED);

	/* Nobody audits a GPU of which nothing is required, so its read-back may be old. */
	nvli_status_require(&status, 0);
	expect_state(&status, NVLI_ISOLATED);
	nvli_status_require(&status, REQUIRED);
	expect_state(&status, NVLI_PENDING);
	assert_false(nvli_status_is_known(&status));
	assert_true(judge(&status, mask_reads(REQUIRED)));
	expect_state(&status, NVLI_ISOLATED);
}

static void nothing_required_needs_no_proof(void **state)
{
	struct nvli_status status = pending_gpu();

	nvli_status_require(&status, 0);
	expect_state(&status, NVLI_ISOLATED);
	assert_true(nvli_status_is_cut(&status));
	assert_false(nvli_status_is_known(&status));
	assert_false(nvli_status_was_read(&status));
	nvli_status_expire(&status);
	expect_state(&status, NVLI_ISOLATED);
	nvli_status_reset(&status, true);
	expect_state(&status, NVLI_ISOLATED);
	assert_false(nvli_status_has_failed(&status));

	/* What was never read is not taken for proof later. */
	nvli_status_require(&status, 0x010000);
	expect_state(&status, NVLI_PENDING);
}

static void off_claims_nothing(void **state)
{
	struct nvli_status status = isolated_gpu();
	u32 before = status.generation;

	nvli_status_enforce(&status, false);
	expect_state(&status, NVLI_OFF);
	assert_false(nvli_status_is_known(&status));
	assert_false(nvli_status_was_read(&status));
	/* An attempt that was under way does not bring it back; nor does one that should not be. */
	expect_ignored(&status, before, mask_reads(REQUIRED));
	expect_ignored(&status, status.generation, mask_reads(REQUIRED));
	expect_ignored(&status, status.generation, no_answer(GV100_PMC_BOOT_0));
	before = status.generation;

	nvli_status_enforce(&status, true);
	expect_state(&status, NVLI_PENDING);
	expect_ignored(&status, before, mask_reads(REQUIRED));
	assert_true(judge(&status, mask_reads(REQUIRED)));
	/* Enforcing twice forgets nothing. */
	nvli_status_enforce(&status, true);
	expect_state(&status, NVLI_ISOLATED);
	assert_int_equal(status.reapplied, 0);

	/* A failure from before does not keep the first attempt away. */
	assert_false(judge(&status, mask_reads(0)));
	nvli_status_enforce(&status, false);
	nvli_status_enforce(&status, true);
	assert_false(nvli_status_has_failed(&status));
	expect_state(&status, NVLI_PENDING);
}

static void enforcement_asks_again_which_chip_it_is(void **state)
{
	struct nvli_status status = unsupported_gpu();

	nvli_status_enforce(&status, false);
	expect_state(&status, NVLI_OFF);
	nvli_status_enforce(&status, true);
	expect_state(&status, NVLI_PENDING);
	assert_false(judge(&status, chip_reads(GP100)));
	expect_state(&status, NVLI_FAILED);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	expect_state(&status, NVLI_ISOLATED);
}

static void unwatched_is_never_isolated(void **state)
{
	struct nvli_status status = new_gpu();
	u32 before;

	nvli_status_require(&status, REQUIRED);
	nvli_status_enforce(&status, true);
	expect_state(&status, NVLI_FAILED);
	assert_false(nvli_status_has_failed(&status));
	/* The links can be read back all the same, and the caller learns that. */
	assert_true(judge(&status, mask_reads(REQUIRED)));
	expect_state(&status, NVLI_FAILED);
	assert_true(nvli_status_is_cut(&status));
	assert_true(nvli_status_was_read(&status));
	assert_false(nvli_status_is_known(&status));
	nvli_status_require(&status, 0);
	expect_state(&status, NVLI_FAILED);
	nvli_status_require(&status, REQUIRED);

	/* Once its resets are seen again, one that was not seen may have come before. */
	before = status.generation;
	nvli_status_watch(&status, true);
	expect_state(&status, NVLI_PENDING);
	expect_ignored(&status, before, mask_reads(REQUIRED));
	assert_true(judge(&status, mask_reads(REQUIRED)));
	expect_state(&status, NVLI_ISOLATED);
	assert_true(nvli_status_is_known(&status));
	/* The same again forgets nothing. */
	nvli_status_watch(&status, true);
	expect_state(&status, NVLI_ISOLATED);

	before = status.generation;
	nvli_status_watch(&status, false);
	expect_state(&status, NVLI_FAILED);
	assert_false(nvli_status_is_known(&status));
	expect_ignored(&status, before, mask_reads(REQUIRED));
}

static void an_old_read_back_expires(void **state)
{
	struct nvli_status status = isolated_gpu();

	nvli_status_expire(&status);
	expect_state(&status, NVLI_PENDING);
	assert_false(nvli_status_is_cut(&status));
	assert_false(nvli_status_is_known(&status));
	assert_false(nvli_status_has_failed(&status));
	/* There was a reset since or there was not; this asks for nothing else. */
	assert_true(nvli_status_was_read(&status));

	/* Fewer links are not proven by it either. */
	nvli_status_require(&status, 0x010000);
	expect_state(&status, NVLI_PENDING);
	nvli_status_require(&status, REQUIRED);
	expect_ignored(&status, status.generation, (struct nvli_result){ NVLI_NOT_TRIED });
	assert_false(judge(&status, no_answer(GV100_PMC_BOOT_0)));
	expect_state(&status, NVLI_FAILED);

	assert_true(judge(&status, mask_reads(REQUIRED)));
	expect_state(&status, NVLI_ISOLATED);
	assert_true(nvli_status_is_known(&status));

	/* Only what there is expires, not what is read next. */
	status = pending_gpu();
	nvli_status_expire(&status);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	expect_state(&status, NVLI_ISOLATED);
}

static void resets_and_repairs_are_counted(void **state)
{
	struct nvli_status status = isolated_gpu();

	assert_int_equal(status.resets, 0);
	assert_int_equal(status.reapplied, 0);
	nvli_status_reset(&status, true);
	nvli_status_reset(&status, false);
	nvli_status_reset(&status, false);
	assert_int_equal(status.resets, 1);
	assert_false(judge(&status, mask_reads(0)));
	assert_int_equal(status.reapplied, 0);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_int_equal(status.reapplied, 1);
	/* An audit is no repair. */
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_int_equal(status.reapplied, 1);

	/* Several resets in a row may be answered by one. */
	nvli_status_reset(&status, true);
	nvli_status_reset(&status, true);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_int_equal(status.resets, 3);
	assert_int_equal(status.reapplied, 2);

	/* What nobody watches is not verified, and counted once it is. */
	nvli_status_reset(&status, true);
	nvli_status_watch(&status, false);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_int_equal(status.reapplied, 2);
	nvli_status_watch(&status, true);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_int_equal(status.reapplied, 3);
}

static void resets_are_counted_while_enforced(void **state)
{
	struct nvli_status status = isolated_gpu();

	nvli_status_reset(&status, true);
	nvli_status_enforce(&status, false);
	nvli_status_reset(&status, true);
	assert_int_equal(status.resets, 1);
	/* A reset from before enforcement began needs no repair. */
	nvli_status_enforce(&status, true);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_int_equal(status.reapplied, 0);
	nvli_status_reset(&status, true);
	assert_int_equal(status.resets, 2);
	assert_true(judge(&status, mask_reads(REQUIRED)));
	assert_int_equal(status.reapplied, 1);
}

static void what_was_cut_is_so_for_what_is_required_now(void **state)
{
	struct nvli_status status = pending_gpu();

	assert_false(nvli_status_was_cut(&status));
	judge(&status, mask_reads(REQUIRED));
	assert_true(nvli_status_was_cut(&status));
	nvli_status_expire(&status);
	assert_true(nvli_status_was_cut(&status));
	assert_false(nvli_status_is_cut(&status));
	/* A read-back proves nothing about links that were not required. */
	nvli_status_require(&status, REQUIRED | 1U << 17);
	assert_false(nvli_status_was_cut(&status));
	nvli_status_require(&status, REQUIRED);
	assert_true(nvli_status_was_cut(&status));
	/* Nor after a time without audits */
	nvli_status_require(&status, 0);
	assert_true(nvli_status_was_cut(&status));
	nvli_status_require(&status, REQUIRED);
	assert_false(nvli_status_was_cut(&status));
	judge(&status, mask_reads(REQUIRED));
	nvli_status_reset(&status, true);
	assert_false(nvli_status_was_cut(&status));
}

static void a_reset_ends_the_use(void **state)
{
	struct nvli_status status = new_gpu();

	nvli_status_require(&status, REQUIRED);
	assert_false(status.used);
	/* Who had it when enforcement began may work with it. */
	nvli_status_enforce(&status, true);
	assert_true(status.used);
	/* Hooks that come and go reset nothing. */
	nvli_status_watch(&status, true);
	assert_true(status.used);
	nvli_status_watch(&status, false);
	nvli_status_watch(&status, true);
	assert_true(status.used);
	nvli_status_reset(&status, true);
	assert_false(status.used);
	judge(&status, mask_reads(REQUIRED));
	assert_false(status.used);
	nvli_status_use(&status);
	nvli_status_require(&status, REQUIRED | 1U << 17);
	assert_true(status.used);
	/* This may be none: waking up, or a further step of one. */
	nvli_status_reset(&status, false);
	assert_true(status.used);
	nvli_status_stop(&status);
	assert_false(status.used);
}

static void states_have_names(void **state)
{
	static const char * const states[] = { "off", "pending", "isolated", "failed",
					       "unsupported", "unknown" };

	for (int i = 0; i <= NVLI_UNSUPPORTED + 1; i++)
		assert_string_equal(nvli_state_text((enum nvli_state)i), states[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_full_read_back_isolates),
		cmocka_unit_test(no_other_outcome_isolates),
		cmocka_unit_test(an_attempt_without_a_verdict_changes_nothing),
		cmocka_unit_test(only_the_links_are_kept),
		cmocka_unit_test(a_reset_ends_what_was_known),
		cmocka_unit_test(a_failure_latches),
		cmocka_unit_test(an_unanswered_attempt_is_told_from_others),
		cmocka_unit_test(a_thaw_forgives_an_unanswered_attempt_once),
		cmocka_unit_test(a_known_other_chip_is_believed_the_second_time),
		cmocka_unit_test(garbage_is_no_other_chip),
		cmocka_unit_test(another_chip_twice_in_a_row),
		cmocka_unit_test(once_a_gv100_always_a_gv100),
		cmocka_unit_test(boot_0_without_an_answer_names_no_gv100),
		cmocka_unit_test(required_links_that_change),
		cmocka_unit_test(nothing_required_needs_no_proof),
		cmocka_unit_test(off_claims_nothing),
		cmocka_unit_test(enforcement_asks_again_which_chip_it_is),
		cmocka_unit_test(unwatched_is_never_isolated),
		cmocka_unit_test(an_old_read_back_expires),
		cmocka_unit_test(resets_and_repairs_are_counted),
		cmocka_unit_test(resets_are_counted_while_enforced),
		cmocka_unit_test(what_was_cut_is_so_for_what_is_required_now),
		cmocka_unit_test(a_reset_ends_the_use),
		cmocka_unit_test(states_have_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
