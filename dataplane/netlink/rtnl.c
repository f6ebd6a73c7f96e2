/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <strowger/errors.h>

#include "dataplane/netlink/rtnl.h"

int stw_rtnl_open(struct stw_rtnl *r)
{
	memset(r, 0, sizeof(*r));
	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->socket)
		return STW_EIO;
	if (mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		const int saved = errno;
		stw_rtnl_close(r);
		errno = saved;
		return STW_EIO;
	}
	return STW_OK;
}

struct nlmsghdr *stw_rtnl_request(struct stw_rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(r->buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++r->seq;
	return nlh;
}

struct answer {
	mnl_cb_t each;
	void *arg;
	bool done;
	bool interrupted; /* rows changed during the dump */
	int error;	  /* errno of the kernel, 0 acknowledged */
};

static void take_error(struct answer *a, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	a->done = true;
	a->error = mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) ? EBADMSG : -e->error;
}

static void take_message(struct answer *a, const struct nlmsghdr *nlh)
{
	a->interrupted |= (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (nlh->nlmsg_type == NLMSG_DONE)
		a->done = true;
	else if (nlh->nlmsg_type == NLMSG_ERROR)
		take_error(a, nlh);
	else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && a->each && !a->error)
		a->error = a->each(nlh, a->arg) == MNL_CB_ERROR ? EBADMSG : 0;
}

/*
 * Read answers to the last request until it is complete: to the end even of a dump that went wrong,
 * since the socket is used again. (mnl_cb_run() would stop at the first interrupted message.)
 */
static int await(struct stw_rtnl *r, mnl_cb_t each, void *arg)
{
	struct answer a = {.each = each, .arg = arg};
	while (!a.done) {
		char bytes[STW_RTNL_BYTES] __attribute__((aligned(8)));
		const ssize_t n = mnl_socket_recvfrom(r->socket, bytes, sizeof(bytes));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)bytes;
		int left = (int)n;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return STW_EIO;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_seq == r->seq)
				take_message(&a, nlh);
	}
	errno = a.error;
	if (a.error)
		return STW_EIO;
	return a.interrupted ? STW_EAGAIN : STW_OK;
}

int stw_rtnl_call(struct stw_rtnl *r, struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(r->socket, nlh, nlh->nlmsg_len) < 0)
		return STW_EIO;
	return await(r, NULL, NULL);
}

/* The header each kind of request has; a longer one would be taken for odd attributes. */
static size_t header_size(uint16_t type)
{
	switch (type) {
	case RTM_GETADDR: return sizeof(struct ifaddrmsg);
	case RTM_GETROUTE: return sizeof(struct rtmsg);
	case RTM_GETNEIGH: return sizeof(struct ndmsg);
	default: return sizeof(struct ifinfomsg);
	}
}

int stw_rtnl_dump(struct stw_rtnl *r, uint16_t type, uint8_t family, mnl_cb_t each, void *arg)
{
	struct nlmsghdr *nlh = stw_rtnl_request(r, type, NLM_F_DUMP);
	uint8_t *head = mnl_nlmsg_put_extra_header(nlh, header_size(type));
	head[0] = family; /* all four begin with it */
	if (mnl_socket_sendto(r->socket, nlh, nlh->nlmsg_len) < 0)
		return STW_EIO;
	return await(r, each, arg);
}

uint8_t stw_rtnl_family(const struct stw_ip *ip)
{
	return stw_ip_is_v4(ip) ? AF_INET : AF_INET6;
}

void stw_rtnl_put_ip(struct nlmsghdr *nlh, uint16_t attr, const struct stw_ip *ip)
{
	if (stw_ip_is_v4(ip))
		mnl_attr_put(nlh, attr, 4, ip->b + 12);
	else
		mnl_attr_put(nlh, attr, 16, ip->b);
}

bool stw_rtnl_get_ip(const struct nlattr *attr, uint8_t family, struct stw_ip *out)
{
	const uint16_t len = attr ? mnl_attr_get_payload_len(attr) : 0;
	if (family == AF_INET && len == 4)
		*out = stw_ip_from_v4(mnl_attr_get_payload(attr));
	else if (family == AF_INET6 && len == 16)
		*out = stw_ip_from_v6(mnl_attr_get_payload(attr));
	else
		return false;
	return true;
}

void stw_rtnl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **out,
		    uint16_t n)
{
	const size_t payload = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *a;
	int left;
	memset(out, 0, n * sizeof(*out));
	if (payload < MNL_ALIGN(header))
		return;
	left = (int)(payload - MNL_ALIGN(header));
	a = mnl_nlmsg_get_payload_offset(nlh, header);
	while (mnl_attr_ok(a, left)) {
		if (mnl_attr_get_type(a) < n)
			out[mnl_attr_get_type(a)] = a;
		left -= MNL_ALIGN(a->nla_len);
		a = mnl_attr_next(a);
	}
}

uint32_t stw_rtnl_get_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr && mnl_attr_get_payload_len(attr) == 4 ? mnl_attr_get_u32(attr) : otherwise;
}

void stw_rtnl_close(struct stw_rtnl *r)
{
	if (r->socket)
		mnl_socket_close(r->socket);
	r->socket = NULL;
}
