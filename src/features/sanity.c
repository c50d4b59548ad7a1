// SPDX-License-Identifier: GPL-2.0-only
/* Not even an empty module compiles for this kernel: its headers or the compiler are broken. */
#include <linux/module.h>

MODULE_LICENSE("GPL");
