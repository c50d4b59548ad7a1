// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes mistakes, to check that a debug kernel reports them. Writing one's name to the
 * parameter `make` makes it:
 *
 *   use-after-free  read what was given back
 *   out-of-bounds   write beyond the allocation
 *   leak            forget the allocation
 *   atomic-sleep    may sleep with a spinlock held
 *   rcu             read what RCU guards without its lock
 *   object          give back a timer that runs
 *   undefined       shift by more bits than there are
 *   list            delete twice
 *   self-lock       take two locks of one class
 *
 * After the last, and after those of memory, the kernel looks at no lock any more.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define SIZE 100

static u32 number = 1;
static u32 __rcu *guarded;

static DEFINE_SPINLOCK(spinlock);

/* The compiler is not to see what is coming: it would warn. */

static void use_after_free(void)
{
	u8 *memory = kmalloc(SIZE, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	number += READ_ONCE(memory[SIZE / 2]);
}

static void out_of_bounds(void)
{
	u8 *memory = kmalloc(SIZE, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
	if (memory)
		WRITE_ONCE(memory[SIZE], 0);
	kfree(memory);
}

static void leak(void)
{
	u8 *memory = kmalloc(SIZE, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
}

static void atomic_sleep(void)
{
	spin_lock(&spinlock);
	might_sleep();
	spin_unlock(&spinlock);
}

static void rcu(void)
{
	number += !rcu_dereference(guarded);
}

static void on_timer(struct timer_list *unused)
{
}

static void object(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, on_timer, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	/* What looks at objects stops the timer before it goes. */
	kfree(timer);
}

static void undefined(void)
{
	unsigned int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	number <<= bits;
}

static void list(void)
{
	LIST_HEAD(head);
	LIST_HEAD(entry);

	list_add(&entry, &head);
	list_del(&entry);
	list_del(&entry);
}

static void self_lock(void)
{
	static struct lock_class_key key;
	struct mutex outer, inner;

	mutex_init(&outer);
	mutex_init(&inner);
	lockdep_set_class(&outer, &key);
	lockdep_set_class(&inner, &key);
	mutex_lock(&outer);
	mutex_lock(&inner);
	mutex_unlock(&inner);
	mutex_unlock(&outer);
}

static const struct mistake {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "leak", leak },
	{ "atomic-sleep", atomic_sleep },
	{ "rcu", rcu },
	{ "object", object },
	{ "undefined", undefined },
	{ "list", list },
	{ "self-lock", self_lock },
};

static int set_make(const char *val, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (!sysfs_streq(val, mistakes[i].name))
			continue;
		mistakes[i].make();
		return 0;
	}

	return -EINVAL;
}

static const struct kernel_param_ops make_ops = {
	.set = set_make,
};
module_param_cb(make, &make_ops, NULL, 0200);
MODULE_PARM_DESC(make, "name of the mistake to make");

static int __init lab_mistake_init(void)
{
	return 0;
}

static void __exit lab_mistake_exit(void)
{
}

module_init(lab_mistake_init);
module_exit(lab_mistake_exit);

MODULE_DESCRIPTION("Makes the mistakes that a debug kernel looks for");
MODULE_LICENSE("GPL");
