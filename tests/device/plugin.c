// SPDX-License-Identifier: GPL-2.0-only
/*
 * What `-plugin device.so,log=FILE[,config-reads=on]` starts: adds the device types to a stock
 * QEMU, whose -device options are parsed later, and keeps the log. With config-reads=on the log has
 * the config reads of GPUs and of the bridges above them, too.
 *
 * QEMU's plugin interface is stable, its device interface is not: the file works with exactly the
 * QEMU that its headers come from. `build` and `qemu` ensure that; check_layout() is the last line.
 */
#include "gv100.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "hw/qdev-properties.h"
#include "qemu/qemu-plugin.h"

bool log_config_reads;
static FILE *log_file;

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

int64_t log_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* One line, `<virtual ns> <who> <event> [key=value ...]`; callers hold the big QEMU lock. */
void log_event(const char *who, const char *format, ...)
{
    va_list args;

    fprintf(log_file, "%" PRId64 " %s ", log_now(), who);
    va_start(args, format);
    vfprintf(log_file, format, args);
    va_end(args);
    fputc('\n', log_file);
}

/*
 * QEMU's own list of a PCI device's properties has their offsets. The last of them lies
 * behind everything that this plugin uses, among it several MemoryRegions.
 */
static bool check_layout(void)
{
    DeviceClass *dc = DEVICE_CLASS(object_class_by_name(TYPE_PCI_DEVICE));
    unsigned int found = 0;

    for (size_t i = 0; dc && i < dc->props_count_; i++) {
        const Property *prop = &dc->props_[i];

        if (!strcmp(prop->name, "addr")) {
            found += prop->offset == offsetof(PCIDevice, devfn);
        } else if (!strcmp(prop->name, "failover_pair_id")) {
            found += prop->offset == offsetof(PCIDevice, failover_pair_id);
        }
    }
    return found == 2;
}

static bool parse_option(const char *option)
{
    if (g_str_has_prefix(option, "log=") && !log_file) {
        log_file = fopen(option + strlen("log="), "w");
        if (!log_file) {
            error_report("gv100: cannot write %s: %s", option + strlen("log="),
                         strerror(errno));
            return false;
        }
        setvbuf(log_file, NULL, _IOLBF, 0);
        return true;
    }
    if (g_str_has_prefix(option, "config-reads=") &&
        qapi_bool_parse("config-reads", option + strlen("config-reads="), &log_config_reads,
                        NULL)) {
        return true;
    }
    error_report("gv100: unknown plugin option %s", option);
    return false;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
                                           int argc, char **argv)
{
    (void)id;
    (void)info;

    if (!check_layout()) {
        error_report("gv100: this is not the QEMU that the plugin was built for (%s)",
                     GV100_QEMU_VERSION);
        return -1;
    }
    for (int i = 0; i < argc; i++) {
        if (!parse_option(argv[i])) {
            return -1;
        }
    }
    if (!log_file) {
        error_report("gv100: the plugin needs log=FILE");
        return -1;
    }

    gv100_register();
    gv100_control_register();
    gv100_links_init();
    return 0;
}
