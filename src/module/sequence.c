// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sequence that disables the NVLinks of a GV100, on two accessors. It knows no kernel, so that
 * the unit tests run each step of it against a model; another chip is another such file.
 *
 * Sources of registers and order: nvlink_isolation/gv100.h. After a read without a response
 * there is no further access: on powernv that read has frozen the GPU's PE.
 */

#include "sequence.h"

/*
 * How often the ring command is read until the ring has started, a microsecond apart. The public
 * drivers see it start within microseconds. The caller has interrupts off.
 */
#define RING_READS	50
/* How many of those reads may be PRI errors: each may take the timeout of the ring */
#define RING_ERRORS	5
/*
 * How often the mask is read until the NVLink unit answers, and how many microseconds apart. nvgpu
 * waits for 20 after it has switched on a unit.
 */
#define UNIT_READS	3
#define UNIT_PAUSES	20

struct run {
	const struct nvli_accessors *accessors;
	void *context;
	struct nvli_result result;
};

static bool end(struct run *run, enum nvli_outcome outcome, u32 offset, u32 value)
{
	run->result.outcome = outcome;
	run->result.offset = offset;
	run->result.value = value;

	return false;
}

static bool read_register(struct run *run, u32 offset, u32 *value)
{
	if (!run->accessors->read(run->context, offset, value))
		return end(run, NVLI_STOPPED, offset, 0);
	if (*value == GV100_NO_ANSWER)
		return end(run, NVLI_NO_ANSWER, offset, *value);
	if (!nvli_is_answer(*value))
		return end(run, NVLI_WRONG, offset, *value);

	return true;
}

static bool write_register(struct run *run, u32 offset, u32 value)
{
	return run->accessors->write(run->context, offset, value) ||
	       end(run, NVLI_STOPPED, offset, value);
}

/* Is this a GV100? Checked before any other register is touched. */
static bool check_chip(struct run *run)
{
	u32 boot_0;

	return read_register(run, GV100_PMC_BOOT_0, &boot_0) &&
	       (nvli_chip_is_gv100(boot_0) ||
		end(run, NVLI_NOT_GV100, GV100_PMC_BOOT_0, boot_0));
}

static bool wait_for_ring(struct run *run)
{
	unsigned int reads, errors = 0;
	u32 value = 0;

	for (reads = 0; reads < RING_READS; reads++) {
		/* The ring is starting, and may not lead to its own master yet. */
		if (!read_register(run, GV100_RING_COMMAND, &value) &&
		    (run->result.outcome != NVLI_WRONG || ++errors > RING_ERRORS))
			return false;
		if (!value)
			return true;
		run->accessors->pause(run->context);
	}

	return end(run, NVLI_WRONG, GV100_RING_COMMAND, value);
}

static bool enable_unit(struct run *run)
{
	u32 value;

	return read_register(run, GV100_PMC_ENABLE, &value) &&
	       (value & GV100_PMC_ENABLE_NVLINK ||
		write_register(run, GV100_PMC_ENABLE, value | GV100_PMC_ENABLE_NVLINK));
}

/* A reset stops the PRI ring and the NVLink unit, and the mask lies behind both. */
static bool start_ring(struct run *run)
{
	u32 value;

	if (!write_register(run, GV100_RING_COMMAND, GV100_RING_COMMAND_START) ||
	    !wait_for_ring(run) || !read_register(run, GV100_RING_START_RESULTS, &value))
		return false;
	/* A ring that started without all its stations does not lead to the mask. */
	if (!(value & GV100_RING_START_CONNECTED))
		return end(run, NVLI_WRONG, GV100_RING_START_RESULTS, value);

	/*
	 * The public drivers read here, so that the write has arrived before the ring is used. They
	 * ignore the value.
	 */
	return write_register(run, GV100_RING_DECODE_CONFIG, GV100_RING_DECODE_WAIT) &&
	       (read_register(run, GV100_RING_DECODE_CONFIG, &value) ||
		run->result.outcome == NVLI_WRONG) &&
	       enable_unit(run);
}

/* Ends with the mask as last read. The caller judges it. */
static bool disable_links(struct run *run, u32 required)
{
	u32 mask;

	if (!read_register(run, GV100_LINK_DISABLE, &mask))
		return false;
	if (required & ~mask) {
		run->result.written = true;
		if (!write_register(run, GV100_LINK_DISABLE, mask | required) ||
		    !read_register(run, GV100_LINK_DISABLE, &mask))
			return false;
	}
	end(run, NVLI_READ, GV100_LINK_DISABLE, mask);

	return !(required & ~mask);
}

/* The NVLink unit was switched on. It may not answer at once. */
static bool disable_links_in_time(struct run *run, u32 required)
{
	unsigned int reads = 0, pauses;

	while (!disable_links(run, required)) {
		if (run->result.outcome != NVLI_WRONG || ++reads == UNIT_READS)
			return false;
		for (pauses = 0; pauses < UNIT_PAUSES; pauses++)
			run->accessors->pause(run->context);
	}

	return true;
}

/* The mask alone did not do: may more be tried? A stopped ring reads as a PRI error. */
static bool may_go_on(const struct run *run, enum nvli_ring_use use)
{
	enum nvli_outcome outcome = run->result.outcome;

	return (outcome == NVLI_WRONG && use != NVLI_RING_NEVER) ||
	       (outcome == NVLI_READ && use == NVLI_RING_FREELY);
}

/**
 * nvli_sequence_run() - disable links and read the mask back
 * @request: what to do
 * @accessors: how to reach the registers
 * @context: for @accessors
 *
 * Return: the result; NVLI_READ with the mask if it could be read, even with links enabled in it.
 */
struct nvli_result nvli_sequence_run(const struct nvli_request *request,
				     const struct nvli_accessors *accessors, void *context)
{
	struct run run = { .accessors = accessors, .context = context };

	if (!check_chip(&run))
		return run.result;

	if (request->mask_first || request->ring != NVLI_RING_FREELY) {
		if (disable_links(&run, request->required) || !may_go_on(&run, request->ring))
			return run.result;
	}

	/* The ring of a user may run, and only the unit be off. */
	if (request->ring == NVLI_RING_IF_STOPPED &&
	    ((enable_unit(&run) && disable_links_in_time(&run, request->required)) ||
	     !may_go_on(&run, request->ring)))
		return run.result;

	if (start_ring(&run))
		disable_links_in_time(&run, request->required);

	return run.result;
}
