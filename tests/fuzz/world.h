/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two GPUs for tests/fuzz/status.c, and everything that can happen to them. Beside the table there
 * are two accounts that do not look into it: the hardware (struct hardware), and what has been told
 * to the table and read for it (struct account).
 */
#ifndef WORLD_H
#define WORLD_H

#include <string.h>

#include "fuzz.h"

#define GPUS		2
#define READERS		2		/* of each GPU at the same time: the worker and a hook */
#define JOINED		0x150000	/* the links that join the two: 0, 2 and 4 of both */
#define GV100		0x140000a1
#define OTHER_CHIP	0x130000a1
#define PRI_ERROR	0xbadf1100
#define AUDITS		3		/* in a row until one is believed */

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

#endif
