/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interfaces between the files of the command. Each file includes this first.
 *
 * A machine is read from what the module shows in sysfs (sysfs.c, seen.c), or from a device tree
 * (tree.c) or declared links (links.c) and a policy (plan.c). The printing code does not depend on
 * which.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <limits.h>
#include <stdio.h>

#include <nvlink_isolation/core.h>

/* The kernel's names for these attributes */
#ifndef __printf
#define __printf(a, b)	__attribute((format(printf, a, b)))
#endif
#ifndef __noreturn
#define __noreturn	__attribute((noreturn))
#endif

#define MODULE		"nvlink_isolation"
#define MODULE_DIR	"/sys/module/" MODULE
#define DEVICES_DIR	"/sys/bus/pci/devices"

#define GPUS_MAX	64	/* an AC922 has 6 */
#define ADDRESS_SIZE	16	/* "0004:04:00.0" */
#define TEXT_SIZE	256
#define WHY_SIZE	(2 * TEXT_SIZE)
#define DOMAINS_SIZE	4096	/* a page: no file in sysfs has more */

/* Exit statuses, documented in the man page */
enum {
	EXIT_DONE = 0,
	EXIT_NOT_ISOLATED = 1,	/* check only */
	EXIT_DISAGREE = 1,	/* learn only: the ends of a link */
	EXIT_ERROR = 2,
};

/**
 * enum mark - what is known of a link
 * @MARK_NONE: it does not have to be cut; or nothing is known at all
 * @MARK_CUT: cut at this end, as last read back; in a plan: would be cut
 * @MARK_FAR: has to be cut, and only the other end is known to be cut
 * @MARK_OPEN: has to be cut, and neither end is known to be cut
 */
enum mark {
	MARK_NONE,
	MARK_CUT,
	MARK_FAR,
	MARK_OPEN,
};

/**
 * struct gpu_seen - what the module shows of a GPU; the files are documented in src/module/sysfs.c
 * @shown: the module shows this GPU; otherwise the other members mean nothing
 * @held: the gate refuses to switch it on
 * @disabled_known: disabled_links was not "unknown"
 * @disabled: bits of GV100_LINK_DISABLE, if so; otherwise 0
 * @domain: what GPUs that may talk share, or "alone"
 * @owner: "none", "host", or the number of a guest; empty if the module is older
 * @owner_means: "kvm", "container", "driver" or "none": how the owner is identified; empty if older
 * @joined_known: the module has joined_peers, which an older module lacks
 * @verified: seconds since the last verified read-back, or "never"; empty if the module is older
 * @refused: how often switching it on was refused; empty if the module is older
 * @switched_on: how often its memory decoding was switched on; empty if the module is older
 */
struct gpu_seen {
	bool shown;
	char state[16];
	bool held;
	bool disabled_known;
	u32 disabled;
	u32 required;
	char peers[GV100_NVLINKS][ADDRESS_SIZE];
	char domain[16];
	char owner[16];
	char owner_means[16];
	char exposed[TEXT_SIZE];
	bool joined_known;
	char joined[TEXT_SIZE];
	char resets[16];
	char reapplied[16];
	char error[TEXT_SIZE];
	char verified[16];
	char refused[16];
	char switched_on[16];
};

/**
 * struct gpu - one V100 SXM2
 * @address: its PCI address; empty if the device tree does not have it
 * @node: path of its device-tree node; empty if it did not come from a tree
 * @board: name of the board
 * @on_pci: the running kernel has it
 * @group: its IOMMU group; -1 if it has none, or that is not known
 * @required: bits of GV100_LINK_DISABLE that have to be set
 * @link: the links
 * @link.end: what is at the other end
 * @link.peer: which GPU of the machine that is; -1 if none
 * @link.mark: what is known of it
 * @seen: what the module shows
 * @phandle: of its node, 0 if it has none; of declared links its NVLI_GPU_ID
 * @topology: what its node says, or the declared links
 * @unlisted: CPU links that its ibm,npu does not list: see nvli_topology_unlisted()
 */
struct gpu {
	char address[ADDRESS_SIZE];
	char node[TEXT_SIZE];
	const char *board;
	bool on_pci;
	int group;
	u32 required;
	struct gpu_link {
		enum nvli_end end;
		int peer;
		enum mark mark;
	} link[GV100_NVLINKS];
	struct gpu_seen seen;
	u32 phandle;
	struct nvli_topology topology;
	u32 unlisted;
};

/**
 * struct machine - the V100 SXM2 of a machine
 * @count: how many there are
 * @unread: why the first PCI device that could not be read is not among them; else empty
 * @gpu: these
 */
struct machine {
	int count;
	char unread[WHY_SIZE];
	struct gpu gpu[GPUS_MAX];
};

/**
 * struct options - the command line, without the name of the subcommand
 * @json: --json
 * @watch: --watch
 * @frames: how many times --watch draws; 0: until a signal ends it
 * @colour: --color, or NULL
 * @nagios: --nagios
 * @dot: --dot
 * @svg: --svg
 * @others: --ignore-others
 * @unsupported: --unsupported=ok
 * @boot: --boot
 * @domains: --domains, or NULL
 * @links: --links, or NULL
 * @args: what is no option
 * @count: how many of those
 */
struct options {
	bool json;
	bool watch;
	unsigned int frames;
	const char *colour;
	bool nagios;
	bool dot;
	bool svg;
	bool others;
	bool unsupported;
	bool boot;
	const char *domains;
	const char *links;
	char **args;
	int count;
};

/* The subcommands. Each returns an exit status; fail() ends it with an error. */
int command_status(const struct options *options);
int command_topology(const struct options *options);
int command_plan(const struct options *options);
int command_learn(const struct options *options);
int command_check(const struct options *options);
int command_metrics(const struct options *options);
int command_report(const struct options *options);

/* fail.c */

void fail_for_nagios(void);
void fail(const char *format, ...) __printf(1, 2) __noreturn;
void fail_errno(const char *format, ...) __printf(1, 2) __noreturn;

/* main.c */

extern const char *root_dir;	/* --root without trailing slashes; empty for "/" */

/* status.c */

void status_print(void);

/* watch.c */

int watch_status(unsigned int frames);

/* colour.c */

void colour_set(const char *when);
int colour_print(const char *word);

/**
 * struct pci_devices - all PCI devices
 * @count: how many there are
 * @address: theirs, in order; the reader frees it
 */
struct pci_devices {
	int count;
	char (*address)[ADDRESS_SIZE];
};

/* sysfs.c */

const char *at(const char *format, ...) __printf(1, 2);
void make_printable(char *text);
bool read_line(char *text, size_t size, const char *path);
void kernel_release(char text[TEXT_SIZE]);
bool module_is_loaded(void);
bool module_version(char text[TEXT_SIZE]);
bool module_audit_seconds(long long *seconds);
void module_domains(char text[DOMAINS_SIZE]);
bool is_by_group(const char *domains);
void joined_by(char text[DOMAINS_SIZE]);
bool device_is_known(const char *address, char why[WHY_SIZE]);
u16 device_id(const char *address, const char *name);
const char *gpu_board(const char *address);
bool gpu_is_on_pci(const char *address);
int gpu_group(const char *address);
void pci_list(struct pci_devices *pci);
struct gpu *machine_add(struct machine *machine);
void machine_from_pci(struct machine *machine);
void machine_need_all(const struct machine *machine);
void machine_from_module(struct machine *machine);

/* gate.c */

/* The parameter "gate" of the loaded module */
enum gate {
	GATE_OFF,
	GATE_ON,
	GATE_UNKNOWN,
};

enum gate gate_read(char why[WHY_SIZE]);

/* seen.c */

bool gpu_see(struct gpu_seen *seen, const char *address, char why[WHY_SIZE]);

/* installed.c */

/* Of modprobe's configuration; the last is empty after a boot */
#define MODPROBE_DIRS	5
extern const char * const modprobe_dirs[MODPROBE_DIRS];

/**
 * struct installed - the module that modprobe would load for a kernel
 * @path: of its file; NULL if no module is installed
 * @options: what modprobe would pass to it, set even if no module is installed
 * @version: of its source; empty if unknown
 * @srcversion: a checksum of its source; empty if unknown
 * @kept_out: modprobe's configuration or the kernel's command line keeps udev from loading it
 * @refused: it has no signature, and the running kernel takes no module without
 */
struct installed {
	char *path;
	bool kept_out;
	bool refused;
	char options[DOMAINS_SIZE];
	char version[TEXT_SIZE];
	char srcversion[TEXT_SIZE];
};

void remove_quotes(char *text);
void replace_dashes(char *name);
void installed_read(struct installed *installed, const char *release, bool at_boot);
void installed_free(struct installed *installed);
bool installed_enforces(const struct installed *installed);
bool installed_gates(const struct installed *installed);
bool installed_is_other(const struct installed *installed);

/* initramfs.c */

/**
 * struct initramfs - what a kernel's initramfs has of the module
 * @unknown: why it could not be read; NULL if it was read, and then:
 * @module: it has the module
 * @rule: it has the udev rule that loads the module before other drivers
 * @masked: a file in /etc or /usr/local/lib hides that rule
 * @older: it was made before the module that is installed for its kernel
 * @stale: it was made before the last change of modprobe's configuration or of the rule
 * @configured: it has each file of modprobe's configuration that names the module
 * @foreign: name of a file of modprobe's configuration that it has and this host lacks; else empty
 */
struct initramfs {
	const char *unknown;
	bool module;
	bool rule;
	bool masked;
	bool older;
	bool stale;
	bool configured;
	char foreign[TEXT_SIZE];
};

void initramfs_read(struct initramfs *initramfs, const char *release, const char *pkgbase,
		    const char *module);

/* boot.c */

/**
 * struct boot - whether the GPUs will be isolated when a kernel boots
 * @release: of the kernel
 * @pkgbase: Arch: the name that its files in /boot have instead of the release; else empty
 * @running: it is the one that runs
 * @installed: the module, and what is configured for it
 * @initramfs: the initramfs
 */
struct boot {
	char release[TEXT_SIZE];
	char pkgbase[TEXT_SIZE];
	bool running;
	struct installed installed;
	struct initramfs initramfs;
};

#define BOOT_FAULTS	9

int boot_read(struct boot **boots);
void boot_free(struct boot *boots, int count);
int boot_faults(const struct boot *boot, const char *fault[BOOT_FAULTS]);
void boot_print(const struct boot *boot);

/* tree.c */

/**
 * struct tree - a device tree
 * @fdt: flattened, and checked
 * @file: the file or directory that it was read from
 * @live: it is the running machine's
 */
struct tree {
	void *fdt;
	const char *file;
	bool live;
};

const char *tree_open(struct tree *tree, const char *file);
void tree_close(struct tree *tree);
bool tree_text(const struct tree *tree, const char *path, const char *property,
	       char text[TEXT_SIZE]);
void tree_read_gpu(struct gpu *gpu, const struct tree *tree, u32 phandle);
void machine_from_tree(struct machine *machine, const struct tree *tree);

/* tree_files.c */
const char *tree_from_files(struct tree *tree, size_t size);

/* links.c */
void links_read(struct nvli_wires *wires, const char *text);
void machine_from_links(struct machine *machine, const struct nvli_wires *wires);

/* plan.c */

/**
 * struct plan - what would be cut
 * @tree: the device tree that it is made from
 * @declared: it is made from @wires, and there is no @tree
 * @wires: the declared links
 * @domains: the policy
 * @machine: the GPUs; each link that would be cut has MARK_CUT
 */
struct plan {
	struct tree tree;
	bool declared;
	struct nvli_wires wires;
	struct nvli_domains domains;
	struct machine machine;
};

const char *plan_make(struct plan *plan, const char *file, const char *domains);
void plan_make_declared(struct plan *plan, const char *links, const char *domains);
const char *plan_groups(const struct plan *plan);
bool plan_is_apart(const struct plan *plan, int a, int b);
void plan_print_head(const struct plan *plan);
void plan_print(const struct plan *plan);

/* loaded.c */
const char *plan_make_loaded(struct plan *plan, const char *domains);

/* platform.c */
const char *platform_fault(void);

/* others.c */
bool other_nvlink_gpu(const char *address, char text[TEXT_SIZE]);
int other_nvlink_gpus(void);

/* short.c */
void short_read(char address[ADDRESS_SIZE], const char *text, char why[WHY_SIZE]);
char *short_expand(const char *text, const struct machine *machine);

/* check.c */

/* In the order in which --json names them */
enum verdict {
	VERDICT_ISOLATED,
	VERDICT_PASSED_OVER,
	VERDICT_UNSUPPORTED,	/* passed over, although nothing disables its NVLinks */
	VERDICT_NOT_ISOLATED,
	VERDICT_ERROR,
};

/**
 * struct checked - what check says of one device
 * @address: its PCI address; empty if the argument is no address
 * @verdict: in one word
 * @text: in words. Only the text of an error begins with the argument.
 * @seen: what the module shows of it; all zero if it is no V100 SXM2
 */
struct checked {
	char address[ADDRESS_SIZE];
	enum verdict verdict;
	char text[4 * TEXT_SIZE];
	struct gpu_seen seen;
};

/**
 * struct check - what check says
 * @named: the arguments name the devices, which belong to one owner; otherwise they are all GPUs
 *	   with NVLinks
 * @verdict: of the machine, apart from the devices: isolated, not isolated, or an error
 * @fault: why the machine is not isolated, or what the error is; else empty
 * @count: how many devices there are
 * @device: these
 */
struct check {
	bool named;
	enum verdict verdict;
	char fault[WHY_SIZE];
	int count;
	struct checked *device;
};

void check_machine(struct check *check, const struct machine *machine);
void check_free(struct check *check);
int check_status(const struct check *check);

/* json.c */
void json_status(const struct machine *machine);
void json_plan(const struct plan *plan);
void json_boot(const struct boot *boots, int count);
void json_check(const struct check *check);

/* dot.c */
void dot_print(FILE *out, const struct machine *machine, bool clusters);
void dot_svg(const struct machine *machine, bool clusters);

/* nagios.c */
int nagios_unknown(const char *text);
int nagios_check(const struct check *check);

/* notes.c */
void draw_note(int gpu, const char *format, ...) __printf(2, 3);
void draw_notes(void);
void draw_pair(int a, int b, const char *text);

/* missing.c */
const char *missing_reason(const struct plan *plan, const struct gpu *gpu);

/* kernel_log.c */
void kernel_log_print(const struct machine *machine);

/* draw.c */
const char *links_or_none(u32 mask);
void draw_wrapped(const char *label, const char *text);
void draw_module(void);
void draw_links(const struct machine *machine);
void draw_matrix(const struct machine *machine);
void draw_legend(const struct machine *machine, const char *cut);

#endif
