/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Reads a configuration from a string and keeps what was said about it.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/config/config.h"

/* What each test file may put around its own lines. */
#define PORTS                     \
	"ports:\n"                \
	"  - name: outside\n"     \
	"    device: net_null0\n" \
	"    addresses: [192.0.2.1/24, \"2001:db8::1/64\"]\n"
#define POOLS              \
	"pools:\n"         \
	"  - name: farm\n" \
	"    members: [198.51.100.11]\n"

struct said {
	char text[65536];
	size_t n; /* messages */
};

static inline void said_keep(void *ctx, const char *message)
{
	struct said *s = ctx;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof(s->text) - at, "%s\n", message);
	s->n++;
}

/** Read @text as "t.yaml"; *@m is NULL unless STW_OK. */
static inline int said_read(struct said *s, const char *text, struct stw_model **m)
{
	s->text[0] = '\0';
	s->n = 0;
	*m = NULL;
	return stw_config_read_text("t.yaml", text, strlen(text), said_keep, s, m);
}

/** Read a text that is right. */
static inline struct stw_model *read_good(const char *text)
{
	static struct said s;
	struct stw_model *m;

	if (said_read(&s, text, &m) != STW_OK)
		fail_msg("refused: %s", s.text);
	assert_int_equal(s.n, 0);
	return m;
}

/** Read a text that is wrong in one way: the message must begin and go on as told. */
static inline void refuses(const char *text, const char *begin, const char *part)
{
	static struct said s;
	struct stw_model *m;
	int err = said_read(&s, text, &m);

	stw_model_free(m);
	if (err != STW_ECONFIG || s.n != 1 || strncmp(s.text, begin, strlen(begin)) != 0 ||
	    !strstr(s.text, part))
		fail_msg("%s, %zu messages, wanted \"%s ... %s\", said: %s", stw_err_text(err), s.n,
			 begin, part, s.text);
}
