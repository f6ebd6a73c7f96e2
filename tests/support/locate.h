/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The location service for tests: the registrar of register.h, the proxy of proxy.h, and what
 * becomes of a request for a user, as the slow path has it.
 */

#include "tests/support/proxy.h"
#include "tests/support/register.h"

#include "control/decide/desk.h"
#include "control/slow/sockets.h"

#define STW_LOCATING_ROOM 65535u

static struct stw_registering stw_locating;
static struct stw_proxy *stw_locating_proxy;
static struct stw_located stw_locating_found;
static struct stw_verdict stw_locating_v;

static inline int stw_locating_start(void **state)
{
	struct stw_proxy *p = stw_proxy_new(2);

	(void)state;
	stw_registering_start(&stw_locating);
	stw_locating_proxy = p;
	p->farm.model.registrar.domains = stw_locating.domains;
	p->farm.model.registrar.n_domains = 2;
	stw_proxy_publish(p);
	return 0;
}

static inline int stw_locating_stop(void **state)
{
	(void)state;
	stw_proxy_free(stw_locating_proxy);
	stw_registering_stop(&stw_locating);
	return 0;
}

/**
 * An INVITE for @uri with a body of @n bytes, from a phone that needs no flow.
 *
 * @return what becomes of it, NUL-terminated: the request as it goes on, or the answer; "" nothing.
 *         stw_locating_v tells which
 */
static inline const char *stw_locating_ask(bool redirect, const char *uri, size_t n)
{
	static char memory[STW_SLOW_HEADROOM + 3 * STW_LOCATING_ROOM];
	struct stw_proxy *p = stw_locating_proxy;
	char *request = memory + STW_SLOW_HEADROOM;
	struct stw_rewritten done = {0};
	struct stw_sip_msg m;
	size_t len = (size_t)
		snprintf(request, STW_LOCATING_ROOM,
			 "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.40;branch=z9hG4bK1\r\n"
			 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: c\r\n"
			 "CSeq: 1 INVITE\r\nContent-Length: %zu\r\n\r\n",
			 uri, n);

	p->farm.model.registrar.calls = redirect ? STW_CALLS_REDIRECT : STW_CALLS_LOCATION;
	stw_proxy_publish(p);
	memset(request + len, 'x', n);
	stw_sip_parse(request, len + n, &m);
	assert_int_equal(m.reject, STW_SIP_ACCEPTED);

	const struct stw_desk desk = {.tables = p->tables,
				      .snap = p->snap,
				      .registrar = stw_locating.r};
	struct stw_source src = {.peer = stw_farm_v4(192, 0, 2, 40, 5060),
				 .headroom = STW_SLOW_HEADROOM};
	struct stw_verdict *v = &stw_locating_v;

	stw_desk_route(&desk, request, &m, &src, &stw_locating_found, v);
	if (v->action == STW_ACTION_FORWARD)
		assert_int_equal(stw_rewrite(&p->snap, &m, &src, v, request, &done), STW_OK);
	else
		assert_int_equal(stw_answer(&p->snap, &m, &src, v, request, 2 * STW_LOCATING_ROOM,
					    &done),
				 STW_OK);
	request[done.start + (int32_t)done.len] = '\0';
	return request + done.start;
}
