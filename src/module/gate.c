// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate. A reset of any kind clears the GPU's PCI_COMMAND.MEMORY, and BAR0 cannot be reached
 * before that bit is set again. So the gate replaces the write operation of the GPU's own bus. When
 * a write switches decoding on, the gate first reads the required links back as disabled, in the
 * same context. Then it passes the write on. If that fails, it refuses the write.
 *
 * Locks: pci_lock, where the platform takes it around config accesses, then the bus entry's lock,
 * then what the bus's own operations take. gpu->lock is a leaf.
 */

#include "log.h"
#include "gate.h"
#include "bus.h"
#include "events.h"
#include "platform.h"
#include "settings.h"
#include "trace.h"
#include "visit.h"

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/slab.h>

/* BAR0 up to the last register that the sequence needs */
#define MAPPED_SIZE	(GV100_LINK_DISABLE + 4)

/* Would this write set these bits of COMMAND, if they are not set? Writes of any width count. */
static bool would_set(u16 bits, int where, int size, u32 value)
{
	return where <= PCI_COMMAND && where + size > PCI_COMMAND &&
	       value >> 8 * (PCI_COMMAND - where) & bits;
}

/*
 * The bits of COMMAND that switch decoding on. No V100 is known to have an I/O BAR, but one that
 * has could be reached by it.
 */
static u16 decoding_bits(const struct nvli_gpu *gpu)
{
	u16 bits = PCI_COMMAND_MEMORY;
	int i;

	for (i = 0; gpu && i < NVLI_BARS; i++)
		if (gpu->pdev->resource[i].flags & IORESOURCE_IO)
			bits |= PCI_COMMAND_IO;

	return bits;
}

/*
 * Must the gate refuse a write that switches decoding on, because this device may be a GPU? Between
 * DEL_DEVICE and ADD_DEVICE a GPU has no object. A bus that has inherited the gate has devices that
 * the module has not seen yet. No GPU is on a root bus, where other devices of the machine are.
 */
static bool refuses_unknown(struct nvli_visit *visit)
{
	u32 command, id;

	if (!READ_ONCE(nvli_gate) || pci_is_root_bus(visit->bus))
		return false;
	/* Enforcement ended while the writer slept in prepare(). */
	if (visit->gpu && nvli_gpu_state(visit->gpu) == NVLI_OFF)
		return false;
	if (!nvli_visit_read(visit, PCI_COMMAND, 2, &command) || command == U16_MAX)
		return true;
	if (command & PCI_COMMAND_MEMORY)
		return false;

	/* A virtual function responds without an id of its own. It cannot switch decoding on. */
	if (nvli_visit_read(visit, PCI_VENDOR_ID, 4, &id) && id == U32_MAX)
		return !nvli_visit_read(visit, PCI_COMMAND, 2, &command) || command == U16_MAX;

	return id == U32_MAX || nvli_board(id & U16_MAX, id >> 16);
}

static int refuse(struct nvli_gpu *gpu)
{
	nvli_gpu_count_refusal(gpu);
	nvli_gpu_kick(gpu);

	return PCIBIOS_SET_FAILED;
}

static bool is_left_alone(struct nvli_gpu *gpu)
{
	return READ_ONCE(gpu->left_to_driver) || nvli_gpu_state(gpu) == NVLI_OFF;
}

/* Pass on a config write that needs no verification, or whose GPU is verified. */
static int pass(const struct nvli_visit *visit, int where, int size, u32 value)
{
	int err;

	if (nvli_platform->on_write)
		nvli_platform->on_write(visit->bus, visit->devfn, where, size, value, false);
	err = visit->ops->write(visit->bus, visit->devfn, where, size, value);
	if (nvli_platform->on_write)
		nvli_platform->on_write(visit->bus, visit->devfn, where, size, value, true);

	return err;
}

/* A write that switches decoding on: verify first, then pass the write on or refuse it. */
static int switch_on(struct nvli_visit *visit, int where, int size, u32 value)
{
	bool memory = would_set(PCI_COMMAND_MEMORY, where, size, value);
	struct nvli_gpu *gpu = visit->gpu;
	enum nvli_answer answer;
	u64 began = ktime_get_ns();
	u32 command;
	int err;

	/* The effect of the write on a device in reset, frozen or gone is unknown. */
	if (!nvli_visit_read(visit, PCI_COMMAND, 2, &command))
		command = U16_MAX;
	if (READ_ONCE(nvli_gate) && command == U16_MAX && !is_left_alone(gpu))
		return refuse(gpu);
	/*
	 * All ones include this bit. If the GPU was not verified since its last reset, EEH or the
	 * GPU itself has switched decoding on without the gate.
	 */
	if (command & PCI_COMMAND_MEMORY) {
		nvli_event_use(gpu);
		if (!READ_ONCE(nvli_gate) || !nvli_gpu_is_open_uncut(gpu))
			return pass(visit, where, size, value);
	}

	/*
	 * A GPU that is left to its driver works with decoding on. If it is off, the GPU may have
	 * been reset without a write that the gate sees: by ACPI, or while the machine slept.
	 */
	if (memory && !(command & PCI_COMMAND_MEMORY))
		nvli_gpu_take_back(gpu);

	visit->command = command;
	answer = nvli_visit_verify(visit, NVLI_ONCE);
	if (answer != NVLI_VERIFIED && answer != NVLI_LEFT_ALONE && READ_ONCE(nvli_gate) &&
	    !is_left_alone(gpu)) {
		nvli_visit_end(visit, false);
		trace_nvli_gate(visit, answer, ktime_get_ns() - began);
		return refuse(gpu);
	}

	nvli_visit_end(visit, memory);
	err = pass(visit, where, size, value);
	if (!err && memory)
		nvli_event_use(gpu);
	if (!err && memory && !visit->is_on)
		gpu->switched_on++;
	/* If the write fails, leave the GPU as it was found. */
	if (err && visit->is_on)
		nvli_visit_end(visit, false);
	trace_nvli_gate(visit, answer, ktime_get_ns() - began);
	if (nvli_gpu_has_news(gpu))
		nvli_gpu_kick(gpu);

	return err;
}

/* A sleepable caller has requested a verification: see nvli_gate_ring(). */
static void handle_ring(struct nvli_visit *visit)
{
	struct nvli_bell *bell = &visit->gpu->bell;
	u64 began = ktime_get_ns();
	u32 command;

	if (!nvli_visit_read(visit, PCI_COMMAND, 2, &command)) {
		/*
		 * EEH writes COMMAND just before it calls hook B, and may have switched decoding
		 * on. Config space is blocked here in two cases. A second thread of the user has
		 * begun another EEH reset in between, or the previous user was killed in one.
		 */
		if (bell->how == NVLI_ONCE && nvli_gpu_is_open_uncut(visit->gpu))
			nvli_gpu_set_stuck_on(visit->gpu);
		command = U16_MAX;
	}
	if (command == U16_MAX) {
		nvli_gpu_set_obstacle(visit->gpu, "it does not answer in config space");
		return;
	}

	/* EEH can have switched it on without the gate. */
	if (command & PCI_COMMAND_MEMORY)
		nvli_event_use(visit->gpu);
	visit->command = command;
	bell->answer = nvli_visit_verify(visit, bell->how);
	nvli_visit_end(visit, false);
	trace_nvli_gate(visit, bell->answer, ktime_get_ns() - began);
}

/* Map BAR0, or map it again if it moved. Returns NULL, or the reason of the failure. */
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

/*
 * Map BAR0 before the gate needs it, where a write may not sleep. release() ends enforcement before
 * it takes ring_lock and unmaps BAR0, so this function cannot map it again after that.
 */
void nvli_gate_map(struct nvli_gpu *gpu)
{
	mutex_lock(&gpu->ring_lock);
	if (!READ_ONCE(gpu->dead) && nvli_gpu_state(gpu) != NVLI_OFF)
		map_bar0(gpu);
	mutex_unlock(&gpu->ring_lock);
}

/* Drop the mapping. The caller holds ring_lock, or no task can call nvli_gate_ring(). */
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

/* May the caller sleep? A kernel that does not count preemption cannot always tell: see below. */
static bool may_sleep(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		return preemptible() && !rcu_preempt_depth();

	return !irqs_disabled() && !in_interrupt();
}

/*
 * On such a kernel only a caller that resets this GPU is trusted to sleep. It holds the GPU's
 * config access lock, and could not have taken that without sleeping being allowed.
 */
static bool may_sleep_for(const struct nvli_gpu *gpu)
{
	return IS_ENABLED(CONFIG_PREEMPT_COUNT) || gpu->pdev->block_cfg_access;
}

/* Could the next visit require links? With domains=owner it updates the plan first. */
static bool may_require(const struct nvli_gpu *gpu)
{
	return READ_ONCE(gpu->status.required) || nvli_by_owner();
}

/*
 * A caller that may sleep is about to switch a GPU on: map BAR0, and wait until the GPU has
 * settled. Only on platforms whose config accesses do not take pci_lock. There the kernel waits for
 * 100 ms after the release of a reset, which is too short, and the gate would refuse the GPU.
 */
static void prepare(struct pci_bus *bus, unsigned int devfn)
{
	struct nvli_gpu *gpu;
	unsigned int ms;

	rcu_read_lock();
	gpu = nvli_gpu_find(bus, devfn);
	if (gpu && (nvli_gpu_state(gpu) == NVLI_OFF || !may_require(gpu) || !may_sleep_for(gpu) ||
		    !kref_get_unless_zero(&gpu->ref)))
		gpu = NULL;
	rcu_read_unlock();
	if (!gpu)
		return;

	ms = nvli_settles_in(gpu);
	if (ms && ms != UINT_MAX)
		msleep(ms);
	nvli_gate_map(gpu);
	nvli_gpu_put(gpu);
}

/**
 * nvli_gate_write() - the write operation of each bus that the gate is attached to
 * @bus: the bus; it may have inherited the operation
 * @devfn: the device's place there
 * @where: the offset of the write
 * @size: 1, 2 or 4 bytes
 * @value: the value of the write
 *
 * Return: PCIBIOS_SET_FAILED if the write is refused, or what the bus's own operation returns.
 */
int nvli_gate_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct nvli_visit visit = { .bus = bus, .devfn = devfn };
	struct nvli_bus *entry;
	unsigned long flags;
	bool on;
	int err;

	if (would_set(PCI_COMMAND_MEMORY, where, size, value) && may_sleep()) {
		atomic_inc(&nvli_bus_sleepers);
		prepare(bus, devfn);
		atomic_dec(&nvli_bus_sleepers);
	}

	rcu_read_lock();
	entry = nvli_bus_find(bus);
	visit.ops = nvli_bus_own_ops(bus);
	visit.gpu = nvli_gpu_find(bus, devfn);
	on = would_set(decoding_bits(visit.gpu), where, size, value);
	if (!entry || !visit.gpu) {
		/* Without an entry this is an heir, and enforcement may have ended. */
		err = on && (entry || READ_ONCE(nvli_isolate)) && refuses_unknown(&visit) ?
		      PCIBIOS_SET_FAILED : pass(&visit, where, size, value);
		goto unlock;
	}

	raw_spin_lock_irqsave(&entry->lock, flags);
	WRITE_ONCE(entry->cpu, smp_processor_id());
	if (where == PCI_VENDOR_ID && READ_ONCE(visit.gpu->bell.ringer) == current) {
		handle_ring(&visit);
		err = PCIBIOS_SUCCESSFUL;
	} else if (on) {
		err = switch_on(&visit, where, size, value);
	} else {
		err = pass(&visit, where, size, value);
	}
	WRITE_ONCE(entry->cpu, -1);
	raw_spin_unlock_irqrestore(&entry->lock, flags);
unlock:
	rcu_read_unlock();

	return err;
}

/**
 * nvli_gate_ring() - verify a GPU now
 * @gpu: the GPU
 * @how: how insistent the caller is
 *
 * Verifies through a config write, so that the sequence always runs in the gate's context. The gate
 * takes the ringer's next write of the vendor id for the doorbell: devices ignore that write. Takes
 * ring_lock, and neither a device lock nor the config access lock. Sleeps.
 *
 * Return: the result. NVLI_NOT_READY if the GPU does not respond in config space.
 */
enum nvli_answer nvli_gate_ring(struct nvli_gpu *gpu, enum nvli_how how)
{
	enum nvli_answer answer = NVLI_NOT_READY;
	const char *what;

	mutex_lock(&gpu->ring_lock);
	/* Enforcement starts and stops GPU by GPU. One that is off may be enabled meanwhile. */
	if (nvli_gpu_state(gpu) == NVLI_OFF)
		answer = NVLI_LEFT_ALONE;
	if (READ_ONCE(gpu->dead) || answer == NVLI_LEFT_ALONE)
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
