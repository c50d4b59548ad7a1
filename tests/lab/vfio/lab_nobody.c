// SPDX-License-Identifier: GPL-2.0-only
/* lab_nobody COMMAND [ARGUMENT...]: run it as a user who has no rights of any kind. */
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

#define NOBODY 65534

int main(int argc, char **argv)
{
	if (argc < 2 || setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)) {
		perror("lab_nobody");
		return 2;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);

	return 2;
}
