/* SPDX-License-Identifier: GPL-2.0-only */
/* Config writes on a bus, interposed. */
#ifndef NVLI_BUS_H
#define NVLI_BUS_H

#include <linux/atomic.h>
#include <linux/pci.h>
#include <linux/spinlock.h>

/**
 * struct nvli_bus - a bus whose config writes go through the gate
 * @node: in the list of all of them, under RCU
 * @bus: the bus; holds a reference
 * @lock: serialises verifications on this bus, where config writes come without pci_lock
 * @cpu: the processor that is in the gate with @lock, -1 for none
 *
 * The entry lives as long as the bus, or longer: a GPU that is removed and found again is always
 * gated.
 */
struct nvli_bus {
	struct list_head node;
	struct pci_bus *bus;
	raw_spinlock_t lock;
	int cpu;
};

typedef int (*nvli_bus_write_t)(struct pci_bus *bus, unsigned int devfn, int where, int size,
				u32 value);

/* Writers that sleep in the gate, before they take any lock */
extern atomic_t nvli_bus_sleepers;

void nvli_buses_init(nvli_bus_write_t write);
void nvli_buses_exit(void);
void nvli_buses_wait(void);
struct nvli_bus *nvli_bus_find(const struct pci_bus *bus);
void nvli_bus_wait(const struct pci_bus *bus);
struct pci_ops *nvli_bus_own_ops(struct pci_bus *bus);
bool nvli_bus_read(struct pci_dev *pdev, int where, int size, u32 *value);
bool nvli_bus_attach(struct pci_bus *bus);
bool nvli_bus_is_attached(const struct pci_bus *bus);
bool nvli_buses_can_detach(void);
int nvli_buses_detach(void);
void nvli_bus_forget_below(const struct pci_dev *pdev);

#endif
