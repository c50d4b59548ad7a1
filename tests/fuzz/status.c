// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state table, with two GPUs that are wired to each other and everything that can happen to
 * them in any order: is what it claims true of the hardware?
 *
 * Each byte of the input is a step: bits 0 to 4 what happens, bit 5 to which GPU, bits 6 and 7 how.
 * The first byte chooses the rules, see struct world. After each step the table, the hardware and
 * what is known of both are compared, see check().
 *
 * The module keeps to an order, and so does this: the table hears of a reset before it begins; no
 * attempt is begun for a GPU in reset, or for one that is off or unsupported. All else goes.
 */

#include "world.h"

#define STEPS		16		/* what can happen, see step() */

/* I2: isolated only by a read-back that still holds, and only if the hardware agrees. */
static void check_isolated(const struct gpu *gpu)
{
	const struct account *known = &gpu->known;

	always(known->enforced && known->watched);
	if (!known->required)
		return;
	always(known->began > known->event);
	always(!known->stale);
	always(!(known->required & ~known->mask));
	always(!known->resetting);
	if (known->read > gpu->hw.lost) {
		always(!gpu->hw.in_reset);
		always(!(known->required & ~gpu->hw.mask));
	}
}

/* I3: the gate passes a GPU that is another chip twice in a row, and has never been a GV100. */
static void check_unsupported(const struct account *known)
{
	always(known->enforced);
	always(!known->gv100);
	always(known->others >= CHIP_ATTEMPTS);
}

static enum nvli_state expected_state(const struct account *known)
{
	if (!known->enforced)
		return NVLI_OFF;
	if (known->others >= CHIP_ATTEMPTS)
		return NVLI_UNSUPPORTED;
	if (!known->watched)
		return NVLI_FAILED;
	if (is_proven(known))
		return NVLI_ISOLATED;

	return known->failed ? NVLI_FAILED : NVLI_PENDING;
}

static void check_gpu(const struct gpu *gpu)
{
	const struct nvli_status *status = &gpu->status;
	const struct account *known = &gpu->known;
	bool was_read = known->began > known->event;
	enum nvli_state state = nvli_state(status);

	if (state == NVLI_ISOLATED)
		check_isolated(gpu);
	if (state == NVLI_UNSUPPORTED)
		check_unsupported(known);
	always(state == expected_state(known));
	always(nvli_status_is_cut(status) == is_proven(known));
	always(nvli_status_was_read(status) == was_read);
	always(nvli_status_is_known(status) ==
	       (was_read && known->enforced && known->watched && !known->stale));
	/* I4: one failed attempt, and then none until something has changed. */
	always(nvli_status_has_failed(status) == (known->failed && !is_proven(known)));
	always(!was_read || status->disabled == (known->mask & GV100_LINK_DISABLE_ALL));
	always(status->was_gv100 == known->gv100);
	always(status->required == known->required);
	always(status->resets == known->resets);
	always(status->reapplied == known->repairs);
}

/* I1: one end of each link is dead while one GPU is called isolated, whatever the other is. */
static void check_links(struct world *world)
{
	bool live = true, sealed = true;

	for (int i = 0; i < GPUS; i++) {
		const struct gpu *gpu = &world->gpu[i];

		live &= !end_is_dead(&gpu->hw);
		sealed &= nvli_state(&gpu->status) == NVLI_ISOLATED && gpu->known.required;
	}
	world->sealed |= sealed;
	for (int i = 0; i < GPUS; i++) {
		const struct gpu *gpu = &world->gpu[i];

		if (nvli_state(&gpu->status) == NVLI_ISOLATED &&
		    !(JOINED & ~gpu->known.required) && gpu->known.read > gpu->hw.lost)
			always(!live);
	}
	if (world->one_at_a_time && world->sealed)
		always(!live);
}

static void check(struct world *world)
{
	for (int i = 0; i < GPUS; i++)
		check_gpu(&world->gpu[i]);
	check_links(world);
}

/* With the rules of one_at_a_time: does the other GPU keep the links cut meanwhile? */
static bool may_reset(const struct world *world, const struct gpu *gpu)
{
	const struct gpu *other = &world->gpu[gpu == &world->gpu[0]];

	return !world->one_at_a_time || nvli_state(&other->status) == NVLI_ISOLATED;
}

/* What the rules of one_at_a_time leave to others */
static void freely(struct world *world, struct gpu *gpu, unsigned int what, unsigned int how)
{
	switch (what) {
	case 9:
		enforce(world, gpu, how & 1);
		break;
	case 10:
		watch(world, gpu, how & 1);
		break;
	case 11:
		require(gpu, how);
		break;
	case 12:
		gpu->hw.fault = how;
		break;
	case 13:
		gpu->hw.fault = OTHER + how;
		break;
	case 14:
		/* A reset that no software sees */
		gpu->hw.mask = 0;
		gpu->hw.lost = world->now;
		break;
	case 15:
		thaw(gpu);
		break;
	}
}

/* What libFuzzer has seen of the table: an input that gets it where it was not yet is kept. */
#pragma clang section bss = "__libfuzzer_extra_counters"
static u8 seen[5 << 9];
#pragma clang section bss = ""

static void note_state(const struct nvli_status *status)
{
	unsigned int at = nvli_state(status);

	at = at << 1 | status->watched;
	at = at << 1 | status->was_gv100;
	at = at << 1 | status->stale;
	at = at << 2 | (status->other_chip & 3);
	at = at << 1 | nvli_status_was_read(status);
	at = at << 1 | nvli_status_has_failed(status);
	at = at << 1 | !status->required;
	at = at << 1 | (status->resets != status->verified_resets);
	seen[at] = 1;
}

static void step(struct world *world, unsigned int byte)
{
	struct gpu *gpu = &world->gpu[byte >> 5 & 1];
	unsigned int what = (byte & 0x1f) % STEPS;
	unsigned int how = byte >> 6;
	struct reader *reader = &gpu->reader[how & 1];

	world->now++;
	switch (what) {
	case 0:
		if (may_reset(world, gpu))
			reset_begins(world, gpu, how & 1);
		break;
	case 1:
		reset_over(gpu);
		break;
	case 2:
		bus(gpu, true);
		break;
	case 3:
		bus(gpu, false);
		break;
	case 4:
		begin(world, gpu, reader);
		break;
	case 5:
		access_hardware(world, gpu, reader, how & 2);
		break;
	case 6:
		judge(gpu, reader);
		break;
	case 7:
		/* All of it at once, so that short inputs get far */
		begin(world, gpu, reader);
		access_hardware(world, gpu, reader, false);
		access_hardware(world, gpu, reader, false);
		judge(gpu, reader);
		break;
	case 8:
		expire(gpu);
		break;
	default:
		if (!world->one_at_a_time)
			freely(world, gpu, what, how);
		break;
	}
	check(world);
	for (int i = 0; i < GPUS; i++)
		note_state(&world->gpu[i].status);
}

/* Whatever has happened, a GPU that obeys is isolated when it has been tried again. */
static void recovers(struct world *world, struct gpu *gpu)
{
	struct reader *reader = &gpu->reader[0];

	world->now++;
	gpu->hw.fault = WORKS;
	reset_over(gpu);
	bus(gpu, false);
	/* Another chip is believed until the next reset. */
	if (gpu->known.others >= CHIP_ATTEMPTS) {
		reset_begins(world, gpu, false);
		reset_over(gpu);
	}
	enforce(world, gpu, true);
	watch(world, gpu, true);
	require(gpu, 1);

	world->now++;
	reader->active = false;
	begin(world, gpu, reader);
	access_hardware(world, gpu, reader, false);
	access_hardware(world, gpu, reader, false);
	judge(gpu, reader);
	check(world);
	always(nvli_state(&gpu->status) == NVLI_ISOLATED);
	always(!(JOINED & ~gpu->hw.mask));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct world world = { .one_at_a_time = size && data[0] & 1, .now = 1 };

	for (int i = 0; i < GPUS; i++) {
		world.gpu[i].status.generation = 1;
		require(&world.gpu[i], 1);
		if (world.one_at_a_time) {
			watch(&world, &world.gpu[i], true);
			enforce(&world, &world.gpu[i], true);
		}
	}
	for (size_t i = 1; i < size; i++)
		step(&world, data[i]);
	for (int i = 0; i < GPUS; i++)
		recovers(&world, &world.gpu[i]);

	return 0;
}
