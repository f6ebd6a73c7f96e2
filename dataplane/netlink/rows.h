/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A set of equal-sized rows found by the bytes they begin with: open addressing, grows. What is not
 * seen again between a mark and its sweep goes, which is how a dump replaces what was known.
 *
 * Threads: one at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stw_rows {
	uint8_t *rows;	/* [mask + 1][row_size] */
	uint32_t *seen; /* [mask + 1] epoch, 0 unused */
	size_t row_size;
	size_t key_size;
	uint32_t mask;
	uint32_t n;
	uint32_t epoch;
};

/** Nothing is allocated before the first row. @key_size <= @row_size, no padding in the key. */
void stw_rows_init(struct stw_rows *r, size_t row_size, size_t key_size);

/** The row that begins with @key, or NULL. Valid until the next put or delete. */
void *stw_rows_find(const struct stw_rows *r, const void *key);

/**
 * Insert or replace.
 *
 * @param changed  set to true when the row is new or differs, else left alone; may be NULL
 * @return STW_OK or STW_ENOMEM
 */
int stw_rows_put(struct stw_rows *r, const void *row, bool *changed);

/** @return true when there was such a row */
bool stw_rows_delete(struct stw_rows *r, const void *key);

/** Rows put from now on are seen. */
void stw_rows_mark(struct stw_rows *r);

/** True when such a row was put since the mark. */
bool stw_rows_seen(const struct stw_rows *r, const void *key);

/** Delete what was not put since the mark. @return how many went */
size_t stw_rows_sweep(struct stw_rows *r);

/** Row at slot @i, 0..mask, or NULL: walk them all while no row comes or goes. */
const void *stw_rows_at(const struct stw_rows *r, uint32_t i);

/** Slots to walk. */
uint32_t stw_rows_slots(const struct stw_rows *r);

void stw_rows_fini(struct stw_rows *r);
