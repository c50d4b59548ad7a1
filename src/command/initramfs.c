// SPDX-License-Identifier: GPL-2.0-only
/* Does a kernel's initramfs have the module and its rule? Each distribution has a lister. */

#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Does libkmod read a file of this name? mkinitramfs copies no .alias, and not every directory. */
static bool is_read(const char *name)
{
	const char *end = strrchr(name, '.');

	return *name != '.' && end && (!strcmp(end, ".conf") || !strcmp(end, ".alias"));
}

/*
 * The files of modprobe's configuration that name the module, whether the initramfs has each, and
 * whether this host has changed one that it has since it was @made. That file may have named the
 * module. @foreign is one that the initramfs has and this host lacks.
 */
struct configuration {
	struct {
		char *name;
		bool listed;
	} *file;
	int count;
	time_t made;
	bool changed;
	char *foreign;
};

/*
 * Not st_mtime, which is old in a new file that comes by cp -p, by rsync -a or from a package.
 * These times are in seconds: what changed in the same second may have come later.
 */
static bool is_newer(const char *path, time_t than)
{
	struct stat file;

	/* A link that now leads to another file is a change, too. /dev/null is new at each boot. */
	if (lstat(path, &file))
		return false;
	if (file.st_ctime >= than)
		return true;

	return !stat(path, &file) && S_ISREG(file.st_mode) && file.st_ctime >= than;
}

static void take_configuration(struct configuration *configuration, const char *name)
{
	bool found = false;
	char path[PATH_MAX];
	size_t i;
	int n;

	for (n = 0; n < configuration->count; n++)
		configuration->file[n].listed |= !strcmp(configuration->file[n].name, name);
	for (i = 0; i < MODPROBE_DIRS - 1; i++) {
		snprintf(path, sizeof(path), "%s", at("%s/%s", modprobe_dirs[i], name));
		found |= !access(path, F_OK);
		configuration->changed |= is_newer(path, configuration->made);
	}
	/* dracut makes that one up, for images in FIPS mode. */
	if (!found && strcmp(name, "fips.conf")) {
		snprintf(configuration->foreign, TEXT_SIZE, "%s", name);
		make_printable(configuration->foreign);
	}
}

/*
 * A line of a list, of ls or of paths, ends with the name of a file: ".../nvlink_isolation.ko.xz",
 * ".../70-nvlink-isolation.rules" or ".../modprobe.d/nvlink-isolation.conf". ls has " -> " and the
 * target behind that of a link.
 */
static void take_line(struct initramfs *initramfs, struct configuration *configuration,
		      const char *release, char *line)
{
	static const char dir[] = "modprobe.d";
	static const char module[] = MODULE ".ko";
	static const char rule[] = "-nvlink-isolation.rules";
	char *link = strstr(line, " -> ");
	char *name, *of_kernel;
	size_t length;

	if (link)
		*link = '\0';
	line[strcspn(line, "\n")] = '\0';
	name = strrchr(line, '/');
	if (!name++)
		return;
	length = strlen(name);
	if (name - line > (ptrdiff_t)sizeof(dir) && is_read(name) &&
	    !strncmp(name - sizeof(dir), dir, sizeof(dir) - 1))
		take_configuration(configuration, name);
	of_kernel = strstr(line, release);
	if (of_kernel && of_kernel[strlen(release)] == '/' &&
	    !strncmp(name, module, sizeof(module) - 1) && strchr(".", name[sizeof(module) - 1]))
		initramfs->module = true;
	if (length >= sizeof(rule) - 1 && !strcmp(name + length - (sizeof(rule) - 1), rule))
		initramfs->rule = true;
}

enum listed {
	LISTED,
	NO_LISTER,
	LISTER_FAILED,
};

/* Run a lister, without a shell, and read what it prints. */
static enum listed list_with(struct initramfs *initramfs, struct configuration *configuration,
			     const char *release, const char *lister, const char *path)
{
	char *args[3] = {};
	posix_spawn_file_actions_t actions;
	char line[PATH_MAX];
	int ends[2], status, err;
	FILE *list;
	pid_t pid;

	args[0] = (char *)lister;
	args[1] = (char *)path;
	if (pipe(ends))
		return LISTER_FAILED;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawnp(&pid, lister, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	list = err ? NULL : fdopen(ends[0], "r");
	if (!list) {
		close(ends[0]);
		return err == ENOENT ? NO_LISTER : LISTER_FAILED;
	}

	/* Read to the end: a lister whose pipe is closed early would report an error. */
	while (fgets(line, sizeof(line), list))
		take_line(initramfs, configuration, release, line);
	fclose(list);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		return LISTER_FAILED;

	return LISTED;
}

/* Has the file a line that is no comment, with one of two words in it? */
static bool has_line(const char *path, const char *word, const char *other)
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) >= 0)
		found = line[strspn(line, " \t")] != '#' &&
			(strstr(line, word) || strstr(line, other));
	free(line);
	if (file)
		fclose(file);

	return found;
}

static void configuration_add(struct configuration *configuration, const char *name)
{
	configuration->file = realloc(configuration->file,
				      (configuration->count + 1) * sizeof(*configuration->file));
	if (configuration->file)
		configuration->file[configuration->count].name = strdup(name);
	if (!configuration->file || !configuration->file[configuration->count].name)
		fail("no memory left");
	configuration->file[configuration->count++].listed = false;
}

static void configuration_read(struct configuration *configuration)
{
	struct dirent *entry;
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < MODPROBE_DIRS - 1; i++) {
		DIR *dir = opendir(at("%s", modprobe_dirs[i]));

		while (dir && (entry = readdir(dir))) {
			snprintf(path, sizeof(path), "%s",
				 at("%s/%s", modprobe_dirs[i], entry->d_name));
			if (!is_read(entry->d_name) ||
			    !has_line(path, MODULE, "nvlink-isolation"))
				continue;
			configuration_add(configuration, entry->d_name);
			configuration->changed |= is_newer(path, configuration->made);
		}
		if (dir)
			closedir(dir);
	}
}

static bool is_all_listed(const struct configuration *configuration)
{
	int i;

	for (i = 0; i < configuration->count; i++)
		if (!configuration->file[i].listed)
			return false;

	return true;
}

static void configuration_free(struct configuration *configuration)
{
	int i;

	for (i = 0; i < configuration->count; i++)
		free(configuration->file[i].name);
	free(configuration->file);
}

/* Does a boot loader have an initramfs of its own, as systemd-boot does? */
static bool has_copy(const char *release)
{
	static const char * const patterns[] = {
		"/boot/*/%s/init*", "/boot/efi/*/%s/init*", "/efi/*/%s/init*",
	};
	bool found = false;
	glob_t names;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(patterns) && !found; i++) {
		found = !glob(at(patterns[i], release), GLOB_NOSORT, NULL, &names);
		globfree(&names);
	}

	return found;
}

/* Set @path and @file to those of a kernel's initramfs. Return NULL, or why it is unknown. */
static const char *find_image(const char *release, const char *pkgbase, char path[PATH_MAX],
			      struct stat *file)
{
	/* Debian and Ubuntu; dracut on the RHEL family; SUSE; Arch */
	const struct {
		const char *format, *name;
	} names[] = {
		{ "/boot/initrd.img-%s", release }, { "/boot/initramfs-%s.img", release },
		{ "/boot/initrd-%s", release }, { "/boot/initramfs-%s.img", pkgbase },
	};
	char name[PATH_MAX];
	struct stat found;
	int count = 0;
	size_t i;

	memset(file, 0, sizeof(*file));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "%s", at(names[i].format, names[i].name));
		if (!*names[i].name || stat(name, &found))
			continue;
		memcpy(path, name, sizeof(name));
		*file = found;
		count++;
	}
	if (!count)
		return "none in /boot has a name with this kernel's release";
	if (count > 1)
		return "there is more than one in /boot";
	if (has_copy(release))
		return "a boot loader has a copy of its own that is not looked into";

	return NULL;
}

/**
 * initramfs_read() - look into the initramfs of a kernel
 * @initramfs: set
 * @release: of the kernel
 * @pkgbase: Arch's name of the kernel, or empty
 * @module: path of the module that it should have; NULL if there is none
 */
void initramfs_read(struct initramfs *initramfs, const char *release, const char *pkgbase,
		    const char *module)
{
	static const char * const listers[] = { "lsinitramfs", "lsinitrd", "lsinitcpio" };
	static const char rule[] = "udev/rules.d/70-nvlink-isolation.rules";
	static const char * const dirs[] = { "/etc", "/usr/local/lib", "/usr/lib" };
	struct configuration configuration = { .foreign = initramfs->foreign };
	struct stat file, other;
	char path[PATH_MAX], name[PATH_MAX];
	enum listed listed = NO_LISTER;
	size_t i;

	memset(initramfs, 0, sizeof(*initramfs));
	initramfs->unknown = find_image(release, pkgbase, path, &file);
	if (initramfs->unknown)
		return;

	/* An initramfs may hold secrets, and often only root can read it. */
	if (geteuid()) {
		initramfs->unknown = "only root looks into it";
		return;
	}
	configuration.made = file.st_mtime;
	configuration_read(&configuration);
	for (i = 0; i < ARRAY_SIZE(listers) && listed == NO_LISTER; i++)
		listed = list_with(initramfs, &configuration, release, listers[i], path);
	if (listed != LISTED)
		initramfs->unknown = listed == NO_LISTER ?
			"there is neither lsinitramfs nor lsinitrd nor lsinitcpio" :
			"it cannot be listed";
	initramfs->older = module && is_newer(module, file.st_mtime);
	initramfs->stale = configuration.changed;
	for (i = ARRAY_SIZE(dirs); i--; ) {
		snprintf(name, sizeof(name), "%s", at("%s/%s", dirs[i], rule));
		/* A rule of this name that does not load the module hides the one that does. */
		if (!lstat(name, &other))
			initramfs->masked = !has_line(name, MODULE, MODULE);
		initramfs->stale |= is_newer(name, file.st_mtime);
	}
	initramfs->configured = is_all_listed(&configuration);
	configuration_free(&configuration);
}
