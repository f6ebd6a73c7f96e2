/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parse, route, rewrite, parse again: what goes out is accepted again and says what came in, but
 * for what a proxy may change; an answer is a response to its request. Peers send from one place.
 */
#include "tests/support/proxy.h"
#include "tests/support/roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fuzz_rewrite: %s\n", what);
		abort();
	}
}

static bool same(const char *a, struct stw_span x, const char *b, struct stw_span y)
{
	return x.len == y.len && memcmp(a + x.off, b + y.off, x.len) == 0;
}

static void check_forwarded(const struct stw_proxy *p, char *in)
{
	static char out[STW_PROXY_ROOM];
	const struct stw_sip_msg *m = &p->msg;
	struct stw_sip_msg again;
	enum stw_sip_reject reject = stw_sip_parse(p->out, p->out_len, &again);

	check(reject == STW_SIP_ACCEPTED || reject == STW_REJECT_TOO_MANY_HEADERS ||
		      reject == STW_REJECT_TOO_MANY_VIAS || reject == STW_REJECT_TOO_LARGE,
	      "forwarded message is refused");
	check(again.kind == m->kind && again.method == m->method, "kind or method");
	check(same(in, m->value[STW_HDR_CALL_ID], p->out, again.value[STW_HDR_CALL_ID]), "Call-ID");
	check(same(in, m->value[STW_HDR_TO], p->out, again.value[STW_HDR_TO]), "To");
	check(again.cseq == m->cseq || reject != STW_SIP_ACCEPTED, "CSeq");
	check(again.len - again.body_off == m->len - m->body_off || reject != STW_SIP_ACCEPTED,
	      "body");
	if (m->kind == STW_SIP_RESPONSE || p->v.replace_uri || p->v.n_cuts > 0)
		return;
	memcpy(out, p->out, p->out_len);
	check(stw_roundtrip_ok(in, m->len, out, p->out_len), "round trip");
}

static void check_answer(const struct stw_proxy *p)
{
	struct stw_sip_msg answer;

	stw_sip_parse(p->out, p->out_len, &answer);
	check(answer.kind == STW_SIP_RESPONSE && answer.status == p->v.status, "status");
	check(answer.body_off == p->out_len, "answer ends with its header block");
	/* Of a sound request the answer is sound, too. */
	check(p->msg.reject != STW_SIP_ACCEPTED || answer.reject == STW_SIP_ACCEPTED, "answer");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char in[STW_PROXY_ROOM];
	static struct stw_proxy *p;
	struct stw_sip_msg m;

	if (size == 0 || size > 65000)
		return 0;
	memcpy(in, data, size);
	stw_sip_parse(in, size, &m);
	if (m.kind != STW_SIP_REQUEST && m.kind != STW_SIP_RESPONSE)
		return 0;
	if (!p)
		p = stw_proxy_new(4);
	stw_proxy_handle(p, in, size, stw_farm_v4(203, 0, 113, 5, 5062), 0);
	if (p->v.action == STW_ACTION_FORWARD && p->err == STW_OK)
		check_forwarded(p, in);
	if (p->v.action == STW_ACTION_ANSWER && p->err == STW_OK)
		check_answer(p);
	return 0;
}
