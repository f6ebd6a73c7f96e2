/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Tables of messages (expect.tsv beside the .dat files), a test case a row.
 */

#include "tests/rfc/parse/message.h"

#define VECTORS_MAX   160
#define VECTOR_FIELDS 8
#define VECTOR_BYTES  16384

struct vector {
	const char *field[VECTOR_FIELDS]; /* of its line, tabs removed; missing ones are "" */
	const char *dir;
};

struct vector_table {
	struct vector row[VECTORS_MAX];
	size_t n;
};

/* Read DIR/expect.tsv. @return false when there is none */
static inline bool vectors_read(struct vector_table *table, const char *dir)
{
	char path[1024], line[4096];

	snprintf(path, sizeof(path), "%s/expect.tsv", dir);
	FILE *f = fopen(path, "r");
	if (!f)
		return false;
	bool header = true;
	while (table->n < VECTORS_MAX && fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			continue;
		if (header) {
			header = false;
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		struct vector *v = &table->row[table->n];
		char *rest = strdup(line);
		for (size_t i = 0; i < VECTOR_FIELDS; i++) {
			char *field = rest ? strsep(&rest, "\t") : NULL;
			v->field[i] = field ? field : "";
		}
		v->dir = dir;
		table->n++;
	}
	fclose(f);
	return true;
}

/* @return bytes of PATH in @out [VECTOR_BYTES] */
static inline size_t vector_bytes(const char *path, char *out)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("%s is missing", path);
	size_t n = fread(out, 1, VECTOR_BYTES, f);
	fclose(f);
	assert_true(n > 0 && n < VECTOR_BYTES);
	return n;
}

/* Cut after every byte, each piece from an exact-size copy: all kernels and the oracle agree. */
static inline void check_every_cut(const char *bytes, size_t len)
{
	struct stw_sip_msg m;

	for (size_t n = 0; n < len; n++)
		parse_bytes(bytes, n, &m);
}
