/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The torture messages of RFC 4475 and RFC 5118, sent to the proxy from outside: verdicts are those
 * of expect.tsv (columns: set, name, section, kind, class, proxy, also tolerated). STW_VECTORS
 * names their directory; without it the test is skipped.
 */

#include "tests/rfc/proxy/messages.h"

#include "dataplane/route/mac.h"
#include "tests/support/roundtrip.h"

struct vector {
	char dir[256];
	char set[32], name[64], section[32], kind[64], verdict[64], also[256];
};

static struct vector vectors[128];

static size_t read_vector(const struct vector *v, char *out, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s/%s.dat", v->dir, v->set, v->name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(out, 1, size, f);
	fclose(f);
	assert_true(n > 0 && n < size);
	return n;
}

/* What happened, in the words of the table. */
static const char *outcome(const struct stw_proxy *p)
{
	static char text[8];

	if (p->v.action == STW_ACTION_FORWARD)
		return "FORWARD";
	if (p->v.action == STW_ACTION_DROP || p->err != STW_OK)
		return p->v.reason == STW_C_DROP_RESPONSE_NOT_OURS ? "DROP(not-ours)" : "DROP";
	snprintf(text, sizeof(text), "%u", p->v.status);
	return text;
}

/* Tolerated: a status or DROP that stands at the start of an alternative. FORWARD is tolerated only
 * on conditions nobody checks here: so it is not. */
static bool tolerated(const char *also, const char *got)
{
	for (const char *at = also; at != NULL; at = strchr(at, ';')) {
		at += *at == ';';
		if (strncmp(got, "FORWARD", 7) != 0 && strncmp(at, got, strlen(got)) == 0)
			return true;
	}
	return false;
}

static void check_forwarded(const struct stw_proxy *p, char *in)
{
	static char out[STW_PROXY_ROOM];

	assert_int_equal(p->err, STW_OK);
	if (p->v.replace_uri || p->v.n_cuts > 0)
		return; /* Routes moved: test_route.c judges that */
	memcpy(out, p->out, p->out_len);
	assert_true(stw_roundtrip_ok(in, p->msg.len, out, p->out_len));
}

static void vector_gets_its_verdict(void **state)
{
	static char in[STW_PROXY_ROOM];
	const struct vector *v = *state;
	size_t n = read_vector(v, in, sizeof(in));
	bool v6 = strcmp(v->set, "rfc5118") == 0;
	struct stw_proxy *p = stw_proxy_new(4);

	if (strcmp(v->name, "test") == 0) {
		stw_sip_parse(in, n, &p->msg);
		if (p->msg.kind == STW_SIP_NEITHER) { /* not even a start line: decap's affair */
			stw_proxy_free(p);
			return;
		}
	}
	stw_proxy_handle(p, in, n, v6 ? stw_farm_v6(0x99, 5060) : ua(), v6);
	const char *got = outcome(p);
	if (strncmp(got, v->verdict, strlen(v->verdict)) != 0 && !tolerated(v->also, got))
		fail_msg("expected %s (or %s), got %s %s", v->verdict, v->also, got,
			 stw_proxy_drop(p));
	if (p->v.action == STW_ACTION_FORWARD)
		check_forwarded(p, in);
	stw_proxy_free(p);
}

/* The responses again, with our Via on top as if we had sent their request. */
static void response_with_our_via(void **state)
{
	static char in[STW_PROXY_ROOM], text[STW_PROXY_ROOM];
	const struct vector *v = *state;
	size_t n = read_vector(v, in, sizeof(in) - 256);
	struct stw_proxy *p = stw_proxy_new(4);
	struct stw_sip_via previous;
	struct stw_sip_msg m;
	struct stw_ip received;
	const struct stw_secret *secret = &p->tables->secrets[0];
	bool malformed = strcmp(v->name, "bigcode") == 0 || strcmp(v->name, "scalarlg") == 0;

	stw_sip_parse(in, n, &m);
	/* bcast: its own top Via aside, the next one is a broadcast address */
	struct stw_span via = m.value[STW_HDR_VIA];
	bool bcast = strcmp(v->name, "bcast") == 0;
	size_t skip = bcast ? m.line_end[STW_HDR_VIA] - m.line_off[STW_HDR_VIA] : 0;
	if (bcast) {
		memmove(in + m.line_off[STW_HDR_VIA], in + m.line_end[STW_HDR_VIA],
			n - m.line_end[STW_HDR_VIA]);
		stw_sip_parse(in, n - skip, &m);
		via = m.value[STW_HDR_VIA];
	}
	assert_int_equal(stw_sip_via_parse(in, via, &previous), STW_OK);
	bool has = stw_ip_parse(in + previous.received.off, previous.received.len, &received) ==
		   STW_OK;
	const struct stw_branch_input input = {
		.buf = in,
		.m = &m,
		.via = &previous,
		.received = has ? &received : NULL,
		.rport = previous.rport_value,
		.call = stw_call_sum(secret, in, &m),
		.head = stw_branch_head(0, p->tables->listeners[0].mark)};
	int head = snprintf(text, sizeof(text),
			    "%.*sVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%016llx00000000\r\n",
			    (int)m.headers_off, in,
			    (unsigned long long)stw_branch_make(secret, &input));
	memcpy(text + head, in + m.headers_off, n - skip - m.headers_off);
	stw_proxy_handle(p, text, n - skip + (size_t)head - m.headers_off, ua(), 0);
	if (bcast) {
		assert_dropped(p, "forbidden_target");
	} else if (malformed) {
		assert_dropped(p, "malformed");
	} else {
		assert_forwarded(p);
		assert_int_equal(p->out_len, m.len);
		assert_memory_equal(p->out, in, m.len);
	}
	stw_proxy_free(p);
}

static size_t read_table(const char *dir)
{
	char path[512], line[2048];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/expect.tsv", dir);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		return 0;
	while (n < 128 && fgets(line, sizeof(line), f) != NULL) {
		struct vector *v = &vectors[n];

		if (strncmp(line, "rfc", 3) == 0 &&
		    sscanf(line,
			   "%31[^\t]\t%63[^\t]\t%31[^\t]\t%63[^\t]\t%*[^\t]\t%63[^\t]\t%255[^\t]",
			   v->set, v->name, v->section, v->kind, v->verdict, v->also) == 6) {
			snprintf(v->dir, sizeof(v->dir), "%s", dir);
			n++;
		}
	}
	fclose(f);
	return n;
}

int main(void)
{
	static struct CMUnitTest tests[256];
	static char names[256][160];
	const char *dir = getenv("STW_VECTORS");
	size_t n = dir != NULL ? read_table(dir) : 0, n_tests = 0;

	if (n == 0) {
		printf("1..0 # SKIP no vectors: set STW_VECTORS to their directory\n");
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		const struct vector *v = &vectors[i];
		bool response = strncmp(v->kind, "resp", 4) == 0;

		snprintf(names[n_tests], sizeof(names[0]), "%s_s%s_%s", v->set, v->section,
			 v->name);
		tests[n_tests] = (struct CMUnitTest){.name = names[n_tests],
						     .test_func = vector_gets_its_verdict,
						     .initial_state = (void *)v};
		n_tests++;
		if (!response)
			continue;
		snprintf(names[n_tests], sizeof(names[0]), "%s_s%s_%s_with_our_via", v->set,
			 v->section, v->name);
		tests[n_tests] = (struct CMUnitTest){.name = names[n_tests],
						     .test_func = response_with_our_via,
						     .initial_state = (void *)v};
		n_tests++;
	}
	return _cmocka_run_group_tests("proxy-vectors", tests, n_tests, NULL, NULL);
}
