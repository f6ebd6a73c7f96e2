/* SPDX-License-Identifier: BSD-3-Clause */
/* A decision in JSON. */
#include "control/decide/explain.h"
#include "control/decide/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <strowger/errors.h>

#include "dataplane/route/words.h"
#include "dataplane/table/tables.h"

static json_t *address(const struct stw_endpoint *ep)
{
	char text[STW_ENDPOINT_TEXT];

	stw_endpoint_format(ep, text);
	return json_string(text);
}

/* Bytes of a message as text: what is not ASCII becomes '?'. */
static json_t *text_of(const char *bytes, struct stw_span s)
{
	char text[256];
	size_t n = s.len < sizeof(text) ? s.len : sizeof(text);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[s.off + i];

		text[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	return json_stringn(text, n);
}

static const char *listener_name(const struct stw_model *m, const struct stw_endpoint *ep)
{
	for (size_t i = 0; i < m->n_listeners; i++)
		if (stw_endpoint_equal(&m->listeners[i].address, ep))
			return m->listeners[i].name;
	return NULL;
}

static const char *member_name(const struct stw_model *m, const struct stw_endpoint *ep)
{
	for (size_t i = 0; i < m->n_members; i++)
		if (stw_endpoint_equal(&m->members[i].address, ep))
			return m->members[i].name;
	return NULL;
}

static const char *member_at(const struct stw_desk *d, const struct stw_model *m, uint16_t member)
{
	if (member == STW_NO_MEMBER)
		return NULL;
	return member_name(m, &stw_tables_member(d->tables, member)->address);
}

static json_t *message(const struct stw_case *c, const struct stw_sip_msg *m)
{
	json_t *o = json_object();

	if (m->kind == STW_SIP_RESPONSE) {
		json_object_set_new(o, "status", json_integer(m->status));
		json_object_set_new(o, "reason", text_of(c->bytes, m->reason));
		json_object_set_new(o, "method",
				    json_string(
					    stw_sip_method_text((enum stw_sip_method)m->method)));
	} else {
		json_object_set_new(o, "method", text_of(c->bytes, m->method_name));
		json_object_set_new(o, "uri", text_of(c->bytes, m->uri));
	}
	if (stw_sip_has(m, STW_HDR_CALL_ID))
		json_object_set_new(o, "call_id", text_of(c->bytes, m->value[STW_HDR_CALL_ID]));
	if (m->reject != STW_SIP_ACCEPTED) {
		const struct stw_sip_reject_row *row = &stw_sip_reject_rows[m->reject];

		json_object_set_new(o, "rejected",
				    json_pack("{s:s, s:s, s:s, s:i}", "name", row->name, "phrase",
					      row->phrase, "section", row->section, "offset",
					      (int)m->error_off));
	}
	return o;
}

/* What control makes of a message that the workers leave to it. */
static const char *kernel_for(uint8_t what)
{
	switch ((enum stw_kernel_for)what) {
	case STW_KERNEL_FOR_NAME: return "a name to resolve";
	case STW_KERNEL_FOR_REGISTRAR: return "the registrar";
	case STW_KERNEL_FOR_LOCATION: return "the location service";
	case STW_KERNEL_FOR_HEALTH: return "a health probe";
	case STW_KERNEL_FOR_RULE: return "a rule";
	}
	return "control";
}

/* The host it is handed to, on its way to @dst; null when no route leads there. */
static json_t *next_hop(const struct stw_desk *d, const struct stw_model *m,
			const struct stw_ip *dst)
{
	struct stw_hop hop;
	char ip[64];

	if (stw_fib_lookup(d->ways.fib, dst, &hop) != STW_OK || hop.iface == d->ways.nowhere)
		return json_null();
	const struct stw_iface *iface = stw_fib_iface(d->ways.fib, hop.iface);
	ip[stw_ip_format(&hop.next_hop, ip)] = '\0';
	return json_pack("{s:s, s:s?, s:o}", "address", ip, "port",
			 iface->port < m->n_ports ? m->ports[iface->port].name : NULL, "vlan",
			 iface->vlan ? json_integer(iface->vlan) : json_null());
}

static json_t *verdict(const struct stw_desk *d, const struct stw_model *m,
		       const struct stw_case *c, const struct stw_verdict *v)
{
	json_t *o =
		json_pack("{s:s, s:s?, s:s?}", "action",
			  stw_action_text((enum stw_action)v->action), "how",
			  stw_how_text((enum stw_how)v->how), "member", member_at(d, m, v->member));

	if (v->rule != STW_NO_RULE)
		json_object_set_new(o, "rule",
				    json_string(stw_tables_rule(d->tables, v->rule).name));
	if (v->odd)
		json_object_set_new(o, "remark", json_string(stw_counter_rows[v->odd].help));
	if (v->action == STW_ACTION_FORWARD) {
		const struct stw_endpoint *out =
			&stw_tables_listener(d->tables, v->listener_out)->address;

		json_object_set_new(o, "to", address(&v->dst));
		json_object_set_new(o, "by", address(out));
		json_object_set_new(o, "by_listener", json_pack("s?", listener_name(m, out)));
		json_object_set_new(o, "record_route", json_boolean(v->record_route));
		json_object_set_new(o, "next_hop", next_hop(d, m, &v->dst.ip));
	} else if (v->action == STW_ACTION_ANSWER) {
		json_object_set_new(o, "status", json_integer(v->status));
		json_object_set_new(o, "phrase", json_string(v->phrase));
		json_object_set_new(o, "to", address(&v->dst));
	} else if (v->action == STW_ACTION_KERNEL) {
		json_object_set_new(o, "for", json_string(kernel_for(v->kernel_for)));
		if (v->kernel_for == STW_KERNEL_FOR_NAME)
			json_object_set_new(o, "name",
					    text_of(v->name_in ? v->name_in : c->bytes, v->name));
	} else {
		json_object_set_new(o, "reason", json_string(stw_counter_rows[v->reason].name));
		json_object_set_new(o, "help", json_string(stw_counter_rows[v->reason].help));
	}
	return o;
}

/* The pool a request from outside would be spread over. */
static const struct stw_image_pool *pool_of(const struct stw_desk *d, const struct stw_outcome *o,
					    uint16_t *index)
{
	*index = o->v.pool;
	return stw_tables_pool(d->tables, *index);
}

static json_t *hash(const struct stw_desk *d, const struct stw_model *m, const struct stw_case *c,
		    const struct stw_outcome *o)
{
	uint16_t index;
	const struct stw_image_pool *pool = pool_of(d, o, &index);
	char hex[24];

	if (!pool || o->msg.kind != STW_SIP_REQUEST || !stw_sip_has(&o->msg, STW_HDR_CALL_ID))
		return json_null();
	snprintf(hex, sizeof(hex), "%016" PRIx64, o->v.call_hash);
	json_t *slot = json_null();
	if (pool->n_slots > 0)
		slot = json_integer(
			(json_int_t)(stw_pool_slot(pool, o->v.call_hash) - pool->first_slot));
	return json_pack("{s:s, s:o, s:s, s:o, s:I, s:s?}", "key", "Call-ID", "value",
			 text_of(c->bytes, o->msg.value[STW_HDR_CALL_ID]), "hash", hex, "slot",
			 slot, "slots", (json_int_t)pool->n_slots, "pool",
			 index < m->n_pools ? m->pools[index].name : NULL);
}

/* Why new calls do not go to a member that holds no slot. */
static const char *why_no_slot(const struct stw_model_pool_member *pm)
{
	if (pm->asked == STW_ASKED_DRAIN)
		return "drained: only its dialogs go there";
	if (pm->asked == STW_ASKED_DOWN)
		return "taken down";
	if (pm->weight == 0)
		return "weight 0";
	return "found failed";
}

static const char *why(const struct stw_verdict *v, bool taken, uint32_t n_slots,
		       const struct stw_model_pool_member *pm)
{
	switch (v->how) {
	case STW_HOW_COOKIE:
		return taken ? "our cookie in Route names it" : "the dialog has its member already";
	case STW_HOW_HASH:
		if (taken)
			return "the hash falls on a slot of it";
		return n_slots ? "the slot is another's" : why_no_slot(pm);
	case STW_HOW_URI: return taken ? "Route or Request-URI names it" : "not what the URI names";
	default: return "not asked: the message goes to no member of the pool";
	}
}

/* Slots of each member, by its row in the tables. */
static uint32_t *count_slots(const struct stw_tables *t, const struct stw_image_pool *pool)
{
	uint32_t *n = calloc(t->n_members + 1, sizeof(*n));

	for (uint32_t i = 0; n && i < pool->n_slots; i++)
		n[t->slots[pool->first_slot + i]]++;
	return n;
}

static json_t *candidates(const struct stw_desk *d, const struct stw_model *m,
			  const struct stw_outcome *o)
{
	uint16_t index;
	const struct stw_image_pool *pool = pool_of(d, o, &index);
	json_t *rows = json_array();
	uint32_t *n_slots = pool ? count_slots(d->tables, pool) : NULL;

	if (!n_slots || index >= m->n_pools || o->msg.kind != STW_SIP_REQUEST) {
		free(n_slots);
		return rows;
	}
	for (size_t k = 0; k < m->pools[index].n_members; k++) {
		const struct stw_model_pool_member *pm = &m->pools[index].members[k];
		const struct stw_model_member *member = &m->members[pm->member];
		int row = stw_tables_find_member(d->tables, &member->address);
		uint32_t slots = row < 0 ? 0 : n_slots[row];
		bool taken = row >= 0 && o->v.action == STW_ACTION_FORWARD && row == o->v.member;

		json_array_append_new(
			rows, json_pack("{s:s, s:o, s:I, s:I, s:f, s:b, s:s}", "name", member->name,
					"address", address(&member->address), "weight",
					(json_int_t)pm->weight, "slots", (json_int_t)slots, "share",
					pool->n_slots ? (double)slots / pool->n_slots : 0., "taken",
					(int)taken, "why", why(&o->v, taken, slots, pm)));
	}
	free(n_slots);
	return rows;
}

static json_t *rewritten(const struct stw_desk *d, struct stw_case *c, const struct stw_outcome *o)
{
	struct stw_rewritten r = {0, 0};
	int err = STW_EMALFORMED;

	if (o->v.action == STW_ACTION_FORWARD)
		err = stw_rewrite(&d->snap, &o->msg, &o->src, &o->v, c->bytes, &r);
	else if (o->v.action == STW_ACTION_ANSWER)
		err = stw_answer(&d->snap, &o->msg, &o->src, &o->v, c->bytes,
				 2 * c->len + STW_REWRITE_TAILROOM, &r);
	if (err)
		return json_null();
	unsigned char *text = malloc((size_t)r.len / 3 * 4 + 8);
	if (!text)
		return json_null();
	int n = EVP_EncodeBlock(text, (const unsigned char *)c->bytes + r.start, (int)r.len);
	json_t *out = json_stringn((const char *)text, (size_t)n);
	free(text);
	return out;
}

json_t *stw_outcome_json(const struct stw_desk *d, const struct stw_model *m, struct stw_case *c,
			 const struct stw_outcome *o, bool whole)
{
	if (!o->decided)
		return json_pack("{s:b, s:s}", "decided", 0, "why_not", o->why_not);
	json_t *out = json_pack("{s:b, s:o, s:o, s:s?, s:s?, s:o, s:o}", "decided", 1, "from",
				address(&o->peer), "sent_to", address(&o->local), "listener",
				listener_name(m, &o->local), "from_member",
				member_at(d, m, o->v.member_from), "message", message(c, &o->msg),
				"verdict", verdict(d, m, c, &o->v));
	if (!whole)
		return out;
	json_object_set_new(out, "rules", stw_outcome_rules(d, c, o));
	json_object_set_new(out, "key", hash(d, m, c, o));
	json_object_set_new(out, "candidates", candidates(d, m, o));
	json_object_set_new(out, "rewritten_base64", rewritten(d, c, o)); /* last: in place */
	return out;
}
