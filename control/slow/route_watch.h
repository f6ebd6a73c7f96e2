/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Tells when addresses, routes or interfaces of the kernel changed, so that whoever decides by a
 * copy of them makes it anew. Changes that come together are told once, and the more the copying
 * costs the more seldom: at most a twentieth of the time goes into it.
 *
 * Threads: the loop's only.
 */

struct ev_loop;
struct stw_route_watch;

/**
 * @param changed  called from the loop, some time after a change
 * @return NULL, logged: nothing will be told
 */
struct stw_route_watch *stw_route_watch_new(struct ev_loop *loop, void (*changed)(void *arg),
					    void *arg);

/** Accepts NULL. */
void stw_route_watch_free(struct stw_route_watch *w);
