/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <string.h>
#include <linux/neighbour.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/netlink/resolver.h"

void stw_resolver_init(struct stw_resolver *r, const struct stw_ifaces *ifaces,
		       struct stw_rtnl *rtnl)
{
	memset(r, 0, sizeof(*r));
	r->ifaces = ifaces;
	r->rtnl = rtnl;
	r->budget = STW_RESOLVER_BURST;
}

/* One slot an address: a newcomer takes it over, at worst somebody is asked for too early. */
static struct stw_resolver_slot *slot(struct stw_resolver *r, uint16_t iface,
				      const struct stw_ip *ip)
{
	uint32_t h = 2166136261u + iface;
	for (unsigned i = 0; i < sizeof(ip->b); i++)
		h = (h ^ ip->b[i]) * 16777619u;
	return &r->slots[(h ^ h >> 15) % STW_RESOLVER_SLOTS];
}

static bool asked_lately(struct stw_resolver_slot *s, uint16_t iface, const struct stw_ip *ip,
			 uint64_t now_ms)
{
	return s->used && s->iface == iface && stw_ip_equal(&s->ip, ip) &&
	       now_ms - s->asked_ms < STW_RESOLVER_AGAIN_MS;
}

static bool spend(struct stw_resolver *r, uint64_t now_ms)
{
	const uint64_t more = (now_ms - r->filled_ms) * STW_RESOLVER_PER_SECOND / 1000;
	if (more) {
		r->filled_ms = now_ms;
		r->budget = more < STW_RESOLVER_BURST - r->budget ? r->budget + (uint32_t)more
								  : STW_RESOLVER_BURST;
	}
	if (!r->budget)
		return false;
	r->budget--;
	return true;
}

/* NTF_USE on a NUD_NONE entry: as if the kernel itself had a packet for it. */
static bool ask_kernel(struct stw_resolver *r, uint32_t ifindex, const struct stw_ip *ip)
{
	struct nlmsghdr *nlh = stw_rtnl_request(r->rtnl, RTM_NEWNEIGH, NLM_F_CREATE);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->ndm_family = stw_rtnl_family(ip);
	m->ndm_ifindex = (int)ifindex;
	m->ndm_state = NUD_NONE;
	m->ndm_flags = NTF_USE;
	stw_rtnl_put_ip(nlh, NDA_DST, ip);
	if (stw_rtnl_call(r->rtnl, nlh) == STW_OK)
		return true;
	stw_debug("ask the kernel for a neighbour: %s", strerror(errno));
	return false;
}

bool stw_resolver_ask(struct stw_resolver *r, uint16_t iface, const struct stw_ip *ip,
		      uint64_t now_ms)
{
	struct stw_resolver_slot *s = slot(r, iface, ip);
	uint32_t ifindex;
	if (iface >= r->ifaces->n)
		return false;
	ifindex = r->ifaces->rows[iface].kernel_ifindex;
	if (!ifindex)
		return false; /* no kernel side: static neighbours only */
	if (asked_lately(s, iface, ip, now_ms) || !spend(r, now_ms)) {
		r->n_refused++;
		return false;
	}
	*s = (struct stw_resolver_slot){.ip = *ip,
					.iface = iface,
					.used = true,
					.asked_ms = now_ms};
	r->n_asked++;
	return ask_kernel(r, ifindex, ip);
}

void stw_resolver_keep(struct stw_resolver *r, const struct stw_mirror *mirror, uint16_t iface,
		       const struct stw_ip *ip, uint64_t now_ms)
{
	if (stw_mirror_neighbour(mirror, iface, ip) != STW_NEIGHBOUR_GOOD)
		stw_resolver_ask(r, iface, ip, now_ms);
}
