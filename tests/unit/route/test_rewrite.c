/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/support/proxy.h"
#include "tests/support/random_sip.h"
#include "tests/support/roundtrip.h"

#define ROUNDS 20000u

static struct stw_random_sip r;
static char in[STW_PROXY_ROOM], out[STW_PROXY_ROOM];

static struct stw_endpoint some_source(unsigned int i)
{
	return i % 3 == 0 ? stw_farm_v6(7, 5062)
			  : stw_farm_v4(203, 0, 113, 5, (uint16_t)(1024 + i));
}

/* Forwarded bytes are the input's but for the allowed edits. */
static void changes_what_it_may_and_nothing_else(void **state)
{
	struct stw_proxy *p = stw_proxy_new(4);
	size_t compared = 0;

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct stw_endpoint from = some_source(i);

		stw_random_sip(&r, i);
		stw_proxy_handle(p, r.text, r.len, from, i % 3 == 0);
		if (p->msg.reject != STW_SIP_ACCEPTED)
			fail_msg("seed %u: %s\n%.*s", i, stw_sip_reject_rows[p->msg.reject].name,
				 (int)r.len, r.text);
		assert_int_equal(p->v.action, STW_ACTION_FORWARD);
		assert_int_equal(p->err, STW_OK);
		assert_memory_equal(p->memory + STW_REWRITE_HEADROOM + r.len + 1, "ZZZZ", 4);
		if (p->v.replace_uri)
			continue; /* a strict Route */
		memcpy(in, r.text, p->msg.len);
		memcpy(out, p->out, p->out_len);
		if (!stw_roundtrip_ok(in, p->msg.len, out, p->out_len))
			fail_msg("seed %u\n%.*s\n----\n%.*s", i, (int)r.len, r.text,
				 (int)p->out_len, p->out);
		compared++;
	}
	assert_true(compared > ROUNDS / 2);
	stw_proxy_free(p);
}

/* Whatever went out is a request again, and its response finds the way back. */
static void responses_come_back(void **state)
{
	struct stw_proxy *p = stw_proxy_new(4);
	struct stw_sip_msg sent;

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct stw_endpoint from = some_source(i), member;

		stw_random_sip(&r, i);
		stw_proxy_handle(p, r.text, r.len, from, i % 3 == 0);
		bool rport = p->v.via.rport_param.len > 0;
		uint16_t port = rport ? from.port : p->v.via.port != 0 ? p->v.via.port : 5060;
		memcpy(out, p->out, p->out_len);
		stw_sip_parse(out, p->out_len, &sent);
		assert_int_equal(sent.reject, STW_SIP_ACCEPTED);
		int n = snprintf(in, sizeof(in), "SIP/2.0 200 OK\r\n%.*s",
				 (int)(p->out_len - sent.headers_off), out + sent.headers_off);
		member = p->v.dst;
		stw_proxy_handle(p, in, (size_t)n, member, 0);
		if (p->v.action != STW_ACTION_FORWARD)
			fail_msg("seed %u: %s\n%.*s", i, stw_proxy_drop(p), n, in);
		assert_memory_equal(&p->v.dst.ip, &from.ip, sizeof(from.ip));
		assert_int_equal(p->v.dst.port, port);
		/* the response less our Via is what came */
		const char *rest = strstr(strstr(in, "\r\n") + 2, "\r\n") + 2;
		size_t rest_len = (size_t)n - (size_t)(rest - in);
		assert_int_equal(p->out_len, 16 + rest_len);
		assert_memory_equal(p->out + 16, rest, rest_len);
	}
	stw_proxy_free(p);
}

/* Bytes from the wire may be anything: a verdict comes out, and the sanitizers stay silent. */
static void survives_damage(void **state)
{
	struct stw_proxy *p = stw_proxy_new(4);

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct stw_sip_msg m;

		stw_random_sip(&r, i);
		for (size_t n = 1 + stw_pick(&r, 6); n > 0; n--)
			r.text[stw_pick(&r, r.len)] =
				STW_ONE_OF(&r, "\r", "\n", " ", ",", ";", "<", ">", "\"", ":", "=",
					   "\x80", "@", "[", "]", "0", "z")[0];
		if (stw_pick(&r, 4) == 0)
			r.len = stw_pick(&r, r.len);
		stw_sip_parse(r.text, r.len, &m);
		if (m.kind != STW_SIP_REQUEST && m.kind != STW_SIP_RESPONSE)
			continue;
		stw_proxy_handle(p, r.text, r.len, some_source(i), i % 3 == 0);
		if (p->v.action == STW_ACTION_FORWARD)
			assert_int_equal(p->err, STW_OK);
		if (p->v.action == STW_ACTION_ANSWER && p->err == STW_OK)
			assert_true(p->out_len <= p->msg.len * 3 / 2);
	}
	stw_proxy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_what_it_may_and_nothing_else),
		cmocka_unit_test(responses_come_back),
		cmocka_unit_test(survives_damage),
	};
	return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
