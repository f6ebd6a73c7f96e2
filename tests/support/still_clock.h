/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * CLOCK_BOOTTIME may stand still in a test that includes this: seconds then pass for the registrar
 * when the test says so, however long it is kept waiting. In one file of a program.
 */

#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static bool clock_stands;
static struct timespec clock_stood;

/* In place of libc's. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	if (id != CLOCK_BOOTTIME || !clock_stands)
		return (int)syscall(SYS_clock_gettime, id, t);
	*t = clock_stood;
	return 0;
}

/** From now on it stands still, or goes on. */
static inline void still_clock(bool stands)
{
	clock_stands = false;
	clock_gettime(CLOCK_BOOTTIME, &clock_stood);
	clock_stands = stands;
}
