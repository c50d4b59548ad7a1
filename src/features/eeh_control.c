// SPDX-License-Identifier: GPL-2.0-only
/* This kernel does not let a module thaw, freeze or unblock a PCI device that EEH has stopped. */
#include <linux/pci.h>
#include <asm/eeh.h>

int nvli_feature(struct eeh_pe *pe);
int nvli_feature(struct eeh_pe *pe)
{
	unsigned long flags;

	eeh_serialize_lock(&flags);
	pe->state &= ~EEH_PE_RESET;
	eeh_serialize_unlock(flags);
	if (eeh_pe_passed(pe))
		return eeh_pe_reset(pe, EEH_RESET_DEACTIVATE, true);
	if (eeh_pe_set_option(pe, EEH_OPT_THAW_MMIO))
		return -1;

	return eeh_pe_set_option(pe, EEH_OPT_FREEZE_PE);
}
