// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out: /sys/bus/pci/devices/<GPU>/nvlink_isolation/. Readable by everybody; no read touches the
 * hardware or waits.
 */

#include "nvli.h"

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
			PCI host bridge could be hooked.
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

	return sysfs_emit(buf, "%s\n", status->disabled_known ?
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
 * What:		/sys/bus/pci/devices/<GPU>/nvlink_isolation/resets
 * Description:		How many secondary bus resets of the GPU were seen while enforcing.
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

	spin_lock(&gpu->lock);
	strscpy(error, gpu->error, sizeof(error));
	spin_unlock(&gpu->lock);

	return sysfs_emit(buf, "%s\n", error);
}
NVLI_ATTRIBUTE(last_error);

static struct attribute *attributes[] = {
	&dev_attr_state.attr,
	&dev_attr_disabled_links.attr,
	&dev_attr_required_links.attr,
	&dev_attr_peers.attr,
	&dev_attr_resets.attr,
	&dev_attr_reapplied.attr,
	&dev_attr_last_error.attr,
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
