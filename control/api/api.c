/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api.h"

#include <math.h>
#include <stdio.h>

#include <strowger/endpoint.h>
#include <strowger/errors.h>

#include "control/api/handlers.h"

static void finish(struct stw_api *api, struct stw_request *r)
{
	TAILQ_REMOVE(&api->waiting, r, waiting);
	r->awaits_change = 0;
	r->done(r);
}

static void reply_served(struct stw_request *r, uint64_t generation)
{
	json_object_set_new(r->reply, "generation", json_integer((json_int_t)generation));
	json_object_set_new(r->reply, "pending", json_false());
	r->status = 200;
}

static void reply_pending(struct stw_request *r, const char *reason)
{
	json_object_set_new(r->reply, "generation", json_null());
	json_object_set_new(r->reply, "pending", json_true());
	json_object_set_new(r->reply, "reason", json_string(reason));
	r->status = 202;
}

/* What a change has to wait for while nobody is connected. */
static void disconnected_reason(const struct stw_api *api, char *out, size_t size)
{
	struct stw_publish_status st;
	stw_publish_get_status(api->control->publish, &st);
	snprintf(
		out, size,
		"not served yet: the data plane is not connected (%s); it is sent as soon as it is",
		st.reason[0] ? st.reason : "connecting");
}

static void reply_refused(struct stw_request *r, const struct stw_publish_result *result)
{
	json_t *changes = json_incref(json_object_get(r->reply, "changes"));
	stw_problem(r, 409, "tables-refused", "The data plane refused the tables",
		    "generation %llu: %s; the tables before it go on serving",
		    (unsigned long long)result->generation, result->reason);
	json_object_set_new(r->reply, "changes", changes ? changes : json_array());
}

static void on_settled(void *ctx, const struct stw_publish_result *result)
{
	struct stw_api *api = ctx;
	struct stw_request *r = TAILQ_FIRST(&api->waiting);
	while (r) {
		struct stw_request *next = TAILQ_NEXT(r, waiting);
		if (r->awaits_change <= result->change) {
			if (result->err)
				reply_refused(r, result);
			else
				reply_served(r, result->generation);
			finish(api, r);
		}
		r = next;
	}
}

void stw_api_flush(struct stw_api *api, const char *reason)
{
	while (!TAILQ_EMPTY(&api->waiting)) {
		struct stw_request *r = TAILQ_FIRST(&api->waiting);
		reply_pending(r, reason);
		finish(api, r);
	}
}

static void on_link(void *ctx, bool up)
{
	struct stw_api *api = ctx;
	stw_sampler_link(api->sampler);
	if (up)
		return;
	char reason[STW_PUBLISH_REASON + 128];
	disconnected_reason(api, reason, sizeof(reason));
	stw_api_flush(api, reason);
}

int stw_api_init(struct stw_api *api, struct ev_loop *loop, struct stw_control *control)
{
	api->control = control;
	TAILQ_INIT(&api->waiting);
	api->sampler = stw_sampler_new(loop, control);
	api->apply = api->sampler ? stw_apply_new(loop, control) : NULL;
	if (!api->apply)
		return STW_ENOMEM;
	control->watch =
		(struct stw_control_watch){.ctx = api, .settled = on_settled, .link = on_link};
	return STW_OK;
}

void stw_api_reply_when_served(struct stw_api *api, struct stw_request *r, uint64_t change,
			       json_t *json)
{
	struct stw_publish_status st;
	stw_publish_get_status(api->control->publish, &st);
	stw_reply(r, 200, json);
	if (change <= st.settled && st.link >= STW_LINK_IDLE) {
		reply_served(r, st.generation);
		return;
	}
	if (st.link < STW_LINK_IDLE) {
		char reason[STW_PUBLISH_REASON + 128];
		disconnected_reason(api, reason, sizeof(reason));
		reply_pending(r, reason);
		return;
	}
	r->status = 0;
	r->awaits_change = change;
	TAILQ_INSERT_TAIL(&api->waiting, r, waiting);
}

void stw_api_forget(struct stw_api *api, struct stw_request *r)
{
	if (!r->awaits_change)
		return;
	TAILQ_REMOVE(&api->waiting, r, waiting);
	r->awaits_change = 0;
}

json_t *stw_api_envelope(const struct stw_api *api)
{
	struct stw_publish_status st;
	stw_publish_get_status(api->control->publish, &st);
	bool up = st.link >= STW_LINK_IDLE;
	const char *reason = st.reason[0] ? st.reason : "connecting";
	if (up)
		reason = "its installer does not move: is the process stopped?";
	bool stalled = up && stw_sampler_stalled(api->sampler);
	const struct stw_stats *s = stw_publish_stats(api->control->publish);
	json_t *counting = s ? json_integer((json_int_t)s->started_unix_s) : json_null();
	return json_pack("{s:s, s:o, s:I, s:I, s:o}", "dataplane", up ? "connected" : "waiting",
			 "reason", up && !stalled ? json_null() : json_string(reason),
			 "since_unix_s", (json_int_t)st.since_unix_s, "generation",
			 (json_int_t)st.generation, "counting_since_unix_s", counting);
}

const char *stw_api_transport(uint8_t transport)
{
	switch (transport) {
	case STW_TRANSPORT_UDP: return "udp";
	case STW_TRANSPORT_TCP: return "tcp";
	case STW_TRANSPORT_TLS: return "tls";
	case STW_TRANSPORT_WS: return "ws";
	case STW_TRANSPORT_WSS: return "wss";
	case STW_TRANSPORT_SCTP: return "sctp";
	default: return "other";
	}
}

json_t *stw_api_rate(bool known, double rate)
{
	return known ? json_real(round(rate * 10) / 10) : json_null();
}

void stw_api_fini(struct stw_api *api)
{
	api->control->watch = (struct stw_control_watch){0};
	stw_apply_free(api->apply);
	stw_sampler_free(api->sampler);
}
