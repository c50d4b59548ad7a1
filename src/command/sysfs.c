// SPDX-License-Identifier: GPL-2.0-only
/* In: what the kernel and the module show in sysfs. Nothing is ever written there. */

#include "command.h"

#include <ctype.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A path below --root, valid until the next call. */
const char *at(const char *format, ...)
{
	static char path[PATH_MAX];
	va_list args;
	int length, more;

	length = snprintf(path, sizeof(path), "%s", root_dir);
	va_start(args, format);
	more = vsnprintf(path + length, sizeof(path) - length, format, args);
	va_end(args);
	if (more < 0 || (size_t)length + more >= sizeof(path))
		fail("%.64s...: the path is too long", path);

	return path;
}

/* Text from outside may hold any bytes: keep control characters from terminals and JSON. */
void make_printable(char *text)
{
	for (; *text; text++)
		if (!isascii(*text) || !isprint(*text))
			*text = '?';
}

/**
 * read_line() - read the first line of a file, without its end
 * @text: set to it, or to the empty string
 * @size: of @text; what does not fit is left out
 * @path: the file
 *
 * Return: false if the file cannot be read; errno says why.
 */
bool read_line(char *text, size_t size, const char *path)
{
	FILE *file = fopen(path, "re");
	bool good;

	text[0] = '\0';
	if (!file)
		return false;

	errno = 0;
	good = fgets(text, size, file) || !ferror(file);
	if (!good)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	make_printable(text);
	fclose(file);

	return good;
}

void kernel_release(char text[TEXT_SIZE])
{
	read_line(text, TEXT_SIZE, at("/proc/sys/kernel/osrelease"));
}

bool module_is_loaded(void)
{
	return !access(at(MODULE_DIR), F_OK);
}

bool module_version(char text[TEXT_SIZE])
{
	return read_line(text, TEXT_SIZE, at(MODULE_DIR "/version"));
}

/* The module's parameter "audit_seconds". Return: false if the module does not show it. */
bool module_audit_seconds(long long *seconds)
{
	char text[16];

	read_line(text, sizeof(text), at(MODULE_DIR "/parameters/audit_seconds"));
	*seconds = strtoll(text, NULL, 10);

	return isdigit((unsigned char)*text);
}

/* The module's parameter "domains"; the default if it cannot be read. */
void module_domains(char text[DOMAINS_SIZE])
{
	if (!read_line(text, DOMAINS_SIZE, at(MODULE_DIR "/parameters/domains")))
		strcpy(text, "group");
}

/* Does the IOMMU group join GPUs, rather than a choice of the administrator? */
bool is_by_group(const char *domains)
{
	struct nvli_domains_error error;
	struct nvli_domains parsed;

	return !nvli_domains_parse(&parsed, domains, &error) || parsed.policy == NVLI_BY_GROUP;
}

/* What joins GPUs: "group", "list", "owner", or the parameter if this command does not know it. */
void joined_by(char text[DOMAINS_SIZE])
{
	struct nvli_domains_error error;
	struct nvli_domains parsed;

	module_domains(text);
	if (nvli_domains_parse(&parsed, text, &error) && parsed.policy == NVLI_BY_LIST)
		strcpy(text, "list");
}

bool gpu_is_on_pci(const char *address)
{
	return !access(at(DEVICES_DIR "/%s", address), F_OK);
}

/* Return: false if the id cannot be read, and then @why is set. A device that is gone has id 0. */
static bool read_id(u16 *id, const char *address, const char *name, char why[WHY_SIZE])
{
	bool there = true;
	unsigned long value;
	char text[16];
	char *end;
	int error;

	*id = 0;
	if (read_line(text, sizeof(text), at(DEVICES_DIR "/%s/%s", address, name))) {
		value = strtoul(text, &end, 16);
		*id = value;
		if (isxdigit((unsigned char)*text) && !*end && value <= 0xffff)
			return true;
		snprintf(why, WHY_SIZE, "%s: the %s id of this device: '%s' is not an id",
			 address, name, text);
	} else {
		error = errno;
		there = gpu_is_on_pci(address);
		snprintf(why, WHY_SIZE, "%s: the %s id of this device: %s", address, name,
			 strerror(error));
	}

	return !there;
}

/* Can the ids of this device be read? If not, @why is set, and device_id() ends the command. */
bool device_is_known(const char *address, char why[WHY_SIZE])
{
	u16 id;

	return read_id(&id, address, "vendor", why) && read_id(&id, address, "device", why);
}

/* A device whose id cannot be read must not pass for another kind, so fail. */
u16 device_id(const char *address, const char *name)
{
	char why[WHY_SIZE];
	u16 id;

	if (!read_id(&id, address, name, why))
		fail("%s", why);

	return id;
}

/* Return: the name of the board, or NULL if this is not a V100 SXM2, or not on PCI at all. */
const char *gpu_board(const char *address)
{
	return nvli_board(device_id(address, "vendor"), device_id(address, "device"));
}

/* Return: the number of its IOMMU group; -1 if it has none. */
int gpu_group(const char *address)
{
	char target[PATH_MAX];
	const char *number;
	ssize_t length;
	char *end;
	long group;

	length = readlink(at(DEVICES_DIR "/%s/iommu_group", address), target, sizeof(target) - 1);
	if (length < 0)
		return -1;

	target[length] = '\0';
	number = strrchr(target, '/');
	number = number ? number + 1 : target;
	group = strtol(number, &end, 10);

	return end == number || *end || group < 0 || group > INT_MAX ? -1 : group;
}

/*
 * Set the phandle of its device-tree node, 0 if it has none. Return: false if a phandle cannot be
 * read, and then @why is set: the GPU must not pass for one that has no node.
 */
static bool read_phandle(u32 *phandle, const char *address, char why[WHY_SIZE])
{
	const char *path = at(DEVICES_DIR "/%s/of_node/phandle", address);
	FILE *file = fopen(path, "re");
	u32 cell = 0;

	*phandle = 0;
	if (!file && errno == ENOENT)
		return true;
	if (!file) {
		snprintf(why, WHY_SIZE, "%.*s: %s", TEXT_SIZE, path, strerror(errno));
		return false;
	}
	if (fread(&cell, sizeof(cell), 1, file) == 1)
		*phandle = be32toh(cell);
	fclose(file);

	return true;
}

/* Make room for one more GPU. */
struct gpu *machine_add(struct machine *machine)
{
	struct gpu *gpu = &machine->gpu[machine->count];
	int i;

	if (machine->count == GPUS_MAX)
		fail("there are more than %d V100 SXM2, which no machine has", GPUS_MAX);
	machine->count++;

	memset(gpu, 0, sizeof(*gpu));
	gpu->group = -1;
	for (i = 0; i < GV100_NVLINKS; i++)
		gpu->link[i].peer = -1;

	return gpu;
}

void pci_list(struct pci_devices *pci)
{
	const char *path = at(DEVICES_DIR);
	struct dirent **entries;
	int n, i;

	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		fail_errno("%s", path);
	pci->count = 0;
	pci->address = calloc(n + 1, sizeof(*pci->address));
	if (!pci->address)
		fail("no memory left");
	for (i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.')
			snprintf(pci->address[pci->count++], ADDRESS_SIZE, "%.*s",
				 ADDRESS_SIZE - 1, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* Return: false if it cannot be told whether this is a V100 SXM2, or which. Then @why is set. */
static bool add_device(struct machine *machine, const char *address, char why[WHY_SIZE])
{
	const char *board;
	struct gpu *gpu;
	u32 phandle;

	if (!device_is_known(address, why))
		return false;
	board = gpu_board(address);
	if (!board)
		return true;
	if (!read_phandle(&phandle, address, why))
		return false;
	gpu = machine_add(machine);
	strcpy(gpu->address, address);
	gpu->board = board;
	gpu->on_pci = true;
	gpu->group = gpu_group(address);
	gpu->phandle = phandle;

	return true;
}

/* The V100 SXM2 on PCI, without what the module shows of them. */
void machine_from_pci(struct machine *machine)
{
	struct pci_devices pci;
	char why[WHY_SIZE];
	int i;

	machine->count = 0;
	machine->unread[0] = '\0';
	pci_list(&pci);
	for (i = 0; i < pci.count; i++)
		if (!add_device(machine, pci.address[i], why) && !*machine->unread)
			strcpy(machine->unread, why);
	free(pci.address);
}

/* A device that cannot be read must not pass for one that is not there, so fail. */
void machine_need_all(const struct machine *machine)
{
	if (*machine->unread)
		fail("%s", machine->unread);
}

static int find(const struct machine *machine, const char *address)
{
	int i;

	for (i = 0; i < machine->count; i++)
		if (!strcmp(machine->gpu[i].address, address))
			return i;

	return -1;
}

static int links_to(const struct gpu *gpu, const char *address)
{
	int i, count = 0;

	for (i = 0; i < GV100_NVLINKS; i++)
		count += !strcmp(gpu->seen.peers[i], address);

	return count;
}

/* Has this peer disabled its end? An isolated one has, if both count the same links. */
static bool is_far_cut(const struct gpu *gpu, const struct gpu *peer)
{
	return !strcmp(peer->seen.state, "isolated") &&
	       links_to(gpu, peer->address) == links_to(peer, gpu->address);
}

/* Judge one link by the rules of the module's exposed_peers. */
static enum mark mark_of(const struct gpu *gpu, const struct gpu_link *link, u32 bit,
			 const struct machine *machine)
{
	/* The module does not know this GPU, so its links may be open. */
	if (!gpu->seen.shown)
		return MARK_OPEN;
	if (gpu->seen.disabled_known && gpu->seen.disabled & bit)
		return MARK_CUT;
	if (!(gpu->required & bit) || link->end == NVLI_END_NONE)
		return MARK_NONE;
	if (link->peer >= 0 && is_far_cut(gpu, &machine->gpu[link->peer]))
		return MARK_FAR;

	return MARK_OPEN;
}

/* The V100 SXM2 on PCI, and what the module shows of them and their links. */
void machine_from_module(struct machine *machine)
{
	char why[WHY_SIZE];
	int i, j;

	machine_from_pci(machine);
	machine_need_all(machine);
	/* A link's mark depends on what the module shows of its peer, so read all of them first. */
	for (i = 0; i < machine->count; i++) {
		struct gpu *gpu = &machine->gpu[i];

		if (!gpu_see(&gpu->seen, gpu->address, why))
			fail("%s", why);
		gpu->required = gpu->seen.required;
	}
	for (i = 0; i < machine->count; i++) {
		struct gpu *gpu = &machine->gpu[i];

		for (j = 0; j < GV100_NVLINKS; j++) {
			const char *peer = gpu->seen.peers[j];
			struct gpu_link *link = &gpu->link[j];

			link->peer = find(machine, peer);
			if (link->peer >= 0)
				link->end = NVLI_END_GPU;
			else if (!strcmp(peer, "cpu"))
				link->end = NVLI_END_CPU;
			else if (!strcmp(peer, "none"))
				link->end = NVLI_END_NONE;
			else
				link->end = NVLI_END_UNKNOWN;
			link->mark = mark_of(gpu, link, 1U << (GV100_LINK_DISABLE_SHIFT + j),
					     machine);
		}
	}
}
