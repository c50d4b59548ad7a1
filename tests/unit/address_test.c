// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address of a GPU as people paste it: what is accepted, and what a refusal says. Built with
 * AddressSanitizer and UBSan.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <nvlink_isolation/core.h>

#define SYSFS	"/sys/bus/pci/devices/"
#define LEFT_OUT "a segment has four hex digits and is not left out"

static const struct {
	const char *text;
	const char *means;
} good[] = {
	{ "0004:04:00.0", "0004:04:00.0" },
	{ "ABCD:EF:1F.7\n", "abcd:ef:1f.7" },
	{ "00000004:04:00.0", "0004:04:00.0" },
	{ "0000ABCD:EF:1F.7", "abcd:ef:1f.7" },
	{ "00000000:00:00.0", "0000:00:00.0" },
	{ "pci_0004_04_00_0", "0004:04:00.0" },
	{ "pci_ABCD_ef_1f_7\n", "abcd:ef:1f.7" },
	{ SYSFS "0004:04:00.0", "0004:04:00.0" },
	{ SYSFS "0004:04:00.0/", "0004:04:00.0" },
	{ SYSFS "0004:04:00.0//\n", "0004:04:00.0" },
	{ "/sys/devices/pci0004:00/0004:00:00.0/0004:04:00.0", "0004:04:00.0" },
	{ "//pci_0004_04_00_0", "0004:04:00.0" },
	{ "/00000004:04:00.0", "0004:04:00.0" },
};

/* The position of the error, and how its text ends */
static const struct {
	const char *text;
	size_t position;
	const char *end;
} bad[] = {
	{ "0004:4:00.0", 6, "a bus is two hex digits and a colon: write 0004:04:00.0" },
	{ "0004:04:0.0", 9, "a device is two hex digits and a dot: write 0004:04:00.0" },
	{ "0004:04:00", 10, "a device is two hex digits and a dot: write 0004:04:00.0" },
	{ "0004:04:00:0", 10, "a device is two hex digits and a dot: write 0004:04:00.0" },
	{ "0004.04.00.0", 4, "a segment is four hex digits and a colon, as in 0004:04:00.0" },
	{ "4:AB:00.1", 1, LEFT_OUT ": write 0004:ab:00.1" },
	{ "0004-04-00-1", 4, "a segment is four hex digits and a colon: write 0004:04:00.1" },
	{ "pci_4_4_0_1", 5, "a segment is four hex digits and a colon: write 0004:04:00.1" },
	{ "pci_0004:04:00.0", 8, "a segment is four hex digits and a colon: write 0004:04:00.0" },
	{ "pci_0004_04_00.1", 14, "a device is two hex digits and a dot: write 0004:04:00.1" },
	{ "0004_04_00_0", 4, "a segment is four hex digits and a colon: write 0004:04:00.0" },
	{ "AB:1F.7", 2,
	  LEFT_OUT ": write SSSS:ab:1f.7, where lspci -D shows SSSS" },
	{ ":04:00.0", 0,
	  LEFT_OUT ": write SSSS:04:00.0, where lspci -D shows SSSS" },
	{ "00010004:04:00.0", 4, "a segment is four hex digits and a colon, as in 0004:04:00.0" },
	{ "000000004:04:00.0", 4, "a segment is four hex digits and a colon, as in 0004:04:00.0" },
	{ "0004:04:00.8", 11, "a function is 0 to 7, as in 0004:04:00.0" },
	{ "0004:04:20.0", 8, "a device is 00 to 1f, as in 0004:04:00.0" },
	{ "0x0004:04:00.0", 1, "a segment is four hex digits and a colon, as in 0004:04:00.0" },
	{ SYSFS, 13, "a path has to end with the address of a GPU, as in 0004:04:00.0" },
	{ SYSFS "0004:04:00.0/nvlink_isolation", 34,
	  "a path has to end with the address of a GPU, as in 0004:04:00.0" },
	{ SYSFS "0004:4:00.0", 27, "a bus is two hex digits and a colon: write 0004:04:00.0" },
	{ "/", 0, "a path has to end with the address of a GPU, as in 0004:04:00.0" },
	{ "pci_", 4, "a segment is four hex digits and a colon, as in 0004:04:00.0" },
	{ "PCI_0004_04_00_0", 0, "a segment is four hex digits and a colon, as in 0004:04:00.0" },
	{ "0004:04:00.0/", 12, "one GPU and nothing after it is accepted, as in 0004:04:00.0" },
	{ "0004:04:00.0,0004:05:00.0", 12,
	  "one GPU and nothing after it is accepted, as in 0004:04:00.0" },
};

/* In as much memory as the text needs, so that AddressSanitizer sees who reads beyond */
static bool parse(u32 *gpu, const char *text, struct nvli_domains_error *error)
{
	char *copy = strdup(text);
	bool accepted;

	assert_non_null(copy);
	accepted = nvli_gpu_id_parse(gpu, copy, error);
	free(copy);

	return accepted;
}

static void each_form_is_read(void **state)
{
	struct nvli_domains_error error;
	char text[NVLI_GPU_ID_TEXT];
	u32 gpu;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!parse(&gpu, good[i].text, &error))
			fail_msg("'%s', %zu: %s", good[i].text, error.position, error.text);
		assert_string_equal(nvli_gpu_id_text(gpu, text), good[i].means);
	}
}

static void each_refusal_says_what_is_accepted(void **state)
{
	struct nvli_domains_error error;
	u32 gpu = 0x5a5a5a5a;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(&gpu, bad[i].text, &error))
			fail_msg("'%s' is accepted", bad[i].text);
		assert_int_equal(gpu, 0x5a5a5a5a);
		if (error.position != bad[i].position || strcmp(error.text, bad[i].end))
			fail_msg("'%s': got %zu: %s", bad[i].text, error.position, error.text);
	}
}

/* An address that a refusal suggests is accepted. */
static void what_is_suggested_is_read(void **state)
{
	struct nvli_domains_error error, none;
	const char *form;
	u32 gpu;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		parse(&gpu, bad[i].text, &error);
		form = strstr(error.text, ": write ");
		if (form && strncmp(form, ": write SSSS", 12))
			assert_true(parse(&gpu, form + 8, &none));
	}
}

/* All forms may stand in a list. The same GPU in two forms is still one. */
static void forms_in_a_list(void **state)
{
	struct nvli_domains_error error;
	char text[NVLI_DOMAINS_TEXT];
	struct nvli_domains domains;

	assert_true(nvli_domains_parse(&domains,
				       SYSFS "0004:04:00.0/+pci_0004_05_00_0,0000003A:03:00.0\n",
				       &error));
	assert_string_equal(nvli_domains_text(&domains, text),
			    "0004:04:00.0+0004:05:00.0,003a:03:00.0");
	assert_true(nvli_domains_parse(&domains, "pci_0004_05_00_0", &error));
	assert_false(nvli_domains_parse(&domains, "0004:04:00.0,pci_0004_04_00_0", &error));
	assert_int_equal(error.position, 13);
	assert_false(nvli_domains_parse(&domains, "0004:04:00.0+/sys/none", &error));
	assert_int_equal(error.position, 18);
	assert_false(nvli_domains_parse(&domains, "0004:04:00.0 /0004:05:00.0", &error));
	assert_int_equal(error.position, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_read),
		cmocka_unit_test(each_refusal_says_what_is_accepted),
		cmocka_unit_test(what_is_suggested_is_read),
		cmocka_unit_test(forms_in_a_list),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
