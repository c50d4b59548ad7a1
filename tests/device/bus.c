// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is above a GPU: its port, whose config writes are logged and hold or release the GPU, and
 * the PHB, where accesses that nobody answers are caught.
 */
#include "gv100.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"

/*
 * Real hardware answers a read that reaches nobody with all ones, and on PHB4 freezes the PE
 * (EEH); QEMU 10.0 would raise a machine check. Behind everything else on the PHB's bus,
 * this answers as the hardware does, and logs: no freeze is modelled, any such line is an error.
 * What goes to a held GPU ends here too, since its reset has unmapped it.
 */
static uint64_t stray_read(void *opaque, hwaddr addr, unsigned int size)
{
    PCIBus *root = opaque;
    GV100Bar *bar = gv100_held_bar(root, addr);

    if (bar) {
        return gv100_bar_ops.read(bar, addr - bar->last_addr, size);
    }
    log_event("bus", "stray-read addr=0x%" HWADDR_PRIx " len=%u phb=%s", addr, size,
              BUS(root)->name);
    return MAKE_64BIT_MASK(0, size * 8);
}

static void stray_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
    PCIBus *root = opaque;
    GV100Bar *bar = gv100_held_bar(root, addr);

    if (bar) {
        gv100_bar_ops.write(bar, addr - bar->last_addr, val, size);
        return;
    }
    log_event("bus", "stray-write addr=0x%" HWADDR_PRIx " len=%u val=0x%0*" PRIx64 " phb=%s",
              addr, size, (int)size * 2, val, BUS(root)->name);
}

static const MemoryRegionOps stray_ops = {
    .read = stray_read,
    .write = stray_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* One catcher per PHB, owned by the first of its GPUs; nothing here is ever unplugged. */
static void catch_strays(GV100State *gpu)
{
    PCIBus *root = pci_device_root_bus(PCI_DEVICE(gpu));
    MemoryRegion *catcher;
    GV100State *other;

    QTAILQ_FOREACH(other, &gv100_list, next) {
        if (pci_device_root_bus(PCI_DEVICE(other)) == root) {
            return;
        }
    }
    catcher = g_new0(MemoryRegion, 1);
    memory_region_init_io(catcher, OBJECT(gpu), &stray_ops, root, "gv100-stray",
                          memory_region_size(root->address_space_mem));
    memory_region_add_subregion_overlap(root->address_space_mem, 0, catcher, INT_MIN);
}

static GV100State *gpu_below(PCIDevice *port)
{
    GV100State *gpu;

    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        if (pci_bridge_get_device(pci_get_bus(PCI_DEVICE(gpu))) == port) {
            return gpu;
        }
    }
    return NULL;
}

/*
 * Logged before it is done, so that a reset stands after its cause. Of several functions below one
 * port the first holds the port's own handler.
 */
static void port_config_write(PCIDevice *port, uint32_t off, uint32_t val, int len)
{
    GV100State *gpu = gpu_below(port);

    log_event(DEVICE(port)->id ?: "port", "config-write off=0x%03x len=%d val=0x%0*x", off, len,
              len * 2, val);
    gpu->port_config_write(port, off, val, len);
    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        gv100_exposure_update(gpu);
    }
}

bool gv100_bus_attach(GV100State *gpu, Error **errp)
{
    PCIBus *bus = pci_get_bus(PCI_DEVICE(gpu));
    PCIDevice *port;

    if (pci_bus_is_root(bus)) {
        error_setg(errp, "gv100 %s needs a PCIe port above it", gv100_name(gpu));
        return false;
    }
    port = pci_bridge_get_device(bus);
    catch_strays(gpu);
    if (!gpu_below(port)) {
        gpu->port_config_write = port->config_write;
        port->config_write = port_config_write;
    }
    return true;
}
