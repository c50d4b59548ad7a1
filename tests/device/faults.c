// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that come at a moment: at one access of a sequence, or some time after a reset; and those
 * that take time.
 *
 * A sequence is what software does with BAR0 from a read of NV_PMC_BOOT_0 on, which it begins with;
 * its accesses are counted from 1. Property "trap" is "off" or STEP:WHAT[:once][:race], and WHAT:
 *
 *   ones      that access is not answered: it reads all ones, or is not written
 *   pri       it meets a PRI error: reads one, or is not written
 *   memory    PCI_COMMAND_MEMORY is cleared after it
 *   bar0      BAR0 is moved after it
 *   cover     BAR3 is put over BAR0 after it
 *   rom       the expansion ROM is put over the part of BAR0 that has the mask after it
 *   reset     the GPU resets itself after it, and no software sees that
 *   gone      it is pulled out after it: no-config, until that is switched off
 *
 * It comes in each sequence, or with `once` in the next only. With `race` it comes before the access
 * and not after it, when software has read the power state from config space for the last time: too
 * late for any look, so that this access is the one in flight.
 */
#include "gv100.h"
#include "hw/core/cpu.h"
#include "hw/qdev-core.h"
#include "system/cpu-timers.h"

/* QEMU's own; its header has it only where the host's configuration names TCG. */
extern ICountMode use_icount;

static const char *const actions[] = {
    [GV100_TRAP_OFF] = "off",
    [GV100_TRAP_ONES] = "ones",
    [GV100_TRAP_PRI] = "pri",
    [GV100_TRAP_MEMORY] = "memory",
    [GV100_TRAP_BAR0] = "bar0",
    [GV100_TRAP_COVER] = "cover",
    [GV100_TRAP_ROM] = "rom",
    [GV100_TRAP_RESET] = "reset",
    [GV100_TRAP_GONE] = "gone",
};

static void fire(GV100State *gpu)
{
    PCIDevice *pci = PCI_DEVICE(gpu);
    GV100Trap *trap = &gpu->trap;

    log_event(gv100_name(gpu), "trap what=%s step=%u", actions[trap->action], trap->step);
    switch (trap->action) {
    case GV100_TRAP_MEMORY:
        pci_default_write_config(pci, PCI_COMMAND, pci_get_word(pci->config + PCI_COMMAND) &
                                 ~PCI_COMMAND_MEMORY, 2);
        break;
    case GV100_TRAP_BAR0:
        pci_default_write_config(pci, PCI_BASE_ADDRESS_0,
                                 pci_get_long(pci->config + PCI_BASE_ADDRESS_0) ^ 0x02000000, 4);
        break;
    case GV100_TRAP_COVER:
        pci_default_write_config(pci, PCI_BASE_ADDRESS_4, 0, 4);
        pci_default_write_config(pci, PCI_BASE_ADDRESS_3,
                                 pci_get_long(pci->config + PCI_BASE_ADDRESS_0), 4);
        break;
    case GV100_TRAP_ROM:
        pci_default_write_config(pci, PCI_ROM_ADDRESS,
                                 (pci_get_long(pci->config + PCI_BASE_ADDRESS_0) +
                                  (NV_LINK_DISABLE & -GV100_ROM_SIZE)) | PCI_ROM_ADDRESS_ENABLE, 4);
        break;
    case GV100_TRAP_RESET:
        device_cold_reset(DEVICE(gpu));
        break;
    case GV100_TRAP_GONE:
        gpu->no_config = true;
        break;
    default:
        break;
    }
    if (trap->once) {
        trap->action = GV100_TRAP_OFF;
    }
    gv100_memory_update(gpu, "trap");
    gv100_exposure_update(gpu);
}

/* Counts an access. Returns whether it is answered with *val, or not written, and that is all. */
bool gv100_trap_access(GV100State *gpu, bool first, uint32_t *val)
{
    GV100Trap *trap = &gpu->trap;

    trap->count = first ? 1 : trap->count + 1;
    trap->hit = trap->action && trap->count == trap->step && !trap->race;
    if (!trap->hit || (trap->action != GV100_TRAP_ONES && trap->action != GV100_TRAP_PRI)) {
        return false;
    }
    *val = trap->action == GV100_TRAP_ONES ? UINT32_MAX : GV100_PRI_ERROR;
    fire(gpu);
    return true;
}

void gv100_trap_accessed(GV100State *gpu)
{
    if (gpu->trap.hit) {
        gpu->trap.hit = false;
        fire(gpu);
    }
}

/* The power state was read. The count continues, so that it does not come twice. */
void gv100_trap_looked(GV100State *gpu)
{
    GV100Trap *trap = &gpu->trap;

    if (trap->action && trap->race && trap->count + 1 == trap->step) {
        trap->count++;
        fire(gpu);
    }
}

/* Time that it takes to answer is counted from when the last port above it lets go of it. */
void gv100_late_update(GV100State *gpu)
{
    bool held = gv100_held(gpu);

    if (gpu->was_held && !held) {
        gpu->answers_at = log_now() + gpu->late_ms * INT64_C(1000000);
    }
    gpu->was_held = held;
}

bool gv100_late(GV100State *gpu)
{
    return gpu->late_ms && log_now() < gpu->answers_at;
}

/*
 * A completion timeout: the processor stands still in its load until the PHB gives up, and takes no
 * interrupt meanwhile. With icount, QEMU's clock follows the instructions that it accounts to the
 * processor. Account as many more as take that long: QEMU adds them to its clock when it is read
 * next, and runs the timers that became due after this translation block. Without icount the machine
 * runs on the host's clock. Wait there; other processors go on until they need a device.
 */
void gv100_timeout(GV100State *gpu)
{
    int64_t ns = gpu->timeout_us * INT64_C(1000);
    int64_t until = log_now() + ns;

    if (!ns) {
        return;
    }
    if (use_icount && current_cpu) {
        current_cpu->icount_budget += ns / icount_to_ns(1);
    }
    while (log_now() < until && !use_icount) {
        g_usleep(10);
    }
    log_event(gv100_name(gpu), "timeout us=%u", gpu->timeout_us);
}

/*
 * The link goes down and comes up again: the GPU is reset as by its port, and nobody has written to
 * any config space. Only a port with link report has seen it.
 */
void gv100_drop_link(GV100State *gpu)
{
    gpu->link_down = true;
    pci_device_reset(PCI_DEVICE(gpu));
    gpu->link_down = false;
    gv100_memory_update(gpu, "reset");
    gv100_exposure_update(gpu);
    gv100_bus_link_changed(gpu);
}

char *gv100_trap_get(Object *obj, Error **errp)
{
    GV100Trap *trap = &GV100(obj)->trap;

    (void)errp;
    return trap->action ? g_strdup_printf("%u:%s%s%s", trap->step, actions[trap->action],
                                          trap->once ? ":once" : "", trap->race ? ":race" : "")
                        : g_strdup("off");
}

void gv100_trap_set(Object *obj, const char *value, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(value, ":", 0);
    unsigned int parts = g_strv_length(part);
    GV100Trap trap = {};

    if (!strcmp(value, "off")) {
        GV100(obj)->trap = trap;
        return;
    }
    trap.step = g_ascii_strtoull(part[0], NULL, 10);
    for (size_t i = 1; parts > 1 && i < ARRAY_SIZE(actions); i++) {
        if (!strcmp(part[1], actions[i])) {
            trap.action = i;
        }
    }
    for (unsigned int i = 2; i < parts; i++) {
        trap.once |= !strcmp(part[i], "once");
        trap.race |= !strcmp(part[i], "race");
    }
    if (!trap.step || !trap.action || parts != 2u + trap.once + trap.race) {
        error_setg(errp, "`%s' is neither off nor STEP:WHAT[:once][:race]", value);
        return;
    }
    GV100(obj)->trap = trap;
}
