/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Sends what the flight recorder holds to a HEP server, several times a second. Lossy and bounded:
 * what does not fit into one round or the socket's buffer is counted and forgotten, and a server
 * that is gone costs nothing.
 *
 * Threads: the loop's only.
 */

#include <stdint.h>

#include <strowger/endpoint.h>

struct ev_loop;
struct stw_publish;
struct stw_export; /* opaque; export.c */

struct stw_export_counters {
	uint64_t sent;
	uint64_t lost; /* overwritten before they were read, beyond a round, or refused */
};

/** @return NULL without memory or socket. Free with stw_export_free(), before @publish. */
struct stw_export *stw_export_new(struct ev_loop *loop, struct stw_publish *publish);

/** Send to @server from now on, as @node; NULL: to nobody. */
void stw_export_to(struct stw_export *e, const struct stw_endpoint *server, uint32_t node);

const struct stw_export_counters *stw_export_counters(const struct stw_export *e);

/** Accepts NULL. */
void stw_export_free(struct stw_export *e);
