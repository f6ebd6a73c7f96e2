/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The registrar on a disk that is full, and among clocks that jump. The disk is a small tmpfs in a
 * mount namespace of its own, which needs root.
 */

#include "tests/support/disk_fails.h"
#include "tests/support/register.h"

#include <sched.h>
#include <sys/mount.h>

#include <strowger/log.h>

#define CONTACT "Contact: <sip:b@h>\r\n"
#define HOUR	3600u

static struct stw_registering s;

static bool mount_disk(const char *options, unsigned long flags)
{
	return mount("tmpfs", temp_dir, "tmpfs", flags, options) == 0;
}

static int start_on_small_disk(void **state)
{
	char reason[256] = "";

	(void)state;
	stw_registering_start(&s);
	stw_registrar_free(s.r);
	if (!mount_disk("size=512k", 0) ||
	    stw_registrar_new(&s.model, reason, sizeof(reason), &s.r) != STW_OK)
		return -1;
	return 0;
}

static int stop_on_small_disk(void **state)
{
	(void)state;
	stw_registrar_free(s.r);
	return umount(temp_dir) == 0 && temp_dir_remove(NULL) == 0 ? 0 : -1;
}

static int start(void **state)
{
	(void)state;
	stw_registering_start(&s);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_registering_stop(&s);
	return 0;
}

static uint16_t register_user(unsigned i)
{
	char user[64];

	snprintf(user, sizeof(user), "user%u@example.com", i);
	return stw_register(&s, user, CONTACT);
}

static bool is_registered(unsigned i)
{
	char aor[64];

	snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
	return stw_registered(&s, aor) == 1;
}

static unsigned fill(void)
{
	unsigned n = 0;

	while (register_user(n) == 200)
		assert_true(++n < 100000);
	return n;
}

static void a_full_disk_is_answered_503_and_nothing_acknowledged_is_lost(void **state)
{
	(void)state;
	const unsigned n = fill();

	assert_int_equal(s.a.status, 503);
	assert_int_equal(s.a.retry_after_s, 10);
	assert_int_equal(stw_registrar_trouble(s.r), STW_ENOSPACE);
	assert_true(stw_registrar_counters(s.r)->store_failed >= 1);
	assert_true(n > 10);
	for (unsigned i = 0; i < n; i++)
		assert_true(is_registered(i));
	assert_false(is_registered(n));
	/* A question is answered all the same, and says nothing of the disk. */
	assert_int_equal(stw_register(&s, "user0@example.com", "X: y\r\n"), 200);
	assert_int_equal(stw_answer_count(&s, "Contact: <sip:b@h>"), 1);
	assert_int_equal(stw_registrar_trouble(s.r), STW_ENOSPACE);
}

/* Such a disk may take the first part of a write, and LMDB then says EIO. */
static void a_full_disk_that_takes_part_of_a_write_is_called_full(void **state)
{
	(void)state;
	const unsigned n = fill();

	stw_disk_takes_part = true;
	assert_int_equal(register_user(n), 503);
	stw_disk_takes_part = false;
	assert_int_equal(stw_registrar_trouble(s.r), STW_ENOSPACE);
	assert_false(is_registered(n));
}

static void room_on_the_disk_is_found_by_itself(void **state)
{
	(void)state;
	const unsigned n = fill();

	stw_registrar_tick(s.r);
	assert_int_equal(stw_registrar_trouble(s.r), STW_ENOSPACE);
	assert_true(mount_disk("size=16m", MS_REMOUNT));
	assert_int_equal(register_user(n), 200);
	stw_registering_pass(&s, 11);
	stw_registrar_tick(s.r);
	assert_int_equal(stw_registrar_trouble(s.r), STW_OK);
	for (unsigned i = 0; i <= n; i++)
		assert_true(is_registered(i));
}

/* user1 has a password, and what answers the challenge. */
static void be_challenged(char *credentials, size_t room)
{
	s.model.registrar.authenticate = true;
	assert_int_equal(stw_registrar_configure(s.r, &s.model), STW_OK);
	stw_subscriber_put(stw_registrar_store(s.r), stw_str("user1@example.com", 17),
			   stw_str("x", 1));
	assert_int_equal(stw_registrar_commit(s.r), STW_OK);
	assert_int_equal(register_user(1), 401);
	stw_credentials_make(&s, "MD5", "user1", "example.com", "x", 1, credentials, room);
}

/* Not 401: whoever knows the password must not count as one who guesses. */
static void a_store_that_broke_is_503_to_who_has_a_password_too(void **state)
{
	char credentials[1024];

	(void)state;
	be_challenged(credentials, sizeof(credentials));
	stw_disk_fails = true;
	assert_int_equal(stw_register(&s, "user1@example.com", CONTACT "%s", credentials), 503);
	stw_disk_fails = false;
	assert_int_equal(stw_register(&s, "user1@example.com", CONTACT "%s", credentials), 503);
	assert_int_equal(stw_registrar_counters(s.r)->failed_authentication, 0);
	assert_int_equal(stw_registrar_trouble(s.r), STW_EIO);
	stw_registrar_free(s.r);
	stw_registering_open(&s);
	assert_false(is_registered(1));
	assert_int_equal(register_user(1), 401);
	stw_credentials_make(&s, "MD5", "user1", "example.com", "x", 1, credentials,
			     sizeof(credentials));
	assert_int_equal(stw_register(&s, "user1@example.com", CONTACT "%s", credentials), 200);
}

static bool is_left(void)
{
	uint64_t n;

	assert_int_equal(stw_store_count(stw_registrar_store(s.r), STW_TABLE_LOCATION, &n), STW_OK);
	return n > 0;
}

/* What ends makes room, though the disk stays as small as it is. */
static void bindings_end_on_a_full_disk(void **state)
{
	(void)state;
	fill();
	stw_registering_pass(&s, 7201);
	for (unsigned i = 0; i < 10000 && is_left(); i++)
		stw_registrar_tick(s.r);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(register_user(i), 200);
	assert_false(is_registered(10));
}

static void what_was_acknowledged_is_there_after_a_restart_on_a_full_disk(void **state)
{
	(void)state;
	const unsigned n = fill();

	stw_registrar_free(s.r);
	assert_true(mount_disk("size=16m", MS_REMOUNT));
	stw_registering_open(&s);
	for (unsigned i = 0; i < n; i++)
		assert_true(is_registered(i));
}

/* --- clocks --- */

/* The wall clock jumped while the machine was off: the next start sees another boot. */
static void restart_with_mark(int64_t steady_jump_s)
{
	const struct stw_store_value key = {"clock", 5};
	struct stw_store *store = stw_registrar_store(s.r);
	struct stw_clock_mark mark = stw_clock_mark_now(stw_registrar_clock(s.r));

	memset(mark.boot_id, 'x', 36);
	mark.steady_ms += (uint64_t)(steady_jump_s * 1000);
	stw_registrar_free(s.r);
	char reason[256];
	const struct stw_store_options options = {.max_bytes = 64u << 20};

	/* The mark that this run would have left. */
	assert_int_equal(stw_store_open_lmdb(temp_dir, &options, reason, sizeof(reason), &store),
			 STW_OK);
	assert_int_equal(stw_store_put(store, STW_TABLE_META, key,
				       (struct stw_store_value){&mark, sizeof(mark)}),
			 STW_OK);
	assert_int_equal(stw_store_commit(store), STW_OK);
	stw_store_close(store);
	stw_registering_open(&s);
}

/* Nobody is forgotten early because a clock was set back, nor kept for ever. */
static void after_a_start_with_a_clock_an_hour_back_time_does_not_run_back(void **state)
{
	(void)state;
	assert_int_equal(register_user(1), 200);
	/* The store knows a time an hour later than the wall clock now shows. */
	restart_with_mark(HOUR - 60);
	assert_true(is_registered(1));
	stw_registering_pass(&s, 61);
	stw_registrar_tick(s.r);
	assert_false(is_registered(1));
}

static void after_a_start_with_a_clock_an_hour_ahead_bindings_ended_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(register_user(1), 200);
	/* What the store knows is an hour ago: by all that can be known, an hour has passed. */
	restart_with_mark(-(int64_t)HOUR);
	assert_true(is_registered(1));
	stw_registering_pass(&s, HOUR + 1);
	stw_registrar_tick(s.r);
	assert_false(is_registered(1));
	assert_int_equal(register_user(1), 200);
}

/* An hour at once, as after a long sleep of the machine: nonces are stale, bindings ended, and the
 * phone is back with its next REGISTER. */
static void an_hour_at_once_makes_nonces_stale_and_ends_bindings(void **state)
{
	char credentials[1024];

	(void)state;
	be_challenged(credentials, sizeof(credentials));
	stw_registering_pass(&s, HOUR);
	assert_int_equal(stw_register(&s, "user1@example.com", CONTACT "%s", credentials), 401);
	assert_non_null(strstr(s.text, "stale=true"));
	stw_credentials_make(&s, "MD5", "user1", "example.com", "x", 1, credentials,
			     sizeof(credentials));
	assert_int_equal(stw_register(&s, "user1@example.com", CONTACT "%s", credentials), 200);
	stw_registering_pass(&s, HOUR + 1);
	stw_registrar_tick(s.r);
	assert_false(is_registered(1));
}

/* A storm of the same and of late ones, in any order, ends as the newest says. */
static void duplicates_and_late_ones_in_any_order_leave_the_newest(void **state)
{
	uint32_t random = 1911;

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		uint32_t newest = 0;
		unsigned expires = 0;

		stw_registering_pass(&s, 7300); /* what was there is over */
		stw_registrar_tick(s.r);
		for (unsigned i = 0; i < 30; i++) {
			random = random * 1664525u + 1013904223u;
			const uint32_t cseq = 1 + (random >> 16) % 20;

			s.cseq = cseq - 1;
			uint16_t status = stw_register(&s, "user1@example.com",
						       "Contact: <sip:b@h>;expires=%u\r\n",
						       cseq % 3 == 0 ? 0 : 100 + cseq);

			assert_int_equal(status, cseq >= newest || newest == 0 ? 200 : 500);
			if (cseq >= newest) {
				newest = cseq;
				expires = cseq % 3 == 0 ? 0 : 100 + cseq;
			}
			assert_int_equal(stw_registered(&s, "sip:user1@example.com"), expires > 0);
		}
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define D(name) cmocka_unit_test_setup_teardown(name, start_on_small_disk, stop_on_small_disk)
	/* Those that need root last. */
	const struct CMUnitTest tests[] = {
		T(after_a_start_with_a_clock_an_hour_back_time_does_not_run_back),
		T(after_a_start_with_a_clock_an_hour_ahead_bindings_ended_meanwhile),
		T(an_hour_at_once_makes_nonces_stale_and_ends_bindings),
		T(duplicates_and_late_ones_in_any_order_leave_the_newest),
		T(a_store_that_broke_is_503_to_who_has_a_password_too),
		D(a_full_disk_is_answered_503_and_nothing_acknowledged_is_lost),
		D(a_full_disk_that_takes_part_of_a_write_is_called_full),
		D(room_on_the_disk_is_found_by_itself),
		D(bindings_end_on_a_full_disk),
		D(what_was_acknowledged_is_there_after_a_restart_on_a_full_disk),
	};
	const size_t all = sizeof(tests) / sizeof(tests[0]);

	stw_log_init("test", STW_LOG_ERROR);
	const bool may_mount =
		unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;

	return _cmocka_run_group_tests("faults", tests, may_mount ? all : 5, NULL, NULL);
}
