// SPDX-License-Identifier: GPL-2.0-only
/* Log lines and uevents of a GPU. Never called from the gate or a hook. */

#include "log.h"
#include "report.h"
#include "owner.h"
#include "plan.h"
#include "platform.h"
#include "settings.h"

#include <linux/kobject.h>

static void report_if_absent(const char *parameter, u32 id)
{
	char text[NVLI_GPU_ID_TEXT];
	struct nvli_gpu *gpu = NULL;
	bool there = false;

	nvli_gpu_id_text(id, text);
	while ((gpu = nvli_gpu_next(gpu)))
		there |= !strcmp(pci_name(gpu->pdev), text);
	if (!there)
		pr_warn("%s: there is no V100 SXM2 at %s now; the entry applies once there is one\n",
			parameter, text);
}

static u32 end_of(const struct nvli_wires *wires, unsigned int i)
{
	return wires->wire[i / 2].end[i % 2].gpu;
}

/* Name listed GPUs that the machine lacks: they may come later, or the address is wrong. */
void nvli_report_absent(void)
{
	struct nvli_domains domains = nvli_domains();
	struct nvli_wires wires = nvli_wires();
	unsigned int i, j;

	for (i = 0; i < domains.count; i++)
		report_if_absent("domains", domains.member[i].gpu);
	/* Each GPU once, at the first of its links */
	for (i = 0; i < 2 * wires.count; i++) {
		for (j = 0; end_of(&wires, j) != end_of(&wires, i); j++)
			;
		if (j == i)
			report_if_absent("links", end_of(&wires, i));
	}
}

/*
 * Are GPUs joined that the administrator has not joined? On kernels before 5.13 a whole socket is
 * one group: isolate=1 disables nothing between its GPUs.
 */
static void warn_of_kept_links(struct nvli_gpu *gpu)
{
	char links[NVLI_LINKS_TEXT];
	u32 kept = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++)
		if (nvli_plan_is_joined(gpu, i))
			kept |= 1U << (GV100_LINK_DISABLE_SHIFT + i);
	if (kept && nvli_domains().policy == NVLI_BY_GROUP)
		pci_warn(gpu->pdev, "NVLinks %s lead to GPUs of the same IOMMU group (%d) and are kept: domains=gpu would disable them\n",
			 nvli_links_text(kept, links), nvli_plan_domain(gpu));
}

/* One line on what the GPU is and where its links lead, and one on each thing to be warned of. */
void nvli_report_links(struct nvli_gpu *gpu)
{
	u32 required = nvli_gpu_status(gpu).required;
	char name[GV100_NVLINKS][NVLI_PEER_NAME];
	char links[NVLI_LINKS_TEXT];
	char text[160];
	size_t n = 0;
	u32 same;
	int i, j;

	for (i = 0; i < GV100_NVLINKS; i++)
		nvli_plan_peer_name(gpu, i, name[i]);

	/* "0,2,4 to 0004:05:00.0; 1,3,5 to cpu": each peer once, at its first link */
	for (i = 0; i < GV100_NVLINKS; i++) {
		same = 0;
		for (j = 0; j < GV100_NVLINKS; j++)
			if (!strcmp(name[i], name[j]))
				same |= 1U << (GV100_LINK_DISABLE_SHIFT + j);
		if (__ffs(same) != GV100_LINK_DISABLE_SHIFT + i)
			continue;
		n += scnprintf(text + n, sizeof(text) - n, "%s%s to %s", n ? "; " : "",
			       nvli_links_text(same, links), name[i]);
	}

	pci_info(gpu->pdev, "%s, NVLinks %s; isolate=1 disables %s\n",
		 nvli_board(gpu->pdev->vendor, gpu->pdev->device), text,
		 required ? nvli_links_text(required, links) : "none");
	nvli_platform->warn(gpu);
	warn_of_kept_links(gpu);
}

static void log_state(struct nvli_gpu *gpu, const struct nvli_status *status, const char *error,
		      bool after_reset)
{
	const char *refused = nvli_gpu_is_refused(gpu) ? "; the gate refuses to switch it on" : "";
	char links[NVLI_LINKS_TEXT];

	switch (nvli_state(status)) {
	case NVLI_ISOLATED:
		if (status->required)
			pci_info(gpu->pdev, "isolated: NVLinks %s read back as disabled%s\n",
				 nvli_links_text(status->required, links),
				 after_reset ? " after a reset" : "");
		else
			pci_info(gpu->pdev, "isolated: no NVLink has to be disabled\n");
		break;
	case NVLI_FAILED:
		pci_err(gpu->pdev, "NOT isolated: %s%s\n", error, refused);
		break;
	case NVLI_PENDING:
		pci_warn(gpu->pdev, "not isolated yet: %s\n", error);
		break;
	case NVLI_UNSUPPORTED:
		pci_warn(gpu->pdev, "left alone, not isolated: %s\n", error);
		break;
	case NVLI_OFF:
		break;
	}
}

/* With domains=owner: which links are kept from now on, or not any more */
static void log_kept(struct nvli_gpu *gpu, enum nvli_state state, u32 before, u32 now)
{
	struct nvli_owner owner = nvli_owner_of(gpu);
	char links[NVLI_LINKS_TEXT];

	if (now & ~before)
		pci_info(gpu->pdev, "NVLinks %s %s disabled again: the GPUs at their ends are not known to have the same owner any more\n",
			 nvli_links_text(now & ~before, links),
			 state == NVLI_ISOLATED ? "are" : "have to be");
	if (before & ~now && owner.number != NVLI_NOBODY && owner.number == owner.at_reset)
		pci_info(gpu->pdev, "NVLinks %s are kept at this end: owner %llu (identified by %s) has had the GPUs at both ends since the last reset of this one\n",
			 nvli_links_text(before & ~now, links), owner.number,
			 nvli_means_text(owner.claim.means));
}

/* For udev and other listeners: KOBJ_CHANGE of the GPU, with its state. Sleeps. */
static void send_uevent(struct nvli_gpu *gpu, enum nvli_state state)
{
	char text[48];
	char *env[2];

	env[0] = text;
	env[1] = NULL;
	scnprintf(text, sizeof(text), "NVLINK_ISOLATION_STATE=%s", nvli_state_text(state));
	kobject_uevent_env(&gpu->pdev->dev.kobj, KOBJ_CHANGE, env);
}

/*
 * Publish what has changed since the last time. Tenants can cause changes, so there is a limit for
 * each GPU. Returns false if there is more to say, later.
 */
bool nvli_report(struct nvli_gpu *gpu)
{
	struct nvli_reported now, last;
	struct nvli_status status;
	char error[NVLI_TEXT];
	unsigned long flags;
	bool is_news, may_report;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	status = gpu->status;
	strscpy(error, nvli_gpu_error(gpu), sizeof(error));
	last = gpu->reported;
	now = nvli_gpu_news(gpu);
	is_news = memcmp(&now, &last, sizeof(now));
	may_report = is_news && __ratelimit(&gpu->log);
	if (may_report)
		gpu->reported = now;
	raw_spin_unlock_irqrestore(&gpu->lock, flags);
	if (!may_report)
		return !is_news;

	if (nvli_by_owner() && last.state != NVLI_OFF && now.state != NVLI_OFF &&
	    now.state != NVLI_UNSUPPORTED)
		log_kept(gpu, now.state, last.required, now.required);
	if (now.repaired != last.repaired)
		pci_err(gpu->pdev, "NVLinks were found enabled though no reset was seen; they are disabled again\n");
	if (now.refused != last.refused)
		pci_warn(gpu->pdev, "the gate refused to switch it on: %s\n",
			 error[0] ? error : "it or a linked GPU was not verified");
	if (now.state != last.state || now.reapplied != last.reapplied) {
		log_state(gpu, &status, error, now.reapplied != last.reapplied);
		send_uevent(gpu, now.state);
	}

	return true;
}
