/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Tables of the test farm (tests/support/farm.h), each generation with members of its own, so that
 * what is read can be told from what was read before.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <strowger/errors.h>

#include "control/tables/build.h"
#include "dataplane/table/lookup.h"
#include "tests/support/farm.h"

/** Members of generation @g: 1..7 of them. */
static inline uint8_t farm_members(uint64_t g)
{
	return (uint8_t)(1 + g % 7);
}

/** Member number of member @i in generation @g. */
static inline uint16_t farm_number(uint64_t g, size_t i)
{
	return (uint16_t)((g * 16 + i) % 8000);
}

/** The image of generation @g; free with stw_image_fini(). */
static inline struct stw_image farm_image(uint64_t g)
{
	struct stw_farm farm;
	struct stw_image image;
	stw_farm_init(&farm, farm_members(g));
	for (uint8_t i = 0; i < farm_members(g); i++)
		farm.members[i].number = farm_number(g, i);
	assert_int_equal(stw_image_build(&farm.model, NULL, g, &image), STW_OK);
	return image;
}

/** The tables of generation @g; free with stw_tables_free(). */
static inline struct stw_tables *farm_tables(uint64_t g)
{
	struct stw_image image = farm_image(g);
	struct stw_tables *tables = NULL;
	char reason[160] = "";
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason),
					&tables),
			 STW_OK);
	stw_image_fini(&image);
	return tables;
}
