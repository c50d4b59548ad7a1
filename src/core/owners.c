// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner of each GPU, with domains=owner.
 *
 * The kernel identifies an owner by a pointer. This file only compares pointers. Two GPUs have the
 * same owner if they have the same pointer at the same moment: later another guest's object may
 * have that address. So each owner gets a number when it appears. A GPU takes over the number of
 * another GPU only while both have the same pointer. It loses its number permanently when the
 * pointer changes, and when the GPU is enabled or disabled. No number is used twice.
 */

#include <nvlink_isolation/core.h>

/* Does this claim identify an owner? */
static bool is_known(const struct nvli_claim *claim)
{
	return claim->means == NVLI_BY_DRIVER || (claim->means != NVLI_BY_NOTHING && claim->key);
}

static bool is_same(const struct nvli_claim *a, const struct nvli_claim *b)
{
	return a->means == b->means && a->key == b->key;
}

/**
 * nvli_owner_claim() - record a GPU's current claim
 * @owner: the GPU's owner
 * @claim: the claim as the kernel states it now
 *
 * If the claim has changed, the GPU loses its number, or gets the host's.
 */
void nvli_owner_claim(struct nvli_owner *owner, const struct nvli_claim *claim)
{
	if (is_same(&owner->claim, claim))
		return;

	owner->claim = *claim;
	owner->number = claim->means == NVLI_BY_DRIVER ? NVLI_HOST : NVLI_NOBODY;
	owner->at_reset = NVLI_NOBODY;
}

/* Does this GPU have an owner that has no number yet? */
bool nvli_owner_is_new(const struct nvli_owner *owner)
{
	return owner->number == NVLI_NOBODY && is_known(&owner->claim);
}

static bool is_still(const struct nvli_owner *owner, nvli_claim_of_t claim_of)
{
	const struct nvli_claim now = claim_of(owner);

	return is_same(&owner->claim, &now);
}

/**
 * nvli_owner_joins() - may a GPU take over the number of another GPU's owner?
 * @owner: the owner of the GPU, without a number
 * @other: the owner of the other GPU
 * @claim_of: the claim that the kernel states now for the GPU of an owner
 *
 * Another guest may get the address while this function checks the two GPUs. So it checks @owner
 * between two checks of @other: if all three match, both GPUs had the claim at the same time.
 */
bool nvli_owner_joins(const struct nvli_owner *owner, const struct nvli_owner *other,
		      nvli_claim_of_t claim_of)
{
	return nvli_owner_is_new(owner) && other->number != NVLI_NOBODY &&
	       is_same(&owner->claim, &other->claim) && is_still(other, claim_of) &&
	       is_still(owner, claim_of) && is_still(other, claim_of);
}

/*
 * No other GPU of this owner is known: give it a number that was never used before. A guest can
 * make a GPU lose its number again and again, by its DMA windows, and could use up 32 bits.
 */
void nvli_owner_number(struct nvli_owner *owner, u64 *last)
{
	owner->number = ++*last;
}

/* The GPU changes hands: it has no owner until the next claim. */
void nvli_owner_forget(struct nvli_owner *owner)
{
	owner->claim = (struct nvli_claim){ .means = NVLI_BY_NOTHING };
	owner->number = NVLI_NOBODY;
	owner->at_reset = NVLI_NOBODY;
}

/*
 * The GPU is enabled: its next owner is a new one, even at the address of the last owner. EEH
 * enables a GPU again after it has reset it. If the GPU was not used since its last reset, the
 * next verification counts as the first after that reset.
 */
void nvli_owner_enable(struct nvli_owner *owner, const struct nvli_status *status)
{
	nvli_owner_forget(owner);
	if (!status->used)
		owner->resets = status->verified_resets;
}

/*
 * Follow resets from now on. The module has seen @resets of them already, and does not know the
 * owner at the last one.
 */
void nvli_owner_start(struct nvli_owner *owner, unsigned int resets)
{
	nvli_owner_forget(owner);
	owner->resets = resets;
}

/*
 * The GPU is verified, and the module has seen @resets of it. If the count has grown, this is the
 * first verification after a reset.
 */
void nvli_owner_reset(struct nvli_owner *owner, unsigned int resets)
{
	if (owner->resets == resets)
		return;

	owner->resets = resets;
	owner->at_reset = owner->number;
}

/*
 * May a GPU keep its end of a link to a peer? Only if one owner has both GPUs now, and has had this
 * GPU since its last reset. The last reset of the peer decides about the peer's end.
 */
bool nvli_owner_may_keep(const struct nvli_owner *owner, const struct nvli_owner *peer)
{
	return owner->number != NVLI_NOBODY && owner->number == peer->number &&
	       owner->number == owner->at_reset;
}

/* How the module identified the owner, as sysfs shows it */
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
