/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers are made of the forwarded request, so that their top Via carries a branch that verifies:
 * what comes back to the balancer must be what it would have got from a real next hop.
 */
#include "bench/messages/shapes.h"

#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

static bool makes_dialog(const struct stw_sip_msg *m)
{
	return m->method == STW_METHOD_INVITE || m->method == STW_METHOD_SUBSCRIBE;
}

/*
 * Lines of one kind, in order, as one block: their order means something (RFC 3261 s7.3.1). @first
 * is a line to stand above them, or "".
 */
static void copy_lines(struct stw_bench_draft *d, const char *buf, const struct stw_sip_msg *m,
		       enum stw_sip_header header, const char *first)
{
	char block[2048];
	size_t len = (size_t)snprintf(block, sizeof(block), "%s", first);
	struct stw_sip_line line;

	for (bool more = stw_sip_line_first(buf, m, &line); more;
	     more = stw_sip_line_next(buf, m, &line)) {
		size_t n = (size_t)(line.end - line.off);
		if (line.header != header)
			continue;
		if (n > sizeof(block) - len) {
			d->overflow = true;
			return;
		}
		memcpy(block + len, buf + line.off, n);
		len += n;
	}
	if (len > 0)
		stw_bench_draft_block(d, block, len);
}

static void copy_value(struct stw_bench_draft *d, const char *buf, const struct stw_sip_msg *m,
		       enum stw_sip_header header, const char *name, const char *tag)
{
	struct stw_span value = m->value[header], found;
	bool add = tag && stw_sip_tag_find(buf, value, &found) == STW_ENOENT;

	stw_bench_draft_add(d, name, "%.*s%s%s", value.len, buf + value.off, add ? ";tag=" : "",
			    add ? tag : "");
}

static void add_answer_body(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	const char *address = c->party[STW_BENCH_MEMBER].address;

	stw_bench_draft_add(d, "Content-Type", "application/sdp");
	stw_bench_draft_body(
		d,
		"v=0\r\no=- %u 1 IN IP4 %s\r\ns=call\r\nc=IN IP4 %s\r\nt=0 0\r\n"
		"m=audio %u RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n",
		stw_bench_random_below(d->random, 1u << 31), address, address,
		10000 + 2 * stw_bench_random_below(d->random, 20000));
}

/* Record-Route as a dialog's answer carries it: the member's own over ours (s12.1.1). */
static void add_dialog(struct stw_bench_draft *d, const struct stw_bench_call *c, const char *buf,
		       const struct stw_sip_msg *m)
{
	const struct stw_bench_party *called = &c->party[STW_BENCH_MEMBER];
	char own[128];

	snprintf(own, sizeof(own), "Record-Route: <sip:%s;lr>\r\n", c->member);
	copy_lines(d, buf, m, STW_HDR_RECORD_ROUTE, own);
	stw_bench_draft_add(d, "Contact", "<sip:%s@%s>", called->user, called->contact);
	stw_bench_draft_add(d, "Allow", "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY");
	stw_bench_draft_add(d, "Supported", "replaces, timer");
	if (stw_bench_random_one_in(d->random, 2))
		stw_bench_draft_add(d, "P-Asserted-Identity", "\"%s\" <sip:%s@%s;user=phone>",
				    called->user, called->user, called->host);
}

int stw_bench_write_answer(struct stw_bench_draft *d, const struct stw_bench_call *c,
			   const struct stw_bench_shape *shape, const char *request, size_t len)
{
	struct stw_sip_msg m;
	const char *tag = shape->status > 100 ? c->party[!shape->sender].tag : NULL;

	if (stw_sip_parse(request, len, &m) != STW_SIP_ACCEPTED || m.kind != STW_SIP_REQUEST)
		return STW_EMALFORMED;
	stw_bench_draft_start(d, "SIP/2.0 %u %s", shape->status, shape->phrase);
	copy_lines(d, request, &m, STW_HDR_VIA, "");
	copy_value(d, request, &m, STW_HDR_FROM, "From", NULL);
	copy_value(d, request, &m, STW_HDR_TO, "To", tag);
	copy_value(d, request, &m, STW_HDR_CALL_ID, "Call-ID", NULL);
	copy_value(d, request, &m, STW_HDR_CSEQ, "CSeq", NULL);
	if (stw_bench_random_one_in(d->random, 2))
		stw_bench_draft_add(d, "Server", "kamailio (5.6.3 (x86_64/linux))");
	if (stw_bench_random_one_in(d->random, 4))
		stw_bench_draft_add(d, "Date", "Sun, 22 Nov 2026 13:29:%02u GMT",
				    stw_bench_random_below(d->random, 60));
	if (makes_dialog(&m) && shape->status > 100 && shape->status < 300)
		add_dialog(d, c, request, &m);
	if (m.method == STW_METHOD_INVITE && shape->status == 200)
		add_answer_body(d, c);
	return STW_OK;
}
