// SPDX-License-Identifier: GPL-2.0-only
/* Out: tables of links, which are readable at 80 columns and without colour. */

#include "command.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH	80

/* In the order of enum mark */
static const char * const mark_words[] = { "", "cut", "far", "OPEN" };

/* Columns of the matrix behind those of the GPUs */
enum { COLUMN_CPU, COLUMN_NONE, COLUMN_UNKNOWN, COLUMNS };
static const char * const column_names[COLUMNS] = { "CPU", "NONE", "?" };

#define CELL	64

/* "0,2,4" or "-". It is good until the next call. */
const char *links_or_none(u32 mask)
{
	static char text[NVLI_LINKS_TEXT];

	return *nvli_links_text(mask, text) ? text : "-";
}

/* Print a text that may be long: broken at blanks, and after commas and signs. */
void draw_wrapped(const char *label, const char *text)
{
	size_t indent = strlen(label), column = indent, length;
	bool blank = false;

	fputs(label, stdout);
	while (*text) {
		length = strcspn(text, " ,+");
		if (text[length] && text[length] != ' ')
			length++;
		if (column > indent && column + blank + length > WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
			blank = false;
		}
		column += printf("%s%.*s", blank ? " " : "", (int)length, text);
		text += length;
		blank = *text == ' ';
		text += blank;
	}
	putchar('\n');
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The module and its parameters. */
void draw_module(void)
{
	char text[DOMAINS_SIZE], version[TEXT_SIZE];
	char release[TEXT_SIZE];
	struct installed installed;
	struct dirent **entries;
	int n, i;

	if (!module_is_loaded()) {
		printf("Module:  " MODULE " is not loaded: nothing keeps any NVLink disabled.\n");
		if (platform_fault())
			printf("         It %s.\n", platform_fault());
		return;
	}

	printf("Module:  " MODULE " %s", module_version(version) ? version : "(unknown version)");
	n = scandir(at(MODULE_DIR "/parameters"), &entries, no_dots, alphasort);
	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		/* These two may be long, so each is printed on its own line below. */
		if (strcmp(name, "domains") && strcmp(name, "links") &&
		    read_line(text, sizeof(text), at(MODULE_DIR "/parameters/%s", name)))
			printf(" %s=%s", name, text);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	putchar('\n');
	kernel_release(release);
	installed_read(&installed, release, false);
	if (installed_is_other(&installed))
		printf("         The installed module is %s: the next boot loads it.\n",
		       strcmp(installed.version, version) ? installed.version : "another build");
	installed_free(&installed);
	module_domains(text);
	draw_wrapped("Domains: ", text);
	if (read_line(text, sizeof(text), at(MODULE_DIR "/parameters/links")) &&
	    strcmp(text, "none"))
		draw_wrapped("Links:   ", text);
}

/* A row for each GPU and a column for each link: its other end, and whether it is cut. */
void draw_links(const struct machine *machine)
{
	int i, j;

	printf("\nLINK ");
	for (j = 0; j < GV100_NVLINKS; j++)
		printf(j + 1 < GV100_NVLINKS ? "%-10d" : "%d\n", j);

	for (i = 0; i < machine->count; i++) {
		int blanks = 5 - printf("G%d", i);

		for (j = 0; j < GV100_NVLINKS; j++) {
			const struct gpu_link *link = &machine->gpu[i].link[j];

			/* Blanks only where something follows */
			printf("%*s", blanks, "");
			blanks = 10;
			if (link->end == NVLI_END_GPU && link->peer >= 0)
				blanks -= printf("G%d", link->peer);
			else
				blanks -= printf("%s", link->end == NVLI_END_CPU ? "cpu" :
						 link->end == NVLI_END_NONE ? "none" : "?");
			if (link->mark) {
				putchar(' ');
				blanks -= 1 + colour_print(mark_words[link->mark]);
			}
		}
		putchar('\n');
	}
}

/* Which column of the matrix a link belongs to. */
static int column_of(const struct machine *machine, const struct gpu_link *link)
{
	switch (link->end) {
	case NVLI_END_GPU:
		return link->peer >= 0 ? link->peer : machine->count + COLUMN_UNKNOWN;
	case NVLI_END_CPU:
		return machine->count + COLUMN_CPU;
	case NVLI_END_NONE:
		return machine->count + COLUMN_NONE;
	case NVLI_END_UNKNOWN:
		break;
	}

	return machine->count + COLUMN_UNKNOWN;
}

/* "1,3,5", "cut 0,2,4", or "cut 0 OPEN 2,4"; "-" for no link. */
static void fill_cell(const struct machine *machine, int row, int column, char cell[CELL])
{
	const struct gpu *gpu = &machine->gpu[row];
	char links[NVLI_LINKS_TEXT];
	size_t length = 0;
	size_t mark;
	u32 mask;
	int i;

	for (mark = 0; mark < ARRAY_SIZE(mark_words); mark++) {
		mask = 0;
		for (i = 0; i < GV100_NVLINKS; i++)
			if (gpu->link[i].mark == mark &&
			    column_of(machine, &gpu->link[i]) == column)
				mask |= 1U << (GV100_LINK_DISABLE_SHIFT + i);
		if (mask)
			length += snprintf(cell + length, CELL - length, "%s%s%s%s",
					   length ? " " : "", mark_words[mark], mark ? " " : "",
					   nvli_links_text(mask, links));
	}
	if (!length)
		strcpy(cell, row == column ? "X" : "-");
}

/* The head of a column (row -1), or a cell. */
static void fill(const struct machine *machine, int row, int column, char cell[CELL])
{
	if (row >= 0)
		fill_cell(machine, row, column, cell);
	else if (column < machine->count)
		snprintf(cell, CELL, "G%d", column);
	else
		strcpy(cell, column_names[column - machine->count]);
}

/* Return: how wide a column has to be; 0 if it is not needed, because no link leads there. */
static int width_of(const struct machine *machine, int column)
{
	bool needed = column <= machine->count + COLUMN_CPU;
	char cell[CELL];
	int width = 0;
	int row, length;

	for (row = -1; row < machine->count; row++) {
		fill(machine, row, column, cell);
		needed |= row >= 0 && strcmp(cell, "-");
		length = strlen(cell);
		if (width < length)
			width = length;
	}

	return needed ? width : 0;
}

/* GPUs by GPUs, as "nvidia-smi topo -m": the links of the row that lead to the column. */
void draw_matrix(const struct machine *machine)
{
	int columns = machine->count + COLUMNS;
	int width[GPUS_MAX + COLUMNS];
	char cell[CELL];
	int row, column, blanks;

	for (column = 0; column < columns; column++)
		width[column] = width_of(machine, column);

	for (row = -1; row < machine->count; row++) {
		blanks = row < 0 ? 5 : 5 - printf("G%d", row);
		for (column = 0; column < columns; column++) {
			if (!width[column])
				continue;
			fill(machine, row, column, cell);
			/* Blanks only where something follows */
			printf("%*s%s", blanks, "", cell);
			blanks = width[column] + 2 - strlen(cell);
		}
		putchar('\n');
	}
}

/* Explain those words that occur in the table. */
void draw_legend(const struct machine *machine, const char *cut)
{
	bool used[ARRAY_SIZE(mark_words)] = {};
	u32 required = 0;
	int i, j;

	putchar('\n');
	for (i = 0; i < machine->count; i++) {
		required |= machine->gpu[i].required;
		for (j = 0; j < GV100_NVLINKS; j++)
			used[machine->gpu[i].link[j].mark] = true;
	}

	if (used[MARK_CUT])
		printf("cut:  %s\n", cut);
	if (used[MARK_FAR])
		puts("far:  has to be disabled, and only the other end is known to be disabled");
	if (used[MARK_OPEN])
		puts("OPEN: has to be disabled, and neither end is known to be disabled");
	if (!required && !used[MARK_CUT] && !used[MARK_FAR] && !used[MARK_OPEN])
		printf("With these domains no link has to be disabled.\n");
}
