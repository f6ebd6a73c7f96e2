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
#include "tests/support/turn.h"
#include "tests/unit/model/temp_dir.h"
#include "tests/unit/resolve/fake_dns.h"

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
	r->config = fake_dns_resolver(&r->dns);
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

/* "192.0.2.1:5060 7, 192.0.2.3:5060 7/1, -192.0.2.2:5060 7": behind '/' a priority above 0, '-'
 * before those gone. */
static const char *found(struct rig *r)
{
	static char out[1024];
	const struct stw_found_list list = stw_farm_names_found(r->names);
	char text[STW_ENDPOINT_TEXT], priority[8];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < list.n; i++) {
		const struct stw_found *f = &list.rows[i];

		stw_endpoint_format(&f->address, text);
		snprintf(priority, sizeof(priority), f->priority ? "/%u" : "", f->priority);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s%s %u%s", i ? ", " : "",
				      f->gone ? "-" : "", text, f->weight, priority);
	}
	return out;
}

static bool is_found(void *rig, const void *wanted)
{
	return strcmp(found(rig), wanted) == 0;
}

static bool is_asked(void *rig, const void *times)
{
	return ((struct rig *)rig)->dns.n_asked >= *(const unsigned *)times;
}

static void until(struct rig *r, const char *wanted)
{
	turn_until(r->loop, is_found, r, wanted);
	assert_string_equal(found(r), wanted);
}

static void until_asked(struct rig *r, unsigned times)
{
	assert_true(turn_until(r->loop, is_asked, r, &times));
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

static const struct fake_row srv[] = {
	{"_sip._udp.farm.example", STW_DNS_SRV, 1, "10 30 5062 a.example"},
	{"_sip._udp.farm.example", STW_DNS_SRV, 1, "10 0 5064 b.example"},
	{"_sip._udp.farm.example", STW_DNS_SRV, 1, "20 0 5060 c.example"},
	{"_sip._udp.farm.example", STW_DNS_SRV, 1, "65535 0 5060 d.example"},
	{"_sip._udp.farm.example", STW_DNS_SRV, 1, "65535 3 5060 c.example"}, /* it has a place */
	{"a.example", STW_DNS_A, 1, "192.0.2.1"},
	{"b.example", STW_DNS_A, 1, "192.0.2.2"},
	{"c.example", STW_DNS_A, 1, "192.0.2.3"},
	{"d.example", STW_DNS_A, 1, "192.0.2.4"},
};
#define SRV_FOUND "192.0.2.1:5062 30, 192.0.2.2:5064 1, 192.0.2.3:5060 7/1, 192.0.2.4:5060 1/2"

static void rfc2782_srv_gives_port_weight_and_priority(void **state)
{
	struct rig *r = *state;

	rows(r, srv, sizeof(srv) / sizeof(srv[0]));
	ask(r);
	until(r, SRV_FOUND);
}

static void another_priority_is_a_change(void **state)
{
	struct rig *r = *state;

	rows(r, srv, sizeof(srv) / sizeof(srv[0]));
	ask(r);
	until(r, SRV_FOUND);
	r->dns.rows[2].data = "5 0 5060 c.example";
	until(r, "192.0.2.1:5062 30/1, 192.0.2.2:5064 1/1, 192.0.2.3:5060 7, 192.0.2.4:5060 1/2");
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

/* What the others stand for is followed meanwhile. */
static void whom_nobody_told_of_stays(void **state)
{
	static const struct fake_row hosts[] = {
		{"_sip._udp.farm.example", STW_DNS_SRV, 1, "10 1 5060 a.example"},
		{"_sip._udp.farm.example", STW_DNS_SRV, 1, "10 1 5060 b.example"},
		{"a.example", STW_DNS_A, 1, "192.0.2.1"},
		{"b.example", STW_DNS_A, 1, "192.0.2.2"},
	};
	struct rig *r = *state;

	rows(r, hosts, 4);
	ask(r);
	until(r, "192.0.2.1:5060 1, 192.0.2.2:5060 1");
	r->dns.rows[2].data = "192.0.2.3";
	r->dns.rows[3].data = FAKE_DNS_FAILS;
	until(r, "192.0.2.1:5060 1, 192.0.2.2:5060 1, 192.0.2.3:5060 1");
	r->dns.rows[3].data = "192.0.2.2";
	ask(r);
	until(r, "192.0.2.2:5060 1, 192.0.2.3:5060 1, -192.0.2.1:5060 1");
}

/* Asks whenever nothing is under way, as reloads do. */
static bool asking_finds(void *rig, const void *wanted)
{
	ask(rig);
	return is_found(rig, wanted);
}

/* The name's own address may be the website's. */
static void without_an_answer_for_naptr_the_last_one_stays_for_a_while(void **state)
{
	static const struct fake_row naptr[] = {
		{"farm.example", STW_DNS_NAPTR, 1, "1 2 s SIP+D2U _sip._udp.a.example"},
		{"_sip._udp.a.example", STW_DNS_SRV, 1, "10 1 5060 a.example"},
		{"a.example", STW_DNS_A, 1, "192.0.2.1"},
		{"farm.example", STW_DNS_A, 1, "192.0.2.80"},
	};
	struct rig *r = *state;

	rows(r, naptr, 4);
	ask(r);
	until(r, "192.0.2.1:5060 1");
	r->dns.rows[0].data = FAKE_DNS_FAILS;
	const unsigned asked = r->dns.n_asked;
	assert_true(turn_until(r->loop, asking_finds, r, "192.0.2.80:5060 7, -192.0.2.1:5060 1"));
	/* four times NAPTR, SRV, A */
	assert_true(r->dns.n_asked >= asked + 12);
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

	rows(r, srv, sizeof(srv) / sizeof(srv[0]));
	ask(r);
	until(r, SRV_FOUND);
	assert_int_equal(stw_farm_names_save(r->names, dir, reason, sizeof(reason)), STW_OK);
	stw_farm_names_free(r->names);
	r->dns.silent = true;
	start(r);
	assert_string_equal(found(r), "");
	assert_int_equal(stw_farm_names_load(r->names, dir, reason, sizeof(reason)), STW_OK);
	ask(r);
	assert_string_equal(found(r), SRV_FOUND);
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
		CASE(rfc2782_srv_gives_port_weight_and_priority),
		CASE(another_priority_is_a_change),
		CASE(whoever_vanishes_drains_until_it_is_empty),
		CASE(without_an_answer_the_last_one_stays),
		CASE(whom_nobody_told_of_stays),
		CASE(without_an_answer_for_naptr_the_last_one_stays_for_a_while),
		CASE(an_answer_with_nobody_in_it_is_not_believed),
		CASE(a_start_without_dns_finds_the_last_answer),
		CASE(names_taken_out_of_the_file_are_forgotten),
		CASE(a_known_name_is_not_forgotten_by_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
