// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPUs with NVLinks that the module does not isolate. NVIDIA numbers the boards of a chip
 * in a row, so unknown boards are found by their chip. Boards that are known to have no NVLink are
 * listed before their chip, without a name.
 */

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NVIDIA	0x10de

static const struct {
	u16 first;
	u16 last;
	const char *name;
} boards[] = {
	{ 0x15f7, 0x15f8, NULL },	/* P100 PCIe */
	{ 0x15f9, 0x15f9, "P100 SXM2" },
	{ 0x15f0, 0x15ff, "GP100" },
	{ 0x1d81, 0x1d81, NULL },	/* Titan V */
	{ 0x1db3, 0x1db4, NULL },	/* V100 FHHL, PCIe */
	{ 0x1db6, 0x1db6, NULL },	/* V100 PCIe */
	{ 0x1df6, 0x1df6, NULL },	/* V100S PCIe */
	{ 0x1db8, 0x1db8, "V100 SXM3" },
	{ 0x1d80, 0x1dff, "GV100" },
	{ 0x20b0, 0x20b0, "A100 SXM4" },
	{ 0x20b2, 0x20b2, "A100 SXM4" },
	{ 0x2080, 0x20ff, "GA100" },
	{ 0x2330, 0x2330, "H100 SXM5" },
	{ 0x2300, 0x237f, "GH100" },
	{ 0x2900, 0x297f, "GB100" },
};

static const char *name_of(u16 device)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(boards); i++)
		if (device >= boards[i].first && device <= boards[i].last)
			return boards[i].name;

	return NULL;
}

/**
 * other_nvlink_gpu() - does a device have NVLinks that the module does not disable?
 * @address: a PCI device that is no V100 SXM2
 * @text: set to what it is: "P100 SXM2 (10de:15f9)"
 *
 * On a POWER host, a GPU for which firmware names an NPU has NVLinks, too.
 *
 * Return: true if it has, as far as is known.
 */
bool other_nvlink_gpu(const char *address, char text[TEXT_SIZE])
{
	u16 vendor = device_id(address, "vendor");
	u16 device = device_id(address, "device");
	const char *name = vendor == NVIDIA ? name_of(device) : NULL;

	if (!name && !access(at(DEVICES_DIR "/%s/of_node/ibm,npu", address), F_OK))
		name = "GPU";
	if (name)
		snprintf(text, TEXT_SIZE, "%s (%04x:%04x)", name, vendor, device);

	return name;
}

/* Return: how many such devices there are on PCI. */
int other_nvlink_gpus(void)
{
	struct pci_devices pci;
	char text[TEXT_SIZE];
	int i, count = 0;

	pci_list(&pci);
	for (i = 0; i < pci.count; i++)
		count += !gpu_board(pci.address[i]) && other_nvlink_gpu(pci.address[i], text);
	free(pci.address);

	return count;
}
