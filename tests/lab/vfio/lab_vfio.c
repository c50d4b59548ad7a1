// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab_vfio BDF COMMAND...: a user of VFIO, as a hypervisor is one, and an attacker.
 *
 * Each argument is one command, with its own arguments in the same word: "read 0x700000". They are
 * done in order. Each gives one line, flushed at once, and none ends the run:
 *
 *   COMMAND: ok [VALUE]
 *   COMMAND: error ENAME [WHERE]      the name of an errno, or SIGBUS
 *
 * The exit status is 0 if all succeeded.
 *
 *   open [PID]            container, group, IOMMU, device; an error names the step. With PID the
 *                         container is that of another lab_vfio, so both GPUs are in one
 *   window                have the container make its DMA windows, as a hypervisor does. Only then
 *                         it can be told on POWER which GPUs are in one. On a PC it does nothing
 *   take PID              the device that another lab_vfio has open, by its file descriptor
 *   detach                VFIO_GROUP_UNSET_CONTAINER, while the device is open
 *   move PID              close the device, put the group into the container of another lab_vfio,
 *                         or with 0 into a new one, and open it again
 *   map                   mmap BAR0
 *   close                 give back all of it
 *   reset                 VFIO_DEVICE_RESET
 *   hot-reset             VFIO_DEVICE_PCI_HOT_RESET of what its info names
 *   eeh-enable, eeh-disable, eeh-state, eeh-unfreeze-io, eeh-unfreeze-dma, eeh-hot,
 *   eeh-fundamental, eeh-deactivate, eeh-configure, eeh-inject [TYPE [FUNCTION [ADDRESS [MASK]]]]
 *                         VFIO_EEH_PE_OP; eeh-state prints VFIO's number of the state
 *   read OFF              32 bits of BAR0, by the mapping
 *   write OFF VAL
 *   config-read OFF SIZE  config space, by VFIO
 *   config-write OFF SIZE VAL
 *   memory-on, memory-off COMMAND.MEMORY
 *   d3hot, d0             the power state, by the capability
 *   move-bar0 ADDR        write BAR0's register
 *   attack [MODE] [mask=BITS] [us=PERIOD] [after=SECONDS]
 *                         do something nasty every PERIOD (default 500) microseconds from now on,
 *                         or from SECONDS on, in a thread of its own, on another processor if there
 *                         is one. There can be one of each MODE:
 *       ring      (default) start the ring, read SIGNATURE_OFF and the mask, clear that
 *       mask      all of that but the ring
 *       read      read SIGNATURE_OFF
 *       memory    switch COMMAND.MEMORY off and on
 *       d3        to D3hot and back
 *       bar       move BAR0 and move it back
 *       command   switch COMMAND.MEMORY off and on by writes of each width and alignment that hold
 *                 a byte of COMMAND
 *       header    the same by one write of the whole header, in which BAR0 moves, too
 *       unfreeze  have EEH thaw MMIO and DMA, switch COMMAND.MEMORY on
 *       deactivate
 *                 end an EEH reset the first time, then do what unfreeze does
 *   attack-stop [MODE]    stop it, or all, and print what it got. Of the reads of SIGNATURE_OFF:
 *                         ones, signature (as written when the attack began), blank (a reset has
 *                         cleared it), other, sigbus. Of those of the mask: mask-ones, mask-error
 *                         (of the PRI ring), mask-cut (has all bits of mask=, by default those of
 *                         all links), mask-open (lacks one), mask-sigbus
 *   touch PATH            create a file; the time is in it, in nanoseconds since boot
 *   await PATH            wait until there is such a file
 *   sleep MS
 *   pause                 wait until killed
 *   serve FIFO BELL       do the commands that come in by FIFO, one per line, until `quit`;
 *                         after each answer write an empty line to BELL, another FIFO
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/types.h>
#include <linux/vfio.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Beside the errnos: an access of the mapping ended in SIGBUS */
#define ESIGBUS			10000

/* Nobody else reads here: in the device's log such a read is a client's */
#define SIGNATURE_OFF		0x700000
#define SIGNATURE		0x51674ab5

#define PMC_ENABLE		0x000200
#define PMC_ENABLE_NVLINK	0x02000000
#define RING_COMMAND		0x12004c
#define RING_COMMAND_START	0x4
#define RING_DECODE_CONFIG	0x122204
#define RING_DECODE_WAIT	0x2
#define LINK_DISABLE		0xa00148
#define LINK_DISABLE_ALL	0x003f0000

#define MAX_WORDS		6
#define AWAIT_SECONDS		600

/* Where another lab_vfio finds them */
#define CONTAINER_FD		100
#define DEVICE_FD		101

static const char *bdf;
static int container = -1;
static int group = -1;
static int device = -1;
static bool is_spapr;
static char *bar0;
static size_t bar0_size;

/* What the command being done adds to its line */
static char value[1024];

/* Where this thread continues after a SIGBUS */
static __thread sigjmp_buf *trap;

static void on_sigbus(int signal)
{
	if (!trap) {
		static const char text[] = "lab_vfio: SIGBUS outside of an access\n";

		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			_exit(3);
		_exit(128 + signal);
	}
	siglongjmp(*trap, 1);
}

/* Atomics, so that each access is made, once and 32 bits wide. */
static int bar0_access(bool is_write, __u32 off, __u32 *val)
{
	sigjmp_buf env;

	if (!bar0)
		return -ENXIO;
	if (off % 4 || off >= bar0_size)
		return -EINVAL;

	if (sigsetjmp(env, 0)) {
		trap = NULL;
		return -ESIGBUS;
	}
	trap = &env;
	if (is_write)
		__atomic_store_n((__u32 *)(bar0 + off), *val, __ATOMIC_SEQ_CST);
	else
		*val = __atomic_load_n((__u32 *)(bar0 + off), __ATOMIC_SEQ_CST);
	trap = NULL;

	return 0;
}

static int bar0_read(__u32 off, __u32 *val)
{
	return bar0_access(false, off, val);
}

static int bar0_write(__u32 off, __u32 val)
{
	return bar0_access(true, off, &val);
}

static int device_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int region(__u32 index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };

	return device_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info);
}

/* Config space, any range: VFIO takes it apart into aligned accesses of 1, 2 or 4 bytes. */
static int config_bytes(bool is_write, __u32 off, size_t size, void *bytes)
{
	struct vfio_region_info info;
	ssize_t done;
	int err;

	err = region(VFIO_PCI_CONFIG_REGION_INDEX, &info);
	if (err)
		return err;
	if (is_write)
		done = pwrite(device, bytes, size, info.offset + off);
	else
		done = pread(device, bytes, size, info.offset + off);
	if (done < 0)
		return -errno;

	return (size_t)done == size ? 0 : -EIO;
}

/* @size of 1, 2 or 4. The processor is little endian as PCI is. */
static int config_access(bool is_write, __u32 off, size_t size, __u32 *val)
{
	if (size != 1 && size != 2 && size != 4)
		return -EINVAL;
	if (!is_write)
		*val = 0;

	return config_bytes(is_write, off, size, val);
}

static int config_read(__u32 off, size_t size, __u32 *val)
{
	return config_access(false, off, size, val);
}

static int config_write(__u32 off, size_t size, __u32 val)
{
	return config_access(true, off, size, &val);
}

static int set_memory(bool on)
{
	__u32 command;
	int err;

	err = config_read(PCI_COMMAND, 2, &command);
	if (err)
		return err;
	if (on)
		command |= PCI_COMMAND_MEMORY;
	else
		command &= ~PCI_COMMAND_MEMORY;

	return config_write(PCI_COMMAND, 2, command);
}

static int set_power(unsigned int state)
{
	__u32 id, pmcsr, pos;
	int ttl = 48;
	int err;

	err = config_read(PCI_CAPABILITY_LIST, 1, &pos);
	while (!err && pos && pos != 0xff && ttl--) {
		err = config_read(pos, 1, &id);
		if (err)
			break;
		if (id == PCI_CAP_ID_PM) {
			err = config_read(pos + PCI_PM_CTRL, 2, &pmcsr);
			if (err)
				return err;
			pmcsr &= ~PCI_PM_CTRL_STATE_MASK;
			return config_write(pos + PCI_PM_CTRL, 2, pmcsr | state);
		}
		err = config_read(pos + 1, 1, &pos);
	}

	return err ? err : -ENOENT;
}

static int eeh_op(__u32 op)
{
	struct vfio_eeh_pe_op arg = { .argsz = sizeof(arg), .op = op };

	return device_ioctl(container, VFIO_EEH_PE_OP, &arg);
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void sleep_us(long us)
{
	struct timespec time = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

/* The attacks */

enum outcome {
	READ_ONES,
	READ_SIGNATURE,
	READ_BLANK,
	READ_OTHER,
	READ_SIGBUS,
	MASK_ONES,
	MASK_ERROR,
	MASK_CUT,
	MASK_OPEN,
	MASK_SIGBUS,
	DONE,
	REFUSED,
	OUTCOMES,
};

static const char * const outcome_names[OUTCOMES] = {
	"ones", "signature", "blank", "other", "sigbus",
	"mask-ones", "mask-error", "mask-cut", "mask-open", "mask-sigbus",
	"done", "refused",
};

struct attack {
	const char *mode;
	void (*once)(struct attack *attack);
	enum outcome first, last;	/* those that the mode can have */
	bool running;
	bool stop;
	pthread_t thread;
	unsigned int cpu;
	long period_us;
	long after_us;
	__u32 expected;
	unsigned long loops;
	unsigned long count[OUTCOMES];
};

static void attack_read(struct attack *attack)
{
	enum outcome outcome;
	__u32 val;

	if (bar0_read(SIGNATURE_OFF, &val))
		outcome = READ_SIGBUS;
	else if (val == 0xffffffff)
		outcome = READ_ONES;
	else if (val == SIGNATURE)
		outcome = READ_SIGNATURE;
	else
		outcome = val ? READ_OTHER : READ_BLANK;
	attack->count[outcome]++;
}

static void attack_mask(struct attack *attack)
{
	enum outcome outcome;
	__u32 val;

	attack_read(attack);
	if (bar0_read(LINK_DISABLE, &val))
		outcome = MASK_SIGBUS;
	else if (val == 0xffffffff)
		outcome = MASK_ONES;
	else if (val >> 20 == 0xbad)
		outcome = MASK_ERROR;
	else
		outcome = attack->expected & ~val ? MASK_OPEN : MASK_CUT;
	attack->count[outcome]++;
	bar0_write(LINK_DISABLE, 0);
}

/* What starts the ring lets the mask be written: whether it lets it be cleared is the question. */
static void attack_ring(struct attack *attack)
{
	__u32 val;
	int tries = 10;

	bar0_write(RING_COMMAND, RING_COMMAND_START);
	while (!bar0_read(RING_COMMAND, &val) && val == RING_COMMAND_START && tries--)
		;
	bar0_write(RING_DECODE_CONFIG, RING_DECODE_WAIT);
	if (!bar0_read(PMC_ENABLE, &val) && val >> 20 != 0xbad && val != 0xffffffff)
		bar0_write(PMC_ENABLE, val | PMC_ENABLE_NVLINK);
	attack_mask(attack);
}

static void attack_done(struct attack *attack, int err)
{
	attack->count[err ? REFUSED : DONE]++;
}

static void attack_memory(struct attack *attack)
{
	attack_done(attack, set_memory(false));
	attack_done(attack, set_memory(true));
}

static void attack_d3(struct attack *attack)
{
	attack_done(attack, set_power(3));
	attack_done(attack, set_power(0));
}

static void attack_bar(struct attack *attack)
{
	__u32 bar;
	int err;

	err = config_read(PCI_BASE_ADDRESS_0, 4, &bar);
	attack_done(attack, err);
	if (err)
		return;
	attack_done(attack, config_write(PCI_BASE_ADDRESS_0, 4, bar ^ 0x04000000));
	attack_done(attack, config_write(PCI_BASE_ADDRESS_0, 4, bar));
}

/* Change COMMAND in @bytes, which are those of the header, and write the @size from @off on. */
static int write_memory(unsigned char *bytes, __u32 off, size_t size, bool on)
{
	if (on)
		bytes[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
	else
		bytes[PCI_COMMAND] &= ~PCI_COMMAND_MEMORY;

	return config_bytes(true, off, size, bytes + off);
}

static void attack_command(struct attack *attack)
{
	static const struct {
		__u32 off;
		size_t size;
	} ways[] = {
		{ PCI_COMMAND, 1 }, { PCI_COMMAND + 1, 1 },
		{ PCI_COMMAND, 2 }, { PCI_COMMAND - 1, 2 }, { PCI_COMMAND + 1, 2 },
		{ PCI_COMMAND, 3 }, { PCI_COMMAND - 1, 3 },
		{ PCI_COMMAND, 4 }, { PCI_COMMAND - 2, 4 }, { PCI_COMMAND - 1, 4 },
		{ PCI_COMMAND - 4, 8 },
	};
	unsigned char bytes[PCI_STD_HEADER_SIZEOF];
	int err;

	err = config_bytes(false, 0, sizeof(bytes), bytes);
	attack_done(attack, err);
	for (size_t i = 0; !err && i < ARRAY_SIZE(ways); i++) {
		attack_done(attack, write_memory(bytes, ways[i].off, ways[i].size, false));
		attack_done(attack, write_memory(bytes, ways[i].off, ways[i].size, true));
	}
}

static void attack_header(struct attack *attack)
{
	unsigned char bytes[PCI_STD_HEADER_SIZEOF];
	int err;

	err = config_bytes(false, 0, sizeof(bytes), bytes);
	attack_done(attack, err);
	if (err)
		return;
	bytes[PCI_BASE_ADDRESS_0 + 3] ^= 0x04;
	attack_done(attack, write_memory(bytes, 0, sizeof(bytes), false));
	attack_done(attack, write_memory(bytes, 0, sizeof(bytes), true));
	bytes[PCI_BASE_ADDRESS_0 + 3] ^= 0x04;
	attack_done(attack, write_memory(bytes, 0, sizeof(bytes), true));
}

static void attack_unfreeze(struct attack *attack)
{
	attack_done(attack, eeh_op(VFIO_EEH_PE_UNFREEZE_IO));
	attack_done(attack, eeh_op(VFIO_EEH_PE_UNFREEZE_DMA));
	attack_done(attack, set_memory(true));
}

/*
 * Ends a reset that began before the attack. If another thread sleeps in VFIO_DEVICE_RESET, it
 * holds memory_lock: set_memory() waits for that lock, and runs as soon as the other reset is over.
 */
static void attack_deactivate(struct attack *attack)
{
	if (!attack->loops)
		attack_done(attack, eeh_op(VFIO_EEH_PE_RESET_DEACTIVATE));
	attack_unfreeze(attack);
}

static struct attack attacks[] = {
	{ .mode = "ring", .once = attack_ring, .first = READ_ONES, .last = MASK_SIGBUS },
	{ .mode = "mask", .once = attack_mask, .first = READ_ONES, .last = MASK_SIGBUS },
	{ .mode = "read", .once = attack_read, .first = READ_ONES, .last = READ_SIGBUS },
	{ .mode = "memory", .once = attack_memory, .first = DONE, .last = REFUSED },
	{ .mode = "d3", .once = attack_d3, .first = DONE, .last = REFUSED },
	{ .mode = "bar", .once = attack_bar, .first = DONE, .last = REFUSED },
	{ .mode = "command", .once = attack_command, .first = DONE, .last = REFUSED },
	{ .mode = "header", .once = attack_header, .first = DONE, .last = REFUSED },
	{ .mode = "unfreeze", .once = attack_unfreeze, .first = DONE, .last = REFUSED },
	{ .mode = "deactivate", .once = attack_deactivate, .first = DONE, .last = REFUSED },
};

static void *attack_thread(void *arg)
{
	struct attack *attack = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(attack->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sleep_us(attack->after_us);

	while (!__atomic_load_n(&attack->stop, __ATOMIC_RELAXED)) {
		attack->once(attack);
		attack->loops++;
		sleep_us(attack->period_us);
	}

	return NULL;
}

static bool attacking(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
		if (attacks[i].running)
			return true;

	return false;
}

static struct attack *attack_find(const char *mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
		if (!strcmp(attacks[i].mode, mode))
			return &attacks[i];

	return NULL;
}

static bool number(const char *text, long long *val)
{
	char *end;

	errno = 0;
	*val = strtoll(text, &end, 0);

	return !errno && *text && !*end && *val >= 0;
}

static int do_attack(int argc, char **argv)
{
	long long expected = LINK_DISABLE_ALL, period = 500, after = 0;
	struct attack *attack = &attacks[0];
	int i, err;

	for (i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "mask=", 5)) {
			if (!number(argv[i] + 5, &expected))
				return -EINVAL;
		} else if (!strncmp(argv[i], "us=", 3)) {
			if (!number(argv[i] + 3, &period))
				return -EINVAL;
		} else if (!strncmp(argv[i], "after=", 6)) {
			if (!number(argv[i] + 6, &after))
				return -EINVAL;
		} else {
			attack = attack_find(argv[i]);
			if (!attack)
				return -EINVAL;
		}
	}
	if (attack->running)
		return -EBUSY;
	/* The first of the others: this thread stays where it is. */
	attack->cpu = (sched_getcpu() + 1) % sysconf(_SC_NPROCESSORS_ONLN);
	attack->period_us = period;
	attack->after_us = after * 1000000;
	attack->expected = expected;
	attack->stop = false;
	attack->loops = 0;
	memset(attack->count, 0, sizeof(attack->count));
	if (attack->first == READ_ONES)
		bar0_write(SIGNATURE_OFF, SIGNATURE);
	err = pthread_create(&attack->thread, NULL, attack_thread, attack);
	if (err)
		return -err;
	attack->running = true;

	return 0;
}

static int do_attack_stop(int argc, char **argv)
{
	char *text = value;
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		struct attack *attack = &attacks[i];

		if (!attack->running || (argc > 1 && strcmp(attack->mode, argv[1])))
			continue;
		__atomic_store_n(&attack->stop, true, __ATOMIC_RELAXED);
		pthread_join(attack->thread, NULL);
		attack->running = false;
		text += snprintf(text, value + sizeof(value) - text, "%s%s loops=%lu",
				 any ? "; " : "", attack->mode, attack->loops);
		any = true;
		for (int j = attack->first; j <= (int)attack->last; j++)
			text += snprintf(text, value + sizeof(value) - text, " %s=%lu",
					 outcome_names[j], attack->count[j]);
	}

	return any ? 0 : -ENOENT;
}

/* The other commands */

static int failed_at(const char *where, int err)
{
	snprintf(value, sizeof(value), "%s", where);

	return err;
}

static int close_all(void)
{
	if (bar0)
		munmap(bar0, bar0_size);
	if (device >= 0)
		close(device);
	if (group >= 0)
		close(group);
	if (container >= 0)
		close(container);
	bar0 = NULL;
	is_spapr = false;
	device = -1;
	group = -1;
	container = -1;

	return 0;
}

/* Have a file descriptor at a number that others know. */
static int known_fd(int fd, int number)
{
	int err;

	if (fd < 0)
		return -errno;
	err = dup3(fd, number, O_CLOEXEC) < 0 ? -errno : number;
	close(fd);

	return err;
}

/* A file descriptor of another lab_vfio */
static int fd_of(const char *pid, int number)
{
	int pidfd = syscall(SYS_pidfd_open, atoi(pid), 0);
	int fd, err;

	if (pidfd < 0)
		return -errno;
	fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	err = errno;
	close(pidfd);
	errno = err;

	return known_fd(fd, number);
}

static int set_container(const char *pid)
{
	int err;

	if (pid)
		container = fd_of(pid, CONTAINER_FD);
	else
		container = known_fd(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), CONTAINER_FD);
	if (container < 0)
		return failed_at("container", container);
	err = device_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
	if (err)
		return failed_at("set-container", err);
	if (pid) {
		is_spapr = ioctl(container, VFIO_CHECK_EXTENSION, VFIO_SPAPR_TCE_v2_IOMMU) > 0;
		return 0;
	}

	err = device_ioctl(container, VFIO_SET_IOMMU, (void *)VFIO_SPAPR_TCE_v2_IOMMU);
	is_spapr = !err;
	if (err)
		err = device_ioctl(container, VFIO_SET_IOMMU, (void *)VFIO_SPAPR_TCE_IOMMU);
	if (err)
		err = device_ioctl(container, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU);

	return err ? failed_at("set-iommu", err) : 0;
}

static int open_device(void)
{
	device = known_fd(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf), DEVICE_FD);

	return device < 0 ? failed_at("device", device) : 0;
}

static int try_open(const char *pid)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[128], link[256];
	ssize_t length;
	int err;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return failed_at("iommu-group", -errno);
	link[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%.100s", strrchr(link, '/') + 1);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (group < 0)
		return failed_at("group", -errno);
	err = device_ioctl(group, VFIO_GROUP_GET_STATUS, &status);
	if (err)
		return failed_at("group-status", err);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return failed_at("group-viable", -EPERM);
	err = set_container(pid);

	return err ? err : open_device();
}

static int do_open(int argc, char **argv)
{
	int err;

	if (container >= 0 || device >= 0)
		return -EBUSY;
	err = try_open(argc > 1 ? argv[1] : NULL);
	if (err)
		close_all();

	return err;
}

static int do_window(int argc, char **argv)
{
	struct vfio_iommu_spapr_tce_create create = {
		.argsz = sizeof(create), .page_shift = 16, .window_size = 1 << 30, .levels = 1,
	};

	(void)argc;
	(void)argv;

	return is_spapr ? device_ioctl(container, VFIO_IOMMU_SPAPR_TCE_CREATE, &create) : 0;
}

static int do_take(int argc, char **argv)
{
	(void)argc;
	if (device >= 0)
		return -EBUSY;
	device = fd_of(argv[1], DEVICE_FD);

	return device < 0 ? device : 0;
}

static int do_detach(int argc, char **argv)
{
	(void)argc;
	(void)argv;

	return device_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, NULL);
}

static int do_move(int argc, char **argv)
{
	int err;

	(void)argc;
	if (attacking() || group < 0)
		return -EBUSY;
	if (bar0)
		munmap(bar0, bar0_size);
	bar0 = NULL;
	close(device);
	device = -1;
	err = device_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, NULL);
	if (err)
		return failed_at("unset-container", err);
	close(container);
	err = set_container(strcmp(argv[1], "0") ? argv[1] : NULL);

	return err ? err : open_device();
}

static int do_close(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (attacking())
		return -EBUSY;

	return close_all();
}

static int do_map(int argc, char **argv)
{
	struct vfio_region_info info;
	void *addr;
	int err;

	(void)argc;
	(void)argv;
	if (bar0)
		return -EBUSY;
	err = region(VFIO_PCI_BAR0_REGION_INDEX, &info);
	if (err)
		return failed_at("region-info", err);
	addr = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, info.offset);
	if (addr == MAP_FAILED)
		return failed_at("mmap", -errno);
	bar0 = addr;
	bar0_size = info.size;
	snprintf(value, sizeof(value), "0x%zx", bar0_size);

	return 0;
}

static int do_reset(int argc, char **argv)
{
	(void)argc;
	(void)argv;

	return device_ioctl(device, VFIO_DEVICE_RESET, NULL);
}

/* All of its groups have to be the caller's, and one is all that this client has. */
static int do_hot_reset(int argc, char **argv)
{
	struct {
		struct vfio_pci_hot_reset_info info;
		struct vfio_pci_dependent_device devices[16];
	} info = { .info.argsz = sizeof(info) };
	struct {
		struct vfio_pci_hot_reset reset;
		__s32 fd;
	} reset = { .reset.argsz = sizeof(reset), .reset.count = 1, .fd = group };
	int err;

	(void)argc;
	(void)argv;
	err = device_ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info);
	if (err)
		return failed_at("info", err);
	err = device_ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &reset);
	if (err)
		return failed_at("reset", err);
	snprintf(value, sizeof(value), "devices=%u", info.info.count);

	return 0;
}

static const struct {
	const char *name;
	__u32 op;
} eeh_ops[] = {
	{ "eeh-disable", VFIO_EEH_PE_DISABLE },
	{ "eeh-enable", VFIO_EEH_PE_ENABLE },
	{ "eeh-unfreeze-io", VFIO_EEH_PE_UNFREEZE_IO },
	{ "eeh-unfreeze-dma", VFIO_EEH_PE_UNFREEZE_DMA },
	{ "eeh-state", VFIO_EEH_PE_GET_STATE },
	{ "eeh-deactivate", VFIO_EEH_PE_RESET_DEACTIVATE },
	{ "eeh-hot", VFIO_EEH_PE_RESET_HOT },
	{ "eeh-fundamental", VFIO_EEH_PE_RESET_FUNDAMENTAL },
	{ "eeh-configure", VFIO_EEH_PE_CONFIGURE },
};

static int do_eeh(int argc, char **argv)
{
	size_t i = 0;
	int ret;

	(void)argc;
	while (strcmp(eeh_ops[i].name, argv[0]))
		i++;
	ret = eeh_op(eeh_ops[i].op);
	if (ret < 0)
		return ret;
	snprintf(value, sizeof(value), "%d", ret);

	return 0;
}

static int do_eeh_inject(int argc, char **argv)
{
	struct vfio_eeh_pe_op arg = { .argsz = sizeof(arg), .op = VFIO_EEH_PE_INJECT_ERR };
	long long val[4] = { 0 };
	int i;

	for (i = 1; i < argc; i++)
		if (!number(argv[i], &val[i - 1]))
			return -EINVAL;
	arg.err.type = val[0];
	arg.err.func = val[1];
	arg.err.addr = val[2];
	arg.err.mask = val[3];

	return device_ioctl(container, VFIO_EEH_PE_OP, &arg);
}

static int do_read(int argc, char **argv)
{
	long long off;
	__u32 val;
	int err;

	(void)argc;
	if (!number(argv[1], &off))
		return -EINVAL;
	err = bar0_read(off, &val);
	if (err)
		return err;
	snprintf(value, sizeof(value), "0x%08x", val);

	return 0;
}

static int do_write(int argc, char **argv)
{
	long long off, val;

	(void)argc;
	if (!number(argv[1], &off) || !number(argv[2], &val))
		return -EINVAL;

	return bar0_write(off, val);
}

static int do_config_read(int argc, char **argv)
{
	long long off, size;
	__u32 val;
	int err;

	(void)argc;
	if (!number(argv[1], &off) || !number(argv[2], &size))
		return -EINVAL;
	err = config_read(off, size, &val);
	if (err)
		return err;
	snprintf(value, sizeof(value), "0x%0*x", (int)size * 2, val);

	return 0;
}

static int do_config_write(int argc, char **argv)
{
	long long off, size, val;

	(void)argc;
	if (!number(argv[1], &off) || !number(argv[2], &size) || !number(argv[3], &val))
		return -EINVAL;

	return config_write(off, size, val);
}

static int do_memory(int argc, char **argv)
{
	(void)argc;

	return set_memory(!strcmp(argv[0], "memory-on"));
}

static int do_power(int argc, char **argv)
{
	(void)argc;

	return set_power(!strcmp(argv[0], "d3hot") ? 3 : 0);
}

static int do_move_bar0(int argc, char **argv)
{
	long long addr;

	(void)argc;
	if (!number(argv[1], &addr))
		return -EINVAL;

	return config_write(PCI_BASE_ADDRESS_0, 4, addr);
}

static int do_touch(int argc, char **argv)
{
	FILE *file = fopen(argv[1], "w");

	(void)argc;
	if (!file)
		return -errno;
	fprintf(file, "%lld\n", now_ns());

	return fclose(file) ? -errno : 0;
}

static int do_await(int argc, char **argv)
{
	long long deadline = now_ns() + AWAIT_SECONDS * 1000000000LL;

	(void)argc;
	while (access(argv[1], F_OK)) {
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		sleep_us(2000);
	}

	return 0;
}

static int do_sleep(int argc, char **argv)
{
	long long ms;

	(void)argc;
	if (!number(argv[1], &ms))
		return -EINVAL;
	sleep_us(ms * 1000);

	return 0;
}

static int do_pause(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (;;)
		pause();

	return 0;
}

static bool run(const char *line);

static int do_serve(int argc, char **argv)
{
	/* Both are open in both directions, so that nothing ends when the other side leaves. */
	FILE *fifo = fopen(argv[1], "r+");
	int bell = open(argv[2], O_RDWR | O_NONBLOCK);
	char line[256];

	(void)argc;
	if (!fifo || bell < 0)
		return -errno;
	while (fgets(line, sizeof(line), fifo)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "quit"))
			break;
		run(line);
		/* A full pipe has rung often enough. */
		if (write(bell, "\n", 1) < 0 && errno != EAGAIN)
			return -errno;
	}
	fclose(fifo);
	close(bell);
	value[0] = '\0';

	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	int min, max;			/* words, the name included */
} commands[] = {
	{ "open", do_open, 1, 2 },
	{ "window", do_window, 1, 1 },
	{ "take", do_take, 2, 2 },
	{ "detach", do_detach, 1, 1 },
	{ "move", do_move, 2, 2 },
	{ "map", do_map, 1, 1 },
	{ "close", do_close, 1, 1 },
	{ "reset", do_reset, 1, 1 },
	{ "hot-reset", do_hot_reset, 1, 1 },
	{ "eeh-enable", do_eeh, 1, 1 },
	{ "eeh-disable", do_eeh, 1, 1 },
	{ "eeh-state", do_eeh, 1, 1 },
	{ "eeh-unfreeze-io", do_eeh, 1, 1 },
	{ "eeh-unfreeze-dma", do_eeh, 1, 1 },
	{ "eeh-hot", do_eeh, 1, 1 },
	{ "eeh-fundamental", do_eeh, 1, 1 },
	{ "eeh-deactivate", do_eeh, 1, 1 },
	{ "eeh-configure", do_eeh, 1, 1 },
	{ "eeh-inject", do_eeh_inject, 1, 5 },
	{ "read", do_read, 2, 2 },
	{ "write", do_write, 3, 3 },
	{ "config-read", do_config_read, 3, 3 },
	{ "config-write", do_config_write, 4, 4 },
	{ "memory-on", do_memory, 1, 1 },
	{ "memory-off", do_memory, 1, 1 },
	{ "d3hot", do_power, 1, 1 },
	{ "d0", do_power, 1, 1 },
	{ "move-bar0", do_move_bar0, 2, 2 },
	{ "attack", do_attack, 1, 5 },
	{ "attack-stop", do_attack_stop, 1, 2 },
	{ "touch", do_touch, 2, 2 },
	{ "await", do_await, 2, 2 },
	{ "sleep", do_sleep, 2, 2 },
	{ "pause", do_pause, 1, 1 },
	{ "serve", do_serve, 3, 3 },
};

static int dispatch(char *words)
{
	char *argv[MAX_WORDS + 1];
	char *save = NULL;
	int argc = 0;

	while (argc <= MAX_WORDS) {
		argv[argc] = strtok_r(argc ? NULL : words, " ", &save);
		if (!argv[argc])
			break;
		argc++;
	}
	for (size_t i = 0; argc && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[0], commands[i].name))
			continue;
		if (argc < commands[i].min || argc > commands[i].max)
			return -EINVAL;
		return commands[i].run(argc, argv);
	}

	return -EOPNOTSUPP;
}

static bool run(const char *line)
{
	char *words = strdup(line);
	int err;

	value[0] = '\0';
	err = dispatch(words);
	free(words);
	if (!err)
		printf("%s: ok%s%s\n", line, *value ? " " : "", value);
	else
		printf("%s: error %s%s%s\n", line,
		       err == -ESIGBUS ? "SIGBUS" : strerrorname_np(-err),
		       *value ? " " : "", value);
	fflush(stdout);

	return !err;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_sigbus, .sa_flags = SA_NODEFER };
	bool good = true;

	if (argc < 3) {
		fprintf(stderr, "usage: lab_vfio BDF COMMAND...\n");
		return 2;
	}
	sigaction(SIGBUS, &action, NULL);
	bdf = argv[1];
	for (int i = 2; i < argc; i++)
		good &= run(argv[i]);

	return !good;
}
