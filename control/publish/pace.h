/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Changes that come by themselves, many a second perhaps, become few: the first is passed on at
 * once, the others together, at most ten times a second, and less often when each costs much.
 *
 * Threads: the loop's only.
 */

struct ev_loop;
struct stw_pace; /* opaque; pace.c */

#define STW_PACE_S    0.1 /* between two, at least */
#define STW_PACE_COST 10. /* ... and at least so many times what the last one took */

/** @param due called from the loop. @return NULL without memory. Free with stw_pace_free(). */
struct stw_pace *stw_pace_new(struct ev_loop *loop, void (*due)(void *ctx), void *ctx);

/** Something changed: due() will be called. */
void stw_pace_want(struct stw_pace *p);

/** What came of due() took so long. */
void stw_pace_took(struct stw_pace *p, double seconds);

/** Accepts NULL. */
void stw_pace_free(struct stw_pace *p);
