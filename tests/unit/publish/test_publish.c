/* SPDX-License-Identifier: BSD-3-Clause */
/* The publisher against a data plane that answers as told, in one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include <strowger/errors.h>

#include "control/publish/publish.h"
#include "tests/unit/publish/fake_dataplane.h"

#define PATIENCE_S 60.

struct rig {
	struct ev_loop *loop;
	struct fake fake;
	struct stw_publish *p;
	char dir[32];
	int build_err;	       /* what the next builds give */
	uint8_t content;       /* of the next image: changes its digest */
	uint8_t built_content; /* of the last image built */
	unsigned n_builds;
	unsigned n_settled;
	struct stw_publish_result last; /* reason is not kept */
	char reason[STW_PUBLISH_REASON];
	uint64_t acknowledged;
	unsigned n_up;
	unsigned n_down;
};

/* An image of the shape the fake knows: content, and its digest at the end. */
static int build(void *ctx, uint64_t generation, struct stw_image *out, char *reason, size_t len)
{
	struct rig *r = ctx;
	r->n_builds++;
	if (r->build_err) {
		snprintf(reason, len, "told to fail");
		return r->build_err;
	}
	*out = (struct stw_image){.size_bytes = 64, .generation = generation};
	out->bytes = calloc(1, out->size_bytes);
	assert_non_null(out->bytes);
	memset(out->digest, r->content, sizeof(out->digest));
	memcpy((char *)out->bytes + 32, out->digest, sizeof(out->digest));
	r->built_content = r->content;
	return STW_OK;
}

static void settled(void *ctx, const struct stw_publish_result *result)
{
	struct rig *r = ctx;
	r->n_settled++;
	r->last = *result;
	snprintf(r->reason, sizeof(r->reason), "%s", result->reason);
	if (result->err == STW_OK)
		assert_int_equal(r->acknowledged, result->generation);
}

static void acknowledged(void *ctx, uint64_t generation)
{
	struct rig *r = ctx;
	assert_true(generation > r->acknowledged);
	r->acknowledged = generation;
}

static void adopt(void *ctx, const struct stw_tables *served)
{
	(void)ctx;
	(void)served;
	fail_msg("these images are no tables: they must not have passed the check");
}

static void link_changed(void *ctx, bool up)
{
	struct rig *r = ctx;
	r->n_up += up;
	r->n_down += !up;
	assert_true(up == (stw_publish_stats(r->p) != NULL));
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	char path[64];
	assert_non_null(r);
	strcpy(r->dir, "/tmp/stw-publish-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(path, sizeof(path), "%s/dp.sock", r->dir);
	fake_start(&r->fake, path, 2);
	r->loop = ev_loop_new(EVFLAG_AUTO);
	const struct stw_publish_owner owner = {.ctx = r,
						.adopt = adopt,
						.build = build,
						.acknowledged = acknowledged,
						.settled = settled,
						.link = link_changed};
	r->content = 1;
	r->p = stw_publish_new(r->loop, path, &owner);
	assert_non_null(r->p);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	assert_false(r->fake.bad_image);
	stw_publish_free(r->p);
	fake_stop(&r->fake);
	ev_loop_destroy(r->loop);
	rmdir(r->dir);
	free(r);
	return 0;
}

static void wake(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
}

/* One turn of both sides; sleeps at most 5 ms when nothing happens. */
static void turn(struct rig *r)
{
	struct ev_timer timer;
	ev_timer_init(&timer, wake, fake_turn(&r->fake) ? 0. : 0.005, 0.);
	ev_timer_start(r->loop, &timer);
	ev_run(r->loop, EVRUN_ONCE);
	ev_timer_stop(r->loop, &timer);
}

#define WAIT_FOR(r, condition)                                              \
	do {                                                                \
		double end = ev_time() + PATIENCE_S;                        \
		while (!(condition)) {                                      \
			if (ev_time() > end)                                \
				fail_msg("in vain waited for " #condition); \
			turn(r);                                            \
		}                                                           \
	} while (0)

static struct stw_publish_status status_of(struct rig *r)
{
	struct stw_publish_status st;
	stw_publish_get_status(r->p, &st);
	return st;
}

static bool is_idle(struct rig *r)
{
	return status_of(r).link == STW_LINK_IDLE;
}

/* Connected and change 1 served. */
static void start_served(struct rig *r)
{
	stw_publish_change(r->p);
	stw_publish_start(r->p);
	WAIT_FOR(r, r->n_settled == 1);
	assert_int_equal(r->last.err, STW_OK);
}

static void first_image_is_sent_and_settled(void **state)
{
	struct rig *r = *state;
	start_served(r);
	assert_int_equal(r->last.change, 1);
	assert_int_equal(r->last.generation, 1);
	assert_int_equal(r->fake.generation, 1);
	assert_int_equal(r->n_up, 1);
	assert_int_equal(status_of(r).generation, 1);
	assert_int_equal(status_of(r).swap_ns, 5000);
	assert_int_equal(status_of(r).pid, r->fake.stats->pid);
}

static void nothing_is_sent_without_a_change(void **state)
{
	struct rig *r = *state;
	stw_publish_start(r->p);
	WAIT_FOR(r, r->n_up == 1);
	for (int i = 0; i < 5; i++)
		turn(r);
	assert_int_equal(r->n_builds, 0);
	assert_int_equal(r->fake.n_images, 0);
}

/* The location table goes to each data plane that comes, until there is none. */
static void a_location_table_is_passed_on(void **state)
{
	struct rig *r = *state;
	int table = memfd_create("table", MFD_CLOEXEC);
	assert_true(table >= 0);
	start_served(r);
	assert_int_equal(r->fake.n_locations, 0);
	stw_publish_location(r->p, table);
	WAIT_FOR(r, r->fake.n_locations == 1);
	assert_true(r->fake.has_location);
	fake_restart(&r->fake);
	WAIT_FOR(r, r->fake.n_locations == 2);
	assert_true(r->fake.has_location);
	stw_publish_location(r->p, -1);
	WAIT_FOR(r, r->fake.n_locations == 3);
	assert_false(r->fake.has_location);
	close(table);
}

static void changes_in_flight_travel_together(void **state)
{
	struct rig *r = *state;
	start_served(r);
	r->fake.mode = FAKE_WAITS;
	stw_publish_change(r->p);
	WAIT_FOR(r, r->fake.n_images == 2);
	for (int i = 0; i < 5; i++)
		stw_publish_change(r->p);
	for (int i = 0; i < 5; i++)
		turn(r);
	assert_int_equal(r->fake.n_images, 2);
	r->fake.mode = FAKE_ACCEPTS;
	fake_answer(&r->fake, STW_OK, "");
	WAIT_FOR(r, r->n_settled == 3);
	assert_int_equal(r->fake.n_images, 3);
	assert_int_equal(r->n_builds, 3);
	assert_int_equal(r->last.change, 7);
	assert_int_equal(r->last.generation, 3);
}

static void the_newest_content_is_built(void **state)
{
	struct rig *r = *state;
	start_served(r);
	stw_publish_change(r->p);
	r->content = 9; /* after the change was announced, before it could be sent */
	WAIT_FOR(r, r->n_settled == 2);
	assert_int_equal(r->built_content, 9);
	assert_int_equal(r->fake.digest[0], 9);
}

static void refusal_is_told_and_the_next_change_is_tried(void **state)
{
	struct rig *r = *state;
	start_served(r);
	r->fake.mode = FAKE_REFUSES;
	stw_publish_change(r->p);
	WAIT_FOR(r, r->n_settled == 2);
	assert_int_equal(r->last.err, STW_EBOUNDS);
	assert_non_null(strstr(r->reason, "told to refuse"));
	assert_int_equal(r->fake.generation, 1);
	assert_int_equal(status_of(r).generation, 1);
	assert_int_equal(status_of(r).refused_generation, 2);
	assert_non_null(strstr(status_of(r).refused_reason, "told to refuse"));
	assert_int_equal(r->acknowledged, 1);

	r->fake.mode = FAKE_ACCEPTS;
	stw_publish_change(r->p);
	WAIT_FOR(r, r->n_settled == 3);
	assert_int_equal(r->last.err, STW_OK);
	assert_int_equal(r->last.generation, 3);
	assert_int_equal(status_of(r).refused_generation, 0);
	assert_string_equal(status_of(r).refused_reason, "");
}

static void failed_build_settles_and_sends_nothing(void **state)
{
	struct rig *r = *state;
	start_served(r);
	r->build_err = STW_ERANGE;
	stw_publish_change(r->p);
	WAIT_FOR(r, r->n_settled == 2);
	assert_int_equal(r->last.err, STW_ERANGE);
	assert_int_equal(r->last.generation, 0);
	assert_string_equal(r->reason, "told to fail");
	assert_int_equal(r->fake.n_images, 1);
	assert_true(is_idle(r));
}

static void lost_link_to_what_serves_ours_sends_nothing_again(void **state)
{
	struct rig *r = *state;
	start_served(r);
	fake_hang_up(&r->fake);
	WAIT_FOR(r, r->n_down == 1);
	assert_string_equal(status_of(r).reason, "it closed the connection");
	assert_int_equal(status_of(r).generation, 0);
	WAIT_FOR(r, r->n_up == 2);
	for (int i = 0; i < 5; i++)
		turn(r);
	assert_int_equal(r->fake.n_images, 1);
	assert_int_equal(status_of(r).generation, 1);
}

static void restarted_data_plane_gets_the_tables_at_once(void **state)
{
	struct rig *r = *state;
	start_served(r);
	fake_restart(&r->fake);
	WAIT_FOR(r, r->n_up == 2 && r->fake.generation > 0 && is_idle(r));
	assert_true(r->fake.generation > 1);
	assert_int_equal(r->fake.digest[0], 1);
	assert_int_equal(r->n_settled, 1);
	assert_int_equal(status_of(r).generation, r->fake.generation);
}

static void changes_without_a_data_plane_wait_for_it(void **state)
{
	struct rig *r = *state;
	start_served(r);
	fake_hang_up(&r->fake);
	r->fake.greets = false;
	WAIT_FOR(r, r->n_down == 1);
	r->content = 4;
	stw_publish_change(r->p);
	stw_publish_change(r->p);
	WAIT_FOR(r, r->fake.n_connections == 2);
	assert_int_equal(r->n_settled, 1);
	r->fake.greets = true;
	fake_hang_up(&r->fake);
	WAIT_FOR(r, r->n_settled == 2);
	assert_int_equal(r->last.change, 3);
	assert_int_equal(r->fake.digest[0], 4);
	assert_int_equal(r->fake.n_images, 2);
}

static void newest_refused_by_an_empty_data_plane_gives_the_last_good_one(void **state)
{
	struct rig *r = *state;
	start_served(r);
	r->fake.mode = FAKE_REFUSES;
	r->content = 2;
	stw_publish_change(r->p);
	WAIT_FOR(r, r->n_settled == 2);
	fake_restart(&r->fake);
	WAIT_FOR(r, r->fake.n_images == 3);
	/* It refuses the newest again; what comes next must be the last good one. */
	r->fake.mode = FAKE_ACCEPTS;
	WAIT_FOR(r, r->fake.generation > 0 && is_idle(r));
	assert_int_equal(r->fake.digest[0], 1);
	assert_int_equal(r->fake.generation, 1);
	assert_int_equal(status_of(r).generation, 1);
	assert_non_null(strstr(status_of(r).refused_reason, "told to refuse"));
}

static void generation_goes_above_what_is_served(void **state)
{
	struct rig *r = *state;
	r->fake.generation = 41;
	start_served(r);
	assert_int_equal(r->last.generation, 42);
	assert_int_equal(r->fake.generation, 42);
}

static void overtaken_generation_is_raised_and_sent_again(void **state)
{
	struct rig *r = *state;
	start_served(r);
	r->fake.generation = 90;
	atomic_store(&r->fake.stats->generation, 90);
	stw_publish_change(r->p);
	WAIT_FOR(r, r->n_settled == 2);
	assert_int_equal(r->last.err, STW_OK);
	assert_int_equal(r->last.generation, 91);
}

static void result_lost_with_the_link_is_learned_from_the_greeting(void **state)
{
	struct rig *r = *state;
	start_served(r);
	r->fake.mode = FAKE_TAKES_AND_DIES;
	r->content = 3;
	stw_publish_change(r->p);
	WAIT_FOR(r, r->n_settled == 2);
	assert_int_equal(r->last.err, STW_OK);
	assert_int_equal(r->last.change, 2);
	assert_int_equal(r->last.generation, 2);
	assert_int_equal(r->fake.n_images, 2);
}

static void another_version_is_refused_with_advice(void **state)
{
	struct rig *r = *state;
	r->fake.version = STW_CTL_VERSION + 1;
	stw_publish_change(r->p);
	stw_publish_start(r->p);
	WAIT_FOR(r, strstr(status_of(r).reason, "another version"));
	assert_int_equal(r->n_up, 0);
	r->fake.version = STW_CTL_VERSION;
	WAIT_FOR(r, r->n_settled == 1);
}

static void stats_of_another_build_are_refused_with_advice(void **state)
{
	struct rig *r = *state;
	r->fake.stats->n_counters++;
	stw_publish_change(r->p);
	stw_publish_start(r->p);
	WAIT_FOR(r, strstr(status_of(r).reason, "install both"));
	assert_int_equal(r->fake.n_images, 0);
	assert_null(stw_publish_stats(r->p));
	r->fake.stats->n_counters--;
	WAIT_FOR(r, r->n_settled == 1);
}

static void answer_to_no_image_breaks_the_link(void **state)
{
	struct rig *r = *state;
	start_served(r);
	r->fake.mode = FAKE_WAITS;
	stw_publish_change(r->p);
	WAIT_FOR(r, r->fake.n_images == 2);
	r->fake.offered_generation = 77;
	fake_answer(&r->fake, STW_ERANGE, "of another image");
	WAIT_FOR(r, r->n_down == 1);
	r->fake.mode = FAKE_ACCEPTS;
	WAIT_FOR(r, r->n_settled == 2);
	assert_int_equal(r->last.err, STW_OK);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(first_image_is_sent_and_settled),
		CASE(nothing_is_sent_without_a_change),
		CASE(a_location_table_is_passed_on),
		CASE(changes_in_flight_travel_together),
		CASE(the_newest_content_is_built),
		CASE(refusal_is_told_and_the_next_change_is_tried),
		CASE(failed_build_settles_and_sends_nothing),
		CASE(lost_link_to_what_serves_ours_sends_nothing_again),
		CASE(restarted_data_plane_gets_the_tables_at_once),
		CASE(changes_without_a_data_plane_wait_for_it),
		CASE(newest_refused_by_an_empty_data_plane_gives_the_last_good_one),
		CASE(generation_goes_above_what_is_served),
		CASE(overtaken_generation_is_raised_and_sent_again),
		CASE(result_lost_with_the_link_is_learned_from_the_greeting),
		CASE(another_version_is_refused_with_advice),
		CASE(stats_of_another_build_are_refused_with_advice),
		CASE(answer_to_no_image_breaks_the_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
