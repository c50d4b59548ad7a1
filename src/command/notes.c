// SPDX-License-Identifier: GPL-2.0-only
/* Out: lines about GPUs, below the tables. GPUs with the same note share a line. */

#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct note {
	bool is_of[GPUS_MAX];
	char text[2 * TEXT_SIZE];
} *notes;

static int count;

static struct note *find(const char *text)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(notes[i].text, text))
			return &notes[i];

	notes = realloc(notes, (count + 1) * sizeof(*notes));
	if (!notes)
		fail("no memory left");
	notes[count] = (struct note){};
	strcpy(notes[count].text, text);

	return &notes[count++];
}

/* A line about a GPU, which draw_notes() prints. */
void draw_note(int gpu, const char *format, ...)
{
	char text[2 * TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	find(text)->is_of[gpu] = true;
}

/* Print the notes in the order in which they were made, and forget them. */
void draw_notes(void)
{
	int i, j;

	for (i = 0; i < count; i++) {
		char label[GPUS_MAX * 5] = "";
		size_t length = 0;

		for (j = 0; j < GPUS_MAX; j++)
			if (notes[i].is_of[j])
				length += snprintf(label + length, sizeof(label) - length,
						   "%sG%d", length ? " " : "", j);
		strcpy(label + length, ": ");
		draw_wrapped(label, notes[i].text);
	}
	free(notes);
	notes = NULL;
	count = 0;
}

/* Print a line about two GPUs. */
void draw_pair(int a, int b, const char *text)
{
	char label[24];

	snprintf(label, sizeof(label), "G%d and G%d: ", a, b);
	draw_wrapped(label, text);
}
