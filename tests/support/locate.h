/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The location service for tests: the registrar of register.h, the tables of a farm, and what
 * becomes of a request.
 */

#include "tests/support/register.h"

#include "control/slow/locate.h"
#include "control/tables/build.h"
#include "dataplane/table/tables.h"

#define STW_LOCATING_ROOM 65535u

static struct stw_registering stw_locating;
static struct stw_farm stw_locating_farm;
static struct stw_image stw_locating_image;
static struct stw_tables *stw_locating_tables;
static struct stw_location_found stw_locating_found;

static inline int stw_locating_start(void **state)
{
	struct stw_farm *farm = &stw_locating_farm;
	char reason[160];

	(void)state;
	stw_registering_start(&stw_locating);
	stw_farm_init(farm, 2);
	farm->model.registrar.domains = stw_locating.domains;
	farm->model.registrar.n_domains = 2;
	assert_int_equal(stw_image_build(&farm->model, NULL, 1, &stw_locating_image), STW_OK);
	assert_int_equal(stw_tables_new(stw_locating_image.bytes, stw_locating_image.size_bytes,
					reason, sizeof(reason), &stw_locating_tables),
			 STW_OK);
	return 0;
}

static inline int stw_locating_stop(void **state)
{
	(void)state;
	stw_tables_free(stw_locating_tables);
	stw_image_fini(&stw_locating_image);
	stw_registering_stop(&stw_locating);
	return 0;
}

/* An INVITE for @uri with a body of @n bytes. @return what it becomes, NUL-terminated */
static inline const char *stw_locating_ask(bool redirect, const char *uri, size_t n)
{
	static char request[2 * STW_LOCATING_ROOM], out[STW_LOCATING_ROOM + 1];
	struct stw_sip_msg m;
	size_t len = (size_t)
		snprintf(request, sizeof(request),
			 "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
			 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: c\r\n"
			 "CSeq: 1 INVITE\r\nContent-Length: %zu\r\n\r\n",
			 uri, n);

	memset(request + len, 'x', n);
	stw_sip_parse(request, len + n, &m);
	assert_int_equal(m.reject, STW_SIP_ACCEPTED);
	stw_locate(stw_locating.r, stw_locating_tables, redirect, request, &m, out,
		   STW_LOCATING_ROOM, &stw_locating_found);
	out[stw_locating_found.len] = '\0';
	return out;
}
