/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/rules.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>
#include <strowger/sip_number.h>
#include <strowger/table_image.h>

/* In the order of the words of rules[].methods[]. */
static const uint8_t methods[] = {
	STW_METHOD_OTHER,    STW_METHOD_INVITE, STW_METHOD_BYE,	      STW_METHOD_OPTIONS,
	STW_METHOD_REGISTER, STW_METHOD_PRACK,	STW_METHOD_SUBSCRIBE, STW_METHOD_NOTIFY,
	STW_METHOD_PUBLISH,  STW_METHOD_INFO,	STW_METHOD_REFER,     STW_METHOD_MESSAGE,
	STW_METHOD_UPDATE,
};
#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

int stw_rule_method(uint8_t word)
{
	return word < N_METHODS ? methods[word] : -1;
}

static void *array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static uint32_t pool_index(const struct stw_conf *c, const char *name)
{
	for (uint32_t i = 0; *name && i < c->n_pools; i++)
		if (strcmp(c->pools[i].v.name, name) == 0)
			return i;
	return UINT32_MAX;
}

static uint32_t listener_index(const struct stw_conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_listeners; i++)
		if (strcmp(c->listeners[i].v.name, name) == 0)
			return i;
	return UINT32_MAX;
}

static int by_prefix(const void *a, const void *b)
{
	return strcmp(((const struct stw_model_rule_number *)a)->prefix,
		      ((const struct stw_model_rule_number *)b)->prefix);
}

static void put_number(const struct stw_conf *c, const struct stw_conf_rule_number *from,
		       struct stw_model_rule_number *to)
{
	struct stw_number n;

	if (stw_number_read(from->prefix, strlen(from->prefix), &n))
		memcpy(to->prefix, n.text, n.len);
	else
		memcpy(to->prefix, "+", 1);
	to->pool = pool_index(c, from->pool);
}

static int resolve_values(const struct stw_conf *c, const struct stw_conf_rule *from,
			  struct stw_model_rule *to)
{
	to->users = array(from->n_users, sizeof(*to->users));
	to->domains = array(from->n_domains, sizeof(*to->domains));
	to->numbers = array(from->n_numbers, sizeof(*to->numbers));
	to->sources = array(from->n_sources, sizeof(*to->sources));
	to->listeners = array(from->n_listeners, sizeof(*to->listeners));
	if (!to->users || !to->domains || !to->numbers || !to->sources || !to->listeners)
		return STW_ENOMEM;
	for (size_t i = 0; i < from->n_methods; i++)
		to->methods |= (uint16_t)(1u << methods[from->methods[i].method]);
	for (size_t i = 0; i < from->n_users; i++)
		to->users[to->n_users++] = from->users[i].v;
	for (size_t i = 0; i < from->n_domains; i++)
		to->domains[to->n_domains++] = from->domains[i].v;
	for (size_t i = 0; i < from->n_numbers; i++)
		put_number(c, &from->numbers[i], &to->numbers[to->n_numbers++]);
	for (size_t i = 0; i < from->n_sources; i++)
		to->sources[to->n_sources++] = from->sources[i].v;
	for (size_t i = 0; i < from->n_listeners; i++)
		to->listeners[to->n_listeners++] = listener_index(c, from->listeners[i].name);
	/* Their order means nothing; so that a file that lists them anew is no change. */
	qsort(to->numbers, to->n_numbers, sizeof(*to->numbers), by_prefix);
	return STW_OK;
}

static void resolve_redirect(const struct stw_conf *c, const struct stw_conf_rule *from,
			     struct stw_model_rule *to)
{
	to->status = (uint16_t)from->redirect_status;
	if (strcmp(from->redirect_to, "contacts") == 0) {
		to->action = STW_IMAGE_RULE_REDIRECT_CONTACTS;
	} else if (strcmp(from->redirect_to, "member") == 0) {
		to->action = STW_IMAGE_RULE_REDIRECT_MEMBER;
		to->pool = pool_index(c, from->redirect_pool);
	} else {
		to->action = STW_IMAGE_RULE_REDIRECT_URI;
		memcpy(to->said, from->redirect_to, sizeof(to->said));
	}
}

static void resolve_action(const struct stw_conf *c, const struct stw_conf_rule *from,
			   struct stw_model_rule *to)
{
	static const int actions[] = {
		[STW_RULE_LOCATION] = STW_IMAGE_RULE_TO_LOCATION,
		[STW_RULE_REGISTRAR] = STW_IMAGE_RULE_TO_REGISTRAR,
		[STW_RULE_KERNEL] = STW_IMAGE_RULE_TO_KERNEL,
	};

	to->pool = UINT32_MAX;
	if (*from->redirect_to) {
		resolve_redirect(c, from, to);
	} else if (from->reject_code != 0) {
		to->action = STW_IMAGE_RULE_REJECT;
		to->status = from->reject_code;
		memcpy(to->said, from->reject_reason, sizeof(to->said));
	} else if (from->to != STW_RULE_TO_NOTHING) {
		to->action = actions[from->to];
	} else {
		to->action = STW_IMAGE_RULE_TO_POOL;
		to->pool = *from->pool ? pool_index(c, from->pool) : to->numbers[0].pool;
	}
}

int stw_resolve_rules(const struct stw_conf *c, struct stw_model *m)
{
	m->rules = array(c->n_rules, sizeof(*m->rules));
	if (!m->rules)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_rules; i++) {
		struct stw_model_rule *to = &m->rules[m->n_rules++];

		memcpy(to->name, c->rules[i].name, sizeof(to->name));
		to->line = c->rules[i].node ? c->rules[i].node->line : 0;
		to->row = (uint32_t)i;
		if (resolve_values(c, &c->rules[i], to) != STW_OK)
			return STW_ENOMEM;
		resolve_action(c, &c->rules[i], to);
	}
	return STW_OK;
}

/* ---- back ---- */

static void copy_pool(const struct stw_model *m, uint32_t pool, char name[STW_NAME_MAX])
{
	if (pool < m->n_pools)
		memcpy(name, m->pools[pool].name, STW_NAME_MAX);
}

static int copy_values(const struct stw_model *m, const struct stw_model_rule *from,
		       struct stw_conf_rule *to)
{
	to->methods = array(N_METHODS, sizeof(*to->methods));
	to->users = array(from->n_users, sizeof(*to->users));
	to->domains = array(from->n_domains, sizeof(*to->domains));
	to->numbers = array(from->n_numbers, sizeof(*to->numbers));
	to->sources = array(from->n_sources, sizeof(*to->sources));
	to->listeners = array(from->n_listeners, sizeof(*to->listeners));
	if (!to->methods || !to->users || !to->domains || !to->numbers || !to->sources ||
	    !to->listeners)
		return STW_ENOMEM;
	for (uint8_t i = 0; i < N_METHODS; i++)
		if (from->methods >> methods[i] & 1)
			to->methods[to->n_methods++].method = i;
	for (size_t i = 0; i < from->n_users; i++)
		to->users[to->n_users++].v = from->users[i];
	for (size_t i = 0; i < from->n_domains; i++)
		to->domains[to->n_domains++].v = from->domains[i];
	for (size_t i = 0; i < from->n_numbers; i++) {
		struct stw_conf_rule_number *n = &to->numbers[to->n_numbers++];

		memcpy(n->prefix, from->numbers[i].prefix, sizeof(from->numbers[i].prefix));
		copy_pool(m, from->numbers[i].pool, n->pool);
	}
	for (size_t i = 0; i < from->n_sources; i++)
		to->sources[to->n_sources++].v = from->sources[i];
	for (size_t i = 0; i < from->n_listeners; i++)
		memcpy(to->listeners[to->n_listeners++].name, m->listeners[from->listeners[i]].name,
		       STW_NAME_MAX);
	return STW_OK;
}

static void copy_action(const struct stw_model *m, const struct stw_model_rule *from,
			struct stw_conf_rule *to)
{
	to->redirect_status = 302;
	switch (from->action) {
	case STW_IMAGE_RULE_TO_LOCATION: to->to = STW_RULE_LOCATION; break;
	case STW_IMAGE_RULE_TO_REGISTRAR: to->to = STW_RULE_REGISTRAR; break;
	case STW_IMAGE_RULE_TO_KERNEL: to->to = STW_RULE_KERNEL; break;
	case STW_IMAGE_RULE_REDIRECT_CONTACTS: strcpy(to->redirect_to, "contacts"); break;
	case STW_IMAGE_RULE_REDIRECT_MEMBER:
		strcpy(to->redirect_to, "member");
		copy_pool(m, from->pool, to->redirect_pool);
		to->redirect_status = from->status;
		break;
	case STW_IMAGE_RULE_REDIRECT_URI:
		memcpy(to->redirect_to, from->said, sizeof(to->redirect_to));
		to->redirect_status = from->status;
		break;
	case STW_IMAGE_RULE_REJECT:
		to->reject_code = from->status;
		memcpy(to->reject_reason, from->said, sizeof(to->reject_reason));
		break;
	default: copy_pool(m, from->pool, to->pool);
	}
}

int stw_rules_from_model(const struct stw_model *m, struct stw_conf *c)
{
	c->rules = array(m->n_rules, sizeof(*c->rules));
	if (!c->rules)
		return STW_ENOMEM;
	for (size_t i = 0; i < m->n_rules; i++) {
		struct stw_conf_rule *to = &c->rules[c->n_rules++];

		memcpy(to->name, m->rules[i].name, sizeof(to->name));
		if (copy_values(m, &m->rules[i], to) != STW_OK)
			return STW_ENOMEM;
		copy_action(m, &m->rules[i], to);
	}
	return STW_OK;
}

void stw_rules_fini(struct stw_conf *c)
{
	for (size_t i = 0; i < c->n_rules; i++) {
		free(c->rules[i].methods);
		free(c->rules[i].users);
		free(c->rules[i].domains);
		free(c->rules[i].numbers);
		free(c->rules[i].sources);
		free(c->rules[i].listeners);
	}
	free(c->rules);
}
