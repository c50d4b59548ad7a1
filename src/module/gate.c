// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate. A reset of any kind clears the GPU's PCI_COMMAND.MEMORY, and nobody can reach BAR0
 * before it is set again. So the write operation of the GPU's own bus is replaced: the write that
 * switches decoding on is passed on only after the required links were read back as disabled, right
 * here; else it is refused.
 *
 * Locks: pci_lock, where the platform takes it around config accesses, then gate->lock, then what
 * the bus's own operations take. gpu->lock is a leaf.
 */

#include "log.h"
#include "gate.h"
#include "settings.h"
#include "trace.h"
#include "verify.h"

#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/slab.h>

/* BAR0 up to the last register that the sequence needs */
#define MAPPED_SIZE	(GV100_LINK_DISABLE + 4)

/**
 * struct gate - the gate of a bus
 * @node: in the list of all gates
 * @bus: the bus; holds a reference
 * @ops: a copy of @original with our write
 * @original: the bus's own operations
 * @lock: serialises verifications where config writes come without pci_lock
 *
 * It stays for as long as the bus does: a GPU that is removed and found again is never ungated.
 */
struct gate {
	struct list_head node;
	struct pci_bus *bus;
	struct pci_ops ops;
	struct pci_ops *original;
	raw_spinlock_t lock;
};

static LIST_HEAD(gates);
static DEFINE_MUTEX(gates_lock);

/*
 * Not by container_of(bus->ops): aer_inject puts its own operations there for as long as it injects
 * errors, and calls ours. Under RCU.
 */
static struct gate *find_gate(const struct pci_bus *bus)
{
	struct gate *gate;

	list_for_each_entry_rcu(gate, &gates, node)
		if (gate->bus == bus)
			return gate;

	return NULL;
}

/* Would this write switch memory decoding on, if it is off? Writes of any width count. */
static bool switches_on(int where, int size, u32 value)
{
	return where <= PCI_COMMAND && where + size > PCI_COMMAND &&
	       value >> 8 * (PCI_COMMAND - where) & PCI_COMMAND_MEMORY;
}

/* Between DEL_DEVICE and ADD_DEVICE a GPU has no object. Is it one, as far as it answers? */
static bool may_be_gpu(struct nvli_visit *visit)
{
	u32 id;

	return !nvli_visit_read(visit, PCI_VENDOR_ID, 4, &id) || id == U32_MAX ||
	       nvli_board(id & U16_MAX, id >> 16);
}

static int refuse(struct nvli_gpu *gpu)
{
	nvli_gpu_count_refusal(gpu);
	nvli_gpu_kick(gpu);

	return PCIBIOS_SET_FAILED;
}

static bool is_left_alone(struct nvli_gpu *gpu)
{
	return READ_ONCE(gpu->spared) || nvli_gpu_state(gpu) == NVLI_OFF;
}

/* A write that switches decoding on: verify first, then pass the write on or refuse it. */
static int switch_on(struct nvli_visit *visit, int where, int size, u32 value)
{
	struct nvli_gpu *gpu = visit->gpu;
	enum nvli_answer answer;
	u64 began = ktime_get_ns();
	u32 command;
	int err;

	/* What a device in reset, frozen or gone does with the write is not known. */
	if (!nvli_visit_read(visit, PCI_COMMAND, 2, &command))
		command = U16_MAX;
	if (READ_ONCE(nvli_gate) && command == U16_MAX && !(gpu && is_left_alone(gpu)))
		return gpu ? refuse(gpu) : PCIBIOS_SET_FAILED;
	/* All ones have this bit, too. */
	if (command & PCI_COMMAND_MEMORY)
		return visit->ops->write(visit->bus, visit->devfn, where, size, value);
	if (!gpu)
		return READ_ONCE(nvli_gate) && may_be_gpu(visit) ? PCIBIOS_SET_FAILED :
			visit->ops->write(visit->bus, visit->devfn, where, size, value);

	visit->command = command;
	answer = nvli_visit_verify(visit, NVLI_ONCE);
	if (answer != NVLI_VERIFIED && answer != NVLI_SPARED && READ_ONCE(nvli_gate) &&
	    !is_left_alone(gpu)) {
		nvli_visit_end(visit, false);
		trace_nvli_gate(visit, answer, ktime_get_ns() - began);
		return refuse(gpu);
	}

	nvli_visit_end(visit, true);
	err = visit->ops->write(visit->bus, visit->devfn, where, size, value);
	if (!err && !visit->is_on)
		gpu->switched_on++;
	/* What cannot be passed on leaves the GPU as it was found. */
	if (err && visit->is_on)
		nvli_visit_write_command(visit, visit->command);
	trace_nvli_gate(visit, answer, ktime_get_ns() - began);
	if (nvli_gpu_has_news(gpu))
		nvli_gpu_kick(gpu);

	return err;
}

/* A sleepable caller asks for a verification: see nvli_gate_ring(). */
static void answer_bell(struct nvli_visit *visit)
{
	struct nvli_bell *bell = &visit->gpu->bell;
	u64 began = ktime_get_ns();
	u32 command;

	if (!nvli_visit_read(visit, PCI_COMMAND, 2, &command)) {
		/*
		 * EEH writes COMMAND just before it calls hook B, and may have switched decoding
		 * on. Config space is blocked here only if a second thread of the user has begun
		 * another EEH reset in between, or if the user before was killed in one.
		 */
		if (bell->how == NVLI_ONCE && nvli_visit_may_be_on(visit))
			nvli_gpu_set_stuck_on(visit->gpu);
		command = U16_MAX;
	}
	if (command == U16_MAX) {
		nvli_gpu_set_obstacle(visit->gpu, "it does not answer in config space");
		return;
	}

	visit->command = command;
	bell->answer = nvli_visit_verify(visit, bell->how);
	nvli_visit_end(visit, false);
	trace_nvli_gate(visit, bell->answer, ktime_get_ns() - began);
}

static int gate_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct nvli_visit visit = { .bus = bus, .devfn = devfn };
	int err = PCIBIOS_SET_FAILED;
	unsigned long flags;
	struct gate *gate;

	rcu_read_lock();
	gate = find_gate(bus);
	if (!gate)
		goto unlock;

	visit.ops = gate->original;
	visit.gpu = nvli_gpu_find(bus, devfn);
	raw_spin_lock_irqsave(&gate->lock, flags);
	if (visit.gpu && where == PCI_VENDOR_ID && visit.gpu->bell.ringer == current) {
		answer_bell(&visit);
		err = PCIBIOS_SUCCESSFUL;
	} else if (switches_on(where, size, value)) {
		err = switch_on(&visit, where, size, value);
	} else {
		err = visit.ops->write(bus, devfn, where, size, value);
	}
	raw_spin_unlock_irqrestore(&gate->lock, flags);
unlock:
	rcu_read_unlock();

	return err;
}

/* Map BAR0, or map it again if it moved. Returns NULL, or why that is not possible. */
static const char *map_bar0(struct nvli_gpu *gpu)
{
	const struct resource *bar0 = &gpu->pdev->resource[0];
	struct nvli_mapping *old, *new;

	if (!(bar0->flags & IORESOURCE_MEM) || bar0->flags & IORESOURCE_UNSET || !bar0->parent)
		return "BAR0 has no address yet";
	if (resource_size(bar0) < GV100_BAR0_SIZE)
		return "BAR0 is smaller than 16 MiB";

	old = rcu_dereference_protected(gpu->mapping, lockdep_is_held(&gpu->ring_lock));
	if (old && old->start == bar0->start)
		return NULL;

	nvli_gate_unmap(gpu);
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (new)
		new->base = ioremap(bar0->start, MAPPED_SIZE);
	if (!new || !new->base) {
		kfree(new);
		return "no memory to map BAR0";
	}
	new->start = bar0->start;
	rcu_assign_pointer(gpu->mapping, new);

	return NULL;
}

/* Drop the mapping. The caller holds ring_lock, or nobody can ring. */
void nvli_gate_unmap(struct nvli_gpu *gpu)
{
	struct nvli_mapping *old = rcu_dereference_protected(gpu->mapping, true);

	if (!old)
		return;

	rcu_assign_pointer(gpu->mapping, NULL);
	synchronize_rcu();
	iounmap(old->base);
	kfree(old);
}

/**
 * nvli_gate_ring() - verify a GPU now
 * @gpu: the GPU
 * @how: how strongly that is wanted
 *
 * Does it through a config write, so that there is one sequence in one context: the gate takes the
 * ringer's next write of the vendor id, which no device does anything with, for the doorbell.
 * Takes no lock of others. Sleeps.
 *
 * Return: the result. NVLI_NOT_READY if the GPU does not answer in config space.
 */
enum nvli_answer nvli_gate_ring(struct nvli_gpu *gpu, enum nvli_how how)
{
	enum nvli_answer answer = NVLI_NOT_READY;
	const char *what;

	mutex_lock(&gpu->ring_lock);
	/* start() and stop() go from GPU to GPU. One that is off may be enabled meanwhile. */
	if (nvli_gpu_state(gpu) == NVLI_OFF)
		answer = NVLI_SPARED;
	if (READ_ONCE(gpu->dead) || answer == NVLI_SPARED)
		goto unlock;

	what = map_bar0(gpu);
	if (what) {
		nvli_gpu_set_obstacle(gpu, what);
	} else {
		gpu->bell.how = how;
		gpu->bell.answer = NVLI_NOT_READY;
		WRITE_ONCE(gpu->bell.ringer, current);
		pci_bus_write_config_word(gpu->pdev->bus, gpu->pdev->devfn, PCI_VENDOR_ID,
					  gpu->pdev->vendor);
		WRITE_ONCE(gpu->bell.ringer, NULL);
		answer = gpu->bell.answer;
	}
unlock:
	mutex_unlock(&gpu->ring_lock);

	return answer;
}

/* Is the gate what config writes on this bus meet? */
bool nvli_gate_is_attached(const struct pci_bus *bus)
{
	struct gate *gate;
	bool attached;

	rcu_read_lock();
	gate = find_gate(bus);
	attached = gate && READ_ONCE(bus->ops) == &gate->ops;
	rcu_read_unlock();

	return attached;
}

/* Has another module put back the operations that were there before ours? */
static bool is_off(const struct gate *gate)
{
	return READ_ONCE(gate->bus->ops) == gate->original;
}

/* The operations that the host bridge's driver gave to all its buses */
static struct pci_ops *machine_ops(struct pci_bus *bus)
{
	while (bus->parent)
		bus = bus->parent;

	return to_pci_host_bridge(bus->bridge)->ops;
}

/*
 * Put the gate on the bus of a GPU, unless it is there already. The gate does not go on top of
 * another module's operations: that module could be unloaded first. Returns true if config writes
 * meet the gate now.
 */
bool nvli_gate_attach(struct pci_bus *bus)
{
	struct gate *gate;
	bool attached;

	mutex_lock(&gates_lock);
	rcu_read_lock();
	gate = find_gate(bus);
	rcu_read_unlock();
	if (gate) {
		if (is_off(gate))
			pci_bus_set_ops(bus, &gate->ops);
		goto unlock;
	}
	if (bus->ops != machine_ops(bus)) {
		dev_err(&bus->dev, "another module has put its config operations there: %ps\n",
			bus->ops);
		goto unlock;
	}

	gate = kzalloc(sizeof(*gate), GFP_KERNEL);
	if (!gate)
		goto unlock;
	raw_spin_lock_init(&gate->lock);
	get_device(&bus->dev);
	gate->bus = bus;
	gate->original = bus->ops;
	gate->ops = *gate->original;
	gate->ops.write = gate_write;
	/* A write may come as soon as the operations are there. */
	list_add_tail_rcu(&gate->node, &gates);
	pci_bus_set_ops(bus, &gate->ops);
unlock:
	attached = nvli_gate_is_attached(bus);
	mutex_unlock(&gates_lock);

	return attached;
}

/* Could all gates be taken off now, without taking others' operations with them? */
bool nvli_gate_can_detach(void)
{
	struct gate *gate;
	bool can = true;

	mutex_lock(&gates_lock);
	list_for_each_entry(gate, &gates, node) {
		if (READ_ONCE(gate->bus->ops) == &gate->ops || is_off(gate))
			continue;
		dev_err(&gate->bus->dev, "another module has put its config operations on top of ours: %ps\n",
			gate->bus->ops);
		can = false;
	}
	mutex_unlock(&gates_lock);

	return can;
}

/*
 * Take a gate off. pci_bus_set_ops() takes pci_lock, so no processor runs in ours when it returns;
 * the grace period is for platforms whose config accesses do not take it. False if another module
 * has put its operations on top.
 */
static bool detach(struct gate *gate)
{
	struct pci_ops *ops = pci_bus_set_ops(gate->bus, gate->original);

	if (ops != &gate->ops && ops != gate->original) {
		pci_bus_set_ops(gate->bus, ops);
		return false;
	}
	list_del_rcu(&gate->node);
	synchronize_rcu();
	put_device(&gate->bus->dev);
	kfree(gate);

	return true;
}

/* Return: 0, or -EBUSY if a gate could not be taken off. The others are. */
int nvli_gate_detach_all(void)
{
	struct gate *gate, *next;
	int err = 0;

	mutex_lock(&gates_lock);
	list_for_each_entry_safe(gate, next, &gates, node)
		if (!detach(gate))
			err = -EBUSY;
	mutex_unlock(&gates_lock);

	return err;
}

/* A port is removed, after the bus below it. The gate still holds a reference to the pci_bus. */
void nvli_gate_forget_port(const struct pci_dev *port)
{
	struct gate *gate, *next;

	mutex_lock(&gates_lock);
	list_for_each_entry_safe(gate, next, &gates, node)
		if (gate->bus->self == port)
			detach(gate);
	mutex_unlock(&gates_lock);
}

static bool has_gpu(const struct pci_bus *bus)
{
	struct nvli_gpu *gpu;
	bool has = false;

	rcu_read_lock();
	nvli_for_each_gpu_rcu(gpu)
		has |= gpu->pdev->bus == bus;
	rcu_read_unlock();

	return has;
}

/* Take the gate of a bus off, if there is one and no GPU on the bus any more. */
void nvli_gate_forget_bus(const struct pci_bus *bus)
{
	struct gate *gate, *next;

	mutex_lock(&gates_lock);
	list_for_each_entry_safe(gate, next, &gates, node)
		if (gate->bus == bus && !has_gpu(bus))
			detach(gate);
	mutex_unlock(&gates_lock);
}
