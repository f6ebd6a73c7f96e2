/* SPDX-License-Identifier: BSD-3-Clause */

/* Limits by source: what is counted, for whom, and what a flood in others' names can do. */

#include "tests/support/register.h"

#include "control/registrar/sources.h"

#define BOB	"bob@example.com"
#define LINE	"Contact: <sip:bob@10.0.0.9>\r\n"
#define SECRET	"open sesame"
#define SECOND	1000000u
#define NOW	(1000ull * SECOND)
#define COUNTED stw_registrar_counters(s.r)

static struct stw_registering s;
static struct stw_sources *sources;
static char credentials[1024];

static int start(void **state)
{
	(void)state;
	sources = stw_sources_new(64);
	return sources ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	stw_sources_free(sources);
	return 0;
}

static bool take(struct stw_endpoint from, uint32_t rate, uint64_t at_us)
{
	return stw_sources_take(sources, &from.ip, STW_SOURCE_STRANGER, rate, SECOND, at_us);
}

static void so_many_at_once_then_so_many_a_second(void **state)
{
	const struct stw_endpoint from = stw_farm_v4(10, 0, 0, 1, 5060);
	unsigned n = 0;

	(void)state;
	while (take(from, 10, NOW))
		n++;
	assert_int_equal(n, 10);
	assert_true(take(stw_farm_v4(10, 0, 0, 2, 5060), 10, NOW)); /* others are not held */
	for (uint64_t us = 1; us <= 3 * SECOND; us += SECOND / 100)
		n += take(from, 10, NOW + us);
	assert_in_range(n, 39, 41);
	for (n = 0; take(from, 10, NOW + 60 * SECOND);)
		n++;
	assert_int_equal(n, 10); /* a rest does not add up to more than the burst */
}

static void a_network_by_ipv6_is_one_source(void **state)
{
	unsigned n = 0;

	(void)state;
	for (uint8_t i = 0; i < 100; i++)
		n += take(stw_farm_v6(i, 5060), 10, NOW);
	assert_int_equal(n, 10);
}

static void without_a_rate_there_is_no_limit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		assert_true(take(stw_farm_v4(10, 0, 0, 1, 5060), 0, NOW));
}

/* However many come, who is far over the limit stays known. */
static void a_crowd_does_not_wash_an_offender_clean(void **state)
{
	const struct stw_endpoint from = stw_farm_v4(10, 0, 0, 1, 5060);

	(void)state;
	while (take(from, 10, NOW))
		;
	for (unsigned i = 0; i < 10000; i++)
		take(stw_farm_v4(11, 0, (uint8_t)(i >> 8), (uint8_t)i, 5060), 10, NOW);
	assert_false(take(from, 10, NOW));
}

/* --- at the registrar --- */

static int open_registrar(void **state)
{
	(void)state;
	stw_registering_start(&s);
	s.model.registrar.authenticate = true;
	s.model.registrar.source_rate = 20;
	s.model.registrar.source_failures = 5;
	assert_int_equal(stw_registrar_configure(s.r, &s.model), STW_OK);
	stw_subscriber_put(stw_registrar_store(s.r), stw_str(BOB, sizeof(BOB) - 1),
			   stw_str(SECRET, sizeof(SECRET) - 1));
	return stw_store_commit(stw_registrar_store(s.r));
}

static int close_registrar(void **state)
{
	(void)state;
	stw_registering_stop(&s);
	return 0;
}

static uint16_t answer_challenge(const char *password)
{
	stw_credentials_make(&s, "MD5", "bob", "example.com", password, 1, credentials,
			     sizeof(credentials));
	return stw_register(&s, BOB, LINE "%s", credentials);
}

static void a_flood_is_answered_503_and_counted(void **state)
{
	unsigned n = 0;

	(void)state;
	/* On a slow machine time goes on meanwhile, and more of them are within the rate. */
	while (stw_register(&s, BOB, LINE) == 401)
		assert_true(++n < 100000);
	assert_true(n >= 20);
	assert_int_equal(s.a.status, 503);
	assert_int_equal(s.a.retry_after_s, 10);
	assert_int_equal(COUNTED->limited, 1);
	stw_registering_pass(&s, 2);
	assert_int_equal(stw_register(&s, BOB, LINE), 401);
}

/* Whoever forges our phone's address does not have our nonces. */
static void a_flood_in_somebodys_name_does_not_hold_him(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, LINE), 401);
	stw_credentials_make(&s, "MD5", "bob", "example.com", SECRET, 1, credentials,
			     sizeof(credentials));
	for (unsigned i = 0; i < 1000; i++)
		stw_register(&s, BOB, LINE "Authorization: Digest username=\"bob\"\r\n");
	assert_int_equal(stw_register(&s, BOB, LINE "%s", credentials), 200);
}

static void guessing_ends_without_a_look_at_the_password(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(stw_register(&s, BOB, LINE), 401);
		assert_int_equal(answer_challenge("guess"), 401);
	}
	assert_int_equal(stw_register(&s, BOB, LINE), 401);
	assert_int_equal(answer_challenge(SECRET), 503);
	assert_int_equal(COUNTED->limited_failures, 1);
	assert_int_equal(COUNTED->failed_authentication, 5);
	stw_registering_pass(&s, 61);
	assert_int_equal(stw_register(&s, BOB, LINE), 401);
	assert_int_equal(answer_challenge(SECRET), 200);
}

/* Guesses from elsewhere, with nonces sent elsewhere, are not his. */
static void others_guesses_in_his_name_do_not_hold_him(void **state)
{
	const struct stw_endpoint phone = s.source;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		s.source = stw_farm_v4(203, 0, 113, (uint8_t)(100 + i), 5060);
		assert_int_equal(stw_register(&s, BOB, LINE), 401);
		s.source = phone;
		assert_int_equal(answer_challenge("guess"), 401);
	}
	assert_int_equal(stw_register(&s, BOB, LINE), 401);
	assert_int_equal(answer_challenge(SECRET), 200);
}

/* A nonce is good from elsewhere: phones move. */
static void a_phone_that_moved_registers_with_the_nonce_it_has(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, LINE), 401);
	s.source = stw_farm_v4(203, 0, 113, 77, 5060);
	assert_int_equal(answer_challenge(SECRET), 200);
}

static void members_and_trusted_networks_have_no_limit(void **state)
{
	struct stw_model_prefix trusted = {.ip = stw_farm_v4(203, 0, 113, 0, 0).ip, .bits = 25};
	struct stw_model_listener listener = {.trusted = &trusted, .n_trusted = 1};
	struct stw_model_member member = {.address = stw_farm_v4(198, 51, 100, 7, 5060)};

	(void)state;
	s.model.listeners = &listener;
	s.model.n_listeners = 1;
	s.model.members = &member;
	s.model.n_members = 1;
	assert_int_equal(stw_registrar_configure(s.r, &s.model), STW_OK);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(stw_register(&s, BOB, LINE), 401);
	s.source = member.address;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(stw_register(&s, BOB, LINE), 401);
	assert_int_equal(COUNTED->limited, 0);
	s.source = stw_farm_v4(203, 0, 113, 128, 5060); /* the next network */
	for (unsigned i = 0; stw_register(&s, BOB, LINE) != 503; i++)
		assert_true(i < 100000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define R(name) cmocka_unit_test_setup_teardown(name, open_registrar, close_registrar)
	const struct CMUnitTest tests[] = {
		T(so_many_at_once_then_so_many_a_second),
		T(a_network_by_ipv6_is_one_source),
		T(without_a_rate_there_is_no_limit),
		T(a_crowd_does_not_wash_an_offender_clean),
		R(a_flood_is_answered_503_and_counted),
		R(a_flood_in_somebodys_name_does_not_hold_him),
		R(guessing_ends_without_a_look_at_the_password),
		R(others_guesses_in_his_name_do_not_hold_him),
		R(a_phone_that_moved_registers_with_the_nonce_it_has),
		R(members_and_trusted_networks_have_no_limit),
	};

	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
