// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lab's control device: how a test inside the guest talks to the emulation.
 *
 * The guest writes a command ending in a newline to config space from 0x80 on; it is done at once,
 * and the reply, `ok ...` or `error ...` and a newline, takes its place. There can be several such
 * devices, for as many who talk at the same time.
 *
 *   mark TEXT                 a line in the log
 *   set GPU PROPERTY VALUE
 *   get GPU PROPERTY          PROPERTY is one of the GPU's, or `mask` for its link disable register:
 *                             setting that is what a reset would do that nobody outside sees
 *   set GPU faults off        all of them
 *   set GPU link-down 1       its link goes down and up again, which resets it
 *   set PORT link-report VALUE, get PORT link-report
 *   the same with no-power-control and no-reset
 *                             on or off: does the port report that its link was down?
 *   set PORT slow-link VALUE  on: after a reset its link comes up only when this is switched off
 *   get PORT training         is it waiting for that?
 *   set PORT containment on   it has the capability of Downstream Port Containment from then on
 *
 * What must not mix with the commands of others is one write of a dword. GPU is the number of the GPU
 * among the machine's -device options, from 0.
 *
 *   0x40  GPU << 1 | FROZEN       freeze or thaw its PE: for drivers, which may be in any context. Reads
 *                                 as a mask of those that are frozen
 *   0x44  GPU << 28 | ID << 16 | COUNT & 0xffff
 *                                 the gate says that it has switched on the memory decoding of the
 *                                 GPU COUNT times. ID distinguishes the kernel's devices at this
 *                                 place from each other; 0xfff: enforcement is about to begin, 0xffe:
 *                                 it has ended
 *   0x48  GPU << 28 | COUNT >> 16 that was so, since it says the same after it
 */
#include "gv100.h"

#define TYPE_CONTROL "nvlink-lab"
OBJECT_DECLARE_SIMPLE_TYPE(Control, CONTROL)

#define CONTROL_WINDOW 0x80
#define CONTROL_SIZE 0x80
#define CONTROL_FREEZE 0x40
#define CONTROL_COUNT 0x44
#define CONTROL_CONFIRM 0x48

struct Control {
    PCIDevice parent_obj;
    uint32_t count;
};

static char *get_property(GV100State *gpu, const char *name, Error **errp)
{
    if (!strcmp(name, "mask")) {
        return g_strdup_printf("0x%08x", gpu->regs.link_disable);
    }
    return object_property_print(OBJECT(gpu), name, false, errp);
}

/* Returns what follows "ok " in the reply, NULL with @errp set on failure. */
static char *run_command(char *command, Error **errp)
{
    g_auto(GStrv) word = g_strsplit(command, " ", 4);
    unsigned int words = g_strv_length(word);
    GV100State *gpu;

    if (words >= 2 && !strcmp(word[0], "mark")) {
        log_event("lab", "mark text=%s", command + strlen("mark "));
        return g_strdup("");
    }
    if (!(words == 3 && !strcmp(word[0], "get")) && !(words == 4 && !strcmp(word[0], "set"))) {
        error_setg(errp, "unknown command");
        return NULL;
    }
    gpu = gv100_find(word[1]);
    if (!gpu && !gv100_bus_is_bridge(word[1])) {
        error_setg(errp, "no gv100 %s", word[1]);
        return NULL;
    }
    if (words == 3) {
        return gpu ? get_property(gpu, word[2], errp) : gv100_bus_get(word[1], word[2], errp);
    }
    log_event("lab", "set gpu=%s property=%s value=%s", word[1], word[2], word[3]);
    if (!gpu) {
        return gv100_bus_set(word[1], word[2], word[3], errp) ? g_strdup("") : NULL;
    }
    if (!strcmp(word[2], "mask")) {
        gv100_regs_set_mask(gpu, g_ascii_strtoull(word[3], NULL, 0));
        return g_strdup("");
    }
    if (!strcmp(word[2], "faults") && !strcmp(word[3], "off")) {
        gv100_faults_off(gpu);
        return g_strdup("");
    }
    if (!strcmp(word[2], "link-down")) {
        gv100_drop_link(gpu);
        return g_strdup("");
    }
    return object_property_parse(OBJECT(gpu), word[2], word[3], errp) ? g_strdup("") : NULL;
}

static void execute(PCIDevice *pci, size_t length)
{
    g_autofree char *command = g_strndup((char *)pci->config + CONTROL_WINDOW, length);
    g_autofree char *result = NULL;
    char *window = (char *)pci->config + CONTROL_WINDOW;
    Error *err = NULL;

    result = run_command(command, &err);
    memset(window, 0, CONTROL_SIZE);
    /* A reply that is too long loses its end, not its newline. */
    if (err) {
        snprintf(window, CONTROL_SIZE - 1, "error %s", error_get_pretty(err));
        error_free(err);
    } else {
        snprintf(window, CONTROL_SIZE - 1, "ok%s%s", *result ? " " : "", result);
    }
    strcat(window, "\n");
}

static GV100State *numbered(unsigned int n)
{
    GV100State *gpu;

    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        if (!n--) {
            return gpu;
        }
    }
    return NULL;
}

static uint32_t control_config_read(PCIDevice *pci, uint32_t off, int len)
{
    uint32_t mask = 0;
    GV100State *gpu;
    int n = 0;

    if (off != CONTROL_FREEZE || len != 4) {
        return pci_default_read_config(pci, off, len);
    }
    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        mask |= gpu->frozen << n++;
    }
    return mask;
}

static void freeze(uint32_t val)
{
    GV100State *gpu = numbered(val >> 1);

    if (gpu) {
        gv100_freeze(gpu, val & 1);
    }
}

/* What the gate says is as of the moment that it was said first. */
static void count(Control *control, uint32_t off, uint32_t val)
{
    GV100State *gpu = numbered(val >> 28);
    unsigned int id = (off == CONTROL_COUNT ? val : control->count) >> 16 & 0xfff;

    if (!gpu) {
        return;
    }
    if (off == CONTROL_CONFIRM) {
        log_event("lab", "count gpu=%s id=%u val=%u", gv100_name(gpu), id,
                  val << 16 | (control->count & 0xffff));
        return;
    }
    control->count = val;
    log_event("lab", "count-%s gpu=%s", id == 0xfff ? "begin" : id == 0xffe ? "end" : "at",
              gv100_name(gpu));
}

/* In the order of the bytes; what comes after a newline in the same write is not wanted. */
static void control_config_write(PCIDevice *pci, uint32_t off, uint32_t val, int len)
{
    if (off == CONTROL_FREEZE && len == 4) {
        freeze(val);
        return;
    }
    if ((off == CONTROL_COUNT || off == CONTROL_CONFIRM) && len == 4) {
        count(CONTROL(pci), off, val);
        return;
    }
    if (off < CONTROL_WINDOW || off + len > CONTROL_WINDOW + CONTROL_SIZE) {
        pci_default_write_config(pci, off, val, len);
        return;
    }
    for (int i = 0; i < len; i++) {
        char byte = val >> (8 * i);

        if (byte == '\n') {
            execute(pci, off + i - CONTROL_WINDOW);
            return;
        }
        pci->config[off + i] = byte;
    }
}

static void control_realize(PCIDevice *pci, Error **errp)
{
    (void)pci;
    (void)errp;
}

/* 1b36 is the vendor id of QEMU's own devices; 00ee is none of them, so no driver binds. */
static void control_class_init(ObjectClass *oc, void *data)
{
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    (void)data;
    pc->realize = control_realize;
    pc->config_read = control_config_read;
    pc->config_write = control_config_write;
    pc->vendor_id = PCI_VENDOR_ID_REDHAT;
    pc->device_id = 0x00ee;
    pc->class_id = PCI_CLASS_OTHERS;
    DEVICE_CLASS(oc)->hotpluggable = false;
    DEVICE_CLASS(oc)->desc = "Control of the emulated V100s from inside the guest";
}

void gv100_control_register(void)
{
    static const InterfaceInfo interfaces[] = {
        { INTERFACE_CONVENTIONAL_PCI_DEVICE },
        { },
    };
    static const TypeInfo info = {
        .name = TYPE_CONTROL,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(Control),
        .class_init = control_class_init,
        .interfaces = (InterfaceInfo *)interfaces,
    };

    type_register_static(&info);
}
