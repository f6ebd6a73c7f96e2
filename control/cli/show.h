/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The API's JSON as text for people. Each printer takes a whole answer; what an answer lacks is
 * shown as "-", so that an older or newer control can be looked at.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** "data plane: waiting since ...: why", or nothing when it is connected and moves. */
void stw_print_link(const json_t *answer, FILE *out);

void stw_print_status(const json_t *answer, FILE *out);
void stw_print_version(const json_t *answer, FILE *out);
void stw_print_workers(const json_t *answer, FILE *out);
void stw_print_ports(const json_t *answer, FILE *out);
void stw_print_listeners(const json_t *answer, FILE *out);
void stw_print_pools(const json_t *answer, FILE *out);
void stw_print_members(const json_t *answer, FILE *out);
void stw_print_names(const json_t *answer, FILE *out);
void stw_print_registrar(const json_t *answer, FILE *out);
void stw_print_counters(const json_t *answer, bool all, FILE *out);

/** What a change did: its lines, and the generation that serves it or why it is pending. */
void stw_print_change(const json_t *answer);

/** Each text of a list, on a line of its own behind @before. */
void stw_print_lines(const char *before, const json_t *list);

/** Text of @o's member @key: its string or number; "-" for null and absent. Ring of static buffers.
 */
const char *stw_text(const json_t *o, const char *key);

/** @text as a terminal may see it: control characters as \xNN. A ring of static buffers. */
const char *stw_safe(const char *text);

/** A rate: "-" when unknown, else with one decimal below 100. Ring of static buffers. */
const char *stw_rate_text(const json_t *o, const char *key);

/** "3 s", "4 min", "2 h", "5 d" since @unix_s. Ring of static buffers. */
const char *stw_age_text(json_int_t unix_s);
