/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/check.h"
#include "control/config/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

static uint32_t line_of(const struct stw_node *node)
{
	return node ? node->line : 0;
}

/* calloc that gives memory for none, so that NULL always means failure. */
static void *array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static int resolve_port(const struct stw_conf_port *c, struct stw_model_port *p)
{
	*p = c->v;
	p->line = line_of(c->node);
	p->addresses = array(c->n_addresses, sizeof(*p->addresses));
	p->routes = array(c->n_routes, sizeof(*p->routes));
	p->neighbours = array(c->n_neighbours, sizeof(*p->neighbours));
	p->vlans = array(c->n_vlans, sizeof(*p->vlans));
	if (!p->addresses || !p->routes || !p->neighbours || !p->vlans)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_vlans; i++)
		p->vlans[p->n_vlans++] = c->vlans[i].vlan;
	for (size_t i = 0; i < c->n_addresses; i++)
		p->addresses[p->n_addresses++] = c->addresses[i].v;
	for (size_t i = 0; i < c->n_neighbours; i++)
		p->neighbours[p->n_neighbours++] = c->neighbours[i].v;
	for (size_t i = 0; i < c->n_routes; i++) {
		const struct stw_conf_route *r = &c->routes[i];
		p->routes[p->n_routes++] = (struct stw_model_route){.to = stw_conf_route_to(r),
								    .via = r->via,
								    .vlan = r->vlan};
	}
	return STW_OK;
}

static int resolve_ports(const struct stw_conf *c, struct stw_model *m)
{
	m->ports = array(c->n_ports, sizeof(*m->ports));
	if (!m->ports)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_ports; i++) {
		m->n_ports++;
		if (resolve_port(&c->ports[i], &m->ports[i]) != STW_OK)
			return STW_ENOMEM;
	}
	return STW_OK;
}

static uint32_t pool_index(const struct stw_conf *c, const char *name)
{
	for (uint32_t i = 0; *name && i < c->n_pools; i++) {
		if (strcmp(c->pools[i].v.name, name) == 0)
			return i;
	}
	return UINT32_MAX;
}

static int resolve_listeners(const struct stw_conf *c, struct stw_model *m)
{
	m->listeners = array(c->n_listeners, sizeof(*m->listeners));
	if (!m->listeners)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_listeners; i++) {
		struct stw_model_listener *l = &m->listeners[m->n_listeners++];

		*l = c->listeners[i].v;
		l->trusted = array(c->listeners[i].n_trusted, sizeof(*l->trusted));
		if (!l->trusted)
			return STW_ENOMEM;
		for (size_t k = 0; k < c->listeners[i].n_trusted; k++)
			l->trusted[l->n_trusted++] = c->listeners[i].trusted[k].v;
		l->pool = pool_index(c, c->listeners[i].pool);
		l->line = line_of(c->listeners[i].node);
	}
	return STW_OK;
}

static void resolve_names(const struct stw_conf_pool *c, struct stw_model_pool *p)
{
	for (size_t i = 0; i < c->n_names; i++) {
		struct stw_model_pool_name *n = &p->names[p->n_names++];

		*n = c->names[i].v;
		n->line = line_of(c->names[i].node);
		n->name[stw_name_canonical(c->names[i].v.name, strlen(c->names[i].v.name),
					   n->name)] = '\0';
	}
}

static int resolve_pools(const struct stw_conf *c, struct stw_model *m)
{
	m->pools = array(c->n_pools, sizeof(*m->pools));
	if (!m->pools)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_pools; i++) {
		struct stw_model_pool *p = &m->pools[m->n_pools++];

		*p = c->pools[i].v;
		p->line = line_of(c->pools[i].node);
		p->members = array(c->pools[i].n_members, sizeof(*p->members));
		p->names = array(c->pools[i].n_names, sizeof(*p->names));
		if (!p->members || !p->names)
			return STW_ENOMEM;
		resolve_names(&c->pools[i], p);
		p->n_members = c->pools[i].n_members;
	}
	return STW_OK;
}

static int by_order(const void *x, const void *y)
{
	return stw_ref_order(x, y);
}

/* Point each reference's group to the order of the first of its address. */
static void group_by_address(struct stw_ref *refs, size_t n)
{
	qsort(refs, n, sizeof(refs[0]), stw_ref_by_member_address);
	for (size_t i = 0, first = 0; i < n; i++) {
		if (!stw_endpoint_equal(&stw_ref_member(&refs[i])->address,
					&stw_ref_member(&refs[first])->address))
			first = i;
		refs[i].group = refs[first].order;
	}
	qsort(refs, n, sizeof(refs[0]), by_order);
}

static void add_member(struct stw_model *m, const struct stw_ref *r)
{
	struct stw_model_member *to = &m->members[m->n_members++];
	char text[STW_ENDPOINT_TEXT];

	to->address = stw_ref_member(r)->address;
	to->id = stw_member_id(&to->address);
	to->line = line_of(r->node);
	/* A name given anywhere is the name (check_members.c: there is one, or the address fits).
	 */
	size_t n = stw_endpoint_format(&to->address, text);

	memcpy(to->name, text, n < STW_NAME_MAX ? n : STW_NAME_MAX - 1);
}

static void use_member(struct stw_model_pool_member *to, const struct stw_ref *r, uint32_t index)
{
	*to = (struct stw_model_pool_member){
		.member = index,
		.weight = stw_ref_member(r)->weight,
		.priority = stw_ref_member(r)->priority,
		.asked = stw_ref_member(r)->asked,
		.line = line_of(r->node),
	};
}

static int resolve_members(const struct stw_conf *c, struct stw_model *m)
{
	size_t n, at = 0;
	struct stw_ref *refs = stw_member_refs(c, &n);
	uint32_t *index = array(refs ? n : 0, sizeof(*index)); /* order of a first -> member */

	m->members = array(refs ? n : 0, sizeof(*m->members));
	if (!refs || !index || !m->members) {
		free(refs);
		free(index);
		return STW_ENOMEM;
	}
	group_by_address(refs, n);
	for (size_t i = 0; i < m->n_pools; i++) {
		for (size_t k = 0; k < m->pools[i].n_members; k++, at++) {
			const struct stw_ref *r = &refs[at];

			if (r->group == at) {
				index[at] = (uint32_t)m->n_members;
				add_member(m, r);
			}
			use_member(&m->pools[i].members[k], r, index[r->group]);
			if (*stw_ref_member(r)->name)
				memcpy(m->members[index[r->group]].name, stw_ref_member(r)->name,
				       STW_NAME_MAX);
		}
	}
	free(refs);
	free(index);
	return STW_OK;
}

static int resolve_proxy(const struct stw_conf *c, struct stw_model_proxy *p)
{
	p->max_breadth = c->proxy.max_breadth;
	p->options = array(c->n_options, sizeof(*p->options));
	p->closed_ports = array(c->n_closed_ports, sizeof(*p->closed_ports));
	if (!p->options || !p->closed_ports)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_options; i++)
		p->options[p->n_options++] = c->options[i].v;
	for (size_t i = 0; i < c->n_closed_ports; i++)
		p->closed_ports[p->n_closed_ports++] = c->closed_ports[i].v;
	return STW_OK;
}

static int resolve_rest(const struct stw_conf *c, struct stw_model *m)
{
	m->dataplane = c->dataplane;
	m->api = c->api;
	m->hep = c->hep;
	m->resolver = c->resolver;
	m->registrar = c->registrar;
	memcpy(m->state_dir, c->state_dir, sizeof(m->state_dir));
	m->log_level = c->log_level;
	m->log_format = c->log_format;
	for (size_t i = 0; i < c->n_secrets; i++)
		m->secrets[m->n_secrets++] = c->secrets[i].v;
	m->dataplane.cores = array(c->n_cores, sizeof(*m->dataplane.cores));
	m->resolver.servers = array(c->n_servers, sizeof(*m->resolver.servers));
	m->registrar.domains = array(c->n_domains, sizeof(*m->registrar.domains));
	if (!m->dataplane.cores || !m->resolver.servers || !m->registrar.domains)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_domains; i++)
		memcpy(m->registrar.domains[m->registrar.n_domains++], c->domains[i].name,
		       STW_DOMAIN_MAX);
	for (size_t i = 0; i < c->n_servers; i++)
		m->resolver.servers[m->resolver.n_servers++] = c->servers[i].address;
	for (size_t i = 0; i < c->n_cores; i++)
		m->dataplane.cores[m->dataplane.n_cores++] = c->cores[i].core;
	return STW_OK;
}

int stw_conf_resolve(const struct stw_conf *c, struct stw_model **out)
{
	struct stw_model *m = calloc(1, sizeof(*m));

	if (!m)
		return STW_ENOMEM;
	if (resolve_rest(c, m) != STW_OK || resolve_proxy(c, &m->proxy) != STW_OK ||
	    resolve_ports(c, m) != STW_OK || resolve_listeners(c, m) != STW_OK ||
	    resolve_pools(c, m) != STW_OK || resolve_members(c, m) != STW_OK ||
	    stw_resolve_rules(c, m) != STW_OK) {
		stw_model_free(m);
		return STW_ENOMEM;
	}
	*out = m;
	return STW_OK;
}
