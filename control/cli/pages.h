/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Lists that come by pages, and calls that say how much they changed. */

#include <jansson.h>

#include "control/cli/cli.h"

typedef void stw_page_fn(void *ctx, const json_t *rows);

/**
 * All pages of @endpoint, each given to @page.
 *
 * @param rows_key  where an answer has its rows: names, or objects with an "aor"
 * @param only      the row of that name alone; NULL: all
 * @return an exit code
 */
int stw_each_page(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *rows_key,
		  const char *only, stw_page_fn *page, void *ctx);

/** Each row as a line of JSON: an object, or the "name" of one; with the version. @param ctx  FILE
 * * */
void stw_json_page(void *ctx, const json_t *rows);

/** Call @endpoint. @param body  taken over @param changed  grows @return an exit code */
int stw_call_changed(struct stw_cli *cli, enum stw_endpoint_id endpoint, json_t *body,
		     json_int_t *changed);
