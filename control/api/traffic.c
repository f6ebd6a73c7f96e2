/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/handlers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control/api/ledger.h"

/* Growth a second of all drop rows of a worker together. */
static bool drop_rate(const struct stw_sampler *s, uint32_t w, enum stw_rate_span span, double *out)
{
	double sum = 0;
	for (int c = STW_C_FIRST_DROP; c <= STW_C_LAST_DROP; c++) {
		double rate;
		if (!stw_sampler_worker_rate(s, w, (enum stw_counter)c, span, &rate))
			return false;
		sum += rate;
	}
	*out = sum;
	return true;
}

static json_t *rates(const struct stw_sampler *s, uint32_t w, enum stw_rate_span span)
{
	static const enum stw_counter shown[] = {STW_C_RECEIVED, STW_C_SENT,	  STW_C_ANSWERED,
						 STW_C_KERNEL,	 STW_C_NEW_CALLS, STW_C_REQUESTS,
						 STW_C_RESPONSES};
	json_t *o = json_object();
	double rate = 0;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		bool known = stw_sampler_worker_rate(s, w, shown[i], span, &rate);
		json_object_set_new(o, stw_counter_rows[shown[i]].name, stw_api_rate(known, rate));
	}
	bool known = drop_rate(s, w, span, &rate);
	json_object_set_new(o, "dropped", stw_api_rate(known, rate));
	return o;
}

/* Share of a core spent in turns that found packets. */
static json_t *busy(const struct stw_sampler *s, const struct stw_stats *st, uint32_t w,
		    enum stw_rate_span span)
{
	double cycles = 0;
	if (!st->tsc_hz || !stw_sampler_worker_rate(s, w, STW_C_CYCLES_BUSY, span, &cycles))
		return json_null();
	/* The samples' clock and the worker's differ by a little. */
	double share = fmin(cycles / (double)st->tsc_hz, 1);
	return json_real(round(share * 1000) / 1000);
}

static json_t *worker(const struct stw_sampler *s, struct stw_stats *st, uint32_t w)
{
	struct stw_ledger l;
	stw_ledger_read(st, w, &l);
	const struct stw_stats_worker *row = stw_stats_worker(st, w);
	return json_pack("{s:i, s:i, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "worker", (int)w, "core", (int)row->core, "running", (int)row->running,
			 "busy_1s", busy(s, st, w, STW_RATE_SHORT), "busy_10s",
			 busy(s, st, w, STW_RATE_LONG), "received", (json_int_t)l.c[STW_C_RECEIVED],
			 "sent", (json_int_t)l.c[STW_C_SENT], "answered",
			 (json_int_t)l.c[STW_C_ANSWERED], "kernel", (json_int_t)l.c[STW_C_KERNEL],
			 "dropped", (json_int_t)l.drops, "sleeps", (json_int_t)l.c[STW_C_SLEEPS],
			 "rate_1s", rates(s, w, STW_RATE_SHORT), "rate_10s",
			 rates(s, w, STW_RATE_LONG));
}

void stw_api_workers(struct stw_api *api, struct stw_request *r)
{
	struct stw_stats *st = stw_publish_stats(api->control->publish);
	json_t *rows = json_array();
	for (uint32_t w = 0; st && w < st->n_workers; w++)
		json_array_append_new(rows, worker(api->sampler, st, w));
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "workers", rows);
	stw_reply(r, 200, reply);
}

static json_t *bounded_text(const char *text, size_t size)
{
	json_t *t = json_stringn(text, strnlen(text, size));
	return t ? t : json_string("?");
}

static json_t *port(const struct stw_stats_port *p)
{
	char mac[18];
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", p->mac[0], p->mac[1], p->mac[2],
		 p->mac[3], p->mac[4], p->mac[5]);
	json_t *o =
		json_pack("{s:o, s:o, s:o, s:s, s:s, s:i, s:i, s:i}", "name",
			  bounded_text(p->name, sizeof(p->name)), "device",
			  bounded_text(p->device, sizeof(p->device)), "kernel",
			  p->kernel[0] ? bounded_text(p->kernel, sizeof(p->kernel)) : json_null(),
			  "mac", mac, "link", p->link_up ? "up" : "down", "mtu", (int)p->mtu,
			  "rx_queues", (int)p->n_rx_queues, "tx_queues", (int)p->n_tx_queues);
	const struct {
		const char *name;
		const _Atomic uint64_t *value;
	} counters[] = {
		{"rx_packets", &p->rx_packets}, {"tx_packets", &p->tx_packets},
		{"rx_bytes", &p->rx_bytes},	{"tx_bytes", &p->tx_bytes},
		{"rx_missed", &p->rx_missed},	{"rx_errors", &p->rx_errors},
		{"tx_errors", &p->tx_errors},	{"rx_no_buffer", &p->rx_no_buffer},
	};
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		uint64_t v = atomic_load_explicit(counters[i].value, memory_order_relaxed);
		json_object_set_new(o, counters[i].name, json_integer((json_int_t)v));
	}
	return o;
}

void stw_api_ports(struct stw_api *api, struct stw_request *r)
{
	const struct stw_stats *st = stw_publish_stats(api->control->publish);
	json_t *rows = json_array();
	for (uint32_t i = 0; st && i < st->n_ports; i++)
		json_array_append_new(rows, port(&st->ports[i]));
	json_t *reply = stw_api_envelope(api);
	json_object_set_new(reply, "ports", rows);
	stw_reply(r, 200, reply);
}

/* Puts counters and the ledger made of them into @o. */
static void add_ledger(json_t *o, const struct stw_ledger *l)
{
	json_t *counters = json_object();
	for (int c = 0; c < STW_N_COUNTERS; c++)
		json_object_set_new(counters, stw_counter_rows[c].name,
				    json_integer((json_int_t)l->c[c]));
	json_object_set_new(o, "counters", counters);
	json_object_set_new(o, "ledger",
			    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "received",
				      (json_int_t)l->c[STW_C_RECEIVED], "injected",
				      (json_int_t)l->c[STW_C_INJECTED], "ends", (json_int_t)l->ends,
				      "drops", (json_int_t)l->drops, "waiting",
				      (json_int_t)l->c[STW_C_WAITING], "in_hand",
				      (json_int_t)l->in_hand, "balanced", (int)l->balanced));
}

void stw_api_counters(struct stw_api *api, struct stw_request *r)
{
	struct stw_stats *st = stw_publish_stats(api->control->publish);
	json_t *reply = stw_api_envelope(api);
	json_t *workers = json_array();
	struct stw_ledger total = {0};
	stw_ledger_sum(&total);
	for (uint32_t w = 0; st && w < st->n_workers; w++) {
		struct stw_ledger l;
		stw_ledger_read(st, w, &l);
		stw_ledger_add(&total, &l);
		json_t *row = json_pack("{s:i, s:i}", "worker", (int)w, "core",
					(int)stw_stats_worker(st, w)->core);
		add_ledger(row, &l);
		json_array_append_new(workers, row);
	}
	json_t *sum = json_null();
	if (st) {
		sum = json_object();
		add_ledger(sum, &total);
	}
	json_object_set_new(reply, "total", sum);
	json_t *endings = json_array();
	for (int c = STW_C_FIRST_END; c <= STW_C_LAST_DROP; c++)
		json_array_append_new(endings, json_string(stw_counter_rows[c].name));
	json_object_set_new(reply, "endings", endings);
	json_object_set_new(reply, "workers", workers);
	stw_reply(r, 200, reply);
}
