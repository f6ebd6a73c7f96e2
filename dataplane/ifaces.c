/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "dataplane/ifaces.h"

#define VLANS 4096u

static void mark_vlans(const struct stw_model_port *m, uint8_t *used)
{
	used[0] = 1; /* the untagged side is always there */
	for (size_t i = 0; i < m->n_addresses; i++)
		used[m->addresses[i].vlan % VLANS] = 1;
	for (size_t i = 0; i < m->n_routes; i++)
		used[m->routes[i].vlan % VLANS] = 1;
	for (size_t i = 0; i < m->n_neighbours; i++)
		used[m->neighbours[i].vlan % VLANS] = 1;
	for (size_t i = 0; i < m->n_vlans; i++)
		used[m->vlans[i] % VLANS] = 1;
}

int stw_ifaces_init(struct stw_ifaces *x, const struct stw_installer_port *ports, size_t n_ports)
{
	memset(x, 0, sizeof(*x));
	for (size_t p = 0; p < n_ports; p++) {
		uint8_t used[VLANS] = {0};
		mark_vlans(ports[p].model, used);
		for (uint16_t vlan = 0; vlan < VLANS; vlan++) {
			struct stw_iface *row = &x->rows[x->n];
			if (!used[vlan])
				continue;
			if (x->n == STW_FIB_IFACES_MAX)
				return STW_ERANGE;
			row->port = (uint16_t)p;
			row->vlan = vlan;
			row->mtu = ports[p].mtu;
			memcpy(row->mac, ports[p].mac, sizeof(row->mac));
			x->n++;
		}
	}
	return STW_OK;
}

int stw_ifaces_find(const struct stw_ifaces *x, size_t port, uint16_t vlan)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->rows[i].port == port && x->rows[i].vlan == vlan)
			return (int)i;
	return -1;
}

int stw_ifaces_find_kernel(const struct stw_ifaces *x, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < x->n; i++)
		if (x->rows[i].kernel_ifindex == ifindex)
			return (int)i;
	return -1;
}

/* Room for one more row of @size. NULL, and the error kept, without memory. */
static void *more(struct stw_fib_input *in, void **rows, size_t *n, size_t *room, size_t size)
{
	if (in->err != STW_OK)
		return NULL;
	if (*n == *room) {
		const size_t bigger = *room ? *room * 2 : 16;
		void *p = reallocarray(*rows, bigger, size);
		if (!p) {
			in->err = STW_ENOMEM;
			return NULL;
		}
		*rows = p;
		*room = bigger;
	}
	return (char *)*rows + (*n)++ * size;
}

void stw_fib_input_route(struct stw_fib_input *in, const struct stw_fib_route *row)
{
	void *at = more(in, (void **)&in->routes, &in->n_routes, &in->routes_room, sizeof(*row));
	if (at)
		memcpy(at, row, sizeof(*row));
}

void stw_fib_input_neighbour(struct stw_fib_input *in, const struct stw_fib_neighbour *row)
{
	void *at = more(in, (void **)&in->neighbours, &in->n_neighbours, &in->neighbours_room,
			sizeof(*row));
	if (at)
		memcpy(at, row, sizeof(*row));
}

void stw_fib_input_address(struct stw_fib_input *in, const struct stw_iface_address *row)
{
	void *at = more(in, (void **)&in->addresses, &in->n_addresses, &in->addresses_room,
			sizeof(*row));
	if (at)
		memcpy(at, row, sizeof(*row));
}

void stw_fib_input_clear(struct stw_fib_input *in)
{
	in->n_routes = 0;
	in->n_neighbours = 0;
	in->n_addresses = 0;
	in->err = STW_OK;
}

void stw_fib_input_fini(struct stw_fib_input *in)
{
	free(in->routes);
	free(in->neighbours);
	free(in->addresses);
	memset(in, 0, sizeof(*in));
}

/* Bits of a family's prefix, counted on the mapped form. */
static uint8_t mapped_bits(const struct stw_model_prefix *p)
{
	return (uint8_t)(stw_ip_is_v4(&p->ip) ? 96 + p->bits : p->bits);
}

static void static_addresses(struct stw_fib_input *in, const struct stw_ifaces *x,
			     const struct stw_model_port *m, size_t port)
{
	for (size_t i = 0; i < m->n_addresses; i++) {
		const struct stw_model_address *a = &m->addresses[i];
		const uint16_t iface = (uint16_t)stw_ifaces_find(x, port, a->vlan);
		stw_fib_input_address(in, &(struct stw_iface_address){.ip = a->prefix.ip,
								      .iface = iface});
		stw_fib_input_route(in, &(struct stw_fib_route){.prefix = a->prefix.ip,
								.bits = mapped_bits(&a->prefix),
								.on_link = true,
								.iface = iface});
	}
}

static void static_port(struct stw_fib_input *in, const struct stw_ifaces *x,
			const struct stw_model_port *m, size_t port)
{
	static_addresses(in, x, m, port);
	for (size_t i = 0; i < m->n_routes; i++) {
		const struct stw_model_route *r = &m->routes[i];
		stw_fib_input_route(in, &(struct stw_fib_route){.prefix = r->to.ip,
								.bits = mapped_bits(&r->to),
								.gateway = r->via,
								.iface = (uint16_t)stw_ifaces_find(
									x, port, r->vlan)});
	}
	for (size_t i = 0; i < m->n_neighbours; i++) {
		const struct stw_model_neighbour *n = &m->neighbours[i];
		struct stw_fib_neighbour row = {.ip = n->ip,
						.iface = (uint16_t)stw_ifaces_find(x, port,
										   n->vlan)};
		memcpy(row.mac, n->mac, sizeof(row.mac));
		stw_fib_input_neighbour(in, &row);
	}
}

void stw_fib_input_static(struct stw_fib_input *in, const struct stw_ifaces *x,
			  const struct stw_installer_port *ports, size_t n_ports)
{
	for (size_t p = 0; p < n_ports; p++)
		if (!ports[p].kernel[0])
			static_port(in, x, ports[p].model, p);
}
