/* SPDX-License-Identifier: BSD-3-Clause */
/* The project's own torture messages: tests/rfc/vectors, named by STW_VECTORS. */
#include "tests/rfc/parse/vector_files.h"

static unsigned count_vias(const char *buf, const struct stw_sip_msg *m)
{
	struct stw_sip_line line;
	struct stw_sip_via via;
	unsigned n = 0;

	for (bool ok = stw_sip_line_first(buf, m, &line); ok;
	     ok = stw_sip_line_next(buf, m, &line)) {
		if (line.header != STW_HDR_VIA)
			continue;
		struct stw_span rest = line.value;
		do {
			assert_int_equal(stw_sip_via_parse(buf, rest, &via), STW_OK);
			n++;
			rest = (struct stw_span){via.next,
						 (uint16_t)(stw_span_end(rest) - via.next)};
		} while (via.more);
	}
	return n;
}

static void check_field(const char *buf, const struct stw_sip_msg *m, const char *name,
			const char *want)
{
	long number = strtol(want, NULL, 10);

	if (strcmp(name, "method") == 0)
		assert_string_equal(stw_sip_method_text(m->method), want);
	else if (strcmp(name, "uri") == 0)
		assert_span(buf, m->uri, want);
	else if (strcmp(name, "mf") == 0)
		assert_int_equal(m->max_forwards, number);
	else if (strcmp(name, "cl") == 0)
		assert_int_equal(m->content_length, number);
	else if (strcmp(name, "cseq") == 0)
		assert_int_equal(m->cseq, number);
	else if (strcmp(name, "status") == 0)
		assert_int_equal(m->status, number);
	else if (strcmp(name, "len") == 0)
		assert_int_equal(m->len, number);
	else if (strcmp(name, "vias") == 0)
		assert_int_equal(count_vias(buf, m), number);
	else
		fail_msg("no field is called %s", name);
}

/* name=value;name=value; a value with semicolons has to stand last */
static void check_fields(const char *buf, const struct stw_sip_msg *m, const char *fields)
{
	char *copy = strdup(fields), *rest = copy;

	while (rest && *rest && strcmp(fields, "-") != 0) {
		char *name = strsep(&rest, "=");
		bool last = strcmp(name, "uri") == 0;
		check_field(buf, m, name, last ? rest : strsep(&rest, ";"));
		if (last)
			break;
	}
	free(copy);
}

static void vector_gets_its_verdict(void **state)
{
	static char bytes[VECTOR_BYTES];
	const struct vector *v = *state;
	struct stw_sip_msg m;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s.dat", v->dir, v->field[0]);
	size_t len = vector_bytes(path, bytes);
	enum stw_sip_reject got = parse_bytes(bytes, len, &m);
	assert_string_equal(stw_sip_reject_rows[got].name, v->field[2]);
	check_fields(bytes, &m, v->field[3]);
	check_every_cut(bytes, len);
}

int main(void)
{
	static struct vector_table table;
	static struct CMUnitTest tests[VECTORS_MAX];

	if (!vectors_read(&table, getenv("STW_VECTORS")) || table.n == 0)
		return 1;
	for (size_t i = 0; i < table.n; i++)
		tests[i] = (struct CMUnitTest){table.row[i].field[0], vector_gets_its_verdict, NULL,
					       NULL, &table.row[i]};
	return _cmocka_run_group_tests("sip-vectors", tests, table.n, NULL, NULL);
}
