// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state table, with two GPUs that are wired to each other and everything that can happen to
 * them in any order: is what it claims true of the hardware?
 *
 * Each byte of the input is a step: bits 0 to 4 what happens, bit 5 to which GPU, bits 6 and 7 how.
 * The first byte chooses the rules, see struct world. Two accounts are kept beside the table, which
 * do not look into it: the hardware (struct hardware), and what has been told to the table and read
 * for it (struct account). After each step all three are compared, see check().
 *
 * The module keeps to an order, and so does this: a read is begun only for a GPU that wants work,
 * and judged with the generation that it had then; the table hears of a reset before it begins and
 * after it is over; nobody holds a GPU that is not to be isolated. All else goes.
 */

#include <string.h>

#include "fuzz.h"

#define GPUS		2
#define READERS		2		/* of each GPU at the same time: the worker and a hook */
#define JOINED		0x150000	/* the links that join the two: 0, 2 and 4 of both */
#define GV100		0x140000a1
#define OTHER_CHIP	0x130000a1
#define PRI_ERROR	0xbadf1100
#define AUDITS		3		/* in a row until one is believed */
#define STEPS		18		/* what can happen, see step() */

/* What a register answers, or does not */
enum fault { WORKS, NO_ANSWER, PRI, STUCK, OTHER };

/**
 * struct hardware - a GPU as it is
 * @mask: its link disable register
 * @resets: who keeps it in reset: somebody, and we
 * @fault: what is wrong with it
 */
struct hardware {
	u32 mask;
	bool in_reset;
	bool held;
	enum fault fault;
};

/**
 * struct reader - an attempt to isolate or an audit that is under way
 * @active: it is
 * @audit: it is an audit
 * @status: the table as it was when it began
 * @began: when that was
 * @asked: it has asked for the chip, which comes first
 * @boot_0: what was read
 * @mask: what was read back, and by an attempt written before
 */
struct reader {
	bool active;
	bool audit;
	struct nvli_status status;
	unsigned long began;
	bool asked;
	u32 boot_0;
	u32 mask;
};

/**
 * struct account - what was done with the table, as its user knows it
 * @enforced: it was told to enforce
 * @watched: and that resets are seen
 * @required: the links that it was told last
 * @held: it was told so
 * @whole: resets under way that are seen as a whole
 * @call: a call of firmware that may be a step of one is under way
 * @event: when it was last told something after which no older read is proof
 * @read: when the last read of the mask that was judged as current was begun; 0: none since @event
 * @proof: the same of the last that showed every link as disabled that had to be
 * @proof_mask: what that said
 * @gv100: PMC_BOOT_0 has said GV100 once
 * @other: when a read was begun that said another chip
 * @reset: there was a reset that is not repaired
 * @resets: resets that it has to have counted
 * @repairs: and repairs
 * @odd: audits in a row that were odd
 * @lost: the mask was lost unseen
 */
struct account {
	bool enforced;
	bool watched;
	u32 required;
	bool held;
	unsigned int whole;
	bool call;
	unsigned long event;
	unsigned long read;
	unsigned long proof;
	u32 proof_mask;
	bool gv100;
	unsigned long other;
	bool reset;
	unsigned int resets;
	unsigned int repairs;
	unsigned int odd;
	bool lost;
};

struct gpu {
	struct nvli_status status;
	struct hardware hw;
	struct account known;
	struct reader reader[READERS];
};

/**
 * struct world - all that there is
 * @one_at_a_time: a GPU is reset only while the other is called isolated, and the masks that are
 *		   required, enforcement and the hardware's obedience do not change: then a link is
 *		   never live once both GPUs were isolated
 * @sealed: both were
 * @now: counts steps
 */
struct world {
	struct gpu gpu[GPUS];
	bool one_at_a_time;
	bool sealed;
	unsigned long now;
};

static bool answers(const struct hardware *hw)
{
	return !hw->in_reset && !hw->held && hw->fault != NO_ANSWER;
}

static bool end_is_dead(const struct hardware *hw)
{
	return hw->in_reset || hw->held || !(JOINED & ~hw->mask);
}

static void told(struct world *world, struct gpu *gpu)
{
	gpu->known.event = world->now;
	gpu->known.read = 0;
	gpu->known.proof = 0;
	gpu->known.odd = 0;
}

static void clear_mask(struct gpu *gpu)
{
	gpu->hw.mask = 0;
	gpu->known.lost = false;
}

/* What would be seen as no reset at all */
static bool is_unseen(const struct gpu *gpu)
{
	return !gpu->known.enforced || !gpu->known.watched;
}

static void enforce(struct world *world, struct gpu *gpu, bool watched)
{
	bool news = !gpu->known.enforced || gpu->known.watched != watched;

	if (!gpu->known.enforced)
		gpu->known.reset = false;
	gpu->known.enforced = true;
	gpu->known.watched = watched;
	nvli_status_enforce(&gpu->status, watched);
	if (news)
		told(world, gpu);
}

static void release(struct world *world, struct gpu *gpu)
{
	gpu->known.enforced = false;
	gpu->known.reset = false;
	nvli_status_release(&gpu->status);
	told(world, gpu);
}

static void require(struct gpu *gpu, unsigned int how)
{
	static const u32 masks[] = { 0, JOINED, 0x110000, GV100_LINK_DISABLE_ALL };

	gpu->known.required = masks[how];
	nvli_status_require(&gpu->status, masks[how]);
}

static void event(struct world *world, struct gpu *gpu, enum nvli_event what)
{
	nvli_status_event(&gpu->status, what);
	gpu->known.reset = true;
	told(world, gpu);
}

static void reset_begins(struct world *world, struct gpu *gpu)
{
	event(world, gpu, NVLI_RESET_BEGINS);
	gpu->known.whole++;
}

static void reset_over(struct world *world, struct gpu *gpu)
{
	if (!gpu->known.whole)
		return;
	gpu->known.whole--;
	gpu->known.resets++;
	if (!gpu->known.whole && !gpu->known.call)
		gpu->hw.in_reset = false;
	event(world, gpu, NVLI_RESET_OVER);
}

static void call_begins(struct world *world, struct gpu *gpu, bool first)
{
	if (gpu->known.call)
		return;
	gpu->known.call = true;
	if (first && !gpu->known.whole)
		gpu->known.resets++;
	event(world, gpu, first ? NVLI_FIRST_STEP : NVLI_STEP);
}

static void call_ends(struct world *world, struct gpu *gpu)
{
	if (!gpu->known.call)
		return;
	gpu->known.call = false;
	event(world, gpu, NVLI_STEP);
}

/* The bus is reset, or let go: while the table expects it, or where nobody looks. */
static void bus(struct gpu *gpu, bool assert)
{
	if (!gpu->known.whole && !gpu->known.call && !is_unseen(gpu))
		return;
	gpu->hw.in_reset = assert;
	/* Whoever resets the bus writes the bit by which we hold it, too. */
	if (!assert)
		gpu->hw.held = false;
	clear_mask(gpu);
}

static void hold(struct world *world, struct gpu *gpu)
{
	if (!nvli_status_wants_work(&gpu->status))
		return;
	gpu->hw.held = true;
	clear_mask(gpu);
	gpu->known.held = true;
	gpu->known.reset = true;
	nvli_status_hold(&gpu->status);
	told(world, gpu);
}

static void let_go(struct world *world, struct gpu *gpu)
{
	if (!gpu->known.held)
		return;
	gpu->hw.held = false;
	gpu->known.held = false;
	nvli_status_let_go(&gpu->status);
	told(world, gpu);
}

static u32 read_register(const struct hardware *hw, u32 value)
{
	if (!answers(hw))
		return GV100_NO_ANSWER;

	return hw->fault == PRI ? PRI_ERROR : value;
}

static void begin(struct world *world, struct gpu *gpu, struct reader *reader, bool audit)
{
	if (reader->active ||
	    !(audit ? gpu->status.state == NVLI_ISOLATED : nvli_status_wants_work(&gpu->status)))
		return;
	*reader = (struct reader) {
		.active = true,
		.audit = audit,
		.status = gpu->status,
		.began = world->now,
		.boot_0 = GV100_NO_ANSWER,
		.mask = GV100_NO_ANSWER,
	};
}

/* Everything can happen between two accesses. */
static void access_hardware(struct gpu *gpu, struct reader *reader)
{
	struct hardware *hw = &gpu->hw;

	if (!reader->active)
		return;
	if (!reader->audit && !reader->asked) {
		reader->asked = true;
		reader->boot_0 = read_register(hw, hw->fault == OTHER ? OTHER_CHIP : GV100);
		return;
	}
	if (!reader->audit && reader->boot_0 != GV100)
		return;
	if (!reader->audit && answers(hw) && hw->fault == WORKS)
		hw->mask |= reader->status.required;
	reader->mask = read_register(hw, hw->mask);
}

static void access_all(struct gpu *gpu, struct reader *reader)
{
	access_hardware(gpu, reader);
	if (!reader->audit)
		access_hardware(gpu, reader);
}

static bool is_good(const struct gpu *gpu, u32 mask)
{
	return !gpu->known.required ||
	       (mask != GV100_NO_ANSWER && mask != PRI_ERROR && !(gpu->known.required & ~mask));
}

static void judge_audit(struct gpu *gpu, struct reader *reader, bool in_use)
{
	struct nvli_status before = gpu->status;
	bool good = is_good(gpu, reader->mask);
	bool answer = reader->mask != GV100_NO_ANSWER && reader->mask != PRI_ERROR;

	nvli_status_audit(&gpu->status, reader->status.generation, reader->mask, in_use);
	if (before.state != NVLI_ISOLATED || reader->began <= gpu->known.event ||
	    !gpu->known.required || (in_use && !answer)) {
		always(!memcmp(&before, &gpu->status, sizeof(before)));
		return;
	}

	gpu->known.odd = good ? 0 : gpu->known.odd + 1;
	always(gpu->status.state == (gpu->known.odd == AUDITS ? NVLI_FAILED : NVLI_ISOLATED));
	if (gpu->known.odd == AUDITS) {
		gpu->known.event = reader->began;
		gpu->known.read = 0;
		gpu->known.proof = 0;
		gpu->known.odd = 0;
	}
}

/* As the module's judge(), by which a result gets into the table. */
static void judge_attempt(struct world *world, struct gpu *gpu, struct reader *reader)
{
	u32 generation = reader->status.generation;
	struct nvli_status before = gpu->status;
	bool gv100 = reader->boot_0 == GV100;
	/* A hold or a reset is no time to read; a result that is older than the last is none. */
	bool current = nvli_status_wants_work(&before) && reader->began > gpu->known.event &&
		       !gpu->known.held && !gpu->known.whole;
	bool isolated = false;

	if (!reader->status.required || nvli_status_chip(&gpu->status, generation, reader->boot_0))
		isolated = nvli_status_read_back(&gpu->status, generation, reader->mask);
	gpu->known.gv100 |= gv100 && reader->status.required;

	if (!current) {
		/* But what chip it is does not change. */
		before.was_gv100 = gpu->status.was_gv100;
		always(!isolated && !memcmp(&before, &gpu->status, sizeof(before)));
		return;
	}
	if (reader->boot_0 == OTHER_CHIP && reader->status.required) {
		if (!gpu->known.gv100)
			gpu->known.other = reader->began;
		always(gpu->status.state == (gpu->known.gv100 ? NVLI_FAILED : NVLI_UNSUPPORTED));
		return;
	}
	if (gpu->known.required && reader->mask != GV100_NO_ANSWER && reader->mask != PRI_ERROR)
		gpu->known.read = reader->began;
	if ((!gv100 && reader->status.required) || !is_good(gpu, reader->mask)) {
		always(gpu->status.state == NVLI_FAILED);
		return;
	}
	gpu->known.proof = reader->began;
	gpu->known.proof_mask = reader->mask;
	always(isolated == gpu->known.watched);
	if (!isolated)
		return;
	gpu->known.repairs += gpu->known.reset;
	gpu->known.reset = false;
	gpu->known.odd = 0;
	/* The mask that was read is that of now, as far as resets can be seen. */
	gpu->known.lost &= reader->began <= world->now && (gpu->known.required & ~gpu->hw.mask);
}

static void judge(struct world *world, struct gpu *gpu, struct reader *reader, bool in_use)
{
	if (!reader->active)
		return;
	if (reader->audit)
		judge_audit(gpu, reader, in_use);
	else
		judge_attempt(world, gpu, reader);
	reader->active = false;
}

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

/* I3: who is let in, as nvli_enforce_admit() does, is isolated or is no GV100. */
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
