// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V100 as a PCI device: identity, config space, BARs, reset, properties.
 *
 * A GPU whose port, or a port further up, has its secondary bus reset bit set is "held": nothing
 * of it answers. QEMU resets on the bit's rising edge only and lets the device work while it stays
 * set; the level is modelled here, by asking for it at each access. So is a PCIe link that a port has
 * disabled, of which QEMU knows nothing.
 */
#include "gv100.h"
#include "qemu/units.h"
#include "hw/pci/pci_bridge.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "qapi/visitor.h"

#define PCI_VENDOR_ID_NVIDIA 0x10de

/* Above the PCIe capability, below extended config space. */
#define GV100_PM_OFFSET 0x60
#define GV100_EXP_OFFSET 0x78
#define GV100_AER_OFFSET 0x100

/* hardware.md 1: 16 MiB, 16 GiB and 32 MiB. The emulated PHB's windows do not hold 16 GiB each. */
#define GV100_BAR0_SIZE (16 * MiB)
#define GV100_BAR1_SIZE (64 * MiB)
#define GV100_BAR3_SIZE (32 * MiB)

GV100List gv100_list = QTAILQ_HEAD_INITIALIZER(gv100_list);

const char *gv100_name(GV100State *gpu)
{
    return DEVICE(gpu)->id;
}

GV100State *gv100_find(const char *name)
{
    GV100State *gpu;

    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        if (!strcmp(gv100_name(gpu), name)) {
            return gpu;
        }
    }
    return NULL;
}

/* Is that so of the port above it, or of one further up? */
static bool any_above(GV100State *gpu, bool (*is_so)(PCIDevice *))
{
    PCIBus *bus = pci_get_bus(PCI_DEVICE(gpu));

    while (!pci_bus_is_root(bus)) {
        PCIDevice *bridge = pci_bridge_get_device(bus);

        if (is_so(bridge)) {
            return true;
        }
        bus = pci_get_bus(bridge);
    }
    return false;
}

bool gv100_held(GV100State *gpu)
{
    return any_above(gpu, gv100_bus_in_reset) || any_above(gpu, gv100_bus_link_disabled);
}

static bool is_late(GV100State *gpu)
{
    return gv100_late(gpu) || any_above(gpu, gv100_bus_link_training);
}

/* By a fault. Unlike a held GPU it may have its BARs mapped, and is reset as usual. */
bool gv100_mute(GV100State *gpu)
{
    return gpu->no_answer || gpu->no_config || is_late(gpu);
}

/*
 * What log lines call the reason that a BAR does not answer, or NULL if it does. For a frozen PE the
 * PHB answers, at once and independent of the GPU behind it.
 */
static const char *bar_silence(GV100State *gpu)
{
    return gpu->frozen ? "frozen" : gv100_held(gpu) ? "held" : gv100_mute(gpu) ? "mute" : NULL;
}

/* The same in config space. */
static const char *config_silence(GV100State *gpu)
{
    return gpu->frozen && gpu->frozen_config ? "frozen" :
           gv100_held(gpu) ? "held" :
           gpu->no_config || is_late(gpu) ? "mute" : NULL;
}

static bool gv100_in_d0(GV100State *gpu)
{
    uint8_t *pmcsr = PCI_DEVICE(gpu)->config + gpu->pm + PCI_PM_CTRL;

    return !(pci_get_word(pmcsr) & PCI_PM_CTRL_STATE_MASK);
}

/* Any user of the bus can reach BAR0. The bridges' windows are taken to be open. */
bool gv100_reachable(GV100State *gpu)
{
    PCIDevice *pci = PCI_DEVICE(gpu);

    return pci_get_word(pci->config + PCI_COMMAND) & PCI_COMMAND_MEMORY &&
           pci->io_regions[0].addr != PCI_BAR_UNMAPPED && gv100_in_d0(gpu) && !bar_silence(gpu);
}

/* One line each time that COMMAND gains or loses MEMORY, by any writer. */
void gv100_memory_update(GV100State *gpu, const char *cause)
{
    bool memory = pci_get_word(PCI_DEVICE(gpu)->config + PCI_COMMAND) & PCI_COMMAND_MEMORY;

    if (memory == gpu->memory) {
        return;
    }
    gpu->memory = memory;
    gpu->switched_on += memory;
    log_event(gv100_name(gpu), "memory %s cause=%s", memory ? "on" : "off", cause);
}

void gv100_freeze(GV100State *gpu, bool frozen)
{
    if (gpu->frozen == frozen) {
        return;
    }
    gpu->frozen = frozen;
    log_event(gv100_name(gpu), frozen ? "frozen" : "thawed");
    gv100_exposure_update(gpu);
}

static uint64_t all_ones(unsigned int size)
{
    return MAKE_64BIT_MASK(0, size * 8);
}

/* The log names the other BARs, so that BAR0's lines keep their form. */
static const char *bar_prefix(const GV100Bar *bar)
{
    return bar->index == 0 ? "" : bar->index == 1 ? "bar=1 " : "bar=3 ";
}

/* Assumed: the registers take aligned 32-bit accesses only (what all public drivers use). */
static bool bar_access_ok(GV100Bar *bar, hwaddr off, unsigned int size)
{
    if (size == 4 && off % 4 == 0) {
        return true;
    }
    log_event(gv100_name(bar->gpu), "violation what=access-size %soff=0x%06" HWADDR_PRIx " len=%u",
              bar_prefix(bar), off, size);
    return false;
}

static uint64_t gv100_bar_read(void *opaque, hwaddr off, unsigned int size)
{
    GV100Bar *bar = opaque;
    const char *name = gv100_name(bar->gpu);
    const char *silence = bar_silence(bar->gpu);
    uint32_t val;

    if (silence) {
        log_event(name, "%s-read %soff=0x%06" HWADDR_PRIx, silence, bar_prefix(bar), off);
        if (!strcmp(silence, "mute")) {
            gv100_timeout(bar->gpu);
        }
        return all_ones(size);
    }
    if (!bar_access_ok(bar, off, size)) {
        return all_ones(size);
    }
    if (bar->index) {
        val = gv100_bar_word(bar, off);
    } else if (!gv100_trap_access(bar->gpu, off == NV_PMC_BOOT_0, &val)) {
        val = gv100_regs_read(bar->gpu, off);
    }
    log_event(name, "read %soff=0x%06" HWADDR_PRIx " val=0x%08x", bar_prefix(bar), off, val);
    gv100_trap_accessed(bar->gpu);
    return val;
}

static void gv100_bar_write(void *opaque, hwaddr off, uint64_t val, unsigned int size)
{
    GV100Bar *bar = opaque;
    const char *name = gv100_name(bar->gpu);
    const char *silence = bar_silence(bar->gpu);
    uint32_t lost;

    if (silence) {
        log_event(name, "%s-write %soff=0x%06" HWADDR_PRIx " val=0x%08x", silence,
                  bar_prefix(bar), off, (uint32_t)val);
        return;
    }
    if (!bar_access_ok(bar, off, size)) {
        return;
    }
    log_event(name, "write %soff=0x%06" HWADDR_PRIx " val=0x%08x", bar_prefix(bar), off,
              (uint32_t)val);
    if (bar->index) {
        gv100_bar_set_word(bar, off, val);
    } else if (!gv100_trap_access(bar->gpu, false, &lost)) {
        gv100_regs_write(bar->gpu, off, val);
    }
    gv100_trap_accessed(bar->gpu);
}

/* 64-bit accesses reach the handlers as two of 32; nothing is rejected before it is logged. */
const MemoryRegionOps gv100_bar_ops = {
    .read = gv100_bar_read,
    .write = gv100_bar_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 4, .unaligned = true },
};

static uint32_t gv100_config_read(PCIDevice *pci, uint32_t off, int len)
{
    GV100State *gpu = GV100(pci);
    const char *silence = config_silence(gpu);
    uint32_t val;

    if (silence) {
        log_event(gv100_name(gpu), "%s-config-read off=0x%03x len=%d", silence, off, len);
        if (!strcmp(silence, "mute")) {
            gv100_timeout(gpu);
        }
        return all_ones(len);
    }
    val = pci_default_read_config(pci, off, len);
    if (log_config_reads) {
        log_event(gv100_name(gpu), "config-read off=0x%03x len=%d val=0x%0*x", off, len,
                  len * 2, val);
    }
    if (ranges_overlap(off, len, gpu->pm + PCI_PM_CTRL, 2)) {
        gv100_trap_looked(gpu);
    }
    return val;
}

/* In D3hot the config space answers and the BARs do not (PCI power management 1.2, 5.4.1). */
static void gv100_config_write(PCIDevice *pci, uint32_t off, uint32_t val, int len)
{
    GV100State *gpu = GV100(pci);
    const char *silence = config_silence(gpu);

    log_event(gv100_name(gpu), "%s%sconfig-write off=0x%03x len=%d val=0x%0*x", silence ?: "",
              silence ? "-" : "", off, len, len * 2, val);
    if (silence) {
        /* Unlike a write to memory this one is waited for. */
        if (!strcmp(silence, "mute")) {
            gv100_timeout(gpu);
        }
        return;
    }
    pci_default_write_config(pci, off, val, len);
    if (gpu->flr) {
        gpu->in_flr = true;
        pcie_cap_flr_write_config(pci, off, val, len);
        gpu->in_flr = false;
    }
    gv100_memory_update(gpu, len == 1 ? "byte" : len == 2 ? "word" : "dword");
    for (size_t i = 0; i < ARRAY_SIZE(gpu->bars); i++) {
        GV100Bar *bar = &gpu->bars[i];

        memory_region_set_enabled(&bar->region, gv100_in_d0(gpu));
        if (pci->io_regions[bar->index].addr != PCI_BAR_UNMAPPED) {
            gv100_shade(bar, pci->io_regions[bar->index].addr);
        }
    }
    gv100_exposure_update(gpu);
}

/*
 * QEMU clears config space after this phase, so the account of exposure waits for the next one.
 * A reset that comes while a port asserts it is a bus reset, or the link's. One that nothing names is power-on,
 * power-off of the slot, or reboot.
 */
static void gv100_reset_hold(Object *obj, ResetType type)
{
    GV100State *gpu = GV100(obj);

    (void)type;
    log_event(gv100_name(gpu), "reset reason=%s",
              gpu->link_down || any_above(gpu, gv100_bus_link_disabled) ? "link-down" :
              gpu->in_flr ? "flr" : gv100_held(gpu) ? "bus" : "power-on");
    gv100_regs_reset(gpu);
}

static void gv100_reset_exit(Object *obj, ResetType type)
{
    GV100State *gpu = GV100(obj);
    uint8_t *pmcsr = PCI_DEVICE(obj)->config + gpu->pm + PCI_PM_CTRL;

    (void)type;
    pci_set_word(pmcsr, PCI_PM_CTRL_NO_SOFT_RESET);
    for (size_t i = 0; i < ARRAY_SIZE(gpu->bars); i++) {
        memory_region_set_enabled(&gpu->bars[i].region, true);
    }
    gv100_memory_update(gpu, "reset");
    gv100_exposure_update(gpu);
}

static void gv100_add_bar(GV100State *gpu, int slot, int index, uint8_t type, uint64_t size)
{
    g_autofree char *name = g_strdup_printf("gv100-bar%d", index);
    GV100Bar *bar = &gpu->bars[slot];

    bar->gpu = gpu;
    bar->index = index;
    bar->last_addr = PCI_BAR_UNMAPPED;
    bar->words = g_hash_table_new(NULL, NULL);
    memory_region_init_io(&bar->region, OBJECT(gpu), &gv100_bar_ops, bar, name, size);
    pci_register_bar(PCI_DEVICE(gpu), index, type, &bar->region);
}

/*
 * hardware.md 1: no FLR, no PM reset, so the kernel is left with the bus reset. No_Soft_Reset is
 * what tells it not to use D3hot; a PCIe capability made by QEMU has no FLR unless asked for. With
 * flr=on the device plays a GPU that has one. Assumed: an FLR clears what a bus reset clears.
 */
static bool gv100_add_capabilities(GV100State *gpu, Error **errp)
{
    PCIDevice *pci = PCI_DEVICE(gpu);

    gpu->pm = pci_add_capability(pci, PCI_CAP_ID_PM, GV100_PM_OFFSET, PCI_PM_SIZEOF, errp);
    if (gpu->pm < 0) {
        return false;
    }
    pci_set_word(pci->config + gpu->pm + PCI_PM_PMC, 3);    /* PM 1.2, no PME, no D1 or D2 */
    pci_set_word(pci->config + gpu->pm + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
    pci_set_word(pci->wmask + gpu->pm + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);

    if (pcie_endpoint_cap_init(pci, GV100_EXP_OFFSET) < 0) {
        error_setg(errp, "gv100 needs a PCIe bus");
        return false;
    }
    if (gpu->flr) {
        pcie_cap_flr_init(pci);
    }
    return !gpu->aer || !pcie_aer_init(pci, PCI_ERR_VER, GV100_AER_OFFSET, PCI_ERR_SIZEOF, errp);
}

/*
 * Assumed: a GPU that has one maps what its EEPROM holds, which is its tenant's. It holds, where the
 * mask is in BAR0, what a mask reads with all links disabled.
 */
static void gv100_add_rom(GV100State *gpu)
{
    uint32_t at = NV_LINK_DISABLE & (GV100_ROM_SIZE - 1);
    uint8_t *rom;

    memory_region_init_rom(&gpu->rom, OBJECT(gpu), "gv100-rom", GV100_ROM_SIZE, &error_abort);
    rom = memory_region_get_ram_ptr(&gpu->rom);
    pci_set_word(rom, 0xaa55);
    pci_set_long(rom + at, NV_LINK_DISABLE_MASK);
    pci_register_bar(PCI_DEVICE(gpu), PCI_ROM_SLOT, PCI_BASE_ADDRESS_SPACE_MEMORY, &gpu->rom);
}

static void gv100_realize(PCIDevice *pci, Error **errp)
{
    uint8_t bar64 = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
    GV100State *gpu = GV100(pci);

    if (!gv100_name(gpu)) {
        error_setg(errp, "a gv100 needs an id");
        return;
    }
    if (!gv100_add_capabilities(gpu, errp) || !gv100_bus_attach(gpu, errp)) {
        return;
    }
    pci_config_set_device_id(pci->config, gpu->device_id);
    gv100_add_bar(gpu, 0, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, GV100_BAR0_SIZE);
    gv100_add_bar(gpu, 1, 1, bar64, GV100_BAR1_SIZE);
    gv100_add_bar(gpu, 2, 3, bar64, GV100_BAR3_SIZE);
    if (gpu->expansion_rom) {
        gv100_add_rom(gpu);
    }
    QTAILQ_INSERT_TAIL(&gv100_list, gpu, next);
}

static void visit_boot0(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    (void)opaque;
    visit_type_uint32(v, name, &GV100(obj)->boot0, errp);
}

static void visit_late_ms(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    (void)opaque;
    visit_type_uint32(v, name, &GV100(obj)->late_ms, errp);
}

static void visit_timeout_us(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    (void)opaque;
    visit_type_uint32(v, name, &GV100(obj)->timeout_us, errp);
}

static void get_switched_on(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    (void)opaque;
    visit_type_uint32(v, name, &GV100(obj)->switched_on, errp);
}

static bool get_frozen(Object *obj, Error **errp)
{
    (void)errp;
    return GV100(obj)->frozen;
}

/* The GPU switches its own memory decoding on or off, as by a script in its EEPROM. */
static bool get_memory(Object *obj, Error **errp)
{
    (void)errp;
    return pci_get_word(PCI_DEVICE(obj)->config + PCI_COMMAND) & PCI_COMMAND_MEMORY;
}

static void set_memory(Object *obj, bool on, Error **errp)
{
    PCIDevice *pci = PCI_DEVICE(obj);
    uint16_t command = pci_get_word(pci->config + PCI_COMMAND) & ~PCI_COMMAND_MEMORY;

    (void)errp;
    pci_default_write_config(pci, PCI_COMMAND, command | (on ? PCI_COMMAND_MEMORY : 0), 2);
    gv100_memory_update(GV100(obj), "itself");
    gv100_exposure_update(GV100(obj));
}

static void set_frozen(Object *obj, bool frozen, Error **errp)
{
    (void)errp;
    gv100_freeze(GV100(obj), frozen);
}

static void get_epoch(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    (void)opaque;
    visit_type_uint32(v, name, &GV100(obj)->epoch, errp);
}

/*
 * Faults: switched on and off while the guest runs, so class properties of their own and not
 * qdev's, which are fixed once the device is realized. To add one, add a field to struct
 * GV100State and a line here, and ask for it where it matters. Those that come at a moment are in
 * faults.c.
 */
static const struct gv100_fault {
    const char *name;
    size_t offset;
} gv100_faults[] = {
    { "mask-stuck", offsetof(GV100State, mask_stuck) },
    { "mask-late", offsetof(GV100State, mask_late) },
    { "ring-busy", offsetof(GV100State, ring_busy) },
    { "no-answer", offsetof(GV100State, no_answer) },
    { "no-config", offsetof(GV100State, no_config) },
    { "frozen-config", offsetof(GV100State, frozen_config) },
};

static void visit_fault(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
    const struct gv100_fault *fault = opaque;

    visit_type_bool(v, name, (bool *)((char *)GV100(obj) + fault->offset), errp);
    gv100_exposure_update(GV100(obj));
}

/* All of them, so that a test begins with a GPU that works. */
void gv100_faults_off(GV100State *gpu)
{
    for (size_t i = 0; i < ARRAY_SIZE(gv100_faults); i++) {
        *(bool *)((char *)gpu + gv100_faults[i].offset) = false;
    }
    gpu->trap = (GV100Trap) {};
    gpu->late_ms = 0;
    gpu->timeout_us = 0;
    gv100_freeze(gpu, false);
    gv100_exposure_update(gpu);
}

static void gv100_instance_init(Object *obj)
{
    GV100State *gpu = GV100(obj);

    gpu->boot0 = 0x140000a1;    /* hardware.md 2: a V100 on AC922 */
    PCI_DEVICE(obj)->cap_present |= QEMU_PCI_CAP_EXPRESS;
}

static const Property gv100_properties[] = {
    DEFINE_PROP_STRING("links", GV100State, wiring),
    DEFINE_PROP_UINT16("device-id", GV100State, device_id, 0x1db1),
    DEFINE_PROP_BOOL("flr", GV100State, flr, false),
    DEFINE_PROP_BOOL("aer", GV100State, aer, false),
    DEFINE_PROP_BOOL("expansion-rom", GV100State, expansion_rom, false),
};

static void gv100_class_init(ObjectClass *oc, void *data)
{
    ResettableClass *rc = RESETTABLE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
    DeviceClass *dc = DEVICE_CLASS(oc);

    (void)data;
    pc->realize = gv100_realize;
    pc->config_read = gv100_config_read;
    pc->config_write = gv100_config_write;
    pc->vendor_id = PCI_VENDOR_ID_NVIDIA;
    pc->class_id = 0x0302;    /* 3D controller */
    pc->revision = 0xa1;
    rc->phases.hold = gv100_reset_hold;
    rc->phases.exit = gv100_reset_exit;
    dc->hotpluggable = false;
    dc->desc = "NVIDIA V100 SXM2, as far as cutting its NVLinks goes";
    device_class_set_props(dc, gv100_properties);

    object_class_property_add(oc, "boot0", "uint32", visit_boot0, visit_boot0, NULL, NULL);
    object_class_property_add(oc, "late-ms", "uint32", visit_late_ms, visit_late_ms, NULL, NULL);
    object_class_property_add_str(oc, "trap", gv100_trap_get, gv100_trap_set);
    object_class_property_add(oc, "timeout-us", "uint32", visit_timeout_us, visit_timeout_us, NULL,
                              NULL);
    object_class_property_add_bool(oc, "frozen", get_frozen, set_frozen);
    object_class_property_add_bool(oc, "memory", get_memory, set_memory);
    object_class_property_add(oc, "switched-on", "uint32", get_switched_on, NULL, NULL, NULL);
    object_class_property_add(oc, "epoch", "uint32", get_epoch, NULL, NULL, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(gv100_faults); i++) {
        object_class_property_add(oc, gv100_faults[i].name, "bool", visit_fault, visit_fault,
                                  NULL, (void *)&gv100_faults[i]);
    }
}

void gv100_register(void)
{
    static const InterfaceInfo interfaces[] = {
        { INTERFACE_PCIE_DEVICE },
        { },
    };
    static const TypeInfo info = {
        .name = TYPE_GV100,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(GV100State),
        .instance_init = gv100_instance_init,
        .class_init = gv100_class_init,
        .interfaces = (InterfaceInfo *)interfaces,
    };

    type_register_static(&info);
}
