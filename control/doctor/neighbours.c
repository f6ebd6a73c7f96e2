/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/doctor/doctor.h"

#include <linux/neighbour.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <strowger/errors.h>

#include "dataplane/netlink/rtnl.h"

#define SEEN_MAX 256 /* of each; a machine with more has other worries */

struct seen {
	struct stw_ip failed[SEEN_MAX]; /* neighbours that do not answer ARP or solicitations */
	size_t n_failed;
	struct stw_ip gateway[SEEN_MAX]; /* of those, the ones that routes lead over */
	size_t n_gateways;
};

static bool has(const struct stw_ip *list, size_t n, const struct stw_ip *ip)
{
	for (size_t i = 0; i < n; i++)
		if (stw_ip_equal(&list[i], ip))
			return true;
	return false;
}

static int take_neighbour(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr[NDA_MAX + 1] = {NULL};
	struct seen *s = arg;
	struct stw_ip ip;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || !(m->ndm_state & (NUD_FAILED | NUD_INCOMPLETE)))
		return MNL_CB_OK;
	stw_rtnl_attrs(nlh, sizeof(*m), attr, NDA_MAX + 1);
	if (s->n_failed < SEEN_MAX && stw_rtnl_get_ip(attr[NDA_DST], m->ndm_family, &ip) &&
	    !has(s->failed, s->n_failed, &ip))
		s->failed[s->n_failed++] = ip;
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr[RTA_MAX + 1] = {NULL};
	struct seen *s = arg;
	struct stw_ip ip;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	stw_rtnl_attrs(nlh, sizeof(*m), attr, RTA_MAX + 1);
	if (s->n_gateways < SEEN_MAX && stw_rtnl_get_ip(attr[RTA_GATEWAY], m->rtm_family, &ip) &&
	    has(s->failed, s->n_failed, &ip) && !has(s->gateway, s->n_gateways, &ip))
		s->gateway[s->n_gateways++] = ip;
	return MNL_CB_OK;
}

/* What cannot be read is not missing: there is nothing to say then. */
static void look(struct seen *s)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct stw_rtnl *r = calloc(1, sizeof(*r));

	if (!r || stw_rtnl_open(r) != STW_OK) {
		free(r);
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		stw_rtnl_dump(r, RTM_GETNEIGH, families[i], take_neighbour, s);
	for (unsigned i = 0; i < 2 && s->n_failed > 0; i++)
		stw_rtnl_dump(r, RTM_GETROUTE, families[i], take_route, s);
	stw_rtnl_close(r);
	free(r);
}

static const char *question(const struct stw_ip *ip)
{
	return stw_ip_is_v4(ip) ? "ARP" : "neighbour solicitations";
}

static void say_members(struct stw_doctor *d, const struct seen *s)
{
	for (size_t i = 0; i < d->model->n_members; i++) {
		const struct stw_model_member *m = &d->model->members[i];
		char ip[64];

		if (!has(s->failed, s->n_failed, &m->address.ip))
			continue;
		ip[stw_ip_format(&m->address.ip, ip)] = '\0';
		stw_doctor_sayf(d, STW_GRADE_BAD, "neighbours",
				"is the host up, and on this network?",
				"member %s (%s) does not answer %s", m->name, ip,
				question(&m->address.ip));
	}
}

void stw_doctor_neighbours(struct stw_doctor *d)
{
	struct seen *s = d->model && !*d->root ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return;
	look(s);
	say_members(d, s);
	for (size_t i = 0; i < s->n_gateways; i++) {
		char ip[64];

		ip[stw_ip_format(&s->gateway[i], ip)] = '\0';
		stw_doctor_sayf(d, STW_GRADE_BAD, "neighbours",
				"what is behind it is not reached: ip route shows which networks",
				"gateway %s does not answer %s", ip, question(&s->gateway[i]));
	}
	free(s);
}
