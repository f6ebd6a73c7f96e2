/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/decide/rules.h"

#include <string.h>

#include "dataplane/route/rule.h"
#include "dataplane/table/tables.h"

#define TOLD_MAX 100u /* of those before it, the last ones */

static bool begins(const char *text, size_t len, const char *with, size_t n)
{
	return n <= len && memcmp(text, with, n) == 0;
}

static bool user_is(const struct stw_image_rule_key *k, const char *text,
		    const struct stw_rule_request *q)
{
	return begins(q->user, q->user_len, text, k->len) &&
	       (k->kind == STW_IMAGE_RULE_PART || k->len == q->user_len);
}

static bool domain_is(const struct stw_image_rule_key *k, const char *text,
		      const struct stw_rule_request *q)
{
	if (k->len > q->host_len || memcmp(q->host + q->host_len - k->len, text, k->len) != 0)
		return false;
	return k->kind == STW_IMAGE_RULE_PART ? k->len < q->host_len : k->len == q->host_len;
}

static bool source_is(const struct stw_image_rule_key *k, const char *text,
		      const struct stw_rule_request *q)
{
	for (unsigned i = 0; i < k->kind; i++)
		if ((q->source.b[i / 8] ^ (uint8_t)text[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool value_is(const struct stw_rules *r, int field, const struct stw_image_rule_key *k,
		     const struct stw_rule_request *q)
{
	const char *text = r->text + k->first_byte;

	switch (field) {
	case STW_IMAGE_RULE_BY_USER: return user_is(k, text, q);
	case STW_IMAGE_RULE_BY_DOMAIN: return domain_is(k, text, q);
	case STW_IMAGE_RULE_BY_NUMBER: return begins(q->number.text, q->number.len, text, k->len);
	case STW_IMAGE_RULE_BY_SOURCE: return source_is(k, text, q);
	default: return k->first_byte == q->listener;
	}
}

static bool field_fits(const struct stw_rules *r, const struct stw_image_rule *rule, int field,
		       const struct stw_rule_request *q)
{
	for (uint32_t i = 0; i < rule->keys[field].n; i++)
		if (value_is(r, field, &r->keys[rule->keys[field].first + i], q))
			return true;
	return rule->keys[field].n == 0;
}

/* What of @rule does not fit, NULL: all does. */
static const char *why_not(const struct stw_rules *r, const struct stw_image_rule *rule,
			   const struct stw_rule_request *q)
{
	static const char *const words[STW_IMAGE_RULE_FIELDS] = {
		[STW_IMAGE_RULE_BY_USER] = "the user is none of its users",
		[STW_IMAGE_RULE_BY_DOMAIN] = "the host is none of its domains",
		[STW_IMAGE_RULE_BY_NUMBER] = "there is no number that begins as its numbers",
		[STW_IMAGE_RULE_BY_SOURCE] = "the sender is in none of its sources",
		[STW_IMAGE_RULE_BY_LISTENER] = "the listener is none of its listeners",
	};

	if (rule->methods != 0 && !(rule->methods & q->method))
		return "the method is none of its methods";
	for (int f = 0; f < STW_IMAGE_RULE_FIELDS; f++)
		if (!field_fits(r, rule, f, q))
			return words[f];
	return NULL;
}

static json_t *before(const struct stw_rules *r, uint32_t end, const struct stw_rule_request *q)
{
	json_t *rows = json_array();

	for (uint32_t i = end > TOLD_MAX ? end - TOLD_MAX : 0; i < end; i++)
		json_array_append_new(rows,
				      json_pack("{s:s, s:s?}", "name", r->text + r->rules[i].name,
						"why_not", why_not(r, &r->rules[i], q)));
	return rows;
}

/* Why none was asked; NULL: they were, or nothing is known of it. */
static const char *not_asked(const struct stw_outcome *o)
{
	if (o->msg.to_tag.len > 0 && o->msg.method != STW_METHOD_ACK)
		return "it is in a dialog: rules are for new requests";
	if (o->v.how == STW_HOW_COOKIE)
		return "its Route names its member: rules are for new requests";
	if (o->v.how == STW_HOW_URI || o->v.how == STW_HOW_FLOW)
		return "its sender is a member or trusted: its own Route or Request-URI decides";
	return NULL;
}

json_t *stw_outcome_rules(const struct stw_desk *d, const struct stw_case *c,
			  const struct stw_outcome *o)
{
	const struct stw_rules *r = &d->tables->rules;
	struct stw_verdict v = o->v;
	const struct stw_decision decision = {.snap = &d->snap,
					      .t = d->tables,
					      .buf = c->bytes,
					      .m = &o->msg,
					      .src = &o->src,
					      .v = &v};
	struct stw_rule_request q;
	const char *matched = NULL;
	uint32_t end = r->n;

	if (r->n == 0 || o->msg.kind != STW_SIP_REQUEST || o->msg.reject != STW_SIP_ACCEPTED)
		return json_null();
	stw_rule_request(&decision, o->src.listener, o->msg.uri, r->fields, &q);
	if (o->v.rule != STW_NO_RULE) {
		matched = r->text + r->rules[o->v.rule].name;
		end = o->v.rule;
	}
	const char *why = matched ? NULL : not_asked(o);
	return json_pack("{s:s?, s:s?, s:I, s:o}", "matched", matched, "not_asked", why, "before",
			 (json_int_t)(why ? 0 : end), "tried",
			 why ? json_array() : before(r, end, &q));
}
