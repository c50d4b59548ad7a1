// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state table, with two GPUs that are wired to each other and everything that can happen to
 * them in any order: is what it claims true of the hardware?
 *
 * Each byte of the input is a step: bits 0 to 4 what happens, bit 5 to which GPU, bits 6 and 7 how.
 * The first byte chooses the rules, see struct world. After each step the table, the hardware and
 * what is known of both are compared, see check().
 *
 * The module keeps to an order, and so does this: a read is begun only for a GPU that wants work,
 * and judged with the generation that it had then; the table hears of a reset before it begins and
 * after it is over; nobody holds a GPU that is not to be isolated, or lets go of one that is not
 * held. All else goes.
 */

#include "world.h"

#define STEPS		18		/* what can happen, see step() */

/* I2: nothing is claimed that was not read since, and what is claimed is so. */
static void check_claim(const struct gpu *gpu)
{
	const struct nvli_status *status = &gpu->status;
	const struct account *known = &gpu->known;

	always(!known->held || status->state != NVLI_ISOLATED);
	always((status->state == NVLI_OFF) == !known->enforced);
	always(known->watched || (status->state != NVLI_PENDING && status->state != NVLI_ISOLATED));
	always(status->required == known->required);
	always(!status->disabled_known || known->read > known->event);
	if (status->state != NVLI_ISOLATED)
		return;

	always(known->enforced && known->watched && !known->whole);
	if (!known->required)
		return;
	always(known->proof > known->event);
	always(!(known->required & ~known->proof_mask));
	always(status->disabled_known);
	always(status->disabled == (known->proof_mask & GV100_LINK_DISABLE_ALL));
	/* A call that is a step of a reset may begin one; the table hears when it is over. */
	if (!known->call && !known->lost) {
		always(!gpu->hw.in_reset && !gpu->hw.held);
		always(!(known->required & ~gpu->hw.mask));
	}
}

/* I3: who is let in, as nvli_admit_enable() does, is isolated or is no GV100. */
static void check_gate(const struct gpu *gpu)
{
	const struct nvli_status *status = &gpu->status;

	if (!gpu->known.enforced || nvli_status_wants_work(status))
		return;
	if (status->state == NVLI_UNSUPPORTED)
		always(!gpu->known.gv100 && gpu->known.other > gpu->known.event);
	else
		always(status->state == NVLI_ISOLATED);
}

/* I1: one end of each link is dead as long as one GPU is called isolated, whatever the other is. */
static void check_links(struct world *world)
{
	bool live = true, sealed = true, in_doubt = false;

	for (int i = 0; i < GPUS; i++) {
		struct gpu *gpu = &world->gpu[i];
		bool isolated = gpu->status.state == NVLI_ISOLATED && gpu->known.required;

		live &= !end_is_dead(&gpu->hw);
		sealed &= isolated;
		in_doubt |= gpu->known.call || gpu->known.lost;
	}
	world->sealed |= sealed;
	for (int i = 0; i < GPUS && !in_doubt; i++)
		if (world->gpu[i].status.state == NVLI_ISOLATED &&
		    !(JOINED & ~world->gpu[i].known.required))
			always(!live);
	if (world->one_at_a_time && world->sealed)
		always(!live);
}

static void check(struct world *world)
{
	for (int i = 0; i < GPUS; i++) {
		struct gpu *gpu = &world->gpu[i];

		check_claim(gpu);
		check_gate(gpu);
		always(gpu->status.resets == gpu->known.resets);
		always(gpu->status.reapplied == gpu->known.repairs);
	}
	check_links(world);
}

/* With the rules of one_at_a_time: does the other GPU keep the links cut meanwhile? */
static bool may_reset(const struct world *world, const struct gpu *gpu)
{
	const struct gpu *other = &world->gpu[gpu == &world->gpu[0]];

	return !world->one_at_a_time ||
	       (other->status.state == NVLI_ISOLATED && !other->known.call);
}

/* What the rules of one_at_a_time leave to others */
static void freely(struct world *world, struct gpu *gpu, unsigned int what, unsigned int how)
{
	switch (what) {
	case 0:
		enforce(world, gpu, how);
		break;
	case 1:
		release(world, gpu);
		break;
	case 2:
		require(gpu, how);
		break;
	case 3:
		gpu->hw.fault = how ? how : WORKS;
		break;
	case 4:
		gpu->hw.fault = how ? OTHER : WORKS;
		break;
	case 5:
		/* A reset that no software sees */
		gpu->hw.mask = 0;
		gpu->known.lost = true;
		break;
	}
}

/* What libFuzzer has seen of the table: an input that gets it where it was not yet is kept. */
#pragma clang section bss = "__libfuzzer_extra_counters"
static u8 seen[5 << 9];
#pragma clang section bss = ""

static void note_state(const struct nvli_status *status)
{
	unsigned int at = status->state;

	at = at << 1 | status->disabled_known;
	at = at << 1 | status->was_gv100;
	at = at << 1 | status->reset_pending;
	at = at << 1 | status->unwatched;
	at = at << 1 | status->held;
	at = at << 1 | !!status->resetting;
	at = at << 1 | !status->required;
	at = at << 2 | (status->mismatches & 3);
	seen[at] = 1;
}

static void step(struct world *world, unsigned int byte)
{
	struct gpu *gpu = &world->gpu[byte >> 5 & 1];
	unsigned int how = byte >> 6;
	struct reader *reader = &gpu->reader[how & 1];

	world->now++;
	switch ((byte & 0x1f) % STEPS) {
	case 0:
		if (may_reset(world, gpu))
			reset_begins(world, gpu);
		break;
	case 1:
		reset_over(world, gpu);
		break;
	case 2:
		if (may_reset(world, gpu))
			call_begins(world, gpu, how & 1);
		break;
	case 3:
		call_ends(world, gpu);
		break;
	case 4:
		if (may_reset(world, gpu))
			bus(gpu, true);
		break;
	case 5:
		if (may_reset(world, gpu))
			bus(gpu, false);
		break;
	case 6:
		if (may_reset(world, gpu))
			hold(world, gpu);
		break;
	case 7:
		if (may_reset(world, gpu))
			let_go(world, gpu);
		break;
	case 8:
		begin(world, gpu, reader, how & 2);
		break;
	case 9:
		access_hardware(gpu, reader);
		break;
	case 10:
		judge(world, gpu, reader, how & 2);
		break;
	case 11:
		/* All of it at once, so that short inputs get far */
		begin(world, gpu, reader, how & 2);
		world->now++;
		access_all(gpu, reader);
		judge(world, gpu, reader, false);
		break;
	default:
		if (!world->one_at_a_time)
			freely(world, gpu, (byte & 0x1f) % STEPS - 12, how);
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

	gpu->hw.fault = WORKS;
	while (gpu->known.whole)
		reset_over(world, gpu);
	call_ends(world, gpu);
	gpu->hw.in_reset = false;
	let_go(world, gpu);
	enforce(world, gpu, true);
	require(gpu, 1);
	/* Another chip is believed until the next reset. */
	if (gpu->status.state == NVLI_UNSUPPORTED)
		event(world, gpu, NVLI_STEP);

	for (int i = 0; i < AUDITS; i++) {
		world->now++;
		reader->active = false;
		begin(world, gpu, reader, true);
		access_all(gpu, reader);
		judge(world, gpu, reader, false);
	}
	world->now++;
	begin(world, gpu, reader, false);
	access_all(gpu, reader);
	judge(world, gpu, reader, false);
	always(gpu->status.state == NVLI_ISOLATED);
	always(!(JOINED & ~gpu->hw.mask));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct world world = { .one_at_a_time = size && data[0] & 1, .now = 1 };

	for (int i = 0; i < GPUS; i++) {
		world.gpu[i].status.generation = 1;
		require(&world.gpu[i], 1);
		if (world.one_at_a_time)
			enforce(&world, &world.gpu[i], true);
	}
	for (size_t i = 1; i < size; i++)
		step(&world, data[i]);
	for (int i = 0; i < GPUS; i++)
		recovers(&world, &world.gpu[i]);

	return 0;
}
