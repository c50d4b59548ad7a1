// SPDX-License-Identifier: GPL-2.0-only
/* The module that is installed for the running kernel: not always the one that is loaded. */

#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkmod.h>

/* Text from outside, cut where it does not fit */
static void keep(char *to, size_t size, const char *from)
{
	to[0] = '\0';
	strncat(to, from, size - 1);
	make_printable(to);
}

static void read_module(struct installed *installed, struct kmod_module *mod)
{
	struct kmod_list *info = NULL, *item;
	const char *path = kmod_module_get_path(mod);
	const char *options = kmod_module_get_options(mod);

	if (options)
		keep(installed->options, sizeof(installed->options), options);
	/* An index that nobody has renewed since may name a file that is gone. */
	if (!path || access(path, F_OK))
		return;
	installed->path = strdup(path);
	if (kmod_module_get_info(mod, &info) < 0)
		return;
	kmod_list_foreach(item, info) {
		const char *key = kmod_module_info_get_key(item);
		const char *value = kmod_module_info_get_value(item);

		if (!strcmp(key, "version"))
			keep(installed->version, sizeof(installed->version), value);
		else if (!strcmp(key, "srcversion"))
			keep(installed->srcversion, sizeof(installed->srcversion), value);
	}
	kmod_module_info_free_list(info);
}

/**
 * installed_read() - ask modprobe's library
 * @installed: set; installed_free() frees what is in it
 */
void installed_read(struct installed *installed)
{
	static const char * const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
		"/usr/lib/modprobe.d", "/lib/modprobe.d" };
	const char *paths[ARRAY_SIZE(dirs) + 1] = {};
	struct kmod_module *mod;
	char release[TEXT_SIZE];
	struct kmod_ctx *kmod;
	size_t i;

	memset(installed, 0, sizeof(*installed));
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		paths[i] = strdup(at("%s", dirs[i]));
	kernel_release(release);
	kmod = kmod_new(at("/lib/modules/%s", release), paths);
	if (kmod) {
		kmod_set_log_priority(kmod, -1);
		/* By its name, not by look-up, which would not tell its options without its file */
		if (!kmod_module_new_from_name(kmod, MODULE, &mod)) {
			read_module(installed, mod);
			kmod_module_unref(mod);
		}
	}
	kmod_unref(kmod);
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		free((char *)paths[i]);
}

void installed_free(struct installed *installed)
{
	free(installed->path);
}

/*
 * Return: true if another module is installed than the one that is loaded, of which sysfs has
 * version and checksum. What is not told on both sides counts as the same.
 */
bool installed_is_other(const struct installed *installed)
{
	char version[TEXT_SIZE], srcversion[TEXT_SIZE];

	if (!installed->path || !module_version(version))
		return false;
	if (*installed->version && strcmp(version, installed->version))
		return true;

	return *installed->srcversion &&
	       read_line(srcversion, sizeof(srcversion), at(MODULE_DIR "/srcversion")) &&
	       strcmp(srcversion, installed->srcversion);
}
