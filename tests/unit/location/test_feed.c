/* SPDX-License-Identifier: BSD-3-Clause */

/* The location table follows the store: read, told of changes, full, and over a store that fails.
 */

#include "tests/unit/model/temp_dir.h"

#include <ev.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/location/feed.h"
#include "control/registrar/location.h"
#include "control/registrar/subscribers.h"
#include "dataplane/location/packed.h"
#include "tests/support/registrar_model.h"
#include "tests/support/still_clock.h"

#define MIB	   ((uint64_t)1 << 20)
#define PATIENCE_S 60.

static char domains[1][STW_DOMAIN_MAX] = {"example.com"};
static struct stw_model model;
static struct ev_loop *loop;
static struct stw_registering *g;
static struct stw_feed *feed;
static struct stw_location_map map; /* of what was passed on last */
static unsigned n_ready;
static bool has_table;

static void ready(void *ctx, int table_fd)
{
	(void)ctx;
	stw_location_unmap(&map);
	has_table = table_fd >= 0;
	if (has_table)
		assert_int_equal(stw_location_map(table_fd, &map), STW_OK);
	n_ready++;
}

static void serve(uint64_t max_bytes)
{
	loop = ev_loop_new(0);
	g = stw_registering_new(loop);
	assert_non_null(g);
	feed = stw_feed_new(loop, g, max_bytes, ready, NULL);
	assert_non_null(feed);
	stw_registering_configure(g, &model);
}

static int start(void **state)
{
	(void)state;
	assert_int_equal(temp_dir_make(NULL), 0);
	stw_log_set_level(STW_LOG_ERROR);
	memset(&model, 0, sizeof(model));
	stw_registrar_model(&model, domains, 1, temp_dir);
	n_ready = 0;
	has_table = false;
	return 0;
}

static void stop_serving(void)
{
	stw_feed_free(feed);
	stw_registering_free(g);
	ev_loop_destroy(loop);
	stw_location_unmap(&map);
	feed = NULL;
}

static int stop(void **state)
{
	(void)state;
	still_clock(false);
	if (feed)
		stop_serving();
	return temp_dir_remove(NULL);
}

static struct stw_registrar *registrar(void)
{
	return stw_registering_registrar(g, NULL);
}

/* Turns of the loop until @is; a limit that only what never comes reaches. */
static void wait_for(bool (*is)(void))
{
	const double start_s = ev_time();

	while (!is()) {
		if (ev_time() - start_s > PATIENCE_S)
			fail_msg("waited in vain");
		ev_run(loop, EVRUN_ONCE);
	}
}

static uint64_t boottime_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static struct stw_whereabouts *find(const char *aor)
{
	static struct stw_where_slot slot;

	assert_true(has_table);
	strcpy(slot.aor, aor);
	stw_where_key(map.header, &slot, strlen(aor));
	slot.w.now_s = stw_location_now_s(map.header, boottime_ms());
	stw_where_find(&map, (struct stw_where_slot *[]){&slot}, 1);
	return &slot.w;
}

/* As a REGISTER would: bound for @s seconds, 0: no more; committed. */
static void bind_user(const char *aor, unsigned s, size_t uri_len)
{
	static struct stw_location l;
	static char uri[600];
	struct stw_store *store = stw_registrar_store(registrar());
	const uint64_t now_s = stw_clock_s(stw_registrar_clock(registrar()));

	memset(uri, 'x', sizeof(uri));
	memcpy(uri, "sip:", 4);
	memcpy(uri + uri_len - 10, "@192.0.2.7", 10);
	stw_location_get(store, stw_str(aor, strlen(aor)), &l);
	l.record.n = s > 0;
	if (s > 0)
		l.record.b[0] = (struct stw_binding){.uri = stw_str(uri, uri_len),
						     .call_id = stw_str("c", 1),
						     .cseq = 1,
						     .q = STW_Q_ONE,
						     .created_s = now_s,
						     .expires_s = now_s + s};
	assert_int_equal(stw_location_put(store, stw_str(aor, strlen(aor)), &l), STW_OK);
}

static void commit(void)
{
	assert_int_equal(stw_registrar_commit(registrar()), STW_OK);
}

static bool is_ready(void)
{
	return has_table;
}

static void it_reads_what_there_is_and_follows(void **state)
{
	char aor[64];

	(void)state;
	serve(64 * MIB);
	for (int i = 0; i < 5000; i++) { /* more than a turn reads */
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		bind_user(aor, 3600, 30);
	}
	assert_int_equal(stw_subscriber_put(stw_registrar_store(registrar()),
					    stw_str("alice@example.com", 17), stw_str("x", 1)),
			 STW_OK);
	commit();
	stop_serving();
	has_table = false;
	serve(64 * MIB);
	wait_for(is_ready);
	assert_int_equal(n_ready > 0, 1);
	for (int i = 0; i < 5000; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		assert_int_equal(find(aor)->found, STW_FOUND_BOUND);
	}
	assert_int_equal(find("sip:alice@example.com")->found, STW_FOUND_ABSENT);
	assert_int_equal(find("sip:mallory@example.com")->found, STW_FOUND_UNKNOWN);
	/* changes are there when they last, not before */
	bind_user("sip:bob@example.com", 3600, 30);
	assert_int_equal(find("sip:bob@example.com")->found, STW_FOUND_UNKNOWN);
	commit();
	assert_int_equal(find("sip:bob@example.com")->found, STW_FOUND_BOUND);
	bind_user("sip:bob@example.com", 0, 30);
	commit();
	assert_int_equal(find("sip:bob@example.com")->found, STW_FOUND_UNKNOWN);
}

static enum stw_packed_any any(const struct stw_whereabouts *w)
{
	const struct stw_packed_all all = stw_packed_of(w);

	return stw_packed_any(&all);
}

/* Time passes for the registrar alone: its tick has not come, and the workers' clock has not moved.
 */
static void its_bindings_end_by_the_readers_clock(void **state)
{
	(void)state;
	serve(64 * MIB);
	wait_for(is_ready);
	still_clock(true);
	bind_user("sip:bob@example.com", 100, 30);
	commit();
	struct stw_whereabouts *w = find("sip:bob@example.com");
	assert_int_equal(w->found, STW_FOUND_BOUND);
	assert_int_equal(any(w), STW_PACKED_LIVE);
	w->now_s += 99;
	assert_int_equal(any(w), STW_PACKED_LIVE);
	w->now_s += 2;
	assert_int_equal(any(w), STW_PACKED_NONE);
}

static bool has_room(void)
{
	struct stw_location_figures f;
	bool complete;

	assert_true(stw_feed_figures(feed, &f, &complete));
	return complete && f.left_out == 0 &&
	       find("sip:mallory@example.com")->found == STW_FOUND_UNKNOWN;
}

/* As bindings go, those that had no room have; nobody has to start anything again. */
static void a_full_table_fills_again(void **state)
{
	struct stw_location_figures f;
	bool complete;
	char aor[64];
	int n = 0;

	(void)state;
	serve(5 * MIB);
	wait_for(is_ready);
	do {
		for (int end = n + 50; n < end; n++) {
			snprintf(aor, sizeof(aor), "sip:u%d@example.com", n);
			bind_user(aor, 3600, 550);
		}
		commit();
		stw_feed_figures(feed, &f, &complete);
	} while (f.left_out < 20);
	assert_int_equal(find("sip:mallory@example.com")->found, STW_FOUND_ASK);
	snprintf(aor, sizeof(aor), "sip:u%d@example.com", n - 1);
	assert_int_equal(find(aor)->found, STW_FOUND_ASK);
	const unsigned passed_on = n_ready;

	for (int i = 0; i < n / 2; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		bind_user(aor, 0, 550);
	}
	commit();
	/* what was bound is remembered for some minutes, while there is room */
	stw_registrar_clock(registrar())->mark.steady_ms += 1000u * 2 * STW_LOCATION_GONE_S;
	wait_for(has_room);
	for (int i = n / 2; i < n; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		assert_int_equal(find(aor)->found, STW_FOUND_BOUND);
	}
	assert_int_equal(n_ready, passed_on); /* it is the same table */
}

static bool serves(void)
{
	return registrar() != NULL;
}

static bool serves_with_table(void)
{
	return registrar() != NULL && has_table;
}

/* Another process has the store: once that has gone, no reload is needed. */
static void a_store_that_does_not_open_is_tried_again(void **state)
{
	char path[300];
	const char *why;

	(void)state;
	snprintf(path, sizeof(path), "%s/owner", temp_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	serve(64 * MIB);
	assert_null(stw_registering_registrar(g, &why));
	assert_non_null(strstr(why, "another strowger-control has this store"));
	assert_int_equal(stw_registering_open_failed(g), 1);
	close(fd);
	wait_for(serves_with_table);
	assert_non_null(stw_registering_registrar(g, &why));
	assert_string_equal(why, "");
	bind_user("sip:bob@example.com", 100, 30);
	commit();
	assert_int_equal(find("sip:bob@example.com")->found, STW_FOUND_BOUND);
}

/* The file of the store, as this process has it open: no write gets through from now on. */
static void break_store(void)
{
	const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char path[64], target[300];
	unsigned n = 0;

	for (int fd = 3; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		const ssize_t len = readlink(path, target, sizeof(target) - 1);

		if (len < 0)
			continue;
		target[len] = '\0';
		if (strstr(target, temp_dir) && strstr(target, "data.mdb")) {
			assert_int_equal(dup2(other, fd), fd);
			n++;
		}
	}
	close(other);
	assert_true(n > 0);
}

static bool has_failed(void)
{
	return stw_registrar_trouble(registrar()) != STW_OK;
}

static bool is_whole(void)
{
	if (!registrar() || stw_registrar_trouble(registrar()) != STW_OK)
		return false;
	bind_user("sip:carol@example.com", 100, 30);
	return stw_registrar_commit(registrar()) == STW_OK;
}

/* What was bound before stays callable all the time, and what comes after lasts. */
static void a_store_that_breaks_is_opened_again(void **state)
{
	(void)state;
	serve(64 * MIB);
	wait_for(is_ready);
	bind_user("sip:bob@example.com", 3600, 30);
	commit();
	break_store();
	bind_user("sip:carol@example.com", 100, 30);
	assert_int_not_equal(stw_registrar_commit(registrar()), STW_OK);
	assert_true(has_failed());
	assert_int_equal(find("sip:bob@example.com")->found, STW_FOUND_BOUND);
	wait_for(is_whole);
	assert_int_equal(find("sip:bob@example.com")->found, STW_FOUND_BOUND);
	stop_serving();
	has_table = false;
	serve(64 * MIB);
	wait_for(is_ready);
	assert_int_equal(find("sip:bob@example.com")->found, STW_FOUND_BOUND);
	assert_int_equal(find("sip:carol@example.com")->found, STW_FOUND_BOUND);
}

static void without_domains_there_is_no_table(void **state)
{
	(void)state;
	serve(64 * MIB);
	wait_for(serves);
	wait_for(is_ready);
	model.registrar.n_domains = 0;
	stw_registering_configure(g, &model);
	assert_false(has_table);
	assert_null(registrar());
	model.registrar.n_domains = 1;
	stw_registering_configure(g, &model);
	wait_for(is_ready);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(it_reads_what_there_is_and_follows),
		T(its_bindings_end_by_the_readers_clock),
		T(a_full_table_fills_again),
		T(a_store_that_does_not_open_is_tried_again),
		T(a_store_that_breaks_is_opened_again),
		T(without_domains_there_is_no_table),
	};

	return cmocka_run_group_tests_name("location-feed", tests, NULL, NULL);
}
