// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/bus/pci/devices/<GPU>/nvlink_isolation/. Readable by all users; no read touches the hardware
 * or takes a mutex.
 */

#include "log.h"
#include "sysfs.h"
#include "events.h"
#include "look.h"
#include "plan.h"

#include <linux/ktime.h>
#include <linux/sysfs.h>

typedef ssize_t (*show_t)(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf);

static ssize_t show(struct device *dev, char *buf, show_t to_text)
{
	struct nvli_gpu *gpu = nvli_gpu_get(to_pci_dev(dev));
	struct nvli_status status;
	ssize_t length;

	if (!gpu)
		return -ENODEV;

	status = nvli_gpu_status(gpu);
	length = to_text(gpu, &status, buf);
	nvli_gpu_put(gpu);

	return length;
}

#define NVLI_ATTRIBUTE(_name)								\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
{											\
	return show(dev, buf, show_##_name);						\
}											\
static DEVICE_ATTR_RO(_name)

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/state
 * Description:		What is known of the GPU, one of:
 *			off		isolate=0: not enforced, nothing is known
 *			pending		has to be isolated and was not verified yet; see
 *					last_error
 *			isolated	every link in required_links was read back as disabled,
 *					after the last reset. Links that are not in required_links
 *					are kept, and joined_peers has the GPUs that they lead to:
 *					the GPU is not isolated from those. Before Linux 5.13 a
 *					socket is one IOMMU group, so with domains=group its GPUs
 *					are isolated here and all links between them are kept.
 *			failed		an attempt since the last reset failed, or its resets
 *					cannot be watched; see last_error
 *			unsupported	PMC_BOOT_0 names another known chip: the module does not
 *					write to it and does not isolate it
 *			With gate=1 the memory decoding of a GPU that is pending or failed stays
 *			off until its links are read back as disabled. The module tries that
 *			whenever a driver or guest switches decoding on; see held.
 */
static ssize_t show_state(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%s\n", nvli_state_text(nvli_state(status)));
}
NVLI_ATTRIBUTE(state);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/disabled_links
 * Description:		The links that were read back as disabled after the last reset, as in
 *			"0,2,4"; an empty line for none; "unknown" if nothing was read since.
 */
static ssize_t show_disabled_links(struct nvli_gpu *gpu, const struct nvli_status *status,
				   char *buf)
{
	char links[NVLI_LINKS_TEXT];

	/* A read-back may be outdated if a reset may have gone unseen since. */
	return sysfs_emit(buf, "%s\n", nvli_status_is_known(status) ?
			  nvli_links_text(status->disabled, links) : "unknown");
}
NVLI_ATTRIBUTE(disabled_links);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/required_links
 * Description:		The links that have to be disabled, or with isolate=0 would have to be,
 *			as in "0,2,4"; an empty line for none.
 */
static ssize_t show_required_links(struct nvli_gpu *gpu, const struct nvli_status *status,
				   char *buf)
{
	char links[NVLI_LINKS_TEXT];

	return sysfs_emit(buf, "%s\n", nvli_links_text(status->required, links));
}
NVLI_ATTRIBUTE(required_links);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/verified
 * Description:		Seconds since the last read-back that showed every link in required_links
 *			as disabled; "never" if there was none since isolate=1, or if the last
 *			read-back showed one of them as enabled. With audits on, a GPU whose
 *			read-back is older than three audit periods is not isolated but pending.
 */
static ssize_t show_verified(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	u64 verified_ns = READ_ONCE(gpu->verified_ns);

	if (!status->enforced || !verified_ns || status->required & ~status->disabled)
		return sysfs_emit(buf, "never\n");

	return sysfs_emit(buf, "%llu\n", div_u64(ktime_get_ns() - verified_ns, NSEC_PER_SEC));
}
NVLI_ATTRIBUTE(verified);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/peers
 * Description:		Six words, what is at the other end of links 0 to 5: the PCI address of a
 *			GPU, "cpu", "none", or "unknown".
 */
static ssize_t show_peers(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	char name[NVLI_PEER_NAME];
	int length = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		nvli_plan_peer_name(gpu, i, name);
		length += sysfs_emit_at(buf, length, "%s%s", i ? " " : "", name);
	}

	return length + sysfs_emit_at(buf, length, "\n");
}
NVLI_ATTRIBUTE(peers);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/domain
 * Description:		A number that the GPUs of one domain share, or "alone". With
 *			domains=group it is the IOMMU group's, with a list the place in it, from 0,
 *			with owner the number in owner, and 1 for host.
 */
static ssize_t show_domain(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	int domain = nvli_plan_domain(gpu);

	return domain < 0 ? sysfs_emit(buf, "alone\n") : sysfs_emit(buf, "%d\n", domain);
}
NVLI_ATTRIBUTE(domain);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/owner
 * Description:		The GPU's current owner, also without domains=owner: "host" if a host
 *			driver has enabled the GPU; a number from 2 that all GPUs of one guest
 *			share; "none" if the GPU is not open, or if its owner is unknown. A guest
 *			gets a new number each time that it opens its first GPU.
 */
static ssize_t show_owner(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	u64 owner = nvli_plan_owner(gpu).number;

	if (owner == NVLI_NOBODY)
		return sysfs_emit(buf, "none\n");

	return owner == NVLI_HOST ? sysfs_emit(buf, "host\n") : sysfs_emit(buf, "%llu\n", owner);
}
NVLI_ATTRIBUTE(owner);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/owner_means
 * Description:		How the module identified the owner: "kvm" by the guest's virtual machine,
 *			"container" by its VFIO container, "driver" by the host's driver; "none"
 *			if it could not. A guest with several containers that is not identified
 *			by kvm counts as several guests.
 */
static ssize_t show_owner_means(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%s\n", nvli_means_text(nvli_plan_owner(gpu).claim.means));
}
NVLI_ATTRIBUTE(owner_means);

/* Name each peer once that has a link for which @is_meant is true, in the order of links. */
static ssize_t emit_peers(struct nvli_gpu *gpu, char *buf,
			  bool (*is_meant)(struct nvli_gpu *gpu, int link))
{
	char name[GV100_NVLINKS][NVLI_PEER_NAME] = {};
	int length = 0;
	int i, j;

	for (i = 0; i < GV100_NVLINKS; i++) {
		if (!is_meant(gpu, i))
			continue;
		nvli_plan_peer_name(gpu, i, name[i]);
		for (j = 0; strcmp(name[j], name[i]); j++)
			;
		if (j == i)
			length += sysfs_emit_at(buf, length, "%s%s", length ? " " : "", name[i]);
	}

	return length + sysfs_emit_at(buf, length, "\n");
}

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/exposed_peers
 * Description:		The GPUs of other domains that may be able to reach this one: a link leads
 *			there, and neither end of it was read back as disabled since the last
 *			reset. PCI addresses, and "unknown" for an unknown end. An empty line is
 *			good.
 */
static ssize_t show_exposed_peers(struct nvli_gpu *gpu, const struct nvli_status *status,
				  char *buf)
{
	return emit_peers(gpu, buf, nvli_plan_is_exposed);
}
NVLI_ATTRIBUTE(exposed_peers);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/joined_peers
 * Description:		The GPUs to which links are kept, or with isolate=0 would be, because they
 *			are in the same domain: PCI addresses. An empty line for none. The
 *			parameter domains says why they are: with group the kernel put them into
 *			one IOMMU group, with a list the administrator joined them, with owner one
 *			guest or the host has had both since their last resets. A link that became
 *			allowed later stays in disabled_links until the GPU's next reset.
 */
static ssize_t show_joined_peers(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return emit_peers(gpu, buf, nvli_plan_is_joined);
}
NVLI_ATTRIBUTE(joined_peers);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/held
 * Description:		1 if the gate keeps the GPU's memory decoding off, because an attempt to
 *			disable its links has failed since its last reset; else 0. The module
 *			retries after 1, 2, 4 ... 64 seconds while the GPU is not open. A reset,
 *			gate=0 or a successful apply also end this.
 */
static ssize_t show_held(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%d\n", nvli_gpu_is_refused(gpu));
}
NVLI_ATTRIBUTE(held);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/switched_on
 * Description:		How often the GPU's memory decoding was switched on since isolate=1: by the
 *			module to verify the GPU, by others with the module's consent, or past the
 *			gate by EEH, as far as the module saw it.
 */
static ssize_t show_switched_on(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(gpu->switched_on));
}
NVLI_ATTRIBUTE(switched_on);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/refused
 * Description:		How often enabling the GPU or switching on its memory decoding was refused
 *			since isolate=1.
 */
static ssize_t show_refused(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(gpu->refused));
}
NVLI_ATTRIBUTE(refused);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/resets
 * Description:		How many resets of the GPU were seen while enforcing.
 */
static ssize_t show_resets(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%u\n", status->resets);
}
NVLI_ATTRIBUTE(resets);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/reapplied
 * Description:		How many times the GPU was verified as isolated again after a reset.
 *			Several resets in a row may lead to one verification.
 */
static ssize_t show_reapplied(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%u\n", status->reapplied);
}
NVLI_ATTRIBUTE(reapplied);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/last_error
 * Description:		Why the GPU is not isolated, in words; an empty line when it is, or when
 *			isolate=0.
 */
static ssize_t show_last_error(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	char error[NVLI_TEXT];
	unsigned long flags;

	raw_spin_lock_irqsave(&gpu->lock, flags);
	strscpy(error, nvli_gpu_error(gpu), sizeof(error));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return sysfs_emit(buf, "%s\n", error);
}
NVLI_ATTRIBUTE(last_error);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/apply
 * Description:		If root writes 1, the module disables the required links now, even if a
 *			driver uses the GPU or an attempt has failed. It wakes a GPU that is not
 *			in use. Errors: EINVAL for anything but 1; EBUSY if the GPU is in reset or
 *			was less than 300 ms ago; EOPNOTSUPP with isolate=0 or on an unsupported
 *			chip; EIO if the attempt failed. last_error has the reason, but is empty
 *			if the GPU is still isolated and its user only prevents the read-back.
 */
static int apply(struct nvli_gpu *gpu)
{
	enum nvli_answer answer;

	if (nvli_gpu_state(gpu) == NVLI_OFF)
		return -EOPNOTSUPP;
	if (nvli_settles_in(gpu))
		return -EBUSY;

	answer = nvli_look(gpu, NVLI_FORCE);
	nvli_gpu_kick(gpu);
	if (answer == NVLI_LEFT_ALONE)
		return -EOPNOTSUPP;

	return answer == NVLI_VERIFIED && nvli_gpu_state(gpu) == NVLI_ISOLATED ? 0 : -EIO;
}

static ssize_t apply_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	struct nvli_gpu *gpu;
	int err;

	if (!sysfs_streq(buf, "1")) {
		pci_err(to_pci_dev(dev), "apply: '%.*s' is not accepted: use 1\n",
			nvli_shown(buf), buf);
		return -EINVAL;
	}
	gpu = nvli_gpu_get(to_pci_dev(dev));
	if (!gpu)
		return -ENODEV;

	err = apply(gpu);
	nvli_gpu_put(gpu);

	return err ? err : count;
}
static DEVICE_ATTR_WO(apply);

static struct attribute *attributes[] = {
	&dev_attr_state.attr,
	&dev_attr_disabled_links.attr,
	&dev_attr_required_links.attr,
	&dev_attr_verified.attr,
	&dev_attr_peers.attr,
	&dev_attr_domain.attr,
	&dev_attr_owner.attr,
	&dev_attr_owner_means.attr,
	&dev_attr_exposed_peers.attr,
	&dev_attr_joined_peers.attr,
	&dev_attr_held.attr,
	&dev_attr_switched_on.attr,
	&dev_attr_refused.attr,
	&dev_attr_resets.attr,
	&dev_attr_reapplied.attr,
	&dev_attr_last_error.attr,
	&dev_attr_apply.attr,
	NULL
};

static const struct attribute_group group = {
	.name = KBUILD_MODNAME,
	.attrs = attributes,
};

/* Show a GPU. Return: 0 or an error of sysfs_create_group(). */
int nvli_sysfs_add(struct nvli_gpu *gpu)
{
	return sysfs_create_group(&gpu->pdev->dev.kobj, &group);
}

/* Readers have left when this returns. */
void nvli_sysfs_remove(struct nvli_gpu *gpu)
{
	sysfs_remove_group(&gpu->pdev->dev.kobj, &group);
}
