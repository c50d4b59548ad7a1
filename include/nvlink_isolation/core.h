/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core: which links a GPU has to disable, and what may be claimed about it. Pure C without
 * kernel, allocation or I/O, so that the module, the tools and the unit tests share it. Nothing
 * here locks: the caller serialises access to each object.
 */
#ifndef NVLINK_ISOLATION_CORE_H
#define NVLINK_ISOLATION_CORE_H

#ifdef __KERNEL__
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

#include <nvlink_isolation/gv100.h>

/* board.c - identity */

const char *nvli_board(u16 vendor, u16 device);
bool nvli_chip_is_gv100(u32 boot_0);
bool nvli_chip_is_other(u32 boot_0);
bool nvli_is_answer(u32 value);

/* topology.c - where the links lead */

/**
 * enum nvli_end - what is at the other end of a link
 * @NVLI_END_UNKNOWN: unknown; treated as a GPU of another owner
 * @NVLI_END_NONE: nothing, says the firmware
 * @NVLI_END_CPU: the NPU of a POWER9, which the IOMMU guards
 * @NVLI_END_GPU: another V100
 */
enum nvli_end {
	NVLI_END_UNKNOWN,
	NVLI_END_NONE,
	NVLI_END_CPU,
	NVLI_END_GPU,
};

/**
 * enum nvli_fault - why an end is NVLI_END_UNKNOWN
 * @NVLI_FAULT_NONE: the end is known
 * @NVLI_FAULT_MISSING: the GPU has no ibm,nvlink-peers
 * @NVLI_FAULT_LENGTH: ibm,nvlink-peers is not six cells long
 * @NVLI_FAULT_PHANDLE: no node has this phandle
 * @NVLI_FAULT_SELF: the phandle is the GPU's own
 * @NVLI_FAULT_NODE: the node is neither an NPU's nor a V100's
 * @NVLI_FAULT_UNDECLARED: the parameter "links" does not name this link
 */
enum nvli_fault {
	NVLI_FAULT_NONE,
	NVLI_FAULT_MISSING,
	NVLI_FAULT_LENGTH,
	NVLI_FAULT_PHANDLE,
	NVLI_FAULT_SELF,
	NVLI_FAULT_NODE,
	NVLI_FAULT_UNDECLARED,
};

/**
 * struct nvli_node - what the caller found in its device tree under a phandle
 * @found: there is such a node; the other members mean nothing without it
 * @npu: the node or its parent is compatible with "ibm,power9-npu-pciex"
 * @vendor: property vendor-id, 0 if there is none
 * @device: property device-id, 0 if there is none
 */
struct nvli_node {
	bool found;
	bool npu;
	u16 vendor;
	u16 device;
};

typedef struct nvli_node (*nvli_find_node_t)(void *context, u32 phandle);

/**
 * struct nvli_topology - the links of one GPU
 * @bytes: length of ibm,nvlink-peers, for messages; 0 for declared links
 * @link: indexed by the GPU's link number
 * @link.end: what is there
 * @link.fault: why the end is unknown
 * @link.phandle: the cell as read, 0 if there is none. For a declared link it is the NVLI_GPU_ID of
 *		  the GPU at the other end: see nvli_wires_apply().
 */
struct nvli_topology {
	size_t bytes;
	struct nvli_topology_link {
		enum nvli_end end;
		enum nvli_fault fault;
		u32 phandle;
	} link[GV100_NVLINKS];
};

void nvli_topology_parse(struct nvli_topology *topology, const void *cells, size_t bytes,
			 u32 self, nvli_find_node_t find, void *context);
bool nvli_topology_agree(const struct nvli_topology *a, u32 a_phandle,
			 const struct nvli_topology *b, u32 b_phandle);
u32 nvli_topology_unlisted(const struct nvli_topology *topology, const void *npus, size_t bytes);
const char *nvli_fault_text(enum nvli_fault fault);

/* policy.c - which links to cut */

/* A domain is any number >= 0. A GPU in NVLI_ALONE shares its domain with no other GPU. */
#define NVLI_ALONE	(-1)

u32 nvli_required_mask(const struct nvli_topology *topology, int domain,
		       const int peer_domain[GV100_NVLINKS]);

/* "0x00150000" is "0,2,4": two characters a link are enough */
#define NVLI_LINKS_TEXT	(2 * GV100_NVLINKS)

const char *nvli_links_text(u32 mask, char text[NVLI_LINKS_TEXT]);

/* address.c - PCI addresses of GPUs in parameters and on the command line */

/* A PCI address in 32 bits: 16 of segment, 8 of bus, 5 of device, 3 of function */
#define NVLI_GPU_ID(segment, bus, device, function) \
	((u32)(segment) << 16 | (u32)(bus) << 8 | (u32)(device) << 3 | (u32)(function))

/* "0004:04:00.0" and its end */
#define NVLI_GPU_ID_TEXT	13

/* Size of an error's text, and of the accepted form that it names */
#define NVLI_ERROR	192
#define NVLI_FORM	64

/**
 * struct nvli_domains_error - why a text is not accepted
 * @position: where in the text, from 0: the first wrong character, or the first character of a
 *	      wrong word
 * @text: what is wrong and what is accepted, in words
 */
struct nvli_domains_error {
	size_t position;
	char text[NVLI_ERROR];
};

bool nvli_gpu_id_parse(u32 *gpu, const char *text, struct nvli_domains_error *error);
const char *nvli_gpu_id_text(u32 gpu, char text[NVLI_GPU_ID_TEXT]);

/* domains.c - which GPUs keep the links between them */

/* Limit of GPUs in a list, and size of such a list with its end */
#define NVLI_DOMAINS_MAX	32
#define NVLI_DOMAINS_TEXT	(NVLI_DOMAINS_MAX * NVLI_GPU_ID_TEXT)

/**
 * enum nvli_policy - what makes GPUs one domain
 * @NVLI_BY_GROUP: they are in one IOMMU group; the default
 * @NVLI_BY_GPU: nothing; each is alone
 * @NVLI_BY_LIST: a list names them together; a GPU that is not in the list is alone
 * @NVLI_BY_OWNER: they have the same owner: a guest, or the host; see owners.c
 */
enum nvli_policy {
	NVLI_BY_GROUP,
	NVLI_BY_GPU,
	NVLI_BY_LIST,
	NVLI_BY_OWNER,
};

/**
 * struct nvli_domains - the parameter "domains"
 * @policy: see above; all zero is the default
 * @count: how many GPUs the list names, 0 for the other policies
 * @member: these GPUs, in the list's order
 * @member.gpu: see NVLI_GPU_ID
 * @member.domain: its number in the list, from 0
 */
struct nvli_domains {
	enum nvli_policy policy;
	unsigned int count;
	struct nvli_member {
		u32 gpu;
		int domain;
	} member[NVLI_DOMAINS_MAX];
};

bool nvli_domains_parse(struct nvli_domains *domains, const char *text,
			struct nvli_domains_error *error);
const char *nvli_domains_text(const struct nvli_domains *domains, char text[NVLI_DOMAINS_TEXT]);
int nvli_domain_of(const struct nvli_domains *domains, u32 gpu, int group);

/* owners.c - the owner of each GPU */

/* No owner has NVLI_NOBODY. Guests have the numbers above NVLI_HOST. */
#define NVLI_NOBODY	0
#define NVLI_HOST	1

/**
 * enum nvli_means - how the module identified the owner of a GPU
 * @NVLI_BY_NOTHING: the GPU has no owner, or the owner is unknown; the GPU is alone
 * @NVLI_BY_DRIVER: by a bound host driver
 * @NVLI_BY_KVM: by the virtual machine
 * @NVLI_BY_CONTAINER: by the VFIO container
 */
enum nvli_means {
	NVLI_BY_NOTHING,
	NVLI_BY_DRIVER,
	NVLI_BY_KVM,
	NVLI_BY_CONTAINER,
};

/**
 * struct nvli_claim - the kernel's statement about the owner of a GPU
 * @means: how the owner was identified
 * @key: a pointer that all GPUs of this owner share; NULL for NVLI_BY_DRIVER. Never dereferenced.
 */
struct nvli_claim {
	enum nvli_means means;
	const void *key;
};

/**
 * struct nvli_owner - the owner of a GPU
 * @claim: the kernel's last statement
 * @number: its number, NVLI_NOBODY if it has none
 * @at_reset: its number when the GPU was first verified after its last reset, NVLI_NOBODY if the
 *	      GPU had another owner then
 * @resets: the number of resets seen at that verification
 */
struct nvli_owner {
	struct nvli_claim claim;
	u64 number;
	u64 at_reset;
	unsigned int resets;
};

struct nvli_status;
void nvli_owner_claim(struct nvli_owner *owner, const struct nvli_claim *claim);
bool nvli_owner_is_new(const struct nvli_owner *owner);
typedef struct nvli_claim (*nvli_claim_of_t)(const struct nvli_owner *owner);
bool nvli_owner_joins(const struct nvli_owner *owner, const struct nvli_owner *other,
		      nvli_claim_of_t claim_of);
void nvli_owner_number(struct nvli_owner *owner, u64 *last);
void nvli_owner_forget(struct nvli_owner *owner);
void nvli_owner_enable(struct nvli_owner *owner, const struct nvli_status *status);
void nvli_owner_start(struct nvli_owner *owner, unsigned int resets);
void nvli_owner_reset(struct nvli_owner *owner, unsigned int resets);
bool nvli_owner_may_keep(const struct nvli_owner *owner, const struct nvli_owner *peer);
const char *nvli_means_text(enum nvli_means means);

/* wires.c - declared links, for platforms whose firmware does not describe them */

/* 16 GPUs with six links each: the most links that a text can declare */
#define NVLI_WIRES_MAX	(16 * GV100_NVLINKS / 2)

/* Each end is as "0000:06:00.0.3", and a separator or the end of the text */
#define NVLI_WIRES_TEXT	(NVLI_WIRES_MAX * 2 * (NVLI_GPU_ID_TEXT + 2))

/**
 * struct nvli_wires - the parameter "links"
 * @count: how many links are declared; all zero is the default, "none"
 * @wire: these links, each once, in the order of their first ends
 * @wire.end: its two ends, the lower one first
 * @wire.end.gpu: the GPU, see NVLI_GPU_ID
 * @wire.end.link: the number that this GPU gives the link, 0 to 5
 *
 * The grammar of the parameter:
 *
 *   links = "none" | link { "," link }
 *   link  = GPU "." NUMBER "-" GPU "." NUMBER
 *
 * as in 0000:06:00.0.0-0000:07:00.0.2,0000:06:00.0.1-0000:0a:00.0.1. GPU has one of the forms of
 * address.c. It may be a path without a '-' in it. NUMBER is 0 to 5, and the two ends of a link may
 * have different ones. A comma separates, as in "domains", and there are no blanks; nothing in it
 * needs quotes in modprobe.d or on the kernel's command line. One newline at the end is ignored.
 *
 * The order of links, and of the ends of a link, means nothing. A link joins two GPUs, and each end
 * is named once. A GPU need not be there. An end that is not named is unknown, and always disabled.
 */
struct nvli_wires {
	unsigned int count;
	struct nvli_wire {
		struct nvli_wire_end {
			u32 gpu;
			u32 link;
		} end[2];
	} wire[NVLI_WIRES_MAX];
};

bool nvli_wires_parse(struct nvli_wires *wires, const char *text,
		      struct nvli_domains_error *error);
const char *nvli_wires_text(const struct nvli_wires *wires, char text[NVLI_WIRES_TEXT]);
void nvli_wires_apply(const struct nvli_wires *wires, u32 gpu, struct nvli_topology *topology);

/* status.c - what may be claimed */

/**
 * enum nvli_state - as sysfs shows it; see src/module/sysfs.c
 * @NVLI_OFF: not enforced; nothing is known
 * @NVLI_PENDING: has to be isolated and is not known to be
 * @NVLI_ISOLATED: every required bit was read back as set since the last reset
 * @NVLI_FAILED: an attempt since the last reset failed, or resets may go unseen
 * @NVLI_UNSUPPORTED: the PCI id is a V100's and the chip is a known other one; never written
 */
enum nvli_state {
	NVLI_OFF,
	NVLI_PENDING,
	NVLI_ISOLATED,
	NVLI_FAILED,
	NVLI_UNSUPPORTED,
};

/**
 * enum nvli_outcome - how an attempt to disable links ended
 * @NVLI_NOT_TRIED: no register was accessed: the GPU cannot be reached now
 * @NVLI_STOPPED: a reset began during the attempt
 * @NVLI_READ: GV100_LINK_DISABLE was read; required links may be enabled or disabled in it
 * @NVLI_NO_ANSWER: a register read as all ones
 * @NVLI_WRONG: a register read as a PRI error, or the PRI ring did not start
 * @NVLI_NOT_GV100: PMC_BOOT_0 names another chip, or is garbage
 * @NVLI_COVERED: what was read may not be the GPU's registers, as its BARs were moved meanwhile
 */
enum nvli_outcome {
	NVLI_NOT_TRIED,
	NVLI_STOPPED,
	NVLI_READ,
	NVLI_NO_ANSWER,
	NVLI_WRONG,
	NVLI_NOT_GV100,
	NVLI_COVERED,
};

/**
 * struct nvli_result - what an attempt found
 * @outcome: see above
 * @offset: the register that ended it, but for NVLI_NOT_TRIED, NVLI_STOPPED and NVLI_COVERED
 * @value: what that read as; for NVLI_READ the mask
 * @written: the mask was written, since required links were found enabled
 */
struct nvli_result {
	enum nvli_outcome outcome;
	u32 offset;
	u32 value;
	bool written;
};

/**
 * struct nvli_status - one GPU: facts from which its state follows, see nvli_state()
 * @enforced: it has to be isolated
 * @watched: the module sees its resets. Otherwise it claims nothing.
 * @was_gv100: PMC_BOOT_0 named a GV100 before, so another value is a fault and not another chip
 * @stale: the last read-back is too old to prove anything
 * @used: memory decoding was on since the last counted reset, even if that had no effect
 * @other_chip: attempts in a row in which PMC_BOOT_0 named the same known other chip
 * @generation: counts resets and what may be one, from 1; a read-back holds in its own only
 * @required: bits of GV100_LINK_DISABLE that have to be set
 * @disabled: these bits as last read back
 * @read_in: the generation in which @disabled was read, 0 for never
 * @failed_in: the generation in which the last attempt failed, 0 for none
 * @unanswered: it failed because the GPU did not respond to a read
 * @thawed_in: the generation in which such a failure was forgiven
 * @resets: resets seen while enforced
 * @verified_resets: @resets at the last verified read-back
 * @reapplied: read-backs that verified the GPU again after a reset
 */
struct nvli_status {
	bool enforced;
	bool watched;
	bool was_gv100;
	bool stale;
	bool used;
	u8 other_chip;
	u32 generation;
	u32 required;
	u32 disabled;
	u32 read_in;
	u32 failed_in;
	bool unanswered;
	u32 thawed_in;
	unsigned int resets;
	unsigned int verified_resets;
	unsigned int reapplied;
};

void nvli_status_enforce(struct nvli_status *status, bool enforced);
void nvli_status_watch(struct nvli_status *status, bool watched);
void nvli_status_require(struct nvli_status *status, u32 required);
void nvli_status_reset(struct nvli_status *status, bool counted);
void nvli_status_thaw(struct nvli_status *status);
void nvli_status_expire(struct nvli_status *status);
void nvli_status_use(struct nvli_status *status);
void nvli_status_stop(struct nvli_status *status);
bool nvli_status_judge(struct nvli_status *status, u32 generation,
		       const struct nvli_result *result);
bool nvli_status_is_known(const struct nvli_status *status);
bool nvli_status_was_read(const struct nvli_status *status);
bool nvli_status_is_fresh(const struct nvli_status *status);
bool nvli_status_was_cut(const struct nvli_status *status);
bool nvli_status_is_cut(const struct nvli_status *status);
bool nvli_status_has_failed(const struct nvli_status *status);
enum nvli_state nvli_state(const struct nvli_status *status);
const char *nvli_state_text(enum nvli_state state);

#endif
