/* SPDX-License-Identifier: BSD-3-Clause */

/* Where requests for registered users go: contacts that would lead elsewhere, and long requests. */

#include "tests/support/locate.h"

#define BOB "bob@example.com"

static void rfc5626_s5_3_a_request_goes_by_the_flow_whatever_the_contact_says(void **state)
{
	static const char *const contacts[] = {"sip:bob@127.0.0.1",	"sip:bob@192.0.2.1:5060",
					       "sip:alice@example.com", "sip:bob@0.0.0.0",
					       "sip:bob@phone.invalid", "sip:bob@255.255.255.255"};

	(void)state;
	for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
		stw_register(&stw_locating, BOB, "Contact: *\r\nExpires: 0\r\n");
		assert_int_equal(stw_register(&stw_locating, BOB, "Contact: <%s>\r\n", contacts[i]),
				 200);
		const char *text = stw_locating_ask(false, "sip:" BOB, 4);

		assert_int_equal(stw_locating_v.action, STW_ACTION_FORWARD);
		assert_memory_equal(text + 7, contacts[i], strlen(contacts[i]));
		assert_int_equal(stw_locating_v.how, STW_HOW_FLOW);
		assert_true(stw_endpoint_equal(&stw_locating_v.dst, &stw_locating.source));
	}
}

static void rfc3261_s8_3_nobody_is_redirected_to_himself_or_to_us(void **state)
{
	(void)state;
	stw_register(&stw_locating, BOB, "Contact: <sip:bob@127.0.0.1>\r\n");
	stw_locating_ask(true, "sip:" BOB, 0);
	assert_int_equal(stw_locating_v.status, 480);
	stw_register(&stw_locating, BOB,
		     "Contact: <sip:bob@192.0.2.1:5062>, <sip:bob@10.0.0.9>, <sip:b@[::1]>\r\n");
	const char *text = stw_locating_ask(true, "sip:" BOB, 0);

	assert_int_equal(stw_locating_v.status, 302);
	const char *contact = strstr(text, "\r\nContact: ");

	/* for this call only: no time is told for which it could be kept (s21.3.3) */
	assert_non_null(contact);
	assert_int_equal(strncmp(contact, "\r\nContact: <sip:bob@10.0.0.9>;q=1.000\r\n", 39), 0);
	assert_null(strstr(contact + 2, "\r\nContact: "));
}

static struct stw_went *went;

/* As the slow path does it: decided with what is remembered, and remembered. @return the verdict */
static struct stw_verdict call(const char *method, const char *branch, const char *uri)
{
	static char memory[STW_SLOW_HEADROOM + 8192];
	struct stw_proxy *p = stw_locating_proxy;
	char *request = memory + STW_SLOW_HEADROOM;
	const size_t len =
		(size_t)snprintf(request, 4096,
				 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.40;branch=z9hG4bK%s\r\n"
				 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: %s\r\n"
				 "CSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
				 method, uri, branch, branch, method);
	struct stw_sip_msg m;
	struct stw_verdict v;

	p->farm.model.registrar.calls = STW_CALLS_LOCATION;
	stw_proxy_publish(p);
	stw_sip_parse(request, len, &m);
	assert_int_equal(m.reject, STW_SIP_ACCEPTED);
	const struct stw_desk desk = {.tables = p->tables,
				      .snap = p->snap,
				      .registrar = stw_locating.r,
				      .went = went};
	struct stw_source src = {.peer = stw_farm_v4(192, 0, 2, 40, 5060),
				 .headroom = STW_SLOW_HEADROOM,
				 .memory = stw_went_memory(went)};

	stw_desk_route(&desk, request, &m, &src, &stw_locating_found, &v);
	if (v.action == STW_ACTION_FORWARD)
		stw_desk_went(&desk, &m, &v, &stw_locating_found);
	return v;
}

static void goes_to(const struct stw_verdict *v, uint8_t host)
{
	const struct stw_endpoint expected = stw_farm_v4(203, 0, 113, host, 5062);

	assert_int_equal(v->action, STW_ACTION_FORWARD);
	assert_true(stw_endpoint_equal(&v->dst, &expected));
}

static void register_at(uint8_t host)
{
	stw_register(&stw_locating, BOB, "Contact: *\r\nExpires: 0\r\n");
	stw_locating.source = stw_farm_v4(203, 0, 113, host, 5062);
	assert_int_equal(stw_register(&stw_locating, BOB, "Contact: <sip:bob@203.0.113.%u>\r\n",
				      host),
			 200);
}

/* s9.1, s16.10, s17.1.1.3: what belongs to an INVITE that control decided goes where that went. */
static void rfc3261_s16_10_a_cancel_follows_its_invite_over_a_move(void **state)
{
	static const char *const methods[] = {"INVITE", "CANCEL", "ACK"};
	struct stw_verdict v;

	(void)state;
	went = stw_went_new();
	assert_non_null(went);
	register_at(7);
	v = call("INVITE", "1", "sip:" BOB);
	goes_to(&v, 7);
	const uint64_t branch = v.branch;

	for (int moved = 0; moved < 2; moved++) {
		for (size_t i = 0; i < 3; i++) {
			v = call(methods[i], "1", "sip:" BOB);
			goes_to(&v, 7);
			assert_int_equal(v.branch, branch);
		}
		register_at(8);
	}
	v = call("INVITE", "2", "sip:" BOB);
	goes_to(&v, 8);
	v = call("CANCEL", "1", "sip:" BOB);
	goes_to(&v, 7);
	v = call("CANCEL", "2", "sip:" BOB);
	goes_to(&v, 8);
	/* gone altogether: a new call is told so, and what there was can still be ended */
	stw_register(&stw_locating, BOB, "Contact: *\r\nExpires: 0\r\n");
	v = call("INVITE", "3", "sip:" BOB);
	assert_int_equal(v.action, STW_ACTION_ANSWER);
	v = call("CANCEL", "1", "sip:" BOB);
	goes_to(&v, 7);
	v = call("ACK", "2", "sip:" BOB);
	goes_to(&v, 8);
	assert_int_equal(stw_went_n(went), 2);
	stw_went_free(went);
}

/* A request of user @i went to contact @id of theirs. */
static void note(uint32_t i, uint32_t id)
{
	struct stw_located *l = &stw_locating_found;
	const struct stw_sip_msg m = {.method = STW_METHOD_INVITE};
	struct stw_verdict v = {.note = STW_NOTE_CONTACT, .call_hash = id * 77, .branch = id + 1};
	struct stw_contact c = {.id = id,
				.rest = {"sip:x@192.0.2.7", 15},
				.source = stw_farm_v4(203, 0, 113, 7, 5062),
				.listener = stw_farm_v4(192, 0, 2, 1, 5060)};

	v.contact = id;
	l->w = (struct stw_whereabouts){.aor = l->aor,
					.aor_len = (uint16_t)snprintf(l->aor, sizeof(l->aor),
								      "sip:u%u@example.com", i),
					.packed = l->packed,
					.listeners = l->listeners,
					.n_listeners = 1};
	l->listeners[0] = c.listener;
	l->w.packed_len = (uint16_t)stw_contact_pack(&c, l->aor, l->w.aor_len, 0, l->packed,
						     sizeof(l->packed));
	stw_went_note(went, stw_locating_proxy->tables, &m, &v, l);
}

static void note_user(uint32_t i)
{
	note(i, i);
}

/* The contacts remembered for user @i, who is bound nowhere. */
static size_t n_remembered(uint32_t i)
{
	struct stw_located *l = &stw_locating_found;
	struct stw_contact c;
	size_t n = 0;

	l->w.aor_len = (uint16_t)snprintf(l->aor, sizeof(l->aor), "sip:u%u@example.com", i);
	l->w.packed_len = 0;
	l->w.n_listeners = 0;
	stw_went_add(went, l);
	for (size_t at = 0; stw_contact_next(&l->w, &at, &c); n++) {
		assert_true(c.gone);
		assert_int_equal(c.id, i);
	}
	return n;
}

static void what_is_remembered_is_bounded(void **state)
{
	(void)state;
	went = stw_went_new();
	assert_non_null(went);
	for (uint32_t i = 0; i < 3 * STW_WENT_MAX; i++) {
		note_user(i);
		assert_true(stw_went_n(went) <= STW_WENT_MAX);
		note_user(i); /* again: once */
		assert_int_equal(stw_went_n(went), i < STW_WENT_MAX ? i + 1 : STW_WENT_MAX);
		assert_int_equal(n_remembered(i), 1);
	}
	assert_int_equal(n_remembered(0), 0);
	assert_int_equal(n_remembered(2 * STW_WENT_MAX - 1), 0);
	stw_went_free(went);
}

/* One contact after another, each called: as any phone may. */
static void one_user_does_not_push_out_what_others_have(void **state)
{
	(void)state;
	went = stw_went_new();
	assert_non_null(went);
	note_user(1);
	for (uint32_t id = 2; id < 2 * STW_WENT_MAX; id++)
		note(2, id);
	assert_int_equal(stw_went_n(went), 1 + STW_RECORD_BINDINGS);
	assert_int_equal(n_remembered(1), 1);
	stw_went_free(went);
}

static void a_request_that_would_grow_too_long_is_refused(void **state)
{
	(void)state;
	stw_register(&stw_locating, BOB, "Contact: <sip:bob@10.0.0.9>\r\n");
	stw_locating_ask(false, "sip:" BOB, 60000);
	assert_int_equal(stw_locating_v.action, STW_ACTION_FORWARD);
	stw_locating_ask(false, "sip:" BOB, 65350);
	assert_int_equal(stw_locating_v.action, STW_ACTION_ANSWER);
	assert_int_equal(stw_locating_v.status, 513);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stw_locating_start, stw_locating_stop)
	const struct CMUnitTest tests[] = {
		T(rfc5626_s5_3_a_request_goes_by_the_flow_whatever_the_contact_says),
		T(rfc3261_s8_3_nobody_is_redirected_to_himself_or_to_us),
		T(rfc3261_s16_10_a_cancel_follows_its_invite_over_a_move),
		T(what_is_remembered_is_bounded),
		T(one_user_does_not_push_out_what_others_have),
		T(a_request_that_would_grow_too_long_is_refused),
	};

	return cmocka_run_group_tests_name("locate", tests, NULL, NULL);
}
