// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of src/core/owners.c: each rule, and then guests that come and go in random order, at
 * addresses that are used again. The walk does what the module does at each event, in its order.
 * After each step the links are compared with who has the GPUs in truth.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <nvlink_isolation/core.h>

static const struct nvli_claim nobody = { NVLI_BY_NOTHING, NULL };
static const struct nvli_claim host = { NVLI_BY_DRIVER, NULL };
static char address[8];

static struct nvli_claim vm(int i)
{
	return (struct nvli_claim){ NVLI_BY_KVM, &address[i] };
}

static struct nvli_claim container(int i)
{
	return (struct nvli_claim){ NVLI_BY_CONTAINER, &address[i] };
}

static struct nvli_owner owner_of(struct nvli_claim claim, u64 number, u64 at_reset)
{
	return (struct nvli_owner){ claim, number, at_reset, 1 };
}

static void what_the_kernel_says_is_kept(void **state)
{
	struct nvli_owner owner = owner_of(vm(0), 7, 7);
	struct nvli_owner before = owner;
	struct nvli_claim claim = vm(0);

	nvli_owner_claim(&owner, &claim);
	assert_memory_equal(&owner, &before, sizeof(owner));
}

static void a_change_takes_the_number(void **state)
{
	const struct nvli_claim changes[] = { vm(1), container(0), nobody, host };

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct nvli_owner owner = owner_of(vm(0), 7, 7);

		nvli_owner_claim(&owner, &changes[i]);
		assert_int_equal(owner.number, changes[i].means == NVLI_BY_DRIVER ? NVLI_HOST :
				 NVLI_NOBODY);
		assert_int_equal(owner.at_reset, NVLI_NOBODY);
	}
}

static void who_is_known_gets_a_number(void **state)
{
	struct nvli_owner owner = { 0 };
	const struct nvli_claim unknown = { NVLI_BY_CONTAINER, NULL };
	const struct nvli_claim odd = { NVLI_BY_NOTHING, &address[0] };
	struct nvli_claim claim = container(0);

	assert_false(nvli_owner_is_new(&owner));
	nvli_owner_claim(&owner, &unknown);
	assert_false(nvli_owner_is_new(&owner));
	nvli_owner_claim(&owner, &odd);
	assert_false(nvli_owner_is_new(&owner));
	nvli_owner_claim(&owner, &claim);
	assert_true(nvli_owner_is_new(&owner));
	owner.number = 2;
	owner.at_reset = 2;
	assert_false(nvli_owner_is_new(&owner));
	nvli_owner_forget(&owner);
	assert_false(nvli_owner_is_new(&owner));
	assert_int_equal(owner.number, NVLI_NOBODY);
	assert_int_equal(owner.at_reset, NVLI_NOBODY);
	nvli_owner_claim(&owner, &claim);
	assert_true(nvli_owner_is_new(&owner));
}

static struct nvli_claim always(const struct nvli_owner *owner)
{
	return owner->claim;
}

/* Who has the address at each question to the kernel: the GPU that is asked for, the other, both */
static const char *has_it;

static struct nvli_claim in_turn(const struct nvli_owner *owner)
{
	char now = *has_it++;

	return now == '2' || now == (owner->number == NVLI_NOBODY ? 'g' : 'o') ? owner->claim :
									       nobody;
}

static void an_address_that_passes_on_joins_nobody(void **state)
{
	/* From the other GPU to this one, the other way round, and never to this one */
	static const char * const passing[] = { "ogg", "goo", "ooo" };
	struct nvli_owner owner = owner_of(vm(0), NVLI_NOBODY, NVLI_NOBODY);
	struct nvli_owner other = owner_of(vm(0), 7, 7);

	has_it = "222";
	assert_true(nvli_owner_joins(&owner, &other, in_turn));
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++) {
		has_it = passing[i];
		assert_false(nvli_owner_joins(&owner, &other, in_turn));
	}
}

static void only_the_same_owner_is_joined(void **state)
{
	struct nvli_owner owner = owner_of(vm(0), NVLI_NOBODY, NVLI_NOBODY);
	struct nvli_owner other = owner_of(vm(0), 7, 7);

	assert_true(nvli_owner_joins(&owner, &other, always));
	other.claim = vm(1);
	assert_false(nvli_owner_joins(&owner, &other, always));
	other.claim = container(0);
	assert_false(nvli_owner_joins(&owner, &other, always));
	other = owner_of(vm(0), NVLI_NOBODY, 7);
	assert_false(nvli_owner_joins(&owner, &other, always));
	other = owner_of(vm(0), 7, 7);
	owner.number = 8;
	assert_false(nvli_owner_joins(&owner, &other, always));
	owner = owner_of(nobody, NVLI_NOBODY, NVLI_NOBODY);
	other = owner_of(nobody, 7, 7);
	assert_false(nvli_owner_joins(&owner, &other, always));
}

/* A guest that lives for long can have its number taken away as often as it likes. */
static void numbers_do_not_run_out(void **state)
{
	struct nvli_owner owner = owner_of(vm(0), NVLI_NOBODY, NVLI_NOBODY);
	u64 last = UINT32_MAX - 2;

	for (int i = 0; i < 5; i++) {
		u64 before = last;

		owner.number = NVLI_NOBODY;
		nvli_owner_number(&owner, &last);
		assert_true(owner.number > before);
		assert_true(owner.number > NVLI_HOST);
		assert_true(owner.number == last);
	}
}

static void enable_after(struct nvli_owner *owner, unsigned int resets, unsigned int verified,
			 bool used)
{
	struct nvli_status status = { .resets = resets, .verified_resets = verified, .used = used };

	nvli_owner_enable(owner, &status);
}

static void a_reset_counts_once(void **state)
{
	struct nvli_owner owner = owner_of(vm(0), 7, NVLI_NOBODY);

	nvli_owner_reset(&owner, 1);
	assert_int_equal(owner.at_reset, NVLI_NOBODY);
	nvli_owner_reset(&owner, 2);
	assert_int_equal(owner.at_reset, 7);
	owner.number = 8;
	nvli_owner_reset(&owner, 2);
	assert_int_equal(owner.at_reset, 7);
}

static void a_reset_from_before_the_start_does_not_count(void **state)
{
	struct nvli_owner owner = owner_of(vm(0), 7, 7);
	struct nvli_claim claim = vm(0);

	nvli_owner_start(&owner, 5);
	nvli_owner_claim(&owner, &claim);
	owner.number = 8;
	nvli_owner_reset(&owner, 5);
	assert_int_equal(owner.at_reset, NVLI_NOBODY);
	/* Nor for who enables the GPU next: it may have been used since. */
	enable_after(&owner, 5, 3, true);
	owner.number = 8;
	nvli_owner_reset(&owner, 5);
	assert_int_equal(owner.at_reset, NVLI_NOBODY);
	nvli_owner_reset(&owner, 6);
	assert_int_equal(owner.at_reset, 8);
}

static void a_reset_that_nobody_has_used_is_the_next_owners(void **state)
{
	struct nvli_owner owner = owner_of(vm(0), 7, 7);
	struct nvli_claim claim = vm(1);

	/* Seen at the third reset, which was not verified: the GPU was off. */
	owner.resets = 3;
	enable_after(&owner, 3, 2, false);
	assert_int_equal(owner.number, NVLI_NOBODY);
	nvli_owner_claim(&owner, &claim);
	owner.number = 8;
	nvli_owner_reset(&owner, 3);
	assert_int_equal(owner.at_reset, 8);

	/* Verified after it, or used with no link required */
	enable_after(&owner, 3, 3, false);
	owner.number = 9;
	nvli_owner_reset(&owner, 3);
	assert_int_equal(owner.at_reset, NVLI_NOBODY);
	nvli_owner_reset(&owner, 4);
	enable_after(&owner, 4, 3, true);
	owner.number = 10;
	nvli_owner_reset(&owner, 4);
	assert_int_equal(owner.at_reset, NVLI_NOBODY);
	nvli_owner_reset(&owner, 5);
	assert_int_equal(owner.at_reset, 10);
}

static void links_are_kept_within_one_owner(void **state)
{
	struct nvli_owner owner = owner_of(vm(0), 7, 7);
	struct nvli_owner peer = owner_of(vm(0), 7, NVLI_NOBODY);

	/* Its end only. The peer's waits for the peer's reset. */
	assert_true(nvli_owner_may_keep(&owner, &peer));
	assert_false(nvli_owner_may_keep(&peer, &owner));
	peer.number = 8;
	assert_false(nvli_owner_may_keep(&owner, &peer));
	peer.number = 7;
	owner.at_reset = 8;
	assert_false(nvli_owner_may_keep(&owner, &peer));
	owner = owner_of(nobody, NVLI_NOBODY, NVLI_NOBODY);
	assert_false(nvli_owner_may_keep(&owner, &owner));
	owner = owner_of(host, NVLI_HOST, NVLI_HOST);
	assert_true(nvli_owner_may_keep(&owner, &owner));
}

static void means_have_names(void **state)
{
	assert_string_equal(nvli_means_text(NVLI_BY_NOTHING), "none");
	assert_string_equal(nvli_means_text(NVLI_BY_DRIVER), "driver");
	assert_string_equal(nvli_means_text(NVLI_BY_KVM), "kvm");
	assert_string_equal(nvli_means_text(NVLI_BY_CONTAINER), "container");
	assert_string_equal(nvli_means_text((enum nvli_means)9), "none");
}

/* The walk */

#define GPUS	4
#define GUESTS	3
#define SPOTS	4		/* addresses, which are used again and again */
#define STEPS	400
#define WALKS	3000

struct gpu {
	int holder;		/* the serial number of who has it in truth, 0 for nobody */
	int at_reset;		/* its first user since its last reset */
	bool enabled;
	bool hooked;		/* hook B has let it be enabled */
	bool off;		/* the gate keeps it off, so who has it cannot reach it */
	bool used;		/* since its last reset */
	bool by_host;
	bool in_reset;
	u32 mask;		/* GV100_LINK_DISABLE: link i goes to GPU i */
	struct nvli_status status;
	struct nvli_owner owner;
};

struct guest {
	int serial;		/* 0: there is none */
	int spot;		/* where the kernel has it */
};

struct world {
	struct gpu gpu[GPUS];
	struct guest guest[GUESTS];
	int last_serial;
	u64 last_number;
	unsigned int seed;
	unsigned long kept, reused, refused, unread;
};

static unsigned int draw(struct world *world, unsigned int n)
{
	world->seed = world->seed * 1103515245 + 12345;

	return (world->seed >> 16) % n;
}

static struct nvli_claim claim_of(const struct world *world, const struct gpu *gpu)
{
	if (!gpu->enabled)
		return nobody;
	if (gpu->by_host)
		return host;
	for (int i = 0; i < GUESTS; i++)
		if (world->guest[i].serial == gpu->holder)
			return vm(world->guest[i].spot);

	return nobody;
}

/* As owner.c does */
static void ask(struct world *world)
{
	for (int i = 0; i < GPUS; i++) {
		struct nvli_claim claim = claim_of(world, &world->gpu[i]);

		nvli_owner_claim(&world->gpu[i].owner, &claim);
	}
	for (int i = 0; i < GPUS; i++) {
		struct nvli_owner *owner = &world->gpu[i].owner;

		if (!nvli_owner_is_new(owner))
			continue;
		for (int j = 0; j < GPUS && nvli_owner_is_new(owner); j++)
			if (j != i && nvli_owner_joins(owner, &world->gpu[j].owner, always))
				owner->number = world->gpu[j].owner.number;
		if (nvli_owner_is_new(owner))
			nvli_owner_number(owner, &world->last_number);
	}
}

/* As plan.c does, through the policy: link i goes to GPU i, the rest to the CPU. */
static u32 required_of(const struct world *world, int n)
{
	struct nvli_topology topology = { 0 };
	int domain[GV100_NVLINKS] = { 0 };

	for (int i = 0; i < GV100_NVLINKS; i++)
		topology.link[i].end = i < GPUS && i != n ? NVLI_END_GPU : NVLI_END_CPU;
	for (int i = 0; i < GPUS; i++)
		domain[i] = nvli_owner_may_keep(&world->gpu[n].owner, &world->gpu[i].owner) ?
			    7 : NVLI_ALONE;

	return nvli_required_mask(&topology, 7, domain);
}

static void plan(struct world *world)
{
	ask(world);
	for (int i = 0; i < GPUS; i++)
		nvli_status_require(&world->gpu[i].status, required_of(world, i));
}

static bool reaches(const struct gpu *gpu)
{
	return gpu->hooked && !gpu->off;
}

static bool is_live(const struct world *world, int i, int j)
{
	return !(world->gpu[i].mask & 1U << (GV100_LINK_DISABLE_SHIFT + j)) &&
	       !(world->gpu[j].mask & 1U << (GV100_LINK_DISABLE_SHIFT + i));
}

static void check(struct world *world)
{
	for (int i = 0; i < GPUS; i++) {
		const struct gpu *a = &world->gpu[i];

		for (int j = 0; j < GPUS; j++) {
			const struct gpu *b = &world->gpu[j];

			if (i == j || !is_live(world, i, j))
				continue;
			/* Nobody else may reach an end of it. */
			if (!reaches(a) || !reaches(b) || (a->in_reset && b->in_reset))
				continue;
			assert_int_equal(a->holder, b->holder);
			if (a->in_reset || b->in_reset)
				continue;
			assert_int_equal(a->at_reset, a->holder);
			assert_int_equal(b->at_reset, b->holder);
			world->kept++;
		}
	}
}

/* Disable what has to be, and read it back. Now and then the GPU does not obey. */
static bool read_back(struct world *world, struct gpu *gpu)
{
	struct nvli_result result = { .outcome = NVLI_READ, .offset = GV100_LINK_DISABLE };

	if (draw(world, 16))
		gpu->mask |= gpu->status.required;
	result.value = gpu->mask;

	return nvli_status_judge(&gpu->status, gpu->status.generation, &result);
}

/* The holder of a GPU that passed the gate switches memory decoding on. */
static void use(struct gpu *gpu)
{
	if (!reaches(gpu))
		return;
	nvli_status_use(&gpu->status);
	if (!gpu->used)
		gpu->at_reset = gpu->holder;
	gpu->used = true;
}

/* A visit of the gate, as verify.c does it */
static bool verify(struct world *world, struct gpu *gpu)
{
	bool verified = true;

	ask(world);
	nvli_owner_reset(&gpu->owner, gpu->status.resets);
	plan(world);
	if (gpu->status.required) {
		verified = read_back(world, gpu);
		world->refused += !verified;
	} else {
		world->unread++;
	}
	gpu->off = !verified;
	use(gpu);
	check(world);

	return verified;
}

/* A reset, which the module sees or does not */
static void reset(struct world *world, struct gpu *gpu, bool seen)
{
	gpu->in_reset = true;
	gpu->used = false;
	gpu->mask = 0;
	if (seen)
		nvli_status_reset(&gpu->status, true);
	check(world);
	if (!draw(world, 4))
		plan(world);
	gpu->at_reset = gpu->holder;
	gpu->in_reset = false;
	verify(world, gpu);
}

/* The worker verifies what is not isolated. */
static void work(struct world *world)
{
	plan(world);
	for (int i = 0; i < GPUS; i++)
		if (nvli_state(&world->gpu[i].status) != NVLI_ISOLATED)
			verify(world, &world->gpu[i]);
	check(world);
}

/* pci_enable_device() */
static void count(struct world *world, struct gpu *gpu, int holder, bool by_host)
{
	gpu->holder = holder;
	gpu->by_host = by_host;
	gpu->enabled = true;
	if (!draw(world, 3))
		plan(world);
}

static void disable(struct world *world, struct gpu *gpu)
{
	if (!gpu->by_host && draw(world, 4))
		reset(world, gpu, true);
	gpu->enabled = false;
	gpu->hooked = false;
	gpu->by_host = false;
	gpu->holder = 0;
}

/* Then hook B, as enable.c does it */
static void hook(struct world *world, struct gpu *gpu)
{
	nvli_owner_enable(&gpu->owner, &gpu->status);
	plan(world);
	for (int i = 0; i < GPUS; i++) {
		struct gpu *other = &world->gpu[i];

		if (other != gpu && other->enabled &&
		    nvli_state(&other->status) == NVLI_PENDING)
			verify(world, other);
	}
	if (!verify(world, gpu)) {
		disable(world, gpu);
		return;
	}
	gpu->hooked = true;
	use(gpu);
	check(world);
}

static void enable(struct world *world, struct gpu *gpu, int holder, bool by_host)
{
	count(world, gpu, holder, by_host);
	hook(world, gpu);
}

static bool is_free(const struct world *world, int spot)
{
	for (int i = 0; i < GUESTS; i++)
		if (world->guest[i].serial && world->guest[i].spot == spot)
			return false;

	return true;
}

/* A guest starts, or ends with all that it has. Its address is another's from then on. */
static void start_or_end(struct world *world, struct guest *guest)
{
	if (guest->serial) {
		for (int i = 0; i < GPUS; i++)
			if (world->gpu[i].enabled && world->gpu[i].holder == guest->serial)
				disable(world, &world->gpu[i]);
		guest->serial = 0;
		return;
	}

	/* The lowest one that is free, as an allocator likes to have it */
	for (guest->spot = 0; !is_free(world, guest->spot); guest->spot++)
		;
	guest->serial = ++world->last_serial;
	world->reused += guest->serial > GUESTS;
}

/*
 * A guest ends, and the next one has its address and opens two of its GPUs at once, in two threads.
 * No update came in between.
 */
static void hand_over(struct world *world, struct guest *guest)
{
	struct gpu *gpus[GPUS];
	int n = 0;

	for (int i = 0; i < GPUS; i++)
		if (guest->serial && world->gpu[i].enabled && world->gpu[i].holder == guest->serial)
			gpus[n++] = &world->gpu[i];
	if (n < 2)
		return;
	start_or_end(world, guest);
	start_or_end(world, guest);
	count(world, gpus[0], guest->serial, false);
	count(world, gpus[1], guest->serial, false);
	hook(world, gpus[0]);
	hook(world, gpus[1]);
}

static void step(struct world *world)
{
	struct gpu *gpu = &world->gpu[draw(world, GPUS)];
	struct guest *guest = &world->guest[draw(world, GUESTS)];

	switch (draw(world, 11)) {
	case 0:
		start_or_end(world, guest);
		break;
	case 1:
	case 2:
	case 3:
		if (gpu->enabled || !guest->serial)
			break;
		enable(world, gpu, guest->serial, false);
		/* Some opens do not reset. */
		if (gpu->enabled && draw(world, 8))
			reset(world, gpu, true);
		break;
	case 4:
		if (gpu->enabled)
			disable(world, gpu);
		break;
	case 5:
		if (!gpu->enabled)
			enable(world, gpu, -1, true);
		break;
	case 6:
	case 7:
		reset(world, gpu, draw(world, 8));
		break;
	case 8:
		work(world);
		break;
	case 9:
		plan(world);
		break;
	case 10:
		hand_over(world, guest);
		break;
	}
	check(world);
}

/* As after a load, when the GPUs are verified */
static void begin(struct gpu *gpu)
{
	struct nvli_result result = { .outcome = NVLI_READ, .offset = GV100_LINK_DISABLE,
				      .value = GV100_LINK_DISABLE_ALL };

	nvli_status_enforce(&gpu->status, true);
	nvli_status_watch(&gpu->status, true);
	nvli_status_require(&gpu->status, GV100_LINK_DISABLE_ALL);
	nvli_status_judge(&gpu->status, gpu->status.generation, &result);
	gpu->mask = GV100_LINK_DISABLE_ALL;
	assert_int_equal(nvli_state(&gpu->status), NVLI_ISOLATED);
}

static void guests_come_and_go(void **state)
{
	unsigned long kept = 0, reused = 0, refused = 0, unread = 0;

	for (unsigned int seed = 1; seed <= WALKS; seed++) {
		struct world world = { .seed = seed, .last_number = NVLI_HOST };

		for (int i = 0; i < GPUS; i++)
			begin(&world.gpu[i]);
		for (int i = 0; i < STEPS; i++)
			step(&world);
		kept += world.kept;
		reused += world.reused;
		refused += world.refused;
		unread += world.unread;
	}
	/* It has tried what it is for. */
	assert_true(kept > WALKS);
	assert_true(reused > WALKS);
	assert_true(refused > WALKS);
	assert_true(unread > WALKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_says_is_kept),
		cmocka_unit_test(a_change_takes_the_number),
		cmocka_unit_test(who_is_known_gets_a_number),
		cmocka_unit_test(only_the_same_owner_is_joined),
		cmocka_unit_test(an_address_that_passes_on_joins_nobody),
		cmocka_unit_test(numbers_do_not_run_out),
		cmocka_unit_test(a_reset_counts_once),
		cmocka_unit_test(a_reset_from_before_the_start_does_not_count),
		cmocka_unit_test(a_reset_that_nobody_has_used_is_the_next_owners),
		cmocka_unit_test(links_are_kept_within_one_owner),
		cmocka_unit_test(means_have_names),
		cmocka_unit_test(guests_come_and_go),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);

	return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}
