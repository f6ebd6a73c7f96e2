/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <strowger/errors.h>

#include "control/notify.h"
#include "dataplane/life.h"
#include "dataplane/stats.h"

#define HZ 1000

/* We are the service manager: an abstract datagram socket of our own. */
struct fixture {
	int fd;
	struct stw_stats *stats;
	int stats_fd;
	struct stw_life life;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char name[64];

	assert_non_null(f);
	snprintf(name, sizeof(name), "@strowger-test-life-%d", (int)getpid());
	memcpy(a.sun_path, name, strlen(name));
	a.sun_path[0] = '\0';
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(stw_stats_new(2, NULL, &f->stats, &f->stats_fd), STW_OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stw_stats_free(f->stats, f->stats_fd);
	close(f->fd);
	free(f);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static bool signed_life(struct fixture *f)
{
	char text[64] = "";
	ssize_t n = recv(f->fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return false;
	assert_string_equal(text, "WATCHDOG=1");
	assert_true(recv(f->fd, text, sizeof(text), 0) < 0);
	return true;
}

static void turn(struct fixture *f, uint32_t worker, enum stw_counter how)
{
	stw_counter_add(&stw_stats_worker(f->stats, worker)->c[how], 1);
}

static void signs_are_given_while_all_workers_turn(void **state)
{
	struct fixture *f = *state;

	stw_life_init(&f->life, 2, HZ);
	turn(f, 0, STW_C_TURNS_IDLE);
	turn(f, 1, STW_C_TURNS_BUSY);
	stw_life_tick(&f->life, f->stats, 100);
	assert_true(signed_life(f));
	turn(f, 0, STW_C_TURNS_BUSY);
	turn(f, 1, STW_C_TURNS_BUSY);
	stw_life_tick(&f->life, f->stats, 100 + 2 * HZ - 1); /* not yet time */
	assert_false(signed_life(f));
	stw_life_tick(&f->life, f->stats, 100 + 2 * HZ);
	assert_true(signed_life(f));
}

static void a_worker_that_hangs_ends_them(void **state)
{
	struct fixture *f = *state;

	stw_life_init(&f->life, 1, HZ);
	turn(f, 0, STW_C_TURNS_BUSY);
	stw_life_tick(&f->life, f->stats, HZ);
	assert_false(signed_life(f)); /* the other has not begun */
	turn(f, 1, STW_C_TURNS_BUSY);
	stw_life_tick(&f->life, f->stats, 2 * HZ);
	assert_true(signed_life(f));
	for (uint64_t now = 3 * HZ; now < 20 * HZ; now += HZ) {
		turn(f, 1, STW_C_TURNS_IDLE);
		stw_life_tick(&f->life, f->stats, now);
		assert_false(signed_life(f));
	}
	turn(f, 0, STW_C_TURNS_IDLE);
	stw_life_tick(&f->life, f->stats, 21 * HZ);
	assert_true(signed_life(f));
}

static void nobody_waits_nobody_is_told(void **state)
{
	struct fixture *f = *state;

	stw_life_init(&f->life, 0, HZ);
	turn(f, 0, STW_C_TURNS_BUSY);
	turn(f, 1, STW_C_TURNS_BUSY);
	stw_life_tick(&f->life, f->stats, HZ);
	assert_false(signed_life(f));
}

static void the_period_comes_from_the_environment(void **state)
{
	char pid[16];

	(void)state;
	assert_true(stw_notify_watchdog_s() == 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_true(stw_notify_watchdog_s() == 10);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_true(stw_notify_watchdog_s() == 10);
	setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
	assert_true(stw_notify_watchdog_s() == 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_true(stw_notify_watchdog_s() == 0);
}

#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(signs_are_given_while_all_workers_turn),
		WITH(a_worker_that_hangs_ends_them),
		WITH(nobody_waits_nobody_is_told),
		WITH(the_period_comes_from_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
