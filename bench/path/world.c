/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/path/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "control/config/config.h"
#include "control/model/model.h"
#include "control/tables/build.h"
#include "dataplane/table/lookup.h"

#define PORT_MAX 64 /* subnets, routes or neighbours of the benchmark's one port */

static void tell(void *ctx, const char *message)
{
	(void)ctx;
	fprintf(stderr, "%s\n", message);
}

/* One process, one configuration: any numbering will do, control's is for reloads. */
static int build_tables(struct stw_model *model, uint64_t generation, struct stw_tables **out)
{
	struct stw_image image;
	char reason[160] = "";
	int err;

	for (size_t i = 0; i < model->n_members; i++)
		model->members[i].number = (uint16_t)i;
	err = stw_image_build(model, NULL, generation, &image);
	if (err != STW_OK)
		return err;
	err = stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason), out);
	if (err != STW_OK)
		fprintf(stderr, "image refused: %s\n", reason);
	stw_image_fini(&image);
	return err;
}

static struct stw_ip network_of(const struct stw_model_prefix *p, uint8_t *mapped_bits)
{
	unsigned bits = p->bits + (stw_ip_is_v4(&p->ip) ? 96u : 0u);
	struct stw_ip ip = p->ip;

	for (unsigned i = bits; i < 128; i++)
		ip.b[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
	*mapped_bits = (uint8_t)bits;
	return ip;
}

static struct stw_fib *build_fib(const struct stw_model_port *port)
{
	struct stw_iface iface = {.mtu = port->mtu, .mac = {2, 0, 0, 0, 0, 1}};
	struct stw_fib_route routes[2 * PORT_MAX] = {0};
	struct stw_fib_neighbour neighbours[PORT_MAX] = {0};
	size_t n = 0;

	for (size_t i = 0; i < port->n_addresses; i++, n++) {
		routes[n].prefix = network_of(&port->addresses[i].prefix, &routes[n].bits);
		routes[n].on_link = true;
	}
	for (size_t i = 0; i < port->n_routes; i++, n++) {
		routes[n].prefix = network_of(&port->routes[i].to, &routes[n].bits);
		routes[n].gateway = port->routes[i].via;
	}
	for (size_t i = 0; i < port->n_neighbours; i++) {
		neighbours[i].ip = port->neighbours[i].ip;
		memcpy(neighbours[i].mac, port->neighbours[i].mac, 6);
	}
	return stw_fib_build(&iface, 1, routes, n, neighbours, port->n_neighbours);
}

static struct stw_snapshot *build_snapshot(const struct stw_model_port *port,
					   const struct stw_bench_world *w)
{
	struct stw_snapshot *snap = calloc(1, sizeof(*snap));
	struct stw_iface_address addresses[PORT_MAX] = {0};

	if (!snap)
		return NULL;
	snap->tables = w->tables;
	snap->fib = w->fib;
	for (size_t i = 0; i < port->n_addresses; i++)
		addresses[i].ip = port->addresses[i].prefix.ip;
	stw_snapshot_face(snap, addresses, port->n_addresses);
	return snap;
}

static int check_model(const struct stw_model *model)
{
	const struct stw_model_port *port = model->ports;

	if (model->n_ports == 1 && model->n_listeners > 0 && port->n_addresses <= PORT_MAX &&
	    port->n_routes <= PORT_MAX && port->n_neighbours <= PORT_MAX && model->n_secrets > 0)
		return STW_OK;
	fprintf(stderr, "the benchmark wants one port, a listener and secrets of its own\n");
	return STW_ECONFIG;
}

int stw_bench_world_init(const char *config, struct stw_bench_world *out)
{
	struct stw_bench_world w = {0};
	struct stw_model *model = NULL;
	int err = stw_config_read(config, tell, NULL, &model);

	if (err == STW_OK)
		err = check_model(model);
	if (err == STW_OK)
		err = build_tables(model, 1, &w.tables);
	if (err == STW_OK && !(w.fib = build_fib(model->ports)))
		err = STW_ENOMEM;
	if (err == STW_OK && !(w.snapshot = build_snapshot(model->ports, &w)))
		err = STW_ENOMEM;
	stw_model_free(model);
	if (err == STW_OK)
		*out = w;
	else
		stw_bench_world_fini(&w);
	return err;
}

int stw_bench_world_tables(const char *config, uint64_t generation, uint16_t weight,
			   struct stw_tables **out)
{
	struct stw_model *model = NULL;
	int err = stw_config_read(config, tell, NULL, &model);

	if (err == STW_OK && (model->n_pools == 0 || model->pools[0].n_members == 0))
		err = STW_ECONFIG;
	if (err == STW_OK) {
		model->pools[0].members[0].weight = weight;
		err = build_tables(model, generation, out);
	}
	stw_model_free(model);
	return err;
}

void stw_bench_world_fini(struct stw_bench_world *w)
{
	free(w->snapshot);
	stw_fib_free(w->fib);
	stw_tables_free(w->tables);
	memset(w, 0, sizeof(*w));
}

const struct stw_endpoint *stw_bench_world_listener(const struct stw_bench_world *w)
{
	return &stw_tables_listener(w->tables, 0)->address;
}

static const char *verdict_text(const struct stw_verdict *v)
{
	static char text[96];

	if (v->action == STW_ACTION_ANSWER)
		snprintf(text, sizeof(text), "answered %u %s", v->status, v->phrase);
	else if (v->action == STW_ACTION_DROP && v->reason < STW_N_COUNTERS)
		snprintf(text, sizeof(text), "dropped: %s", stw_counter_rows[v->reason].name);
	else
		snprintf(text, sizeof(text), "not forwarded (action %u)", v->action);
	return text;
}

int stw_bench_world_forward(const struct stw_bench_world *w, const char *text, size_t len,
			    const struct stw_endpoint *source, struct stw_bench_sent *out,
			    const char **why)
{
	struct stw_source src = {.peer = *source, .listener = 0};
	char *buf = out->room + STW_REWRITE_HEADROOM;
	struct stw_rewritten moved;
	struct stw_sip_msg m;

	memcpy(buf, text, len);
	enum stw_sip_reject reject = stw_sip_parse(buf, len, &m);
	if (reject != STW_SIP_ACCEPTED) {
		*why = stw_sip_reject_rows[reject].phrase;
		return STW_EMALFORMED;
	}
	stw_route(w->snapshot, buf, &m, &src, &out->verdict);
	*why = verdict_text(&out->verdict);
	if (out->verdict.action != STW_ACTION_FORWARD)
		return STW_EMALFORMED;
	*why = out->verdict.hop.resolved ? "does not fit" : "next hop has no address";
	if (!out->verdict.hop.resolved ||
	    stw_rewrite(w->snapshot, &m, &src, &out->verdict, buf, &moved) != STW_OK)
		return STW_EMALFORMED;
	out->text = buf + moved.start;
	out->len = moved.len;
	return STW_OK;
}
