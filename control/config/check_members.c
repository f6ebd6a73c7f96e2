/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/check.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/stats.h>
#include <strowger/table_image.h>

#include "control/config/address.h"

/* Uses of members in all pools: one proxy may serve in several. */
#define USES_MAX 65536

static void check_weights(const struct stw_conf_pool *p, struct stw_report *report)
{
	for (size_t i = 0; i < p->n_members; i++) {
		if (p->members[i].weight > 0)
			return;
	}
	if (p->n_members > 0)
		stw_report(report, stw_node_at(p->node, "members"),
			   "all members have weight 0: nobody would get a call; to stop new calls, "
			   "set state: drain");
}

static void check_policy(const struct stw_conf_pool *p, struct stw_report *report)
{
	bool by_header = p->v.hash_key == STW_IMAGE_KEY_HEADER;

	if (by_header && p->v.hash_header[0] == '\0')
		stw_report(report, stw_node_at(p->node, "hash_key"),
			   "hash_key is header, but no hash_header says which: add it");
	if (!by_header && p->v.hash_header[0] != '\0')
		stw_report(report, stw_node_at(p->node, "hash_header"),
			   "hash_header says nothing without hash_key: header");
	if (strlen(p->v.hash_header) > STW_IMAGE_KEY_HEADER_MAX)
		stw_report(report, stw_node_at(p->node, "hash_header"),
			   "hash_header has %zu characters: at most %u are possible",
			   strlen(p->v.hash_header), STW_IMAGE_KEY_HEADER_MAX);
	if (p->v.policy != STW_POLICY_HASH && (p->v.hash_key != 0 || p->v.bound_percent != 0))
		stw_report(report, stw_node_at(p->node, "policy"),
			   "hash_key and bound_percent are for policy hash only");
	if (p->v.bound_percent != 0 && p->v.bound_percent < STW_IMAGE_BOUND_MIN)
		stw_report(report, stw_node_at(p->node, "bound_percent"),
			   "bound_percent must be 0 or %u..%u, got %u: members could not even have "
			   "their share",
			   STW_IMAGE_BOUND_MIN, STW_IMAGE_BOUND_MAX, p->v.bound_percent);
}

static const struct stw_conf_pool *pool_named(const struct stw_conf *c, const char *name)
{
	for (size_t i = 0; *name != '\0' && i < c->n_pools; i++)
		if (strcmp(c->pools[i].v.name, name) == 0)
			return &c->pools[i];
	return NULL;
}

/* Each fall-back is a pool, and whoever follows them comes to an end. */
static void check_fallback(const struct stw_conf *c, const struct stw_conf_pool *p,
			   struct stw_report *report)
{
	const struct stw_conf_pool *at = pool_named(c, p->v.fallback);

	if (p->v.fallback[0] != '\0' && at == NULL)
		stw_report(report, stw_node_at(p->node, "fallback"),
			   "there is no pool \"%s\": add it under pools", p->v.fallback);
	/* each circle is told once: of the first pool in it */
	for (size_t steps = 0; at != NULL && at >= p && steps < c->n_pools; steps++) {
		if (at == p) {
			stw_report(report, stw_node_at(p->node, "fallback"),
				   "pool \"%s\" falls back on itself by way of \"%s\": name "
				   "another",
				   p->v.name, p->v.fallback);
			return;
		}
		at = pool_named(c, at->v.fallback);
	}
}

/* The same name for DNS: letters of either case, with or without the last dot. */
static bool same_name(const char *a, const char *b)
{
	char x[STW_IMAGE_NAME_MAX], y[STW_IMAGE_NAME_MAX];
	uint8_t n = stw_name_canonical(a, strlen(a), x);

	return n > 0 && stw_name_canonical(b, strlen(b), y) == n && memcmp(x, y, n) == 0;
}

/* Members, or names that stand for some. */
static void check_names_of(const struct stw_conf_pool *p, struct stw_report *report)
{
	char canonical[STW_IMAGE_NAME_MAX];

	if (p->n_members == 0 && p->n_names == 0 && !stw_node_get(p->node, "members"))
		stw_report(report, p->node,
			   "members is missing: name at least one member, or a name in dns");
	for (size_t i = 0; i < p->n_names; i++) {
		const char *name = p->names[i].v.name;
		struct stw_ip ip;

		if (stw_ip_parse(name, strlen(name), &ip) == STW_OK)
			stw_report(report, p->names[i].node,
				   "\"%s\" is an address: put it into members", name);
		else if (*name && stw_name_canonical(name, strlen(name), canonical) == 0)
			stw_report(report, p->names[i].node, "\"%.80s\" is no host name", name);
		for (size_t k = 0; k < i; k++)
			if (same_name(p->names[k].v.name, name) &&
			    p->names[k].v.port == p->names[i].v.port)
				stw_report(report, p->names[i].node,
					   "\"%.80s\" stands twice in dns: name it once", name);
	}
}

int stw_check_pools(const struct stw_conf *c, struct stw_report *report)
{
	struct stw_ref *refs = calloc(c->n_pools + 1, sizeof(refs[0]));
	size_t n = 0, uses = 0;

	if (!refs)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_pools; i++) {
		const struct stw_conf_pool *p = &c->pools[i];

		check_weights(p, report);
		check_policy(p, report);
		check_fallback(c, p, report);
		check_names_of(p, report);
		uses += p->n_members;
		if (p->v.name[0])
			refs[n++] = (struct stw_ref){p->v.name, stw_node_at(p->node, "name"), i, 0};
	}
	stw_check_unique(refs, n, stw_ref_by_name, "name", report);
	free(refs);
	if (uses > USES_MAX)
		stw_report(report, stw_node_get(c->node, "pools"),
			   "pools have %zu members in total: at most %d are possible", uses,
			   USES_MAX);
	return STW_OK;
}

struct stw_ref *stw_member_refs(const struct stw_conf *c, size_t *n)
{
	size_t most = 0, at = 0;

	for (size_t i = 0; i < c->n_pools; i++)
		most += c->pools[i].n_members;
	struct stw_ref *refs = calloc(most + 1, sizeof(refs[0]));

	if (!refs)
		return NULL;
	for (size_t i = 0; i < c->n_pools; i++) {
		for (size_t k = 0; k < c->pools[i].n_members; k++) {
			const struct stw_conf_member *m = &c->pools[i].members[k];

			refs[at] = (struct stw_ref){m, m->node, at, i};
			at++;
		}
	}
	*n = at;
	return refs;
}

static int by_name(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	int d = strcmp(stw_ref_member(a)->name, stw_ref_member(b)->name);

	return d ? d : stw_ref_order(a, b);
}

static int by_id(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	uint32_t i = stw_member_id(&stw_ref_member(a)->address),
		 k = stw_member_id(&stw_ref_member(b)->address);

	return i != k ? (i > k) - (i < k) : stw_ref_order(a, b);
}

static bool same_address(const struct stw_ref *a, const struct stw_ref *b)
{
	return stw_endpoint_equal(&stw_ref_member(a)->address, &stw_ref_member(b)->address);
}

static void check_default_name(const struct stw_ref *r, struct stw_report *report)
{
	char text[STW_ENDPOINT_TEXT];

	if (stw_endpoint_format(&stw_ref_member(r)->address, text) >= STW_NAME_MAX)
		stw_report(report, r->node, "its address is too long to be its name: add name");
}

/* One group of references to one address: one name, and each pool once. */
static void check_group(const struct stw_ref *refs, size_t n, struct stw_report *report)
{
	const struct stw_ref *named = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = stw_ref_member(&refs[i])->name;

		if (i > 0 && refs[i].group == refs[i - 1].group)
			stw_report(report, refs[i].node,
				   "stands twice in its pool, first in line %u: keep one and add "
				   "the weights",
				   refs[i - 1].node->line);
		if (*name && named && strcmp(name, stw_ref_member(named)->name) != 0)
			stw_report(
				report, stw_node_at(refs[i].node, "name"),
				"its address is called \"%s\" in line %u: one member has one name",
				stw_ref_member(named)->name, named->node->line);
		if (*name && !named)
			named = &refs[i];
	}
	if (!named)
		check_default_name(refs, report);
}

/* @refs sorted by address. @return how many different addresses */
static size_t check_groups(const struct stw_ref *refs, size_t n, struct stw_report *report)
{
	size_t groups = 0;

	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && same_address(&refs[i], &refs[k]); k++)
			;
		check_group(refs + i, k - i, report);
		groups++;
	}
	return groups;
}

static void check_names(struct stw_ref *refs, size_t n, struct stw_report *report)
{
	qsort(refs, n, sizeof(refs[0]), by_name);
	for (size_t i = 1; i < n; i++) {
		const char *name = stw_ref_member(&refs[i])->name;

		if (*name && strcmp(name, stw_ref_member(&refs[i - 1])->name) == 0 &&
		    !same_address(&refs[i], &refs[i - 1]))
			stw_report(report, stw_node_at(refs[i].node, "name"),
				   "name is used for another address in line %u: choose another",
				   refs[i - 1].node->line);
	}
}

static void check_ids(struct stw_ref *refs, size_t n, struct stw_report *report)
{
	qsort(refs, n, sizeof(refs[0]), by_id);
	for (size_t i = 1; i < n; i++) {
		if (stw_member_id(&stw_ref_member(&refs[i])->address) ==
			    stw_member_id(&stw_ref_member(&refs[i - 1])->address) &&
		    !same_address(&refs[i], &refs[i - 1]))
			stw_report(report, refs[i].node,
				   "its address has the same identity as that in line %u: cookies "
				   "could not tell them apart; give one of them another port or "
				   "address",
				   refs[i - 1].node->line);
	}
}

static int ip_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct stw_ip));
}

/* Addresses that are our own listeners, or broadcast in a subnet of ours. */
struct taken {
	struct stw_ref *listeners; /* sorted by endpoint */
	size_t n_listeners;
	struct stw_ip *broadcasts; /* sorted */
	size_t n_broadcasts;
};

static int taken_init(const struct stw_conf *c, struct taken *t)
{
	size_t most = 1;

	for (size_t i = 0; i < c->n_ports; i++)
		most += c->ports[i].n_addresses;
	*t = (struct taken){.listeners = calloc(c->n_listeners + 1, sizeof(*t->listeners)),
			    .broadcasts = calloc(most, sizeof(*t->broadcasts))};
	if (!t->listeners || !t->broadcasts)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_listeners; i++)
		t->listeners[t->n_listeners++] =
			(struct stw_ref){&c->listeners[i].v.address, c->listeners[i].node, 0, i};
	for (size_t i = 0; i < c->n_ports; i++) {
		for (size_t k = 0; k < c->ports[i].n_addresses; k++) {
			const struct stw_model_prefix *p = &c->ports[i].addresses[k].v.prefix;

			if (stw_address_has_broadcast(p))
				t->broadcasts[t->n_broadcasts++] = stw_address_last(p);
		}
	}
	qsort(t->listeners, t->n_listeners, sizeof(*t->listeners), stw_ref_by_endpoint);
	qsort(t->broadcasts, t->n_broadcasts, sizeof(*t->broadcasts), ip_cmp);
	return STW_OK;
}

static void taken_fini(struct taken *t)
{
	free(t->listeners);
	free(t->broadcasts);
}

static void check_target(const struct taken *t, const struct stw_ref *r, struct stw_report *report)
{
	const struct stw_endpoint *ep = &stw_ref_member(r)->address;
	const struct stw_node *at = stw_node_at(r->node, "address");
	const char *why = stw_address_unusable(&ep->ip);
	struct stw_ref key = {.key = ep};

	if (!why && stw_address_is_link_local6(&ep->ip))
		why = "it is link-local, and says nothing without an interface";
	if (!why && bsearch(&ep->ip, t->broadcasts, t->n_broadcasts, sizeof(ep->ip), ip_cmp))
		why = "it is the broadcast address of a port's subnet";
	if (why) {
		stw_report(report, at, "address cannot be a member's: %s", why);
		return;
	}
	const struct stw_ref *own = bsearch(&key, t->listeners, t->n_listeners,
					    sizeof(*t->listeners), stw_ref_by_endpoint);
	if (own)
		stw_report(report, at,
			   "address is our own listener's in line %u: calls would loop; name the "
			   "proxy's",
			   own->node->line);
}

static int check_targets(const struct stw_conf *c, const struct stw_ref *refs, size_t n,
			 struct stw_report *report)
{
	struct taken t;
	int err = taken_init(c, &t);

	for (size_t i = 0; i < n && err == STW_OK; i++)
		check_target(&t, &refs[i], report);
	taken_fini(&t);
	return err;
}

/* What could not be read was reported there and is no member here. @return how many are left */
static size_t drop_unread(struct stw_ref *refs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (stw_ref_member(&refs[i])->address.port != 0)
			refs[kept++] = refs[i];
	}
	return kept;
}

int stw_check_members(const struct stw_conf *c, struct stw_report *report)
{
	size_t n;
	struct stw_ref *refs = stw_member_refs(c, &n);

	if (!refs)
		return STW_ENOMEM;
	n = drop_unread(refs, n);
	int err = check_targets(c, refs, n, report);

	qsort(refs, n, sizeof(refs[0]), stw_ref_by_member_address);
	size_t different = check_groups(refs, n, report);

	if (different > STW_MEMBERS_MAX)
		stw_report(report, stw_node_get(c->node, "pools"),
			   "pools have %zu different members: at most %u are possible", different,
			   STW_MEMBERS_MAX);
	check_names(refs, n, report);
	check_ids(refs, n, report);
	free(refs);
	return err;
}
