// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of BAR0 (hardware.md 2), and plain words for the rest of every BAR.
 *
 * The page gives the order of the steps: start the ring, decode config, NVLINK in PMC_ENABLE, mask.
 * What a V100 does out of order is not public. Assumed here is the strictest: until the ring has
 * been started nothing behind it answers but PRI errors (BOOT_0 does: software reads it first), and
 * the link disable register needs all of the steps before it.
 */
#include "gv100.h"

/* Assumed: values after reset. Not zero, to show software that does not write them back as read. */
#define PMC_ENABLE_RESET 0x00000121
#define LINK_DISABLE_RESET 0x00000005

/* Assumed: how often the ring command reads as busy; real hardware takes microseconds. */
#define RING_BUSY_READS 3

uint32_t gv100_bar_word(GV100Bar *bar, hwaddr off)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(bar->words, GUINT_TO_POINTER(off)));
}

void gv100_bar_set_word(GV100Bar *bar, hwaddr off, uint32_t val)
{
    if (val) {
        g_hash_table_insert(bar->words, GUINT_TO_POINTER(off), GUINT_TO_POINTER(val));
    } else {
        g_hash_table_remove(bar->words, GUINT_TO_POINTER(off));
    }
}

static void log_mask(GV100State *gpu)
{
    gpu->epoch++;
    log_event(gv100_name(gpu), "mask val=0x%08x", gpu->regs.link_disable);
}

static void log_dropped(GV100State *gpu, hwaddr off, const char *why)
{
    log_event(gv100_name(gpu), "dropped off=0x%06" HWADDR_PRIx " why=%s", off, why);
}

/* Power-on and SBR: hardware.md 1 (the only reset) and 2 (only it clears the disable bits). */
void gv100_regs_reset(GV100State *gpu)
{
    gpu->regs = (GV100Regs) {
        .pmc_enable = PMC_ENABLE_RESET,    /* hardware.md 2: NVLINK is disabled after reset */
        .link_disable = LINK_DISABLE_RESET,
    };
    for (size_t i = 0; i < ARRAY_SIZE(gpu->bars); i++) {
        g_hash_table_remove_all(gpu->bars[i].words);
    }
    gpu->mask_coming = 0;
    log_mask(gpu);
    gv100_links_update(gpu);
}

/* The step that is missing before the link disable register can be used, or NULL. */
static const char *link_disable_missing(GV100State *gpu)
{
    if (!gpu->regs.ring_started) {
        return "ring-not-started";
    }
    if (gpu->regs.decode_config != NV_PRI_RINGSTATION_SYS_DECODE_CONFIG_WAIT) {
        return "no-decode-config";
    }
    if (!(gpu->regs.pmc_enable & NV_PMC_ENABLE_NVLINK)) {
        return "nvlink-not-enabled";
    }
    return NULL;
}

/*
 * hardware.md 2, step 1: finished when the command reads 0; software that never reads it never gets
 * a ring here. Bit 0 of the result is set when the ring's connectivity is good (nvgpu's header).
 */
static uint32_t read_ring_command(GV100State *gpu)
{
    GV100Regs *regs = &gpu->regs;

    if (!regs->ring_reads) {
        return 0;
    }
    if (gpu->ring_busy || --regs->ring_reads) {
        return NV_PRI_RINGMASTER_COMMAND_START;
    }
    regs->ring_started = true;
    regs->ring_result = NV_PRI_RINGMASTER_RESULT_PASS;
    return 0;
}

/* A restart takes away what a start gave (hardware.md 2: never under a running guest). */
static void write_ring_command(GV100State *gpu, uint32_t val)
{
    if (val != NV_PRI_RINGMASTER_COMMAND_START) {
        log_dropped(gpu, NV_PRI_RINGMASTER_COMMAND, "unknown-command");
        return;
    }
    gpu->regs.ring_reads = RING_BUSY_READS + 1;
    gpu->regs.ring_started = false;
    gpu->regs.ring_result = 0;
}

static void write_pmc_enable(GV100State *gpu, uint32_t val)
{
    uint32_t changed = gpu->regs.pmc_enable ^ val;

    if (changed & ~NV_PMC_ENABLE_NVLINK) {
        log_event(gv100_name(gpu), "violation what=pmc-enable-bits changed=0x%08x",
                  changed & ~NV_PMC_ENABLE_NVLINK);
    }
    gpu->regs.pmc_enable = val;
}

/*
 * hardware.md 2: the disable bits are write-1-to-set and sticky, the others unknown. Assumed: an
 * unknown bit keeps what is written to it.
 */
static void write_link_disable(GV100State *gpu, uint32_t val)
{
    uint32_t old = gpu->regs.link_disable;
    uint32_t unknown = (old ^ val) & ~NV_LINK_DISABLE_MASK;
    const char *missing = link_disable_missing(gpu);

    if (missing) {
        log_dropped(gpu, NV_LINK_DISABLE, missing);
        return;
    }
    if (unknown) {
        log_event(gv100_name(gpu), "violation what=unknown-mask-bits changed=0x%08x", unknown);
    }
    if (gpu->mask_stuck) {
        log_dropped(gpu, NV_LINK_DISABLE, "mask-stuck");
        return;
    }

    val |= old & NV_LINK_DISABLE_MASK;
    if (gpu->mask_late) {
        log_dropped(gpu, NV_LINK_DISABLE, "mask-late");
        gpu->mask_coming = val;
    } else if (val != old) {
        gv100_regs_set_mask(gpu, val);
    }
}

void gv100_regs_set_mask(GV100State *gpu, uint32_t val)
{
    gpu->regs.link_disable = val;
    log_mask(gpu);
    gv100_links_update(gpu);
    gv100_exposure_update(gpu);
}

static uint32_t read_link_disable(GV100State *gpu)
{
    uint32_t val = gpu->regs.link_disable;

    if (link_disable_missing(gpu)) {
        return GV100_PRI_ERROR;
    }
    if (gpu->mask_coming) {
        gv100_regs_set_mask(gpu, gpu->mask_coming);
        gpu->mask_coming = 0;
    }
    return val;
}

uint32_t gv100_regs_read(GV100State *gpu, hwaddr off)
{
    const GV100Regs *regs = &gpu->regs;

    switch (off) {
    case NV_PMC_BOOT_0:
        return gpu->boot0;
    case NV_PRI_RINGMASTER_COMMAND:
        return read_ring_command(gpu);
    case NV_PRI_RINGMASTER_RESULT:
        return regs->ring_result;
    case NV_PRI_RINGSTATION_SYS_DECODE_CONFIG:
        return regs->ring_started ? regs->decode_config : GV100_PRI_ERROR;
    case NV_PMC_ENABLE:
        return regs->ring_started ? regs->pmc_enable : GV100_PRI_ERROR;
    case NV_LINK_DISABLE:
        return read_link_disable(gpu);
    default:
        return gv100_bar_word(&gpu->bars[0], off);
    }
}

void gv100_regs_write(GV100State *gpu, hwaddr off, uint32_t val)
{
    switch (off) {
    case NV_PMC_BOOT_0:
    case NV_PRI_RINGMASTER_RESULT:
        log_dropped(gpu, off, "read-only");
        return;
    case NV_PRI_RINGMASTER_COMMAND:
        write_ring_command(gpu, val);
        return;
    case NV_PRI_RINGSTATION_SYS_DECODE_CONFIG:
    case NV_PMC_ENABLE:
        if (!gpu->regs.ring_started) {
            log_dropped(gpu, off, "ring-not-started");
        } else if (off == NV_PMC_ENABLE) {
            write_pmc_enable(gpu, val);
        } else {
            gpu->regs.decode_config = val;
        }
        return;
    case NV_LINK_DISABLE:
        write_link_disable(gpu, val);
        return;
    default:
        gv100_bar_set_word(&gpu->bars[0], off, val);
    }
}
