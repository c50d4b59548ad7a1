// SPDX-License-Identifier: GPL-2.0-only
/* Identity: by the PCI id first, then by the chip's register PMC_BOOT_0. */

#include <nvlink_isolation/core.h>

static const struct {
	u16 device;
	const char *name;
} boards[] = {
#define NVLI_BOARD(id, name)	{ id, name },
#include <nvlink_isolation/boards.h>
};

/* Name a supported board by its PCI ids. NULL if boards.h does not list it. */
const char *nvli_board(u16 vendor, u16 device)
{
	size_t i;

	if (vendor != GV100_VENDOR_ID)
		return NULL;

	for (i = 0; i < ARRAY_SIZE(boards); i++)
		if (boards[i].device == device)
			return boards[i].name;

	return NULL;
}

/* Does PMC_BOOT_0 name a GV100? */
bool nvli_chip_is_gv100(u32 boot_0)
{
	return boot_0 >> GV100_PMC_BOOT_0_CHIP_SHIFT == GV100_PMC_BOOT_0_CHIP;
}

/* Does PMC_BOOT_0 name a chip that is known and is not a GV100? Garbage does not. */
bool nvli_chip_is_other(u32 boot_0)
{
	return boot_0 >> GV100_PMC_BOOT_0_CHIP_SHIFT == GP100_PMC_BOOT_0_CHIP;
}

/* Is this the content of a register, and not the pattern of a failed access? */
bool nvli_is_answer(u32 value)
{
	return value != GV100_NO_ANSWER && value >> GV100_PRI_ERROR_SHIFT != GV100_PRI_ERROR;
}
