/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolve/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ares.h>
#include <ev.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#define TIMEOUT_MS 1000 /* of the first try; a message waits 5 s in all (slow/queue.h) */
#define TRIES	   2
#define SERVERS	   8

/* A socket of c-ares's in our loop. */
struct watch {
	struct watch *next;
	struct ev_io io;
};

struct stw_dns {
	struct ev_loop *loop;
	ares_channel channel;
	bool has_channel;
	struct watch *watches;
	struct ev_timer timer;
	size_t n_asked; /* under way */
	struct stw_endpoint servers[SERVERS];
	size_t n_servers;
};

struct question {
	struct stw_dns *dns;
	uint16_t type;
	stw_dns_answered_fn *answered;
	void *arg;
};

static void set_timer(struct stw_dns *d)
{
	struct timeval tv;

	ev_timer_stop(d->loop, &d->timer);
	if (!d->has_channel || !ares_timeout(d->channel, NULL, &tv))
		return;
	ev_now_update(d->loop);
	ev_timer_set(&d->timer, (double)tv.tv_sec + (double)tv.tv_usec / 1e6 + 0.001, 0.);
	ev_timer_start(d->loop, &d->timer);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_dns *d = timer->data;

	(void)loop;
	(void)revents;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(d);
}

static void on_socket(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct stw_dns *d = io->data;
	int fd = io->fd; /* @io may be gone after the call */

	(void)loop;
	ares_process_fd(d->channel, revents & EV_READ ? fd : ARES_SOCKET_BAD,
			revents & EV_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(d);
}

static struct watch **find_watch(struct stw_dns *d, int fd)
{
	struct watch **at = &d->watches;

	while (*at && (*at)->io.fd != fd)
		at = &(*at)->next;
	return at;
}

static void drop_watch(struct stw_dns *d, struct watch **at)
{
	struct watch *w = *at;

	*at = w->next;
	ev_io_stop(d->loop, &w->io);
	free(w);
}

/* c-ares opens, closes, or waits otherwise. */
static void socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct stw_dns *d = arg;
	struct watch **at = find_watch(d, fd);
	int events = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);

	if (*at && events == 0) {
		drop_watch(d, at);
		return;
	}
	if (!*at) {
		if (events == 0)
			return;
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return; /* the question times out */
		ev_init(&(*at)->io, on_socket);
		(*at)->io.data = d;
	}
	ev_io_stop(d->loop, &(*at)->io);
	ev_io_set(&(*at)->io, fd, events);
	ev_io_start(d->loop, &(*at)->io);
}

static void drop_channel(struct stw_dns *d)
{
	bool had = d->has_channel;

	ev_timer_stop(d->loop, &d->timer);
	d->has_channel = false; /* whoever is told of a failure may ask again at once */
	if (had)
		ares_destroy(d->channel);
	while (d->watches)
		drop_watch(d, &d->watches);
}

static int open_channel(struct stw_dns *d, const char *servers, ares_channel *out)
{
	struct ares_options options = {.flags = ARES_FLAG_NOALIASES | ARES_FLAG_NOSEARCH,
				       .timeout = TIMEOUT_MS,
				       .tries = TRIES,
				       .sock_state_cb = socket_state,
				       .sock_state_cb_data = d};
	int err = ares_init_options(out, &options,
				    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					    ARES_OPT_SOCK_STATE_CB);

	if (err == ARES_SUCCESS && *servers) {
		err = ares_set_servers_ports_csv(*out, servers);
		if (err != ARES_SUCCESS)
			ares_destroy(*out);
	}
	if (err == ARES_SUCCESS)
		return STW_OK;
	stw_error("resolver: %s", ares_strerror(err));
	return err == ARES_ENOMEM ? STW_ENOMEM : STW_EIO;
}

static bool is_same(const struct stw_dns *d, const struct stw_endpoint *servers, size_t n)
{
	return d->has_channel && n == d->n_servers &&
	       (n == 0 || memcmp(servers, d->servers, n * sizeof(*servers)) == 0);
}

struct stw_dns *stw_dns_new(struct ev_loop *loop)
{
	struct stw_dns *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(d);
		return NULL;
	}
	d->loop = loop;
	ev_init(&d->timer, on_timer);
	d->timer.data = d;
	return d;
}

int stw_dns_use(struct stw_dns *d, const struct stw_endpoint *servers, size_t n_servers)
{
	char text[SERVERS * (STW_ENDPOINT_TEXT + 1)] = "";
	size_t n = 0;
	ares_channel channel;

	if (n_servers > SERVERS)
		n_servers = SERVERS;
	if (is_same(d, servers, n_servers) && (n_servers > 0 || d->n_asked > 0))
		return STW_OK;
	for (size_t i = 0; i < n_servers; i++) {
		if (i > 0)
			text[n++] = ',';
		n += stw_endpoint_format(&servers[i], text + n);
	}
	int err = open_channel(d, text, &channel);
	if (err)
		return err;
	drop_channel(d);
	d->channel = channel;
	d->has_channel = true;
	d->n_servers = n_servers;
	if (n_servers > 0)
		memcpy(d->servers, servers, n_servers * sizeof(*servers));
	return STW_OK;
}

static bool is_answer(int status)
{
	return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *message, int len)
{
	struct question *q = arg;
	struct stw_dns_answer answer;
	int err = STW_EIO;

	(void)timeouts;
	q->dns->n_asked--;
	if (is_answer(status) && message && len > 0 &&
	    stw_dns_read(message, (size_t)len, q->type, &answer) == STW_OK)
		err = STW_OK;
	q->answered(q->arg, err, err ? NULL : &answer);
	free(q);
}

void stw_dns_ask(struct stw_dns *d, const char *name, uint16_t type, stw_dns_answered_fn *answered,
		 void *arg)
{
	struct question *q = d->has_channel ? calloc(1, sizeof(*q)) : NULL;

	if (!q) {
		answered(arg, STW_EIO, NULL);
		return;
	}
	*q = (struct question){d, type, answered, arg};
	d->n_asked++;
	ares_query(d->channel, name, 1, type, on_answer, q);
	set_timer(d);
}

void stw_dns_free(struct stw_dns *d)
{
	if (!d)
		return;
	drop_channel(d);
	ares_library_cleanup();
	free(d);
}
