/* SPDX-License-Identifier: BSD-3-Clause */
/* Names against a DNS server of our own on loopback, in one event loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/resolve/names.h"
#include "tests/support/turn.h"
#include "tests/unit/resolve/fake_dns.h"

struct rig {
	struct ev_loop *loop;
	struct fake_dns dns;
	struct stw_names *names;
	struct stw_model_resolver config;
	unsigned n_changed;
	struct stw_ip source;
};

static void changed(void *ctx)
{
	struct rig *r = ctx;
	r->n_changed++;
}

static void configure(struct rig *r, bool v4, bool v6)
{
	assert_int_equal(stw_names_configure(r->names, &r->config, v4, v6), STW_OK);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->loop = ev_loop_new(EVFLAG_AUTO);
	fake_dns_start(&r->dns, r->loop);
	r->names = stw_names_new(r->loop, changed, r);
	assert_non_null(r->names);
	r->config = fake_dns_resolver(&r->dns);
	r->source = stw_ip_from_v4("\xc6\x33\x64\x0a");
	configure(r, true, false);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	stw_names_free(r->names);
	fake_dns_stop(&r->dns);
	ev_loop_destroy(r->loop);
	free(r);
	return 0;
}

static void until(struct rig *r, bool (*is_so)(void *rig, const void *arg), const void *arg)
{
	assert_true(turn_until(r->loop, is_so, r, arg));
}

static bool has_changed(void *rig, const void *n)
{
	const struct rig *r = rig;

	return r->n_changed >= *(const unsigned *)n;
}

static void until_changed(struct rig *r, unsigned n)
{
	until(r, has_changed, &n);
}

static int ask(struct rig *r, const char *name, uint16_t port)
{
	return stw_names_ask(r->names, name, strlen(name), port, &r->source);
}

struct search {
	const char *name;
	uint16_t port;
	struct stw_name_view found;
};

static void compare(void *ctx, const struct stw_name_view *v)
{
	struct search *s = ctx;

	if (v->port == s->port && strcmp(v->name, s->name) == 0)
		s->found = *v;
}

static struct stw_name_view view(struct rig *r, const char *name, uint16_t port)
{
	struct search s = {.name = name, .port = port};

	stw_names_each(r->names, compare, &s);
	return s.found;
}

/* "ip:port/priority/weight ..." */
static const char *targets_text(const struct stw_name_view *v)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < v->n_targets; i++) {
		char ep[STW_ENDPOINT_TEXT];

		stw_endpoint_format(&v->targets[i].address, ep);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s/%u/%u", i ? " " : "", ep,
				      v->targets[i].priority, v->targets[i].weight);
	}
	return text;
}

struct wanted {
	const char *name;
	uint16_t port;
};

static bool is_answered(void *r, const void *arg)
{
	const struct wanted *w = arg;

	return view(r, w->name, w->port).state != STW_NAME_PENDING;
}

static bool has_failed(void *r, const void *arg)
{
	const struct wanted *w = arg;

	return view(r, w->name, w->port).failures > 0;
}

/* Ask, await the answer, compare. */
static void resolves(struct rig *r, const char *name, uint16_t port, const char *to)
{
	assert_int_equal(ask(r, name, port), STW_OK);
	until(r, is_answered, &(struct wanted){name, port});
	struct stw_name_view v = view(r, name, port);
	assert_non_null(v.name);
	assert_int_equal(v.state, *to ? STW_NAME_KNOWN : STW_NAME_ABSENT);
	assert_string_equal(targets_text(&v), to);
}

static void rfc3263_s4_2_a_port_leads_to_addresses_at_once(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", STW_DNS_SRV, 60, "1 1 5099 other.example");
	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.2");
	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.1");
	fake_dns_add(&r->dns, "x.example", STW_DNS_AAAA, 60, "2001:db8::1");
	resolves(r, "x.example", 5070, "203.0.113.1:5070/0/0 203.0.113.2:5070/0/0");
	assert_int_equal(r->dns.n_questions, 1);
	configure(r, true, true);
	resolves(r, "x.example", 5071,
		 "203.0.113.1:5071/0/0 203.0.113.2:5071/0/0 [2001:db8::1]:5071/0/0");
}

static void rfc3263_s4_1_naptr_leads_to_srv(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", STW_DNS_NAPTR, 60, "1 1 s SIP+D2T _sip._tcp.x.example");
	fake_dns_add(&r->dns, "x.example", STW_DNS_NAPTR, 60, "20 1 s SIP+D2U worse.example");
	fake_dns_add(&r->dns, "x.example", STW_DNS_NAPTR, 60, "10 2 s SIP+D2U worse.example");
	fake_dns_add(&r->dns, "x.example", STW_DNS_NAPTR, 60, "10 1 s SIP+D2U srv.example");
	fake_dns_add(&r->dns, "srv.example", STW_DNS_SRV, 60, "20 5 5062 b.example");
	fake_dns_add(&r->dns, "srv.example", STW_DNS_SRV, 60, "10 7 5061 a.example");
	fake_dns_add(&r->dns, "a.example", STW_DNS_A, 60, "203.0.113.1");
	fake_dns_add(&r->dns, "b.example", STW_DNS_A, 60, "203.0.113.2");
	resolves(r, "x.example", 0, "203.0.113.1:5061/10/7 203.0.113.2:5062/20/5");
}

static void rfc3263_s4_1_without_naptr_srv_is_asked(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "_sip._udp.x.example", STW_DNS_SRV, 60, "0 1 5081 a.example");
	fake_dns_add(&r->dns, "x.example", STW_DNS_NAPTR, 60, "1 1 s SIP+D2T _sip._tcp.x.example");
	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.9");
	fake_dns_add(&r->dns, "a.example", STW_DNS_A, 60, "203.0.113.1");
	resolves(r, "x.example", 0, "203.0.113.1:5081/0/1");
}

static void rfc3263_s4_2_without_srv_the_address_at_5060(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.9");
	resolves(r, "x.example", 0, "203.0.113.9:5060/0/0");
	/* a server that cannot do NAPTR */
	fake_dns_add(&r->dns, "_sip._udp.y.example", STW_DNS_SRV, 60, "0 1 5081 x.example");
	fake_dns_add(&r->dns, "y.example", FAKE_DNS_SERVFAIL, 0, "");
	resolves(r, "y.example", 0, "203.0.113.9:5081/0/1");
}

static void rfc2782_a_target_of_the_root_is_no_service(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.9");
	fake_dns_add(&r->dns, "_sip._udp.x.example", STW_DNS_SRV, 60, "0 0 5060 .");
	resolves(r, "x.example", 0, "");
}

static void takes_eight_targets_and_none_that_is_no_address(void **state)
{
	static const char *const data[] = {"203.0.113.1", "203.0.113.2", "203.0.113.3",
					   "203.0.113.4", "203.0.113.5", "203.0.113.6",
					   "203.0.113.7", "203.0.113.8", "203.0.113.9",
					   "203.0.113.1", "0.0.0.0"};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, data[i]);
	assert_int_equal(ask(r, "x.example", 5060), STW_OK);
	until_changed(r, 1);
	struct stw_name_view v = view(r, "x.example", 5060);
	assert_int_equal(v.n_targets, 8);
	assert_int_equal(v.targets[0].address.ip.b[15], 1);
	assert_int_equal(v.targets[7].address.ip.b[15], 8);
}

static void a_name_is_asked_for_once_and_is_in_the_image_when_answered(void **state)
{
	struct rig *r = *state;
	struct stw_image_resolved *rows;
	size_t n;

	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.9");
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask(r, "x.example", 5060), STW_OK);
	assert_int_equal(stw_names_collect(r->names, &rows, &n), STW_OK);
	assert_int_equal(n, 0);
	free(rows);
	until_changed(r, 1);
	assert_int_equal(ask(r, "x.example", 5060), STW_OK);
	assert_int_equal(r->dns.n_questions, 1);
	assert_int_equal(stw_names_collect(r->names, &rows, &n), STW_OK);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].len, 9);
	assert_memory_equal(rows[0].name, "x.example", 9);
	assert_int_equal(rows[0].port, 5060);
	assert_int_equal(rows[0].n_targets, 1);
	free(rows);
}

static void ttls_are_bounded(void **state)
{
	struct rig *r = *state;

	r->config.min_ttl_s = 50;
	r->config.max_ttl_s = 100;
	r->config.negative_ttl_s = 5;
	configure(r, true, false);
	fake_dns_add(&r->dns, "short.example", STW_DNS_A, 1, "203.0.113.9");
	fake_dns_add(&r->dns, "long.example", STW_DNS_A, 100000, "203.0.113.9");
	resolves(r, "short.example", 5060, "203.0.113.9:5060/0/0");
	resolves(r, "long.example", 5060, "203.0.113.9:5060/0/0");
	resolves(r, "no.example", 5060, "");
	double now = ev_now(r->loop);
	assert_true(view(r, "short.example", 5060).expires_unix_s > now + 40);
	assert_true(view(r, "long.example", 5060).expires_unix_s < now + 101);
	assert_true(view(r, "no.example", 5060).expires_unix_s < now + 6);
}

static void a_name_in_use_is_refreshed_before_it_expires(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 1, "203.0.113.9");
	resolves(r, "x.example", 5060, "203.0.113.9:5060/0/0");
	r->dns.rows[0].data = "203.0.113.10";
	until_changed(r, 2);
	struct stw_name_view v = view(r, "x.example", 5060);
	assert_string_equal(targets_text(&v), "203.0.113.10:5060/0/0");
}

/* The refresh fails, by SERVFAIL: counted, and what was known stays. */
static void a_refresh_without_an_answer_keeps_the_last_one(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 1, "203.0.113.9");
	resolves(r, "x.example", 5060, "203.0.113.9:5060/0/0");
	r->dns.rows[0].type = FAKE_DNS_SERVFAIL;
	until(r, has_failed, &(struct wanted){"x.example", 5060});
	struct stw_name_view v = view(r, "x.example", 5060);
	assert_int_equal(v.state, STW_NAME_KNOWN);
	assert_string_equal(targets_text(&v), "203.0.113.9:5060/0/0");
	assert_int_equal(r->n_changed, 1);
}

static bool has_other_target(void *r, const void *arg)
{
	struct stw_name_view v = view(r, "x.example", 5060);

	return strcmp(targets_text(&v), arg) == 0;
}

static void a_refresh_without_an_answer_for_a_family_keeps_that_family(void **state)
{
	struct rig *r = *state;

	configure(r, true, true);
	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 1, "203.0.113.9");
	fake_dns_add(&r->dns, "x.example", STW_DNS_AAAA, 1, "2001:db8::9");
	resolves(r, "x.example", 5060, "203.0.113.9:5060/0/0 [2001:db8::9]:5060/0/0");
	r->dns.rows[0].data = "203.0.113.10";
	r->dns.rows[1].data = FAKE_DNS_FAILS;
	until(r, has_other_target, "203.0.113.10:5060/0/0 [2001:db8::9]:5060/0/0");
}

/* What NAPTR led to is not given up for the name's own address because a server fails once. */
static void a_refresh_without_an_answer_for_naptr_keeps_the_last_one(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", STW_DNS_NAPTR, 1, "1 2 s SIP+D2U _sip._udp.a.example");
	fake_dns_add(&r->dns, "_sip._udp.a.example", STW_DNS_SRV, 1, "10 1 5062 a.example");
	fake_dns_add(&r->dns, "a.example", STW_DNS_A, 1, "203.0.113.9");
	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 1, "203.0.113.80");
	resolves(r, "x.example", 0, "203.0.113.9:5062/10/1");
	r->dns.rows[0].data = FAKE_DNS_FAILS;
	until(r, has_failed, &(struct wanted){"x.example", 0});
	struct stw_name_view v = view(r, "x.example", 0);
	assert_string_equal(targets_text(&v), "203.0.113.9:5062/10/1");
}

static void absence_is_forgotten_in_time(void **state)
{
	struct rig *r = *state;

	r->config.negative_ttl_s = 1;
	configure(r, true, false);
	resolves(r, "x.example", 5060, "");
	until_changed(r, 2);
	assert_null(view(r, "x.example", 5060).name);
	/* Meanwhile it was made. */
	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.9");
	resolves(r, "x.example", 5060, "203.0.113.9:5060/0/0");
}

static void no_answer_at_first_is_absence_for_a_short_time(void **state)
{
	struct rig *r = *state;

	fake_dns_add(&r->dns, "x.example", FAKE_DNS_SERVFAIL, 0, "");
	resolves(r, "x.example", 5060, "");
	const double expires_s = view(r, "x.example", 5060).expires_unix_s;
	assert_true(expires_s <= ev_time() + 1);
}

static void a_name_served_before_us_is_taken_over_and_refreshed(void **state)
{
	struct rig *r = *state;
	const struct stw_image_target old = {.address = {.ip = r->source, .port = 5099}};
	const struct stw_image_resolved served = {
		.name = "x.example", .len = 9, .port = 5060, .targets = &old, .n_targets = 1};
	const struct stw_image_resolved absent = {.name = "y.example", .len = 9};
	struct stw_image_resolved *rows;
	size_t n;

	fake_dns_add(&r->dns, "x.example", STW_DNS_A, 60, "203.0.113.9");
	stw_names_adopt(r->names, &served);
	stw_names_adopt(r->names, &served);
	stw_names_adopt(r->names, &absent);
	assert_int_equal(stw_names_collect(r->names, &rows, &n), STW_OK);
	assert_int_equal(n, 1);
	assert_memory_equal(rows[0].targets, &old, sizeof(old));
	free(rows);
	until(r, has_other_target, "203.0.113.9:5060/0/0");
	assert_int_equal(r->n_changed, 1);
}

static void the_oldest_name_makes_room(void **state)
{
	struct rig *r = *state;

	r->config.max_names = 2;
	configure(r, true, false);
	resolves(r, "a.example", 5060, "");
	resolves(r, "b.example", 5060, "");
	assert_int_equal(ask(r, "a.example", 5060), STW_OK); /* now b is the oldest */
	assert_int_equal(ask(r, "c.example", 5060), STW_OK);
	assert_null(view(r, "b.example", 5060).name);
	assert_non_null(view(r, "a.example", 5060).name);
}

static void who_holds_most_names_makes_room_for_himself(void **state)
{
	struct rig *r = *state;
	struct stw_ip other = stw_ip_from_v4("\xc6\x33\x64\x0b");

	r->config.max_names = 3;
	configure(r, true, false);
	assert_int_equal(stw_names_ask(r->names, "quiet.example", 13, 5060, &other), STW_OK);
	until_changed(r, 1);
	resolves(r, "a.example", 5060, "");
	resolves(r, "b.example", 5060, "");
	resolves(r, "c.example", 5060, "");
	assert_non_null(view(r, "quiet.example", 5060).name);
	assert_null(view(r, "a.example", 5060).name);
}

static void lookups_under_way_are_bounded_and_end_with_us(void **state)
{
	struct rig *r = *state;
	char name[32];

	r->dns.silent = true;
	r->config.max_names = 10000;
	configure(r, true, false);
	for (unsigned i = 0; i < STW_NAMES_LOOKUPS; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		assert_int_equal(ask(r, name, 5060), STW_OK);
	}
	assert_int_equal(ask(r, "one-more.example", 5060), STW_ENOSPACE);
	assert_int_equal(ask(r, "n0.example", 5060), STW_OK);
}

int main(void)
{
#define NAMES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		NAMES_TEST(rfc3263_s4_2_a_port_leads_to_addresses_at_once),
		NAMES_TEST(rfc3263_s4_1_naptr_leads_to_srv),
		NAMES_TEST(rfc3263_s4_1_without_naptr_srv_is_asked),
		NAMES_TEST(rfc3263_s4_2_without_srv_the_address_at_5060),
		NAMES_TEST(rfc2782_a_target_of_the_root_is_no_service),
		NAMES_TEST(takes_eight_targets_and_none_that_is_no_address),
		NAMES_TEST(a_name_is_asked_for_once_and_is_in_the_image_when_answered),
		NAMES_TEST(ttls_are_bounded),
		NAMES_TEST(a_name_in_use_is_refreshed_before_it_expires),
		NAMES_TEST(a_refresh_without_an_answer_keeps_the_last_one),
		NAMES_TEST(a_refresh_without_an_answer_for_a_family_keeps_that_family),
		NAMES_TEST(a_refresh_without_an_answer_for_naptr_keeps_the_last_one),
		NAMES_TEST(absence_is_forgotten_in_time),
		NAMES_TEST(no_answer_at_first_is_absence_for_a_short_time),
		NAMES_TEST(a_name_served_before_us_is_taken_over_and_refreshed),
		NAMES_TEST(the_oldest_name_makes_room),
		NAMES_TEST(who_holds_most_names_makes_room_for_himself),
		NAMES_TEST(lookups_under_way_are_bounded_and_end_with_us),
	};
	stw_log_init("test", STW_LOG_ERROR);
	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
