/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of counters of listeners: given once, kept by address, never shared. */
#include "tests/unit/dataplane/farm_tables.h"

#include <stdlib.h>

#include "dataplane/table/counted.h"

static struct stw_stats *stats;

static int set_up(void **state)
{
	(void)state;
	stats = calloc(1, sizeof(*stats));
	return stats == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	free(stats);
	return 0;
}

/* Rows of listeners at these ports of one address, as the next tables have them. */
static void rows_of(const uint16_t *ports, size_t n, uint16_t *rows)
{
	struct stw_model_listener listeners[STW_IMAGE_LISTENERS] = {0};
	struct stw_tables *tables;
	struct stw_image image;
	struct stw_farm farm;
	char reason[160];

	stw_farm_init(&farm, 1);
	for (size_t i = 0; i < n; i++)
		listeners[i].address = stw_farm_v4(192, 0, 2, 1, ports[i]);
	farm.model.listeners = listeners;
	farm.model.n_listeners = n;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_OK);
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason),
					&tables),
			 STW_OK);
	stw_image_fini(&image);
	stw_counted_listeners(stats, tables);
	for (uint16_t i = 0; i < n; i++)
		rows[i] = stw_tables_listener(tables, i)->counted;
	stw_tables_free(tables);
}

static void a_listener_keeps_its_row(void **state)
{
	uint16_t rows[3], again[3];

	(void)state;
	rows_of((uint16_t[]){5060, 5061, 5062}, 3, rows);
	assert_int_not_equal(rows[0], rows[1]);
	assert_int_not_equal(rows[1], rows[2]);
	assert_int_not_equal(rows[0], rows[2]);
	rows_of((uint16_t[]){5062, 5070, 5060}, 3, again); /* another order, one gone, one new */
	assert_int_equal(again[0], rows[2]);
	assert_int_equal(again[2], rows[0]);
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(again[1], rows[i]);
	rows_of((uint16_t[]){5061}, 1, again); /* back again */
	assert_int_equal(again[0], rows[1]);
	assert_int_equal(stw_stats_n_listeners(stats), 4);
}

static void a_row_tells_its_address(void **state)
{
	const struct stw_endpoint there = stw_farm_v4(192, 0, 2, 1, 5061),
				  other = stw_farm_v4(192, 0, 2, 1, 5062);
	uint16_t rows[2];

	(void)state;
	assert_int_equal(stw_stats_find_listener(stats, &there), -1);
	rows_of((uint16_t[]){5060, 5061}, 2, rows);
	assert_int_equal(stw_stats_find_listener(stats, &there), rows[1]);
	assert_int_equal(stw_stats_find_listener(stats, &other), -1);
}

static void when_all_are_given_away_the_spare_one_is_left(void **state)
{
	uint16_t ports[STW_IMAGE_LISTENERS], rows[STW_IMAGE_LISTENERS], first;

	(void)state;
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < STW_IMAGE_LISTENERS; i++)
			ports[i] = (uint16_t)(10000 + turn * STW_IMAGE_LISTENERS + i);
		rows_of(ports, STW_IMAGE_LISTENERS, rows);
		if (turn == 0)
			first = rows[0];
	}
	assert_int_equal(stw_stats_n_listeners(stats), STW_STATS_LISTENERS_MAX);
	assert_int_equal(rows[STW_IMAGE_LISTENERS - 1], STW_STATS_LISTENERS_MAX);
	rows_of((uint16_t[]){10000}, 1, rows);
	assert_int_equal(rows[0], first);
}

int main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_listener_keeps_its_row),
		CASE(a_row_tells_its_address),
		CASE(when_all_are_given_away_the_spare_one_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
