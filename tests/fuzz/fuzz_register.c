/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * REGISTERs, one after another to one registrar: whatever they say, each is answered, its answer
 * is whole lines, what is kept can be read, and a request for the user it names is located.
 *
 * Input: REGISTERs behind each other, each ended by a NUL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/registrar/location.h"
#include "control/registrar/registrar.h"
#include "control/registrar/subscribers.h"
#include "control/decide/desk.h"
#include "control/slow/locate.h"
#include "control/slow/sockets.h"
#include "tests/support/proxy.h"

#define ROOM 65535u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/strowger-fuzz-XXXXXX";
static char domains[1][STW_DOMAIN_MAX] = {"example.com"};
static struct stw_registrar *r;
static struct stw_proxy *proxy;
static char lines[STW_REGISTRAR_LINES];
static struct stw_registrar_answer answer = {.lines = lines};
static struct stw_endpoint source, listener;

static void check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fuzz_register: %s\n", what);
		abort();
	}
}

static void tidy(void)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "owner"};
	char path[64];

	stw_registrar_free(r);
	stw_proxy_free(proxy);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		unlink(path);
	}
	rmdir(directory);
}

static void start(void)
{
	struct stw_model *m;
	char reason[256] = "";

	stw_log_init("fuzz", STW_LOG_ERROR);
	stw_sip_init(STW_KERNEL_AUTO);
	check(mkdtemp(directory) != NULL, "directory");
	proxy = stw_proxy_new(2);
	m = &proxy->farm.model;
	m->registrar = (struct stw_model_registrar){.domains = domains,
						    .n_domains = 1,
						    .nonce_ttl_s = 300,
						    .min_expires_s = 1,
						    .default_expires_s = 60,
						    .max_expires_s = 120,
						    .max_contacts = 32,
						    .durability = STW_DURABILITY_RELAXED,
						    .store_mb = 64};
	snprintf(m->registrar.store, sizeof(m->registrar.store), "%s", directory);
	check(stw_registrar_new(m, reason, sizeof(reason), &r) == STW_OK, reason);
	stw_proxy_publish(proxy);
	source = stw_farm_v4(203, 0, 113, 5, 5062);
	listener = stw_farm_v4(192, 0, 2, 1, 5060);
	atexit(tidy);
}

/* Each line a header line: a name, a colon, no line end but its own. */
static void check_lines(void)
{
	size_t at = 0;

	while (at < answer.len) {
		const char *line = answer.lines + at;
		const char *end = memmem(line, answer.len - at, "\r\n", 2);

		check(end != NULL, "a line without end");
		const size_t n = (size_t)(end - line);

		check(memchr(line, ':', n) != NULL, "a line without name");
		check(!memchr(line, '\r', n) && !memchr(line, '\n', n) && !memchr(line, '\0', n),
		      "a line broken within");
		at += n + 2;
	}
}

static bool check_row(void *ctx, struct stw_store_value key, struct stw_store_value row)
{
	static struct stw_record record;

	(void)ctx;
	check(key.len > 0, "a row without name");
	check(stw_record_decode(row.p, row.len, &record) == STW_OK, "a row that cannot be read");
	return true;
}

/* As a request for that user the very message goes to what was bound, or is answered. */
static void check_located(const char *buf, size_t len)
{
	static char memory[STW_SLOW_HEADROOM + 3 * ROOM];
	static struct stw_located found;
	const struct stw_desk desk = {.tables = proxy->tables, .snap = proxy->snap, .registrar = r};
	char *copy = memory + STW_SLOW_HEADROOM;
	struct stw_source src = {.peer = stw_farm_v4(192, 0, 2, 40, 5060),
				 .headroom = STW_SLOW_HEADROOM};
	struct stw_rewritten done;
	struct stw_sip_msg m;
	struct stw_verdict v;

	memcpy(copy, buf, len);
	memcpy(copy, "MESSAGE ", 8);
	char *method = memmem(copy, len, " REGISTER\r\n", 11);

	if (method) /* of the CSeq */
		memcpy(method + 1, "MESSAGE ", 8);
	stw_sip_parse(copy, len, &m);
	stw_desk_route(&desk, copy, &m, &src, &found, &v);
	if (v.action == STW_ACTION_FORWARD &&
	    stw_rewrite(&proxy->snap, &m, &src, &v, copy, &done) == STW_OK)
		check(stw_sip_parse(copy + done.start, done.len, &m) == STW_SIP_ACCEPTED,
		      "located, and no request any more");
	else if (v.action == STW_ACTION_ANSWER)
		stw_answer(&proxy->snap, &m, &src, &v, copy, 2 * ROOM, &done);
}

static void run(const char *buf, size_t len)
{
	struct stw_sip_msg m;

	if (stw_sip_parse(buf, len, &m) != STW_SIP_ACCEPTED || m.kind != STW_SIP_REQUEST)
		return;
	stw_registrar_handle(r, buf, &m, &source, &listener, &answer);
	check(answer.status >= 200 && answer.status < 700, "no final answer");
	check_lines();
	check(stw_registrar_commit(r) == STW_OK, "commit");
	if (len > 9 && memcmp(buf, "REGISTER ", 9) == 0)
		check_located(buf + 1, len - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned turns;

	if (!r)
		start();
	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\0', size - at);
		const size_t n = end ? (size_t)(end - data - at) : size - at;

		if (n <= ROOM)
			run((const char *)data + at, n);
		at += n + 1;
	}
	/* Time goes on, and what was bound ends. */
	stw_registrar_clock(r)->mark.steady_ms += 10000;
	stw_registrar_tick(r);
	if (++turns % 64 == 0)
		check(stw_store_walk(stw_registrar_store(r), STW_TABLE_LOCATION,
				     (struct stw_store_value){NULL, 0}, check_row, NULL) == STW_OK,
		      "walk");
	return 0;
}
