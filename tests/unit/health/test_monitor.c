/* SPDX-License-Identifier: BSD-3-Clause */
/* The monitor without a network: what it makes of a model, and what it keeps over a restart. */
#include "tests/unit/config/read_text.h"

#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "control/health/inside.h"
#include "control/health/monitor.h"
#include "tests/support/turn.h"
#include "tests/unit/model/temp_dir.h"

#define FILE_TEXT                                                                        \
	PORTS "pools:\n  - {name: a, members: [{name: one, address: 1.2.3.4}, 1.2.3.5, " \
	      "1.2.3.6, 1.2.3.7]}\n"                                                     \
	      "  - {name: b, members: [1.2.3.4], health: {probes: false}}\n"

struct rig {
	struct ev_loop *loop;
	struct stw_names *names;
	struct stw_slow *slow;
	struct stw_monitor *mon;
	struct stw_model *m;
	unsigned n_changed;
};

static void nothing(void *ctx)
{
	(void)ctx;
}

static void changed(void *ctx)
{
	((struct rig *)ctx)->n_changed++;
}

static bool no_traffic(void *ctx, const struct stw_endpoint *member, struct stw_traffic *out,
		       uint32_t *rest_s)
{
	(void)ctx;
	(void)member;
	(void)out;
	(void)rest_s;
	return false;
}

static struct stw_endpoint host(uint8_t last)
{
	const uint8_t v4[4] = {1, 2, 3, last};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(v4), .port = 5060};
}

static void start_monitor(struct rig *r)
{
	const struct stw_monitor_owner owner = {r, changed, nothing, no_traffic};

	r->mon = stw_monitor_new(r->loop, r->slow, &owner);
	assert_non_null(r->mon);
	assert_int_equal(stw_monitor_take(r->mon, r->m), STW_OK);
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	if (temp_dir_make(state))
		return -1;
	r->loop = ev_loop_new(EVFLAG_AUTO);
	r->names = stw_names_new(r->loop, nothing, NULL);
	r->slow = stw_slow_new(r->loop, r->names);
	assert_non_null(r->slow);
	r->m = read_good(FILE_TEXT);
	start_monitor(r);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	stw_monitor_free(r->mon);
	stw_slow_free(r->slow);
	stw_names_free(r->names);
	ev_loop_destroy(r->loop);
	stw_model_free(r->m);
	free(r);
	return temp_dir_remove(state);
}

/* health.json that says so of 1.2.3.4, 5, ... in pool a: a letter a member. */
static void state_file(const char *states)
{
	char text[4096] = "{\"version\": 1, \"members\": [";
	size_t n = strlen(text);

	for (size_t i = 0; states[i]; i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n,
			"%s{\"pool\": \"a\", \"member\": \"1.2.3.%zu:5060\", \"state\": \"%s\", "
			"\"cause\": \"%s\", \"age_s\": 100.5, \"status\": 200, \"strikes\": 1, "
			"\"held_s\": 0.0, \"rest_s\": %s}",
			i ? ", " : "", i + 4, states[i] == 'f' ? "failed" : "healthy",
			states[i] == 'f' ? "silent" : "answered",
			states[i] == 'r' ? "30.0" : "0.0");
	snprintf(text + n, sizeof(text) - n, "]}");
	temp_write("health.json", text, strlen(text), 0600);
}

static void load(struct rig *r, const char *states)
{
	char reason[200] = "";

	state_file(states);
	assert_int_equal(stw_monitor_load(r->mon, temp_dir, reason, sizeof(reason)), STW_OK);
	assert_string_equal(reason, "");
}

/* Eighths withheld in pool a, a digit a member. */
static const char *withheld(struct rig *r)
{
	static char text[16];
	const struct stw_model_pool *p = &r->m->pools[0];

	stw_monitor_apply(r->mon, r->m);
	for (size_t k = 0; k < p->n_members; k++)
		text[k] = (char)('0' + p->members[k].withheld);
	text[p->n_members] = '\0';
	return text;
}

static void at_start_all_serve(void **state)
{
	struct rig *r = *state;
	struct stw_monitor_view v;
	struct stw_endpoint four = host(4);

	assert_string_equal(withheld(r), "0000");
	assert_true(stw_monitor_view(r->mon, "a", &four, &v));
	assert_string_equal(v.state, "probing");
	assert_true(stw_monitor_view(r->mon, "b", &four, &v));
	assert_string_equal(v.state, "unchecked"); /* its probes are off */
	assert_int_equal(v.share_percent, 100);
}

static void the_last_known_state_is_back_after_a_restart(void **state)
{
	struct rig *r = *state;
	struct stw_monitor_view v;
	struct stw_endpoint five = host(5);

	load(r, "hfhh");
	assert_string_equal(withheld(r), "0800");
	assert_true(stw_monitor_view(r->mon, "a", &five, &v));
	assert_string_equal(v.state, "failed");
	assert_string_equal(v.cause, "silent");
	assert_true(ev_time() - v.since_unix_s > 100 && ev_time() - v.since_unix_s < 200);
}

static void what_is_saved_reads_back(void **state)
{
	struct rig *r = *state;
	char reason[200] = "";

	load(r, "hfrh");
	assert_int_equal(stw_monitor_save(r->mon, temp_dir, reason, sizeof(reason)), STW_OK);
	stw_monitor_free(r->mon);
	start_monitor(r);
	assert_int_equal(stw_monitor_load(r->mon, temp_dir, reason, sizeof(reason)), STW_OK);
	assert_string_equal(withheld(r), "0880");
}

static void a_reload_keeps_what_is_known(void **state)
{
	struct rig *r = *state;

	load(r, "hfhh");
	assert_int_equal(stw_monitor_take(r->mon, r->m), STW_OK);
	assert_string_equal(withheld(r), "0800");
}

static void whoever_comes_later_waits_for_its_first_answer(void **state)
{
	struct rig *r = *state;

	load(r, "hhhh");
	stw_model_free(r->m);
	r->m = read_good(PORTS "pools:\n  - {name: a, members: [1.2.3.4, 1.2.3.9]}\n");
	assert_int_equal(stw_monitor_take(r->mon, r->m), STW_OK);
	assert_string_equal(withheld(r), "08");
}

static bool is_asked(void *rig, const void *member)
{
	struct rig *r = rig;
	struct stw_monitor_view v;

	return stw_monitor_view(r->mon, "a", member, &v) && v.sent > 0;
}

static void whoever_comes_later_is_asked_once_tables_have_it(void **state)
{
	struct rig *r = *state;
	struct stw_endpoint nine = host(9);

	stw_monitor_link(r->mon, true);
	stw_model_free(r->m);
	r->m = read_good(PORTS "pools:\n  - {name: a, members: [1.2.3.4, 1.2.3.9]}\n");
	assert_int_equal(stw_monitor_take(r->mon, r->m), STW_OK);
	/* Nor by hearsay: an ICMP error about a member of that address that was there before. */
	stw_watch_refused(r->mon, &nine, "", 0);
	for (int i = 0; i < 10; i++)
		ev_run(r->loop, EVRUN_NOWAIT);
	assert_false(is_asked(r, &nine));
	stw_monitor_link(r->mon, true);
	assert_true(turn_until(r->loop, is_asked, r, &nine));
}

static bool has_changed(void *rig, const void *times)
{
	return ((struct rig *)rig)->n_changed == *(const unsigned *)times;
}

/* Not before the second is over, and not at a tick after it, which may be another second. */
static void changes_of_one_second_are_told_at_its_end(void **state)
{
	struct rig *r = *state;
	const unsigned twice = 2;

	ev_timer_stop(r->loop, &r->mon->tick);
	stw_watch_changed(r->mon->rows[0]);
	assert_int_equal(r->n_changed, 1);
	stw_watch_changed(r->mon->rows[1]);
	stw_watch_changed(r->mon->rows[0]);
	assert_int_equal(r->n_changed, 1);
	assert_true(turn_until(r->loop, has_changed, r, &twice));
	assert_false(ev_is_active(&r->mon->later));
}

static void with_too_few_left_all_serve(void **state)
{
	struct rig *r = *state;
	struct stw_monitor_view v;
	struct stw_endpoint four = host(4);
	uint8_t failed[8] = {0};

	load(r, "fffh");
	assert_string_equal(withheld(r), "8880"); /* 25 % of the weight: not below 20 */
	stw_monitor_failed(r->mon, r->m, failed);
	assert_int_equal(failed[1], 1);
	assert_int_equal(failed[0], 0); /* in pool b it has not failed */
	load(r, "ffff");
	assert_string_equal(withheld(r), "0000");
	assert_true(stw_monitor_view(r->mon, "a", &four, &v));
	assert_true(v.panic);
	memset(failed, 0, sizeof(failed));
	stw_monitor_failed(r->mon, r->m, failed);
	assert_int_equal(failed[1], 0); /* it serves for want of better */
}

static void a_pool_with_another_to_stand_in_does_not_panic(void **state)
{
	struct rig *r = *state;

	snprintf(r->m->pools[0].fallback, sizeof(r->m->pools[0].fallback), "b");
	load(r, "ffff");
	assert_string_equal(withheld(r), "8888");
	load(r, "fffh");
	assert_string_equal(withheld(r), "8880");
}

static void a_spoiled_file_changes_nothing_but_is_told(void **state)
{
	struct rig *r = *state;
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"version\": 2, \"members\": []}",
		"{\"version\": 1, \"members\": [{}]}",
		"{\"version\": 1, \"members\": [{\"pool\": \"a\", \"member\": \"1.2.3.4:5060\", "
		"\"state\": \"dead\", \"cause\": \"silent\", \"age_s\": 1.0, \"status\": 0, "
		"\"strikes\": 0, \"held_s\": 0.0, \"rest_s\": 0.0}]}",
		"{\"version\": 1, \"members\": [{\"pool\": \"a\", \"member\": \"1.2.3.4:5060\", "
		"\"state\": \"failed\", \"cause\": \"silent\", \"age_s\": -1.0, \"status\": 0, "
		"\"strikes\": 0, \"held_s\": 1e300, \"rest_s\": 0.0}]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char reason[200] = "";

		temp_write("health.json", texts[i], strlen(texts[i]), 0600);
		assert_int_not_equal(stw_monitor_load(r->mon, temp_dir, reason, sizeof(reason)),
				     STW_OK);
		assert_true(reason[0] != '\0');
		assert_string_equal(withheld(r), "0000");
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(at_start_all_serve),
		CASE(the_last_known_state_is_back_after_a_restart),
		CASE(what_is_saved_reads_back),
		CASE(a_reload_keeps_what_is_known),
		CASE(whoever_comes_later_waits_for_its_first_answer),
		CASE(whoever_comes_later_is_asked_once_tables_have_it),
		CASE(changes_of_one_second_are_told_at_its_end),
		CASE(with_too_few_left_all_serve),
		CASE(a_pool_with_another_to_stand_in_does_not_panic),
		CASE(a_spoiled_file_changes_nothing_but_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
