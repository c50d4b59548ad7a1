// SPDX-License-Identifier: GPL-2.0-only
/* This kernel's EEH has no interface to find a PCI device, or to check one without a response. */
#include <linux/pci.h>
#include <asm/eeh.h>

int nvli_feature(struct pci_dev *pdev);
int nvli_feature(struct pci_dev *pdev)
{
	struct eeh_dev *edev = pci_dev_to_eeh_dev(pdev);
	struct eeh_pe *pe = eeh_dev_to_pe(edev);
	int flags = EEH_PE_ISOLATED | EEH_PE_RECOVERING | EEH_PE_CFG_BLOCKED | EEH_PE_RESET |
		    EEH_PE_REMOVED | EEH_PE_PRI_BUS;

	if (eeh_enabled() && pe && pe->state & flags && eeh_pe_passed(pe))
		return eeh_pe_reset(pe, EEH_RESET_DEACTIVATE, true);

	return eeh_dev_check_failure(edev);
}
