/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/rule.h"

#include <strowger/errors.h>

#include "dataplane/route/pool.h"
#include "dataplane/sip/chars.h"

/* ---- what rules look at ---- */

static unsigned hex(char c)
{
	return (unsigned)(stw_is(c, STW_C_DIGIT) ? c - '0' : stw_lower(c) - 'a' + 10);
}

/* Escapes decoded (RFC 3261 s19.1.4); as much of it as a rule may name and one byte more. */
static uint8_t put_user(const char *buf, struct stw_span user, char *out)
{
	const char *p = buf + user.off, *end = buf + stw_span_end(user);
	uint8_t n = 0;

	for (; p < end && n <= STW_IMAGE_RULE_USER; p++) {
		if (*p == '%' && end - p > 2) {
			out[n++] = (char)(hex(p[1]) << 4 | hex(p[2]));
			p += 2;
		} else {
			out[n++] = *p;
		}
	}
	return n;
}

/* Lower case, without the dot that ends a full name; addresses in their one spelling. */
static uint8_t put_host(const char *buf, struct stw_span host, const struct stw_ip *ip, char *out)
{
	uint32_t n = host.len;

	if (ip != NULL && !stw_ip_is_v4(ip)) {
		out[0] = '[';
		n = (uint32_t)stw_ip_format(ip, out + 1) + 1;
		out[n] = ']';
		return (uint8_t)(n + 1);
	}
	if (n > 1 && buf[host.off + n - 1] == '.')
		n--;
	if (n > STW_IMAGE_NAME_MAX)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		out[i] = stw_lower(buf[host.off + i]);
	return (uint8_t)n;
}

/* Of a local number the domain it is valid in (RFC 3966 s5.1.5). */
static struct stw_span domain_of(const char *buf, const struct stw_sip_uri *uri)
{
	struct stw_span context, none = {0, 0};

	if (uri->scheme != STW_SCHEME_TEL)
		return uri->host;
	if (stw_sip_param_find(buf, uri->params, "phone-context", 13, &context) != STW_OK ||
	    context.len == 0 || buf[context.off] == '+')
		return none;
	return context;
}

static bool wants(unsigned fields, enum stw_image_rule_field field)
{
	return fields >> field & 1;
}

void stw_rule_request(const struct stw_decision *d, uint16_t listener, struct stw_span uri,
		      unsigned fields, struct stw_rule_request *out)
{
	const unsigned of_uri = 1u << STW_IMAGE_RULE_BY_USER | 1u << STW_IMAGE_RULE_BY_DOMAIN |
				1u << STW_IMAGE_RULE_BY_NUMBER;
	uint8_t method = d->m->method;
	const struct stw_sip_uri *parsed;
	struct stw_sip_uri room;

	if (method == STW_METHOD_ACK || method == STW_METHOD_CANCEL)
		method = STW_METHOD_INVITE;
	out->method = (uint16_t)(1u << method);
	out->listener = listener;
	out->source = d->src->peer.ip;
	out->number.len = out->user_len = out->host_len = 0;
	if (!(fields & of_uri) || (parsed = stw_decide_read(d, uri, &room)) == NULL)
		return;
	if (wants(fields, STW_IMAGE_RULE_BY_USER) && parsed->scheme != STW_SCHEME_TEL)
		out->user_len = put_user(d->buf, parsed->user, out->user);
	if (wants(fields, STW_IMAGE_RULE_BY_DOMAIN))
		out->host_len = put_host(d->buf, domain_of(d->buf, parsed),
					 parsed->host_is_ip ? &parsed->ip : NULL, out->host);
	if (wants(fields, STW_IMAGE_RULE_BY_NUMBER) &&
	    !stw_sip_uri_number(d->buf, parsed, &out->number))
		out->number.len = 0;
}

bool stw_decide_rule(struct stw_decision *d, uint16_t listener, struct stw_span uri,
		     struct stw_rule_hit *out)
{
	struct stw_rule_request request;

	bool in_dialog = d->m->to_tag.len > 0 && d->m->method != STW_METHOD_ACK;

	/* a contact that names us is no new request either */
	if (d->v->locating != STW_LOCATING_NONE || in_dialog)
		return false;
	stw_rule_request(d, listener, uri, d->t->rules.fields, &request);
	if (!stw_rules_find(&d->t->rules, &request, out))
		return false;
	d->v->rule = out->rule;
	return true;
}

/* ---- answers ---- */

static const char *redirect_phrase(uint16_t status)
{
	switch (status) {
	case 301: return "Moved Permanently";
	case 305: return "Use Proxy";
	default: return "Moved Temporarily";
	}
}

/* By the tables alone, so that a retransmission gets the same answer (s8.2.7). Weights are shares
 * of slots, and obeyed. */
static uint16_t choose(const struct stw_decision *d, const struct stw_image_pool *pool)
{
	struct stw_source src = *d->src;
	struct stw_decision alone = *d;

	src.memory = NULL;
	alone.src = &src;
	return stw_pool_pick(&alone, pool, stw_pool_key(d, pool));
}

/* Does the request ask for that very member already? */
static bool is_named(const struct stw_decision *d, uint16_t member, struct stw_span uri)
{
	struct stw_sip_uri room;
	const struct stw_sip_uri *parsed = stw_decide_read(d, uri, &room);
	struct stw_endpoint at;

	return parsed != NULL && stw_uri_address(d->buf, parsed, &at) == STW_OK &&
	       stw_endpoint_equal(&at, &d->t->members[member].address);
}

static void redirect_to_member(struct stw_decision *d, const struct stw_rule_hit *hit,
			       uint16_t status, struct stw_span uri)
{
	const struct stw_image_pool *pool = stw_pool_serving(d->t, &d->t->pools[hit->pool]);

	if (pool == NULL) {
		d->v->retry_after_s = STW_RETRY_AFTER_S;
		stw_decide_answer(d, 503, "Service Unavailable");
		return;
	}
	uint16_t member = choose(d, pool);
	if (is_named(d, member, uri)) {
		stw_decide_answer(d, 404, "Not Found"); /* s8.3: never to where it was going */
		return;
	}
	stw_decide_answer(d, status, redirect_phrase(status));
	d->v->contact_member = member;
}

void stw_decide_rule_answer(struct stw_decision *d, const struct stw_rule_hit *hit,
			    struct stw_span uri)
{
	const struct stw_image_rule *rule = &d->t->rules.rules[hit->rule];
	const char *said = d->t->rules.text + rule->said;

	/* The INVITE had its final answer. A redirect server answers its CANCEL (s8.3), a stateless
	 * UAS ignores it (s8.2.7). */
	if (d->m->method == STW_METHOD_CANCEL && rule->action == STW_IMAGE_RULE_REJECT)
		stw_decide_drop(d, STW_C_DROP_CANCEL_ABSORBED);
	else if (d->m->method == STW_METHOD_CANCEL)
		stw_decide_answer(d, 200, "OK");
	else if (rule->action == STW_IMAGE_RULE_REJECT)
		stw_decide_answer(d, rule->status, said);
	else if (rule->action == STW_IMAGE_RULE_REDIRECT_MEMBER)
		redirect_to_member(d, hit, rule->status, uri);
	else
		stw_decide_answer(d, rule->status, redirect_phrase(rule->status));
}

/* ---- Contact ---- */

struct line {
	char *p, *end;
};

static void put(struct line *l, const char *bytes, size_t len)
{
	if (l->p != NULL && len <= (size_t)(l->end - l->p)) {
		memcpy(l->p, bytes, len);
		l->p += len;
	} else {
		l->p = NULL;
	}
}

static void put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* The whole telephone-subscriber becomes the user (s19.1.6); what a user may not hold is escaped.
 */
static void put_subscriber(struct line *l, const char *buf, struct stw_span all)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint32_t skip = sizeof("tel:") - 1;

	for (uint32_t i = all.off + skip; i < stw_span_end(all); i++) {
		char escaped[] = {'%', digits[(uint8_t)buf[i] >> 4], digits[buf[i] & 15]};

		if (buf[i] == '%' || stw_is(buf[i], STW_C_USER))
			put(l, buf + i, 1);
		else
			put(l, escaped, sizeof(escaped));
	}
}

/* The request's user at the member. */
static void put_member(struct line *l, const struct stw_tables *t, const char *buf,
		       struct stw_span uri_at, uint16_t member)
{
	char at[STW_ENDPOINT_TEXT];
	struct stw_sip_uri uri;
	struct stw_span value;

	if (stw_sip_uri_parse(buf, uri_at, &uri) != STW_OK) {
		l->p = NULL;
		return;
	}
	put_text(l, uri.scheme == STW_SCHEME_SIPS ? "sips:" : "sip:");
	if (uri.scheme == STW_SCHEME_TEL)
		put_subscriber(l, buf, uri.all);
	else
		put(l, buf + uri.user.off, uri.user.len);
	put_text(l, uri.user.len > 0 ? "@" : "");
	stw_endpoint_format(&t->members[member].address, at);
	put_text(l, at);
	if (uri.scheme == STW_SCHEME_TEL)
		put_text(l, ";user=phone");
	else if (stw_sip_param_find(buf, uri.params, "user", 4, &value) == STW_OK) {
		put_text(l, ";user=");
		put(l, buf + value.off, value.len);
	}
}

size_t stw_redirect_contact(const struct stw_tables *t, const char *buf,
			    const struct stw_sip_msg *m, const struct stw_verdict *v, char *out)
{
	struct line l = {out, out + STW_CONTACT_TEXT};

	/* contacts of the location service are told by whoever located */
	if (v->rule == STW_NO_RULE || v->status < 300 || v->status > 399 ||
	    v->locating != STW_LOCATING_NONE)
		return 0;
	put_text(&l, "Contact: <");
	if (v->contact_member != STW_NO_MEMBER)
		put_member(&l, t, buf, v->replace_uri ? v->new_uri : m->uri, v->contact_member);
	else
		put_text(&l, t->rules.text + t->rules.rules[v->rule].said);
	put_text(&l, ">\r\n");
	return l.p != NULL ? (size_t)(l.p - out) : 0;
}
