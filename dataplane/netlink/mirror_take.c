/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * What the kernel says, message by message. Everything is checked for its length: the kernel is
 * trusted, but not to be of our age.
 */

#include <string.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>

#include <strowger/errors.h>

#include "dataplane/netlink/mirror_rows.h"

#define NUD_RESOLVED   (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)
#define RTNH_F_NOT_NOW (RTNH_F_DEAD | RTNH_F_LINKDOWN)

static bool is_ours(const struct stw_mirror *m, uint32_t ifindex)
{
	return stw_ifaces_find_kernel(m->ifaces, ifindex) >= 0;
}

static bool is_ip(uint8_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static void put(struct stw_mirror *m, struct stw_rows *rows, const void *row)
{
	if (stw_rows_put(rows, row, &m->changed) != STW_OK)
		m->lost = true; /* memory may be there at the next try */
}

/* --- addresses --- */

static void take_address(struct stw_mirror *m, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *a = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr[IFA_FLAGS + 1];
	struct stw_address_row row = {.ifindex = a->ifa_index};
	stw_rtnl_attrs(nlh, sizeof(*a), attr, IFA_FLAGS + 1);
	if (!is_ours(m, a->ifa_index) ||
	    !stw_rtnl_get_ip(attr[IFA_LOCAL] ? attr[IFA_LOCAL] : attr[IFA_ADDRESS], a->ifa_family,
			     &row.ip))
		return;
	row.flags = stw_rtnl_get_u32(attr[IFA_FLAGS], a->ifa_flags);
	if (nlh->nlmsg_type == RTM_NEWADDR && !(row.flags & IFA_F_DADFAILED)) {
		row.flags = 0;
		put(m, &m->addresses, &row);
	} else if (stw_rows_delete(&m->addresses, &row)) {
		/* Routes with that source address go with it, unannounced. */
		m->changed = true;
		m->lost = true;
	}
}

/* --- routes --- */

static bool is_hole(uint8_t type)
{
	return type == RTN_UNREACHABLE || type == RTN_BLACKHOLE || type == RTN_PROHIBIT;
}

static bool is_wanted(const struct rtmsg *r, const struct nlattr **attr)
{
	return is_ip(r->rtm_family) && (r->rtm_type == RTN_UNICAST || is_hole(r->rtm_type)) &&
	       stw_rtnl_get_u32(attr[RTA_TABLE], r->rtm_table) == RT_TABLE_MAIN &&
	       !(r->rtm_flags & RTM_F_CLONED) && r->rtm_src_len == 0 && r->rtm_tos == 0;
}

static bool route_key(const struct rtmsg *r, const struct nlattr **attr, struct stw_route_row *row)
{
	const uint8_t zeroes[4] = {0};
	memset(row, 0, sizeof(*row));
	row->bits = (uint8_t)(r->rtm_family == AF_INET ? 96 + r->rtm_dst_len : r->rtm_dst_len);
	row->metric = stw_rtnl_get_u32(attr[RTA_PRIORITY], 0);
	if (attr[RTA_DST])
		return stw_rtnl_get_ip(attr[RTA_DST], r->rtm_family, &row->prefix);
	if (r->rtm_family == AF_INET)
		row->prefix = stw_ip_from_v4(zeroes);
	return r->rtm_dst_len == 0;
}

/* RTA_VIA: a gateway of the other family (RFC 5549). */
static bool get_via(const struct nlattr *attr, struct stw_ip *out)
{
	const struct rtvia *via = attr ? mnl_attr_get_payload(attr) : NULL;
	const uint16_t len = attr ? mnl_attr_get_payload_len(attr) : 0;
	if (via && via->rtvia_family == AF_INET6 && len == sizeof(*via) + 16)
		*out = stw_ip_from_v6(via->rtvia_addr);
	else if (via && via->rtvia_family == AF_INET && len == sizeof(*via) + 4)
		*out = stw_ip_from_v4(via->rtvia_addr);
	else
		return false;
	return true;
}

static void set_way(struct stw_route_row *row, uint32_t ifindex, uint8_t family,
		    const struct nlattr *gateway, const struct nlattr *via)
{
	row->ifindex = ifindex;
	row->on_link =
		!stw_rtnl_get_ip(gateway, family, &row->gateway) && !get_via(via, &row->gateway);
}

/* Attributes nested in a way of a multipath route. */
static void way_attrs(const struct rtnexthop *way, const struct nlattr **gateway,
		      const struct nlattr **via)
{
	const struct nlattr *a = (const struct nlattr *)RTNH_DATA(way);
	int left = (int)way->rtnh_len - (int)sizeof(*way);
	*gateway = NULL;
	*via = NULL;
	while (mnl_attr_ok(a, left)) {
		if (mnl_attr_get_type(a) == RTA_GATEWAY)
			*gateway = a;
		else if (mnl_attr_get_type(a) == RTA_VIA)
			*via = a;
		left -= MNL_ALIGN(a->nla_len);
		a = mnl_attr_next(a);
	}
}

/* The first way that leads over an interface of ours and is alive. */
static bool first_way(const struct stw_mirror *m, const struct nlattr *multipath, uint8_t family,
		      struct stw_route_row *row)
{
	const struct rtnexthop *way = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);
	while (left >= (int)sizeof(*way) && way->rtnh_len >= sizeof(*way) &&
	       way->rtnh_len <= left) {
		if (is_ours(m, (uint32_t)way->rtnh_ifindex) &&
		    !(way->rtnh_flags & RTNH_F_NOT_NOW)) {
			const struct nlattr *gateway;
			const struct nlattr *via;
			way_attrs(way, &gateway, &via);
			set_way(row, (uint32_t)way->rtnh_ifindex, family, gateway, via);
			return true;
		}
		left -= (int)RTNH_ALIGN(way->rtnh_len);
		way = RTNH_NEXT(way);
	}
	return false;
}

/* Fill in where it leads. @return false: over no interface of ours */
static bool route_way(const struct stw_mirror *m, const struct rtmsg *r, const struct nlattr **attr,
		      struct stw_route_row *row)
{
	const uint32_t ifindex = stw_rtnl_get_u32(attr[RTA_OIF], 0);
	if (is_hole(r->rtm_type)) {
		row->unreachable = 1;
		return true;
	}
	if (attr[RTA_MULTIPATH])
		return first_way(m, attr[RTA_MULTIPATH], r->rtm_family, row);
	if (!is_ours(m, ifindex) || (r->rtm_flags & RTNH_F_NOT_NOW))
		return false;
	set_way(row, ifindex, r->rtm_family, attr[RTA_GATEWAY], attr[RTA_VIA]);
	return true;
}

static void forget_route(struct stw_mirror *m, const struct stw_route_row *row)
{
	if (!stw_rows_delete(&m->routes, row))
		return;
	m->changed = true;
	m->lost |= m->doubled;
}

static void new_route(struct stw_mirror *m, const struct stw_route_row *row, bool replaces)
{
	const struct stw_route_row *before = stw_rows_find(&m->routes, row);
	/* Two ways to one prefix with one metric: the kernel prefers the first of its list, which
	 * is the order of a dump but not of events. */
	if (before && !replaces && memcmp(before, row, sizeof(*row)) != 0) {
		if (m->dumping && stw_rows_seen(&m->routes, row)) {
			m->doubled = true;
			return;
		}
		m->lost |= !m->dumping;
	}
	put(m, &m->routes, row);
}

static void take_route(struct stw_mirror *m, const struct nlmsghdr *nlh)
{
	const struct rtmsg *r = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr[RTA_VIA + 1];
	const bool replaces = nlh->nlmsg_flags & NLM_F_REPLACE;
	struct stw_route_row row;
	bool leads;
	stw_rtnl_attrs(nlh, sizeof(*r), attr, RTA_VIA + 1);
	if (!is_wanted(r, attr) || !route_key(r, attr, &row))
		return;
	m->doubled |= attr[RTA_MULTIPATH] != NULL;
	leads = route_way(m, r, attr, &row);
	if (nlh->nlmsg_type == RTM_NEWROUTE && leads)
		new_route(m, &row, replaces);
	else if ((nlh->nlmsg_type == RTM_NEWROUTE && replaces) ||
		 (nlh->nlmsg_type == RTM_DELROUTE && leads))
		forget_route(m, &row);
}

/* --- neighbours --- */

static void take_neighbour(struct stw_mirror *m, const struct nlmsghdr *nlh)
{
	const struct ndmsg *n = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr[NDA_LLADDR + 1];
	struct stw_neighbour_row row = {.ifindex = (uint32_t)n->ndm_ifindex, .state = n->ndm_state};
	const struct stw_neighbour_row *before;
	bool ignored = false;
	stw_rtnl_attrs(nlh, sizeof(*n), attr, NDA_LLADDR + 1);
	if (!is_ip(n->ndm_family) || (n->ndm_flags & NTF_PROXY) || !is_ours(m, row.ifindex) ||
	    !stw_rtnl_get_ip(attr[NDA_DST], n->ndm_family, &row.ip))
		return;
	before = stw_rows_find(&m->neighbours, &row);
	if (nlh->nlmsg_type == RTM_NEWNEIGH && (n->ndm_state & NUD_RESOLVED) && attr[NDA_LLADDR] &&
	    mnl_attr_get_payload_len(attr[NDA_LLADDR]) == sizeof(row.mac)) {
		memcpy(row.mac, mnl_attr_get_payload(attr[NDA_LLADDR]), sizeof(row.mac));
		/* Its age alone changes nothing in a FIB. */
		m->changed |= !before || memcmp(before->mac, row.mac, sizeof(row.mac)) != 0;
		m->lost |= stw_rows_put(&m->neighbours, &row, &ignored) != STW_OK;
	} else if (stw_rows_delete(&m->neighbours, &row)) {
		m->changed = true;
	}
}

/* --- links --- */

static void take_link(struct stw_mirror *m, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	if (is_ours(m, (uint32_t)link->ifi_index))
		m->links_changed |= nlh->nlmsg_type == RTM_DELLINK || link->ifi_change != 0;
	else
		m->links_changed |= m->watch_links && nlh->nlmsg_type == RTM_NEWLINK;
}

static size_t head_size(uint16_t type)
{
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: return sizeof(struct ifinfomsg);
	case RTM_NEWADDR:
	case RTM_DELADDR: return sizeof(struct ifaddrmsg);
	case RTM_NEWROUTE:
	case RTM_DELROUTE: return sizeof(struct rtmsg);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH: return sizeof(struct ndmsg);
	default: return SIZE_MAX;
	}
}

int stw_mirror_take(const struct nlmsghdr *nlh, void *arg)
{
	struct stw_mirror *m = arg;
	if (mnl_nlmsg_get_payload_len(nlh) < head_size(nlh->nlmsg_type))
		return MNL_CB_OK;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: take_link(m, nlh); break;
	case RTM_NEWADDR:
	case RTM_DELADDR: take_address(m, nlh); break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE: take_route(m, nlh); break;
	default: take_neighbour(m, nlh); break;
	}
	return MNL_CB_OK;
}
