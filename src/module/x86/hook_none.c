// SPDX-License-Identifier: GPL-2.0-only
/* Hook B where the kernel has no interface for it. */

#include "../log.h"
#include "x86.h"

bool nvli_hook_watch(struct pci_dev *pdev)
{
	pr_warn_once("this kernel cannot refuse pci_enable_device(): the driver of a GPU that is not verified finds its memory decoding off instead\n");

	return false;
}

bool nvli_hook_is_watched(const struct pci_dev *pdev)
{
	return false;
}

bool nvli_hook_can_unwatch(void)
{
	return true;
}

int nvli_hook_unwatch(void)
{
	return 0;
}
