// SPDX-License-Identifier: GPL-2.0-only
/*
 * What follows when the machine has slept. Firmware may have reset GPUs, and may have switched
 * their memory decoding on. If so, the kernel need not write COMMAND, and the gate is not called.
 *
 * So the module has a device of its own. The PM core calls its complete() after it has resumed all
 * devices and before it thaws processes. A PM notifier would come later, when guests run again.
 */

#include "log.h"
#include "sleep.h"
#include "events.h"
#include "look.h"

#include <linux/platform_device.h>
#include <linux/pm.h>

static struct platform_device *sleeper;

static bool is_enforced(struct nvli_gpu *gpu)
{
	return READ_ONCE(gpu->status.enforced) && !READ_ONCE(gpu->left_to_driver);
}

/*
 * Read each GPU back before it is called isolated again. The reset is not counted: if firmware has
 * reset nothing, the gate must not take decoding that is on for a sign of a false reset.
 */
static void look_after_sleep(struct device *unused)
{
	struct nvli_gpu *gpu = NULL;

	while ((gpu = nvli_gpu_next(gpu)))
		if (is_enforced(gpu))
			nvli_event_unseen(gpu, false);
	while ((gpu = nvli_gpu_next(gpu)))
		if (is_enforced(gpu))
			nvli_look_again(gpu);
}

static const struct dev_pm_ops sleep_ops = {
	.complete = look_after_sleep,
};

static const struct device_type sleep_type = {
	.name = KBUILD_MODNAME,
	.pm = &sleep_ops,
};

int nvli_sleep_init(void)
{
	int err;

	sleeper = platform_device_alloc(KBUILD_MODNAME, PLATFORM_DEVID_NONE);
	if (!sleeper)
		return -ENOMEM;
	sleeper->dev.type = &sleep_type;
	err = platform_device_add(sleeper);
	if (err)
		platform_device_put(sleeper);

	return err;
}

void nvli_sleep_exit(void)
{
	platform_device_unregister(sleeper);
}
