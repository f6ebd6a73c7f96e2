/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The whole decision on a bench for tests: a farm (tests/support/farm.h), its tables, a FIB with
 * one interface a side, and a message that is parsed, routed and rewritten as a worker would do it.
 *
 *   interface 0: 192.0.2.0/24, 2001:db8::/64 and the default routes   (outside)
 *   interface 1: 198.51.100.0/24                                      (the farm)
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "control/tables/build.h"
#include "dataplane/location/find.h"
#include "dataplane/recent/note.h"
#include "dataplane/route/locate.h"
#include "dataplane/route/route.h"
#include "dataplane/table/lookup.h"
#include "tests/support/farm.h"

#define STW_PROXY_ROOM (70u * 1024)

struct stw_proxy {
	struct stw_farm farm;
	struct stw_tables *tables;
	struct stw_fib *fib;
	struct stw_snapshot snap;
	const struct stw_image_resolved *names; /* [n_names], known when published */
	size_t n_names;

	const struct stw_location_map *location; /* who is registered where; NULL: nobody knows */
	struct stw_where_slot slot;		 /* what was found there */

	struct stw_memory *known; /* what is remembered (tests/support/memory.h); NULL: nothing */
	uint64_t now_tsc;	  /* when, for the memory */
	const uint8_t *failed;	  /* [members] seen dead when published; NULL: none */

	/* of the message last handled */
	struct stw_sip_msg msg;
	struct stw_source src;
	struct stw_verdict v;
	int err;	/* of stw_rewrite() or stw_answer() */
	char *out;	/* NUL-terminated; the result of the rewrite or answer */
	size_t out_len; /* 0: nothing goes out */
	char memory[STW_REWRITE_HEADROOM + STW_PROXY_ROOM + STW_REWRITE_TAILROOM];
};

/** Serve by @image from now on. */
static inline void stw_proxy_take(struct stw_proxy *p, const struct stw_image *image)
{
	struct stw_iface_address addresses[STW_FARM_MEMBERS];
	char reason[160] = "";

	stw_tables_free(p->tables);
	p->tables = NULL;
	int err =
		stw_tables_new(image->bytes, image->size_bytes, reason, sizeof(reason), &p->tables);
	assert_string_equal(reason, "");
	assert_int_equal(err, STW_OK);
	p->snap.tables = p->tables;
	p->snap.fib = p->fib;
	/* listeners on 198.51.100.0/24 face the farm, all others the outside */
	for (size_t i = 0; i < p->farm.model.n_listeners; i++) {
		addresses[i].ip = p->farm.listeners[i].address.ip;
		addresses[i].iface = p->farm.listeners[i].address.ip.b[12] == 198;
	}
	stw_snapshot_face(&p->snap, addresses, p->farm.model.n_listeners);
}

/** Publish @p->farm.model as it stands. */
static inline void stw_proxy_publish(struct stw_proxy *p)
{
	static uint64_t generation;
	struct stw_image image;

	assert_int_equal(stw_image_build_named(&p->farm.model, p->failed, p->names, p->n_names,
					       ++generation, &image),
			 STW_OK);
	stw_proxy_take(p, &image);
	stw_image_fini(&image);
}

/** A proxy before @n_members members; free with stw_proxy_free(). */
static inline struct stw_proxy *stw_proxy_new(uint8_t n_members)
{
	struct stw_proxy *p = calloc(1, sizeof(*p));
	const struct stw_iface ifaces[2] = {{.mtu = 1500}, {.port = 1, .mtu = 1500}};
	const struct stw_fib_route routes[] = {
		{.prefix = stw_farm_v4(192, 0, 2, 0, 0).ip, .bits = 120, .on_link = true},
		{.prefix = stw_farm_v4(198, 51, 100, 0, 0).ip,
		 .bits = 120,
		 .on_link = true,
		 .iface = 1},
		{.prefix = stw_farm_v4(0, 0, 0, 0, 0).ip,
		 .bits = 96,
		 .gateway = stw_farm_v4(192, 0, 2, 254, 0).ip},
		{.prefix = stw_farm_v6(0, 0).ip, .bits = 64, .on_link = true},
		{.bits = 0, .gateway = stw_farm_v6(0xfe, 0).ip},
	};

	assert_non_null(p);
	p->fib = stw_fib_build(ifaces, 2, routes, sizeof(routes) / sizeof(routes[0]), NULL, 0);
	assert_non_null(p->fib);
	stw_farm_init(&p->farm, n_members);
	stw_proxy_publish(p);
	return p;
}

static inline void stw_proxy_free(struct stw_proxy *p)
{
	stw_tables_free(p->tables);
	stw_fib_free(p->fib);
	free(p);
}

/* The decision, and that it is the same whether bytes behind the message may be read or not. */
static inline void stw_proxy_decide(struct stw_proxy *p, const char *buf)
{
	struct stw_verdict exact;

	stw_route(&p->snap, buf, &p->msg, &p->src, &exact);
	p->msg.behind = UINT8_MAX;
	stw_route(&p->snap, buf, &p->msg, &p->src, &p->v);
	assert_memory_equal(&p->v, &exact, sizeof(exact));
}

/** Handle the datagram @bytes from @peer, sent to listener @listener. */
static inline void stw_proxy_handle(struct stw_proxy *p, const char *bytes, size_t len,
				    struct stw_endpoint peer, uint16_t listener)
{
	char *buf = p->memory + STW_REWRITE_HEADROOM;
	struct stw_rewritten done = {0, 0};

	assert_true(len <= STW_PROXY_ROOM);
	memset(p->memory, 0x5a, sizeof(p->memory));
	memcpy(buf, bytes, len);
	p->src = (struct stw_source){.peer = peer, .listener = listener, .memory = p->known};
	stw_sip_parse(buf, len, &p->msg);
	assert_true(p->msg.kind == STW_SIP_REQUEST || p->msg.kind == STW_SIP_RESPONSE ||
		    p->msg.kind == STW_SIP_STUN);
	p->snap.location = p->location;
	if (stw_locate_key(&p->snap, buf, &p->msg, &p->slot, &p->src)) {
		stw_where_find(p->location, (struct stw_where_slot *[]){&p->slot}, 1);
		p->src.where = &p->slot.w;
	}
	stw_proxy_decide(p, buf);
	if (p->known != NULL && p->v.action == STW_ACTION_FORWARD && p->v.note != STW_NOTE_NONE)
		assert_true(stw_note(p->known, p->tables, &p->msg, &p->v, p->now_tsc));
	p->out_len = 0;
	p->err = STW_OK;
	if (p->v.action == STW_ACTION_FORWARD)
		p->err = stw_rewrite(&p->snap, &p->msg, &p->src, &p->v, buf, &done);
	else if (p->v.action == STW_ACTION_ANSWER)
		p->err = stw_answer(&p->snap, &p->msg, &p->src, &p->v, buf, STW_PROXY_ROOM, &done);
	else
		return;
	if (p->err != STW_OK)
		return;
	p->out = buf + done.start;
	p->out_len = done.len;
	assert_true(p->out >= p->memory);
	p->out[done.len] = '\0';
}

/** Handle text. */
static inline void stw_proxy_text(struct stw_proxy *p, const char *text, struct stw_endpoint peer)
{
	stw_proxy_handle(p, text, strlen(text), peer, stw_ip_is_v4(&peer.ip) ? 0 : 1);
}

/** The word of the drop ledger, or "" when it was not dropped. */
static inline const char *stw_proxy_drop(const struct stw_proxy *p)
{
	return p->v.action == STW_ACTION_DROP ? stw_counter_rows[p->v.reason].name : "";
}

/** What follows @name in the result up to the end of that line, NUL-terminated; or "". */
static inline const char *stw_proxy_line(const struct stw_proxy *p, const char *name)
{
	static char line[4096];
	const char *at = strstr(p->out, name);

	line[0] = '\0';
	if (at != NULL)
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at + strlen(name), "\r"),
			 at + strlen(name));
	return line;
}
