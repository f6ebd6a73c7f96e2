/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates and totals against a fake data plane's stats block; the clock is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include <unistd.h>

#include <strowger/errors.h>

#include "control/api/ledger.h"
#include "control/api/sample.h"
#include "control/tables/past.h"
#include "tests/unit/publish/fake_dataplane.h"

#define PATIENCE_S 20.

struct rig {
	char dir[32];
	char config[64];
	struct ev_loop *loop;
	struct stw_control *control;
	struct stw_sampler *sampler;
	struct fake fake;
};

static void write_config(const struct rig *r, const char *members)
{
	FILE *f = fopen(r->config, "w");
	assert_non_null(f);
	fprintf(f,
		"dataplane: {socket: %s/dp.sock}\n"
		"control: {state_dir: %s/state}\n"
		"ports: [{name: outside, device: net_null0, kernel: none,"
		" addresses: [192.0.2.1/24]}]\n"
		"listeners: [{name: edge, address: 192.0.2.1, pool: farm}]\n"
		"pools: [{name: farm, members: [%s]}]\n"
		"rules: [{name: texts, methods: [MESSAGE], pool: farm},"
		" {name: bob, users: [bob], pool: farm}]\n",
		r->dir, r->dir, members);
	fclose(f);
}

static void wake(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
}

static void turn(struct rig *r)
{
	struct ev_timer timer;
	ev_timer_init(&timer, wake, fake_turn(&r->fake) ? 0. : 0.005, 0.);
	ev_timer_start(r->loop, &timer);
	ev_run(r->loop, EVRUN_ONCE);
	ev_timer_stop(r->loop, &timer);
}

/* Until @generation or a later one is served. */
static void wait_served(struct rig *r, uint64_t generation)
{
	struct stw_publish_status st;
	double end = ev_time() + PATIENCE_S;
	do {
		assert_true(ev_time() < end);
		turn(r);
		stw_publish_get_status(r->control->publish, &st);
	} while (st.generation < generation);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	char path[64];
	assert_non_null(r);
	strcpy(r->dir, "/tmp/stw-sample-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->config, sizeof(r->config), "%s/strowger.yaml", r->dir);
	snprintf(path, sizeof(path), "%s/dp.sock", r->dir);
	write_config(r, "198.51.100.11, 198.51.100.12");
	fake_start(&r->fake, path, 2);
	r->loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(stw_control_new(r->loop, r->config, NULL, NULL, &r->control), STW_OK);
	stw_control_start(r->control);
	wait_served(r, 1);
	r->sampler = stw_sampler_new(r->loop, r->control);
	assert_non_null(r->sampler);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	char command[64];
	stw_sampler_free(r->sampler);
	stw_control_free(r->control);
	fake_stop(&r->fake);
	ev_loop_destroy(r->loop);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0);
	free(r);
	return 0;
}

static void count_worker(struct rig *r, uint32_t worker, enum stw_counter c, uint64_t n)
{
	stw_counter_add(&stw_stats_worker(r->fake.stats, worker)->c[c], n);
}

static void count_member(struct rig *r, uint32_t worker, uint16_t number, uint64_t n)
{
	struct stw_stats_members *m = stw_stats_members(r->fake.stats, worker);
	stw_counter_add(&m->c[number][STW_M_NEW_CALLS], n);
	stw_counter_add(&m->first_answer[number][7], n);
	stw_counter_add(&m->first_answer_us[number], 200 * n);
}

static double member_rate(struct rig *r, uint16_t number, enum stw_rate_span span)
{
	double rate = -1;
	if (!stw_sampler_member_rate(r->sampler, number, STW_M_NEW_CALLS, span, &rate))
		return -1;
	return rate;
}

static uint64_t member_total(struct rig *r, uint16_t number)
{
	struct stw_member_counts m;
	assert_true(stw_sampler_member_total(r->sampler, number, &m));
	assert_int_equal(m.first_answer[7], m.c[STW_M_NEW_CALLS]); /* as count_member() counts */
	assert_int_equal(m.first_answer_us, 200 * m.c[STW_M_NEW_CALLS]);
	return m.c[STW_M_NEW_CALLS];
}

static uint16_t number_of(struct rig *r, const char *address)
{
	struct stw_endpoint ep;
	assert_int_equal(stw_endpoint_parse(address, strlen(address), 5060, &ep), STW_OK);
	int number = stw_numbers_find(r->control->numbers, &ep);
	assert_true(number >= 0);
	return (uint16_t)number;
}

static void rates_are_growth_by_time(void **state)
{
	struct rig *r = *state;
	double rate;
	stw_sampler_take(r->sampler, 100);
	assert_false(stw_sampler_worker_rate(r->sampler, 0, STW_C_SENT, STW_RATE_SHORT, &rate));
	for (int i = 1; i <= 20; i++) {
		/* 10 a second at first, 30 later; the other worker is not mixed in. */
		count_worker(r, 0, STW_C_SENT, i <= 15 ? 10 : 30);
		count_worker(r, 1, STW_C_SENT, 7);
		stw_sampler_take(r->sampler, 100 + i);
	}
	assert_true(stw_sampler_worker_rate(r->sampler, 0, STW_C_SENT, STW_RATE_SHORT, &rate));
	assert_float_equal(rate, 30, 1e-9);
	assert_true(stw_sampler_worker_rate(r->sampler, 0, STW_C_SENT, STW_RATE_LONG, &rate));
	assert_float_equal(rate, 20, 1e-9);
	assert_true(stw_sampler_worker_rate(r->sampler, 1, STW_C_SENT, STW_RATE_LONG, &rate));
	assert_float_equal(rate, 7, 1e-9);
}

static void members_are_summed_over_workers(void **state)
{
	struct rig *r = *state;
	uint16_t number = number_of(r, "198.51.100.12");
	stw_sampler_take(r->sampler, 1);
	count_member(r, 0, number, 3);
	count_member(r, 1, number, 5);
	stw_sampler_take(r->sampler, 3);
	assert_float_equal(member_rate(r, number, STW_RATE_SHORT), 4, 1e-9);
	assert_int_equal(member_total(r, number), 8);
	assert_int_equal(member_total(r, number_of(r, "198.51.100.11")), 0);
}

static void rules_are_rated_once_they_were_seen_twice(void **state)
{
	struct rig *r = *state;
	const uint32_t row = r->control->model->rules[1].row;
	double rate;

	stw_sampler_take(r->sampler, 1);
	assert_false(stw_sampler_rule_rate(r->sampler, row, &rate));
	stw_counter_add(&stw_stats_rules(r->fake.stats, 0)->hits[row], 3);
	stw_counter_add(&stw_stats_rules(r->fake.stats, 1)->hits[row], 5);
	stw_sampler_take(r->sampler, 3);
	assert_true(stw_sampler_rule_rate(r->sampler, row, &rate));
	assert_float_equal(rate, 4, 1e-9);
	assert_true(stw_sampler_rule_rate(r->sampler, r->control->model->rules[0].row, &rate));
	assert_float_equal(rate, 0, 1e-9);
	assert_false(stw_sampler_rule_rate(r->sampler, row + 1, &rate)); /* nobody's yet */
}

static void restarted_data_plane_starts_over(void **state)
{
	struct rig *r = *state;
	uint16_t number = number_of(r, "198.51.100.11");
	struct stw_publish_status st;
	count_member(r, 0, number, 50);
	stw_sampler_link(r->sampler);
	stw_sampler_take(r->sampler, ev_time() + 1); /* later than any uptime */
	assert_true(member_rate(r, number, STW_RATE_SHORT) >= 0);
	fake_restart(&r->fake);
	do {
		turn(r);
		stw_publish_get_status(r->control->publish, &st);
	} while (st.pid != r->fake.stats->pid);
	stw_sampler_link(r->sampler);
	assert_true(member_rate(r, number, STW_RATE_SHORT) < 0);
	assert_int_equal(member_total(r, number), 0);
	count_member(r, 0, number, 2);
	assert_int_equal(member_total(r, number), 2);
}

static void replace_members(struct rig *r, const char *members)
{
	struct stw_control_words words = {0};
	struct stw_publish_status st;
	uint64_t change;
	stw_publish_get_status(r->control->publish, &st);
	write_config(r, members);
	assert_int_equal(stw_control_reload(r->control, &words, &change), STW_OK);
	wait_served(r, st.generation + 1);
}

static void number_of_another_member_counts_from_its_start(void **state)
{
	struct rig *r = *state;
	uint16_t number = number_of(r, "198.51.100.12");
	char member[32];
	count_member(r, 0, number, 1000);
	assert_int_equal(member_total(r, number), 1000);
	replace_members(r, "198.51.100.11");
	assert_true(stw_past_forget(r->control->past)); /* it would keep its number for a while */
	/* Numbers never used come first: give all of them away until that one comes again. */
	for (int i = 0; i < 2 * (int)STW_MEMBER_NUMBERS; i++) {
		struct stw_endpoint ep;
		snprintf(member, sizeof(member), "203.0.%d.%d", i / 200, 1 + i % 200);
		assert_int_equal(stw_endpoint_parse(member, strlen(member), 5060, &ep), STW_OK);
		struct stw_model *m = r->control->model;
		struct stw_endpoint keep = m->members[0].address;
		struct stw_publish_status st;
		stw_publish_get_status(r->control->publish, &st);
		m->members[0].address = ep;
		uint64_t generation = st.generation + 1 + (uint64_t)i;
		assert_int_equal(stw_numbers_assign(r->control->numbers, m, generation), STW_OK);
		stw_numbers_acknowledged(r->control->numbers, generation);
		bool again = m->members[0].number == number;
		m->members[0].address = again ? ep : keep;
		if (again)
			break;
	}
	assert_int_equal(r->control->model->members[0].number, number);
	stw_sampler_take(r->sampler, 500);
	assert_int_equal(member_total(r, number), 0);
	assert_true(member_rate(r, number, STW_RATE_SHORT) < 0);
	count_member(r, 1, number, 4);
	stw_sampler_take(r->sampler, 501);
	assert_int_equal(member_total(r, number), 4);
	assert_float_equal(member_rate(r, number, STW_RATE_LONG), 4, 1e-9);
}

static void heartbeat_that_stands_still_is_a_stall(void **state)
{
	struct rig *r = *state;
	for (int i = 0; i < 5; i++) {
		stw_counter_add(&r->fake.stats->heartbeat, 1);
		stw_sampler_take(r->sampler, i);
		assert_false(stw_sampler_stalled(r->sampler));
	}
	stw_sampler_take(r->sampler, 5);
	assert_false(stw_sampler_stalled(r->sampler));
	stw_sampler_take(r->sampler, 6);
	assert_true(stw_sampler_stalled(r->sampler));
	stw_counter_add(&r->fake.stats->heartbeat, 1);
	stw_sampler_take(r->sampler, 7);
	assert_false(stw_sampler_stalled(r->sampler));
}

static void ledger_is_the_identity_of_the_counters(void **state)
{
	struct rig *r = *state;
	struct stw_ledger l;
	struct stw_ledger total = {0};
	count_worker(r, 0, STW_C_RECEIVED, 10);
	count_worker(r, 0, STW_C_SENT, 4);
	count_worker(r, 0, STW_C_HANDED_OVER, 1);
	count_worker(r, 0, STW_C_DROP_FRAME_TRUNCATED, 2);
	count_worker(r, 0, STW_C_DROP_STOPPED, 1);
	count_worker(r, 0, STW_C_WAITING, 2);
	stw_ledger_read(r->fake.stats, 0, &l);
	assert_int_equal(l.ends, 5);
	assert_int_equal(l.drops, 3);
	assert_int_equal(l.in_hand, 0);
	assert_true(l.balanced);
	stw_ledger_add(&total, &l);

	count_worker(r, 1, STW_C_INJECTED, 3);
	stw_ledger_read(r->fake.stats, 1, &l);
	assert_false(l.balanced);
	assert_int_equal(l.in_hand, 3);
	stw_ledger_add(&total, &l);
	assert_int_equal(total.in_hand, 3);

	count_worker(r, 1, STW_C_KERNEL, 4);
	stw_ledger_read(r->fake.stats, 1, &l);
	assert_int_equal(l.in_hand, -1);
	assert_false(l.balanced);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(rates_are_growth_by_time),
		CASE(members_are_summed_over_workers),
		CASE(rules_are_rated_once_they_were_seen_twice),
		CASE(restarted_data_plane_starts_over),
		CASE(number_of_another_member_counts_from_its_start),
		CASE(heartbeat_that_stands_still_is_a_stall),
		CASE(ledger_is_the_identity_of_the_counters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
