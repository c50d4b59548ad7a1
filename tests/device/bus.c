// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is above a GPU: its ports, whose config writes are logged and hold or release the GPU.
 */
#include "gv100.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"

/* Behind all that QEMU's ports have in extended config space */
#define CONTAINMENT_OFFSET 0x300
#define CONTAINMENT_SIZE 0x0c

/* A bridge above a GPU, at any height, and its own config accesses. Nothing is ever unplugged. */
typedef struct Bridge {
    PCIDevice *device;
    PCIConfigReadFunc *config_read;
    PCIConfigWriteFunc *config_write;
    bool no_power_control;      /* its slot stays on, so a fundamental reset does nothing */
    bool no_reset;              /* nor does a secondary bus reset */
    bool slow_link;             /* its link comes up when this is switched off, not before */
    bool is_training;           /* so it is down, though nothing holds it */
    QLIST_ENTRY(Bridge) next;
} Bridge;

static QLIST_HEAD(, Bridge) bridges = QLIST_HEAD_INITIALIZER(bridges);

static bool in_window(PCIDevice *bridge, hwaddr addr, uint8_t type)
{
    return addr >= pci_bridge_get_base(bridge, type) && addr <= pci_bridge_get_limit(bridge, type);
}

/*
 * Is this address a GPU's, or could it be? On a PC all unused memory is the root bus's, and its
 * firmware looks for what is there.
 */
bool gv100_bus_has_below(PCIBus *root, hwaddr addr)
{
    Bridge *bridge;

    if (!object_dynamic_cast(OBJECT(BUS(root)->parent), "q35-pcihost")) {
        return true;
    }
    QLIST_FOREACH(bridge, &bridges, next) {
        if (in_window(bridge->device, addr, PCI_BASE_ADDRESS_SPACE_MEMORY) ||
            in_window(bridge->device, addr, PCI_BASE_ADDRESS_MEM_PREFETCH)) {
            return true;
        }
    }
    return false;
}

static Bridge *find_bridge(PCIDevice *device)
{
    Bridge *bridge;

    QLIST_FOREACH(bridge, &bridges, next) {
        if (bridge->device == device) {
            return bridge;
        }
    }
    return NULL;
}

/*
 * A fundamental reset is firmware switching the slot's power off and on. QEMU cuts the power, which
 * resets the GPU. But it unplugs the GPU if the power indicator goes off at the same time. So the
 * indicator stays on here.
 */
static uint32_t keep_indicator(PCIDevice *port, uint32_t off, uint32_t val, int len)
{
    uint32_t control = port->exp.exp_cap + PCI_EXP_SLTCTL;
    Bridge *bridge = find_bridge(port);

    if (off == control && len == 2 && bridge->no_power_control) {
        val &= ~PCI_EXP_SLTCTL_PCC;
    }
    if (off == PCI_BRIDGE_CONTROL && bridge->no_reset) {
        val &= ~PCI_BRIDGE_CTL_BUS_RESET;
    }
    if (off == control && len == 2 && (val & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_OFF) {
        return (val & ~PCI_EXP_SLTCTL_PIC) | PCI_EXP_SLTCTL_PWR_IND_ON;
    }
    return val;
}

static const char *bridge_name(PCIDevice *device)
{
    return DEVICE(device)->id ?: "bridge";
}

static uint32_t bridge_config_read(PCIDevice *device, uint32_t off, int len)
{
    uint32_t val = find_bridge(device)->config_read(device, off, len);

    if (log_config_reads) {
        log_event(bridge_name(device), "config-read off=0x%03x len=%d val=0x%0*x", off, len,
                  len * 2, val);
    }
    return val;
}

/*
 * A port with link report (Data Link Layer Link Active Reporting Capable) latches that its link went
 * down or came up, until software writes a one there. QEMU's downstream ports lack the capability,
 * never latch, and have neither that bit to clear nor the one that enables its notification:
 * watch_bridges() adds both.
 */
static bool reports_link(PCIDevice *port)
{
    return pci_is_express(port) && pci_get_long(port->config + port->exp.exp_cap +
                                                PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_DLLLARC;
}

static void latch_link_change(PCIDevice *port)
{
    if (reports_link(port)) {
        pci_word_test_and_set_mask(port->config + port->exp.exp_cap + PCI_EXP_SLTSTA,
                                   PCI_EXP_SLTSTA_DLLSC);
        log_event(bridge_name(port), "link-changed");
    }
}

static PCIDevice *port_of(GV100State *gpu)
{
    return pci_bridge_get_device(pci_get_bus(PCI_DEVICE(gpu)));
}

void gv100_bus_link_changed(GV100State *gpu)
{
    latch_link_change(port_of(gpu));
}

bool gv100_bus_in_reset(PCIDevice *bridge)
{
    return pci_get_word(bridge->config + PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_BUS_RESET;
}

/* The port above a link, at its upper end. */
static bool has_link(PCIDevice *device)
{
    uint8_t type = pci_is_express(device) ? pcie_cap_get_type(device) : PCI_EXP_TYPE_UPSTREAM;

    return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM;
}

bool gv100_bus_link_disabled(PCIDevice *bridge)
{
    return has_link(bridge) && pci_get_word(bridge->config + bridge->exp.exp_cap +
                                            PCI_EXP_LNKCTL) & PCI_EXP_LNKCTL_LD;
}

bool gv100_bus_link_training(PCIDevice *bridge)
{
    return find_bridge(bridge)->is_training;
}

static bool is_held(PCIDevice *bridge)
{
    return gv100_bus_in_reset(bridge) || gv100_bus_link_disabled(bridge);
}

static bool is_down(PCIDevice *bridge)
{
    return is_held(bridge) || gv100_bus_link_training(bridge);
}

static Bridge *find_bridge_called(const char *name)
{
    Bridge *bridge;

    QLIST_FOREACH(bridge, &bridges, next) {
        if (!g_strcmp0(DEVICE(bridge->device)->id, name)) {
            return bridge;
        }
    }
    return NULL;
}

bool gv100_bus_is_bridge(const char *name)
{
    return find_bridge_called(name);
}

/*
 * Downstream Port Containment, of which QEMU's ports have nothing. Only its place is played, and that
 * its trigger is cleared by writing a one: what trips it is for the test to play. It stays.
 */
static void add_containment(PCIDevice *port)
{
    if (pci_get_word(port->config + CONTAINMENT_OFFSET) != PCI_EXT_CAP_ID_DPC) {
        pcie_add_capability(port, PCI_EXT_CAP_ID_DPC, 1, CONTAINMENT_OFFSET, CONTAINMENT_SIZE);
    }
}

static bool *flag_of(Bridge *bridge, const char *property)
{
    return !strcmp(property, "no-power-control") ? &bridge->no_power_control :
           !strcmp(property, "no-reset") ? &bridge->no_reset :
           !strcmp(property, "slow-link") ? &bridge->slow_link : NULL;
}

char *gv100_bus_get(const char *name, const char *property, Error **errp)
{
    Bridge *bridge = find_bridge_called(name);
    bool *flag = strcmp(property, "training") ? flag_of(bridge, property) : &bridge->is_training;

    if (!flag && strcmp(property, "link-report")) {
        error_setg(errp, "no property %s of a port", property);
        return NULL;
    }
    return g_strdup((flag ? *flag : reports_link(bridge->device)) ? "true" : "false");
}

static void set_link_report(PCIDevice *port, bool on)
{
    uint8_t *capability = port->config + port->exp.exp_cap;

    if (on) {
        pci_long_test_and_set_mask(capability + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_DLLLARC);
        pci_word_test_and_set_mask(capability + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_DLLLA);
    } else {
        pci_long_test_and_clear_mask(capability + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_DLLLARC);
        pci_word_test_and_clear_mask(capability + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_DLLLA);
        pci_word_test_and_clear_mask(capability + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_DLLSC);
    }
}

static void update_gpus(void)
{
    GV100State *gpu;

    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        gv100_late_update(gpu);
        gv100_links_update(gpu);
        gv100_exposure_update(gpu);
    }
}

/* What follows from what holds a port and its link. */
static void update_link(PCIDevice *port, bool was_down)
{
    uint8_t *status = port->config + port->exp.exp_cap + PCI_EXP_LNKSTA;
    bool down = is_down(port);

    /* Down, and up again. */
    if (down != was_down) {
        latch_link_change(port);
    }
    if (reports_link(port) && down) {
        pci_word_test_and_clear_mask(status, PCI_EXP_LNKSTA_DLLLA);
    } else if (reports_link(port)) {
        pci_word_test_and_set_mask(status, PCI_EXP_LNKSTA_DLLLA);
    }
    update_gpus();
}

static void set_slow_link(Bridge *bridge, bool on)
{
    bool was_down = is_down(bridge->device);

    bridge->slow_link = on;
    bridge->is_training &= on;
    update_link(bridge->device, was_down);
}

bool gv100_bus_set(const char *name, const char *property, const char *value, Error **errp)
{
    Bridge *bridge = find_bridge_called(name);
    bool *flag = flag_of(bridge, property);
    bool contains = !strcmp(property, "containment");
    bool on;

    if ((strcmp(property, "link-report") && !flag && !contains) || !pci_is_express(bridge->device)) {
        error_setg(errp, "no property %s of %s", property, name);
        return false;
    }
    if (!qapi_bool_parse(property, value, &on, errp)) {
        return false;
    }
    if (contains) {
        add_containment(bridge->device);
    } else if (flag == &bridge->slow_link) {
        set_slow_link(bridge, on);
    } else if (flag) {
        *flag = on;
    } else {
        set_link_report(bridge->device, on);
    }
    return true;
}

/* Logged before it is done, so that a reset stands after its cause. */
static void bridge_config_write(PCIDevice *device, uint32_t off, uint32_t val, int len)
{
    bool was_disabled = gv100_bus_link_disabled(device);
    bool was_held = is_held(device);
    bool was_down = is_down(device);
    Bridge *bridge = find_bridge(device);

    log_event(bridge_name(device), "config-write off=0x%03x len=%d val=0x%0*x", off,
              len, len * 2, val);
    bridge->config_write(device, off, keep_indicator(device, off, val, len), len);
    /* A link that goes down resets what is below (PCIe base specification, 6.6.1). */
    if (gv100_bus_link_disabled(device) && !was_disabled) {
        bus_cold_reset(BUS(pci_bridge_get_sec_bus(PCI_BRIDGE(device))));
    }
    bridge->is_training = !is_held(device) && (bridge->is_training || (was_held && bridge->slow_link));
    update_link(device, was_down);
}

static void watch_bridges(PCIBus *bus)
{
    while (!pci_bus_is_root(bus)) {
        PCIDevice *device = pci_bridge_get_device(bus);

        if (!find_bridge(device)) {
            Bridge *bridge = g_new0(Bridge, 1);

            bridge->device = device;
            bridge->config_read = device->config_read;
            bridge->config_write = device->config_write;
            QLIST_INSERT_HEAD(&bridges, bridge, next);
            device->config_read = bridge_config_read;
            device->config_write = bridge_config_write;
            if (pci_is_express(device)) {
                pci_word_test_and_set_mask(device->w1cmask + device->exp.exp_cap + PCI_EXP_SLTSTA,
                                           PCI_EXP_SLTSTA_DLLSC);
                pci_word_test_and_set_mask(device->wmask + device->exp.exp_cap + PCI_EXP_SLTCTL,
                                           PCI_EXP_SLTCTL_DLLSCE);
            }
            if (has_link(device)) {
                pci_word_test_and_set_mask(device->wmask + device->exp.exp_cap + PCI_EXP_LNKCTL,
                                           PCI_EXP_LNKCTL_LD);
            }
        }
        bus = pci_get_bus(device);
    }
}

bool gv100_bus_attach(GV100State *gpu, Error **errp)
{
    PCIBus *bus = pci_get_bus(PCI_DEVICE(gpu));

    if (pci_bus_is_root(bus)) {
        error_setg(errp, "gv100 %s needs a PCIe port above it", gv100_name(gpu));
        return false;
    }
    gv100_catch_strays(gpu);
    watch_bridges(bus);
    return true;
}
