// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has which GPU, with domains=owner.
 *
 * The kernel says who has a GPU by a pointer, which is only compared. A pointer says the same of
 * two GPUs only at one moment: later another guest's object may have its address. So each owner
 * gets a number when it appears. A GPU takes the number of another only while both have the same
 * pointer. It loses its number for good when the pointer changes, and when it is enabled or
 * disabled. No number is used twice.
 */

#include <nvlink_isolation/core.h>

/* Does this say who has the GPU? */
static bool is_known(const struct nvli_claim *claim)
{
	return claim->means == NVLI_BY_DRIVER || (claim->means != NVLI_BY_NOTHING && claim->key);
}

static bool is_same(const struct nvli_claim *a, const struct nvli_claim *b)
{
	return a->means == b->means && a->key == b->key;
}

/**
 * nvli_owner_claim() - take what the kernel says of a GPU now
 * @owner: the GPU's owner
 * @claim: who has it
 *
 * Return: true if that has not changed. Otherwise the GPU has no number any more, or the host's.
 */
bool nvli_owner_claim(struct nvli_owner *owner, const struct nvli_claim *claim)
{
	if (is_same(&owner->claim, claim))
		return true;

	owner->claim = *claim;
	owner->number = claim->means == NVLI_BY_DRIVER ? NVLI_HOST : NVLI_NOBODY;
	owner->at_reset = NVLI_NOBODY;

	return false;
}

/* Does this GPU have an owner, and no number yet? */
bool nvli_owner_is_new(const struct nvli_owner *owner)
{
	return owner->number == NVLI_NOBODY && is_known(&owner->claim);
}

/**
 * nvli_owner_joins() - is the owner of a GPU the one of another, with the number of that?
 * @owner: of the GPU
 * @other: of the other GPU
 * @is_still: does the kernel still say of a GPU what @owner or @other has?
 *
 * An address may pass from one guest to another while the two GPUs are asked. So this one is asked
 * between two questions about the other: then both have it at the same time.
 */
bool nvli_owner_joins(const struct nvli_owner *owner, const struct nvli_owner *other,
		      nvli_is_still_t is_still)
{
	return nvli_owner_is_new(owner) && other->number != NVLI_NOBODY &&
	       is_same(&owner->claim, &other->claim) &&
	       is_still(other) && is_still(owner) && is_still(other);
}

/*
 * No other GPU of this owner is known: give it a number that nobody has had. A guest can have its
 * number taken away again and again, by its DMA windows, and 32 bits could run out.
 */
void nvli_owner_number(struct nvli_owner *owner, u64 *last)
{
	owner->number = ++*last;
}

/* The GPU is enabled, so that whoever has it next is another owner until the kernel says more. */
void nvli_owner_forget(struct nvli_owner *owner)
{
	owner->claim = (struct nvli_claim){ .means = NVLI_BY_NOTHING };
	owner->number = NVLI_NOBODY;
	owner->at_reset = NVLI_NOBODY;
}

/*
 * The GPU is enabled: its next owner is a new one, even with the address of the last. @resets were
 * seen, and @verified of them when its links were last read back. If nobody has used the GPU since
 * its last reset, the verification to come is the first after it: EEH enables a GPU again that it
 * has reset.
 */
void nvli_owner_enable(struct nvli_owner *owner, unsigned int resets, unsigned int verified)
{
	nvli_owner_forget(owner);
	if (resets != verified && resets != owner->admitted)
		owner->resets = verified;
}

/*
 * From now on resets are followed, of which so many were seen already. Who had the GPU at the last
 * of them is not known.
 */
void nvli_owner_start(struct nvli_owner *owner, unsigned int resets)
{
	nvli_owner_forget(owner);
	owner->resets = resets;
	owner->admitted = resets;
}

/*
 * The GPU is verified, and so many resets of it were seen. If they are more than the last time,
 * this is the first verification after a reset.
 */
void nvli_owner_reset(struct nvli_owner *owner, unsigned int resets)
{
	if (owner->resets == resets)
		return;

	owner->resets = resets;
	owner->at_reset = owner->number;
}

/*
 * May a GPU keep its end of a link to a peer? Only if one owner has both now, and had this one at
 * its last reset and ever since. The peer's end is judged by the peer's last reset.
 */
bool nvli_owner_may_keep(const struct nvli_owner *owner, const struct nvli_owner *peer)
{
	return owner->number != NVLI_NOBODY && owner->number == peer->number &&
	       owner->number == owner->at_reset;
}

/* How the owner is told, as sysfs shows it */
const char *nvli_means_text(enum nvli_means means)
{
	switch (means) {
	case NVLI_BY_NOTHING:
		return "none";
	case NVLI_BY_DRIVER:
		return "driver";
	case NVLI_BY_KVM:
		return "kvm";
	case NVLI_BY_CONTAINER:
		return "container";
	}

	return "none";
}
