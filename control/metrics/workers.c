/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of the stats block: workers with their ledger and stages, and ports. */
#include "control/metrics/metrics.h"

#include <string.h>

#include "control/metrics/family.h"

/* What is not simply strowger_worker_NAME_total; Prometheus wants base units, and those last. */
static const struct special {
	enum stw_counter counter;
	const char *name;
	const char *help;
} specials[] = {
	{STW_C_BYTES_RECEIVED, "strowger_worker_received_bytes_total",
	 "Bytes of packets received."},
	{STW_C_BYTES_SENT, "strowger_worker_sent_bytes_total",
	 "Bytes of frames sent, fragments included."},
	{STW_C_CYCLES_BUSY, "strowger_worker_busy_seconds_total",
	 "Time spent in turns that found packets."},
};

static const struct special *special_of(int c)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if ((int)specials[i].counter == c)
			return &specials[i];
	return NULL;
}

static uint64_t value_of(struct stw_stats *st, uint32_t w, int c)
{
	return atomic_load_explicit(&stw_stats_worker(st, w)->c[c], memory_order_relaxed);
}

/* A text of at most a few digits, for a label. */
struct digits {
	char text[12];
};

static struct digits digits(uint32_t n)
{
	struct digits d;

	snprintf(d.text, sizeof(d.text), "%u", n);
	return d;
}

/* One family whose rows are the counters first..last, with their name as a label. */
static void ledger_rows(struct stw_stats *st, const char *name, const char *label, int first,
			int last, const char *help, FILE *out)
{
	stw_family(out, name, "counter", help);
	for (uint32_t w = 0; st && w < st->n_workers; w++) {
		struct digits worker = digits(w);

		for (int c = first; c <= last; c++)
			stw_sample_u64(out, name, "",
				       (const struct stw_label[]){{"worker", worker.text},
								  {label, stw_counter_rows[c].name},
								  {NULL, NULL}},
				       value_of(st, w, c));
	}
}

/* One family a counter. */
static void counter(struct stw_stats *st, int c, FILE *out)
{
	char name[96];
	char help[160];
	const struct special *s = special_of(c);
	bool gauge = c == STW_C_WAITING;

	snprintf(name, sizeof(name), "strowger_worker_%s%s", stw_counter_rows[c].name,
		 gauge ? "" : "_total");
	snprintf(help, sizeof(help), "Of a worker: %s.", stw_counter_rows[c].help);
	if (s)
		snprintf(name, sizeof(name), "%s", s->name);
	stw_family(out, name, gauge ? "gauge" : "counter", s ? s->help : help);
	for (uint32_t w = 0; st && w < st->n_workers; w++) {
		struct digits worker = digits(w);
		const struct stw_label labels[] = {{"worker", worker.text}, {NULL, NULL}};
		uint64_t value = value_of(st, w, c);

		if (c == STW_C_CYCLES_BUSY)
			stw_sample(out, name, "", labels,
				   st->tsc_hz ? (double)value / (double)st->tsc_hz : 0);
		else
			stw_sample_u64(out, name, "", labels, value);
	}
}

static void running(struct stw_stats *st, FILE *out)
{
	stw_family(out, "strowger_worker_running", "gauge", "1 while the worker runs on its core.");
	for (uint32_t w = 0; st && w < st->n_workers; w++) {
		const struct stw_stats_worker *row = stw_stats_worker(st, w);
		struct digits worker = digits(w), core = digits(row->core);

		stw_sample(out, "strowger_worker_running", "",
			   (const struct stw_label[]){{"worker", worker.text},
						      {"core", core.text},
						      {NULL, NULL}},
			   row->running != 0);
	}
}

static void stage(const struct stw_stats_stage *s, const char *worker, const char *name, FILE *out)
{
	static const char family[] = "strowger_stage_duration_seconds";
	uint64_t sum = 0;
	char le[24];

	for (unsigned b = 0; b < STW_STAGE_BUCKETS; b++) {
		sum += atomic_load_explicit(&s->n[b], memory_order_relaxed);
		if (b + 1 < STW_STAGE_BUCKETS)
			snprintf(le, sizeof(le), "%.9g", (double)stw_stage_bound_ns(b) / 1e9);
		else
			snprintf(le, sizeof(le), "+Inf");
		stw_sample_u64(out, family, "_bucket",
			       (const struct stw_label[]){{"worker", worker},
							  {"stage", name},
							  {"le", le},
							  {NULL, NULL}},
			       sum);
	}
	const struct stw_label labels[] = {{"worker", worker}, {"stage", name}, {NULL, NULL}};
	stw_sample(out, family, "_sum", labels,
		   (double)atomic_load_explicit(&s->sum_ns, memory_order_relaxed) / 1e9);
	stw_sample_u64(out, family, "_count", labels, sum);
}

static void stages(struct stw_stats *st, FILE *out)
{
	stw_family(out, "strowger_stage_duration_seconds", "histogram",
		   "How long a stage has a burst in hand, of one turn in 64.");
	for (uint32_t w = 0; st && w < st->n_workers; w++) {
		struct digits worker = digits(w);

		for (unsigned i = 0; i < STW_N_STAGES; i++)
			stage(&stw_stats_stages(st, w)->stage[i], worker.text, stw_stage_names[i],
			      out);
	}
}

void stw_metrics_workers(struct stw_api *api, FILE *out)
{
	struct stw_stats *st = stw_publish_stats(api->control->publish);

	running(st, out);
	ledger_rows(st, "strowger_packets_ended_total", "end", STW_C_FIRST_END, STW_C_LAST_END,
		    "How packets ended that were not dropped.", out);
	ledger_rows(st, "strowger_packets_dropped_total", "reason", STW_C_FIRST_DROP,
		    STW_C_LAST_DROP, "Packets dropped, by reason.", out);
	for (int c = 0; c < STW_N_COUNTERS; c++)
		if (c < STW_C_FIRST_END || c > STW_C_LAST_DROP)
			counter(st, c, out);
	stages(st, out);
}

/* X(field, metric, help) */
#define PORT_COUNTERS(X)                                                           \
	X(rx_packets, "receive_packets", "Packets received.")                      \
	X(tx_packets, "transmit_packets", "Packets sent.")                         \
	X(rx_bytes, "receive_bytes", "Bytes received.")                            \
	X(tx_bytes, "transmit_bytes", "Bytes sent.")                               \
	X(rx_missed, "receive_missed", "Packets the NIC dropped, its queue full.") \
	X(rx_errors, "receive_errors", "Packets received with errors.")            \
	X(tx_errors, "transmit_errors", "Packets that could not be sent.")         \
	X(rx_no_buffer, "receive_no_buffer", "Packets for which no buffer was left.")

void stw_metrics_ports(struct stw_api *api, FILE *out)
{
	const struct stw_stats *st = stw_publish_stats(api->control->publish);
	uint32_t n = st ? st->n_ports : 0;

	stw_family(out, "strowger_port_up", "gauge", "1 while the port's link is up.");
	for (uint32_t i = 0; i < n; i++)
		stw_sample(out, "strowger_port_up", "",
			   (const struct stw_label[]){{"port", st->ports[i].name}, {NULL, NULL}},
			   st->ports[i].link_up != 0);
#define X(field, metric, help)                                                         \
	stw_family(out, "strowger_port_" metric "_total", "counter", help);            \
	for (uint32_t i = 0; i < n; i++)                                               \
		stw_sample_u64(out, "strowger_port_" metric "_total", "",              \
			       (const struct stw_label[]){{"port", st->ports[i].name}, \
							  {NULL, NULL}},               \
			       atomic_load_explicit(&st->ports[i].field, memory_order_relaxed));
	PORT_COUNTERS(X)
#undef X
}
