// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links that are declared: the module parameter "links". Its grammar is with struct nvli_wires.
 *
 * A text that cannot be parsed is refused and never guessed: a link declared to the wrong GPU may
 * stay open.
 */

#include "text.h"

#define GPU	"0000:06:00.0"
#define LIST	GPU ".0-0000:07:00.0.2"
#define FORMS	"none, or links as in " LIST

/* The longest end: a path may be part of it. */
#define END_MAX	128

static const char nothing[] = "nothing is set: accepted is " FORMS;
static const char unknown_word[] = "unknown word: accepted is " FORMS;
static const char blank[] = "spaces and line breaks are not accepted: links are as in " LIST;
static const char not_in_a_list[] = "none stands alone: a list has links only, as in " LIST;
static const char nothing_before[] = "nothing before this separator: links are as in " LIST;
static const char nothing_after[] = "nothing after this separator: links are as in " LIST;
static const char too_long[] = "too long for one end of a link, as in " GPU ".0";
static const char no_number[] = "the link is missing: write " GPU ".0 for link 0 of the GPU " GPU;
static const char bad_number[] = "a link is one digit, 0 to 5, as in " GPU ".0";
static const char no_other_end[] =
	"after one end of a link '-' and the other end are accepted, as in " LIST;
static const char no_comma[] =
	"after a link ',' (next link) or the end is accepted, as in " LIST "," GPU
	".1-0000:0a:00.0.1";
static const char one_gpu[] = "both ends are of one GPU: a link joins two";
static const char twice[] = "this end is named already: each link of a GPU is named once";
static const char too_many[] = "more than 48 links: at most 48 can be declared";

_Static_assert(NVLI_WIRES_MAX == 48, "too_many names another number");
_Static_assert(GV100_NVLINKS == 6, "bad_number names another range");

static bool is_blank(const char *text)
{
	return nvli_is_blank(text[0]) && !nvli_is_end(text);
}

/* Set the error. A blank is always named as the mistake. Returns false. */
static bool refuse(struct nvli_domains_error *error, const char *text, size_t position,
		   const char *why)
{
	error->position = position;
	snprintf(error->text, sizeof(error->text), "%s", is_blank(text + position) ? blank : why);

	return false;
}

/* A semicolon is no separator, but a likely mistake: let the error point at it. */
static bool ends_end(char c)
{
	return c == '-' || c == ';' || nvli_ends_word(c);
}

/* Does the word "none" stand here? */
static bool is_none(const char *text)
{
	return !strncmp(text, "none", 4) && ends_end(text[4]);
}

/* Can an end of a link stand at @at? The separator before, if there is one, is at @at - 1. */
static bool expect_end(const char *text, size_t at, struct nvli_domains_error *error)
{
	if (nvli_is_end(text + at))
		return refuse(error, text, at - 1, nothing_after);
	/* A blank ends an end as well, and the error then names the blank. */
	if (ends_end(text[at]))
		return refuse(error, text, at, nothing_before);
	if (is_none(text + at))
		return refuse(error, text, at, not_in_a_list);
	if (!nvli_is_like_gpu(text + at))
		return refuse(error, text, at, unknown_word);

	return true;
}

/*
 * Where in @end the number of the link begins, behind the last dot; 0 if there is none. The
 * kernel's form of an address has a dot too, so a single dot there does not begin a number.
 */
static size_t number_in(const char *end)
{
	unsigned int dots = 0;
	bool colon = false;
	size_t number = 0;
	size_t i;

	for (i = 0; end[i]; i++) {
		colon |= end[i] == ':';
		if (end[i] != '.')
			continue;
		dots++;
		number = i + 1;
	}

	return colon && dots < 2 ? 0 : number;
}

/* Read one end of a link, which begins at @at, and leave @at behind it. Sets @read, or @error. */
static bool read_end(struct nvli_wire_end *read, const char *text, size_t *at,
		     struct nvli_domains_error *error)
{
	const size_t start = *at;
	char end[END_MAX];
	size_t length, number;

	if (!expect_end(text, start, error))
		return false;
	for (length = 0; !ends_end(text[start + length]); length++) {
		if (length == END_MAX - 1)
			return refuse(error, text, start, too_long);
		end[length] = text[start + length];
	}
	end[length] = '\0';

	if (nvli_gpu_id_parse(&read->gpu, end, error))
		return refuse(error, text, start + length, no_number);
	number = number_in(end);
	if (number)
		end[number - 1] = '\0';
	if (!number || !nvli_gpu_id_parse(&read->gpu, end, error)) {
		error->position += start;
		return is_blank(text + error->position) &&
			refuse(error, text, error->position, blank);
	}
	if (number == length)
		return refuse(error, text, start + number, no_number);
	if (end[number] < '0' || end[number] >= '0' + GV100_NVLINKS || number + 1 != length)
		return refuse(error, text, start + number, bad_number);

	read->link = end[number] - '0';
	*at += length;

	return true;
}

/* Negative if @a comes before @b, 0 if they are one end */
static int compare(const struct nvli_wire_end *a, const struct nvli_wire_end *b)
{
	if (a->gpu != b->gpu)
		return a->gpu < b->gpu ? -1 : 1;

	return (int)a->link - (int)b->link;
}

static bool is_named(const struct nvli_wires *wires, const struct nvli_wire_end *end)
{
	unsigned int i;

	for (i = 0; i < wires->count; i++)
		if (!compare(&wires->wire[i].end[0], end) || !compare(&wires->wire[i].end[1], end))
			return true;

	return false;
}

/* Add a link, of which an end is at each @position, in its place. */
static bool add_wire(struct nvli_wires *wires, const struct nvli_wire *wire, const char *text,
		     const size_t position[2], struct nvli_domains_error *error)
{
	bool swap = compare(&wire->end[0], &wire->end[1]) > 0;
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (is_named(wires, &wire->end[i]))
			return refuse(error, text, position[i], twice);
	if (wire->end[0].gpu == wire->end[1].gpu)
		return refuse(error, text, position[1], one_gpu);
	if (wires->count == NVLI_WIRES_MAX)
		return refuse(error, text, position[0], too_many);

	for (i = wires->count; i && compare(&wires->wire[i - 1].end[0], &wire->end[swap]) > 0; i--)
		wires->wire[i] = wires->wire[i - 1];
	wires->wire[i] = (struct nvli_wire){ { wire->end[swap], wire->end[!swap] } };
	wires->count++;

	return true;
}

/**
 * nvli_wires_parse() - read the parameter "links"
 * @wires: set, but on an error
 * @text: "none", or links as in "0000:06:00.0.0-0000:07:00.0.2"; see struct nvli_wires
 * @error: set on an error
 *
 * Return: true if @text is accepted.
 */
bool nvli_wires_parse(struct nvli_wires *wires, const char *text,
		      struct nvli_domains_error *error)
{
	struct nvli_wires list = {};
	struct nvli_wire wire;
	size_t start[2];
	size_t at = 0;

	if (nvli_is_end(text))
		return refuse(error, text, 0, nothing);
	if (is_none(text)) {
		if (!nvli_is_end(text + 4))
			return refuse(error, text, 4, not_in_a_list);
		*wires = list;
		return true;
	}

	for (;; at++) {
		start[0] = at;
		if (!read_end(&wire.end[0], text, &at, error))
			return false;
		if (text[at] != '-')
			return refuse(error, text, at, no_other_end);
		start[1] = ++at;
		if (!read_end(&wire.end[1], text, &at, error) ||
		    !add_wire(&list, &wire, text, start, error))
			return false;
		if (nvli_is_end(text + at))
			break;
		if (text[at] != ',')
			return refuse(error, text, at, no_comma);
	}

	*wires = list;

	return true;
}

/*
 * Write what nvli_wires_parse() reads, in lower case without a newline. Texts that declare the same
 * links give the same result. Returns @text.
 */
const char *nvli_wires_text(const struct nvli_wires *wires, char text[NVLI_WIRES_TEXT])
{
	char *next = text;
	unsigned int i;

	snprintf(text, NVLI_WIRES_TEXT, "none");
	for (i = 0; i < 2 * wires->count; i++) {
		const struct nvli_wire_end *end = &wires->wire[i / 2].end[i % 2];

		if (i)
			*next++ = i % 2 ? '-' : ',';
		nvli_gpu_id_text(end->gpu, next);
		/* All addresses have the same length. */
		next += NVLI_GPU_ID_TEXT - 1;
		*next++ = '.';
		*next++ = '0' + end->link;
		*next = '\0';
	}

	return text;
}

/**
 * nvli_wires_apply() - the links of a GPU, as they are declared
 * @wires: what is declared
 * @gpu: the GPU, see NVLI_GPU_ID
 * @topology: filled in
 *
 * A GPU's NVLI_GPU_ID stands in place of its phandle. The caller takes it for the phandle of each
 * GPU where it looks for peers and calls nvli_topology_agree(). Two GPUs always agree, since a link
 * is declared once for both ends. A link that is not declared leads to NVLI_END_UNKNOWN, so it has
 * to be disabled.
 */
void nvli_wires_apply(const struct nvli_wires *wires, u32 gpu, struct nvli_topology *topology)
{
	unsigned int i;

	topology->bytes = 0;
	for (i = 0; i < GV100_NVLINKS; i++)
		topology->link[i] = (struct nvli_topology_link){
			.end = NVLI_END_UNKNOWN,
			.fault = NVLI_FAULT_UNDECLARED,
		};
	for (i = 0; i < 2 * wires->count; i++) {
		const struct nvli_wire *wire = &wires->wire[i / 2];

		if (wire->end[i % 2].gpu == gpu)
			topology->link[wire->end[i % 2].link] = (struct nvli_topology_link){
				.end = NVLI_END_GPU,
				.phandle = wire->end[!(i % 2)].gpu,
			};
	}
}
