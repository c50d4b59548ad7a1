/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before any header of the kernel, which have defaults for these. */
#ifndef NVLI_LOG_H
#define NVLI_LOG_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/string.h>

#include <nvlink_isolation/core.h>

/*
 * How much of a bad value the log shows: its first line, and no more than a list can be long. A
 * precision above 32767, which a page of 64K can hold, makes the kernel warn.
 */
static inline int nvli_shown(const char *text)
{
	return min_t(size_t, strcspn(text, "\n"), NVLI_DOMAINS_TEXT);
}

#endif
