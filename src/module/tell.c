// SPDX-License-Identifier: GPL-2.0-only
/* What is said of a GPU in the log and by uevent. Never by a hook: tenants can cause those. */

#include "nvli.h"

static void say(struct nvli_gpu *gpu, const struct nvli_status *status, const char *error,
		bool after_reset)
{
	char links[NVLI_LINKS_TEXT];

	switch (status->state) {
	case NVLI_ISOLATED:
		if (status->required)
			pci_info(gpu->pdev, "isolated: NVLinks %s read back as disabled%s\n",
				 nvli_links_text(status->required, links),
				 after_reset ? " after a reset" : "");
		else
			pci_info(gpu->pdev, "isolated: no NVLink has to be disabled\n");
		break;
	case NVLI_FAILED:
		if (status->held)
			pci_err(gpu->pdev, "NOT isolated and held in reset: %s\n", error);
		else
			pci_err(gpu->pdev, "NOT isolated, NVLinks may be up: %s\n", error);
		break;
	case NVLI_PENDING:
		pci_warn(gpu->pdev, "not isolated yet%s: %s\n",
			 status->held ? " and held in reset" : "", error);
		break;
	case NVLI_UNSUPPORTED:
		pci_warn(gpu->pdev, "left alone, not isolated: %s\n", error);
		break;
	case NVLI_OFF:
		break;
	}
}

/**
 * nvli_tell() - say what has changed since the last time, in the log and by uevent
 * @gpu: the GPU
 *
 * Tenants can cause changes, hence the limit.
 *
 * Return: false if there is more to say, later.
 */
bool nvli_tell(struct nvli_gpu *gpu)
{
	struct nvli_status status;
	struct nvli_told now, told;
	char error[NVLI_TEXT];
	unsigned long flags;
	bool news;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	status = gpu->status;
	strscpy(error, gpu->error, sizeof(error));
	told = gpu->told;
	now = (struct nvli_told) {
		.state = status.state,
		.held = status.held,
		.reapplied = status.reapplied,
		.denials = gpu->denials,
	};
	news = now.state != told.state || now.held != told.held ||
	       now.reapplied != told.reapplied || now.denials != told.denials;
	if (news && !__ratelimit(&gpu->log)) {
		raw_spin_unlock_irqrestore(&gpu->lock, flags);
		return false;
	}
	gpu->told = now;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	if (now.denials != told.denials)
		pci_err(gpu->pdev, "enabling denied (gate=1)\n");
	if (now.state != told.state || now.held != told.held || now.reapplied != told.reapplied) {
		say(gpu, &status, error, now.reapplied != told.reapplied);
		nvli_sysfs_uevent(gpu, now.state);
	}

	return true;
}
