/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/ways.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/slow/own.h"

#define LAST_RESORT 1000000u /* metric: after everything the configuration says */

/* What the FIB is built from. */
struct draft {
	struct stw_iface ifaces[STW_FIB_IFACES_MAX];
	size_t n_ifaces;
	struct stw_fib_route *routes;
	size_t n_routes;
	struct stw_iface_address *addresses;
	size_t n_addresses;
};

/* The row of a port's VLAN, added when new; the last one when there are too many. */
static uint16_t iface_of(struct draft *d, size_t port, uint16_t vlan)
{
	for (size_t i = 0; i < d->n_ifaces; i++)
		if (d->ifaces[i].port == port && d->ifaces[i].vlan == vlan)
			return (uint16_t)i;
	if (d->n_ifaces < STW_FIB_IFACES_MAX)
		d->ifaces[d->n_ifaces++] =
			(struct stw_iface){.port = (uint16_t)port, .vlan = vlan, .mtu = 1500};
	return (uint16_t)(d->n_ifaces - 1);
}

static void add_route(struct draft *d, const struct stw_model_prefix *to, uint16_t iface,
		      uint32_t metric)
{
	d->routes[d->n_routes++] =
		(struct stw_fib_route){.prefix = to->ip,
				       .bits = (uint8_t)(to->bits +
							 (stw_ip_is_v4(&to->ip) ? 96 : 0)),
				       .on_link = true,
				       .iface = iface,
				       .metric = metric};
}

static void add_port(struct draft *d, const struct stw_model_port *p, size_t port)
{
	for (size_t i = 0; i < p->n_addresses; i++) {
		const struct stw_model_address *a = &p->addresses[i];
		uint16_t iface = iface_of(d, port, a->vlan);

		add_route(d, &a->prefix, iface, 0);
		d->addresses[d->n_addresses++] =
			(struct stw_iface_address){.ip = a->prefix.ip, .iface = iface};
	}
	/* Of two ports that lead to a network the first is taken, as the data plane does. */
	for (size_t i = 0; i < p->n_routes; i++)
		add_route(d, &p->routes[i].to, iface_of(d, port, p->routes[i].vlan),
			  (uint32_t)port + 1);
}

static void add_last_resort(struct draft *d)
{
	const struct stw_model_prefix v4 = {.ip = stw_ip_from_v4("\0\0\0\0")}, v6 = {.bits = 0};

	iface_of(d, 0, d->n_ifaces > 0 ? d->ifaces[0].vlan : 0);
	add_route(d, &v4, 0, LAST_RESORT);
	add_route(d, &v6, 0, LAST_RESORT);
}

static uint64_t kernel_ports(const struct stw_model_port *ports, size_t n_ports)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < n_ports && i < 64; i++)
		bits |= (uint64_t)(ports[i].kernel != STW_KERNEL_SIDE_NONE) << i;
	return bits;
}

static int build(const struct stw_model_port *ports, size_t n_ports, struct stw_ways *out)
{
	size_t n_addresses = 0, n_routes = 2;
	struct stw_fib *fib = NULL;

	for (size_t i = 0; i < n_ports; i++) {
		n_addresses += ports[i].n_addresses;
		n_routes += ports[i].n_addresses + ports[i].n_routes;
	}
	struct draft *d = calloc(1, sizeof(*d));
	if (!d)
		return STW_ENOMEM;
	d->routes = calloc(n_routes, sizeof(*d->routes));
	d->addresses = calloc(n_addresses + 1, sizeof(*d->addresses));
	if (d->routes && d->addresses) {
		for (size_t i = 0; i < n_ports; i++)
			add_port(d, &ports[i], i);
		add_last_resort(d);
		fib = stw_fib_build(d->ifaces, d->n_ifaces, d->routes, d->n_routes, NULL, 0);
	}
	if (fib)
		*out = (struct stw_ways){fib, d->addresses, d->n_addresses,
					 kernel_ports(ports, n_ports)};
	else
		free(d->addresses);
	free(d->routes);
	free(d);
	return fib ? STW_OK : STW_ENOMEM;
}

/* A shared port's addresses are those its interface has now. */
int stw_ways_build(const struct stw_model *m, struct stw_ways *out)
{
	struct stw_model_port *ports = calloc(m->n_ports + 1, sizeof(*ports));
	int err = ports ? STW_OK : STW_ENOMEM;

	for (size_t i = 0; i < m->n_ports && err == STW_OK; i++) {
		ports[i] = m->ports[i];
		if (ports[i].kernel == STW_KERNEL_SIDE_SHARED)
			err = stw_own_addresses(&ports[i], &ports[i].addresses,
						&ports[i].n_addresses);
	}
	if (err == STW_OK)
		err = build(ports, m->n_ports, out);
	for (size_t i = 0; ports && i < m->n_ports; i++)
		if (ports[i].addresses != m->ports[i].addresses)
			free(ports[i].addresses);
	free(ports);
	return err;
}

bool stw_ways_has_kernel(const struct stw_ways *w, uint16_t iface)
{
	return w->kernel_ports >> stw_fib_iface(w->fib, iface)->port & 1;
}

void stw_ways_snapshot(const struct stw_ways *w, const struct stw_tables *tables,
		       struct stw_snapshot *out)
{
	*out = (struct stw_snapshot){.tables = tables, .fib = w->fib};
	stw_snapshot_face(out, w->addresses, w->n_addresses);
}

void stw_ways_fini(struct stw_ways *w)
{
	stw_fib_free(w->fib);
	free(w->addresses);
	*w = (struct stw_ways){0};
}
