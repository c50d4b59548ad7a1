// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out: /sys/bus/pci/devices/<GPU>/nvlink_isolation/. Readable by everybody; no read touches the
 * hardware or waits.
 */

#include "nvli.h"

#include <linux/kobject.h>
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
 *			pending		has to be isolated and is not yet known to be; see
 *					last_error
 *			isolated	every link in required_links was read back as disabled,
 *					after the last reset
 *			failed		it answered, and wrong, or not in time; see last_error
 *			unsupported	PMC_BOOT_0 is not a GV100's: never written to, not isolated
 *			With gate=1 a GPU that is pending or failed cannot be enabled, where its
 *			PCI host bridge could be hooked, and is held in reset if its links
 *			cannot be disabled; see held.
 */
static ssize_t show_state(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%s\n", nvli_state_text(status->state));
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

	/* What was read while resets may go unseen may not be true any more. */
	return sysfs_emit(buf, "%s\n", status->disabled_known && !status->unwatched ?
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
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/peers
 * Description:		Six words, what is at the other end of links 0 to 5: the PCI address of a
 *			GPU, "cpu", "none", or "unknown" where it cannot be told.
 */
static ssize_t show_peers(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	char name[NVLI_PEER_NAME];
	int length = 0;
	int i;

	for (i = 0; i < GV100_NVLINKS; i++) {
		nvli_topology_peer_name(gpu, i, name);
		length += sysfs_emit_at(buf, length, "%s%s", i ? " " : "", name);
	}

	return length + sysfs_emit_at(buf, length, "\n");
}
NVLI_ATTRIBUTE(peers);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/domain
 * Description:		A number that GPUs which may talk to each other share, or "alone". With
 *			domains=group it is the IOMMU group's, with a list the place in it, from 0.
 */
static ssize_t show_domain(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	int domain = nvli_topology_domain(gpu->pdev);

	return domain < 0 ? sysfs_emit(buf, "alone\n") : sysfs_emit(buf, "%d\n", domain);
}
NVLI_ATTRIBUTE(domain);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/exposed_peers
 * Description:		The GPUs of another domain that can reach this one, as far as is known: a
 *			link leads there, and neither end of it was read back as disabled since
 *			the last reset. PCI addresses, and "unknown" for an end that cannot be
 *			told. An empty line is good.
 */
static ssize_t show_exposed_peers(struct nvli_gpu *gpu, const struct nvli_status *status,
				  char *buf)
{
	char name[GV100_NVLINKS][NVLI_PEER_NAME] = {};
	int length = 0;
	int i, j;

	for (i = 0; i < GV100_NVLINKS; i++) {
		if (!nvli_topology_is_exposed(gpu, status, i))
			continue;
		nvli_topology_peer_name(gpu, i, name[i]);
		for (j = 0; strcmp(name[j], name[i]); j++)
			;
		if (j == i)
			length += sysfs_emit_at(buf, length, "%s%s", length ? " " : "", name[i]);
	}

	return length + sysfs_emit_at(buf, length, "\n");
}
NVLI_ATTRIBUTE(exposed_peers);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/held
 * Description:		1 if the module keeps the GPU in reset, by its port, because it has to be
 *			isolated and could not be verified; else 0. A held GPU answers nothing, in
 *			config space neither. It is released for another attempt now and then,
 *			unless somebody has it open; by a reset; by gate=0; or by apply.
 */
static ssize_t show_held(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%d\n", status->held);
}
NVLI_ATTRIBUTE(held);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/resets
 * Description:		How many resets of the GPU were seen while enforcing, without those by
 *			which it is held.
 */
static ssize_t show_resets(struct nvli_gpu *gpu, const struct nvli_status *status, char *buf)
{
	return sysfs_emit(buf, "%u\n", status->resets);
}
NVLI_ATTRIBUTE(resets);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/reapplied
 * Description:		How many times the GPU was verified as isolated again after a reset.
 *			Several resets in a row may be answered by one.
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
	strscpy(error, gpu->error, sizeof(error));
	raw_spin_unlock_irqrestore(&gpu->lock, flags);

	return sysfs_emit(buf, "%s\n", error);
}
NVLI_ATTRIBUTE(last_error);

/*
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/apply
 * Description:		Written 1 by root: disable the links that have to be now, even if a driver
 *			uses the GPU or the module holds it in reset. Errors: EINVAL for anything
 *			but 1; EBUSY if the GPU is being reset or bound to a driver; EOPNOTSUPP
 *			with isolate=0 or on an unsupported chip; EIO if it did not work, and
 *			last_error says why.
 */
static ssize_t apply_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	struct nvli_gpu *gpu;
	int err;

	if (!sysfs_streq(buf, "1")) {
		pci_err(to_pci_dev(dev), "apply: '%.*s' is not accepted: 1 is\n",
			nvli_shown(buf), buf);
		return -EINVAL;
	}
	gpu = nvli_gpu_get(to_pci_dev(dev));
	if (!gpu)
		return -ENODEV;

	err = nvli_admit_force(gpu);
	nvli_gpu_put(gpu);

	return err ? err : count;
}
static DEVICE_ATTR_WO(apply);

static struct attribute *attributes[] = {
	&dev_attr_state.attr,
	&dev_attr_disabled_links.attr,
	&dev_attr_required_links.attr,
	&dev_attr_peers.attr,
	&dev_attr_domain.attr,
	&dev_attr_exposed_peers.attr,
	&dev_attr_held.attr,
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

/* Tell udev and whoever listens: KOBJ_CHANGE of the GPU, with its state. Sleeps. */
void nvli_sysfs_uevent(struct nvli_gpu *gpu, enum nvli_state state)
{
	char text[48];
	char *env[2];

	env[0] = text;
	env[1] = NULL;
	scnprintf(text, sizeof(text), "NVLINK_ISOLATION_STATE=%s", nvli_state_text(state));
	kobject_uevent_env(&gpu->pdev->dev.kobj, KOBJ_CHANGE, env);
}

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
