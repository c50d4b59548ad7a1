// SPDX-License-Identifier: GPL-2.0-only
/* This kernel's calls to OPAL cannot be watched, so resets would go unseen. */
#include <linux/tracepoint.h>
#include <asm/opal-api.h>
#include <asm/trace.h>

#ifndef CONFIG_TRACEPOINTS
#error "no tracepoints"
#endif

static void on_entry(void *data, unsigned long opcode, unsigned long *args)
{
}

static void on_exit(void *data, unsigned long opcode, unsigned long result)
{
}

static void find(struct tracepoint *point, void *data)
{
	if (tracepoint_probe_register(point, on_entry, NULL))
		tracepoint_probe_unregister(point, on_entry, NULL);
}

int nvli_feature(void);
int nvli_feature(void)
{
	/* The module has to find them by name. Here they are named for their arguments' types. */
	register_trace_opal_entry(on_entry, NULL);
	register_trace_opal_exit(on_exit, NULL);
	for_each_kernel_tracepoint(find, NULL);

	return OPAL_PCI_RESET + OPAL_PCI_POLL + OPAL_PCI_SET_POWER_STATE +
	       OPAL_PCI_EEH_FREEZE_CLEAR + OPAL_PCI_CONFIG_WRITE_HALF_WORD;
}
