/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/loop.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/sip.h>

#include "control/api/api.h"
#include "control/api/http.h"
#include "control/api/port.h"
#include "control/api/socket.h"
#include "control/control.h"
#include "control/notify.h"
#include "control/version.h"

#define DESCRIPTORS_WANTED 4096

struct running {
	struct ev_loop *loop;
	struct stw_control *control;
	struct stw_api api;
	struct stw_api_socket socket;
	struct stw_http *http;
	struct stw_http *port; /* the HTTP port, NULL without one */
	struct ev_signal hup;
	struct ev_signal term;
	struct ev_signal interrupt;
	struct ev_timer alive;
};

static void print_message(void *ctx, const char *message)
{
	(void)ctx;
	fprintf(stderr, "%s\n", message);
}

static void log_message(void *ctx, const char *message)
{
	(void)ctx;
	stw_error("%s", message);
}

static void log_line(void *ctx, bool needs_restart, const char *line)
{
	(void)ctx;
	if (needs_restart)
		stw_warn("reload: after a restart only: %s", line);
	else
		stw_info("reload: %s", line);
}

static void on_hup(struct ev_loop *loop, struct ev_signal *w, int revents)
{
	(void)loop;
	(void)revents;
	struct running *run = w->data;
	const struct stw_control_words words = {.message = log_message, .line = log_line};
	uint64_t change;
	stw_notify("RELOADING=1");
	stw_info("reload: reading %s", run->control->config_path);
	int err = stw_control_reload(run->control, &words, &change);
	if (err)
		stw_error("reload: %s: the running configuration stays", stw_err_text(err));
	stw_notify("READY=1");
}

static void on_stop(struct ev_loop *loop, struct ev_signal *w, int revents)
{
	(void)revents;
	stw_info("stopping: signal %d; the data plane goes on serving", w->signum);
	ev_break(loop, EVBREAK_ALL);
}

static void on_alive(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	stw_notify("WATCHDOG=1");
}

/* A loop that turns is alive. */
static void start_watchdog(struct running *run)
{
	double every_s = stw_notify_watchdog_s();
	if (every_s <= 0)
		return;
	ev_timer_init(&run->alive, on_alive, every_s, every_s);
	ev_timer_start(run->loop, &run->alive);
}

static void watch_signal(struct running *run, struct ev_signal *w, int signum,
			 void (*cb)(struct ev_loop *, struct ev_signal *, int))
{
	ev_signal_init(w, cb, signum);
	w->data = run;
	ev_signal_start(run->loop, w);
}

/* Room for the API's connections, as far as we are allowed. */
static void raise_descriptor_limit(void)
{
	struct rlimit rl;
	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	rl.rlim_cur = rl.rlim_max < DESCRIPTORS_WANTED ? rl.rlim_max : DESCRIPTORS_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		stw_warn("only few connections to the API are possible: raise LimitNOFILE");
}

/* A port that is taken is told; a token that cannot be trusted is a mistake to correct first. */
static int open_port(struct running *run, const struct stw_model_api *api)
{
	char reason[320] = "";
	char token[STW_TOKEN_MAX + 1];
	int fd;
	int err = stw_api_token_read(api, reason, sizeof(reason), token);
	if (err) {
		print_message(NULL, reason);
		return err;
	}
	if (stw_api_port_open(api, reason, sizeof(reason), &fd)) {
		stw_warn("%s", reason);
		return STW_OK;
	}
	if (fd < 0)
		return STW_OK;
	run->port = stw_http_new(run->loop, fd, &run->api, token);
	if (!run->port) {
		stw_warn("api: the HTTP server does not start on %s", api->http);
		return STW_OK;
	}
	snprintf(run->api.http, sizeof(run->api.http), "%s", api->http);
	run->api.http_token = token[0] != '\0';
	return STW_OK;
}

static int start_api(struct running *run)
{
	char reason[256] = "";
	const struct stw_model_api *api = &run->control->model->api;
	int err = stw_api_init(&run->api, run->loop, run->control);
	if (err)
		return err;
	err = stw_api_socket_open(&run->socket, api->socket, api->mode, api->group, reason,
				  sizeof(reason));
	if (err) {
		print_message(NULL, reason);
		return err;
	}
	run->http = stw_http_new(run->loop, run->socket.fd, &run->api, NULL);
	if (!run->http) {
		print_message(NULL, "api: the HTTP server does not start");
		return STW_EIO;
	}
	return open_port(run, api);
}

/* The socket first: it is the lock that keeps a second control off the data plane. */
static int start(struct running *run, const char *config_path)
{
	run->loop = ev_default_loop(EVFLAG_AUTO);
	if (!run->loop)
		return STW_ENOMEM;
	raise_descriptor_limit();
	int err = stw_control_new(run->loop, config_path, print_message, NULL, &run->control);
	if (!err)
		err = start_api(run);
	if (err)
		return err;
	signal(SIGPIPE, SIG_IGN);
	watch_signal(run, &run->hup, SIGHUP, on_hup);
	watch_signal(run, &run->term, SIGTERM, on_stop);
	watch_signal(run, &run->interrupt, SIGINT, on_stop);
	stw_control_start(run->control);
	start_watchdog(run);
	return STW_OK;
}

static void stop(struct running *run)
{
	stw_http_free(run->port);
	stw_http_free(run->http);
	stw_api_socket_remove(&run->socket);
	if (run->api.control)
		stw_api_fini(&run->api);
	stw_control_free(run->control);
	if (run->loop)
		ev_loop_destroy(run->loop);
}

int stw_loop_run(const char *config_path)
{
	struct running run = {.socket = {.fd = -1}};

	stw_sip_init(STW_KERNEL_AUTO);
	int err = start(&run, config_path);
	if (err) {
		fprintf(stderr, "strowger-control: not started: %s\n", stw_err_text(err));
	} else {
		stw_info("strowger-control %s runs with %s, API at %s, %s parser", STW_VERSION,
			 run.control->config_path, run.socket.path,
			 stw_sip_kernel_name(stw_sip_kernel_in_use()));
		stw_notify("READY=1");
		ev_run(run.loop, 0);
		stw_notify("STOPPING=1");
	}
	stop(&run);
	return err ? 1 : 0;
}
