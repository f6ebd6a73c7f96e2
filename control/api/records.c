/* SPDX-License-Identifier: BSD-3-Clause */
/* What the flight recorder holds: for trace, last-errors and exports. */
#include "control/api/handlers.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "control/api/body.h"
#include "control/records/filter.h"
#include "control/records/records.h"
#include "control/records/words.h"

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX     20000
#define BODY_TEXT     65535 /* of a header's value */

struct query {
	enum stw_flight_kind kind;
	bool from_now;
	json_int_t limit;
	struct stw_flight_filter filter;
	struct stw_flight_cursor cursor;
};

struct row {
	uint64_t tsc;
	json_t *json;
};

struct answer {
	struct stw_api *api;
	struct stw_flight_clock clock;
	const struct query *q;
	struct row *rows;
	size_t n, room;
};

struct body {
	bool errors, from_now;
	const json_t *cursor;
	json_int_t limit, code;
	const char *call_id, *user, *address, *method;
};

static bool take_cursor(const json_t *o, struct stw_flight_cursor *out)
{
	const json_t *next = json_object_get(o, "next");
	size_t i;
	json_t *place;

	if (!json_is_integer(json_object_get(o, "pid")) || !json_is_array(next) ||
	    json_array_size(next) > STW_STATS_WORKERS_MAX)
		return false;
	out->pid = (uint64_t)json_integer_value(json_object_get(o, "pid"));
	json_array_foreach(next, i, place)
	{
		if (!json_is_integer(place) || json_integer_value(place) < 0)
			return false;
		out->next[i] = (uint64_t)json_integer_value(place);
	}
	return true;
}

static bool take_address(const char *text, struct stw_flight_filter *f)
{
	f->has_address = true;
	return stw_ip_parse(text, strlen(text), &f->address) == STW_OK;
}

#define FIELD(key, kind, min, max)                                                  \
	{                                                                           \
#key, offsetof(struct body, key), STW_FIELD_##kind, false, min, max \
	}

static bool read_query(struct stw_request *r, struct query *q)
{
	static const struct stw_field fields[] = {
		FIELD(errors, BOOL, 0, 0),	    FIELD(from_now, BOOL, 0, 0),
		FIELD(cursor, OBJECT, 0, 0),	    FIELD(limit, WHOLE, 1, LIMIT_MAX),
		FIELD(call_id, TEXT, 1, BODY_TEXT), FIELD(user, TEXT, 1, BODY_TEXT),
		FIELD(address, TEXT, 1, BODY_TEXT), FIELD(method, TEXT, 1, BODY_TEXT),
		FIELD(code, WHOLE, 1, 699),
	};
	struct body b = {.limit = LIMIT_DEFAULT};

	if (!stw_body_read(r, fields, STW_N_FIELDS(fields), &b))
		return false;
	*q = (struct query){.kind = b.errors ? STW_RECORDS_ERRORS : STW_RECORDS_ALL,
			    .from_now = b.from_now,
			    .limit = b.limit,
			    .filter = {.call_id = b.call_id,
				       .user = b.user,
				       .method = b.method,
				       .code = (uint16_t)b.code}};
	if (b.cursor && !take_cursor(b.cursor, &q->cursor))
		return stw_body_bad(r, "/cursor", "cursor is not one of ours");
	if (b.address && !take_address(b.address, &q->filter))
		return stw_body_bad(r, "/address", "address is no IP address");
	return true;
}

static json_t *endpoint(const struct stw_endpoint *ep)
{
	char text[STW_ENDPOINT_TEXT];

	if (ep->port == 0)
		return json_null();
	stw_endpoint_format(ep, text);
	return json_string(text);
}

/* As text, with '?' for what is not printable ASCII. */
static json_t *printable(struct stw_text t)
{
	char text[256];
	size_t n = t.len < sizeof(text) ? t.len : sizeof(text);

	for (size_t i = 0; i < n; i++)
		text[i] = t.p[i] >= 0x20 && t.p[i] < 0x7f ? t.p[i] : '?';
	return json_stringn(text, n);
}

static json_t *base64(const struct stw_flight *r)
{
	unsigned char *text = malloc((size_t)r->n_text / 3 * 4 + 8);
	json_t *out = NULL;

	if (text) {
		int n = EVP_EncodeBlock(text, (const unsigned char *)r->text, r->n_text);

		out = json_stringn((const char *)text, (size_t)n);
	}
	free(text);
	return out ? out : json_null();
}

static json_t *rejected(const struct stw_flight *r)
{
	if (r->reject == STW_SIP_ACCEPTED || r->reject >= STW_N_SIP_REJECTS)
		return json_null();
	const struct stw_sip_reject_row *row = &stw_sip_reject_rows[r->reject];
	return json_pack("{s:s, s:s, s:s, s:i}", "name", row->name, "phrase", row->phrase,
			 "section", row->section, "offset", (int)r->error_off);
}

static const char *member_name(const struct stw_api *api, const struct stw_endpoint *ep)
{
	const struct stw_model *m = api->control->model;

	for (size_t i = 0; ep->port && i < m->n_members; i++)
		if (stw_endpoint_equal(&m->members[i].address, ep))
			return m->members[i].name;
	return NULL;
}

static json_t *row_json(const struct answer *a, uint32_t worker, const struct stw_flight *r)
{
	char words[200];

	stw_flight_words(r, words, sizeof(words));
	return json_pack("{s:I, s:i, s:o, s:o, s:s, s:s?, s:o, s:s?, s:s?, s:s, s:o, s:o, s:o, "
			 "s:i, s:i, s:o}",
			 "at_unix_us", (json_int_t)stw_flight_unix_us(&a->clock, r), "worker",
			 (int)worker, "from", endpoint(&r->from), "sent_to", endpoint(&r->to),
			 "action", stw_flight_action_text(r), "how", stw_flight_how_text(r), "to",
			 endpoint(&r->next), "member", member_name(a->api, &r->next), "from_member",
			 member_name(a->api, &r->from), "decision", words, "first_line",
			 printable(stw_flight_first_line(r)), "call_id",
			 printable(stw_flight_header(r, "Call-ID", 'i')), "rejected", rejected(r),
			 "bytes", (int)r->len, "kept", (int)r->n_text, "base64", base64(r));
}

static bool take_record(void *ctx, uint32_t worker, const struct stw_flight *r)
{
	struct answer *a = ctx;

	if (!stw_flight_matches(&a->q->filter, r))
		return true;
	if (a->n == a->room) {
		size_t room = a->room ? 2 * a->room : 256;
		struct row *rows = realloc(a->rows, room * sizeof(*rows));

		if (!rows)
			return false;
		a->rows = rows;
		a->room = room;
	}
	a->rows[a->n++] = (struct row){r->tsc, row_json(a, worker, r)};
	return true;
}

static int by_time(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	return a->tsc < b->tsc ? -1 : a->tsc > b->tsc;
}

/* The newest @limit, oldest first; the others are counted. */
static json_t *sorted(struct answer *a, size_t *left_out)
{
	json_t *rows = json_array();
	size_t limit = (size_t)a->q->limit;

	*left_out = a->n > limit ? a->n - limit : 0;
	if (a->n)
		qsort(a->rows, a->n, sizeof(*a->rows), by_time);
	for (size_t i = 0; i < a->n; i++) {
		if (i < *left_out)
			json_decref(a->rows[i].json);
		else
			json_array_append_new(rows, a->rows[i].json);
	}
	free(a->rows);
	return rows;
}

static json_t *cursor_json(const struct stw_flight_cursor *c, uint32_t n_workers)
{
	json_t *next = json_array();

	for (uint32_t w = 0; w < n_workers; w++)
		json_array_append_new(next, json_integer((json_int_t)c->next[w]));
	return json_pack("{s:I, s:o}", "pid", (json_int_t)c->pid, "next", next);
}

static json_t *answer_query(struct stw_api *api, struct stw_stats *st, struct query *q)
{
	struct answer a = {.api = api, .clock = stw_flight_clock_now(st), .q = q};
	uint64_t lost = 0;
	size_t left_out;

	if (q->from_now)
		stw_flights_skip(st, q->kind, &q->cursor);
	else
		lost = stw_flights_read(st, q->kind, &q->cursor, take_record, &a);
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "records", sorted(&a, &left_out));
	json_object_set_new(reply, "left_out", json_integer((json_int_t)left_out));
	json_object_set_new(reply, "lost", json_integer((json_int_t)lost));
	json_object_set_new(reply, "recording", json_boolean(st->record_shape.n > 0));
	json_object_set_new(reply, "cursor", cursor_json(&q->cursor, st->n_workers));
	return reply;
}

void stw_api_records(struct stw_api *api, struct stw_request *r)
{
	struct stw_stats *st = stw_publish_stats(api->control->publish);
	struct query q;

	if (!read_query(r, &q))
		return;
	if (st)
		stw_reply(r, 200, answer_query(api, st, &q));
	else
		stw_problem(r, 409, "no-dataplane", "No data plane",
			    "the flight recorder is the data plane's, and none is connected");
}
