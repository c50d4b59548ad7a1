// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out: check --nagios, a plugin for Nagios, Icinga and other systems that run such plugins. They
 * read the first line of stdout and the exit status. Figures for graphs follow a bar.
 */

#include "command.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The exit statuses of plugins. WARNING (1) is not used: a GPU is isolated or it is not. gate=0 is
 * critical, although all links may be disabled at present.
 */
enum {
	NAGIOS_OK = 0,
	NAGIOS_CRITICAL = 2,
	NAGIOS_UNKNOWN = 3,
};

/* Print a text without bars: a bar begins the figures. */
static void print_text(const char *text)
{
	for (; *text; text++)
		putchar(*text == '|' || *text == '\n' ? ' ' : *text);
}

/**
 * nagios_unknown() - report that the state of the GPUs is unknown
 * @text: why
 *
 * Return: the exit status.
 */
int nagios_unknown(const char *text)
{
	printf("NVLINK UNKNOWN - ");
	print_text(text);
	putchar('\n');

	return NAGIOS_UNKNOWN;
}

static int count_of(const struct check *check, enum verdict verdict)
{
	int count = 0;
	int i;

	for (i = 0; i < check->count; i++)
		count += check->device[i].verdict == verdict;

	return count;
}

/* Those of a verdict that have the same text as @first: "0004:04:00.0 0004:05:00.0: " */
static void print_addresses(const struct check *check, int first)
{
	const struct checked *checked = &check->device[first];
	const char *separator = "";
	int i;

	for (i = first; i < check->count; i++)
		if (check->device[i].verdict == checked->verdict &&
		    !strcmp(check->device[i].text, checked->text)) {
			printf("%s%s", separator, check->device[i].address);
			separator = " ";
		}
	printf(": ");
}

static bool is_first(const struct check *check, int number)
{
	int i;

	for (i = 0; i < number; i++)
		if (check->device[i].verdict == check->device[number].verdict &&
		    !strcmp(check->device[i].text, check->device[number].text))
			return false;

	return true;
}

/* What is wrong with those of one verdict; each text once */
static void print_reasons(const struct check *check, enum verdict verdict)
{
	const char *separator = ": ";
	int i;

	for (i = 0; i < check->count; i++) {
		const struct checked *checked = &check->device[i];

		if (checked->verdict != verdict || !is_first(check, i))
			continue;
		printf("%s", separator);
		if (verdict != VERDICT_ERROR)
			print_addresses(check, i);
		print_text(checked->text);
		separator = "; ";
	}
}

/* What is wrong with the whole machine; @separator precedes it */
static void print_fault(const struct check *check, const char *separator)
{
	if (!*check->fault)
		return;
	printf("%s", separator);
	print_text(check->fault);
}

/*
 * label=value;warning;critical;minimum;maximum, where critical "0" means more than none. The age is
 * that of the oldest read-back. "U" is unknown: a GPU has no read-back, or the module does not show
 * the GPU.
 */
static void print_figures(const struct check *check)
{
	int gpus = 0, isolated = 0, held = 0, exposed = 0;
	long long age, oldest = -1;
	bool known = true, shown = true;
	int i;

	for (i = 0; i < check->count; i++) {
		const struct checked *checked = &check->device[i];
		const struct gpu_seen *seen = &checked->seen;

		if (checked->verdict != VERDICT_ISOLATED &&
		    checked->verdict != VERDICT_NOT_ISOLATED)
			continue;
		gpus++;
		isolated += checked->verdict == VERDICT_ISOLATED;
		shown &= seen->shown;
		held += seen->held;
		exposed += !!*seen->exposed;
		known &= !!isdigit((unsigned char)*seen->verified);
		age = strtoll(seen->verified, NULL, 10);
		if (oldest < age)
			oldest = age;
	}
	printf(" | isolated=%d;;;0;%d not_isolated=%d;;0;0;%d", isolated, gpus, gpus - isolated,
	       gpus);
	if (shown)
		printf(" refused=%d;;0;0;%d exposed=%d;;0;0;%d", held, gpus, exposed, gpus);
	else
		printf(" refused=U exposed=U");
	if (known && gpus)
		printf(" verified_age=%llds;;;0\n", oldest);
	else
		printf(" verified_age=U\n");
}

/**
 * nagios_check() - print what check says, in one line
 * @check: it
 *
 * What is not isolated counts more than an error: the administrator has to act now.
 *
 * Return: the exit status.
 */
int nagios_check(const struct check *check)
{
	int isolated = count_of(check, VERDICT_ISOLATED);
	int not_isolated = count_of(check, VERDICT_NOT_ISOLATED);
	int errors = count_of(check, VERDICT_ERROR);
	int unsupported = count_of(check, VERDICT_UNSUPPORTED);
	int status = NAGIOS_OK;

	if (not_isolated || check->verdict == VERDICT_NOT_ISOLATED) {
		printf("NVLINK CRITICAL - ");
		if (not_isolated) {
			printf("%d of %d GPUs not isolated", not_isolated, isolated + not_isolated);
			print_reasons(check, VERDICT_NOT_ISOLATED);
		}
		print_fault(check, not_isolated ? "; " : "");
		status = NAGIOS_CRITICAL;
	} else if (errors || check->verdict == VERDICT_ERROR) {
		printf("NVLINK UNKNOWN - ");
		if (errors) {
			printf("%d of %d devices cannot be checked", errors, check->count);
			print_reasons(check, VERDICT_ERROR);
		}
		print_fault(check, errors ? "; " : "");
		status = NAGIOS_UNKNOWN;
	} else {
		printf("NVLINK OK - %d GPU%s isolated", isolated, isolated == 1 ? "" : "s");
		if (unsupported)
			print_reasons(check, VERDICT_UNSUPPORTED);
	}
	print_figures(check);

	return status;
}
