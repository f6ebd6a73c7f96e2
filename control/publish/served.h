/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The image the data plane serves already, as it comes with its HELLO: read once at control's start
 * to go on with the members' numbers.
 */

struct stw_tables;

/**
 * Map, check and copy the image behind @fd.
 *
 * @return its tables, free with stw_served_free(); NULL (logged) when it cannot be read: numbers
 *         then start afresh, calls are not touched
 */
struct stw_tables *stw_served_read(int fd);

/** Accepts NULL. */
void stw_served_free(struct stw_tables *t);
