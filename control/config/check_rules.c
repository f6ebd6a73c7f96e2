/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/rules.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>
#include <strowger/sip_number.h>
#include <strowger/table_image.h>

struct checking {
	const struct stw_conf *c;
	struct stw_report *report;
	struct stw_ref *refs; /* room for the values of any one list */
};

/* ---- references ---- */

static const char *pool_name(const void *ctx, size_t i)
{
	const struct stw_conf *c = ctx;

	return i < c->n_pools ? c->pools[i].v.name : NULL;
}

static const char *listener_name(const void *ctx, size_t i)
{
	const struct stw_conf *c = ctx;

	return i < c->n_listeners ? c->listeners[i].v.name : NULL;
}

/* @return false: reported */
static bool is_named(const struct checking *k, const struct stw_node *at, const char *what,
		     const char *name, const char *(*word)(const void *ctx, size_t i))
{
	const char *near;

	for (size_t i = 0; word(k->c, i); i++)
		if (strcmp(word(k->c, i), name) == 0)
			return true;
	near = stw_nearest(name, word, k->c);
	stw_report(k->report, at, "there is no %s \"%s\"%s%s%s", what, name,
		   near ? ": did you mean \"" : ": add it", near ? near : "", near ? "\"?" : "");
	return false;
}

/* ---- conditions ---- */

static bool is_number(const char *prefix, struct stw_number *out)
{
	if (strcmp(prefix, "+") == 0) {
		*out = (struct stw_number){.len = 1, .text = "+"};
		return true;
	}
	return !strchr(prefix, ';') && stw_number_read(prefix, strlen(prefix), out) &&
	       out->len <= STW_IMAGE_RULE_NUMBER;
}

static void check_number(const struct checking *k, const struct stw_conf_rule_number *n)
{
	struct stw_number number;

	if (*n->prefix && !is_number(n->prefix, &number))
		stw_report(
			k->report, n->node,
			"\"%s\" is not how a number begins: write up to %u digits, with + before "
			"them for global ones",
			n->prefix, STW_IMAGE_RULE_NUMBER - 1);
	if (*n->pool)
		is_named(k, stw_node_at(n->node, "pool"), "pool", n->pool, pool_name);
}

static void check_user(const struct checking *k, const struct stw_conf_rule_user *u)
{
	const char *star = strchr(u->v.text, '*');

	if (star && (star == u->v.text || star[1] != '\0'))
		stw_report(k->report, u->node,
			   "\"%s\": a * may stand at the end only, behind how the user begins",
			   u->v.text);
}

static void check_domain(const struct checking *k, const struct stw_conf_rule_domain *d)
{
	const char *text = d->v.text;
	bool below = strncmp(text, "*.", 2) == 0;

	if (*text && !stw_is_domain(below ? text + 2 : text))
		stw_report(
			k->report, d->node,
			"domain \"%.80s\" is no host name or shortest address in lower case, nor "
			"*. and a host name",
			text);
}

static void check_values(const struct checking *k, const struct stw_conf_rule *r)
{
	for (size_t i = 0; i < r->n_users; i++)
		check_user(k, &r->users[i]);
	for (size_t i = 0; i < r->n_domains; i++)
		check_domain(k, &r->domains[i]);
	for (size_t i = 0; i < r->n_numbers; i++)
		check_number(k, &r->numbers[i]);
	for (size_t i = 0; i < r->n_listeners; i++)
		is_named(k, r->listeners[i].node, "listener", r->listeners[i].name, listener_name);
}

/* ---- what stands twice ---- */

static int by_number(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	struct stw_number n = {0}, m = {0};
	uint8_t len;

	is_number(a->key, &n);
	is_number(b->key, &m);
	len = n.len < m.len ? n.len : m.len;
	int d = memcmp(n.text, m.text, len);
	if (d == 0)
		d = n.len - m.len;
	return d ? d : stw_ref_order(a, b);
}

static int by_network(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	const struct stw_model_prefix *p = a->key, *q = b->key;
	int d = memcmp(&p->ip, &q->ip, sizeof(p->ip));

	if (d == 0)
		d = p->bits - q->bits;
	return d ? d : stw_ref_order(a, b);
}

#define CHECK_UNIQUE(k, list, key_of, cmp, what)                                                \
	do {                                                                                    \
		for (size_t i_ = 0; i_ < r->n_##list; i_++)                                     \
			(k)->refs[i_] =                                                         \
				(struct stw_ref){&r->list[i_].key_of, r->list[i_].node, i_, 0}; \
		stw_check_unique((k)->refs, r->n_##list, cmp, what, (k)->report);               \
	} while (0)

static void check_twice(const struct checking *k, const struct stw_conf_rule *r)
{
	CHECK_UNIQUE(k, users, v.text, stw_ref_by_name, "user");
	CHECK_UNIQUE(k, domains, v.text, stw_ref_by_name, "domain");
	CHECK_UNIQUE(k, numbers, prefix, by_number, "number");
	CHECK_UNIQUE(k, sources, v, by_network, "source");
	CHECK_UNIQUE(k, listeners, name, stw_ref_by_name, "listener");
}

/* ---- actions ---- */

/* Every number names a pool: then the rule need not. */
static bool numbers_say(const struct stw_conf_rule *r)
{
	for (size_t i = 0; i < r->n_numbers; i++)
		if (!*r->numbers[i].pool)
			return false;
	return r->n_numbers > 0;
}

static bool numbers_have_pools(const struct stw_conf_rule *r)
{
	for (size_t i = 0; i < r->n_numbers; i++)
		if (*r->numbers[i].pool)
			return true;
	return false;
}

static void check_uri(const struct checking *k, const struct stw_conf_rule *r,
		      const struct stw_node *at)
{
	struct stw_span all = {0, (uint16_t)strlen(r->redirect_to)};
	struct stw_sip_uri uri;

	if (strpbrk(r->redirect_to, "<>\" ") ||
	    stw_sip_uri_parse(r->redirect_to, all, &uri) == STW_EMALFORMED)
		stw_report(k->report, at,
			   "to is none of member, contacts and a URI such as sip:desk@example.net, "
			   "got "
			   "\"%.80s\"",
			   r->redirect_to);
}

static void check_redirect(const struct checking *k, const struct stw_conf_rule *r)
{
	const struct stw_node *node = stw_node_at(r->node, "redirect");
	const struct stw_node *at = stw_node_at(node, "to");
	bool member = strcmp(r->redirect_to, "member") == 0;
	bool contacts = strcmp(r->redirect_to, "contacts") == 0;

	if (*r->redirect_pool)
		is_named(k, stw_node_at(node, "pool"), "pool", r->redirect_pool, pool_name);
	if (!*r->redirect_to) {
		if (*r->redirect_pool)
			stw_report(k->report, node,
				   "redirect has a pool but no to: add to: member");
		return;
	}
	if (member && !*r->redirect_pool)
		stw_report(k->report, at, "to is member, but no pool says whose: add it");
	if (!member && *r->redirect_pool)
		stw_report(k->report, at, "pool says nothing without to: member");
	if (contacts && r->redirect_status != 302)
		stw_report(k->report, stw_node_at(node, "status"),
			   "contacts are for now: status must be 302");
	if (!member && !contacts)
		check_uri(k, r, at);
}

static void check_registrar(const struct checking *k, const struct stw_conf_rule *r)
{
	bool needs = r->to == STW_RULE_LOCATION || r->to == STW_RULE_REGISTRAR ||
		     strcmp(r->redirect_to, "contacts") == 0;

	if (needs && k->c->n_domains == 0)
		stw_report(k->report, stw_node_at(r->node, "to"),
			   "there is no registrar: name its domains in registrar.domains");
}

static void check_action(const struct checking *k, const struct stw_conf_rule *r)
{
	int n = (*r->pool != '\0') + (r->to != STW_RULE_TO_NOTHING) + (*r->redirect_to != '\0') +
		(r->reject_code != 0);
	bool member = strcmp(r->redirect_to, "member") == 0;

	if (n == 0 && !numbers_say(r))
		stw_report(k->report, r->node,
			   "it has no action: add one of pool, to, redirect.to and reject.code");
	if (n > 1)
		stw_report(k->report, r->node,
			   "it has %d actions: leave one of pool, to, redirect and reject", n);
	if (n == 1 && !*r->pool && !member && numbers_have_pools(r))
		stw_report(k->report, stw_node_at(r->node, "numbers"),
			   "numbers name pools, but the action is none of pool and redirect to "
			   "member");
	if (*r->pool)
		is_named(k, stw_node_at(r->node, "pool"), "pool", r->pool, pool_name);
	if (*r->reject_reason && r->reject_code == 0)
		stw_report(k->report, stw_node_at(r->node, "reject"),
			   "reject has a reason but no code: add it");
	check_redirect(k, r);
	check_registrar(k, r);
}

/* ---- all of them ---- */

static size_t keys_of(const struct stw_conf_rule *r)
{
	return r->n_users + r->n_domains + r->n_numbers + r->n_sources + r->n_listeners;
}

static size_t longest(const struct stw_conf *c)
{
	size_t n = c->n_rules;

	for (size_t i = 0; i < c->n_rules; i++)
		n = keys_of(&c->rules[i]) > n ? keys_of(&c->rules[i]) : n;
	return n;
}

static void check_names(const struct checking *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->c->n_rules; i++)
		if (*k->c->rules[i].name)
			k->refs[n++] =
				(struct stw_ref){k->c->rules[i].name,
						 stw_node_at(k->c->rules[i].node, "name"), i, 0};
	stw_check_unique(k->refs, n, stw_ref_by_name, "name", k->report);
}

int stw_check_rules(const struct stw_conf *c, struct stw_report *report)
{
	struct checking k = {c, report, calloc(longest(c) + 1, sizeof(struct stw_ref))};
	size_t n_keys = 0;

	if (!k.refs)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_rules; i++) {
		check_values(&k, &c->rules[i]);
		check_twice(&k, &c->rules[i]);
		check_action(&k, &c->rules[i]);
		n_keys += keys_of(&c->rules[i]);
	}
	check_names(&k);
	free(k.refs);
	if (n_keys > STW_IMAGE_RULE_KEYS)
		stw_report(report, stw_node_get(c->node, "rules"),
			   "rules have %zu values in their conditions: at most %u are possible",
			   n_keys, STW_IMAGE_RULE_KEYS);
	return STW_OK;
}
