// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PHB above GPUs, where accesses are caught that no device answers.
 */
#include "gv100.h"
#include "hw/pci/pci_bus.h"

/*
 * Real hardware answers a read that reaches nobody with all ones, and on PHB4 freezes the PE
 * (EEH); QEMU 10.0 would raise a machine check. Behind everything else on the PHB's bus,
 * this answers as the hardware does, and logs: no freeze is modelled, any such line is an error.
 */
static uint64_t stray_read(void *opaque, hwaddr addr, unsigned int size)
{
    PCIBus *root = opaque;

    if (gv100_bus_has_below(root, addr)) {
        log_event("bus", "stray-read addr=0x%" HWADDR_PRIx " len=%u phb=%s", addr, size,
                  BUS(root)->name);
    }
    return MAKE_64BIT_MASK(0, size * 8);
}

static void stray_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
    PCIBus *root = opaque;

    if (gv100_bus_has_below(root, addr)) {
        log_event("bus", "stray-write addr=0x%" HWADDR_PRIx " len=%u val=0x%0*" PRIx64 " phb=%s",
                  addr, size, (int)size * 2, val, BUS(root)->name);
    }
}

static const MemoryRegionOps stray_ops = {
    .read = stray_read,
    .write = stray_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* The reset has unmapped the BARs of a held GPU, and nothing reaches a frozen one, mapped or not. */
static bool is_cut_off(GV100State *gpu)
{
    return gpu->frozen || gv100_held(gpu);
}

static uint64_t shade_read(void *opaque, hwaddr off, unsigned int size)
{
    GV100Bar *bar = opaque;

    return is_cut_off(bar->gpu) ? gv100_bar_ops.read(bar, off, size) :
           stray_read(pci_device_root_bus(PCI_DEVICE(bar->gpu)), bar->last_addr + off, size);
}

static void shade_write(void *opaque, hwaddr off, uint64_t val, unsigned int size)
{
    GV100Bar *bar = opaque;

    if (is_cut_off(bar->gpu)) {
        gv100_bar_ops.write(bar, off, val, size);
    } else {
        stray_write(pci_device_root_bus(PCI_DEVICE(bar->gpu)), bar->last_addr + off, val, size);
    }
}

static const MemoryRegionOps shade_ops = {
    .read = shade_read,
    .write = shade_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/*
 * A BAR was mapped here. Behind it goes a region of the same size, which is there when the BAR is
 * not, so that QEMU's list of the regions of an address space is as long as before. With several
 * processors QEMU 10.0 finds the region of an access by its number in the list of now, and that
 * number may be from the list of before. Until a processor has flushed its TLB its accesses can go
 * to the wrong device. A BAR comes and goes all the time, and what was lost were writes to the
 * interrupt controller and to firmware's UART.
 */
void gv100_shade(GV100Bar *bar, pcibus_t addr)
{
    MemoryRegion *space = pci_device_root_bus(PCI_DEVICE(bar->gpu))->address_space_mem;

    if (addr == bar->last_addr) {
        return;
    }
    memory_region_transaction_begin();
    if (bar->last_addr == PCI_BAR_UNMAPPED) {
        memory_region_init_io(&bar->shade, OBJECT(bar->gpu), &shade_ops, bar, "gv100-shade",
                              memory_region_size(&bar->region));
    } else {
        memory_region_del_subregion(space, &bar->shade);
    }
    bar->last_addr = addr;
    memory_region_add_subregion_overlap(space, addr, &bar->shade, INT_MIN + 1);
    memory_region_transaction_commit();
}

/* One catcher per PHB, owned by the first of its GPUs; nothing here is ever unplugged. */
void gv100_catch_strays(GV100State *gpu)
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
