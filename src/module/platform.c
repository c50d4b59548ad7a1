// SPDX-License-Identifier: GPL-2.0-only
/* The table of this machine's platform, for the files below main.c. */

#include "platform.h"

const struct nvli_platform *nvli_platform;
