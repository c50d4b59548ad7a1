// SPDX-License-Identifier: GPL-2.0-only
/* This kernel's ftrace cannot change where a call goes. */
#include <linux/ftrace.h>

#if !defined(CONFIG_DYNAMIC_FTRACE_WITH_REGS)
#error "no registers for handlers"
#endif

static void handle(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);

	if (regs)
		instruction_pointer_set(regs, regs_get_kernel_argument(regs, 0));
}

int nvli_feature(struct ftrace_ops *ops);
int nvli_feature(struct ftrace_ops *ops)
{
	ops->func = handle;
	ops->flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT |
		     FTRACE_OPS_FL_RECURSION;

	return register_ftrace_function(ops);
}
