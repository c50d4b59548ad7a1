/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything else where nvlink_isolation is built for tests/scenarios that need it:
 * some of its calls to the kernel go to lab_seam instead, which passes it on or lets it fail.
 * The module's own files know nothing of this.
 */
#ifndef LAB_SEAM_H
#define LAB_SEAM_H

/* As the module has them, which includes this too late. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include <asm/eeh.h>

bool lab_seam_fails(void);
void lab_seam_taken(void);
void lab_seam_given_back(void);
void lab_seam_mapped(const void __iomem *at, phys_addr_t start, unsigned long size);
void lab_seam_unmapped(const void __iomem *at);
int lab_seam_dev_check_failure(struct eeh_dev *edev);
u32 lab_seam_in_le32(const u32 __iomem *addr);
void lab_seam_out_le32(u32 __iomem *addr, u32 value);

/* What is not NULL has to be given back. */
static inline void *lab_seam_take(void *what)
{
	if (what)
		lab_seam_taken();

	return what;
}

static inline void *lab_seam_kzalloc(size_t size, gfp_t flags)
{
	return lab_seam_fails() ? NULL : lab_seam_take(kzalloc(size, flags));
}

static inline void *lab_seam_kmalloc(size_t size, gfp_t flags)
{
	return lab_seam_fails() ? NULL : lab_seam_take(kmalloc(size, flags));
}

static inline void lab_seam_kfree(const void *what)
{
	if (what)
		lab_seam_given_back();
	kfree(what);
}

static inline void __iomem *lab_seam_ioremap(phys_addr_t start, unsigned long size)
{
	void __iomem *window = lab_seam_fails() ? NULL : ioremap(start, size);

	if (window) {
		lab_seam_taken();
		lab_seam_mapped(window, start, size);
	}

	return window;
}

static inline void lab_seam_iounmap(void __iomem *window)
{
	lab_seam_given_back();
	lab_seam_unmapped(window);
	iounmap(window);
}

static inline struct workqueue_struct *lab_seam_alloc_workqueue(const char *name,
								unsigned int flags, int max)
{
	return lab_seam_fails() ? NULL : lab_seam_take(alloc_workqueue("%s", flags, max, name));
}

static inline void lab_seam_destroy_workqueue(struct workqueue_struct *queue)
{
	lab_seam_given_back();
	destroy_workqueue(queue);
}

static inline int lab_seam_sysfs_create_group(struct kobject *kobj,
					      const struct attribute_group *group)
{
	return lab_seam_fails() ? -ENOMEM : sysfs_create_group(kobj, group);
}

static inline int lab_seam_probe_register(struct tracepoint *point, void *probe, void *data)
{
	return lab_seam_fails() ? -ENOMEM : tracepoint_probe_register(point, probe, data);
}

#undef kzalloc
#define kzalloc lab_seam_kzalloc
#undef kmalloc
#define kmalloc lab_seam_kmalloc
#undef kfree
#define kfree lab_seam_kfree
#undef ioremap
#define ioremap lab_seam_ioremap
#undef iounmap
#define iounmap lab_seam_iounmap
#undef alloc_workqueue
#define alloc_workqueue lab_seam_alloc_workqueue
#undef destroy_workqueue
#define destroy_workqueue lab_seam_destroy_workqueue
#undef sysfs_create_group
#define sysfs_create_group lab_seam_sysfs_create_group
#undef tracepoint_probe_register
#define tracepoint_probe_register lab_seam_probe_register

#define eeh_dev_check_failure lab_seam_dev_check_failure
#define in_le32 lab_seam_in_le32
#define out_le32 lab_seam_out_le32

#endif
