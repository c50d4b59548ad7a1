/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <nvlink_isolation/core.h>

/* End the run, which keeps the input, unless the property holds. */
#define always(property) \
	do { \
		if (!(property)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #property); \
			abort(); \
		} \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif
