/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/netif.h"
#include "dataplane/netlink/takeover.h"
#include "dataplane/netlink/twin.h"

#define UNDER_MAX 64 /* the interface and VLAN interfaces on it */

struct takeover {
	const struct stw_model_port *port;
	struct stw_undo **undo;
	uint32_t under[UNDER_MAX]; /* interface indexes */
	size_t n_under;
	struct stw_undo *remove;    /* addresses to take */
	struct stw_undo *addresses; /* what puts them back */
	struct stw_undo *routes;    /* what puts back the routes that go with them */
	struct stw_undo *others; /* IPv4 addresses that may go with them, to be put back at once */
	size_t n_taken;
};

static bool is_under(const struct takeover *t, uint32_t ifindex)
{
	for (size_t i = 0; i < t->n_under; i++)
		if (t->under[i] == ifindex)
			return true;
	return false;
}

static bool is_ours(const struct takeover *t, const struct stw_ip *ip)
{
	for (size_t i = 0; i < t->port->n_addresses; i++)
		if (stw_ip_equal(&t->port->addresses[i].prefix.ip, ip))
			return true;
	return false;
}

/* Interfaces that sit on the one under the port. */
static int each_link(const struct nlmsghdr *nlh, void *arg)
{
	struct takeover *t = arg;
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a[IFLA_LINK + 1];
	stw_rtnl_attrs(nlh, sizeof(*link), a, IFLA_LINK + 1);
	if (stw_rtnl_get_u32(a[IFLA_LINK], 0) == t->under[0] && t->n_under < UNDER_MAX)
		t->under[t->n_under++] = (uint32_t)link->ifi_index;
	return MNL_CB_OK;
}

static int keep_address(struct takeover *t, const struct nlmsghdr *nlh, bool ours)
{
	const uint16_t flags = NLM_F_CREATE | NLM_F_REPLACE;
	if (!ours)
		return stw_undo_push(&t->others, nlh, RTM_NEWADDR, flags);
	t->n_taken++;
	if (stw_undo_push(&t->remove, nlh, RTM_DELADDR, 0) != STW_OK)
		return STW_ENOMEM;
	return stw_undo_push(&t->addresses, nlh, RTM_NEWADDR, flags);
}

static int each_address(const struct nlmsghdr *nlh, void *arg)
{
	struct takeover *t = arg;
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a[IFA_LOCAL + 1];
	struct stw_ip ip;
	bool ours;
	stw_rtnl_attrs(nlh, sizeof(*m), a, IFA_LOCAL + 1);
	/* IFA_LOCAL is the address itself; without one IFA_ADDRESS is. */
	if (!is_under(t, m->ifa_index) ||
	    !stw_rtnl_get_ip(a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS], m->ifa_family, &ip))
		return MNL_CB_OK;
	ours = is_ours(t, &ip);
	if (!ours && m->ifa_family != AF_INET)
		return MNL_CB_OK;
	return keep_address(t, nlh, ours) == STW_OK ? MNL_CB_OK : MNL_CB_ERROR;
}

/* Routes the kernel makes itself come back with the address; the others are kept. */
static int each_route(const struct nlmsghdr *nlh, void *arg)
{
	struct takeover *t = arg;
	struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a[RTA_OIF + 1];
	if (m->rtm_protocol == RTPROT_KERNEL || m->rtm_protocol == RTPROT_RA ||
	    m->rtm_table != RT_TABLE_MAIN || (m->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	stw_rtnl_attrs(nlh, sizeof(*m), a, RTA_OIF + 1);
	if (!is_under(t, stw_rtnl_get_u32(a[RTA_OIF], 0)))
		return MNL_CB_OK;
	m->rtm_flags &= RTNH_F_ONLINK; /* the others are states, which a request may not set */
	return stw_undo_push(&t->routes, nlh, RTM_NEWROUTE, NLM_F_CREATE) == STW_OK ? MNL_CB_OK
										    : MNL_CB_ERROR;
}

static int dump(struct stw_rtnl *rtnl, uint16_t type, mnl_cb_t each, struct takeover *t)
{
	const int err = stw_rtnl_dump(rtnl, type, AF_UNSPEC, each, t);
	return err == STW_EAGAIN ? STW_OK : err; /* what changed meanwhile is not ours to keep */
}

static int take(struct stw_rtnl *rtnl, struct takeover *t)
{
	int err = dump(rtnl, RTM_GETLINK, each_link, t);
	if (err == STW_OK)
		err = dump(rtnl, RTM_GETADDR, each_address, t);
	if (err != STW_OK || !t->n_taken)
		return err;
	err = dump(rtnl, RTM_GETROUTE, each_route, t);
	/* Addresses on top of the routes that need them: they come back first. */
	stw_undo_move(t->undo, &t->routes);
	stw_undo_move(t->undo, &t->addresses);
	if (err != STW_OK)
		return err;
	stw_undo_all(&t->remove, rtnl);
	/* Removing a primary IPv4 address takes the secondary ones of its subnet along. */
	stw_undo_all(&t->others, rtnl);
	return STW_OK;
}

int stw_takeover(struct stw_rtnl *rtnl, const struct stw_model_port *port, const char *twin,
		 struct stw_undo **undo)
{
	struct takeover t = {.port = port, .undo = undo, .n_under = 1};
	char name[16];
	int err;
	stw_netif_of_device(port->device, name);
	t.under[0] = name[0] ? if_nametoindex(name) : 0;
	if (!t.under[0])
		return STW_OK;
	err = take(rtnl, &t);
	if (err != STW_OK)
		stw_error("interface %s: take its addresses over to %s: %s", name, twin,
			  strerror(errno));
	else if (t.n_taken)
		stw_info("interface %s: %zu addresses taken over to %s until the data plane stops",
			 name, t.n_taken, twin);
	stw_undo_free(&t.addresses);
	stw_undo_free(&t.routes);
	stw_undo_free(&t.remove);
	stw_undo_free(&t.others);
	return err;
}
