/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/slow.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/decide/desk.h"
#include "control/slow/handover.h"
#include "control/slow/locate.h"
#include "control/slow/registering.h"
#include "control/slow/route_watch.h"
#include "control/slow/sockets.h"
#include "control/slow/waiting.h"
#include "dataplane/table/tables.h"

/* A message on its way through the decision. */
struct passing {
	char *bytes;
	size_t len, room;
	struct stw_endpoint local;
	struct stw_source src;
	struct stw_sip_msg msg;
	struct stw_verdict v;
	uint32_t serves; /* of the tables that @v is by */
};

/* What leaves, to be sent in one go. */
struct leaving {
	stw_datagrams_send_fn *send;
	void *ctx;
	size_t n;
	struct stw_datagram d[STW_SLOW_BATCH];
	uint64_t *count[STW_SLOW_BATCH]; /* what each is, once it is sent */
};

struct stw_slow {
	struct ev_loop *loop;
	struct stw_names *names;
	struct stw_sockets *sockets;
	struct stw_handover *handover;
	struct stw_registering *registering;
	bool linked; /* sockets are open */
	struct stw_desk desk;
	uint32_t serves;	       /* grows when the desk changes */
	const struct stw_model *model; /* of stw_slow_listen() */
	struct stw_route_watch *routes;
	struct stw_waiting *waiting; /* for a name */
	struct stw_slow_watch watch;
	struct stw_slow_counters c;
	struct stw_located located; /* of the message in hand */
	struct leaving leaving;
	/* of the batch in hand: its REGISTERs, and behind them the message in hand */
	struct passing passing[STW_SLOW_BATCH];
	struct stw_registering_request request[STW_SLOW_BATCH];
	size_t n_registers;
};

static void by_sockets(void *ctx, struct stw_datagram *d, size_t n)
{
	struct stw_slow *s = ctx;

	stw_sockets_send(s->sockets, d, n);
}

/* What the kernel alone knows a way to, or what came by a lane that is gone since, leaves by the
 * sockets. */
static bool workers_reach(const struct stw_slow *s, const struct stw_endpoint *peer)
{
	struct stw_hop hop;

	return stw_handover_is_open(s->handover) &&
	       stw_fib_lookup(s->desk.ways.fib, &peer->ip, &hop) == STW_OK &&
	       hop.iface != s->desk.ways.nowhere;
}

static void by_workers(void *ctx, struct stw_datagram *d, size_t n)
{
	struct stw_slow *s = ctx;

	for (size_t i = 0; i < n; i++) {
		if (workers_reach(s, &d[i].peer))
			d[i].sent = stw_handover_send(s->handover, &d[i]);
		else
			stw_sockets_send(s->sockets, &d[i], 1);
	}
}

static void send_leaving(struct stw_slow *s)
{
	struct leaving *l = &s->leaving;

	if (l->n > 0)
		l->send(l->ctx, l->d, l->n);
	for (size_t i = 0; i < l->n; i++) {
		if (l->d[i].sent) {
			(*l->count[i])++;
		} else {
			s->c.send_failed++;
			s->c.dropped++;
		}
	}
	l->n = 0;
}

/* Each message makes one leave at most, so there is room. */
static void leave(struct stw_slow *s, const struct passing *p, uint16_t listener,
		  const struct stw_rewritten *r)
{
	struct leaving *l = &s->leaving;

	l->count[l->n] = p->v.action == STW_ACTION_FORWARD ? &s->c.sent : &s->c.answered;
	l->d[l->n++] = (struct stw_datagram){
		.local = stw_tables_listener(s->desk.tables, listener)->address,
		.peer = p->v.dst,
		.bytes = p->bytes + r->start,
		.len = r->len};
}

static void carry_out(struct stw_slow *s, struct passing *p)
{
	struct stw_rewritten r = {0, 0};
	int err = STW_EMALFORMED;

	if (p->v.action == STW_ACTION_FORWARD) {
		stw_desk_went(&s->desk, &p->msg, &p->v, &s->located);
		err = stw_rewrite(&s->desk.snap, &p->msg, &p->src, &p->v, p->bytes, &r);
	} else if (p->v.action == STW_ACTION_ANSWER)
		err = stw_answer(&s->desk.snap, &p->msg, &p->src, &p->v, p->bytes, p->room, &r);
	if (err != STW_OK)
		s->c.dropped++;
	else
		leave(s, p,
		      p->v.action == STW_ACTION_FORWARD ? p->v.listener_out : p->v.listener_in, &r);
}

static void refuse(struct stw_slow *s, struct passing *p)
{
	static const char *const phrases[] = {
		[STW_KERNEL_FOR_NAME] = "Name Not Resolved",
		[STW_KERNEL_FOR_REGISTRAR] = "Registrar Unavailable",
		[STW_KERNEL_FOR_LOCATION] = "Location Unavailable",
		[STW_KERNEL_FOR_HEALTH] = "",
		[STW_KERNEL_FOR_RULE] = "Nobody Takes It Here",
	};

	stw_route_refuse(&s->desk.snap, p->bytes, &p->msg, &p->src, &p->v, 503,
			 phrases[p->v.kernel_for]);
	carry_out(s, p);
}

/* @return false: it is no message, or none of ours */
static bool decide(struct stw_slow *s, struct passing *p)
{
	int listener = s->desk.tables ? stw_tables_find_listener(s->desk.tables, &p->local) : -1;

	if (listener < 0)
		return false;
	p->src.listener = (uint16_t)listener;
	p->serves = s->serves;
	s->desk.registrar = stw_registering_registrar(s->registering, NULL);
	stw_sip_parse(p->bytes, p->len, &p->msg);
	if (p->msg.kind != STW_SIP_REQUEST && p->msg.kind != STW_SIP_RESPONSE)
		return false;
	p->src.headroom = STW_SLOW_HEADROOM;
	p->src.memory = stw_went_memory(s->desk.went);
	stw_desk_route(&s->desk, p->bytes, &p->msg, &p->src, &s->located, &p->v);
	return true;
}

/* @return false: there is no room for it */
static bool hold(struct stw_slow *s, const struct passing *p)
{
	const struct stw_waiting_message m = {.datagram = {.local = p->local,
							   .peer = p->src.peer,
							   .bytes = p->bytes,
							   .len = (uint32_t)p->len},
					      .send = s->leaving.send,
					      .ctx = s->leaving.ctx};

	return stw_waiting_add(s->waiting, &m);
}

static int ask(struct stw_slow *s, const struct passing *p)
{
	char name[STW_IMAGE_NAME_MAX];
	uint8_t len = stw_name_canonical(p->v.name_in + p->v.name.off, p->v.name.len, name);

	return stw_names_ask(s->names, name, len, p->v.name_port, &p->src.peer.ip);
}

/* The registrar's answer, in the form all our answers have. */
static void answer_register(struct stw_slow *s, struct passing *p,
			    const struct stw_registrar_answer *a)
{
	const struct stw_answer_more more = {a->lines, a->len, a->known};
	struct stw_rewritten r;

	/* What a change of bindings sets off may bring new tables. */
	if (p->serves != s->serves && !decide(s, p)) {
		s->c.dropped++;
		return;
	}
	p->v.retry_after_s = a->retry_after_s;
	stw_route_refuse(&s->desk.snap, p->bytes, &p->msg, &p->src, &p->v, a->status, a->phrase);
	if (p->v.action != STW_ACTION_ANSWER ||
	    stw_answer_with(&s->desk.snap, &p->msg, &p->src, &p->v, &more, p->bytes, p->room, &r) !=
		    STW_OK)
		s->c.dropped++;
	else
		leave(s, p, p->v.listener_in, &r);
}

/* After all others: what a REGISTER changes is nobody's business before it lasts. */
static void answer_registers(struct stw_slow *s)
{
	const size_t n = s->n_registers;

	if (n > 0)
		stw_registering_handle(s->registering, s->request, n);
	for (size_t i = 0; i < n; i++)
		answer_register(s, &s->passing[i], &s->request[i].answer);
	s->n_registers = 0;
}

/* @param p  the one behind the REGISTERs of this batch */
static bool give_to_registrar(struct stw_slow *s, const struct passing *p)
{
	struct stw_registering_request *q = &s->request[s->n_registers];

	if (!s->desk.registrar)
		return false;
	q->bytes = p->bytes;
	q->msg = &p->msg;
	q->local = p->local;
	q->peer = p->src.peer;
	s->n_registers++;
	return true;
}

static void wait_for_name(struct stw_slow *s, struct passing *p)
{
	if (ask(s, p) == STW_OK && hold(s, p))
		return;
	s->c.queue_full++;
	refuse(s, p);
}

/* What the workers leave to control. */
static void take_on(struct stw_slow *s, struct passing *p)
{
	switch ((enum stw_kernel_for)p->v.kernel_for) {
	case STW_KERNEL_FOR_NAME: wait_for_name(s, p); break;
	case STW_KERNEL_FOR_LOCATION: refuse(s, p); break; /* no registrar, or no store */
	case STW_KERNEL_FOR_REGISTRAR:
		if (!give_to_registrar(s, p))
			refuse(s, p);
		break;
	case STW_KERNEL_FOR_RULE: refuse(s, p); break;
	case STW_KERNEL_FOR_HEALTH: s->c.dropped++; break; /* told before */
	}
}

static void take_one(struct stw_slow *s, const struct stw_datagram *d)
{
	struct passing *p = &s->passing[s->n_registers];

	p->bytes = d->bytes;
	p->len = d->len;
	p->room = d->room;
	p->local = d->local;
	p->src = (struct stw_source){.peer = d->peer};
	bool decided = decide(s, p);
	if (decided && p->v.action == STW_ACTION_KERNEL &&
	    p->v.kernel_for == STW_KERNEL_FOR_HEALTH) {
		s->c.own++;
		if (s->watch.answered)
			s->watch.answered(s->watch.ctx, &d->peer, p->bytes, &p->msg);
		return;
	}
	s->c.received++;
	if (!decided) {
		s->c.dropped++;
	} else if (p->v.action != STW_ACTION_KERNEL) {
		carry_out(s, p);
	} else {
		take_on(s, p);
	}
}

void stw_slow_take(struct stw_slow *s, struct stw_datagram *d, size_t n,
		   stw_datagrams_send_fn *send, void *ctx)
{
	s->leaving.send = send ? send : by_sockets;
	s->leaving.ctx = send ? ctx : s;
	for (size_t from = 0; from < n; from += STW_SLOW_BATCH) {
		for (size_t i = from; i < n && i < from + STW_SLOW_BATCH; i++)
			take_one(s, &d[i]);
		answer_registers(s);
		send_leaving(s);
	}
	s->leaving.send = by_sockets;
	s->leaving.ctx = s;
}

static void received(void *ctx, struct stw_datagram *d, size_t n)
{
	stw_slow_take(ctx, d, n, NULL, NULL);
}

static void handed_over(void *ctx, struct stw_datagram *d, size_t n)
{
	stw_slow_take(ctx, d, n, by_workers, ctx);
}

static void refused(void *ctx, const struct stw_endpoint *local, const struct stw_endpoint *peer,
		    const char *quoted, size_t len)
{
	struct stw_slow *s = ctx;

	(void)local;
	if (s->watch.refused)
		s->watch.refused(s->watch.ctx, peer, quoted, len);
}

/* Decide once more. @return true: it need not wait any longer, and did go its way */
static bool retry(void *ctx, const struct stw_waiting_message *m, bool is_late)
{
	struct stw_slow *s = ctx;
	const struct stw_datagram *d = &m->datagram;
	struct passing p = {.bytes = d->bytes,
			    .len = d->len,
			    .room = d->room,
			    .local = d->local,
			    .src = {.peer = d->peer}};

	s->leaving.send = m->send;
	s->leaving.ctx = m->ctx;
	if (!decide(s, &p)) {
		s->c.dropped++;
	} else if (p.v.action != STW_ACTION_KERNEL) {
		carry_out(s, &p);
	} else if (is_late) {
		s->c.timed_out++;
		refuse(s, &p);
	} else {
		return false;
	}
	send_leaving(s);
	return true;
}

struct stw_slow *stw_slow_new(struct ev_loop *loop, struct stw_names *names)
{
	struct stw_slow *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = loop;
	s->names = names;
	s->leaving.send = by_sockets;
	s->leaving.ctx = s;
	s->sockets = stw_sockets_new(loop, received, refused, s);
	s->handover = stw_handover_new(loop, handed_over, s, &s->c.damaged);
	s->registering = stw_registering_new(loop);
	s->waiting = stw_waiting_new(loop, retry, s, &s->c.waiting);
	s->desk.went = stw_went_new();
	if (!s->sockets || !s->handover || !s->registering || !s->waiting || !s->desk.went) {
		stw_slow_free(s);
		return NULL;
	}
	return s;
}

/* Those decided by before stay when there is no memory. */
static void routes_changed(void *arg)
{
	struct stw_slow *s = arg;

	s->serves++;
	if (s->model && stw_desk_ways(&s->desk, s->model))
		stw_error("slow path: it goes on with older routes: no memory");
}

int stw_slow_listen(struct stw_slow *s, const struct stw_model *m)
{
	int err = stw_desk_ways(&s->desk, m);

	s->model = err ? NULL : m;
	s->serves++;
	if (err)
		return err;
	if (!s->routes)
		s->routes = stw_route_watch_new(s->loop, routes_changed, s);
	stw_registering_configure(s->registering, m);
	if (s->linked)
		stw_sockets_listen(s->sockets, m);
	return STW_OK;
}

void stw_slow_link(struct stw_slow *s, const struct stw_model *m, bool up)
{
	s->linked = up;
	if (up)
		stw_sockets_listen(s->sockets, m);
	else
		stw_sockets_close(s->sockets);
	if (!up)
		stw_handover_close(s->handover);
}

int stw_slow_lanes(struct stw_slow *s, uint32_t n, int *memory, int *doorbell)
{
	return stw_handover_open(s->handover, n, memory, doorbell);
}

void stw_slow_no_lanes(struct stw_slow *s)
{
	stw_handover_close(s->handover);
}

void stw_slow_serve(struct stw_slow *s, const struct stw_image *image)
{
	char reason[160];

	if (stw_desk_serve(&s->desk, image, reason, sizeof(reason))) {
		stw_error("slow path: it goes on with older tables: %s", reason);
		return;
	}
	s->serves++;
	stw_waiting_retry(s->waiting);
}

const struct stw_desk *stw_slow_desk(struct stw_slow *s)
{
	s->desk.registrar = stw_registering_registrar(s->registering, NULL);
	return &s->desk;
}

struct stw_registering *stw_slow_registering(const struct stw_slow *s)
{
	return s->registering;
}

void stw_slow_watch(struct stw_slow *s, const struct stw_slow_watch *watch)
{
	s->watch = *watch;
}

int stw_slow_way(const struct stw_slow *s, const struct stw_endpoint *peer,
		 struct stw_endpoint *local, const struct stw_secret **secret)
{
	struct stw_hop hop;

	if (!s->desk.tables || !s->linked)
		return STW_EAGAIN;
	if (stw_fib_lookup(s->desk.ways.fib, &peer->ip, &hop) != STW_OK ||
	    (!stw_ways_has_kernel(&s->desk.ways, hop.iface) && !stw_handover_is_open(s->handover)))
		return STW_ENOENT;
	uint16_t listener = s->desk.snap.facing[hop.iface][!stw_ip_is_v4(&peer->ip)];
	if (listener == STW_NO_LISTENER)
		return STW_ENOENT;
	*local = stw_tables_listener(s->desk.tables, listener)->address;
	*secret = &s->desk.tables->secrets[0];
	return STW_OK;
}

/* By the kernel where it has a side: it tells when nobody is there. */
bool stw_slow_send(struct stw_slow *s, const struct stw_endpoint *local,
		   const struct stw_endpoint *peer, const char *bytes, size_t len)
{
	struct stw_hop hop;
	struct stw_datagram d = {.local = *local,
				 .peer = *peer,
				 .bytes = (char *)(uintptr_t)bytes,
				 .len = (uint32_t)len};

	if (stw_fib_lookup(s->desk.ways.fib, &peer->ip, &hop) == STW_OK &&
	    !stw_ways_has_kernel(&s->desk.ways, hop.iface))
		return stw_handover_send(s->handover, &d);
	stw_sockets_send(s->sockets, &d, 1);
	return d.sent;
}

const struct stw_slow_counters *stw_slow_counters(const struct stw_slow *s)
{
	return &s->c;
}

void stw_slow_free(struct stw_slow *s)
{
	if (!s)
		return;
	stw_waiting_free(s->waiting);
	stw_route_watch_free(s->routes);
	stw_registering_free(s->registering);
	stw_handover_free(s->handover);
	stw_sockets_free(s->sockets);
	stw_went_free(s->desk.went);
	stw_desk_fini(&s->desk);
	free(s);
}
