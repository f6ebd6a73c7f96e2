/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/conf.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/config/rules.h"

void stw_conf_fini(struct stw_conf *c)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		free(c->ports[i].addresses);
		free(c->ports[i].routes);
		free(c->ports[i].neighbours);
		free(c->ports[i].vlans);
	}
	for (size_t i = 0; i < c->n_pools; i++) {
		free(c->pools[i].members);
		free(c->pools[i].names);
	}
	for (size_t i = 0; i < c->n_listeners; i++)
		free(c->listeners[i].trusted);
	stw_rules_fini(c);
	free(c->options);
	free(c->closed_ports);
	free(c->cores);
	free(c->servers);
	free(c->domains);
	free(c->ports);
	free(c->listeners);
	free(c->pools);
	if (c->secrets)
		explicit_bzero(c->secrets, c->n_secrets * sizeof(*c->secrets));
	free(c->secrets);
	*c = (struct stw_conf){0};
}

static void *array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static int copy_port(const struct stw_model_port *p, struct stw_conf_port *c)
{
	c->v = *p;
	c->v.addresses = NULL;
	c->v.routes = NULL;
	c->v.neighbours = NULL;
	c->v.vlans = NULL;
	c->addresses = array(p->n_addresses, sizeof(*c->addresses));
	c->routes = array(p->n_routes, sizeof(*c->routes));
	c->neighbours = array(p->n_neighbours, sizeof(*c->neighbours));
	c->vlans = array(p->n_vlans, sizeof(*c->vlans));
	if (!c->addresses || !c->routes || !c->neighbours || !c->vlans)
		return STW_ENOMEM;
	for (size_t i = 0; i < p->n_vlans; i++)
		c->vlans[c->n_vlans++].vlan = p->vlans[i];
	for (size_t i = 0; i < p->n_addresses; i++)
		c->addresses[c->n_addresses++].v = p->addresses[i];
	for (size_t i = 0; i < p->n_neighbours; i++)
		c->neighbours[c->n_neighbours++].v = p->neighbours[i];
	for (size_t i = 0; i < p->n_routes; i++) {
		const struct stw_model_route *r = &p->routes[i];

		c->routes[c->n_routes++] = (struct stw_conf_route){
			.to = {.prefix = r->to, .is_default = r->to.bits == 0},
			.via = r->via,
			.vlan = r->vlan,
		};
	}
	return STW_OK;
}

static int copy_ports(const struct stw_model *m, struct stw_conf *c)
{
	c->ports = array(m->n_ports, sizeof(*c->ports));
	if (!c->ports)
		return STW_ENOMEM;
	for (size_t i = 0; i < m->n_ports; i++) {
		c->n_ports++;
		if (copy_port(&m->ports[i], &c->ports[i]) != STW_OK)
			return STW_ENOMEM;
	}
	return STW_OK;
}

static void copy_member(const struct stw_model *m, const struct stw_model_pool_member *use,
			struct stw_conf_member *c)
{
	const struct stw_model_member *member = &m->members[use->member];
	char text[STW_ENDPOINT_TEXT];

	/* A name that only repeats the address is none in the file. */
	stw_endpoint_format(&member->address, text);
	if (strcmp(text, member->name) != 0)
		memcpy(c->name, member->name, sizeof(c->name));
	c->address = member->address;
	c->weight = use->weight;
	c->priority = use->priority;
	c->asked = use->asked;
}

static int copy_pools(const struct stw_model *m, struct stw_conf *c)
{
	c->pools = array(m->n_pools, sizeof(*c->pools));
	if (!c->pools)
		return STW_ENOMEM;
	for (size_t i = 0; i < m->n_pools; i++) {
		struct stw_conf_pool *p = &c->pools[c->n_pools++];

		p->v = m->pools[i];
		p->v.members = NULL;
		p->v.names = NULL;
		p->members = array(m->pools[i].n_members, sizeof(*p->members));
		p->names = array(m->pools[i].n_names, sizeof(*p->names));
		if (!p->members || !p->names)
			return STW_ENOMEM;
		for (size_t k = 0; k < m->pools[i].n_names; k++)
			p->names[p->n_names++].v = m->pools[i].names[k];
		for (size_t k = 0; k < m->pools[i].n_members; k++)
			copy_member(m, &m->pools[i].members[k], &p->members[p->n_members++]);
	}
	return STW_OK;
}

static int copy_listeners(const struct stw_model *m, struct stw_conf *c)
{
	c->listeners = array(m->n_listeners, sizeof(*c->listeners));
	if (!c->listeners)
		return STW_ENOMEM;
	for (size_t i = 0; i < m->n_listeners; i++) {
		struct stw_conf_listener *l = &c->listeners[c->n_listeners++];

		l->v = m->listeners[i];
		l->v.trusted = NULL;
		l->v.n_trusted = 0;
		l->trusted = array(m->listeners[i].n_trusted, sizeof(*l->trusted));
		if (!l->trusted)
			return STW_ENOMEM;
		for (size_t k = 0; k < m->listeners[i].n_trusted; k++)
			l->trusted[l->n_trusted++].v = m->listeners[i].trusted[k];
		if (l->v.pool < m->n_pools)
			memcpy(l->pool, m->pools[l->v.pool].name, sizeof(l->pool));
	}
	return STW_OK;
}

static int copy_proxy(const struct stw_model_proxy *p, struct stw_conf *c)
{
	c->proxy.max_breadth = p->max_breadth;
	c->options = array(p->n_options, sizeof(*c->options));
	c->closed_ports = array(p->n_closed_ports, sizeof(*c->closed_ports));
	if (!c->options || !c->closed_ports)
		return STW_ENOMEM;
	for (size_t i = 0; i < p->n_options; i++)
		c->options[c->n_options++].v = p->options[i];
	for (size_t i = 0; i < p->n_closed_ports; i++)
		c->closed_ports[c->n_closed_ports++].v = p->closed_ports[i];
	return STW_OK;
}

static int copy_rest(const struct stw_model *m, struct stw_conf *c)
{
	c->dataplane = m->dataplane;
	c->dataplane.cores = NULL;
	c->api = m->api;
	c->hep = m->hep;
	c->resolver = m->resolver;
	c->resolver.servers = NULL;
	c->resolver.n_servers = 0;
	c->registrar = m->registrar;
	c->registrar.domains = NULL;
	c->registrar.n_domains = 0;
	memcpy(c->state_dir, m->state_dir, sizeof(c->state_dir));
	c->log_level = m->log_level;
	c->log_format = m->log_format;
	c->cores = array(m->dataplane.n_cores, sizeof(*c->cores));
	c->servers = array(m->resolver.n_servers, sizeof(*c->servers));
	c->domains = array(m->registrar.n_domains, sizeof(*c->domains));
	c->secrets = array(m->n_secrets, sizeof(*c->secrets));
	if (!c->cores || !c->servers || !c->domains || !c->secrets)
		return STW_ENOMEM;
	for (size_t i = 0; i < m->registrar.n_domains; i++)
		memcpy(c->domains[c->n_domains++].name, m->registrar.domains[i], STW_DOMAIN_MAX);
	for (size_t i = 0; i < m->resolver.n_servers; i++)
		c->servers[c->n_servers++].address = m->resolver.servers[i];
	for (size_t i = 0; i < m->dataplane.n_cores; i++)
		c->cores[c->n_cores++].core = m->dataplane.cores[i];
	for (size_t i = 0; i < m->n_secrets; i++)
		c->secrets[c->n_secrets++].v = m->secrets[i];
	return STW_OK;
}

int stw_conf_from_model(const struct stw_model *m, struct stw_conf *out)
{
	struct stw_conf c = {0};

	if (copy_rest(m, &c) != STW_OK || copy_proxy(&m->proxy, &c) != STW_OK ||
	    copy_ports(m, &c) != STW_OK || copy_listeners(m, &c) != STW_OK ||
	    copy_pools(m, &c) != STW_OK || stw_rules_from_model(m, &c) != STW_OK) {
		stw_conf_fini(&c);
		return STW_ENOMEM;
	}
	*out = c;
	return STW_OK;
}

struct stw_model_prefix stw_conf_route_to(const struct stw_conf_route *r)
{
	struct stw_model_prefix to = {.bits = 0};

	if (!r->to.is_default)
		return r->to.prefix;
	if (stw_ip_is_v4(&r->via))
		to.ip = stw_ip_from_v4("\0\0\0\0");
	return to;
}
