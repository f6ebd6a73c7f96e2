/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/route_watch.h"

#include <errno.h>
#include <ev.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/log.h>

#include "control/now.h"
#include "dataplane/netlink/rtnl.h"

#define SOON_S	  0.2 /* what comes together is told once */
#define COST_PART 20

struct stw_route_watch {
	struct ev_loop *loop;
	struct mnl_socket *events;
	struct ev_io io;
	struct ev_timer timer;
	double wait_s;
	void (*changed)(void *arg);
	void *arg;
};

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_route_watch *w = timer->data;
	const double began = stw_now_s();

	(void)loop;
	(void)revents;
	w->changed(w->arg);
	w->wait_s = SOON_S + COST_PART * (stw_now_s() - began);
}

/* What changed is not read: it is looked at whole. Lost events are a change as well. */
static void on_event(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct stw_route_watch *w = io->data;
	char bytes[STW_RTNL_BYTES];

	(void)revents;
	for (unsigned i = 0; i < 64; i++)
		if (mnl_socket_recvfrom(w->events, bytes, sizeof(bytes)) < 0 && errno != ENOBUFS &&
		    errno != ENOSPC)
			break;
	if (ev_is_active(&w->timer))
		return;
	ev_timer_set(&w->timer, w->wait_s, 0.);
	ev_timer_start(loop, &w->timer);
}

struct stw_route_watch *stw_route_watch_new(struct ev_loop *loop, void (*changed)(void *arg),
					    void *arg)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	struct stw_route_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct stw_route_watch){.loop = loop,
				      .wait_s = SOON_S,
				      .changed = changed,
				      .arg = arg};
	w->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ev_init(&w->timer, on_timer);
	w->timer.data = w;
	if (!w->events || mnl_socket_bind(w->events, groups, MNL_SOCKET_AUTOPID) < 0) {
		stw_error("slow path: changes of the kernel's routes will not be noticed: %s",
			  strerror(errno));
		stw_route_watch_free(w);
		return NULL;
	}
	ev_io_init(&w->io, on_event, mnl_socket_get_fd(w->events), EV_READ);
	w->io.data = w;
	ev_io_start(loop, &w->io);
	return w;
}

void stw_route_watch_free(struct stw_route_watch *w)
{
	if (!w)
		return;
	ev_timer_stop(w->loop, &w->timer);
	if (ev_is_active(&w->io))
		ev_io_stop(w->loop, &w->io);
	if (w->events)
		mnl_socket_close(w->events);
	free(w);
}
