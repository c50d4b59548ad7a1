// SPDX-License-Identifier: GPL-2.0-only
/* The module that is installed for a kernel, which may differ from the loaded one. */

#include "command.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkmod.h>

const char * const modprobe_dirs[MODPROBE_DIRS] = {
	"/etc/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d",
	"/run/modprobe.d",
};

/* Copy text from outside, and cut it where it does not fit. */
static void keep(char *to, size_t size, const char *from)
{
	to[0] = '\0';
	strncat(to, from, size - 1);
	make_printable(to);
}

/* Does the running kernel load signed modules only? Secure Boot can switch on either of these. */
static bool wants_signatures(void)
{
	char text[TEXT_SIZE];

	if (read_line(text, sizeof(text), at("/sys/module/module/parameters/sig_enforce")) &&
	    *text == 'Y')
		return true;

	return read_line(text, sizeof(text), at("/sys/kernel/security/lockdown")) &&
	       !strstr(text, "[none]");
}

static void read_module(struct installed *installed, struct kmod_module *mod)
{
	struct kmod_list *info = NULL, *item;
	const char *path = kmod_module_get_path(mod);
	const char *options = kmod_module_get_options(mod);
	bool is_signed = false;

	if (options)
		keep(installed->options, sizeof(installed->options), options);
	/* If depmod has not run since, its index may name a file that is gone. */
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
		else if (!strcmp(key, "sig_id"))
			is_signed = true;
	}
	kmod_module_info_free_list(info);
	installed->refused = !is_signed && wants_signatures();
}

/* Does a line for the module come from @iter? Patterns are, as in libkmod, those of a shell. */
static bool has_line(struct kmod_config_iter *iter)
{
	bool found = false;

	while (iter && kmod_config_iter_next(iter))
		found |= !fnmatch(kmod_config_iter_get_key(iter), MODULE, 0);
	kmod_config_iter_free_iter(iter);

	return found;
}

/* What the kernel does to quotes in parameters of modules */
void remove_quotes(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != '"')
			*to++ = *text;
	*to = '\0';
}

/* The kernel and modprobe take a dash in a module's name for an underscore. */
void replace_dashes(char *name)
{
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

/* By the kernel's command line, of which libkmod reads modprobe.blacklist= only */
static bool is_on_blacklist(void)
{
	static const char * const names[] = {
		"module_blacklist",
		"rd.driver.blacklist", /* dracut */
		"blacklist", /* initramfs-tools */
	};
	char line[DOMAINS_SIZE], *word, *value, *name, *rest, *more;
	size_t i;

	if (!read_line(line, sizeof(line), at("/proc/cmdline")))
		return false;
	remove_quotes(line);
	replace_dashes(line);
	for (word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		value = strchr(word, '=');
		if (!value)
			continue;
		*value++ = '\0';
		for (i = 0; i < ARRAY_SIZE(names) && strcmp(word, names[i]); )
			i++;
		if (i == ARRAY_SIZE(names))
			continue;
		for (name = strtok_r(value, ",", &more); name; name = strtok_r(NULL, ",", &more))
			if (!strcmp(name, MODULE))
				return true;
	}

	return false;
}

/* With such lines udev does not load the module, or runs or loads something else in its place. */
static bool is_kept_out(struct kmod_ctx *kmod)
{
	return has_line(kmod_config_get_blacklists(kmod)) ||
	       has_line(kmod_config_get_install_commands(kmod)) ||
	       has_line(kmod_config_get_aliases(kmod)) || is_on_blacklist();
}

/**
 * installed_read() - ask modprobe's library
 * @installed: set; installed_free() frees what is in it
 * @release: of the kernel
 * @at_boot: as it will be at a boot, where /run begins empty
 */
void installed_read(struct installed *installed, const char *release, bool at_boot)
{
	const char *paths[ARRAY_SIZE(modprobe_dirs) + 1] = {};
	struct kmod_module *mod;
	struct kmod_ctx *kmod;
	size_t i;

	memset(installed, 0, sizeof(*installed));
	for (i = 0; i < ARRAY_SIZE(modprobe_dirs) - at_boot; i++)
		paths[i] = strdup(at("%s", modprobe_dirs[i]));
	kmod = kmod_new(at("/lib/modules/%s", release), paths);
	if (kmod) {
		kmod_set_log_priority(kmod, -1);
		installed->kept_out = is_kept_out(kmod);
		/* By name: a look-up finds no options if the module has no file. */
		if (!kmod_module_new_from_name(kmod, MODULE, &mod)) {
			read_module(installed, mod);
			kmod_module_unref(mod);
		}
	}
	kmod_unref(kmod);
	for (i = 0; i < ARRAY_SIZE(modprobe_dirs); i++)
		free((char *)paths[i]);
}

void installed_free(struct installed *installed)
{
	free(installed->path);
}

/* Follows parse() in src/module/parameters.c: a value that it does not know switches it on. */
static bool is_off(const char *value)
{
	static const char * const words[] = { "0", "n", "N", "off" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(value, words[i]))
			return true;

	return false;
}

/* A switch when modprobe loads the module. If it is set several times, the last one counts. */
static bool is_on(const struct installed *installed, const char *name, bool by_default)
{
	static const char separators[] = " \t";
	size_t length = strlen(name);
	char options[DOMAINS_SIZE];
	bool on = by_default;
	char *option, *rest;

	strcpy(options, installed->options);
	remove_quotes(options);
	for (option = strtok_r(options, separators, &rest); option;
	     option = strtok_r(NULL, separators, &rest))
		if (!strncmp(option, name, length) && strchr("=", option[length]))
			on = !option[length] || !is_off(option + length + 1);

	return on;
}

/* Will the module enforce? */
bool installed_enforces(const struct installed *installed)
{
	return is_on(installed, "isolate", false);
}

/* Will it refuse to have a GPU switched on that is not verified? */
bool installed_gates(const struct installed *installed)
{
	return is_on(installed, "gate", true);
}

/*
 * Return: true if another module is installed than the one that is loaded, of which sysfs has
 * version and checksum. A value that either side lacks counts as equal.
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
