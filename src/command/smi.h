/* SPDX-License-Identifier: GPL-2.0-only */
/* What nvidia-smi says: read by smi.c, used by learn.c. */
#ifndef SMI_H
#define SMI_H

#include "command.h"

/**
 * enum smi_end - what nvidia-smi says of a link
 * @SMI_UNLISTED: nothing
 * @SMI_INACTIVE: that it is not active
 * @SMI_DEVICE: at which link of which device it ends
 */
enum smi_end {
	SMI_UNLISTED,
	SMI_INACTIVE,
	SMI_DEVICE,
};

/**
 * struct smi - what nvidia-smi says of GPUs
 * @gpu: by the number that it gives each
 * @gpu.listed: it is in the output of "nvidia-smi nvlink -R"
 * @gpu.addressed: @gpu.id is known
 * @gpu.id: its address, see NVLI_GPU_ID
 * @gpu.link: its links
 * @gpu.link.end: see above; the others mean nothing but for SMI_DEVICE
 * @gpu.link.device: the address of the device at the other end
 * @gpu.link.number: the number that this device gives the link
 */
struct smi {
	struct smi_gpu {
		bool listed;
		bool addressed;
		u32 id;
		struct smi_link {
			enum smi_end end;
			u32 device;
			unsigned int number;
		} link[GV100_NVLINKS];
	} gpu[GPUS_MAX];
};

#define SMI_LINKS	"nvidia-smi nvlink -R"
#define SMI_ADDRESSES	"nvidia-smi --query-gpu=index,pci.bus_id --format=csv,noheader"

void smi_read(struct smi *smi, const char *file);
void smi_run(struct smi *smi);

#endif
