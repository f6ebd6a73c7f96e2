/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/sockets.h"

#include <errno.h>
#include <ev.h>
#include <linux/errqueue.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/route/route.h"

#define DATAGRAM_MAX 65535
#define ERRORS	     64 /* of one socket in one turn of the loop */
#define STRIDE	     (STW_SLOW_HEADROOM + STW_SOCKETS_ROOM + 65u) /* not all in the same cache sets */
#define WAITING	     (8 << 20) /* bytes that may wait in the kernel: what comes while a disk writes */

struct own_socket {
	struct own_socket *next;
	struct stw_sockets *owner;
	struct stw_endpoint address;
	struct ev_io io;
	bool wanted;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* What the kernel fills, or empties, in one call. */
struct batch {
	struct mmsghdr msg[STW_SLOW_BATCH];
	struct iovec iov[STW_SLOW_BATCH];
	union address address[STW_SLOW_BATCH];
};

struct stw_sockets {
	struct ev_loop *loop;
	stw_sockets_received_fn *received;
	stw_sockets_refused_fn *refused;
	void *ctx;
	struct own_socket *first;
	struct batch in, out;
	struct stw_datagram datagram[STW_SLOW_BATCH];
	char buffer[STW_SLOW_BATCH][STRIDE]; /* memory only as far as something lay there */
};

static socklen_t to_address(const struct stw_endpoint *ep, union address *out)
{
	memset(out, 0, sizeof(*out));
	if (stw_ip_is_v4(&ep->ip)) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(ep->port);
		memcpy(&out->v4.sin_addr, ep->ip.b + 12, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(ep->port);
	memcpy(&out->v6.sin6_addr, ep->ip.b, 16);
	return sizeof(out->v6);
}

static struct stw_endpoint from_address(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return (struct stw_endpoint){.ip = stw_ip_from_v4(&a->v4.sin_addr),
					     .port = ntohs(a->v4.sin_port)};
	return (struct stw_endpoint){.ip = stw_ip_from_v6(&a->v6.sin6_addr),
				     .port = ntohs(a->v6.sin6_port)};
}

/* "Port unreachable" and its kin: the host answers for the port (RFC 1122 s3.2.2.1, RFC 4443). */
static bool says_nobody(const struct sock_extended_err *e)
{
	return (e->ee_origin == SO_EE_ORIGIN_ICMP && e->ee_type == ICMP_DEST_UNREACH &&
		(e->ee_code == ICMP_PORT_UNREACH || e->ee_code == ICMP_HOST_UNREACH ||
		 e->ee_code == ICMP_PROT_UNREACH)) ||
	       (e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMPV6_DEST_UNREACH &&
		(e->ee_code == ICMPV6_PORT_UNREACH || e->ee_code == ICMPV6_ADDR_UNREACH)) ||
	       /* our own kernel: no ARP answer, no route */
	       (e->ee_origin == SO_EE_ORIGIN_LOCAL && e->ee_errno == EHOSTUNREACH);
}

static const struct sock_extended_err *error_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return (const struct sock_extended_err *)CMSG_DATA(c);
	return NULL;
}

/* One ICMP error from the socket's queue of them. @return false: there is none */
static bool take_error(struct own_socket *o)
{
	struct stw_sockets *s = o->owner;
	char control[512] __attribute__((aligned(8)));
	union address to;
	struct iovec iov = {.iov_base = s->buffer[0], .iov_len = sizeof(s->buffer[0])};
	struct msghdr msg = {.msg_name = &to,
			     .msg_namelen = sizeof(to),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(o->io.fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (n < 0)
		return false;
	const struct sock_extended_err *e = error_of(&msg);
	if (e && says_nobody(e) && msg.msg_namelen > 0) {
		struct stw_endpoint peer = from_address(&to);
		s->refused(s->ctx, &o->address, &peer, s->buffer[0], (size_t)n);
	}
	return true;
}

static void take_errors(struct own_socket *o)
{
	for (int i = 0; i < ERRORS && take_error(o); i++)
		;
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct own_socket *o = io->data;
	struct stw_sockets *s = o->owner;

	(void)loop;
	(void)revents;
	take_errors(o);
	for (size_t i = 0; i < STW_SLOW_BATCH; i++)
		s->in.msg[i].msg_hdr.msg_namelen = sizeof(s->in.address[i]);
	int n = recvmmsg(io->fd, s->in.msg, STW_SLOW_BATCH, MSG_DONTWAIT, NULL);

	if (n <= 0)
		return; /* nothing more, or an error that is told once */
	for (int i = 0; i < n; i++)
		s->datagram[i] = (struct stw_datagram){.local = o->address,
						       .peer = from_address(&s->in.address[i]),
						       .bytes = s->in.iov[i].iov_base,
						       .len = s->in.msg[i].msg_len,
						       .room = STW_SOCKETS_ROOM};
	s->received(s->ctx, s->datagram, (size_t)n);
}

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* Fragments when it must; bound before the address exists; beside a control that is going. */
static bool prepare(int fd, bool v4)
{
	/* Without the right to it as much as anybody may have. */
	if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, WAITING))
		set(fd, SOL_SOCKET, SO_RCVBUF, WAITING);
	if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set(fd, IPPROTO_IP, IP_FREEBIND, 1))
		return false;
	if (v4)
		return set(fd, IPPROTO_IP, IP_RECVERR, 1) &&
		       set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) && set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) &&
	       set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

static int open_socket(const struct stw_endpoint *ep)
{
	bool v4 = stw_ip_is_v4(&ep->ip);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	union address a;
	socklen_t len = to_address(ep, &a);

	if (fd >= 0 && prepare(fd, v4) && bind(fd, &a.any, len) == 0)
		return fd;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

static void add(struct stw_sockets *s, const struct stw_endpoint *ep)
{
	struct own_socket *o = calloc(1, sizeof(*o));
	int fd = o ? open_socket(ep) : -1;

	if (fd < 0) {
		char text[STW_ENDPOINT_TEXT];
		stw_endpoint_format(ep, text);
		stw_warn("slow path: no socket on %s: %s; requests there to names not yet resolved "
			 "are "
			 "lost",
			 text, strerror(errno));
		free(o);
		return;
	}
	*o = (struct own_socket){.next = s->first, .owner = s, .address = *ep, .wanted = true};
	ev_io_init(&o->io, on_readable, fd, EV_READ);
	o->io.data = o;
	ev_io_start(s->loop, &o->io);
	s->first = o;
}

static void drop_unwanted(struct stw_sockets *s)
{
	struct own_socket **at = &s->first;

	while (*at) {
		struct own_socket *o = *at;

		if (o->wanted) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		ev_io_stop(s->loop, &o->io);
		close(o->io.fd);
		free(o);
	}
}

static struct own_socket *find(const struct stw_sockets *s, const struct stw_endpoint *ep)
{
	struct own_socket *o = s->first;

	while (o && !stw_endpoint_equal(&o->address, ep))
		o = o->next;
	return o;
}

static void forget_wanted(struct stw_sockets *s)
{
	for (struct own_socket *o = s->first; o; o = o->next)
		o->wanted = false;
}

static void prepare_batches(struct stw_sockets *s)
{
	for (size_t i = 0; i < STW_SLOW_BATCH; i++) {
		s->in.iov[i] = (struct iovec){s->buffer[i] + STW_SLOW_HEADROOM, DATAGRAM_MAX};
		s->in.msg[i].msg_hdr = (struct msghdr){.msg_name = &s->in.address[i],
						       .msg_iov = &s->in.iov[i],
						       .msg_iovlen = 1};
		s->out.msg[i].msg_hdr = (struct msghdr){.msg_name = &s->out.address[i],
							.msg_iov = &s->out.iov[i],
							.msg_iovlen = 1};
	}
}

struct stw_sockets *stw_sockets_new(struct ev_loop *loop, stw_sockets_received_fn *received,
				    stw_sockets_refused_fn *refused, void *ctx)
{
	struct stw_sockets *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = loop;
	s->received = received;
	s->refused = refused;
	s->ctx = ctx;
	prepare_batches(s);
	return s;
}

void stw_sockets_listen(struct stw_sockets *s, const struct stw_model *m)
{
	forget_wanted(s);
	for (size_t i = 0; i < m->n_listeners; i++) {
		struct own_socket *o = find(s, &m->listeners[i].address);

		if (o)
			o->wanted = true;
		else
			add(s, &m->listeners[i].address);
	}
	drop_unwanted(s);
}

void stw_sockets_close(struct stw_sockets *s)
{
	forget_wanted(s);
	drop_unwanted(s);
}

/* @return how many of @d leave as the first does, by one socket and family */
static size_t fill_run(struct stw_sockets *s, const struct stw_datagram *d, size_t n)
{
	const bool v4 = stw_ip_is_v4(&d[0].peer.ip);
	size_t k = 0;

	while (k < n && k < STW_SLOW_BATCH && stw_ip_is_v4(&d[k].peer.ip) == v4 &&
	       stw_endpoint_equal(&d[k].local, &d[0].local)) {
		s->out.msg[k].msg_hdr.msg_namelen = to_address(&d[k].peer, &s->out.address[k]);
		s->out.iov[k] = (struct iovec){d[k].bytes, d[k].len};
		k++;
	}
	return k;
}

/* Those of @d that the kernel takes in one call, or the one that it does not take. */
static size_t send_run(struct stw_sockets *s, struct stw_datagram *d, size_t n)
{
	const struct own_socket *o = find(s, &d[0].local);
	const size_t run = fill_run(s, d, n);
	int sent = -1;

	if (!o || stw_ip_is_v4(&d[0].local.ip) != stw_ip_is_v4(&d[0].peer.ip))
		return run;
	/* An error of an earlier datagram is told instead of sending this one. */
	for (int tries = 0; tries < 2 && sent <= 0; tries++)
		sent = sendmmsg(o->io.fd, s->out.msg, (unsigned int)run, MSG_DONTWAIT);
	for (int i = 0; i < sent; i++)
		d[i].sent = s->out.msg[i].msg_len == d[i].len;
	return sent > 0 ? (size_t)sent : 1;
}

void stw_sockets_send(struct stw_sockets *s, struct stw_datagram *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		d[i].sent = false;
	for (size_t i = 0; i < n;)
		i += send_run(s, d + i, n - i);
}

size_t stw_sockets_n(const struct stw_sockets *s)
{
	size_t n = 0;

	for (const struct own_socket *o = s->first; o; o = o->next)
		n++;
	return n;
}

void stw_sockets_free(struct stw_sockets *s)
{
	if (!s)
		return;
	stw_sockets_close(s);
	free(s);
}
