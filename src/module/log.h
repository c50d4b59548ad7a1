/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before any header of the kernel, which have defaults for these. */
#ifndef NVLI_LOG_H
#define NVLI_LOG_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>

#include <nvlink_isolation/core.h>

/*
 * The length of a bad value in the log: its first line, up to the longest list. The kernel warns of
 * a precision above 32767, and a page of 64K can hold a longer value.
 */
static inline int nvli_shown(const char *text)
{
	return min_t(size_t, strcspn(text, "\n"), NVLI_DOMAINS_TEXT);
}

#endif
