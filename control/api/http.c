/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/http.h"

#include <ev.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strowger/log.h>

#include "control/api/port.h"

/* The status page is one file: nothing is loaded from elsewhere, and nobody may frame it. */
#define PAGE_POLICY                                                                   \
	"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; " \
	"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "    \
	"frame-ancestors 'none'"
#define CONNECTION_MEMORY (16u * 1024)
#define DISCARD_MAX	  (16u * 1024 * 1024) /* of a body that is refused; then the line is cut */

/* One connection; the list is ordered by when a whole request last came. */
struct link {
	TAILQ_ENTRY(link) all;
	int fd;
	bool gave_way; /* shut down by us, not yet closed by the library */
	bool waits;    /* its request awaits the data plane: not idle */
};

struct stw_http {
	struct ev_loop *loop;
	struct MHD_Daemon *daemon;
	struct stw_api *api;
	bool is_open; /* to anybody who reaches it: only what is harmless, without the token */
	char token[STW_TOKEN_MAX + 1];
	struct ev_io io;
	struct ev_timer timer;
	struct ev_prepare prepare;
	TAILQ_HEAD(links, link) links;
	size_t n_links; /* not counting those that gave way */
};

struct exchange {
	struct stw_request r;
	struct stw_http *h;
	struct MHD_Connection *connection;
	struct link *link;
	size_t discarded;
	bool dispatched;
};

static void run(struct stw_http *h)
{
	MHD_run(h->daemon);
}

static void on_io(struct ev_loop *loop, struct ev_io *io, int revents)
{
	(void)loop;
	(void)revents;
	run(io->data);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	run(timer->data);
}

/* Before the loop sleeps: the library may want to be called again by itself. */
static void on_prepare(struct ev_loop *loop, struct ev_prepare *prepare, int revents)
{
	(void)revents;
	struct stw_http *h = prepare->data;
	MHD_UNSIGNED_LONG_LONG after_ms;
	ev_timer_stop(loop, &h->timer);
	if (MHD_get_timeout(h->daemon, &after_ms) != MHD_YES)
		return;
	ev_timer_set(&h->timer, (double)after_ms / 1000., 0.);
	ev_timer_start(loop, &h->timer);
}

static void give_way(struct stw_http *h)
{
	struct link *l;
	TAILQ_FOREACH (l, &h->links, all) {
		if (l->gave_way || l->waits)
			continue;
		l->gave_way = true;
		h->n_links--;
		shutdown(l->fd, SHUT_RDWR);
		return;
	}
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct stw_http *h = cls;
	struct link *l = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		l = calloc(1, sizeof(*l));
		*socket_context = l;
		if (!l)
			return;
		l->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd;
		TAILQ_INSERT_TAIL(&h->links, l, all);
		if (++h->n_links > STW_HTTP_CONNECTIONS_SOFT)
			give_way(h);
	} else if (l) {
		TAILQ_REMOVE(&h->links, l, all);
		h->n_links -= !l->gave_way;
		free(l);
		*socket_context = NULL;
	}
}

static void on_done(struct stw_request *r)
{
	struct exchange *x = r->ctx;
	if (x->link)
		x->link->waits = false;
	MHD_resume_connection(x->connection);
	ev_feed_event(x->h->loop, &x->h->timer, EV_TIMER);
}

/* The reply's bytes, handed over to the library. */
static struct MHD_Response *response_of(struct stw_request *r)
{
	char *text = r->text;
	size_t len = r->text_len;
	if (text) {
		r->text = NULL;
	} else {
		text = json_dumps(r->reply, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
		if (!text)
			return NULL;
		len = strlen(text);
		text[len++] = '\n'; /* in the place of the NUL: the length is told */
	}
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(text);
	return response;
}

static const char *type_of(const struct stw_request *r)
{
	if (r->problem)
		return "application/problem+json";
	return r->text_type ? r->text_type : "application/json";
}

static enum MHD_Result send_reply(struct exchange *x)
{
	struct stw_request *r = &x->r;
	struct MHD_Response *response = response_of(r);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type_of(r));
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (x->h->is_open)
		MHD_add_response_header(response, "Content-Security-Policy", PAGE_POLICY);
	if (*r->allow)
		MHD_add_response_header(response, "Allow", r->allow);
	if (r->status == 401)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	enum MHD_Result ok = MHD_queue_response(x->connection, r->status, response);
	MHD_destroy_response(response);
	return ok;
}

static void too_big(struct stw_request *r)
{
	if (r->status != 413)
		stw_problem(r, 413, "body-too-big", "Request body too big",
			    "at most %zu bytes are taken here", stw_api_body_max(r));
	free(r->body);
	r->body = NULL;
	r->body_len = 0;
}

/* Takes a piece of the body, or throws it away when the request is refused already. */
static enum MHD_Result take_piece(struct exchange *x, const char *bytes, size_t len)
{
	struct stw_request *r = &x->r;
	if (!r->status && len > stw_api_body_max(r) - r->body_len)
		too_big(r);
	if (r->status) {
		x->discarded += len;
		return x->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
	}
	char *body = realloc(r->body, r->body_len + len + 1);
	if (!body)
		return MHD_NO;
	memcpy(body + r->body_len, bytes, len);
	r->body = body;
	r->body_len += len;
	body[r->body_len] = '\0';
	return MHD_YES;
}

/* Who comes by the HTTP port may read, and with the token do everything. */
static void admit(const struct stw_http *h, struct MHD_Connection *connection,
		  struct stw_request *r)
{
	const struct stw_endpoint_row *row = &stw_endpoint_rows[r->endpoint];
	if (row->effect == STW_EFFECT_READ)
		return;
	if (stw_api_token_given(h->token, MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
								      "Authorization")))
		return;
	if (h->token[0])
		stw_problem(
			r, 401, "token", "Token needed",
			"%s %s on this port needs \"Authorization: Bearer TOKEN\", with the token "
			"of api.token_file",
			row->method, row->path);
	else
		stw_problem(r, 403, "read-only", "Read-only port",
			    "%s %s: this port is read-only; use the Unix socket, or configure "
			    "api.token_file",
			    row->method, row->path);
}

static struct exchange *begin(struct stw_http *h, struct MHD_Connection *connection,
			      const char *method, const char *url)
{
	struct exchange *x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->h = h;
	x->connection = connection;
	x->link = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			  ->socket_context;
	x->r.ctx = x;
	x->r.done = on_done;
	if (stw_api_match(&x->r, method, url) && h->is_open)
		admit(h, connection, &x->r);
	return x;
}

/* The whole request is here. */
static enum MHD_Result carry_out(struct exchange *x)
{
	struct stw_http *h = x->h;
	if (x->link) {
		TAILQ_REMOVE(&h->links, x->link, all);
		TAILQ_INSERT_TAIL(&h->links, x->link, all);
	}
	if (!x->r.status && !x->dispatched) {
		x->dispatched = true;
		stw_api_dispatch(h->api, &x->r);
		if (x->r.awaits_change) {
			if (x->link)
				x->link->waits = true;
			MHD_suspend_connection(x->connection);
			return MHD_YES;
		}
	}
	return send_reply(x);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *piece,
				  size_t *piece_len, void **context)
{
	(void)version;
	struct exchange *x = *context;
	if (!x) {
		x = begin(cls, connection, method, url);
		*context = x;
		return x ? MHD_YES : MHD_NO;
	}
	if (*piece_len > 0) {
		enum MHD_Result ok = take_piece(x, piece, *piece_len);
		*piece_len = 0;
		return ok;
	}
	return carry_out(x);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode code)
{
	(void)connection;
	(void)code;
	struct stw_http *h = cls;
	struct exchange *x = *context;
	if (!x)
		return;
	stw_api_forget(h->api, &x->r);
	stw_request_fini(&x->r);
	free(x);
	*context = NULL;
}

__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	char text[512];
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	stw_debug("http: %s", text);
}

static struct MHD_Daemon *start(struct stw_http *h, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0,
				NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				STW_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				STW_HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
				on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static void watch(struct stw_http *h)
{
	int fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	ev_io_init(&h->io, on_io, fd, EV_READ);
	ev_timer_init(&h->timer, on_timer, 0., 0.);
	ev_prepare_init(&h->prepare, on_prepare);
	h->io.data = h->timer.data = h->prepare.data = h;
	ev_io_start(h->loop, &h->io);
	ev_prepare_start(h->loop, &h->prepare);
}

struct stw_http *stw_http_new(struct ev_loop *loop, int fd, struct stw_api *api, const char *token)
{
	struct stw_http *h = calloc(1, sizeof(*h));
	if (h) {
		h->loop = loop;
		h->api = api;
		h->is_open = token != NULL;
		snprintf(h->token, sizeof(h->token), "%s", token ? token : "");
		TAILQ_INIT(&h->links);
		h->daemon = start(h, fd);
	}
	if (!h || !h->daemon) {
		free(h);
		close(fd);
		return NULL;
	}
	watch(h);
	return h;
}

size_t stw_http_n_connections(const struct stw_http *h)
{
	return h->n_links;
}

void stw_http_free(struct stw_http *h)
{
	if (!h)
		return;
	stw_api_flush(h->api, "not known to be served: control is stopping");
	/* One turn to resume what waited, one to reply; the rest is cut off. */
	MHD_run(h->daemon);
	MHD_run(h->daemon);
	ev_io_stop(h->loop, &h->io);
	ev_timer_stop(h->loop, &h->timer);
	ev_prepare_stop(h->loop, &h->prepare);
	MHD_stop_daemon(h->daemon);
	free(h);
}
