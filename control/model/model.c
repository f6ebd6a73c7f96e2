/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/model.h"

#include <stdlib.h>
#include <string.h>

static void free_ports(struct stw_model *m)
{
	for (size_t i = 0; i < m->n_ports; i++) {
		free(m->ports[i].addresses);
		free(m->ports[i].routes);
		free(m->ports[i].neighbours);
		free(m->ports[i].vlans);
	}
	free(m->ports);
}

static void free_pools(struct stw_model *m)
{
	for (size_t i = 0; i < m->n_pools; i++) {
		free(m->pools[i].members);
		free(m->pools[i].names);
	}
	free(m->pools);
}

static void free_rules(struct stw_model *m)
{
	for (size_t i = 0; i < m->n_rules; i++) {
		free(m->rules[i].users);
		free(m->rules[i].domains);
		free(m->rules[i].numbers);
		free(m->rules[i].sources);
		free(m->rules[i].listeners);
	}
	free(m->rules);
}

void stw_model_free(struct stw_model *m)
{
	if (!m)
		return;
	free_ports(m);
	free_pools(m);
	free_rules(m);
	free(m->dataplane.cores);
	free(m->resolver.servers);
	free(m->registrar.domains);
	free(m->proxy.options);
	free(m->proxy.closed_ports);
	for (size_t i = 0; i < m->n_listeners; i++)
		free(m->listeners[i].trusted);
	free(m->listeners);
	free(m->members);
	/* The keys were in here. */
	explicit_bzero(m, sizeof(*m));
	free(m);
}
