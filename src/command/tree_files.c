// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: the device tree of the running machine, as files that every user can read: a directory is a
 * node and a file a property. They become a flattened tree, so that tree.c reads both alike.
 */

#include "command.h"

#include <errno.h>
#include <fts.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_DIR	"/sys/firmware/devicetree/base"

#define PROPERTY_SIZE	0x100000	/* 1 MiB; no property is larger */

/* In a flattened tree a node's properties come before its children. */
static int properties_first(const FTSENT **a, const FTSENT **b)
{
	return ((*a)->fts_info == FTS_D) - ((*b)->fts_info == FTS_D);
}

/* The first error, empty if there was none; and the file that caused it, if one did. */
static char fault[TEXT_SIZE];
static char blamed[PATH_MAX];

/* Fail on any missing part: an incomplete tree might lack a GPU, and its links would stay. */
static void blame(const FTSENT *entry, const char *why)
{
	snprintf(blamed, sizeof(blamed), "%s", entry->fts_path);
	make_printable(blamed);
	snprintf(fault, sizeof(fault), "%s", why);
}

/* The kernel lets only root read these. They have nothing to do with NVLink. */
static bool is_secret(const FTSENT *entry)
{
	return !strncmp(entry->fts_name, "security-", 9);
}

static int add_property(void *fdt, const FTSENT *entry)
{
	static char value[PROPERTY_SIZE];
	FILE *file = fopen(entry->fts_accpath, "re");
	size_t length;

	if (!file) {
		if (errno != EACCES || !is_secret(entry))
			blame(entry, strerror(errno));
		return 0;
	}

	length = fread(value, 1, sizeof(value), file);
	if (ferror(file))
		blame(entry, strerror(errno));
	else if (length == sizeof(value))
		blame(entry, "larger than any property of a device tree");
	fclose(file);

	return fdt_property(fdt, entry->fts_name, value, length);
}

/* Return: 0, or an error of libfdt. Sets @fault as well. */
static int add(void *fdt, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		return fdt_begin_node(fdt, entry->fts_level ? entry->fts_name : "");
	case FTS_DP:
		return fdt_end_node(fdt);
	case FTS_F:
		return add_property(fdt, entry);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		blame(entry, strerror(entry->fts_errno));
		return 0;
	default:
		blame(entry, "neither a directory nor a file, as a device tree has them");
		return 0;
	}
}

/* Return: 0, or an error of libfdt. Sets @fault as well. */
static int read_files(void *fdt, size_t size, const char *path)
{
	char * const paths[] = { (char *)path, NULL };
	const FTSENT *entry;
	int error;
	FTS *fts;

	/* The directory itself may be a symbolic link, as /proc/device-tree is. */
	fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, properties_first);
	if (!fts) {
		snprintf(fault, sizeof(fault), "%s", strerror(errno));
		return 0;
	}
	error = fdt_create(fdt, size);
	if (!error)
		error = fdt_finish_reservemap(fdt);
	while (!error && !*fault && (errno = 0, entry = fts_read(fts)))
		error = add(fdt, entry);
	if (!error && !*fault && errno)
		snprintf(fault, sizeof(fault), "%s", strerror(errno));
	fts_close(fts);
	if (!error && !*fault)
		error = fdt_finish(fdt);
	if (!error && !*fault)
		error = fdt_check_full(fdt, size);

	return error;
}

/**
 * tree_from_files() - read the tree of the running machine from its files
 * @tree: has room for it
 * @size: how much
 *
 * Return: NULL, or why there is no tree, for the user.
 */
const char *tree_from_files(struct tree *tree, size_t size)
{
	char path[PATH_MAX];
	struct stat status;
	int error, length;

	tree->file = TREE_DIR;
	fault[0] = '\0';
	strcpy(path, at(TREE_DIR));
	strcpy(blamed, path);
	if (access(path, F_OK)) {
		/* A dangling symbolic link is another error than a missing tree. */
		if (errno == ENOENT && lstat(path, &status))
			return "this machine has no device tree, as bare-metal POWER hosts have; "
				"give plan a FILE.dtb, or declared links by --links";
		tree->file = blamed;
		return errno == ENOENT ? "a link to a file that does not exist" : strerror(errno);
	}

	error = read_files(tree->fdt, size, path);
	/* The tree of each machine has this property. */
	if (!*fault && !error && !fdt_getprop(tree->fdt, 0, "compatible", &length))
		snprintf(fault, sizeof(fault), "no device tree: it has no property 'compatible'");
	if (!*fault && error)
		snprintf(fault, sizeof(fault), "a damaged device tree: libfdt says %s",
			 fdt_strerror(error));
	if (!*fault)
		return NULL;
	tree->file = blamed;

	return fault;
}
