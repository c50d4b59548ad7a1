// SPDX-License-Identifier: GPL-2.0-only
/*
 * EEH, the kernel's handling of PCI errors on powernv: what it is doing with a GPU's PE, whether
 * that keeps us from the GPU, and the PE thawed for as long as BAR0 is needed.
 */

#include "nvli.h"

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include <asm/eeh.h>

/* In these states of its PE nobody may access the GPU, or it is about to be reset. */
#define CLOSED_PE_STATES	(EEH_PE_CFG_BLOCKED | EEH_PE_RESET | EEH_PE_REMOVED)
/* In these, EEH is at work. Who is about to enable the GPU is part of that, perhaps. */
#define BUSY_PE_STATES		(EEH_PE_ISOLATED | EEH_PE_RECOVERING)
/* These EEH takes off a PE that it has reset only after it has enabled again what is in there. */
#define LATE_PE_STATES		(EEH_PE_CFG_BLOCKED | EEH_PE_RESET)

/* How long a PHB is waited for at a time. Its reset takes some seconds. */
#define PHB_SECONDS		10

static struct eeh_pe *pe_of(struct nvli_gpu *gpu)
{
	return eeh_dev_to_pe(pci_dev_to_eeh_dev(gpu->pdev));
}

/* Is this EEH's own thread? What that has marked nobody changes while it is in here. */
bool nvli_is_in_eehd(void)
{
	return current->flags & PF_KTHREAD && !strcmp(current->comm, "eehd");
}

/* Does a guest have the GPU, with VFIO's means to thaw and reset its PE? */
bool nvli_eeh_is_passed(struct nvli_gpu *gpu)
{
	return eeh_pe_passed(pe_of(gpu));
}

/**
 * nvli_eeh_prepare() - decide what may be done for this occasion
 * @gpu: the GPU
 * @occasion: why it is accessed
 *
 * A frozen PE is thawed for who is about to enable the GPU, as EEH does at the end of a recovery.
 * And where a guest has it: it could thaw it at any moment, and EEH does no more with such a PE
 * than reset it.
 */
void nvli_eeh_prepare(struct nvli_gpu *gpu, enum nvli_occasion occasion)
{
	bool enabling = occasion == NVLI_BEFORE_ENABLE;
	struct eeh_pe *pe = pe_of(gpu);
	bool open = enabling || eeh_pe_passed(pe);

	gpu->access = (struct nvli_access) {
		.busy = CLOSED_PE_STATES | (open ? 0 : BUSY_PE_STATES),
		.may_thaw = open,
	};
	if (enabling && pe && pe->state & EEH_PE_RESET && nvli_is_in_eehd()) {
		gpu->access.late = pe->state & LATE_PE_STATES;
		gpu->access.busy &= ~LATE_PE_STATES;
	}
}

/* Is something marked that means to keep off? Asks no firmware. */
bool nvli_eeh_is_busy(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);

	return pe && pe->state & gpu->access.busy;
}

/* What in EEH keeps everybody from the GPU? NULL if nothing. */
const char *nvli_eeh_obstacle(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);
	int state;

	if (!eeh_enabled() || !pe)
		return NULL;
	if (nvli_eeh_is_busy(gpu))
		return "EEH is handling it";
	/* The flags alone miss a PE that is frozen and belongs to a guest. */
	state = eeh_pe_get_state(pe);
	if (state == EEH_PE_STATE_RESET ||
	    (state == EEH_PE_STATE_STOPPED_IO_DMA && !gpu->access.may_thaw))
		return "its PE is frozen";
	/* In a recovery from a bridge downwards this is all that is told, also at its end. */
	if (state == EEH_PE_STATE_UNAVAIL && gpu->access.busy & BUSY_PE_STATES)
		return "EEH is handling a bridge above it";

	return NULL;
}

/* EEH is through with the GPU, and does not keep a guest that has it from it. */
bool nvli_eeh_has_given_up(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);

	return eeh_pe_passed(pe) && pe->state & EEH_PE_REMOVED;
}

/* What else in EEH stands between us and BAR0? Waiting does not help against it. */
const char *nvli_eeh_channel_obstacle(struct nvli_gpu *gpu)
{
	if (eeh_enabled() && !pe_of(gpu))
		return "it has no EEH PE";
	/* EEH lets go of the channel only after it has enabled the GPU. */
	if (gpu->access.busy & BUSY_PE_STATES && pci_channel_offline(gpu->pdev))
		return "its PCI channel is offline";

	return NULL;
}

static bool is_phb_being_reset(struct eeh_pe *pe)
{
	while (pe && !(pe->type & EEH_PE_PHB))
		pe = pe->parent;

	return pe && pe->state & EEH_PE_RESET;
}

/**
 * nvli_eeh_wait_for_phb() - wait for EEH to have reset the whole PHB, if it is about that
 * @gpu: the GPU
 *
 * There is no call that we are in at its end, nor does it need a lock of the GPU's. A guest that
 * has the GPU cannot configure it, and so not reach it, until our caller lets go of those: not
 * before its links are cut.
 */
void nvli_eeh_wait_for_phb(struct nvli_gpu *gpu)
{
	unsigned long deadline = jiffies + PHB_SECONDS * HZ;

	if (!nvli_eeh_is_passed(gpu) || nvli_is_in_eehd())
		return;
	while (is_phb_being_reset(pe_of(gpu)) && time_before(jiffies, deadline))
		usleep_range(1000, 2000);
}

static void mark(struct eeh_pe *pe, int set, int clear)
{
	unsigned long flags;

	eeh_serialize_lock(&flags);
	pe->state = (pe->state & ~clear) | set;
	eeh_serialize_unlock(flags);
}

/*
 * Have what EEH does itself at this point not stand in our way: it still has the PE marked as in
 * reset, for which the kernel says that no PE is frozen, and may have its config space blocked.
 */
void nvli_eeh_begin(struct nvli_gpu *gpu)
{
	if (gpu->access.late)
		mark(pe_of(gpu), 0, gpu->access.late);
}

/* Return: NULL, or why there is no access. */
const char *nvli_eeh_thaw(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);
	int state;

	if (!pe)
		return NULL;
	state = eeh_pe_get_state(pe);
	if (state == EEH_PE_STATE_NORMAL)
		return NULL;
	/* Does nothing if it is not frozen. */
	if (eeh_pe_set_option(pe, EEH_OPT_THAW_MMIO))
		return "its PE is frozen and cannot be thawed";
	/* In a recovery from a bridge downwards EEH leaves a guest's frozen and does not tell. */
	gpu->access.was_frozen = state == EEH_PE_STATE_STOPPED_IO_DMA ||
				 (state == EEH_PE_STATE_UNAVAIL && eeh_pe_passed(pe));

	return NULL;
}

/* Leave the PE as it was found. */
void nvli_eeh_end(struct nvli_gpu *gpu)
{
	if (gpu->access.was_frozen)
		eeh_pe_set_option(pe_of(gpu), EEH_OPT_FREEZE_PE);
	if (gpu->access.late)
		mark(pe_of(gpu), gpu->access.late, 0);
}

/*
 * Is the PE frozen now? A read that met that says so itself; this is for after a write. It asks
 * firmware, which the short look does not.
 */
bool nvli_eeh_is_frozen(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);
	int state;

	if (!eeh_enabled() || !pe)
		return false;
	state = eeh_pe_get_state(pe);

	return state == EEH_PE_STATE_RESET || state == EEH_PE_STATE_STOPPED_IO_DMA;
}

/**
 * nvli_eeh_unblock() - finish an EEH reset that its user did not live to finish
 * @gpu: the GPU, locked by nvli_enforce_lock(), which nobody has open
 *
 * A client of vfio-pci that is killed between VFIO_EEH_PE_RESET_HOT and DEACTIVATE leaves config
 * space blocked, and nobody else lifts that before the next EEH recovery.
 */
void nvli_eeh_unblock(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);

	if (!pe || !(pe->state & EEH_PE_CFG_BLOCKED) || eeh_pe_passed(pe) ||
	    pe->state & (BUSY_PE_STATES | EEH_PE_RESET | EEH_PE_REMOVED) ||
	    pci_is_enabled(gpu->pdev) || nvli_has_foreign_driver(gpu->pdev))
		return;

	pci_info(gpu->pdev, "EEH reset was left unfinished by its user: finishing it\n");
	eeh_pe_reset(pe, EEH_RESET_DEACTIVATE, true);
}
