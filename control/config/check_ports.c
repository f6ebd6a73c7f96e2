/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/device.h>
#include <strowger/errors.h>

#include "control/config/address.h"
#include "dataplane/route/fib.h"

static void check_twin(const struct stw_conf_port *p, struct stw_report *report)
{
	const struct stw_node *at = stw_node_at(p->node, "twin");
	const char *twin = p->v.twin;

	if (p->v.kernel == STW_KERNEL_SIDE_NONE) {
		if (*twin)
			stw_report(report, at, "twin is given but kernel is none: remove one");
		return;
	}
	bool bad = strcmp(twin, ".") == 0 || strcmp(twin, "..") == 0;

	for (const char *c = twin; *c; c++)
		bad = bad || *c == '/' || *c == ':' || isspace((unsigned char)*c);
	if (bad)
		stw_report(report, at,
			   "twin is no name for an interface: leave out '/', ':' and spaces");
}

static void refuse_list(const struct stw_conf_port *p, const char *key, size_t n,
			struct stw_report *report)
{
	if (n > 0)
		stw_report(report, stw_node_at(p->node, key),
			   "%s is given but kernel is shared: the interface has its own; remove it",
			   key);
}

/* All but the steering is the kernel's business. */
static void check_shared(const struct stw_conf_port *p, struct stw_report *report)
{
	const char *device = p->v.device;
	const struct stw_node *at = stw_node_at(p->node, "device");

	if (p->v.kernel != STW_KERNEL_SIDE_SHARED)
		return;
	if (!stw_device_is_pci(device) &&
	    (strncmp(device, "net_af_xdp", strlen("net_af_xdp")) != 0 ||
	     strstr(device, ",iface=") == NULL))
		stw_report(report, at,
			   "device of a shared port must be net_af_xdp with an interface, such as "
			   "\"net_af_xdp0,iface=eth0\", or the PCI address of a NIC that keeps its "
			   "kernel driver (mlx5)");
	else if (strstr(device, ",xdp_prog=") != NULL)
		stw_report(
			report, at,
			"xdp_prog is given but kernel is shared: the port needs its own program; "
			"remove it");
	refuse_list(p, "addresses", p->n_addresses, report);
	refuse_list(p, "routes", p->n_routes, report);
	refuse_list(p, "neighbours", p->n_neighbours, report);
}

/* The VLANs that addresses, routes and neighbours of a port are on. */
struct vlans {
	bool used[4096]; /* [0]: untagged, which each port has */
	size_t n;	 /* with the untagged side */
	uint16_t highest;
};

static void use_vlan(struct vlans *v, uint16_t vlan)
{
	v->n += !v->used[vlan % 4096];
	v->used[vlan % 4096] = true;
	v->highest = vlan > v->highest ? vlan : v->highest;
}

static struct vlans vlans_of(const struct stw_conf_port *p)
{
	struct vlans v = {.used = {true}, .n = 1};

	for (size_t i = 0; i < p->n_addresses; i++)
		use_vlan(&v, p->addresses[i].v.vlan);
	for (size_t i = 0; i < p->n_routes; i++)
		use_vlan(&v, p->routes[i].vlan);
	for (size_t i = 0; i < p->n_neighbours; i++)
		use_vlan(&v, p->neighbours[i].v.vlan);
	for (size_t i = 0; i < p->n_vlans; i++)
		use_vlan(&v, p->vlans[i].vlan);
	return v;
}

/* A VLAN of the twin is an interface of the kernel named "twin.vlan". */
static void check_vlans(const struct stw_conf_port *p, const struct vlans *v,
			struct stw_report *report)
{
	char name[64];

	int n = snprintf(name, sizeof(name), "%s.%u", p->v.twin, v->highest);
	if (p->v.kernel == STW_KERNEL_SIDE_TWIN && v->highest && n > 15)
		stw_report(report, stw_node_at(p->node, "twin"),
			   "twin is too long for its VLANs: interface %s has more than 15 bytes; "
			   "choose a shorter one",
			   name);
}

/* The list is for shared ports; elsewhere addresses say which VLANs there are. */
static void check_shared_vlans(const struct stw_conf_port *p, struct stw_report *report)
{
	if (p->v.kernel != STW_KERNEL_SIDE_SHARED && p->n_vlans > 0)
		stw_report(report, stw_node_at(p->node, "vlans"),
			   "vlans is given but kernel is not shared: give each address its vlan "
			   "instead");
	for (size_t i = 1; i < p->n_vlans; i++) {
		size_t k = 0;

		while (p->vlans[k].vlan != p->vlans[i].vlan)
			k++;
		if (k < i)
			stw_report(report, p->vlans[i].node, "stands twice in vlans: name it once");
	}
}

/* An interface is a port's untagged side or one of its VLANs. */
static void check_interfaces(const struct stw_conf *c, struct stw_report *report)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_ports; i++) {
		struct vlans v = vlans_of(&c->ports[i]);

		check_vlans(&c->ports[i], &v, report);
		check_shared_vlans(&c->ports[i], report);
		n += v.n;
	}
	if (n > STW_FIB_IFACES_MAX)
		stw_report(report, stw_node_get(c->node, "ports"),
			   "ports and their VLANs make %zu interfaces: at most %u are possible", n,
			   STW_FIB_IFACES_MAX);
}

static void check_address(const struct stw_conf_address *a, struct stw_report *report)
{
	const struct stw_model_prefix *p = &a->v.prefix;
	const char *why = stw_address_unusable(&p->ip);
	struct stw_ip first = stw_address_first(p), last = stw_address_last(p);

	if (!why && p->bits == 0)
		why = "a prefix length of 0 would make the whole world its subnet";
	if (!why && stw_address_has_broadcast(p) && stw_ip_equal(&p->ip, &first))
		why = "it is the network's own address";
	if (!why && stw_address_has_broadcast(p) && stw_ip_equal(&p->ip, &last))
		why = "it is the subnet's broadcast address";
	if (why)
		stw_report(report, a->node, "cannot be an address of a port: %s; name a host's",
			   why);
}

static bool on_link(const struct stw_conf_port *p, const struct stw_ip *ip, uint16_t vlan)
{
	if (stw_address_is_link_local6(ip))
		return true;
	for (size_t i = 0; i < p->n_addresses; i++) {
		const struct stw_model_address *a = &p->addresses[i].v;

		if (a->vlan == vlan && stw_address_in(ip, &a->prefix))
			return true;
	}
	return false;
}

static bool is_own(const struct stw_conf_port *p, const struct stw_ip *ip)
{
	for (size_t i = 0; i < p->n_addresses; i++) {
		if (stw_ip_equal(&p->addresses[i].v.prefix.ip, ip))
			return true;
	}
	return false;
}

static void check_target(const struct stw_conf_route *r, struct stw_report *report)
{
	const struct stw_model_prefix *to = &r->to.prefix;
	struct stw_ip first = stw_address_first(to);
	char text[64];

	if (r->to.is_default)
		return;
	if (stw_node_was_read(r->node, "via") && stw_ip_is_v4(&to->ip) != stw_ip_is_v4(&r->via))
		stw_report(report, r->node,
			   "to and via are of different families: IPv%c needs a "
			   "gateway of IPv%c",
			   stw_ip_is_v4(&to->ip) ? '4' : '6', stw_ip_is_v4(&to->ip) ? '4' : '6');
	if (stw_ip_equal(&to->ip, &first))
		return;
	text[stw_ip_format(&first, text)] = '\0';
	stw_report(report, stw_node_at(r->node, "to"),
		   "to has bits behind its prefix length: did you mean %s/%u?", text, to->bits);
}

static void check_route(const struct stw_conf_port *p, const struct stw_conf_route *r,
			struct stw_report *report)
{
	const struct stw_node *at = stw_node_at(r->node, "via");
	char text[64];

	if (stw_node_was_read(r->node, "to"))
		check_target(r, report);
	if (!stw_node_was_read(r->node, "via"))
		return;
	text[stw_ip_format(&r->via, text)] = '\0';
	const char *why = stw_address_unusable(&r->via);

	if (why)
		stw_report(report, at, "via %s cannot be a gateway: %s", text, why);
	else if (is_own(p, &r->via))
		stw_report(report, at, "via %s is the port's own address: name the gateway", text);
	else if (!on_link(p, &r->via, r->vlan))
		stw_report(report, at,
			   "via %s is in no subnet of the port%s: add the address that reaches it",
			   text, r->vlan ? " on that VLAN" : "");
}

static void check_neighbour(const struct stw_conf_neighbour *n, struct stw_report *report)
{
	const char *why = stw_address_unusable(&n->v.ip);

	if (why && stw_node_was_read(n->node, "address"))
		stw_report(report, stw_node_at(n->node, "address"),
			   "address cannot be a neighbour's: %s", why);
	if (n->v.mac[0] & 1)
		stw_report(report, stw_node_at(n->node, "mac"),
			   "mac is a group's address: name the host's own");
}

static void check_mtu(const struct stw_conf_port *p, struct stw_report *report)
{
	for (size_t i = 0; i < p->n_addresses && p->v.mtu < 1280; i++) {
		if (stw_node_was_read(p->addresses[i].node, "address") &&
		    !stw_ip_is_v4(&p->addresses[i].v.prefix.ip)) {
			stw_report(
				report, stw_node_at(p->node, "mtu"),
				"mtu must be at least 1280 on a port with an IPv6 address, got %u",
				p->v.mtu);
			return;
		}
	}
}

/* A pool that its own queues can empty stops the port: each descriptor may hold a packet. */
static void check_mbufs(const struct stw_conf *c, const struct stw_conf_port *p,
			struct stw_report *report)
{
	const struct stw_model_dataplane *d = &c->dataplane;
	size_t need = c->n_cores * ((size_t)p->v.rx_descriptors + p->v.tx_descriptors + d->burst);

	if (need > d->mbufs)
		stw_report(report, p->node,
			   "%zu cores with %u + %u descriptors and a burst of %u need %zu packets, "
			   "but dataplane.mbufs is %u: raise it or take fewer descriptors",
			   c->n_cores, p->v.rx_descriptors, p->v.tx_descriptors, d->burst, need,
			   d->mbufs);
}

static void check_port(const struct stw_conf *c, const struct stw_conf_port *p,
		       struct stw_report *report)
{
	check_twin(p, report);
	check_shared(p, report);
	check_mtu(p, report);
	check_mbufs(c, p, report);
	for (size_t i = 0; i < p->n_addresses; i++) {
		if (stw_node_was_read(p->addresses[i].node, "address"))
			check_address(&p->addresses[i], report);
	}
	for (size_t i = 0; i < p->n_routes && p->v.kernel != STW_KERNEL_SIDE_SHARED; i++)
		check_route(p, &p->routes[i], report);
	for (size_t i = 0; i < p->n_neighbours; i++)
		check_neighbour(&p->neighbours[i], report);
}

/* Fill @refs with one text of each port, those that are empty left out. @return how many */
static size_t text_refs(const struct stw_conf *c, size_t offset, const char *key,
			struct stw_ref *refs)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_ports; i++) {
		const struct stw_conf_port *p = &c->ports[i];
		const char *text = (const char *)&p->v + offset;

		if (*text)
			refs[n++] = (struct stw_ref){text, stw_node_at(p->node, key), i, 0};
	}
	return n;
}

static void check_port_names(const struct stw_conf *c, struct stw_ref *refs,
			     struct stw_report *report)
{
	static const struct {
		size_t offset;
		const char *key;
	} texts[] = {
		{offsetof(struct stw_model_port, name), "name"},
		{offsetof(struct stw_model_port, device), "device"},
		{offsetof(struct stw_model_port, twin), "twin"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = text_refs(c, texts[i].offset, texts[i].key, refs);

		stw_check_unique(refs, n, stw_ref_by_name, texts[i].key, report);
	}
}

/* A group for what is on one link only: a port's VLAN. 0 is everywhere. */
static size_t link_group(size_t port, uint16_t vlan)
{
	return 1 + port * 4096 + vlan;
}

static void check_port_addresses(const struct stw_conf *c, struct stw_ref *refs,
				 struct stw_report *report)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_ports; i++) {
		for (size_t k = 0; k < c->ports[i].n_addresses; k++) {
			const struct stw_conf_address *a = &c->ports[i].addresses[k];
			bool local = stw_address_is_link_local6(&a->v.prefix.ip);

			if (!stw_node_was_read(a->node, "address"))
				continue;
			refs[n] = (struct stw_ref){&a->v.prefix.ip, a->node, n,
						   local ? link_group(i, a->v.vlan) : 0};
			n++;
		}
	}
	stw_check_unique(refs, n, stw_ref_by_ip, "address", report);
}

static void check_port_neighbours(const struct stw_conf *c, struct stw_ref *refs,
				  struct stw_report *report)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_ports; i++) {
		for (size_t k = 0; k < c->ports[i].n_neighbours; k++) {
			const struct stw_conf_neighbour *h = &c->ports[i].neighbours[k];

			if (!stw_node_was_read(h->node, "address"))
				continue;
			refs[n] = (struct stw_ref){&h->v.ip, h->node, n, link_group(i, h->v.vlan)};
			n++;
		}
	}
	stw_check_unique(refs, n, stw_ref_by_ip, "address", report);
}

static int by_target(const void *x, const void *y)
{
	const struct stw_ref *a = x, *b = y;
	struct stw_model_prefix p = stw_conf_route_to(a->key), q = stw_conf_route_to(b->key);
	int d = memcmp(&p, &q, sizeof(p));

	if (d == 0)
		d = (a->group > b->group) - (a->group < b->group);
	return d ? d : stw_ref_order(a, b);
}

static void check_port_routes(const struct stw_conf *c, struct stw_ref *refs,
			      struct stw_report *report)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_ports; i++) {
		for (size_t k = 0; k < c->ports[i].n_routes; k++) {
			const struct stw_conf_route *r = &c->ports[i].routes[k];

			if (!stw_node_was_read(r->node, "to") || !stw_node_was_read(r->node, "via"))
				continue;
			refs[n] = (struct stw_ref){r, stw_node_at(r->node, "to"), n, i};
			n++;
		}
	}
	stw_check_unique(refs, n, by_target, "to", report);
}

int stw_check_ports(const struct stw_conf *c, struct stw_report *report)
{
	size_t most = c->n_ports;

	for (size_t i = 0; i < c->n_ports; i++) {
		check_port(c, &c->ports[i], report);
		most += c->ports[i].n_addresses + c->ports[i].n_neighbours + c->ports[i].n_routes;
	}
	struct stw_ref *refs = calloc(most + 1, sizeof(refs[0]));

	if (!refs)
		return STW_ENOMEM;
	check_interfaces(c, report);
	check_port_names(c, refs, report);
	check_port_addresses(c, refs, report);
	check_port_neighbours(c, refs, report);
	check_port_routes(c, refs, report);
	free(refs);
	return STW_OK;
}
