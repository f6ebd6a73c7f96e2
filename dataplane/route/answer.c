/* SPDX-License-Identifier: BSD-3-Clause */

/* Answers of our own, without state (RFC 3261 s8.2.6, s8.2.7, s16.11). */

#include <strowger/errors.h>

#include "dataplane/location/whereabouts.h"
#include "dataplane/route/edit.h"
#include "dataplane/route/locate.h"
#include "dataplane/route/mac.h"
#include "dataplane/route/rule.h"
#include "dataplane/route/stun.h"
#include "dataplane/route/token_list.h"

/* What a datagram can carry; on the stack, and touched only as far as it is filled. */
#define ANSWER_MAX 65000u

#define LAST_LINES "Content-Length: 0\r\n\r\n"

/* What can be said of what is behind us (s11.2), the weightiest first. */
static const char *const abilities[] = {
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE\r\n",
	"Accept: application/sdp\r\n",
	"Supported: \r\n",
};

/* The answer as it grows; once @full it stays so. */
struct text {
	size_t n, max;
	bool full;
	char bytes[ANSWER_MAX];
};

static void put(struct text *t, const char *bytes, size_t len)
{
	if (len > t->max - t->n) {
		t->full = true;
		return;
	}
	memcpy(t->bytes + t->n, bytes, len);
	t->n += len;
}

static void put_text(struct text *t, const char *text)
{
	put(t, text, strlen(text));
}

static void put_number(struct text *t, uint32_t n)
{
	char digits[10];

	put(t, digits, stw_put_number(digits, n));
}

static void put_span(struct text *t, const char *buf, struct stw_span s)
{
	put(t, buf + s.off, s.len);
}

static void put_header(struct text *t, const char *buf, const struct stw_sip_msg *m,
		       enum stw_sip_header h, const char *name)
{
	put_text(t, name);
	put_span(t, buf, m->value[h]);
}

/* The first Via, with received and rport as for a forwarded request (s18.2.1). */
static void put_top_via(struct text *t, const char *buf, const struct stw_sip_msg *m,
			const struct stw_source *src, const struct stw_verdict *v)
{
	uint32_t at = m->value[STW_HDR_VIA].off, end = stw_span_end(m->value[STW_HDR_VIA]);
	char text[STW_VIA_EDIT_TEXT];
	struct stw_edits edits = {.n = 0};

	if (v->add_received)
		stw_edits_via(&edits, &v->via, &src->peer, text);
	put_text(t, "Via: ");
	for (size_t i = 0; i < edits.n; i++) {
		const struct stw_edit *e = &edits.e[i];

		put(t, buf + at, e->off - at);
		put(t, e->text, e->len);
		at = (uint32_t)e->off + e->cut;
	}
	put(t, buf + at, end - at);
	put_text(t, "\r\n");
}

static void put_other_vias(struct text *t, const char *buf, const struct stw_sip_msg *m)
{
	struct stw_sip_line line = {.end = m->line_end[STW_HDR_VIA]};

	if (!(m->repeated >> STW_HDR_VIA & 1))
		return;
	while (stw_sip_line_next(buf, m, &line)) {
		if (line.header != STW_HDR_VIA)
			continue;
		put_text(t, "Via: ");
		put_span(t, buf, line.value);
		put_text(t, "\r\n");
	}
}

/* s8.2.6.2: a To without a tag gets ours. What has none by our reading may be malformed: then the
 * answer says so, and the tag does no harm. */
static void put_to(struct text *t, const struct stw_secret *secret, const char *buf,
		   const struct stw_sip_msg *m, const struct stw_verdict *v)
{
	char digits[STW_TAG_DIGITS];
	struct stw_span tag;

	put_header(t, buf, m, STW_HDR_TO, "To: ");
	if (stw_sip_tag_find(buf, m->value[STW_HDR_TO], &tag) != STW_OK) {
		stw_nh_sum call = stw_call_sum(secret, buf, m);

		stw_hex_put64(digits, stw_tag_make(secret, buf, m, &v->via, call));
		put_text(t, ";tag=");
		put(t, digits, sizeof(digits));
	}
	put_text(t, "\r\n");
}

/* s8.2.2.3: the option tags we do not know. */
static void put_unsupported(struct text *t, const struct stw_tables *tables, const char *buf,
			    const struct stw_sip_msg *m)
{
	struct stw_token_walk w = stw_token_walk_start(buf, m, STW_HDR_PROXY_REQUIRE);
	const char *before = "Unsupported: ";
	struct stw_span tag;

	while (stw_token_walk_next(&w, &tag)) {
		if (stw_proxy_supports(tables, buf, tag))
			continue;
		put_text(t, before);
		put_span(t, buf, tag);
		before = ", ";
	}
	put_text(t, "\r\n");
}

/* As many as fit: a small request gets a small answer, so that a flood gains nothing by us. */
static void put_abilities(struct text *t)
{
	for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++)
		if (t->max - t->n >= strlen(abilities[i]) + sizeof(LAST_LINES) - 1)
			put_text(t, abilities[i]);
}

/*
 * Where a user is, the best first: as many as fit. Without a time for which they hold, for then
 * nobody keeps them beyond this call (s21.3.3), whatever the phone does meanwhile.
 */
static void put_contacts(struct text *t, const struct stw_tables *tables,
			 struct stw_whereabouts *where)
{
	struct stw_contact c;
	bool first = true;

	for (size_t at = 0; stw_locate_told(tables, where, &at, &c); first = false) {
		const char tail[] = {'>',
				     ';',
				     'q',
				     '=',
				     (char)('0' + c.q / 1000u % 10),
				     '.',
				     (char)('0' + c.q / 100u % 10),
				     (char)('0' + c.q / 10u % 10),
				     (char)('0' + c.q % 10u),
				     '\r',
				     '\n'};
		const size_t len = sizeof("Contact: <") - 1 + c.same + c.rest.len + sizeof(tail);

		if (!first && len + sizeof(LAST_LINES) - 1 > t->max - t->n)
			return;
		put_text(t, "Contact: <");
		put(t, where->aor, c.same);
		put(t, c.rest.p, c.rest.len);
		put(t, tail, sizeof(tail));
	}
}

/* s8.3, s21.3: where to go instead. */
static void put_contact(struct text *t, const struct stw_tables *tables, const char *buf,
			const struct stw_sip_msg *m, const struct stw_verdict *v)
{
	char line[STW_CONTACT_TEXT];

	put(t, line, stw_redirect_contact(tables, buf, m, v, line));
}

static void put_extras(struct text *t, const struct stw_tables *tables, const char *buf,
		       const struct stw_sip_msg *m, const struct stw_source *src,
		       const struct stw_verdict *v, const struct stw_answer_more *more)
{
	if (more->len > 0)
		put(t, more->lines, more->len);
	else if (v->locating == STW_LOCATING_TOLD)
		put_contacts(t, tables, src->where);
	else if (v->status == 420)
		put_unsupported(t, tables, buf, m);
	else if (v->status == 200)
		put_abilities(t);
	if (v->retry_after_s > 0) {
		put_text(t, "Retry-After: ");
		put_number(t, v->retry_after_s);
		put_text(t, "\r\n");
	}
	put_text(t, LAST_LINES);
}

int stw_answer(const struct stw_snapshot *snap, const struct stw_sip_msg *m,
	       const struct stw_source *src, const struct stw_verdict *v, char *buf, size_t room,
	       struct stw_rewritten *out)
{
	static const struct stw_answer_more nothing = {0};

	if (m->kind == STW_SIP_STUN)
		return stw_stun_answer(m, src, v, buf, room, out);
	return stw_answer_with(snap, m, src, v, &nothing, buf, room, out);
}

int stw_answer_with(const struct stw_snapshot *snap, const struct stw_sip_msg *m,
		    const struct stw_source *src, const struct stw_verdict *v,
		    const struct stw_answer_more *more, char *buf, size_t room,
		    struct stw_rewritten *out)
{
	const uint32_t needed = 1u << STW_HDR_VIA | 1u << STW_HDR_FROM | 1u << STW_HDR_TO |
				1u << STW_HDR_CALL_ID | 1u << STW_HDR_CSEQ;
	struct text t;

	if ((m->present & needed) != needed || v->via.all.len == 0)
		return STW_EMALFORMED;
	t.n = 0;
	t.full = false;
	t.max = (size_t)m->len + m->len / 2;
	if (more->sender_known || t.max > sizeof(t.bytes))
		t.max = sizeof(t.bytes);
	if (t.max > room)
		t.max = room;
	put_text(&t, "SIP/2.0 ");
	put_number(&t, v->status);
	put_text(&t, " ");
	put_text(&t, v->phrase);
	put_text(&t, "\r\n");
	put_top_via(&t, buf, m, src, v);
	put_other_vias(&t, buf, m);
	put_header(&t, buf, m, STW_HDR_FROM, "From: ");
	put_text(&t, "\r\n");
	put_to(&t, &snap->tables->secrets[0], buf, m, v);
	put_header(&t, buf, m, STW_HDR_CALL_ID, "Call-ID: ");
	put_text(&t, "\r\n");
	put_header(&t, buf, m, STW_HDR_CSEQ, "CSeq: ");
	put_text(&t, "\r\n");
	if (v->status / 100 == 3 && more->len == 0)
		put_contact(&t, snap->tables, buf, m, v);
	put_extras(&t, snap->tables, buf, m, src, v, more);
	if (t.full)
		return STW_ENOSPACE;
	memcpy(buf, t.bytes, t.n);
	*out = (struct stw_rewritten){0, (uint32_t)t.n};
	return STW_OK;
}
