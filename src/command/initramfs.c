// SPDX-License-Identifier: GPL-2.0-only
/* Is the module in the initramfs of the running kernel? Each family of systems has a lister. */

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A line of a list, of ls or of paths, ends with the module's file: ".../nvlink_isolation.ko.xz" */
static bool names_module(const char *line)
{
	static const char file[] = MODULE ".ko";
	const char *name = strrchr(line, '/');

	return name && !strncmp(name + 1, file, sizeof(file) - 1) &&
	       strchr(".\n", name[sizeof(file)]);
}

/*
 * Run a lister, and look for the module in what it prints. There is no shell in between.
 *
 * Return: 1 if it has it, 0 if not, -1 if there is no such program, -2 if that failed
 */
static int look_with(const char *lister, const char *path)
{
	char *args[3] = {};
	posix_spawn_file_actions_t actions;
	char line[PATH_MAX];
	int ends[2], status, err;
	bool found = false;
	FILE *list;
	pid_t pid;

	args[0] = (char *)lister;
	args[1] = (char *)path;
	if (pipe(ends))
		return -2;
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
		return err == ENOENT ? -1 : -2;
	}

	/* To its end: a lister whose output nobody reads would call that an error. */
	while (fgets(line, sizeof(line), list))
		found |= names_module(line);
	fclose(list);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		return -2;

	return found;
}

static int look_into(const char *path)
{
	static const char * const listers[] = { "lsinitramfs", "lsinitrd", "lsinitcpio" };
	int found = -1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(listers) && found == -1; i++)
		found = look_with(listers[i], path);

	return found;
}

/**
 * initramfs_print() - tell whether the initramfs of the running kernel has the module
 * @installed: the one that it should have
 */
void initramfs_print(const struct installed *installed)
{
	/* Debian and Ubuntu; dracut on the RHEL family; SUSE */
	static const char * const names[] = { "/boot/initrd.img-%s", "/boot/initramfs-%s.img",
		"/boot/initrd-%s" };
	struct stat file, module;
	char release[TEXT_SIZE], path[PATH_MAX];
	size_t i;

	printf("%-13s", "initramfs:");
	kernel_release(release);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s", at(names[i], release));
		if (!stat(path, &file))
			break;
	}
	if (i == ARRAY_SIZE(names)) {
		printf("unknown: none in /boot has a name with this kernel's release\n");
		return;
	}

	/* It may hold secrets, and is often nobody else's to read. */
	if (geteuid()) {
		printf("unknown: only root looks into it\n");
		return;
	}
	switch (look_into(path)) {
	case 1:
		if (installed->path && !stat(installed->path, &module) &&
		    file.st_mtime < module.st_mtime)
			printf("has the module, and is older than the one that is installed\n");
		else
			printf("has the module\n");
		break;
	case 0:
		printf("does not have the module: it is loaded only after that, maybe too late\n");
		break;
	case -1:
		printf("unknown: there is neither lsinitramfs nor lsinitrd nor lsinitcpio\n");
		break;
	default:
		printf("unknown: it cannot be listed\n");
		break;
	}
}
