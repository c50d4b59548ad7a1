// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives the tree of an emulated POWER9 the NVLink properties that skiboot writes on an AC922.
 *
 * The fixture is a flattened tree of the real machine. Its NPU nodes are attached to the live tree
 * as they are, below the same parents; its GPU nodes are not, because the guest has GPU nodes of
 * its own, elsewhere: each of those gets the phandle and the ibm,n* properties of its counterpart.
 * So all phandles are the fixture's, and its cells need no rewriting.
 *
 * GPUs are matched in order: the first in the fixture is the first on the guest's PCI buses.
 *
 * The result is verified here; a load that succeeds means that it holds. Nothing is ever taken out
 * again: a tree is that of one boot, so there is no unloading.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_fdt.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sizes.h>

/* See Kbuild. Before 5.10 the function is in linux/fs.h, and has other parameters. */
#ifdef LAB_HAS_READ_FILE_H
#include <linux/kernel_read_file.h>

static ssize_t lab_read_file(const char *path, void **blob)
{
	/* Firmware's properties: 6.12 warns of a file that is of no known kind. */
	return kernel_read_file_from_path(path, 0, blob, SZ_1M, NULL, READING_FIRMWARE);
}
#else
static ssize_t lab_read_file(const char *path, void **blob)
{
	loff_t size;
	int ret = kernel_read_file_from_path(path, blob, &size, SZ_1M, READING_FIRMWARE);

	return ret ?: size;
}
#endif

#define LAB_NPU_COMPATIBLE "ibm,power9-npu-pciex"
#define LAB_PEERS "ibm,nvlink-peers"

static char *fixture = "/lab/tree.dtb";
module_param(fixture, charp, 0444);
MODULE_PARM_DESC(fixture, "path of the flattened tree (default: /lab/tree.dtb)");

static bool lab_is_gpu(const struct device_node *np)
{
	u32 vendor, class;

	if (of_property_read_u32(np, "vendor-id", &vendor) ||
	    of_property_read_u32(np, "class-code", &class))
		return false;
	return vendor == PCI_VENDOR_ID_NVIDIA && class == PCI_CLASS_DISPLAY_3D << 8;
}

/* The node after @np in the tree of @root, parents before children; NULL at the end. */
static struct device_node *lab_next(struct device_node *root, struct device_node *np)
{
	if (np->child)
		return np->child;
	while (np != root && !np->sibling)
		np = np->parent;
	return np == root ? NULL : np->sibling;
}

/* A phandle of the fixture must be free in the guest, or cells would lead astray. */
static int lab_claim_phandle(const struct device_node *np)
{
	struct device_node *taken = of_find_node_by_phandle(np->phandle);

	if (!taken)
		return 0;
	pr_err("phandle %#x of the fixture's %s is %pOF here\n", np->phandle, np->full_name, taken);
	of_node_put(taken);
	return -EEXIST;
}

static int lab_add_property(struct of_changeset *cs, struct device_node *np,
			    const struct property *from)
{
	struct property *prop;
	int ret;

	prop = kzalloc(sizeof(*prop), GFP_KERNEL);
	if (!prop)
		return -ENOMEM;
	/* Name and value stay in the blob, which is never freed. */
	prop->name = from->name;
	prop->value = from->value;
	prop->length = from->length;

	ret = of_changeset_action(cs, OF_RECONFIG_ADD_PROPERTY, np, prop);
	if (ret)
		kfree(prop);
	return ret;
}

/* Make the guest's node @np the GPU that @from is in the fixture. */
static int lab_graft_gpu(struct of_changeset *cs, struct device_node *np,
			 const struct device_node *from)
{
	struct property *old = of_find_property(np, "phandle", NULL);
	struct property *prop;
	int ret;

	ret = lab_claim_phandle(from);
	if (!ret && old)
		ret = of_changeset_action(cs, OF_RECONFIG_REMOVE_PROPERTY, np, old);

	for (prop = from->properties; prop && !ret; prop = prop->next)
		if (!strcmp(prop->name, "phandle") || !strncmp(prop->name, "ibm,n", 5))
			ret = lab_add_property(cs, np, prop);
	return ret;
}

static int lab_graft_gpus(struct of_changeset *cs, struct device_node *root)
{
	struct pci_dev *pdev = NULL;
	struct device_node *np;
	int ret;

	for (np = root; np; np = lab_next(root, np)) {
		if (!lab_is_gpu(np))
			continue;
		pdev = pci_get_device(PCI_VENDOR_ID_NVIDIA, PCI_ANY_ID, pdev);
		if (!pdev || !pdev->dev.of_node) {
			pr_err("no GPU with a node here for the fixture's phandle %#x\n",
			       np->phandle);
			pci_dev_put(pdev);
			return -ENODEV;
		}
		ret = lab_graft_gpu(cs, pdev->dev.of_node, np);
		if (ret) {
			pci_dev_put(pdev);
			return ret;
		}
	}

	pdev = pci_get_device(PCI_VENDOR_ID_NVIDIA, PCI_ANY_ID, pdev);
	if (pdev) {
		pci_err(pdev, "the fixture has no GPU for this one\n");
		pci_dev_put(pdev);
		return -ENODEV;
	}
	return 0;
}

/*
 * Attaching a node makes it a leaf: its children are attached after it, one by one, and must be
 * found before. So nothing is applied until all have been collected.
 */
static int lab_attach_npus(struct of_changeset *cs, struct device_node *root)
{
	struct device_node *phb, *np;
	int ret = 0;

	for (phb = root->child; phb; phb = phb->sibling) {
		if (!of_device_is_compatible(phb, LAB_NPU_COMPATIBLE))
			continue;
		for (np = phb; np && !ret; np = lab_next(phb, np)) {
			ret = lab_claim_phandle(np);
			if (!ret)
				ret = of_changeset_action(cs, OF_RECONFIG_ATTACH_NODE, np, NULL);
		}
		if (ret)
			return ret;
		phb->parent = of_root;
	}
	return 0;
}

/*
 * The kernel looks phandles up by device_node.phandle, which it sets for a node when that is
 * attached, but not for a property added later.
 */
static int lab_verify(void)
{
	struct pci_dev *pdev = NULL;
	struct device_node *found;
	unsigned int gpus = 0, npus = 0;
	struct device_node *np;
	u32 phandle;

	while ((pdev = pci_get_device(PCI_VENDOR_ID_NVIDIA, PCI_ANY_ID, pdev))) {
		np = pdev->dev.of_node;
		if (of_property_read_u32(np, "phandle", &phandle))
			goto wrong;
		np->phandle = phandle;
		found = of_find_node_by_phandle(phandle);
		of_node_put(found);
		if (found != np)
			goto wrong;
		pci_info(pdev, "is phandle %#x of the fixture\n", phandle);
		gpus++;
	}

	for_each_compatible_node(np, NULL, LAB_NPU_COMPATIBLE) {
		struct device_node *npu;

		for_each_child_of_node(np, npu) {
			found = of_find_node_by_phandle(npu->phandle);
			of_node_put(found);
			if (found != npu || !of_get_property(npu, "ibm,gpu", NULL)) {
				pr_err("%pOF does not answer to its phandle %#x\n", npu,
				       npu->phandle);
				of_node_put(npu);
				of_node_put(np);
				return -EIO;
			}
			npus++;
		}
	}
	pr_info("%u GPUs and %u NPU devices in the tree\n", gpus, npus);
	return gpus && npus ? 0 : -EIO;

wrong:
	pci_err(pdev, "%pOF does not answer to the fixture's phandle\n", pdev->dev.of_node);
	pci_dev_put(pdev);
	return -EIO;
}

/* The N-th GPU on the PCI buses, held; NULL if there is none. */
static struct pci_dev *lab_gpu(unsigned int n)
{
	struct pci_dev *pdev = NULL;

	do {
		pdev = pci_get_device(PCI_VENDOR_ID_NVIDIA, PCI_ANY_ID, pdev);
	} while (pdev && n--);
	return pdev;
}

/* hex2bin() is not in the same header in all kernels. */
static int lab_bytes(u8 *bytes, const char *text, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	size_t i;

	for (i = 0; i < 2 * n; i++) {
		digit = text[i] ? strchr(digits, text[i]) : NULL;
		if (!digit)
			return -EINVAL;
		bytes[i / 2] = bytes[i / 2] << 4 | (digit - digits);
	}
	return 0;
}

/*
 * "N HEX" gives the N-th GPU a list of peers, "N -" none. The module under test reads the list when
 * it meets a GPU: load it afterwards.
 */
static int lab_set_peers(const char *text, const struct kernel_param *kp)
{
	struct property *prop = NULL;
	struct of_changeset cs;
	struct pci_dev *pdev;
	int at = 0, ret = -EINVAL;
	unsigned int n;
	size_t digits;

	if (sscanf(text, "%u %n", &n, &at) < 1 || !at)
		return -EINVAL;
	text += at;
	digits = strcspn(text, "\n");
	pdev = lab_gpu(n);
	if (!pdev || !pdev->dev.of_node)
		goto put;

	of_changeset_init(&cs);
	if (*text == '-') {
		prop = of_find_property(pdev->dev.of_node, LAB_PEERS, NULL);
		ret = prop ? of_changeset_action(&cs, OF_RECONFIG_REMOVE_PROPERTY,
						 pdev->dev.of_node, prop) : 0;
	} else {
		/* It is the tree's from now on. */
		prop = kzalloc(sizeof(*prop) + digits / 2, GFP_KERNEL);
		ret = -ENOMEM;
		if (!prop)
			goto put;
		prop->name = LAB_PEERS;
		prop->value = prop + 1;
		prop->length = digits / 2;
		ret = lab_bytes(prop->value, text, prop->length);
		if (!ret)
			ret = of_changeset_action(&cs, OF_RECONFIG_UPDATE_PROPERTY,
						  pdev->dev.of_node, prop);
	}
	if (!ret)
		ret = of_changeset_apply(&cs);
	of_changeset_destroy(&cs);
put:
	pci_dev_put(pdev);
	return ret;
}

static const struct kernel_param_ops lab_peers_ops = {
	.set = lab_set_peers,
};
module_param_cb(peers, &lab_peers_ops, NULL, 0200);
MODULE_PARM_DESC(peers, "write: N HEX gives the N-th GPU another ibm,nvlink-peers, N - takes it away");

/* Nobody undoes it, and so nobody gives it back. */
static struct of_changeset grafted;

static int __init lab_tree_init(void)
{
	struct device_node *root = NULL;
	void *blob = NULL;
	ssize_t size;
	int ret;

	size = lab_read_file(fixture, &blob);
	if (size < 0) {
		pr_err("cannot read %s: %zd\n", fixture, size);
		return size;
	}
	if (!of_fdt_unflatten_tree(blob, NULL, &root) || !root) {
		pr_err("%s is no flattened device tree\n", fixture);
		return -EINVAL;
	}

	/*
	 * From here on the live tree may refer to blob and nodes: they stay, and a failed load
	 * leaves them behind. It ends the scenario anyway.
	 */
	of_changeset_init(&grafted);
	ret = lab_graft_gpus(&grafted, root);
	if (!ret)
		ret = lab_attach_npus(&grafted, root);
	if (!ret)
		ret = of_changeset_apply(&grafted);
	if (!ret)
		ret = lab_verify();
	if (ret)
		pr_err("%s could not be grafted: %d\n", fixture, ret);
	return ret;
}
module_init(lab_tree_init);

MODULE_DESCRIPTION("Grafts the NVLink part of an AC922's device tree into the running one (test)");
MODULE_LICENSE("GPL");
