/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t ms_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* Empty when it cannot be read: then no other boot is taken for this one. */
static void read_boot_id(char out[40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, 36);

	if (fd >= 0)
		close(fd);
	memset(out + (n > 0 ? n : 0), 0, 40u - (size_t)(n > 0 ? n : 0));
}

static uint64_t steady_ms(const struct stw_clock *c, uint64_t boottime_ms)
{
	return c->mark.steady_ms + (boottime_ms - c->mark.boottime_ms);
}

void stw_clock_start(struct stw_clock *c, const struct stw_clock_mark *last)
{
	const uint64_t boottime = ms_of(CLOCK_BOOTTIME), wall = ms_of(CLOCK_REALTIME);

	*c = (struct stw_clock){.mark = {.steady_ms = wall, .boottime_ms = boottime}};
	read_boot_id(c->mark.boot_id);
	if (!last)
		return;
	if (c->mark.boot_id[0] && boottime >= last->boottime_ms &&
	    memcmp(c->mark.boot_id, last->boot_id, sizeof(last->boot_id)) == 0)
		c->mark.steady_ms = last->steady_ms + (boottime - last->boottime_ms);
	else if (wall < last->steady_ms)
		c->mark.steady_ms = last->steady_ms;
}

uint64_t stw_clock_ms(const struct stw_clock *c)
{
	return steady_ms(c, ms_of(CLOCK_BOOTTIME));
}

uint64_t stw_clock_s(const struct stw_clock *c)
{
	return stw_clock_ms(c) / 1000u;
}

uint64_t stw_clock_less_boottime_ms(const struct stw_clock *c)
{
	return c->mark.steady_ms - c->mark.boottime_ms;
}

struct stw_clock_mark stw_clock_mark_now(const struct stw_clock *c)
{
	struct stw_clock_mark now = c->mark;

	now.boottime_ms = ms_of(CLOCK_BOOTTIME);
	now.steady_ms = steady_ms(c, now.boottime_ms);
	return now;
}
