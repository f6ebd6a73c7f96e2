/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/netlink/takeover.h"
#include "dataplane/netlink/twin.h"
#include "dataplane/netlink/undo.h"

/* Metric of a configured route when the kernel already has that prefix by another way: the kernel
 * keeps preferring its own, the data plane sees only routes of its own interfaces. */
#define SECOND_METRIC 5060u

static int fail(const char *name, const char *what)
{
	stw_error("interface %s: %s: %s", name, what, strerror(errno));
	return STW_EIO;
}

void stw_twin_name(const struct stw_twins *t, size_t i, char out[16])
{
	const struct stw_iface *row = &t->ifaces->rows[i];
	const char *kernel = t->ports[row->port].kernel;
	if (!kernel[0] || !row->vlan)
		snprintf(out, 16, "%s", kernel);
	else if (snprintf(out, 16, "%s.%u", kernel, row->vlan) >= 16)
		out[0] = '\0'; /* refused by make_vlan() */
}

/* A sysctl of an interface. Best effort: a kernel without IPv6 has no such file. */
static void set_conf(const char *family, const char *name, const char *key, const char *value)
{
	char path[96];
	int fd;
	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, key);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		stw_debug("%s: %s", path, strerror(errno));
	close(fd);
}

static struct nlmsghdr *link_request(struct stw_twins *t, uint32_t ifindex, uint16_t flags)
{
	struct nlmsghdr *nlh = stw_rtnl_request(t->rtnl, RTM_NEWLINK, flags);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_index = (int)ifindex;
	return nlh;
}

static int set_mac(struct stw_twins *t, const char *name, uint32_t ifindex, const uint8_t mac[6])
{
	struct nlmsghdr *nlh = link_request(t, ifindex, 0);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return stw_rtnl_call(t->rtnl, nlh) == STW_OK ? STW_OK : fail(name, "set its MAC address");
}

static int set_mtu(struct stw_twins *t, const char *name, uint32_t ifindex, uint32_t mtu)
{
	struct nlmsghdr *nlh = link_request(t, ifindex, 0);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return stw_rtnl_call(t->rtnl, nlh) == STW_OK ? STW_OK : fail(name, "set its MTU");
}

static int set_up(struct stw_twins *t, const char *name, uint32_t ifindex)
{
	struct nlmsghdr *nlh = link_request(t, ifindex, 0);
	struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	set_conf("ipv6", name, "disable_ipv6", "0");
	return stw_rtnl_call(t->rtnl, nlh) == STW_OK ? STW_OK : fail(name, "bring it up");
}

static int undo_link(struct stw_twins *t, uint32_t ifindex)
{
	struct nlmsghdr *nlh = link_request(t, ifindex, 0);
	return stw_undo_push(&t->undo, nlh, RTM_DELLINK, 0);
}

/* The VLAN interface on @twin, made when missing. */
static int make_vlan(struct stw_twins *t, const char *name, const char *twin, uint16_t vlan)
{
	struct nlmsghdr *nlh = link_request(t, 0, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;
	struct nlattr *data;
	if (!name[0]) {
		stw_error("port with twin %s: its VLAN interface's name would be longer than 15 "
			  "characters; give the twin a shorter name",
			  twin);
		return STW_EIO;
	}
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_LINK, if_nametoindex(twin));
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u16(nlh, IFLA_VLAN_ID, vlan);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	if (stw_rtnl_call(t->rtnl, nlh) == STW_OK)
		return undo_link(t, if_nametoindex(name));
	return errno == EEXIST ? STW_OK
			       : fail(name, "make the VLAN interface (needs the kernel's 8021q)");
}

/* Twin or VLAN interface @i: there, up, its index known. */
static int raise_iface(struct stw_twins *t, size_t i)
{
	struct stw_iface *row = &t->ifaces->rows[i];
	const struct stw_installer_port *port = &t->ports[row->port];
	char name[16];
	int err = STW_OK;
	stw_twin_name(t, i, name);
	if (row->vlan)
		err = make_vlan(t, name, port->kernel, row->vlan);
	if (err != STW_OK)
		return err;
	row->kernel_ifindex = if_nametoindex(name);
	if (!row->kernel_ifindex)
		return fail(name, "find it");
	if (!row->vlan && (set_mac(t, name, row->kernel_ifindex, port->mac) != STW_OK ||
			   set_mtu(t, name, row->kernel_ifindex, port->mtu) != STW_OK))
		return STW_EIO;
	return set_up(t, name, row->kernel_ifindex);
}

static uint32_t ifindex_of(const struct stw_twins *t, size_t port, uint16_t vlan)
{
	return t->ifaces->rows[stw_ifaces_find(t->ifaces, port, vlan)].kernel_ifindex;
}

static void put_broadcast(struct nlmsghdr *nlh, const struct stw_model_prefix *p)
{
	uint32_t net;
	uint32_t host;
	if (!stw_ip_is_v4(&p->ip) || p->bits > 30)
		return;
	memcpy(&net, p->ip.b + 12, sizeof(net));
	host = p->bits ? (UINT32_MAX >> p->bits) : UINT32_MAX;
	mnl_attr_put_u32(nlh, IFA_BROADCAST, net | __builtin_bswap32(host));
}

static int add_address(struct stw_twins *t, size_t port, const struct stw_model_address *a)
{
	struct nlmsghdr *nlh = stw_rtnl_request(t->rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->ifa_family = stw_rtnl_family(&a->prefix.ip);
	m->ifa_prefixlen = a->prefix.bits;
	m->ifa_scope = RT_SCOPE_UNIVERSE;
	m->ifa_index = ifindex_of(t, port, a->vlan);
	stw_rtnl_put_ip(nlh, IFA_LOCAL, &a->prefix.ip);
	stw_rtnl_put_ip(nlh, IFA_ADDRESS, &a->prefix.ip);
	put_broadcast(nlh, &a->prefix);
	/* Usable at once: the address moved here together with its MAC. */
	if (m->ifa_family == AF_INET6)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD);
	if (stw_rtnl_call(t->rtnl, nlh) != STW_OK)
		return fail(t->ports[port].kernel, "add an address");
	return stw_undo_push(&t->undo, nlh, RTM_DELADDR, 0);
}

static int try_route(struct stw_twins *t, size_t port, const struct stw_model_route *r,
		     uint32_t metric)
{
	struct nlmsghdr *nlh = stw_rtnl_request(t->rtnl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->rtm_family = stw_rtnl_family(&r->to.ip);
	m->rtm_dst_len = r->to.bits;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	if (r->to.bits)
		stw_rtnl_put_ip(nlh, RTA_DST, &r->to.ip);
	stw_rtnl_put_ip(nlh, RTA_GATEWAY, &r->via);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex_of(t, port, r->vlan));
	if (metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, metric);
	if (stw_rtnl_call(t->rtnl, nlh) != STW_OK)
		return STW_EIO;
	return stw_undo_push(&t->undo, nlh, RTM_DELROUTE, 0);
}

static int add_route(struct stw_twins *t, size_t port, const struct stw_model_route *r)
{
	int err = try_route(t, port, r, 0);
	if (err == STW_EIO && errno == EEXIST)
		err = try_route(t, port, r, SECOND_METRIC);
	if (err == STW_EIO && errno == EEXIST)
		return STW_OK; /* there already, of a run before */
	return err == STW_EIO ? fail(t->ports[port].kernel, "add a route") : err;
}

static int add_neighbour(struct stw_twins *t, size_t port, const struct stw_model_neighbour *n)
{
	struct nlmsghdr *nlh =
		stw_rtnl_request(t->rtnl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->ndm_family = stw_rtnl_family(&n->ip);
	m->ndm_ifindex = (int)ifindex_of(t, port, n->vlan);
	m->ndm_state = NUD_PERMANENT;
	stw_rtnl_put_ip(nlh, NDA_DST, &n->ip);
	mnl_attr_put(nlh, NDA_LLADDR, 6, n->mac);
	if (stw_rtnl_call(t->rtnl, nlh) != STW_OK)
		return fail(t->ports[port].kernel, "add a neighbour");
	return stw_undo_push(&t->undo, nlh, RTM_DELNEIGH, 0);
}

static int dress(struct stw_twins *t, size_t port)
{
	const struct stw_model_port *m = t->ports[port].model;
	int err = STW_OK;
	for (size_t i = 0; i < t->ifaces->n && err == STW_OK; i++)
		if (t->ifaces->rows[i].port == port)
			err = raise_iface(t, i);
	if (err == STW_OK)
		err = stw_takeover(t->rtnl, m, t->ports[port].kernel, &t->undo);
	for (size_t i = 0; i < m->n_addresses && err == STW_OK; i++)
		err = add_address(t, port, &m->addresses[i]);
	for (size_t i = 0; i < m->n_neighbours && err == STW_OK; i++)
		err = add_neighbour(t, port, &m->neighbours[i]);
	for (size_t i = 0; i < m->n_routes && err == STW_OK; i++)
		err = add_route(t, port, &m->routes[i]);
	return err;
}

/* Interface and VLAN interfaces stay as they are; only their indexes are learned. */
static int find_shared(struct stw_twins *t, size_t port)
{
	for (size_t i = 0; i < t->ifaces->n; i++) {
		struct stw_iface *row = &t->ifaces->rows[i];
		char name[16];
		if (row->port != port)
			continue;
		stw_twin_name(t, i, name);
		row->kernel_ifindex = if_nametoindex(name);
		if (!row->kernel_ifindex)
			return fail(name, row->vlan ? "find it (a VLAN interface of another name "
						      "may have this one as well: ip link property "
						      "add dev NAME altname)"
						    : "find it");
	}
	return STW_OK;
}

/* With a filter on the way back (rp_filter) an interface without any address lets nothing in. This
 * one stands for no host (RFC 7600), and the kernel takes it for no source. */
static int add_dummy_address(struct stw_twins *t, const char *name, uint32_t ifindex)
{
	struct nlmsghdr *nlh = stw_rtnl_request(t->rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	const struct stw_ip dummy = stw_ip_from_v4("\xc0\x00\x00\x08");
	m->ifa_family = AF_INET;
	m->ifa_prefixlen = 32;
	m->ifa_scope = RT_SCOPE_HOST;
	m->ifa_index = ifindex;
	stw_rtnl_put_ip(nlh, IFA_LOCAL, &dummy);
	return stw_rtnl_call(t->rtnl, nlh) == STW_OK ? STW_OK : fail(name, "add an address");
}

/* The way into the kernel of a shared port: up, with no neighbours. What comes in there came from
 * the shared interface, so a strict look at the way back would drop it. */
static int raise_inlet(struct stw_twins *t, const char *name)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *link;
	const uint32_t ifindex = if_nametoindex(name);
	if (!ifindex)
		return fail(name, "find it");
	set_conf("ipv6", name, "addr_gen_mode", "1"); /* none */
	set_conf("ipv6", name, "disable_ipv6", "0");
	set_conf("ipv4", name, "rp_filter", "2"); /* loose, whatever "all" says */
	nlh = link_request(t, ifindex, 0);
	link = mnl_nlmsg_get_payload(nlh);
	link->ifi_flags = IFF_UP | IFF_NOARP;
	link->ifi_change = IFF_UP | IFF_NOARP;
	if (stw_rtnl_call(t->rtnl, nlh) != STW_OK)
		return fail(name, "bring it up");
	return add_dummy_address(t, name, ifindex);
}

static int join(struct stw_twins *t, size_t port)
{
	const int err = find_shared(t, port);
	return err == STW_OK ? raise_inlet(t, t->ports[port].inlet) : err;
}

/* Before the twins are touched: what a killed process took is ours to give back. */
static void read_notes(struct stw_twins *t, const char *notes)
{
	size_t n;
	snprintf(t->notes, sizeof(t->notes), "%s", notes);
	n = stw_undo_load(&t->undo, t->notes);
	if (n)
		stw_info(
			"%zu addresses and routes a process before took are given back at the stop",
			n);
}

int stw_twins_init(struct stw_twins *t, const struct stw_installer_port *ports, size_t n_ports,
		   struct stw_ifaces *ifaces, struct stw_rtnl *rtnl, const char *notes)
{
	int err = STW_OK;
	*t = (struct stw_twins){.ports = ports, .n_ports = n_ports, .ifaces = ifaces, .rtnl = rtnl};
	read_notes(t, notes);
	for (size_t p = 0; p < n_ports && err == STW_OK; p++)
		if (ports[p].inlet[0])
			err = join(t, p);
		else if (ports[p].kernel[0])
			err = dress(t, p);
	if (stw_undo_save(t->undo, t->notes) != STW_OK)
		stw_warn("%s: %s: after a kill, taken addresses would not be given back", t->notes,
			 strerror(errno));
	return err;
}

bool stw_twins_rebind(struct stw_twins *t)
{
	bool all = true;
	for (size_t i = 0; i < t->ifaces->n; i++) {
		char name[16];
		stw_twin_name(t, i, name);
		t->ifaces->rows[i].kernel_ifindex = name[0] ? if_nametoindex(name) : 0;
		all &= !name[0] || t->ifaces->rows[i].kernel_ifindex;
	}
	return all;
}

void stw_twins_fini(struct stw_twins *t)
{
	stw_undo_all(&t->undo, t->rtnl);
	unlink(t->notes);
}
