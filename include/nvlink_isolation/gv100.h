/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NVIDIA GV100, the chip of a V100 SXM2: the few BAR0 registers that disable its NVLinks.
 *
 * All registers are 32 bits wide and little endian; offsets count in bytes from the start of BAR0.
 * Sources of the values:
 *   [doc]   NVIDIA open-gpu-doc, gv100 manuals
 *   [nvgpu] NVIDIA nvgpu and nouveau, public headers
 *   [ibm]   "powerpc/powernv: Isolate NVLinks between GV100GL on Witherspoon", v3, 2019-04-11,
 *           never merged; it cites a paper of NVIDIA's that is not public
 */
#ifndef NVLINK_ISOLATION_GV100_H
#define NVLINK_ISOLATION_GV100_H

#define GV100_VENDOR_ID			0x10de

#define GV100_NVLINKS			6		/* links 0 to 5 */
#define GV100_BAR0_SIZE			0x01000000	/* 16 MiB, non-prefetchable */

/* NV_PMC_BOOT_0: which chip this is [doc]. A V100 of an AC922 reads 0x140000a1. */
#define GV100_PMC_BOOT_0		0x000000
#define GV100_PMC_BOOT_0_CHIP_SHIFT	20
#define GV100_PMC_BOOT_0_CHIP		0x140
#define GP100_PMC_BOOT_0_CHIP		0x130		/* a P100: 0x130000a1 [doc] */

/* NV_PMC_ENABLE [doc]. Field NVLINK is off after a reset. */
#define GV100_PMC_ENABLE		0x000200
#define GV100_PMC_ENABLE_NVLINK		0x02000000	/* bit 25 */

/* The PRI ring, by which BAR0 reaches the units behind it; a reset stops it [nvgpu]. */
#define GV100_RING_COMMAND		0x12004c
#define GV100_RING_COMMAND_START	0x4		/* enumerate and start; reads 0 when done */
#define GV100_RING_START_RESULTS	0x120050
#define GV100_RING_START_CONNECTED	0x1		/* bit 0: every station has answered */
#define GV100_RING_DECODE_CONFIG	0x122204
#define GV100_RING_DECODE_WAIT		0x2		/* decode once the ring start is complete */

/*
 * The link disable mask [ibm]; the register has no public name. Writing 1 to bit 16 + n disables
 * link n, until the next secondary bus reset and not before. The meaning of the other bits is not
 * public: write them back as they were read.
 */
#define GV100_LINK_DISABLE		0xa00148
#define GV100_LINK_DISABLE_SHIFT	16
#define GV100_LINK_DISABLE_ALL		0x003f0000

/* A read returns these if no device responds, and if the PRI ring reports an error [nvgpu]. */
#define GV100_NO_ANSWER			0xffffffff
#define GV100_PRI_ERROR_SHIFT		20
#define GV100_PRI_ERROR			0xbad		/* 0xbad????? */

#endif
