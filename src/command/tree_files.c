// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: the device tree of the running machine as the files that everybody can read: a directory is
 * a node and a file a property. They become a flattened tree, so that there is one way to read it.
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

#define PROPERTY_SIZE	0x100000	/* 1 MiB, and none is */

/* In a flattened tree a node's properties come before its children. */
static int properties_first(const FTSENT **a, const FTSENT **b)
{
	return ((*a)->fts_info == FTS_D) - ((*b)->fts_info == FTS_D);
}

/* What only root may read is left out: nothing of NVLink is. */
static int add_property(void *fdt, const FTSENT *entry)
{
	static char value[PROPERTY_SIZE];
	FILE *file = fopen(entry->fts_accpath, "re");
	size_t length;

	if (!file)
		return 0;

	length = fread(value, 1, sizeof(value), file);
	fclose(file);

	return fdt_property(fdt, entry->fts_name, value, length);
}

/* Return: 0, or an error of libfdt. */
static int add(void *fdt, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		return fdt_begin_node(fdt, entry->fts_level ? entry->fts_name : "");
	case FTS_DP:
		return fdt_end_node(fdt);
	case FTS_F:
		return add_property(fdt, entry);
	default:
		return 0;
	}
}

/**
 * tree_from_files() - read the tree of the running machine from its files
 * @tree: has room for it
 * @size: how much
 *
 * Return: NULL, or why there is none, for the user.
 */
const char *tree_from_files(struct tree *tree, size_t size)
{
	static char text[TEXT_SIZE];
	char path[PATH_MAX];
	char * const paths[] = { path, NULL };
	const FTSENT *entry;
	int error;
	FTS *fts;

	tree->file = TREE_DIR;
	strcpy(path, at(TREE_DIR));
	if (access(path, F_OK))
		return "this machine has no device tree; one of another can be given to plan";
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, properties_first);
	if (!fts)
		return strerror(errno);

	error = fdt_create(tree->fdt, size);
	if (!error)
		error = fdt_finish_reservemap(tree->fdt);
	while (!error && (entry = fts_read(fts)) && entry->fts_info != FTS_NS)
		error = add(tree->fdt, entry);
	fts_close(fts);
	if (!error)
		error = fdt_finish(tree->fdt);
	if (!error)
		error = fdt_check_full(tree->fdt, size);

	if (!error)
		return NULL;

	snprintf(text, sizeof(text), "a damaged device tree: libfdt says %s", fdt_strerror(error));

	return text;
}
