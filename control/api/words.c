/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/words.h"

static void append(json_t *array, const char *text)
{
	json_t *t = json_string(text);
	json_array_append_new(array, t ? t : json_string("(not UTF-8)"));
}

void stw_words_message(void *ctx, const char *message)
{
	append(((struct stw_words *)ctx)->messages, message);
}

void stw_words_line(void *ctx, bool needs_restart, const char *line)
{
	struct stw_words *w = ctx;
	append(needs_restart ? w->needs_restart : w->changes, line);
}

void stw_words_init(struct stw_words *w)
{
	w->messages = json_array();
	w->changes = json_array();
	w->needs_restart = json_array();
	w->to = (struct stw_control_words){.ctx = w,
					   .message = stw_words_message,
					   .line = stw_words_line};
}

json_t *stw_words_json(const struct stw_words *w)
{
	return json_pack("{s:O, s:O, s:O}", "changes", w->changes, "needs_restart",
			 w->needs_restart, "warnings", w->messages);
}

void stw_words_fini(struct stw_words *w)
{
	json_decref(w->messages);
	json_decref(w->changes);
	json_decref(w->needs_restart);
}
