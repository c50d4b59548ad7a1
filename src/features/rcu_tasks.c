// SPDX-License-Identifier: GPL-2.0-only
/* This kernel has no RCU tasks, without which the module could not be unloaded safely. */
#include <linux/rcupdate.h>

void nvli_feature(void);
void nvli_feature(void)
{
	synchronize_rcu_tasks();
}
