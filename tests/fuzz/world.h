/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two GPUs for tests/fuzz/status.c, and everything that can happen to them. Beside the table there
 * are two accounts that do not look into it: the hardware (struct hardware), and what the table was
 * told and what was read for it (struct account). The account counts time in steps, not in
 * generations.
 */
#ifndef WORLD_H
#define WORLD_H

#include <string.h>

#include "fuzz.h"

#define GPUS		2
#define READERS		2		/* of each GPU at once: more than the gate allows */
#define JOINED		0x150000	/* the links that join the two: 0, 2 and 4 of both */
#define FOREIGN		0x13000005	/* other bits of the mask; a P100 as PMC_BOOT_0 */
#define GP100		0x130000a1
#define GARBAGE		0x00000001
#define PRI_ERROR	0xbadf1100
#define CHIP_ATTEMPTS	2		/* in a row until another chip is believed */

/**
 * enum fault - what is wrong with a GPU
 * @WORKS: nothing
 * @NO_ANSWER: no register answers
 * @PRI: every register reads as a PRI error
 * @STUCK: the mask cannot be written
 * @OTHER: PMC_BOOT_0 names another chip
 * @ODD: PMC_BOOT_0 is garbage
 * @NO_MASK: PMC_BOOT_0 is right, and the mask does not answer
 * @PRI_MASK: PMC_BOOT_0 is right, and the mask reads as a PRI error
 */
enum fault { WORKS, NO_ANSWER, PRI, STUCK, OTHER, ODD, NO_MASK, PRI_MASK };

/**
 * struct hardware - a GPU as it is
 * @mask: its link disable register
 * @in_reset: the bus is in reset
 * @fault: what is wrong with it
 * @lost: when the mask was last lost without an event
 */
struct hardware {
	u32 mask;
	bool in_reset;
	enum fault fault;
	unsigned long lost;
};

/**
 * struct reader - an attempt that is under way
 * @active: it is
 * @generation: the table's, as it was when the attempt was begun
 * @required: the links it disables, likewise
 * @began: when that was
 * @read: when it read the mask
 * @asked: it has asked for the chip, which comes first
 * @result: what it has found so far
 */
struct reader {
	bool active;
	u32 generation;
	u32 required;
	unsigned long began;
	unsigned long read;
	bool asked;
	struct nvli_result result;
};

/**
 * struct account - what was done with the table, as its user knows it
 * @enforced: enforcement has begun
 * @watched: resets are seen
 * @required: the links of the last plan
 * @resetting: a reset was announced and is not released yet
 * @event: the last event after which no older attempt counts
 * @began: when the last attempt was begun that could read the mask; 0 for none since @event, since
 *	   nothing was required, or if one has failed without reading it since
 * @read: when that attempt read it
 * @mask: what it read
 * @stale: the read-back was declared too old
 * @failed: an attempt has failed since @event, since the links changed and since the last success
 * @unanswered: the last attempt that failed was not answered
 * @thawed: such a failure was forgiven since @event
 * @gv100: PMC_BOOT_0 has named a GV100 once, in an attempt that counted
 * @others: attempts in a row that named another chip; fewer after a reset
 * @dirty: a reset was counted, and the links were not verified since
 * @resets: resets that it has to have counted
 * @repairs: verified read-backs that followed one
 */
struct account {
	bool enforced;
	bool watched;
	u32 required;
	bool resetting;
	unsigned long event;
	unsigned long began;
	unsigned long read;
	u32 mask;
	bool stale;
	bool failed;
	bool unanswered;
	bool thawed;
	bool gv100;
	unsigned int others;
	bool dirty;
	unsigned int resets;
	unsigned int repairs;
};

struct gpu {
	struct nvli_status status;
	struct hardware hw;
	struct account known;
	struct reader reader[READERS];
};

/**
 * struct world - all that there is
 * @one_at_a_time: a GPU is reset only while the other is called isolated, and the required masks,
 *		   enforcement and the hardware's obedience do not change: then a link is never live
 *		   once both GPUs were isolated
 * @sealed: both were
 * @now: counts steps
 */
struct world {
	struct gpu gpu[GPUS];
	bool one_at_a_time;
	bool sealed;
	unsigned long now;
};

static bool end_is_dead(const struct hardware *hw)
{
	return hw->in_reset || !(JOINED & ~hw->mask);
}

/* Is every required link known to be disabled, by what was read? */
static bool is_proven(const struct account *known)
{
	return !known->required ||
	       (known->began > known->event && !known->stale && !(known->required & ~known->mask));
}

static void told(struct world *world, struct gpu *gpu)
{
	gpu->known.event = world->now;
	gpu->known.began = 0;
	gpu->known.failed = false;
	gpu->known.thawed = false;
}

static void enforce(struct world *world, struct gpu *gpu, bool enforced)
{
	nvli_status_enforce(&gpu->status, enforced);
	if (gpu->known.enforced == enforced)
		return;
	gpu->known.enforced = enforced;
	gpu->known.others = 0;
	gpu->known.dirty = false;
	told(world, gpu);
}

static void watch(struct world *world, struct gpu *gpu, bool watched)
{
	nvli_status_watch(&gpu->status, watched);
	if (gpu->known.watched == watched)
		return;
	gpu->known.watched = watched;
	told(world, gpu);
}

static void require(struct gpu *gpu, unsigned int how)
{
	static const u32 masks[] = { 0, JOINED, 0x110000, GV100_LINK_DISABLE_ALL };

	nvli_status_require(&gpu->status, masks[how]);
	if (gpu->known.required == masks[how])
		return;

	/* Nobody audits a GPU of which nothing is required, so its read-back may be old. */
	if (!gpu->known.required)
		gpu->known.began = 0;
	gpu->known.failed = false;
	gpu->known.required = masks[how];
}

static void expire(struct gpu *gpu)
{
	nvli_status_expire(&gpu->status);
	gpu->known.stale = true;
}

static void thaw(struct gpu *gpu)
{
	struct account *known = &gpu->known;

	nvli_status_thaw(&gpu->status);
	if (!known->failed || !known->unanswered || known->thawed)
		return;
	known->failed = false;
	known->thawed = true;
}

static void reset_begins(struct world *world, struct gpu *gpu, bool counted)
{
	nvli_status_reset(&gpu->status, counted);
	gpu->known.resetting = true;
	/* One more attempt has to name another chip after each reset. */
	if (gpu->known.others >= CHIP_ATTEMPTS)
		gpu->known.others = CHIP_ATTEMPTS - 1;
	if (counted && gpu->known.enforced) {
		gpu->known.resets++;
		gpu->known.dirty = true;
	}
	told(world, gpu);
}

static void reset_over(struct gpu *gpu)
{
	if (!gpu->known.resetting)
		return;
	gpu->known.resetting = false;
	gpu->hw.in_reset = false;
}

/* The bus is reset after that was announced, or where nobody looks. */
static void bus(struct gpu *gpu, bool assert)
{
	bool seen = gpu->known.enforced && gpu->known.watched;

	if (assert && seen && !gpu->known.resetting)
		return;
	if (assert || gpu->hw.in_reset)
		gpu->hw.mask = 0;
	gpu->hw.in_reset = assert;
}

/* What the gate verifies: see nvli_visit_verify(). */
static void begin(struct world *world, struct gpu *gpu, struct reader *reader)
{
	enum nvli_state state = nvli_state(&gpu->status);

	if (reader->active || state == NVLI_OFF || state == NVLI_UNSUPPORTED ||
	    !gpu->status.required || gpu->known.resetting)
		return;
	*reader = (struct reader) {
		.active = true,
		.generation = gpu->status.generation,
		.required = gpu->status.required,
		.began = world->now,
		.result = { NVLI_NOT_TRIED, GV100_LINK_DISABLE, GV100_LINK_DISABLE_ALL, false },
	};
}

static void end(struct reader *reader, enum nvli_outcome outcome, u32 offset, u32 value)
{
	reader->result.outcome = outcome;
	reader->result.offset = offset;
	reader->result.value = value;
}

static void ask_for_chip(const struct hardware *hw, struct reader *reader)
{
	const u32 at = GV100_PMC_BOOT_0;

	reader->asked = true;
	if (hw->in_reset || hw->fault == NO_ANSWER)
		end(reader, NVLI_NO_ANSWER, at, GV100_NO_ANSWER);
	else if (hw->fault == PRI)
		end(reader, NVLI_WRONG, at, PRI_ERROR);
	else if (hw->fault == OTHER)
		end(reader, NVLI_NOT_GV100, at, GP100);
	else if (hw->fault == ODD)
		end(reader, NVLI_NOT_GV100, at, GARBAGE);
}

static void ask_for_mask(struct hardware *hw, struct reader *reader)
{
	const u32 at = GV100_LINK_DISABLE;

	if (hw->in_reset || hw->fault == NO_ANSWER || hw->fault == NO_MASK) {
		end(reader, NVLI_NO_ANSWER, at, GV100_NO_ANSWER);
	} else if (hw->fault == PRI || hw->fault == PRI_MASK) {
		end(reader, NVLI_WRONG, at, PRI_ERROR);
	} else {
		reader->result.written = reader->required & ~hw->mask;
		if (hw->fault != STUCK)
			hw->mask |= reader->required;
		end(reader, NVLI_READ, at, hw->mask | FOREIGN);
	}
}

/*
 * Everything can happen between two accesses. The sequence stops when it sees that the generation
 * has changed; an access that @races has been allowed just before.
 */
static void access_hardware(struct world *world, struct gpu *gpu, struct reader *reader,
			    bool races)
{
	if (!reader->active ||
	    (reader->result.outcome != NVLI_NOT_TRIED && reader->result.outcome != NVLI_READ))
		return;
	if (gpu->status.generation != reader->generation && !races) {
		end(reader, NVLI_STOPPED, GV100_LINK_DISABLE, GV100_LINK_DISABLE_ALL);
	} else if (!reader->asked) {
		ask_for_chip(&gpu->hw, reader);
	} else {
		reader->read = world->now;
		ask_for_mask(&gpu->hw, reader);
	}
}

/* The account of an attempt that counts. Returns true if it shows that the links are disabled. */
static bool note(struct account *known, const struct reader *reader)
{
	const struct nvli_result *result = &reader->result;
	bool other = result->outcome == NVLI_NOT_GV100 && result->value == GP100;

	known->gv100 |= result->offset != GV100_PMC_BOOT_0;
	known->others = other && !known->gv100 ? known->others + 1 : 0;
	known->began = 0;
	if (result->outcome == NVLI_READ) {
		known->began = reader->began;
		known->read = reader->read;
		known->mask = result->value;
		known->stale = false;
	}
	known->failed = !is_proven(known);
	if (known->failed) {
		known->unanswered = result->outcome == NVLI_NO_ANSWER;
		return false;
	}
	if (known->watched) {
		known->repairs += known->dirty;
		known->dirty = false;
	}

	return true;
}

static void judge(struct gpu *gpu, struct reader *reader)
{
	enum nvli_outcome outcome = reader->result.outcome;
	struct nvli_status before = gpu->status;
	bool counts = gpu->known.enforced && reader->began > gpu->known.event &&
		      outcome != NVLI_NOT_TRIED && outcome != NVLI_STOPPED;
	bool verified;

	if (!reader->active)
		return;
	reader->active = false;
	verified = nvli_status_judge(&gpu->status, reader->generation, &reader->result);
	if (counts) {
		always(verified == note(&gpu->known, reader));
		always(verified || gpu->status.unanswered == (outcome == NVLI_NO_ANSWER));
	} else {
		always(!verified && !memcmp(&before, &gpu->status, sizeof(before)));
	}
}

#endif
