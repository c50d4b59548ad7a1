/* SPDX-License-Identifier: GPL-2.0-only */
/* What follows when the machine has slept */

#ifndef NVLI_SLEEP_H
#define NVLI_SLEEP_H

int nvli_sleep_init(void);
void nvli_sleep_exit(void);

#endif
