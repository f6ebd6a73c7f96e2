/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of RFC 4475 and RFC 5118 themselves, where they lie beside the source tree
 * (STW_VECTORS). Of the verdicts in their table this checks the parser's share; the proxy's is
 * tests/rfc/proxy/test_vectors.c.
 */
#include "tests/rfc/parse/vector_files.h"

enum { SET, NAME, SECTION, KIND, CLASS, PROXY };

static bool is_route_affair(const struct vector *v)
{
	return strcmp(v->field[PROXY], "FORWARD") == 0 || strcmp(v->field[PROXY], "483") == 0 ||
	       strcmp(v->field[PROXY], "416") == 0 || strcmp(v->field[PROXY], "420") == 0 ||
	       strcmp(v->field[PROXY], "DROP(not-ours)") == 0 ||
	       strcmp(v->field[NAME], "bcast") == 0; /* where the next Via leads */
}

static void check_status(const struct vector *v, const struct stw_sip_msg *m)
{
	unsigned status = stw_sip_reject_rows[m->reject].status;

	if (strcmp(v->field[PROXY], "505") == 0)
		assert_int_equal(status, 505);
	else if (strcmp(v->field[PROXY], "DROP") == 0)
		assert_true(m->kind == STW_SIP_RESPONSE || !stw_sip_has(m, STW_HDR_VIA));
	else
		assert_int_equal(status, 400);
}

static void vector_gets_its_verdict(void **state)
{
	static char bytes[VECTOR_BYTES];
	const struct vector *v = *state;
	struct stw_sip_msg m;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s/%s.dat", v->dir, v->field[SET], v->field[NAME]);
	size_t len = vector_bytes(path, bytes);
	enum stw_sip_reject got = parse_bytes(bytes, len, &m);
	if (is_route_affair(v)) {
		assert_string_equal(stw_sip_reject_rows[got].name, "accepted");
	} else {
		assert_int_not_equal(got, STW_SIP_ACCEPTED);
		check_status(v, &m);
	}
	check_every_cut(bytes, len);
}

/* What the table says "must hold", as far as it is the parser's. */
static void fields_of_the_torture_messages(void **state)
{
	static const struct {
		const char *file;
		int max_forwards, content_length;
		uint32_t cseq, len;
		const char *call_id;
	} rows[] = {
		{"rfc4475/wsinv", 68, 150, 9, 1001, "wsinv.ndaksdj@192.0.2.1"},
		{"rfc4475/dblreq", 8, 0, 8, 300, "dblreq.0ha0isndaksdj99sdfafnl3lk233412"},
		{"rfc4475/intmeth", 255, 0, 139122385, 641,
		 "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"},
		{"rfc4475/inv2543", -1, -1, 56, 445, "inv2543.1717@ift.client.example.com"},
		{"rfc4475/transports", 70, 0, 60, 503, "transports.kijh4akdnaqjkwendsasfdj"},
		{"rfc5118/mult-ip-in-sdp.asrfc", 70, 181, 8912, 522,
		 "SSG9559905523997077@hlau_4100"},
	};
	static char bytes[VECTOR_BYTES];
	struct stw_sip_msg m;
	char path[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s.dat", (const char *)*state, rows[i].file);
		size_t len = vector_bytes(path, bytes);
		assert_int_equal(parse_bytes(bytes, len, &m), STW_SIP_ACCEPTED);
		assert_int_equal(m.max_forwards, rows[i].max_forwards);
		assert_int_equal(m.content_length, rows[i].content_length);
		assert_int_equal(m.cseq, rows[i].cseq);
		assert_int_equal(m.len, rows[i].len);
		assert_span(bytes, m.value[STW_HDR_CALL_ID], rows[i].call_id);
	}
}

int main(void)
{
	static struct vector_table table;
	static struct CMUnitTest tests[VECTORS_MAX + 1];
	static char name[VECTORS_MAX][96];
	char *dir = getenv("STW_VECTORS");

	if (!dir || !vectors_read(&table, dir)) {
		printf("1..0 # SKIP skipped: the RFC 4475 and RFC 5118 messages are not here\n");
		return 0;
	}
	for (size_t i = 0; i < table.n; i++) {
		const struct vector *v = &table.row[i];
		snprintf(name[i], sizeof(name[i]), "%s_s%s_%s", v->field[SET], v->field[SECTION],
			 v->field[NAME]);
		tests[i] = (struct CMUnitTest){name[i], vector_gets_its_verdict, NULL, NULL,
					       &table.row[i]};
	}
	tests[table.n] = (struct CMUnitTest){"fields_of_the_torture_messages",
					     fields_of_the_torture_messages, NULL, NULL, dir};
	return _cmocka_run_group_tests("sip-torture", tests, table.n + 1, NULL, NULL);
}
