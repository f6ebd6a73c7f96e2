/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reader of strowger.yaml on any bytes: it judges them, and what it accepts it writes out and
 * reads back as the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/config/config.h"
#include "control/model/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *ctx, const char *message)
{
	size_t *n = ctx;

	/* One line that begins with the file's name. */
	if (strncmp(message, "f.yaml:", strlen("f.yaml:")) != 0 || strchr(message, '\n'))
		abort();
	(*n)++;
}

static struct stw_model *read_it(const char *text, size_t size)
{
	struct stw_model *m = NULL;
	size_t messages = 0;
	int err = stw_config_read_text("f.yaml", text, size, count, &messages, &m);

	if ((err != STW_OK && err != STW_ECONFIG) || (err == STW_OK) != (messages == 0) ||
	    (err == STW_OK) != (m != NULL))
		abort();
	return m;
}

static void dump_it(const struct stw_model *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f || stw_config_dump_with_keys(m, f) != STW_OK)
		abort();
	fclose(f);
	struct stw_model *again = read_it(text, size);

	if (!again || stw_model_diff(m, again, NULL, NULL) != 0)
		abort();
	stw_model_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stw_model *m = read_it((const char *)data, size);

	if (m)
		dump_it(m);
	stw_model_free(m);
	return 0;
}
