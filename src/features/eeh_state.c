// SPDX-License-Identifier: GPL-2.0-only
/* This kernel cannot be asked for the EEH state of a PCI device, so no access to it is safe. */
#include <linux/pci.h>
#include <asm/eeh.h>

int nvli_feature(struct pci_dev *pdev);
int nvli_feature(struct pci_dev *pdev)
{
	struct eeh_pe *pe = eeh_dev_to_pe(pci_dev_to_eeh_dev(pdev));
	int flags = EEH_PE_ISOLATED | EEH_PE_RECOVERING | EEH_PE_CFG_BLOCKED | EEH_PE_RESET |
		    EEH_PE_REMOVED;

	return eeh_enabled() && pe && (pe->state & flags) &&
	       eeh_pe_get_state(pe) != EEH_PE_STATE_NORMAL;
}
