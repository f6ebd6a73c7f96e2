/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Collects the words of a change, for the reply. */

#include <jansson.h>

#include "control/control.h"

struct stw_words {
	json_t *messages;
	json_t *changes;
	json_t *needs_restart;
	struct stw_control_words to; /* whoever tells */
};

void stw_words_init(struct stw_words *w);

/** As stw_diff_line_fn and stw_config_message_fn, with a struct stw_words. */
void stw_words_line(void *words, bool needs_restart, const char *line);
void stw_words_message(void *words, const char *message);

/** A configuration's reply: "changes", "needs_restart", "warnings". */
json_t *stw_words_json(const struct stw_words *w);

void stw_words_fini(struct stw_words *w);
