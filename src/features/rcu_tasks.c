// SPDX-License-Identifier: GPL-2.0-only
/* This kernel has no RCU tasks, without which the module could not be unloaded safely. */
#include <linux/rcupdate.h>

#if defined(CONFIG_PREEMPTION) && !defined(CONFIG_TASKS_RCU)
#error a task may be preempted between reading a hook and entering it
#endif

void nvli_feature(void);
void nvli_feature(void)
{
	synchronize_rcu_tasks();
}
