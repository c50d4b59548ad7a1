/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boards that are supported, NVLI_BOARD(PCI device id, board): define the macro, then include
 * this wherever a table of them is needed.
 *
 * Only SXM2 boards have NVLinks that are wired from GPU to GPU on an AC922. SXM3 sits behind
 * NVSwitch and the PCIe boards have no NVLink: neither may ever be listed here. Source: the PCI ID
 * Repository; the sizes of 1db0 and 1df5 are not certain.
 */
NVLI_BOARD(0x1db0, "V100 SXM2")
NVLI_BOARD(0x1db1, "V100 SXM2 16 GB")
NVLI_BOARD(0x1db5, "V100 SXM2 32 GB")
NVLI_BOARD(0x1df5, "V100 SXM2")
#undef NVLI_BOARD
