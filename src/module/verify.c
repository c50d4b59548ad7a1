// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verification: what a visit of the gate finds out about a GPU, and what follows from it. The
 * required links are disabled and read back in one go, in the context of the gate. Firmware can
 * reset the GPU in between. Then the generation differs, and nothing that was read counts.
 */

#include "log.h"
#include "visit.h"
#include "bus.h"
#include "events.h"
#include "plan.h"
#include "platform.h"
#include "sequence.h"
#include "settings.h"

#include <linux/delay.h>
#include <linux/ktime.h>

/* The accessors of the sequence. They stop if the GPU was reset during the visit. */
static bool read_register(void *context, u32 offset, u32 *value)
{
	struct nvli_visit *visit = context;

	if (nvli_visit_was_reset(visit))
		return false;
	*value = nvli_platform->read(visit->base + offset);

	return true;
}

static bool write_register(void *context, u32 offset, u32 value)
{
	struct nvli_visit *visit = context;

	if (nvli_visit_was_reset(visit))
		return false;
	nvli_platform->write(visit->base + offset, value);

	return true;
}

static void pause(void *context)
{
	udelay(1);
}

static const struct nvli_accessors accessors = {
	.read = read_register,
	.write = write_register,
	.pause = pause,
};

/*
 * May the PRI ring be started? Not in an audit while a user works with the GPU. A user that only
 * switches decoding on does not work with the GPU yet; nor does one whose ring is still stopped
 * after a reset.
 */
static enum nvli_ring_use ring_use(const struct nvli_visit *visit, enum nvli_how how, bool is_cut)
{
	bool was_on = visit->command & PCI_COMMAND_MEMORY;

	if (!visit->in_use || (!was_on && (how == NVLI_ONCE || !is_cut)))
		return NVLI_RING_FREELY;

	return is_cut ? NVLI_RING_NEVER : NVLI_RING_IF_STOPPED;
}

static void explain(struct nvli_gpu *gpu, const struct nvli_result *result)
{
	size_t size = sizeof(gpu->error);

	switch (result->outcome) {
	case NVLI_NOT_TRIED:
		break;
	case NVLI_STOPPED:
		strscpy(gpu->error, "reset while its links were being disabled", size);
		break;
	case NVLI_READ:
		scnprintf(gpu->error, size, "link disable mask reads 0x%08x, 0x%08x is required",
			  result->value, gpu->status.required);
		break;
	case NVLI_NO_ANSWER:
		scnprintf(gpu->error, size, "no response to a read of register 0x%06x",
			  result->offset);
		break;
	case NVLI_WRONG:
		scnprintf(gpu->error, size, "register 0x%06x reads 0x%08x", result->offset,
			  result->value);
		break;
	case NVLI_NOT_GV100:
		scnprintf(gpu->error, size, "PMC_BOOT_0 reads 0x%08x, which is not a GV100",
			  result->value);
		break;
	case NVLI_COVERED:
		strscpy(gpu->error, "its BARs were moved while its links were being disabled",
			size);
		break;
	}
}

/*
 * Judge the result. A user can stop the ring, so that the mask cannot be read. Such a failure does
 * not disprove the last read-back, which only grows old: with @keep it stays valid.
 */
static bool judge(struct nvli_visit *visit, u32 required, bool keep)
{
	struct nvli_result *result = &visit->result;
	struct nvli_gpu *gpu = visit->gpu;
	bool verified = false, was_cut;
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	/* The plan has changed meanwhile, so the result does not apply to it. */
	if (gpu->status.required != required)
		result->outcome = NVLI_STOPPED;
	was_cut = nvli_status_is_cut(&gpu->status);
	if (!keep || result->outcome == NVLI_READ)
		verified = nvli_status_judge(&gpu->status, visit->generation, result);
	/* A GPU that was left to its host driver is verified only if root forces it. */
	gpu->left_to_driver = false;
	if (verified) {
		gpu->verified_ns = ktime_get_ns();
		gpu->lost_ns = 0;
		gpu->repaired += was_cut && result->written;
	} else if (gpu->status.enforced) {
		explain(gpu, result);
	}
	if (verified && !gpu->status.watched)
		strscpy(gpu->error, "its resets cannot be watched", sizeof(gpu->error));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return verified;
}

/* Decoding was on, and a required link may be enabled: must decoding be switched off? */
static bool must_switch_off(const struct nvli_result *result, bool is_cut)
{
	if (!READ_ONCE(nvli_gate) || result->outcome == NVLI_STOPPED)
		return false;

	return result->outcome == NVLI_READ || !is_cut;
}

/*
 * A real reset switches decoding off. If decoding is on before the GPU was verified, firmware reset
 * nothing, or EEH has switched decoding on without the gate. Do not wait until the GPU can be
 * verified: a user can put that off, by another such reset or by D3hot, whenever it is tried.
 */
static bool survived_reset(const struct nvli_status *status)
{
	return READ_ONCE(nvli_gate) && status->resets != status->verified_resets &&
	       !nvli_status_was_read(status);
}

/*
 * Have nvli_visit_end() switch decoding off. A user's work on the GPU continues, and may use its
 * links until the GPU is verified or reset. A GPU without a user, where firmware left decoding on,
 * has no such work: the reset that enabled the links has stopped it.
 */
static void lose(struct nvli_visit *visit)
{
	visit->command &= ~PCI_COMMAND_MEMORY;
	visit->is_on = true;
	if (visit->in_use)
		nvli_gpu_set_lost(visit->gpu);
}

static bool is_exempt(enum nvli_state state)
{
	return state == NVLI_OFF || state == NVLI_UNSUPPORTED;
}

/*
 * Run the sequence. If another BAR lay over BAR0, what was read proves nothing: the caller repeats
 * the sequence with all BARs in place, as after NVLI_STOPPED, or it has failed.
 */
static void run(struct nvli_visit *visit, const struct nvli_request *request)
{
	struct nvli_result *result = &visit->result;

	*result = nvli_sequence_run(request, &accessors, visit);
	if (result->outcome == NVLI_STOPPED)
		return;
	/* Links may be enabled. Do not keep them so while the BARs are read. */
	if (result->outcome != NVLI_READ || request->required & ~result->value)
		nvli_visit_close(visit);
	if (nvli_visit_is_uncovered(visit))
		return;
	if (nvli_visit_uncover(visit))
		*result = (struct nvli_result){ .outcome = NVLI_STOPPED };
	else if (result->outcome != NVLI_NO_ANSWER)
		*result = (struct nvli_result){ .outcome = NVLI_COVERED };
}

/* How often a visit follows a changed plan: other GPUs can change their owner at any moment. */
#define PLANS	4

static enum nvli_answer run_sequence(struct nvli_visit *visit, const struct nvli_status *status,
				     enum nvli_how how)
{
	/*
	 * Do not start the ring of a user while the last read-back is proof. It is none of links
	 * that the plan has required since: a user could keep those by a stopped ring. Nor after a
	 * reset, which the module may not have seen.
	 */
	bool is_cut = nvli_status_is_cut(status) && !nvli_visit_was_cleared(visit);
	struct nvli_gpu *gpu = visit->gpu;
	bool was_on = visit->command & PCI_COMMAND_MEMORY;
	struct nvli_request request = {
		.required = status->required,
		/* The ring runs if we, or a user, have started it since the last reset. */
		.mask_first = nvli_status_is_fresh(status) ||
			      (!visit->programmed && (visit->in_use || was_on) &&
			       status->verified_resets == status->resets),
		.ring = ring_use(visit, how, is_cut),
	};
	bool verified;

	run(visit, &request);
	verified = judge(visit, request.required, request.ring == NVLI_RING_NEVER);
	/* PMC_BOOT_0 named another chip before the last reset as well; or enforcement has ended. */
	if (!verified && is_exempt(nvli_gpu_state(gpu)))
		return NVLI_LEFT_ALONE;
	if (!verified && was_on && must_switch_off(&visit->result, is_cut))
		lose(visit);

	return verified ? NVLI_VERIFIED : NVLI_NOT_VERIFIED;
}

/**
 * nvli_visit_verify() - read the required links back as disabled, disabling them if need be
 * @visit: of a GPU that responds in config space, with @command read
 * @how: how insistent the caller is
 *
 * Decoding may be on afterwards; nvli_visit_end() has to follow. Runs under RCU.
 */
enum nvli_answer nvli_visit_verify(struct nvli_visit *visit, enum nvli_how how)
{
	bool was_on = visit->command & PCI_COMMAND_MEMORY;
	struct nvli_gpu *gpu = visit->gpu;
	unsigned int settles_in, tries;
	struct nvli_status status;
	enum nvli_answer answer;
	bool leave_bars;
	const char *what;

	if (!is_exempt(nvli_gpu_state(gpu)))
		nvli_plan_by_owner(gpu);
	status = nvli_gpu_status(gpu);
	visit->generation = status.generation;
	visit->in_use = pci_is_enabled(gpu->pdev);
	if (is_exempt(nvli_state(&status)))
		return NVLI_LEFT_ALONE;
	/* No link has to be disabled, so the GPU passes without a read-back. */
	if (!status.required)
		return NVLI_VERIFIED;
	if (how != NVLI_FORCE && READ_ONCE(gpu->left_to_driver))
		return NVLI_LEFT_ALONE;
	/* One attempt per reset may switch decoding on. If it is on already, more may follow. */
	if (nvli_status_has_failed(&status) && !was_on &&
	    (how == NVLI_ONCE || (how == NVLI_RETRY && visit->in_use)))
		return NVLI_NOT_VERIFIED;
	visit->base = nvli_visit_base(gpu);
	settles_in = nvli_settles_in(gpu);
	what = settles_in == UINT_MAX ? "it is in reset" :
	       settles_in ? "its reset is too recent" :
	       !visit->base ? "BAR0 is not mapped" : NULL;
	/* Do not move the BARs of a GPU that a host driver works with. */
	leave_bars = how == NVLI_RETRY && visit->in_use && nvli_status_was_read(&status) &&
		     nvli_gpu_has_host_driver(gpu);
	if (!what)
		what = nvli_visit_open(visit, leave_bars);
	if (what) {
		nvli_gpu_set_obstacle(gpu, what);
		if (was_on && survived_reset(&status))
			lose(visit);
		return NVLI_NOT_READY;
	}

	for (tries = 0; tries < PLANS && status.required; tries++) {
		answer = run_sequence(visit, &status, how);
		if (answer != NVLI_NOT_VERIFIED || visit->result.outcome != NVLI_STOPPED ||
		    nvli_visit_was_reset(visit))
			return answer;
		status = nvli_gpu_status(gpu);
		/* The attempt failed, and has switched decoding off: nothing would answer. */
		if (!visit->is_on)
			break;
	}

	return status.required ? NVLI_NOT_VERIFIED : NVLI_VERIFIED;
}

/*
 * Firmware is about to set MEMORY in COMMAND. Does that switch the GPU on past the gate? Not if the
 * gate itself is writing, or if decoding is on already. Under RCU, with interrupts off.
 */
bool nvli_visit_is_past(struct nvli_gpu *gpu)
{
	struct nvli_bus *entry = nvli_bus_find(gpu->pdev->bus);
	u32 command;
	bool on;

	if (!entry || READ_ONCE(entry->cpu) == smp_processor_id())
		return false;

	/* A visit in progress may have decoding on. */
	raw_spin_lock(&entry->lock);
	on = nvli_bus_read(gpu->pdev, PCI_COMMAND, 2, &command) && command & PCI_COMMAND_MEMORY;
	raw_spin_unlock(&entry->lock);

	return !on;
}

/**
 * nvli_visit_undo() - switch off a GPU that was switched on past the gate
 * @gpu: the GPU
 *
 * Call it right after a write for which nvli_visit_is_past() was true. It writes 0 to COMMAND, as a
 * reset does. A user may have begun work that uses links before that. Leaves a verified GPU on.
 * Under RCU, with interrupts off.
 */
void nvli_visit_undo(struct nvli_gpu *gpu)
{
	struct nvli_visit visit = { .gpu = gpu, .bus = gpu->pdev->bus, .devfn = gpu->pdev->devfn };
	struct nvli_bus *entry = nvli_bus_find(visit.bus);

	if (!READ_ONCE(nvli_gate) || !entry)
		return;

	raw_spin_lock(&entry->lock);
	/* Work may begin on a verified GPU, too, and outlast a change of the plan. */
	gpu->switched_on++;
	nvli_event_use(gpu);
	if (nvli_gpu_is_uncut(gpu)) {
		visit.ops = nvli_bus_own_ops(visit.bus);
		/* Never have a host driver's GPU reset: EEH may be recovering it. */
		visit.in_use = pci_is_enabled(gpu->pdev) && !nvli_gpu_has_host_driver(gpu);
		lose(&visit);
		nvli_visit_close(&visit);
		nvli_gpu_kick(gpu);
	}
	raw_spin_unlock(&entry->lock);
}
