// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets, as the gate sees them: on x86 each reset by the kernel is a config write, to a port above
 * the GPU or to the GPU itself. The gate is also attached to the buses of these ports, and passes
 * such writes on. Isolation does not depend on this file: a reset switches decoding off, and the
 * gate verifies the GPU before decoding is on again. Only the state of an idle GPU depends on it.
 *
 * The gate does not see three kinds of reset: one by firmware, by ACPI or where it handles
 * Downstream Port Containment itself; one by another way into config space (I/O ports 0xcf8 and
 * 0xcfc, /dev/mem); and one inside the GPU.
 */

#include "../log.h"
#include "x86.h"
#include "../bus.h"
#include "../events.h"

#include <linux/pm_runtime.h>

/**
 * struct write - a config write to a device on a watched bus
 * @where: its offset
 * @size: how many bytes
 * @value: what is written
 */
struct write {
	int where;
	int size;
	u32 value;
};

/* Does the write cover the byte at @offset? If so, @set is true if it sets @bit of that byte. */
static bool covers(const struct write *write, int offset, u8 bit, bool *set)
{
	if (write->where > offset || write->where + write->size <= offset)
		return false;
	*set = write->value >> 8 * (offset - write->where) & bit;

	return true;
}

/*
 * The byte of bridge @i's config space that has this control, and its bit there. False if there is
 * none: only a slot that can switch power off does something with that bit.
 */
static bool find_control(const struct nvli_path *path, int i, enum nvli_control control, int *where,
			 u8 *bit)
{
	int cap = path->bridge[i]->pcie_cap;

	switch (control) {
	case NVLI_BUS_RESET:
		*where = PCI_BRIDGE_CONTROL;
		*bit = PCI_BRIDGE_CTL_BUS_RESET;
		return true;
	case NVLI_POWER_OFF:
		*where = cap + PCI_EXP_SLTCTL + 1;
		*bit = PCI_EXP_SLTCTL_PCC >> 8;
		return path->power_control & BIT(i);
	case NVLI_LINK_OFF:
		*where = cap + PCI_EXP_LNKCTL;
		*bit = PCI_EXP_LNKCTL_LD;
		return cap;
	}

	return false;
}

/* Does the write set or clear this control of bridge @i? */
static bool is_control(const struct nvli_gpu *gpu, int i, enum nvli_control control,
		       const struct write *write, bool *set)
{
	int where;
	u8 bit;

	return find_control(&gpu->path, i, control, &where, &bit) &&
	       covers(write, where, bit, set);
}

/*
 * Does bridge @i assert a reset by this control right now? False if it has no such control or does
 * not respond.
 */
static bool read_control(const struct nvli_gpu *gpu, int i, enum nvli_control control, bool *set)
{
	u32 value;
	int where;
	u8 bit;

	if (!find_control(&gpu->path, i, control, &where, &bit) ||
	    !nvli_bus_read(gpu->path.bridge[i], where & ~1, 2, &value))
		return false;
	*set = value >> 8 * (where & 1) & bit;

	return true;
}

/*
 * Wait until no visit of the gate is under way, then begin the reset. If a visit follows, it
 * refuses the GPU. If a visit came first, the reset clears the MEMORY bit that this visit has set.
 * Without the wait a reset could clear the mask after the read-back and before the gate passes the
 * write on.
 */
static void begin_reset(struct nvli_gpu *gpu, bool counted)
{
	struct nvli_bus *entry = nvli_bus_find(gpu->pdev->bus);
	unsigned long flags;

	if (!entry) {
		nvli_event_reset(gpu, counted);
		return;
	}
	raw_spin_lock_irqsave(&entry->lock, flags);
	nvli_event_reset(gpu, counted);
	raw_spin_unlock_irqrestore(&entry->lock, flags);
}

/*
 * Downstream Port Containment takes the link below the port down without a write. Software clears
 * the trigger to bring the link up again. This write is the first that the gate sees of the reset.
 */
static bool ends_containment(const struct nvli_gpu *gpu, int i, const struct write *write)
{
	int cap = gpu->path.containment[i];
	bool set;

	return cap && covers(write, cap + PCI_EXP_DPC_STATUS, PCI_EXP_DPC_STATUS_TRIGGER, &set) &&
	       set;
}

static void about_bridge(struct nvli_gpu *gpu, int i, const struct write *write, bool done)
{
	enum nvli_control control;
	bool set;

	for (control = NVLI_BUS_RESET; control <= NVLI_LINK_OFF; control++) {
		if (!is_control(gpu, i, control, write, &set))
			continue;
		/* The kernel may rewrite an unchanged control along with others. */
		if (!done && set)
			begin_reset(gpu, READ_ONCE(gpu->reset.settled_ns) != NVLI_IN_RESET);
		if (!done)
			continue;
		nvli_event_control(gpu, i, control, set);
		/* The worker reads the control each second, to see if it is lost. */
		if (set)
			nvli_gpu_kick(gpu);
	}
	if (!ends_containment(gpu, i, write))
		return;
	if (done)
		nvli_event_end(gpu);
	else
		begin_reset(gpu, true);
}

/* A function level reset, which a V100 does not have, ends before the GPU has settled. */
static void about_gpu(struct nvli_gpu *gpu, const struct write *write, bool done)
{
	int cap = gpu->pdev->pcie_cap;
	bool set;

	if (!cap || !covers(write, cap + PCI_EXP_DEVCTL + 1, PCI_EXP_DEVCTL_BCR_FLR >> 8, &set) ||
	    !set)
		return;
	if (done)
		nvli_event_end(gpu);
	else
		nvli_event_reset(gpu, true);
}

void nvli_ports_on_write(const struct pci_bus *bus, unsigned int devfn, int where, int size,
			 u32 value, bool done)
{
	const struct write write = { where, size, value };
	struct nvli_gpu *gpu;
	int i;

	rcu_read_lock();
	nvli_for_each_gpu_rcu(gpu) {
		if (gpu->pdev->bus == bus && gpu->pdev->devfn == devfn)
			about_gpu(gpu, &write, done);
		for (i = 0; i < gpu->path.depth; i++)
			if (gpu->path.bridge[i]->bus == bus && gpu->path.bridge[i]->devfn == devfn)
				about_bridge(gpu, i, &write, done);
	}
	rcu_read_unlock();
}

/* Is the link below this port up, as far as the port reports that? */
static bool is_link_up(struct pci_dev *port)
{
	u32 capabilities, status;

	if (!nvli_bus_read(port, port->pcie_cap + PCI_EXP_LNKCAP, 4, &capabilities))
		return false;
	if (!(capabilities & PCI_EXP_LNKCAP_DLLLARC))
		return true;

	return nvli_bus_read(port, port->pcie_cap + PCI_EXP_LNKSTA, 2, &status) &&
	       status & PCI_EXP_LNKSTA_DLLLA;
}

/*
 * Does bridge @i route BAR0 to the GPU? When a GPU is added, the kernel writes its BARs before it
 * writes the windows of the bridges. A V100's BAR0 has 32 bits and is not prefetchable, so only
 * this window can hold it.
 */
static bool is_routed(const struct nvli_gpu *gpu, int i)
{
	unsigned long other = IORESOURCE_PREFETCH | IORESOURCE_MEM_64;
	struct pci_dev *pdev = gpu->pdev;
	u32 window, at;

	if (pdev->resource[0].flags & other)
		return true;
	if (!nvli_bus_read(gpu->path.bridge[i], PCI_MEMORY_BASE, 4, &window))
		return false;
	at = lower_32_bits(pci_bus_address(pdev, 0));

	return at >= (window & 0xfff0) << 16 &&
	       at + (GV100_BAR0_SIZE - 1) <= (window | 0xfffff);
}

/*
 * The obstacle that keeps accesses from the GPU right now, or NULL. Any context. Avoid an access
 * without a response: x86 reports none, and firmware or Downstream Port Containment may act on it.
 */
const char *nvli_ports_block(const struct nvli_gpu *gpu)
{
	struct pci_dev *port = nvli_gpu_port(gpu);
	u32 command, control;
	int i;

	if (gpu->path.depth < 0)
		return "the bridges above it are not known";
	/* After a failed recovery the state stays frozen until the device is found again. */
	if (READ_ONCE(gpu->pdev->error_state) == pci_channel_io_perm_failure)
		return "it is disconnected";
	for (i = 0; i < gpu->path.depth; i++) {
		if (!nvli_bus_read(gpu->path.bridge[i], PCI_COMMAND, 2, &command) ||
		    !(command & PCI_COMMAND_MEMORY))
			return "a bridge above it does not forward memory accesses";
		if (!nvli_bus_read(gpu->path.bridge[i], PCI_BRIDGE_CONTROL, 2, &control) ||
		    control & PCI_BRIDGE_CTL_BUS_RESET)
			return "a bridge above it holds it in reset";
		if (!is_routed(gpu, i))
			return "a bridge above it does not route BAR0 to it";
	}

	return port && !is_link_up(port) ? "its link is down" : NULL;
}

/*
 * Record the controls as the bridges have them now. The gate sees no write that came before it was
 * attached, that firmware made, or that went past the kernel. A write may change a control while
 * this function runs, so it reads each one until the record agrees.
 */
void nvli_ports_look_at_reset(struct nvli_gpu *gpu)
{
	enum nvli_control control;
	bool set;
	int i;

	for (i = 0; i < gpu->path.depth; i++) {
		for (control = NVLI_BUS_RESET; control <= NVLI_LINK_OFF; control++) {
			while (read_control(gpu, i, control, &set) &&
			       set != nvli_event_is_asserted(gpu, i, control)) {
				if (set)
					nvli_event_reset(gpu, false);
				nvli_event_control(gpu, i, control, set);
			}
		}
	}
}

/*
 * Read when enforcement starts, so that the gate needs no read when it sees a write. A bridge in
 * D3cold would answer with ones.
 */
static void read_capabilities(struct nvli_path *path)
{
	u32 capabilities;
	int i;

	for (i = 0; i < path->depth; i++) {
		pm_runtime_get_sync(&path->bridge[i]->dev);
		path->containment[i] = pci_find_ext_capability(path->bridge[i],
							       PCI_EXT_CAP_ID_DPC);
		if (!pcie_capability_read_dword(path->bridge[i], PCI_EXP_SLTCAP, &capabilities) &&
		    capabilities != U32_MAX && capabilities & PCI_EXP_SLTCAP_PCP)
			path->power_control |= BIT(i);
		pm_runtime_put(&path->bridge[i]->dev);
	}
}

/* See the writes to the ports above a GPU from now on. False if that is not possible. */
bool nvli_ports_watch(struct nvli_gpu *gpu)
{
	bool ok = gpu->path.depth >= 0;
	int i;

	read_capabilities(&gpu->path);
	for (i = 0; i < gpu->path.depth; i++)
		ok &= nvli_bus_attach(gpu->path.bridge[i]->bus);
	nvli_ports_look_at_reset(gpu);

	return ok;
}

bool nvli_ports_are_watched(struct nvli_gpu *gpu)
{
	bool ok = gpu->path.depth >= 0;
	int i;

	for (i = 0; i < gpu->path.depth; i++)
		ok &= nvli_bus_is_attached(gpu->path.bridge[i]->bus);

	return ok;
}
