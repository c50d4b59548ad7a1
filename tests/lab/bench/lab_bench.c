// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures the cost for other devices of hooks on OPAL and pci_enable_device(), in ticks of the
 * timebase (512 MHz). Where the machine's clock counts instructions, so do these, exactly: each
 * figure is the least of many rounds, which is one that no interrupt fell into.
 *
 *   device=BDF  the device to measure with, which no driver has; without it only `now` is there
 *   empty=1     put a probe that does nothing on each of the tracepoints opal_entry and opal_exit
 *
 * Reading the others gives the results:
 *
 *   config_read, config_write   a config access of 16 bits, which is one call of OPAL
 *   enable                      pci_enable_device()
 *   now                         the time in ns, for shells: reading it takes no process
 *
 * Bridges written to raw_reset, as in "0000:02:00.0 0000:02:01.0", get the reset bit of bridge
 * control set for 2 ms, all at the same time. Nothing is saved or restored.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/tracepoint.h>

#include <asm/time.h>

#define ROUNDS	200
#define BRIDGES	16

static char *device = "";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "PCI address of the device to measure with");

static bool empty;
module_param(empty, bool, 0444);
MODULE_PARM_DESC(empty, "put empty probes on the tracepoints of OPAL (default: N)");

static ulong config_read;
module_param(config_read, ulong, 0444);
MODULE_PARM_DESC(config_read, "result: ticks of a config read");

static ulong config_write;
module_param(config_write, ulong, 0444);
MODULE_PARM_DESC(config_write, "result: ticks of a config write");

static ulong enable;
module_param(enable, ulong, 0444);
MODULE_PARM_DESC(enable, "result: ticks of pci_enable_device()");

static int get_now(char *buffer, const struct kernel_param *kp)
{
	/* sysfs_emit() is not in 4.18. */
	return scnprintf(buffer, PAGE_SIZE, "%llu\n", tb_to_ns(get_tb()));
}

static const struct kernel_param_ops now_ops = {
	.get = get_now,
};
module_param_cb(now, &now_ops, NULL, 0444);
MODULE_PARM_DESC(now, "the time in ns");

static void write_reset(struct pci_dev *bridge, bool reset)
{
	u16 control;

	pci_read_config_word(bridge, PCI_BRIDGE_CONTROL, &control);
	if (reset)
		control |= PCI_BRIDGE_CTL_BUS_RESET;
	else
		control &= ~PCI_BRIDGE_CTL_BUS_RESET;
	pci_write_config_word(bridge, PCI_BRIDGE_CONTROL, control);
}

static int set_raw_reset(const char *val, const struct kernel_param *kp)
{
	struct pci_dev *bridge[BRIDGES];
	unsigned int domain, bus, slot, func;
	int length = 0;
	int err = 0;
	int n = 0;
	int i;

	while (sscanf(val, " %x:%x:%x.%x%n", &domain, &bus, &slot, &func, &length) == 4) {
		if (n == BRIDGES) {
			err = -E2BIG;
			break;
		}
		bridge[n] = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, func));
		if (!bridge[n]) {
			err = -ENODEV;
			break;
		}
		n++;
		val += length;
	}
	for (i = 0; i < n && !err; i++)
		write_reset(bridge[i], true);
	usleep_range(2000, 2100);
	for (i = 0; i < n && !err; i++)
		write_reset(bridge[i], false);
	for (i = 0; i < n; i++)
		pci_dev_put(bridge[i]);

	return err;
}

static const struct kernel_param_ops raw_reset_ops = {
	.set = set_raw_reset,
};
module_param_cb(raw_reset, &raw_reset_ops, NULL, 0200);
MODULE_PARM_DESC(raw_reset, "bridges whose secondary buses to reset, all at the same time");

static struct tracepoint *entry_point, *exit_point;

static void on_entry(void *unused, unsigned long opcode, unsigned long *args)
{
}

static void on_exit(void *unused, unsigned long opcode, unsigned long result)
{
}

static void find_point(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "opal_entry"))
		entry_point = point;
	else if (!strcmp(point->name, "opal_exit"))
		exit_point = point;
}

static int add_probes(void)
{
	int err;

	for_each_kernel_tracepoint(find_point, NULL);
	if (!entry_point || !exit_point)
		return -ENOENT;
	err = tracepoint_probe_register(entry_point, on_entry, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(exit_point, on_exit, NULL);
	if (err)
		tracepoint_probe_unregister(entry_point, on_entry, NULL);

	return err;
}

static void remove_probes(void)
{
	tracepoint_probe_unregister(exit_point, on_exit, NULL);
	tracepoint_probe_unregister(entry_point, on_entry, NULL);
	tracepoint_synchronize_unregister();
}

static int measure(struct pci_dev *pdev)
{
	u64 begin, ticks;
	u16 command;
	int err;
	int i;

	config_read = ULONG_MAX;
	config_write = ULONG_MAX;
	enable = ULONG_MAX;
	for (i = 0; i < ROUNDS; i++) {
		begin = get_tb();
		pci_read_config_word(pdev, PCI_COMMAND, &command);
		ticks = get_tb() - begin;
		config_read = min_t(u64, config_read, ticks);

		begin = get_tb();
		pci_write_config_word(pdev, PCI_COMMAND, command);
		ticks = get_tb() - begin;
		config_write = min_t(u64, config_write, ticks);

		begin = get_tb();
		err = pci_enable_device(pdev);
		ticks = get_tb() - begin;
		if (err)
			return err;
		pci_disable_device(pdev);
		enable = min_t(u64, enable, ticks);
	}

	return 0;
}

static int __init lab_bench_init(void)
{
	struct pci_dev *pdev = NULL;
	int err;

	if (!*device)
		return 0;

	while ((pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev)))
		if (!strcmp(pci_name(pdev), device))
			break;
	if (!pdev) {
		pr_err("device=%s: no such PCI device\n", device);
		return -ENODEV;
	}
	err = empty ? add_probes() : 0;
	if (!err) {
		err = measure(pdev);
		if (empty)
			remove_probes();
	}
	pci_dev_put(pdev);

	return err;
}

static void __exit lab_bench_exit(void)
{
}

module_init(lab_bench_init);
module_exit(lab_bench_exit);

MODULE_DESCRIPTION("Measures config accesses and pci_enable_device() (test)");
MODULE_LICENSE("GPL");
