/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boards that are supported, NVLI_BOARD(PCI device id, board): define the macro, then include
 * this wherever a table of them is needed.
 *
 * Only SXM2 and DGXS boards have NVLinks that are wired from GPU to GPU. SXM3 sits behind NVSwitch
 * and the PCIe boards have no such wiring: neither may ever be listed here. Source of each but 1db0:
 * the PCI ID Repository (pci.ids), as "Tesla V100 SXM2" or "Tesla V100 DGXS". 1db0 is not in there;
 * the sizes of 1db0 and 1df5 are not certain.
 */
NVLI_BOARD(0x1db0, "V100 SXM2")
NVLI_BOARD(0x1db1, "V100 SXM2 16 GB")
NVLI_BOARD(0x1db2, "V100 DGXS 16 GB")
NVLI_BOARD(0x1db5, "V100 SXM2 32 GB")
NVLI_BOARD(0x1db7, "V100 DGXS 32 GB")
NVLI_BOARD(0x1df5, "V100 SXM2")
#undef NVLI_BOARD
