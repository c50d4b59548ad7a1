// SPDX-License-Identifier: GPL-2.0-only
/*
 * Colours of a terminal (SGR of ECMA-48), for words that are readable without them. The environment
 * variable NO_COLOR is that of https://no-color.org.
 */

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RED	"31"
#define GREEN	"32"
#define YELLOW	"33"

static bool coloured;

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/**
 * colour_set() - decide whether words are coloured
 * @when: what --color has: "always", "never", or "auto": on a terminal, unless NO_COLOR is set
 */
void colour_set(const char *when)
{
	const char *terminal = getenv("TERM");

	if (!strcmp(when, "always"))
		coloured = true;
	else if (!strcmp(when, "never"))
		coloured = false;
	else if (!strcmp(when, "auto"))
		coloured = isatty(STDOUT_FILENO) && !is_set("NO_COLOR") &&
			terminal && strcmp(terminal, "dumb");
	else
		fail("--color '%s': auto, always or never is accepted", when);
}

static const char *colour_of(const char *word)
{
	if (!strcmp(word, "isolated"))
		return GREEN;
	if (!strcmp(word, "failed") || !strcmp(word, "unsupported") || !strcmp(word, "OPEN"))
		return RED;
	if (!strcmp(word, "pending") || !strcmp(word, "isolated*") || !strcmp(word, "off"))
		return YELLOW;

	return NULL;
}

/* Print a state, or the mark of a link, in its colour. Return: how many columns it takes. */
int colour_print(const char *word)
{
	const char *colour = coloured ? colour_of(word) : NULL;

	if (colour)
		printf("\033[%sm%s\033[0m", colour, word);
	else
		fputs(word, stdout);

	return strlen(word);
}
