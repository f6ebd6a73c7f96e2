/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of pools against a DNS server of our own on loopback, in one event loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/resolve/farm_names.h"
#include "tests/unit/model/temp_dir.h"
#include "tests/unit/resolve/fake_dns.h"

#define PATIENCE_S 30.

struct rig {
	struct ev_loop *loop;
	struct fake_dns dns;
	struct stw_farm_names *names;
	struct stw_model_resolver config;
	struct stw_model model;
	struct stw_model_pool pool;
	struct stw_model_pool_name name;
	unsigned n_changed;
	bool all_empty;
};

static void changed(void *ctx)
{
	((struct rig *)ctx)->n_changed++;
}

static bool is_empty(void *ctx, const char *pool, const struct stw_endpoint *member)
{
	(void)pool;
	(void)member;
	return ((struct rig *)ctx)->all_empty;
}

static void start(struct rig *r)
{
	const struct stw_farm_names_owner owner = {r, changed, is_empty};

	r->names = stw_farm_names_new(r->loop, &owner);
	assert_non_null(r->names);
	assert_int_equal(stw_farm_names_take(r->names, &r->model), STW_OK);
}

static void ask(struct rig *r)
{
	assert_int_equal(stw_farm_names_ask(r->names, &r->config, true, false), STW_OK);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	stw_log_set_level(STW_LOG_ERROR);
	r->loop = ev_loop_new(EVFLAG_AUTO);
	fake_dns_start(&r->dns, r->loop);
	r->config = (struct stw_model_resolver){.servers = &r->dns.address,
						.n_servers = 1,
						.min_ttl_s = 1,
						.max_ttl_s = 1000,
						.negative_ttl_s = 60,
						.max_names = 100};
	r->name = (struct stw_model_pool_name){.name = "farm.example", .weight = 7};
	r->pool = (struct stw_model_pool){.name = "farm", .names = &r->name, .n_names = 1};
	r->model = (struct stw_model){.pools = &r->pool, .n_pools = 1};
	start(r);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	stw_farm_names_free(r->names);
	fake_dns_stop(&r->dns);
	ev_loop_destroy(r->loop);
	free(r);
	return 0;
}

/* "192.0.2.1:5060 7, -192.0.2.2:5060 7": '-' before those gone. */
static const char *found(struct rig *r)
{
	static char out[1024];
	const struct stw_found_list list = stw_farm_names_found(r->names);
	char text[STW_ENDPOINT_TEXT];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < list.n; i++) {
		stw_endpoint_format(&list.rows[i].address, text);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s%s %u", i ? ", " : "",
				      list.rows[i].gone ? "-" : "", text, list.rows[i].weight);
	}
	return out;
}

static void on_late(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	*(bool *)timer->data = true;
}

static void until(struct rig *r, const char *wanted)
{
	struct ev_timer timer;
	bool late = false;

	ev_timer_init(&timer, on_late, PATIENCE_S, 0.);
	timer.data = &late;
	ev_timer_start(r->loop, &timer);
	while (strcmp(found(r), wanted) != 0 && !late)
		ev_run(r->loop, EVRUN_ONCE);
	ev_timer_stop(r->loop, &timer);
	assert_string_equal(found(r), wanted);
}

static void until_asked(struct rig *r, unsigned times)
{
	struct ev_timer timer;
	bool late = false;

	ev_timer_init(&timer, on_late, PATIENCE_S, 0.);
	timer.data = &late;
	ev_timer_start(r->loop, &timer);
	while (r->dns.n_asked < times && !late)
		ev_run(r->loop, EVRUN_ONCE);
	ev_timer_stop(r->loop, &timer);
	assert_false(late);
}

static void rows(struct rig *r, const struct fake_row *from, size_t n)
{
	memcpy(r->dns.rows, from, n * sizeof(*from));
	r->dns.n_rows = n;
}

static const struct fake_row two[] = {
	{"farm.example", STW_DNS_A, 1, "192.0.2.1"},
	{"farm.example", STW_DNS_A, 1, "192.0.2.2"},
};

static void addresses_of_a_name_are_members(void **state)
{
	struct rig *r = *state;

	rows(r, two, 2);
	ask(r);
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	assert_int_equal(r->n_changed, 1);
}

static void rfc2782_srv_gives_port_and_weight_of_the_lowest_priority(void **state)
{
	struct rig *r = *state;
	static const struct fake_row srv[] = {
		{"_sip._udp.farm.example", STW_DNS_SRV, 100, "10 30 5062 a.example"},
		{"_sip._udp.farm.example", STW_DNS_SRV, 100, "10 0 5064 b.example"},
		{"_sip._udp.farm.example", STW_DNS_SRV, 100, "20 99 5060 c.example"},
		{"a.example", STW_DNS_A, 100, "192.0.2.1"},
		{"b.example", STW_DNS_A, 100, "192.0.2.2"},
		{"c.example", STW_DNS_A, 100, "192.0.2.3"},
	};

	rows(r, srv, 6);
	ask(r);
	until(r, "192.0.2.1:5062 30, 192.0.2.2:5064 1");
}

static void whoever_vanishes_drains_until_it_is_empty(void **state)
{
	struct rig *r = *state;

	rows(r, two, 2);
	ask(r);
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	r->dns.n_rows = 1;
	until(r, "192.0.2.1:5060 7, -192.0.2.2:5060 7");
	r->all_empty = true;
	until(r, "192.0.2.1:5060 7");
	r->dns.n_rows = 2;
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
}

static void without_an_answer_the_last_one_stays(void **state)
{
	struct rig *r = *state;

	rows(r, two, 2);
	ask(r);
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	r->dns.rows[0].type = FAKE_DNS_SERVFAIL;
	r->dns.n_rows = 1;
	until_asked(r, r->dns.n_asked + 2);
	assert_string_equal(found(r), "192.0.2.1:5060 7, 192.0.2.2:5060 7");
}

static void an_answer_with_nobody_in_it_is_not_believed(void **state)
{
	struct rig *r = *state;

	rows(r, two, 2);
	ask(r);
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	r->dns.n_rows = 0;
	until_asked(r, r->dns.n_asked + 3);
	assert_string_equal(found(r), "192.0.2.1:5060 7, 192.0.2.2:5060 7");
}

static void a_start_without_dns_finds_the_last_answer(void **state)
{
	struct rig *r = *state;
	char reason[200] = "";
	void *unused = NULL;

	assert_int_equal(temp_dir_make(&unused), 0);
	const char *dir = temp_dir;

	rows(r, two, 2);
	ask(r);
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	assert_int_equal(stw_farm_names_save(r->names, dir, reason, sizeof(reason)), STW_OK);
	stw_farm_names_free(r->names);
	r->dns.silent = true;
	start(r);
	assert_string_equal(found(r), "");
	assert_int_equal(stw_farm_names_load(r->names, dir, reason, sizeof(reason)), STW_OK);
	ask(r);
	assert_string_equal(found(r), "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	temp_dir_remove(&unused);
}

static void names_taken_out_of_the_file_are_forgotten(void **state)
{
	struct rig *r = *state;

	rows(r, two, 2);
	ask(r);
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	r->pool.n_names = 0;
	assert_int_equal(stw_farm_names_take(r->names, &r->model), STW_OK);
	assert_string_equal(found(r), "");
}

static void a_known_name_is_not_forgotten_by_a_reload(void **state)
{
	struct rig *r = *state;

	rows(r, two, 2);
	ask(r);
	until(r, "192.0.2.1:5060 7, 192.0.2.2:5060 7");
	assert_int_equal(stw_farm_names_take(r->names, &r->model), STW_OK);
	assert_string_equal(found(r), "192.0.2.1:5060 7, 192.0.2.2:5060 7");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(addresses_of_a_name_are_members),
		CASE(rfc2782_srv_gives_port_and_weight_of_the_lowest_priority),
		CASE(whoever_vanishes_drains_until_it_is_empty),
		CASE(without_an_answer_the_last_one_stays),
		CASE(an_answer_with_nobody_in_it_is_not_believed),
		CASE(a_start_without_dns_finds_the_last_answer),
		CASE(names_taken_out_of_the_file_are_forgotten),
		CASE(a_known_name_is_not_forgotten_by_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
