// SPDX-License-Identifier: GPL-2.0-only
/*
 * EEH, the kernel's handling of PCI errors on powernv. The gate needs none of this: it reads all
 * ones from a GPU that is frozen, blocked, fenced or in reset.
 *
 * eeh_pe_get_state() is not used: on a frozen PE of the host it marks the PE as isolated, sends no
 * event, and the host then never recovers it.
 */

#include "../log.h"
#include "powernv.h"

#include <linux/ratelimit.h>
#include <linux/workqueue.h>

#include <asm/eeh.h>

/* With these flags EEH is about to reset the PE, or has taken its config space away. */
#define CLOSED_PE_STATES	(EEH_PE_CFG_BLOCKED | EEH_PE_RESET | EEH_PE_REMOVED)
/* With these EEH recovers a PE of the host. On a guest's PE it never clears them. */
#define RECOVERY_PE_STATES	(EEH_PE_ISOLATED | EEH_PE_RECOVERING)

static struct eeh_pe *pe_of(struct nvli_gpu *gpu)
{
	return eeh_dev_to_pe(pci_dev_to_eeh_dev(gpu->pdev));
}

/* Does EEH keep accesses from the GPU, or work on it? NULL if not. Does not call firmware. */
const char *nvli_eeh_obstacle(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);

	if (!eeh_enabled())
		return NULL;
	if (!pe)
		return "it has no EEH PE";
	if (pe->state & (CLOSED_PE_STATES | (eeh_pe_passed(pe) ? 0 : RECOVERY_PE_STATES)))
		return "EEH is handling it";

	return NULL;
}

/*
 * May EEH enable the GPU before it can be reached again? Always if a guest has it:
 * VFIO_EEH_PE_RESET_DEACTIVATE enables it while its PE is frozen. EEH gives up a device that it
 * cannot enable, so hook B must not fail. The gate still verifies a guest's GPU.
 */
bool nvli_eeh_is_involved(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);

	return pe && (eeh_pe_passed(pe) || pe->state & (CLOSED_PE_STATES | RECOVERY_PE_STATES));
}

/* Is the GPU in the PE with this number? Under RCU: EEH keeps the PE while the GPU is found. */
bool nvli_eeh_is_in(struct nvli_gpu *gpu, unsigned long number)
{
	const struct eeh_pe *pe = pe_of(gpu);

	return pe && pe->addr == number;
}

/*
 * An access read as all ones, which freezes the PE. On a PE of the host, eeh_dev_check_failure()
 * queries firmware, marks the PE and triggers EEH's recovery. It leaves a guest's PE to the guest.
 */
void nvli_eeh_unanswered(struct nvli_gpu *gpu)
{
	eeh_dev_check_failure(pci_dev_to_eeh_dev(gpu->pdev));
}

/*
 * A client of vfio-pci that is killed between VFIO_EEH_PE_RESET_HOT and DEACTIVATE leaves config
 * space blocked, and perhaps the PE marked as isolated. Apart from this function, only the next EEH
 * recovery unblocks it, which first marks the PE as recovering.
 */
static bool is_left_blocked(struct nvli_gpu *gpu)
{
	struct eeh_pe *pe = pe_of(gpu);

	return pe && pe->state & EEH_PE_CFG_BLOCKED && !eeh_pe_passed(pe) &&
	       !(pe->state & (EEH_PE_RECOVERING | EEH_PE_RESET | EEH_PE_REMOVED)) &&
	       !pci_is_enabled(gpu->pdev) && !nvli_gpu_has_host_driver(gpu);
}

/*
 * The rescan lock keeps the device, and so its PE. eeh_pe_reset() takes that lock itself, unless
 * EEH still knows the PE's bus: then it must not be called here, and the GPU stays unreachable.
 */
static void unblock_all(struct work_struct *unused)
{
	struct nvli_gpu *gpu = NULL;

	pci_lock_rescan_remove();
	while ((gpu = nvli_gpu_next(gpu))) {
		if (!is_left_blocked(gpu) || !(pe_of(gpu)->state & EEH_PE_PRI_BUS))
			continue;
		/* A tenant can cause this any number of times. */
		if (__ratelimit(&gpu->log))
			pci_info(gpu->pdev, "EEH reset was left unfinished by its user: finishing it\n");
		eeh_pe_reset(pe_of(gpu), EEH_RESET_DEACTIVATE, true);
		nvli_gpu_kick(gpu);
	}
	pci_unlock_rescan_remove();
}

static DECLARE_WORK(unblock_work, unblock_all);

/*
 * Finish an EEH reset whose user was killed before DEACTIVATE. In a work of its own, since it takes
 * the rescan lock, whose holders may wait for our caller, the worker.
 */
void nvli_eeh_unblock(struct nvli_gpu *gpu)
{
	if (is_left_blocked(gpu))
		schedule_work(&unblock_work);
}

/* The caller does not hold the rescan lock. */
void nvli_eeh_exit(void)
{
	cancel_work_sync(&unblock_work);
}
