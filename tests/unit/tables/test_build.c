/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

#include "control/tables/build.h"
#include "tests/support/farm.h"

static const struct stw_image_pool *pool_row(const struct stw_image *image, uint32_t i)
{
	const struct stw_image_header *h = image->bytes;

	return (const struct stw_image_pool *)((const char *)image->bytes +
					       h->sections[STW_IMAGE_POOLS_SECTION].offset) +
	       i;
}

static size_t slots_of(const struct stw_image *image, uint16_t member)
{
	const struct stw_image_header *h = image->bytes;
	const struct stw_image_section *s = &h->sections[STW_IMAGE_SLOTS_SECTION];
	const uint16_t *slots = (const uint16_t *)((const char *)image->bytes + s->offset);
	size_t n = 0;

	for (uint32_t i = 0; i < s->rows; i++)
		n += slots[i] == member;
	return n;
}

static void build(const struct stw_farm *farm, const uint8_t *failed, struct stw_image *out)
{
	char reason[160];

	assert_int_equal(stw_image_build(&farm->model, failed, 7, out), STW_OK);
	assert_int_equal(stw_image_check(out->bytes, out->size_bytes, reason, sizeof(reason)),
			 STW_OK);
}

static void same_input_gives_the_same_bytes(void **state)
{
	struct stw_farm farm;
	struct stw_image a, b;

	(void)state;
	stw_farm_init(&farm, 4);
	build(&farm, NULL, &a);
	build(&farm, NULL, &b);
	assert_int_equal(a.size_bytes, b.size_bytes);
	assert_memory_equal(a.bytes, b.bytes, a.size_bytes);
	stw_image_fini(&a);
	stw_image_fini(&b);
}

static void digest_leaves_out_generation_and_numbers(void **state)
{
	struct stw_farm farm;
	struct stw_image a, b;

	(void)state;
	stw_farm_init(&farm, 4);
	build(&farm, NULL, &a);
	farm.members[1].number = 4000;
	assert_int_equal(stw_image_build(&farm.model, NULL, 8, &b), STW_OK);
	assert_memory_equal(a.digest, b.digest, 32);
	stw_image_fini(&b);

	farm.pool_members[1].weight++;
	build(&farm, NULL, &b);
	assert_memory_not_equal(a.digest, b.digest, 32);
	stw_image_fini(&b);
	farm.pool_members[1].weight--;
	farm.model.secrets[0].key[3] ^= 1;
	build(&farm, NULL, &b);
	assert_memory_not_equal(a.digest, b.digest, 32);
	stw_image_fini(&b);
	stw_image_fini(&a);
}

static void digest_leaves_out_names(void **state)
{
	const struct stw_image_target target = {.address = stw_farm_v4(203, 0, 113, 1, 5060),
						.weight = 1};
	const struct stw_image_resolved names[] = {
		{.name = "a.example", .len = 9, .targets = &target, .n_targets = 1},
		{.name = "b.example", .len = 9, .port = 5070},
	};
	struct stw_farm farm;
	struct stw_image a, b;

	(void)state;
	stw_farm_init(&farm, 4);
	build(&farm, NULL, &a);
	assert_int_equal(stw_image_build_named(&farm.model, NULL, names, 2, 7, &b), STW_OK);
	assert_memory_equal(a.digest, b.digest, 32);
	assert_true(b.size_bytes > a.size_bytes);
	stw_image_fini(&a);
	stw_image_fini(&b);
	assert_int_equal(stw_image_build_named(&farm.model, NULL, names, STW_IMAGE_NAMES + 1, 7,
					       &b),
			 STW_ERANGE);
}

static void drained_down_weightless_and_failed_get_no_slots(void **state)
{
	const uint8_t failed[5] = {0, 0, 0, 1, 0};
	struct stw_farm farm;
	struct stw_image image;

	(void)state;
	stw_farm_init(&farm, 5);
	farm.pool_members[0].asked = STW_ASKED_DRAIN;
	farm.pool_members[1].asked = STW_ASKED_DOWN;
	farm.pool_members[2].weight = 0;
	build(&farm, failed, &image);
	for (uint16_t i = 0; i < 4; i++)
		assert_int_equal(slots_of(&image, i), 0);
	assert_int_equal(slots_of(&image, 4), pool_row(&image, 0)->n_slots);
	stw_image_fini(&image);
}

static void all_failed_keeps_all_that_are_asked_up(void **state)
{
	const uint8_t failed[3] = {1, 1, 1};
	struct stw_farm farm;
	struct stw_image image;

	(void)state;
	stw_farm_init(&farm, 3);
	farm.pool_members[2].asked = STW_ASKED_DRAIN;
	build(&farm, failed, &image);
	assert_true(slots_of(&image, 0) > 0);
	assert_true(slots_of(&image, 1) > 0);
	assert_int_equal(slots_of(&image, 2), 0);
	assert_true(pool_row(&image, 0)->flags & STW_IMAGE_POOL_PANIC);
	stw_image_fini(&image);
}

static void all_drained_leaves_no_slots(void **state)
{
	struct stw_farm farm;
	struct stw_image image;

	(void)state;
	stw_farm_init(&farm, 2);
	farm.pool_members[0].asked = STW_ASKED_DRAIN;
	farm.pool_members[1].asked = STW_ASKED_DRAIN;
	build(&farm, NULL, &image);
	assert_int_equal(pool_row(&image, 0)->n_slots, 0);
	assert_int_equal(pool_row(&image, 0)->n_members, 2);
	stw_image_fini(&image);
}

static void refuses_more_than_the_format_holds(void **state)
{
	struct stw_farm farm;
	struct stw_image image;

	(void)state;
	stw_farm_init(&farm, 2);
	farm.model.n_secrets = 0;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_ERANGE);
	stw_farm_init(&farm, 2);
	farm.pool_members[1].weight = 65536;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_ERANGE);
	stw_farm_init(&farm, 2);
	farm.pool_members[1].member = 2;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_ERANGE);
	stw_farm_init(&farm, 2);
	farm.pool.slots = 65536;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_input_gives_the_same_bytes),
		cmocka_unit_test(digest_leaves_out_generation_and_numbers),
		cmocka_unit_test(digest_leaves_out_names),
		cmocka_unit_test(drained_down_weightless_and_failed_get_no_slots),
		cmocka_unit_test(all_failed_keeps_all_that_are_asked_up),
		cmocka_unit_test(all_drained_leaves_no_slots),
		cmocka_unit_test(refuses_more_than_the_format_holds),
	};
	return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
