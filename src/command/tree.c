// SPDX-License-Identifier: GPL-2.0-only
/* In: a device tree, the running machine's or a file, and the GPUs in it. */

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEERS_PROPERTY	"ibm,nvlink-peers"
#define NPUS_PROPERTY	"ibm,npu"
#define NPU_COMPATIBLE	"ibm,power9-npu-pciex"

#define TREE_SIZE	(16 << 20)	/* an AC922's has less than one MiB */
#define TREE_DEPTH	32		/* a GPU is the sixth below the root */

/* Read all of a file or pipe. Return: the number of bytes, or -1 with errno. */
static ssize_t read_all(const char *path, char *buffer, size_t size)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		return -1;

	do {
		n = read(fd, buffer + done, size - done);
		if (n > 0)
			done += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	close(fd);

	return done;
}

/* Check the whole tree before anything else reads it. */
static const char *check(const void *fdt, size_t size)
{
	static char text[TEXT_SIZE];
	int error;

	if (!size)
		return "the file is empty: a flattened device tree (.dtb) is accepted";
	if (size == TREE_SIZE)
		return "larger than 16 MiB: no flattened device tree is";
	/* libfdt's check of the header assumes that the header is complete. */
	if (size < sizeof(struct fdt_header) || fdt_magic(fdt) != FDT_MAGIC)
		return "not a flattened device tree (.dtb); dtc makes one of a .dts";
	if (fdt_totalsize(fdt) > size) {
		snprintf(text, sizeof(text), "truncated: %zu of %u bytes are there", size,
			 fdt_totalsize(fdt));
		return text;
	}
	/* Before version 16 names were paths, and libfdt's check mishandles a name that is not. */
	if (fdt_version(fdt) < 17) {
		snprintf(text, sizeof(text), "version %u of the format: 17 and newer is accepted",
			 fdt_version(fdt));
		return text;
	}
	error = fdt_check_full(fdt, size);
	if (error) {
		snprintf(text, sizeof(text), "a damaged device tree: libfdt says %s",
			 fdt_strerror(error));
		return text;
	}

	return NULL;
}

/**
 * tree_open() - read a device tree, and check it
 * @tree: set; tree_close() frees it, also after an error
 * @file: a .dtb, "-" for standard input, or NULL for the tree of the running machine
 *
 * For the running machine it reads the tree that the kernel and the module use. Every user can read
 * that. Only root can read the flattened tree that the kernel booted with, and it may differ.
 *
 * Return: NULL, or why there is no tree, for the user.
 */
const char *tree_open(struct tree *tree, const char *file)
{
	ssize_t size;

	*tree = (struct tree){ .file = file && !strcmp(file, "-") ? "standard input" : file,
			       .live = !file };
	tree->fdt = calloc(1, TREE_SIZE);
	if (!tree->fdt)
		return strerror(errno);
	if (tree->live)
		return tree_from_files(tree, TREE_SIZE);

	size = read_all(file, tree->fdt, TREE_SIZE);
	if (size < 0)
		return strerror(errno);

	return check(tree->fdt, size);
}

void tree_close(struct tree *tree)
{
	free(tree->fdt);
	tree->fdt = NULL;
}

/* The first string of a property. Return: false if there is none. */
bool tree_text(const struct tree *tree, const char *path, const char *property,
	       char text[TEXT_SIZE])
{
	int node = fdt_path_offset(tree->fdt, path);
	const char *value;
	int length;

	value = node < 0 ? NULL : fdt_getprop(tree->fdt, node, property, &length);
	if (!value || length <= 0)
		return false;
	snprintf(text, TEXT_SIZE, "%.*s", length, value);
	make_printable(text);

	return true;
}

static bool read_cell(u32 *value, const void *fdt, int node, const char *property)
{
	const fdt32_t *cell;
	int length;

	cell = fdt_getprop(fdt, node, property, &length);
	if (!cell || length != sizeof(*cell))
		return false;
	*value = fdt32_ld(cell);

	return true;
}

static u16 read_id(const void *fdt, int node, const char *property)
{
	u32 id;

	return read_cell(&id, fdt, node, property) && id <= 0xffff ? id : 0;
}

static bool is_npu(const void *fdt, int node)
{
	return node >= 0 && !fdt_node_check_compatible(fdt, node, NPU_COMPATIBLE);
}

/* Follows find_node() in src/module/powernv/tree.c. */
static struct nvli_node find_node(void *context, u32 phandle)
{
	const void *fdt = context;
	int node = fdt_node_offset_by_phandle(fdt, phandle);

	if (node < 0)
		return (struct nvli_node){};

	return (struct nvli_node){
		.found = true,
		.npu = is_npu(fdt, node) || is_npu(fdt, fdt_parent_offset(fdt, node)),
		.vendor = read_id(fdt, node, "vendor-id"),
		.device = read_id(fdt, node, "device-id"),
	};
}

/* The PCI segment, numbered as the kernel does: by the PHB's node. */
static bool read_segment(u32 *segment, const void *fdt, int node)
{
	const fdt64_t *number;
	int length;

	if (!read_cell(segment, fdt, node, "linux,pci-domain")) {
		number = fdt_getprop(fdt, node, "ibm,opal-phbid", &length);
		if (!number || length != sizeof(*number) || fdt64_ld(number) > 0xffff)
			return false;
		*segment = fdt64_ld(number);
	}

	return *segment <= 0xffff;
}

/*
 * The PCI address: the segment of the PHB above, and bus, device and function as firmware numbered
 * them in "reg". The kernel keeps firmware's numbers on this platform.
 */
static void read_address(struct gpu *gpu, const void *fdt, const int *path, int depth)
{
	const fdt32_t *reg;
	u32 segment;
	int length, i;

	reg = fdt_getprop(fdt, path[depth], "reg", &length);
	if (!reg || length < (int)sizeof(*reg))
		return;

	for (i = depth - 1; i >= 0; i--)
		if (read_segment(&segment, fdt, path[i])) {
			nvli_gpu_id_text(segment << 16 | (fdt32_ld(reg) >> 8 & 0xffff),
					 gpu->address);
			return;
		}
}

static void read_node(struct gpu *gpu, const struct tree *tree, int node)
{
	const void *cells;
	int length = 0;

	/* A machine's tree has no path that does not fit. */
	if (fdt_get_path(tree->fdt, node, gpu->node, sizeof(gpu->node)))
		strcpy(gpu->node, "?");
	make_printable(gpu->node);
	gpu->phandle = fdt_get_phandle(tree->fdt, node);
	cells = fdt_getprop(tree->fdt, node, PEERS_PROPERTY, &length);
	nvli_topology_parse(&gpu->topology, cells, cells ? length : 0, gpu->phandle, find_node,
			    tree->fdt);
	cells = fdt_getprop(tree->fdt, node, NPUS_PROPERTY, &length);
	gpu->unlisted = nvli_topology_unlisted(&gpu->topology, cells, cells ? length : 0);
}

/*
 * Read what the tree says of a GPU whose node PCI names. The ids in the node do not matter. The
 * links of a GPU without a node are unknown.
 */
void tree_read_gpu(struct gpu *gpu, const struct tree *tree, u32 phandle)
{
	int node = phandle ? fdt_node_offset_by_phandle(tree->fdt, phandle) : -1;

	if (node >= 0)
		read_node(gpu, tree, node);
	else
		nvli_topology_parse(&gpu->topology, NULL, 0, 0, NULL, NULL);
}

/* The V100 SXM2 that a tree has, without their peers. */
void machine_from_tree(struct machine *machine, const struct tree *tree)
{
	int path[TREE_DEPTH];
	const char *board;
	struct gpu *gpu;
	int node, depth;

	machine->count = 0;
	depth = 0;
	for (node = 0; node >= 0 && depth >= 0; node = fdt_next_node(tree->fdt, node, &depth)) {
		if (depth >= TREE_DEPTH)
			continue;
		path[depth] = node;
		board = nvli_board(read_id(tree->fdt, node, "vendor-id"),
				   read_id(tree->fdt, node, "device-id"));
		if (!board)
			continue;
		gpu = machine_add(machine);
		gpu->board = board;
		read_node(gpu, tree, node);
		read_address(gpu, tree->fdt, path, depth);
	}
}
