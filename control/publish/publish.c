/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/publish/publish.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/now.h"
#include "control/publish/channel.h"
#include "control/publish/served.h"
#include "control/publish/stats_map.h"

#define BACKOFF_MIN_S 0.05
#define BACKOFF_MAX_S 0.25 /* an attempt costs next to nothing, waiting costs calls */
#define STEADY_S      5.0  /* a link that lasted this long was a good one: back-off starts over */
#define HELLO_WAIT_S  2.0
#define RESULT_WAIT_S 10.0

struct stw_publish {
	struct ev_loop *loop;
	struct stw_publish_owner owner;
	char socket[108];
	struct ev_io io;
	struct ev_timer timer; /* WAITING: next attempt; GREETING, IN_FLIGHT: patience */
	struct ev_timer kick;  /* sends from the loop, not from inside the caller */
	int fd;
	double backoff_s;
	struct stw_stats *stats;
	struct stw_publish_status status;
	double since_s;		    /* as status.since_unix_s, by a clock that nobody sets */
	uint64_t newest_generation; /* highest ever used or heard of */
	struct stw_image sent;	    /* not yet answered: in flight, or lost with the link */
	uint64_t sent_change;	    /* newest change in it */
	struct stw_image good;	    /* last one accepted */
	bool good_again;	    /* what is in flight is @good, not @sent */
	bool again;		    /* the data plane lacks what we last sent */
	bool location_told;	    /* whether there is a location table is known: */
	int location_fd;
	bool log_told; /* somebody asked for: */
	enum stw_log_level log_level;
	enum stw_log_format log_format;
};

static void send_newest(struct stw_publish *p);

static void set_timer(struct stw_publish *p, double after_s)
{
	ev_timer_stop(p->loop, &p->timer);
	ev_timer_set(&p->timer, after_s, 0.);
	ev_timer_start(p->loop, &p->timer);
}

static bool is_up(const struct stw_publish *p)
{
	return p->status.link >= STW_LINK_IDLE;
}

/* Notes why we wait; a reason is logged when it is new, not at each attempt. */
static void wait_because(struct stw_publish *p, const char *reason)
{
	if (strcmp(p->status.reason, reason) != 0)
		stw_warn("waiting for the data plane at %s: %s", p->socket, reason);
	snprintf(p->status.reason, sizeof(p->status.reason), "%s", reason);
	p->status.link = STW_LINK_WAITING;
	set_timer(p, p->backoff_s);
	p->backoff_s *= 2;
	if (p->backoff_s > BACKOFF_MAX_S)
		p->backoff_s = BACKOFF_MAX_S;
}

static void lose(struct stw_publish *p, const char *reason)
{
	bool was_up = is_up(p);
	ev_io_stop(p->loop, &p->io);
	ev_timer_stop(p->loop, &p->kick);
	close(p->fd);
	p->fd = -1;
	stw_stats_unmap(p->stats);
	p->stats = NULL;
	if (was_up) {
		if (stw_now_s() - p->since_s > STEADY_S)
			p->backoff_s = BACKOFF_MIN_S;
		p->since_s = stw_now_s();
		p->status.since_unix_s = ev_now(p->loop);
		p->status.pid = 0;
		p->status.n_lanes = 0;
		p->status.generation = 0;
	}
	wait_because(p, reason);
	if (was_up)
		p->owner.link(p->owner.ctx, false);
}

static void settle(struct stw_publish *p, uint64_t change, uint64_t generation, int err,
		   const char *reason)
{
	if (change <= p->status.settled)
		return;
	p->status.settled = change;
	struct stw_publish_result r = {.change = change,
				       .generation = generation,
				       .err = err,
				       .reason = reason};
	p->owner.settled(p->owner.ctx, &r);
}

static void note_refusal(struct stw_publish *p, uint64_t generation, const char *reason)
{
	p->status.refused_generation = generation;
	snprintf(p->status.refused_reason, sizeof(p->status.refused_reason), "%s", reason);
	p->status.refused_unix_s = ev_now(p->loop);
}

static void drop_sent(struct stw_publish *p)
{
	stw_image_fini(&p->sent);
	memset(&p->sent, 0, sizeof(p->sent));
}

static void note_served(struct stw_publish *p)
{
	p->status.generation = p->good.generation;
	memcpy(p->status.digest, p->good.digest, sizeof(p->status.digest));
}

/* The image in p->sent is served: it becomes the last good one. */
static void accept_sent(struct stw_publish *p)
{
	stw_image_fini(&p->good);
	p->good = p->sent;
	memset(&p->sent, 0, sizeof(p->sent));
	note_served(p);
	p->status.refused_generation = 0;
	p->status.refused_reason[0] = '\0';
	p->owner.acknowledged(p->owner.ctx, p->good.generation);
	settle(p, p->sent_change, p->good.generation, STW_OK, "");
}

static void send_image(struct stw_publish *p, const struct stw_image *image)
{
	int err = stw_channel_send_image(p->fd, image->generation, image->bytes, image->size_bytes);
	if (err) {
		lose(p, err == STW_ENOMEM ? "no memory for the image" : "the image was not taken");
		return;
	}
	p->good_again = image == &p->good;
	p->status.link = STW_LINK_IN_FLIGHT;
	set_timer(p, RESULT_WAIT_S);
	stw_debug("sent generation %llu, %zu bytes", (unsigned long long)image->generation,
		  image->size_bytes);
}

static void send_newest(struct stw_publish *p)
{
	if (p->status.link != STW_LINK_IDLE ||
	    (p->status.settled == p->status.changes && !p->again))
		return;
	uint64_t change = p->status.changes;
	char reason[STW_PUBLISH_REASON] = "";
	struct stw_image image;
	int err = p->owner.build(p->owner.ctx, p->newest_generation + 1, &image, reason,
				 sizeof(reason));
	p->again = false;
	if (err) {
		stw_error("tables cannot be built: %s", reason);
		note_refusal(p, 0, reason);
		settle(p, change, 0, err, reason);
		return;
	}
	p->newest_generation++;
	drop_sent(p);
	p->sent = image;
	p->sent_change = change;
	send_image(p, &p->sent);
}

/* The newest was refused by a data plane that serves nothing: better the last good one. */
static void send_good_again(struct stw_publish *p)
{
	stw_warn("sending the last good tables again, generation %llu",
		 (unsigned long long)p->good.generation);
	send_image(p, &p->good);
}

static void refused(struct stw_publish *p, const struct stw_ctl_result *r)
{
	char reason[STW_PUBLISH_REASON];
	snprintf(reason, sizeof(reason), "%s: %s", stw_err_text(r->err), r->reason);
	stw_error("the data plane refused generation %llu: %s; it goes on with generation %llu",
		  (unsigned long long)r->generation, reason,
		  (unsigned long long)p->status.generation);
	if (p->good_again)
		return;
	note_refusal(p, r->generation, reason);
	drop_sent(p);
	settle(p, p->sent_change, r->generation, r->err, reason);
	if (p->status.generation == 0 && p->good.bytes && p->status.changes == p->status.settled)
		send_good_again(p);
}

/* Somebody else raised the served generation: ours must go above it. */
static bool overtaken(struct stw_publish *p, const struct stw_ctl_result *r)
{
	uint64_t served = atomic_load_explicit(&p->stats->generation, memory_order_relaxed);
	if (r->err != STW_ESTALE || served < r->generation)
		return false;
	p->newest_generation = served;
	p->again = true;
	return true;
}

static void accepted(struct stw_publish *p, const struct stw_ctl_result *r)
{
	p->status.check_ns = r->check_ns;
	p->status.swap_ns = r->swap_ns;
	stw_info("generation %llu is served (checked in %llu us, swapped in %llu us)",
		 (unsigned long long)r->generation, (unsigned long long)r->check_ns / 1000,
		 (unsigned long long)r->swap_ns / 1000);
	if (p->good_again)
		note_served(p);
	else
		accept_sent(p);
}

static void on_result(struct stw_publish *p, const struct stw_ctl_result *r)
{
	const struct stw_image *flying = p->good_again ? &p->good : &p->sent;
	if (p->status.link != STW_LINK_IN_FLIGHT || r->generation != flying->generation) {
		lose(p, "it answered an image that was not sent");
		return;
	}
	ev_timer_stop(p->loop, &p->timer);
	p->status.link = STW_LINK_IDLE;
	if (r->err == STW_OK)
		accepted(p, r);
	else if (!overtaken(p, r))
		refused(p, r);
	send_newest(p);
}

static bool serves(const struct stw_ctl_hello *h, const struct stw_image *image)
{
	return image->bytes && h->generation == image->generation &&
	       memcmp(h->digest, image->digest, sizeof(h->digest)) == 0;
}

/* What the data plane serves decides what it still needs. */
static void compare_served(struct stw_publish *p, const struct stw_channel_message *m)
{
	const struct stw_ctl_hello *h = &m->hello;
	p->status.generation = h->generation;
	memcpy(p->status.digest, h->digest, sizeof(h->digest));
	if (h->generation > p->newest_generation)
		p->newest_generation = h->generation;
	p->again = p->status.changes > 0;
	if (serves(h, &p->sent)) {
		/* Its RESULT was lost with the link. */
		accept_sent(p);
		p->again = false;
	} else if (serves(h, &p->good)) {
		p->again = false;
	} else if (h->has_image) {
		struct stw_tables *served = stw_served_read(m->fds[1]);
		if (served)
			p->owner.adopt(p->owner.ctx, served);
		stw_served_free(served);
	}
}

/* A data plane that cannot take it now hears it with the next connection. */
static void send_log(struct stw_publish *p)
{
	if (p->log_told && is_up(p) &&
	    stw_channel_send_log(p->fd, p->log_level, p->log_format) != STW_OK)
		stw_warn("the data plane was not told how to log: it does not read its socket");
}

/* Without it users are located as before, or by control. */
static void send_location(struct stw_publish *p)
{
	if (p->location_told && is_up(p) &&
	    stw_channel_send_location(p->fd, p->location_fd) != STW_OK)
		stw_warn("the data plane does not have the location table: it does not read its "
			 "socket");
}

static void on_hello(struct stw_publish *p, struct stw_channel_message *m)
{
	char reason[STW_PUBLISH_REASON];
	if (p->status.link != STW_LINK_GREETING) {
		lose(p, "it greeted twice");
		return;
	}
	if (stw_stats_map(m->fds[0], reason, sizeof(reason), &p->stats)) {
		lose(p, reason);
		return;
	}
	ev_timer_stop(p->loop, &p->timer);
	p->status.link = STW_LINK_IDLE;
	p->since_s = stw_now_s();
	p->status.since_unix_s = ev_now(p->loop);
	p->status.reason[0] = '\0';
	p->status.pid = m->hello.pid;
	p->status.n_lanes = m->hello.n_lanes;
	stw_info("data plane connected: pid %llu, serves generation %llu",
		 (unsigned long long)m->hello.pid, (unsigned long long)m->hello.generation);
	send_log(p);
	send_location(p);
	compare_served(p, m);
	p->owner.link(p->owner.ctx, true);
	send_newest(p);
}

static const char *receive_trouble(int err)
{
	switch (err) {
	case STW_ENOENT: return "it closed the connection";
	case STW_EVERSION:
		return "it speaks another version of the protocol: install both from one build";
	case STW_EMALFORMED: return "it sent a malformed message";
	default: return "the connection broke";
	}
}

static void on_readable(struct ev_loop *loop, struct ev_io *io, int revents)
{
	(void)loop;
	(void)revents;
	struct stw_publish *p = io->data;
	struct stw_channel_message m;
	int err = stw_channel_receive(p->fd, &m);
	if (err == STW_EAGAIN)
		return;
	if (err) {
		lose(p, receive_trouble(err));
		return;
	}
	if (m.header.type == STW_CTL_HELLO)
		on_hello(p, &m);
	else
		on_result(p, &m.result);
	stw_channel_close_fds(&m);
}

static void attempt(struct stw_publish *p)
{
	p->fd = stw_channel_connect(p->socket);
	if (p->fd < 0) {
		wait_because(p, errno == ENOENT || errno == ECONNREFUSED ? "it is not running"
									 : strerror(errno));
		return;
	}
	p->status.link = STW_LINK_GREETING;
	ev_io_set(&p->io, p->fd, EV_READ);
	ev_io_start(p->loop, &p->io);
	set_timer(p, HELLO_WAIT_S);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct stw_publish *p = timer->data;
	switch (p->status.link) {
	case STW_LINK_WAITING: attempt(p); break;
	case STW_LINK_GREETING: lose(p, "it did not greet"); break;
	case STW_LINK_IN_FLIGHT: lose(p, "it did not answer an image"); break;
	case STW_LINK_IDLE: break;
	}
}

static void on_kick(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	send_newest(timer->data);
}

struct stw_publish *stw_publish_new(struct ev_loop *loop, const char *socket,
				    const struct stw_publish_owner *owner)
{
	struct stw_publish *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->loop = loop;
	p->owner = *owner;
	p->fd = -1;
	p->backoff_s = BACKOFF_MIN_S;
	p->since_s = stw_now_s();
	p->status.since_unix_s = ev_now(loop);
	snprintf(p->socket, sizeof(p->socket), "%s", socket);
	ev_init(&p->io, on_readable);
	ev_init(&p->timer, on_timer);
	ev_timer_init(&p->kick, on_kick, 0., 0.);
	p->io.data = p->timer.data = p->kick.data = p;
	return p;
}

void stw_publish_start(struct stw_publish *p)
{
	attempt(p);
}

uint64_t stw_publish_change(struct stw_publish *p)
{
	if (is_up(p) && !ev_is_active(&p->kick)) {
		ev_timer_set(&p->kick, 0., 0.);
		ev_timer_start(p->loop, &p->kick);
	}
	return ++p->status.changes;
}

void stw_publish_log(struct stw_publish *p, enum stw_log_level level, enum stw_log_format format)
{
	p->log_told = true;
	p->log_level = level;
	p->log_format = format;
	send_log(p);
}

void stw_publish_location(struct stw_publish *p, int table_fd)
{
	p->location_told = true;
	p->location_fd = table_fd;
	send_location(p);
}

int stw_publish_lanes(struct stw_publish *p, uint32_t n, int memory, int doorbell)
{
	return is_up(p) ? stw_channel_send_lanes(p->fd, n, memory, doorbell) : STW_EAGAIN;
}

void stw_publish_get_status(const struct stw_publish *p, struct stw_publish_status *out)
{
	*out = p->status;
}

struct stw_stats *stw_publish_stats(const struct stw_publish *p)
{
	return p->stats;
}

void stw_publish_free(struct stw_publish *p)
{
	if (!p)
		return;
	ev_io_stop(p->loop, &p->io);
	ev_timer_stop(p->loop, &p->timer);
	ev_timer_stop(p->loop, &p->kick);
	if (p->fd >= 0)
		close(p->fd);
	stw_stats_unmap(p->stats);
	stw_image_fini(&p->sent);
	stw_image_fini(&p->good);
	free(p);
}
