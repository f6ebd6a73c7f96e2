/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/netlink/mirror_rows.h"

#define EVENTS_BYTES  (4 << 20) /* of the socket: a routing daemon's burst fits */
#define READS_AT_ONCE 64
#define AGED_SLOTS    4096u /* looked at in one go */
#define RESYNC_TRIES  5

static int subscribe(struct stw_mirror *m)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR |
				RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	const int bytes = EVENTS_BYTES;
	m->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!m->events || mnl_socket_bind(m->events, groups, MNL_SOCKET_AUTOPID) < 0) {
		stw_error("netlink: subscribe to the kernel's tables: %s", strerror(errno));
		return STW_EIO;
	}
	if (setsockopt(stw_mirror_fd(m), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(stw_mirror_fd(m), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return STW_OK;
}

int stw_mirror_init(struct stw_mirror *m, const struct stw_ifaces *ifaces, struct stw_rtnl *rtnl)
{
	int err;
	memset(m, 0, sizeof(*m));
	m->ifaces = ifaces;
	m->rtnl = rtnl;
	stw_rows_init(&m->addresses, sizeof(struct stw_address_row), STW_ADDRESS_KEY);
	stw_rows_init(&m->routes, sizeof(struct stw_route_row), STW_ROUTE_KEY);
	stw_rows_init(&m->neighbours, sizeof(struct stw_neighbour_row), STW_NEIGHBOUR_KEY);
	err = subscribe(m);
	return err == STW_OK ? stw_mirror_resync(m) : err;
}

int stw_mirror_fd(const struct stw_mirror *m)
{
	return mnl_socket_get_fd(m->events);
}

int stw_mirror_read(struct stw_mirror *m)
{
	for (unsigned i = 0; i < READS_AT_ONCE; i++) {
		char bytes[STW_RTNL_BYTES] __attribute__((aligned(8)));
		const ssize_t n = mnl_socket_recvfrom(m->events, bytes, sizeof(bytes));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return STW_OK;
		if (n < 0 && errno != ENOBUFS && errno != ENOSPC) {
			stw_error("netlink: read events: %s", strerror(errno));
			return STW_EIO;
		}
		if (n < 0) {
			m->n_overruns++;
			m->lost = true;
		} else if (mnl_cb_run(bytes, (size_t)n, 0, 0, stw_mirror_take, m) < 0) {
			m->lost = true;
		}
	}
	return STW_OK;
}

static int resync_kind(struct stw_mirror *m, struct stw_rows *rows, uint16_t type)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	for (unsigned i = 0; i < RESYNC_TRIES; i++) {
		int err = STW_OK;
		stw_rows_mark(rows);
		for (unsigned f = 0; f < 2 && err == STW_OK; f++)
			err = stw_rtnl_dump(m->rtnl, type, families[f], stw_mirror_take, m);
		if (err == STW_OK) {
			stw_rows_sweep(rows);
			return STW_OK;
		}
		if (err != STW_EAGAIN) {
			stw_error("netlink: read the kernel's tables: %s", strerror(errno));
			return err;
		}
	}
	m->lost = true; /* it changes faster than it is read: try again later */
	return STW_OK;
}

int stw_mirror_resync(struct stw_mirror *m)
{
	int err;
	m->links_changed = false;
	m->lost = false;
	m->doubled = false;
	m->dumping = true;
	m->n_resyncs++;
	err = resync_kind(m, &m->addresses, RTM_GETADDR);
	if (err == STW_OK)
		err = resync_kind(m, &m->routes, RTM_GETROUTE);
	if (err == STW_OK)
		err = resync_kind(m, &m->neighbours, RTM_GETNEIGH);
	m->dumping = false;
	m->changed = true;
	m->lost |= err != STW_OK;
	return err;
}

static void collect_routes(const struct stw_mirror *m, struct stw_fib_input *in)
{
	for (uint32_t i = 0; i < stw_rows_slots(&m->routes); i++) {
		const struct stw_route_row *r = stw_rows_at(&m->routes, i);
		const int iface = r ? stw_ifaces_find_kernel(m->ifaces, r->ifindex) : -1;
		if (!r || (iface < 0 && !r->unreachable))
			continue;
		stw_fib_input_route(in,
				    &(struct stw_fib_route){.prefix = r->prefix,
							    .bits = r->bits,
							    .on_link = r->on_link,
							    .unreachable = r->unreachable,
							    .gateway = r->gateway,
							    .iface = (uint16_t)(iface < 0 ? 0
											  : iface),
							    .metric = r->metric});
	}
}

void stw_mirror_collect(const struct stw_mirror *m, struct stw_fib_input *in)
{
	collect_routes(m, in);
	for (uint32_t i = 0; i < stw_rows_slots(&m->neighbours); i++) {
		const struct stw_neighbour_row *n = stw_rows_at(&m->neighbours, i);
		const int iface = n ? stw_ifaces_find_kernel(m->ifaces, n->ifindex) : -1;
		struct stw_fib_neighbour row;
		if (iface < 0)
			continue;
		row = (struct stw_fib_neighbour){.ip = n->ip, .iface = (uint16_t)iface};
		memcpy(row.mac, n->mac, sizeof(row.mac));
		stw_fib_input_neighbour(in, &row);
	}
	for (uint32_t i = 0; i < stw_rows_slots(&m->addresses); i++) {
		const struct stw_address_row *a = stw_rows_at(&m->addresses, i);
		const int iface = a ? stw_ifaces_find_kernel(m->ifaces, a->ifindex) : -1;
		if (iface >= 0)
			stw_fib_input_address(in, &(struct stw_iface_address){
							  .ip = a->ip, .iface = (uint16_t)iface});
	}
}

enum stw_neighbour_state stw_mirror_neighbour(const struct stw_mirror *m, uint16_t iface,
					      const struct stw_ip *ip)
{
	struct stw_neighbour_row key = {.ip = *ip};
	const struct stw_neighbour_row *row;
	if (iface >= m->ifaces->n)
		return STW_NEIGHBOUR_UNKNOWN;
	key.ifindex = m->ifaces->rows[iface].kernel_ifindex;
	row = stw_rows_find(&m->neighbours, &key);
	if (!row)
		return STW_NEIGHBOUR_UNKNOWN;
	return row->state & NUD_STALE ? STW_NEIGHBOUR_AGED : STW_NEIGHBOUR_GOOD;
}

size_t stw_mirror_aged(const struct stw_mirror *m, uint32_t *cursor,
		       struct stw_neighbour_request *out, size_t max)
{
	const uint32_t slots = stw_rows_slots(&m->neighbours);
	size_t n = 0;
	for (uint32_t i = 0; i < slots && i < AGED_SLOTS && n < max; i++) {
		const struct stw_neighbour_row *row =
			stw_rows_at(&m->neighbours, (*cursor)++ & m->neighbours.mask);
		const int iface = row ? stw_ifaces_find_kernel(m->ifaces, row->ifindex) : -1;
		if (iface < 0 || !(row->state & NUD_STALE))
			continue;
		out[n++] = (struct stw_neighbour_request){.ip = row->ip, .iface = (uint16_t)iface};
	}
	return n;
}

void stw_mirror_fini(struct stw_mirror *m)
{
	if (m->events)
		mnl_socket_close(m->events);
	m->events = NULL;
	stw_rows_fini(&m->addresses);
	stw_rows_fini(&m->routes);
	stw_rows_fini(&m->neighbours);
}
