/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boards that are supported, NVLI_BOARD(PCI device id, board): define the macro, then include
 * this wherever a table of them is needed.
 *
 * Only SXM2 and DGXS boards have NVLinks that are wired from GPU to GPU. SXM3 sits behind NVSwitch
 * and the PCIe boards have no such wiring: neither may ever be listed here.
 *
 * Source of each line: the PCI ID Repository, pci.ids of 2026-10-24. It has 1db0 as "Tesla GV100
 * SXM2-16GB SKU 890", 1db1 and 1df5 as "Tesla V100 SXM2 16GB", 1db5 as "Tesla V100 SXM2 32GB",
 * 1db2 and 1db7 as "Tesla V100 DGXS 16GB" and "32GB". A DGXS board is no SXM2 board: it is that of
 * the DGX Station, whose four GPUs NVLink connects to each other without a switch (NVIDIA, "DGX
 * Station: AI Workstation for Data Science and Research Teams", WP-V01).
 *
 * Not listed: 1dbd. It is there as "Tesla GV100 DGX1-V", which does not say what board it is.
 */
NVLI_BOARD(0x1db0, "V100 SXM2 16 GB")
NVLI_BOARD(0x1db1, "V100 SXM2 16 GB")
NVLI_BOARD(0x1db2, "V100 DGXS 16 GB")
NVLI_BOARD(0x1db5, "V100 SXM2 32 GB")
NVLI_BOARD(0x1db7, "V100 DGXS 32 GB")
NVLI_BOARD(0x1df5, "V100 SXM2 16 GB")
#undef NVLI_BOARD
