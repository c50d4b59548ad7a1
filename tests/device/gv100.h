/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An emulated NVIDIA V100 SXM2 ("GV100") for QEMU, as far as cutting its NVLinks goes.
 *
 * Loaded into the stock qemu-system-ppc64 or qemu-system-x86_64 as a plugin: see plugin.c.
 * "hardware.md" in the comments stands for the project's page of hardware facts; what it does not
 * say is marked as assumed.
 */
#ifndef GV100_H
#define GV100_H

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/pci/pci_device.h"
#include "qom/object.h"

#define TYPE_GV100 "gv100"
OBJECT_DECLARE_SIMPLE_TYPE(GV100State, GV100)

#define GV100_LINKS 6

/* Assumed */
#define GV100_ROM_SIZE 0x80000

/* hardware.md 2: the registers, offsets in BAR0 */
#define NV_PMC_BOOT_0 0x000000
#define NV_PMC_ENABLE 0x000200
#define NV_PMC_ENABLE_NVLINK (1u << 25)
#define NV_PRI_RINGMASTER_COMMAND 0x12004c
#define NV_PRI_RINGMASTER_COMMAND_START 0x4
#define NV_PRI_RINGMASTER_RESULT 0x120050
#define NV_PRI_RINGMASTER_RESULT_PASS 0x1
#define NV_PRI_RINGSTATION_SYS_DECODE_CONFIG 0x122204
#define NV_PRI_RINGSTATION_SYS_DECODE_CONFIG_WAIT 0x2
#define NV_LINK_DISABLE 0xa00148
#define NV_LINK_DISABLE_BIT(link) (1u << (16 + (link)))
#define NV_LINK_DISABLE_MASK (0x3fu << 16)

/* hardware.md 2: 0xbad?????/0xbadf???? is a PRI error; which of them comes is assumed. */
#define GV100_PRI_ERROR 0xbadf1100

/**
 * struct GV100Bar - a memory BAR: words that are remembered as written
 * @region: what the BAR maps
 * @shade: behind it, where it was mapped last; see gv100_shade()
 * @gpu: whose it is
 * @words: offset to value, of the 32-bit words that are not zero
 * @index: its number in config space
 * @last_addr: where it was mapped last: distinguishes accesses to a held GPU from other strays
 */
typedef struct GV100Bar {
    MemoryRegion region;
    MemoryRegion shade;
    GV100State *gpu;
    GHashTable *words;
    int index;
    pcibus_t last_addr;
} GV100Bar;

/**
 * struct GV100Regs - what a reset clears
 * @ring_reads: reads of the ring command that still answer "busy"
 * @ring_started: the PRI ring works
 * @ring_result: NV_PRI_RINGMASTER_RESULT
 * @decode_config: NV_PRI_RINGSTATION_SYS_DECODE_CONFIG
 * @pmc_enable: NV_PMC_ENABLE
 * @link_disable: NV_LINK_DISABLE
 */
typedef struct GV100Regs {
    unsigned int ring_reads;
    bool ring_started;
    uint32_t ring_result;
    uint32_t decode_config;
    uint32_t pmc_enable;
    uint32_t link_disable;
} GV100Regs;

/**
 * struct GV100Link - one end of an NVLink, and the account of the link
 * @peer: the GPU at the other end, NULL when there is none or it is a CPU
 * @peer_link: the number the link has there
 * @known: @live has been logged once
 * @live: neither end is disabled; kept, like what follows, at the lower-named end of each link
 * @since: when it became live
 * @total_ns: how long it was live before that
 * @times: how many times it became live
 */
typedef struct GV100Link {
    GV100State *peer;
    int peer_link;
    bool known;
    bool live;
    int64_t since;
    int64_t total_ns;
    unsigned int times;
} GV100Link;

/* What happens at a step of a sequence: see faults.c. */
typedef enum GV100TrapAction {
    GV100_TRAP_OFF,
    GV100_TRAP_ONES,
    GV100_TRAP_PRI,
    GV100_TRAP_MEMORY,
    GV100_TRAP_BAR0,
    GV100_TRAP_COVER,
    GV100_TRAP_ROM,
    GV100_TRAP_RESET,
    GV100_TRAP_GONE,
} GV100TrapAction;

/**
 * struct GV100Trap - property "trap"
 * @action: what happens
 * @step: at which access of a sequence
 * @once: in one sequence only
 * @race: before the access
 * @count: accesses of the sequence that is under way
 * @hit: this access is the one
 */
typedef struct GV100Trap {
    GV100TrapAction action;
    unsigned int step;
    bool once;
    bool race;
    unsigned int count;
    bool hit;
} GV100Trap;

/**
 * struct GV100State - one GPU
 * @next: list of all GPUs
 * @wiring: property "links"
 * @device_id: property "device-id"
 * @flr: property "flr": it has Function Level Reset, unlike a V100
 * @aer: property "aer": it has Advanced Error Reporting
 * @expansion_rom: property "expansion-rom": it has an expansion ROM
 * @in_flr: such a reset is under way
 * @boot0: property "boot0", what NV_PMC_BOOT_0 reads
 * @mask_stuck: fault "mask-stuck": the link disable register cannot be written
 * @mask_late: fault "mask-late": what is written to it shows after the next read
 * @mask_coming: what that is, 0 for nothing
 * @ring_busy: fault "ring-busy": the PRI ring never reports that it has started
 * @no_answer: fault "no-answer": BARs answer nothing, as those of a GPU that does not come up
 * @no_config: fault "no-config": nor does config space
 * @frozen: property "frozen": the PHB answers reads of BARs with ones and drops writes
 * @frozen_config: property "frozen-config": while it is frozen, the same in config space
 * @timeout_us: property "timeout-us": so long a read takes that nobody answers
 * @trap: property "trap"
 * @late_ms: property "late-ms": so long it answers nothing after a reset
 * @answers_at: when that is over
 * @was_held: it was in reset at the last check
 * @epoch: property "epoch": counts what may have changed the mask; the same twice, and the mask was
 *         the same in between
 * @bars: BAR0, BAR1 and BAR3
 * @rom: the expansion ROM
 * @pm: offset of the power management capability
 * @memory: COMMAND has MEMORY set, as logged
 * @switched_on: property "switched-on": how often it was set
 * @link_down: a reset by the link that goes down is under way
 * @exposed: a link to another GPU is not cut at this end, and BAR0 can be reached
 */
struct GV100State {
    PCIDevice parent_obj;
    QTAILQ_ENTRY(GV100State) next;

    char *wiring;
    uint16_t device_id;
    bool flr;
    bool aer;
    bool expansion_rom;
    bool in_flr;
    uint32_t boot0;
    bool mask_stuck;
    bool mask_late;
    uint32_t mask_coming;
    bool ring_busy;
    bool no_answer;
    bool no_config;
    bool frozen;
    bool frozen_config;
    uint32_t timeout_us;
    GV100Trap trap;
    uint32_t late_ms;
    int64_t answers_at;
    bool was_held;
    uint32_t epoch;

    GV100Bar bars[3];
    MemoryRegion rom;
    int pm;

    GV100Regs regs;
    GV100Link links[GV100_LINKS];
    bool memory;
    uint32_t switched_on;
    bool link_down;
    bool exposed;
    int64_t exposed_since;
    int64_t exposed_ns;
    unsigned int exposed_times;
};

typedef QTAILQ_HEAD(, GV100State) GV100List;

/* gv100.c */
extern GV100List gv100_list;
void gv100_register(void);
const char *gv100_name(GV100State *gpu);
GV100State *gv100_find(const char *name);
bool gv100_held(GV100State *gpu);
bool gv100_mute(GV100State *gpu);
bool gv100_reachable(GV100State *gpu);
void gv100_memory_update(GV100State *gpu, const char *cause);
void gv100_freeze(GV100State *gpu, bool frozen);

extern const MemoryRegionOps gv100_bar_ops;

/* regs.c */
void gv100_regs_reset(GV100State *gpu);
uint32_t gv100_regs_read(GV100State *gpu, hwaddr off);
void gv100_regs_write(GV100State *gpu, hwaddr off, uint32_t val);
void gv100_regs_set_mask(GV100State *gpu, uint32_t val);
uint32_t gv100_bar_word(GV100Bar *bar, hwaddr off);
void gv100_bar_set_word(GV100Bar *bar, hwaddr off, uint32_t val);

/* links.c */
void gv100_links_init(void);
void gv100_links_update(GV100State *gpu);
void gv100_exposure_update(GV100State *gpu);

/* faults.c */
bool gv100_trap_access(GV100State *gpu, bool first, uint32_t *val);
void gv100_trap_accessed(GV100State *gpu);
void gv100_trap_looked(GV100State *gpu);
char *gv100_trap_get(Object *obj, Error **errp);
void gv100_trap_set(Object *obj, const char *value, Error **errp);
void gv100_late_update(GV100State *gpu);
bool gv100_late(GV100State *gpu);
void gv100_timeout(GV100State *gpu);
void gv100_faults_off(GV100State *gpu);
void gv100_drop_link(GV100State *gpu);

/* strays.c */
void gv100_catch_strays(GV100State *gpu);
void gv100_shade(GV100Bar *bar, pcibus_t addr);

/* bus.c */
bool gv100_bus_attach(GV100State *gpu, Error **errp);
bool gv100_bus_has_below(PCIBus *root, hwaddr addr);
void gv100_bus_link_changed(GV100State *gpu);
bool gv100_bus_in_reset(PCIDevice *bridge);
bool gv100_bus_link_disabled(PCIDevice *bridge);
bool gv100_bus_link_training(PCIDevice *bridge);
bool gv100_bus_is_bridge(const char *name);
char *gv100_bus_get(const char *name, const char *property, Error **errp);
bool gv100_bus_set(const char *name, const char *property, const char *value, Error **errp);

/* control.c */
void gv100_control_register(void);

/* plugin.c: the log */
extern bool log_config_reads;
int64_t log_now(void);
void log_event(const char *who, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
