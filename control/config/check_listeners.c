/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/check.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/config/address.h"

static const char *pool_name(const void *ctx, size_t i)
{
	const struct stw_conf *c = ctx;

	return i < c->n_pools ? c->pools[i].v.name : NULL;
}

static void check_pool(const struct stw_conf *c, const struct stw_conf_listener *l,
		       struct stw_report *report)
{
	for (size_t i = 0; i < c->n_pools; i++) {
		if (strcmp(c->pools[i].v.name, l->pool) == 0)
			return;
	}
	const char *near = stw_nearest(l->pool, pool_name, c);

	stw_report(report, stw_node_at(l->node, "pool"), "there is no pool \"%s\"%s%s%s", l->pool,
		   near ? ": did you mean \"" : ": add it under pools", near ? near : "",
		   near ? "\"?" : "");
}

static bool carried(const struct stw_conf *c, const struct stw_ip *ip)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		/* Its interface has what addresses it has, and may get others. */
		if (c->ports[i].v.kernel == STW_KERNEL_SIDE_SHARED)
			return true;
		for (size_t k = 0; k < c->ports[i].n_addresses; k++) {
			if (stw_ip_equal(&c->ports[i].addresses[k].v.prefix.ip, ip))
				return true;
		}
	}
	return false;
}

static void check_address(const struct stw_conf *c, const struct stw_conf_listener *l,
			  struct stw_report *report)
{
	const struct stw_node *at = stw_node_at(l->node, "address");
	const char *why = stw_address_unusable(&l->v.address.ip);
	char text[64];

	text[stw_ip_format(&l->v.address.ip, text)] = '\0';
	if (!why && stw_address_is_link_local6(&l->v.address.ip))
		why = "it is link-local, and says nothing without an interface";
	if (why)
		stw_report(report, at, "address %s cannot be listened on: %s", text, why);
	else if (!carried(c, &l->v.address.ip))
		stw_report(report, at,
			   "address %s is on no port: add it to the addresses of the port it "
			   "belongs to",
			   text);
}

int stw_check_listeners(const struct stw_conf *c, struct stw_report *report)
{
	struct stw_ref *refs = calloc(c->n_listeners + 1, sizeof(refs[0]));
	size_t n = 0, named = 0;

	if (!refs)
		return STW_ENOMEM;
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct stw_conf_listener *l = &c->listeners[i];

		if (l->pool[0])
			check_pool(c, l, report);
		if (l->v.address.port == 0)
			continue; /* could not be read */
		check_address(c, l, report);
		refs[n++] = (struct stw_ref){&l->v.address, stw_node_at(l->node, "address"), i, 0};
	}
	stw_check_unique(refs, n, stw_ref_by_endpoint, "address", report);
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct stw_conf_listener *l = &c->listeners[i];

		if (l->v.name[0])
			refs[named++] =
				(struct stw_ref){l->v.name, stw_node_at(l->node, "name"), i, 0};
	}
	stw_check_unique(refs, named, stw_ref_by_name, "name", report);
	free(refs);
	return STW_OK;
}
