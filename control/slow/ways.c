/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/ways.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "dataplane/ifaces.h"
#include "dataplane/netif.h"
#include "dataplane/netlink/mirror.h"

#define LAST_RESORT 1000000u /* metric: after everything else that is known */

/* What the FIB is built from. */
struct draft {
	struct stw_ifaces ifaces;
	struct stw_fib_input in;
};

/* ---- what the configuration says, for ports the kernel has no part in, or not yet ---- */

static void add_route(struct draft *d, const struct stw_model_prefix *to, uint16_t iface,
		      uint32_t metric)
{
	const uint8_t bits = (uint8_t)(to->bits + (stw_ip_is_v4(&to->ip) ? 96 : 0));

	stw_fib_input_route(&d->in, &(struct stw_fib_route){.prefix = to->ip,
							    .bits = bits,
							    .on_link = true,
							    .iface = iface,
							    .metric = metric});
}

static void configured(struct draft *d, const struct stw_model_port *p, size_t port)
{
	for (size_t i = 0; i < p->n_addresses; i++) {
		const struct stw_model_address *a = &p->addresses[i];
		const uint16_t iface = (uint16_t)stw_ifaces_find(&d->ifaces, port, a->vlan);

		add_route(d, &a->prefix, iface, 0);
		stw_fib_input_address(&d->in, &(struct stw_iface_address){.ip = a->prefix.ip,
									  .iface = iface});
	}
	/* Of two ports that lead to a network the first is taken, as the data plane does. */
	for (size_t i = 0; i < p->n_routes; i++) {
		const struct stw_model_route *r = &p->routes[i];
		const uint16_t iface = (uint16_t)stw_ifaces_find(&d->ifaces, port, r->vlan);

		stw_fib_input_route(&d->in,
				    &(struct stw_fib_route){
					    .prefix = r->to.ip,
					    .bits = (uint8_t)(r->to.bits +
							      (stw_ip_is_v4(&r->to.ip) ? 96 : 0)),
					    .gateway = r->via,
					    .iface = iface,
					    .metric = (uint32_t)port + 1});
	}
}

/* A row of its own, that looks like the first port's: who asks can tell that no route led there.
 * @return it, or UINT16_MAX: there is no room for one more */
static uint16_t add_last_resort(struct draft *d)
{
	const struct stw_model_prefix v4 = {.ip = stw_ip_from_v4("\0\0\0\0")}, v6 = {.bits = 0};
	const size_t n = d->in.n_addresses, n_before = d->ifaces.n;
	const uint16_t iface = d->ifaces.n < STW_FIB_IFACES_MAX ? (uint16_t)d->ifaces.n++ : 0;

	if (iface > 0)
		d->ifaces.rows[iface] = d->ifaces.rows[0];
	for (size_t i = 0; i < n && iface > 0; i++) {
		const struct stw_iface_address a = {d->in.addresses[i].ip, iface};

		if (d->in.addresses[i].iface == 0)
			stw_fib_input_address(&d->in, &a);
	}
	add_route(d, &v4, iface, LAST_RESORT);
	add_route(d, &v6, iface, LAST_RESORT);
	return iface > 0 || n_before == 0 ? iface : UINT16_MAX;
}

/* ---- what the kernel has ---- */

/* The kernel's interface of a row, as the data plane names it. @return 0: there is none */
static uint32_t find_kernel(const struct stw_model_port *p, uint16_t vlan)
{
	char name[16] = "", whole[24];

	if (p->kernel == STW_KERNEL_SIDE_TWIN)
		memcpy(name, p->twin, sizeof(name));
	else if (p->kernel == STW_KERNEL_SIDE_SHARED)
		stw_netif_of_device(p->device, name);
	if (!name[0])
		return 0;
	snprintf(whole, sizeof(whole), vlan ? "%s.%u" : "%s", name, vlan);
	return if_nametoindex(whole);
}

/* @return whether the kernel has any interface of ours */
static bool find_all(struct draft *d, const struct stw_model *m)
{
	bool any = false;

	for (size_t i = 0; i < d->ifaces.n; i++) {
		struct stw_iface *row = &d->ifaces.rows[i];

		row->kernel_ifindex = find_kernel(&m->ports[row->port], row->vlan);
		any |= row->kernel_ifindex != 0;
	}
	return any;
}

/* The mirror of the installer, for one look. */
static int read_kernel(struct draft *d)
{
	struct stw_rtnl *rtnl = calloc(1, sizeof(*rtnl));
	struct stw_mirror *mirror = calloc(1, sizeof(*mirror));
	int err = rtnl && mirror ? stw_rtnl_open(rtnl) : STW_ENOMEM;

	if (err == STW_OK) {
		err = stw_mirror_init(mirror, &d->ifaces, rtnl);
		if (err == STW_OK)
			stw_mirror_collect(mirror, &d->in);
		stw_mirror_fini(mirror);
		stw_rtnl_close(rtnl);
	}
	free(mirror);
	free(rtnl);
	return err;
}

static uint64_t kernel_ports(const struct stw_model *m)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < m->n_ports && i < 64; i++)
		bits |= (uint64_t)(m->ports[i].kernel != STW_KERNEL_SIDE_NONE) << i;
	return bits;
}

static int number_ifaces(struct draft *d, const struct stw_model *m)
{
	struct stw_installer_port *ports = calloc(m->n_ports + 1, sizeof(*ports));
	int err = STW_ENOMEM;

	for (size_t i = 0; ports && i < m->n_ports; i++)
		ports[i] = (struct stw_installer_port){.model = &m->ports[i], .mtu = 1500};
	if (ports)
		err = stw_ifaces_init(&d->ifaces, ports, m->n_ports);
	free(ports);
	return err;
}

static int gather(struct draft *d, const struct stw_model *m, uint16_t *nowhere)
{
	int err = number_ifaces(d, m);
	bool known;

	if (err != STW_OK)
		return err;
	/* Without the kernel's rows, which is logged, the file's are better than none. */
	known = find_all(d, m) && read_kernel(d) == STW_OK;
	for (size_t i = 0; i < m->n_ports; i++) {
		const int iface = stw_ifaces_find(&d->ifaces, i, 0);

		if (!known || d->ifaces.rows[iface].kernel_ifindex == 0)
			configured(d, &m->ports[i], i);
	}
	*nowhere = add_last_resort(d);
	return d->in.err;
}

int stw_ways_build(const struct stw_model *m, struct stw_ways *out)
{
	struct draft *d = calloc(1, sizeof(*d));
	uint16_t nowhere;
	int err = d ? gather(d, m, &nowhere) : STW_ENOMEM;
	struct stw_fib *fib = NULL;

	if (err == STW_OK) {
		fib = stw_fib_build(d->ifaces.rows, d->ifaces.n, d->in.routes, d->in.n_routes, NULL,
				    0); /* they come and go, and nothing is sent by it */
		err = fib ? STW_OK : STW_ENOMEM;
	}
	if (err == STW_OK) {
		*out = (struct stw_ways){fib, d->in.addresses, d->in.n_addresses, kernel_ports(m),
					 nowhere};
		d->in.addresses = NULL;
	}
	if (d)
		stw_fib_input_fini(&d->in);
	free(d);
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
