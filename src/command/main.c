// SPDX-License-Identifier: GPL-2.0-only
/* nvlink-isolation(8): the command line. */

#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *root_dir = "";

/**
 * struct command - a subcommand, from which --help and the shell's completion are made
 * @name: its name; two in a row are one command that is used in two ways
 * @run: it
 * @accepted: its options, by their letters in option_table
 * @usage: what may follow the name
 * @help: what it does; further lines are indented by HELP_INDENT
 */
static const struct command {
	const char *name;
	int (*run)(const struct options *options);
	const char *accepted;
	const char *usage;
	const char *help;
} commands[] = {
	{ "status", command_status, "jwc", "[--json | --watch] [--color=WHEN]",
	  "the GPUs, their state and their links; --watch draws it\n"
	  "again when it changes. WHEN is auto, always or never" },
	{ "topology", command_topology, "gsld",
	  "[--links=LINKS [--domains=DOMAINS]] [--dot | --svg]",
	  "which links join them, as a matrix; or as a picture: for\n"
	  "Graphviz, or drawn by it. With --links, of a machine with\n"
	  "these links, as the module would have it" },
	{ "plan", command_plan, "jdl",
	  "[FILE.dtb | - | --links=LINKS] [--domains=DOMAINS] [--json]",
	  "what the module would cut on this machine, or on that of\n"
	  "the device tree FILE.dtb or on standard input (-), or on\n"
	  "one with these links. LINKS and DOMAINS are what the\n"
	  "module's parameters take: 0000:06:00.0.0-0000:07:00.0.2,\n"
	  "... or - for standard input; group, gpu, owner, or a\n"
	  "list as in 0004:04:00.0+0004:05:00.0,0035:03:00.0" },
	{ "learn", command_learn, "", "[FILE | -]",
	  "where the NVLinks lead, by nvidia-smi, as the parameter\n"
	  "links for modprobe.d. FILE has its output; without FILE\n"
	  "the command runs nvidia-smi" },
	{ "check", command_check, "objnu",
	  "[--ignore-others] [--unsupported=ok] [--json | --nagios] [BDF]...",
	  "are all GPUs isolated, or those named? --ignore-others\n"
	  "passes over other devices, --unsupported=ok over GPUs\n"
	  "with NVLinks that nothing disables. With --nagios the\n"
	  "command is a monitoring plugin" },
	{ "check", NULL, "", "--boot [--json]",
	  "will all GPUs be isolated at the next boot, with each\n"
	  "installed kernel?" },
	{ "metrics", command_metrics, "", "",
	  "for Prometheus: the state of the GPUs as text" },
	{ "report", command_report, "", "",
	  "all that a bug report needs" },
};

#define HELP_INDENT	23

static const struct option option_table[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "watch", optional_argument, NULL, 'w' },
	{ "color", required_argument, NULL, 'c' },
	{ "nagios", no_argument, NULL, 'n' },
	{ "dot", no_argument, NULL, 'g' },
	{ "svg", no_argument, NULL, 's' },
	{ "domains", required_argument, NULL, 'd' },
	{ "links", required_argument, NULL, 'l' },
	{ "ignore-others", no_argument, NULL, 'o' },
	{ "unsupported", required_argument, NULL, 'u' },
	{ "boot", no_argument, NULL, 'b' },
	{ "root", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "words", no_argument, NULL, 'W' },
	{ }
};

/* What an option accepts, where a shell can complete it; the letters of options of all commands */
static const struct {
	int option;
	const char *values;
} option_values[] = {
	{ 'c', "auto always never" },
	{ 'd', "group gpu owner" },
	{ 'u', "ok" },
};

#define FOR_ALL	"rhV"

/* " --color=auto --color=always", " --root=" or " --json" */
static void print_option(const struct option *option)
{
	const char *value = "";
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(option_values); i++)
		if (option_values[i].option == option->val)
			value = option_values[i].values;
	do {
		length = strcspn(value, " ");
		printf(" --%s%s%.*s", option->name,
		       option->has_arg == required_argument ? "=" : "", (int)length, value);
		value += length + !!value[length];
	} while (*value);
}

/* For completion.sh: a line for each command, with its options, and "-" for all commands */
static void print_words(void)
{
	const struct option *option;
	const char *accepted;
	size_t i;

	for (i = 0; i <= ARRAY_SIZE(commands); i++) {
		bool all = i == ARRAY_SIZE(commands);

		if (!all && !commands[i].run)
			continue;
		fputs(all ? "-" : commands[i].name, stdout);
		accepted = all ? FOR_ALL : commands[i].accepted;
		for (option = option_table; option->name; option++)
			if (strchr(accepted, option->val))
				print_option(option);
		putchar('\n');
	}
}

/* One way to use a command: "  status [--json]      the GPUs, their state and their links" */
static void print_usage(const struct command *command)
{
	int column = printf("  %s %s", command->name, command->usage);
	const char *line = command->help;

	if (column >= HELP_INDENT) {
		putchar('\n');
		column = 0;
	}
	while (*line) {
		size_t length = strcspn(line, "\n");

		printf("%*s%.*s\n", HELP_INDENT - column, "", (int)length, line);
		line += length + !!line[length];
		column = 0;
	}
}

static void print_help(void)
{
	size_t i;

	puts("Usage: nvlink-isolation COMMAND [OPTION]...\n"
	     "Shows which NVLinks between V100 SXM2 GPUs are disabled. It changes nothing.\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		print_usage(&commands[i]);
	puts("\n"
	     "  --root=DIR           look for /sys, /proc, /dev, /lib/modules, ... below DIR\n"
	     "  -h, --help, help     this page\n"
	     "  -V, --version        the version\n"
	     "\n"
	     "BDF is a PCI address, 0004:04:00.0, as lspci -D, nvidia-smi, libvirt or sysfs\n"
	     "print it.\n"
	     "Exit status: 0 done; check: isolated. 1 check: not isolated; learn: the ends\n"
	     "of a link disagree. 2 an error.\n"
	     "With --nagios: 0 isolated, 2 not isolated, 3 an error.\n"
	     "All of it is in nvlink-isolation(8).");
}

/* --watch=N draws N times: for tests, and for scripts. */
static unsigned int frames_of(const char *text)
{
	unsigned long frames;
	char *end;

	if (!text)
		return 0;
	frames = strtoul(text, &end, 10);
	if (*end || *text < '0' || *text > '9' || !frames || frames > UINT_MAX)
		fail("--watch '%s': a number of frames, 1 or more, is accepted", text);

	return frames;
}

static void set_root(char *dir)
{
	size_t length = strlen(dir);

	while (length && dir[length - 1] == '/')
		dir[--length] = '\0';
	if (*dir && access(dir, F_OK))
		fail_errno("--root %s", dir);
	root_dir = dir;
}

/* Truncated output may look complete, so a failed write is an error. Otherwise returns @status. */
static int written(int status)
{
	if (fflush(stdout) || ferror(stdout))
		fail_errno("cannot write the output");

	return status;
}

/* Read the options. Return: the letters of those that not every command accepts. */
static const char *parse_options(struct options *options, int argc, char **argv)
{
	static char given[ARRAY_SIZE(option_table)];
	const char *unsupported = "ok";
	char *root = NULL;
	bool good = true;
	int option;

	while ((option = getopt_long(argc, argv, "hV", option_table, NULL)) != -1) {
		switch (option) {
		case 'r':
			root = optarg;
			continue;
		case 'h':
			print_help();
			exit(written(EXIT_DONE));
		case 'V':
			puts("nvlink-isolation " NVLI_VERSION);
			exit(written(EXIT_DONE));
		case 'W':
			print_words();
			exit(written(EXIT_DONE));
		case 'j':
			options->json = true;
			break;
		case 'w':
			options->watch = true;
			options->frames = frames_of(optarg);
			break;
		case 'c':
			options->colour = optarg;
			break;
		case 'n':
			options->nagios = true;
			fail_for_nagios();
			break;
		case 'g':
			options->dot = true;
			break;
		case 's':
			options->svg = true;
			break;
		case 'd':
			options->domains = optarg;
			break;
		case 'l':
			options->links = optarg;
			break;
		case 'o':
			options->others = true;
			break;
		case 'u':
			unsupported = optarg;
			options->unsupported = true;
			break;
		case 'b':
			options->boot = true;
			break;
		default:
			/* Look for --nagios first: it changes the exit status of errors. */
			good = false;
			continue;
		}
		if (!strchr(given, option))
			given[strlen(given)] = option;
	}
	if (root)
		set_root(root);
	if (strcmp(unsupported, "ok"))
		fail("--unsupported '%s': ok is accepted", unsupported);
	if (!good)
		fail("nvlink-isolation --help lists what is accepted");

	return given;
}

/* "status, topology, plan, check, metrics or report" */
static const char *all_names(void)
{
	static char text[TEXT_SIZE];
	size_t length = 0, i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].run)
			length += snprintf(text + length, sizeof(text) - length, "%s%s",
					   !i ? "" : i + 1 < ARRAY_SIZE(commands) ? ", " : " or ",
					   commands[i].name);

	return text;
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (name && !strcmp(commands[i].name, name))
			return &commands[i];
	if (name)
		fail("unknown command '%s'; use %s", name, all_names());
	fail("no command given; use %s", all_names());
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct options options = {};
	const struct option *option;
	const char *given;

	/* Ignored signals are inherited, and without this one a child's status is lost. */
	signal(SIGCHLD, SIG_DFL);
	/* Print the same name in messages, however the command was called. */
	argv[0] = program_invocation_short_name;
	given = parse_options(&options, argc, argv);
	if (argv[optind] && !strcmp(argv[optind], "help")) {
		print_help();
		return written(EXIT_DONE);
	}
	command = find_command(argv[optind]);
	for (option = option_table; option->name; option++)
		if (strchr(given, option->val) && !strchr(command->accepted, option->val))
			fail("%s: --%s is not for this command", command->name, option->name);
	options.args = argv + optind + 1;
	options.count = argc - optind - 1;

	return written(command->run(&options));
}
