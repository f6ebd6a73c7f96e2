/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/records/export.h"

#include <ev.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strowger/log.h>

#include "control/publish/publish.h"
#include "control/records/hep.h"
#include "control/records/records.h"

#define ROUND_S	    0.1
#define A_ROUND	    2000u /* packets */
#define PACKET_ROOM 65000u

struct stw_export {
	struct ev_loop *loop;
	struct ev_timer timer;
	struct stw_publish *publish;
	int fd; /* -1: to nobody */
	struct stw_endpoint server;
	uint32_t node;
	struct stw_flight_cursor cursor;
	struct stw_export_counters c;
	uint32_t left; /* of this round */
	struct stw_flight_clock clock;
	uint8_t packet[PACKET_ROOM];
};

static bool send_one(void *ctx, uint32_t worker, const struct stw_flight *r)
{
	struct stw_export *e = ctx;

	(void)worker;
	if (e->left == 0) {
		e->c.lost++;
		return true;
	}
	size_t len = stw_hep_write(e->packet, sizeof(e->packet), r,
				   stw_flight_unix_us(&e->clock, r), e->node);
	if (len == 0)
		return true;
	e->left--;
	if (send(e->fd, e->packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		e->c.sent++;
	else
		e->c.lost++;
	return true;
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_export *e = timer->data;

	(void)loop;
	(void)revents;
	struct stw_stats *stats = stw_publish_stats(e->publish);
	if (!stats)
		return;
	e->clock = stw_flight_clock_now(stats);
	e->left = A_ROUND;
	e->c.lost += stw_flights_read(stats, STW_RECORDS_ALL, &e->cursor, send_one, e);
}

static int connect_to(const struct stw_endpoint *server)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(server->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(server->port)};
	bool v4 = stw_ip_is_v4(&server->ip);

	memcpy(&in.sin_addr, server->ip.b + 12, 4);
	memcpy(&in6.sin6_addr, server->ip.b, 16);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6,
			       v4 ? sizeof(in) : sizeof(in6)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

struct stw_export *stw_export_new(struct ev_loop *loop, struct stw_publish *publish)
{
	struct stw_export *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->loop = loop;
	e->publish = publish;
	e->fd = -1;
	ev_timer_init(&e->timer, on_timer, ROUND_S, ROUND_S);
	e->timer.data = e;
	return e;
}

static void stop(struct stw_export *e)
{
	ev_timer_stop(e->loop, &e->timer);
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

void stw_export_to(struct stw_export *e, const struct stw_endpoint *server, uint32_t node)
{
	e->node = node;
	if (server && e->fd >= 0 && stw_endpoint_equal(server, &e->server))
		return;
	stop(e);
	if (!server)
		return;
	e->server = *server;
	e->fd = connect_to(server);
	if (e->fd < 0) {
		stw_warn("hep: no way to the server: messages are not exported");
		return;
	}
	struct stw_stats *stats = stw_publish_stats(e->publish);
	if (stats)
		stw_flights_skip(stats, STW_RECORDS_ALL, &e->cursor);
	ev_timer_again(e->loop, &e->timer);
}

const struct stw_export_counters *stw_export_counters(const struct stw_export *e)
{
	return &e->c;
}

void stw_export_free(struct stw_export *e)
{
	if (!e)
		return;
	stop(e);
	free(e);
}
