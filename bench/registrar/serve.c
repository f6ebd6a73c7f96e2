/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-registrar: control's registrar on its ordinary socket, with nothing around it; and how
 * long a store of many bindings takes to open.
 *
 *     stw-bench-registrar serve ADDRESS:PORT STORE none|md5|sha-256 durable|relaxed USERS
 *     stw-bench-registrar fill STORE BINDINGS
 *     stw-bench-registrar open STORE
 *
 * serve says "ready" and serves until it is ended. Users are u0 .. of example.com, password secret.
 * fill and open write JSON.
 */
#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "bench/clock.h"
#include "control/model/model.h"
#include "control/registrar/location.h"
#include "control/registrar/registrar.h"
#include "control/registrar/subscribers.h"
#include "control/resolve/names.h"
#include "control/slow/registering.h"
#include "control/slow/slow.h"
#include "control/tables/build.h"

#define DOMAIN	   "example.com"
#define PASSWORD   "secret"
#define USERS_STEP 10000u

static char domains[1][STW_DOMAIN_MAX] = {DOMAIN};

static int failed(const char *what, int err)
{
	fprintf(stderr, "stw-bench-registrar: %s: %s\n", what, stw_err_text(err));
	return 1;
}

static void make_model(struct stw_model *m, const char *store)
{
	*m = (struct stw_model){.n_secrets = 1};
	memset(m->secrets[0].key, 7, sizeof(m->secrets[0].key));
	m->secrets[0].id = 1;
	m->registrar = (struct stw_model_registrar){.domains = domains,
						    .n_domains = 1,
						    .nonce_ttl_s = 3600,
						    .min_expires_s = 60,
						    .default_expires_s = 3600,
						    .max_expires_s = 7200,
						    .max_contacts = 10,
						    .store_mb = 16384};
	snprintf(m->registrar.store, sizeof(m->registrar.store), "%s", store);
}

/* --- fill, open --- */

static int fill_record(struct stw_store *s, unsigned i, uint64_t now_s)
{
	static struct stw_location l;
	char aor[64], uri[64], call_id[64];
	const int n = snprintf(aor, sizeof(aor), "sip:u%08u@" DOMAIN, i);

	snprintf(uri, sizeof(uri), "sip:u%08u@10.%u.%u.%u:5060", i, i >> 16 & 255, i >> 8 & 255,
		 i & 255);
	snprintf(call_id, sizeof(call_id), "%032x", i * 2654435761u);
	l.indexed_s = UINT64_MAX;
	l.record.n = 1;
	l.record.b[0] = (struct stw_binding){.uri = stw_str(uri, strlen(uri)),
					     .call_id = stw_str(call_id, strlen(call_id)),
					     .cseq = 1,
					     .q = STW_Q_ONE,
					     .created_s = now_s,
					     .expires_s = now_s + 3600 + i % 3600};
	return stw_location_put(s, stw_str(aor, (size_t)n), &l);
}

static int fill(const char *dir, unsigned n)
{
	struct stw_registrar *r;
	struct stw_model m;
	struct stat st;
	char reason[256] = "", path[512];

	make_model(&m, dir);
	m.registrar.durability = STW_DURABILITY_RELAXED;
	int err = stw_registrar_new(&m, reason, sizeof(reason), &r);

	if (err)
		return failed(reason, err);
	const uint64_t now_s = stw_clock_s(stw_registrar_clock(r)), start = stw_bench_now_ns();

	for (unsigned i = 0; !err && i < n; i++) {
		err = fill_record(stw_registrar_store(r), i, now_s);
		if (!err && i % 1000 == 999)
			err = stw_registrar_commit(r);
	}
	if (!err)
		err = stw_registrar_commit(r);
	stw_registrar_free(r);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (err || stat(path, &st) < 0)
		return failed("fill", err);
	printf("{\"bindings\": %u, \"seconds\": %.3f, \"bytes\": %lld}\n", n,
	       (double)(stw_bench_now_ns() - start) / 1e9, (long long)st.st_size);
	return 0;
}

static bool count_row(void *ctx, struct stw_store_value key, struct stw_store_value row)
{
	static struct stw_record record;

	(void)key;
	if (stw_record_decode(row.p, row.len, &record) == STW_OK)
		*(uint64_t *)ctx += stw_record_n_live(&record);
	return true;
}

/* Until it can serve, and until all that is bound was read, as the data plane's table asks. */
static int open_store(const char *dir)
{
	const uint64_t start = stw_bench_now_ns();
	struct stw_registrar *r;
	struct stw_model m;
	char reason[256] = "";
	uint64_t n = 0;

	make_model(&m, dir);
	int err = stw_registrar_new(&m, reason, sizeof(reason), &r);

	if (err)
		return failed(reason, err);
	const uint64_t opened = stw_bench_now_ns();

	stw_store_walk(stw_registrar_store(r), STW_TABLE_LOCATION,
		       (struct stw_store_value){NULL, 0}, count_row, &n);
	const uint64_t walked = stw_bench_now_ns();

	stw_registrar_free(r);
	printf("{\"bindings\": %" PRIu64 ", \"open_s\": %.4f, \"read_s\": %.4f}\n", n,
	       (double)(opened - start) / 1e9, (double)(walked - start) / 1e9);
	return 0;
}

/* --- serve --- */

static void nothing(void *ctx)
{
	(void)ctx;
}

static int add_users(struct stw_registrar *r, unsigned n)
{
	int err = STW_OK;

	for (unsigned i = 0; !err && i < n; i++) {
		char name[64];
		const int len = snprintf(name, sizeof(name), "u%08u@" DOMAIN, i);

		err = stw_subscriber_put(stw_registrar_store(r), stw_str(name, (size_t)len),
					 stw_str(PASSWORD, sizeof(PASSWORD) - 1));
		if (!err && i % USERS_STEP == USERS_STEP - 1)
			err = stw_registrar_commit(r);
	}
	return err ? err : stw_registrar_commit(r);
}

static int serve(char **argv)
{
	struct stw_model_listener listener = {.pool = UINT32_MAX};
	struct ev_loop *loop = ev_default_loop(0);
	struct stw_image image;
	struct stw_model m;
	const char *why;

	make_model(&m, argv[3]);
	if (stw_endpoint_parse(argv[2], strlen(argv[2]), 5060, &listener.address) != STW_OK)
		return failed(argv[2], STW_EMALFORMED);
	m.listeners = &listener;
	m.n_listeners = 1;
	m.registrar.authenticate = strcmp(argv[4], "none") != 0;
	m.registrar.algorithms = strcmp(argv[4], "md5") == 0 ? STW_DIGESTS_MD5 : STW_DIGESTS_SHA256;
	m.registrar.durability =
		strcmp(argv[5], "relaxed") == 0 ? STW_DURABILITY_RELAXED : STW_DURABILITY_DURABLE;
	struct stw_names *names = stw_names_new(loop, nothing, NULL);
	struct stw_slow *slow = names ? stw_slow_new(loop, names) : NULL;
	int err = slow ? stw_slow_listen(slow, &m) : STW_ENOMEM;

	if (!err)
		err = stw_image_build(&m, NULL, 1, &image);
	if (err)
		return failed("start", err);
	stw_slow_link(slow, &m, true);
	stw_slow_serve(slow, &image);
	struct stw_registrar *r = stw_registering_registrar(stw_slow_registering(slow), &why);

	if (!r)
		return failed(why, STW_EIO);
	err = m.registrar.authenticate ? add_users(r, (unsigned)atoi(argv[6])) : STW_OK;
	if (err)
		return failed("users", err);
	puts("ready");
	fflush(stdout);
	ev_run(loop, 0);
	return 0;
}

int main(int argc, char **argv)
{
	stw_log_init("stw-bench-registrar", STW_LOG_ERROR);
	stw_sip_init(STW_KERNEL_AUTO);
	if (argc == 7 && strcmp(argv[1], "serve") == 0)
		return serve(argv);
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		return fill(argv[2], (unsigned)atoi(argv[3]));
	if (argc == 3 && strcmp(argv[1], "open") == 0)
		return open_store(argv[2]);
	fprintf(stderr, "usage: stw-bench-registrar serve ADDRESS:PORT STORE none|md5|sha-256 "
			"durable|relaxed USERS | fill STORE BINDINGS | open STORE\n");
	return 2;
}
