/* SPDX-License-Identifier: BSD-3-Clause */

/* Where requests for registered users go: contacts that would lead elsewhere, and long requests. */

#include "tests/support/register.h"

#include <strowger/sip_headers.h>

#include "control/slow/locate.h"
#include "control/tables/build.h"
#include "dataplane/table/tables.h"

#define BOB  "bob@example.com"
#define ROOM 65535u

static struct stw_registering s;
static struct stw_farm farm;
static struct stw_image image;
static struct stw_tables *tables;
static char request[2 * ROOM], out[ROOM + 1];
static struct stw_location_found found;

static int start(void **state)
{
	char reason[160];

	(void)state;
	stw_registering_start(&s);
	stw_farm_init(&farm, 2);
	farm.model.registrar.domains = s.domains;
	farm.model.registrar.n_domains = 2;
	assert_int_equal(stw_image_build(&farm.model, NULL, 1, &image), STW_OK);
	assert_int_equal(stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason),
					&tables),
			 STW_OK);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_tables_free(tables);
	stw_image_fini(&image);
	stw_registering_stop(&s);
	return 0;
}

/* A request for @uri with a body of @n bytes. @return what it becomes, NUL-terminated */
static const char *locate(enum stw_calls calls, const char *uri, size_t n)
{
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
	stw_locate(s.r, tables, calls == STW_CALLS_REDIRECT, request, &m, out, ROOM, &found);
	out[found.len] = '\0';
	return out;
}

static void rfc5626_s5_3_a_request_goes_by_the_flow_whatever_the_contact_says(void **state)
{
	static const char *const contacts[] = {"sip:bob@127.0.0.1",	"sip:bob@192.0.2.1:5060",
					       "sip:alice@example.com", "sip:bob@0.0.0.0",
					       "sip:bob@phone.invalid", "sip:bob@255.255.255.255"};

	(void)state;
	for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
		stw_register(&s, BOB, "Contact: *\r\nExpires: 0\r\n");
		assert_int_equal(stw_register(&s, BOB, "Contact: <%s>\r\n", contacts[i]), 200);
		const char *text = locate(STW_CALLS_LOCATION, "sip:" BOB, 4);

		assert_int_equal(found.kind, STW_LOCATED_FORWARD);
		assert_memory_equal(text + 7, contacts[i], strlen(contacts[i]));
		assert_non_null(strstr(text, "\r\nRoute: <sip:stw"));
	}
}

static void rfc3261_s8_3_nobody_is_redirected_to_himself_or_to_us(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:bob@127.0.0.1>\r\n");
	locate(STW_CALLS_REDIRECT, "sip:" BOB, 0);
	assert_int_equal(found.status, 480);
	stw_register(&s, BOB,
		     "Contact: <sip:bob@192.0.2.1:5062>, <sip:bob@10.0.0.9>, <sip:b@[::1]>\r\n");
	const char *text = locate(STW_CALLS_REDIRECT, "sip:" BOB, 0);

	assert_int_equal(found.status, 302);
	assert_memory_equal(text, "Contact: <sip:bob@10.0.0.9>;q=1.000;expires=", 44);
	assert_ptr_equal(strchr(text, '\n')[1] ? text : NULL, NULL);
}

static void a_request_that_would_grow_too_long_is_refused(void **state)
{
	(void)state;
	stw_register(&s, BOB, "Contact: <sip:bob@10.0.0.9>\r\n");
	locate(STW_CALLS_LOCATION, "sip:" BOB, 60000);
	assert_int_equal(found.kind, STW_LOCATED_FORWARD);
	locate(STW_CALLS_LOCATION, "sip:" BOB, 65350);
	assert_int_equal(found.kind, STW_LOCATED_ANSWER);
	assert_int_equal(found.status, 513);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(rfc5626_s5_3_a_request_goes_by_the_flow_whatever_the_contact_says),
		T(rfc3261_s8_3_nobody_is_redirected_to_himself_or_to_us),
		T(a_request_that_would_grow_too_long_is_refused),
	};

	return cmocka_run_group_tests_name("locate", tests, NULL, NULL);
}
