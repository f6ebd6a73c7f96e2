/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The balancer without its process: tables and FIB made of a configuration by the code both
 * processes use, and the one call that parses, routes and rewrites a message. The corpus is made
 * with it (cookies and branches must verify) and the stages are timed with it.
 *
 * Threads: one user a world.
 */

#include <stddef.h>

#include <strowger/endpoint.h>

#include "dataplane/route/route.h"

struct stw_bench_world {
	struct stw_tables *tables;
	struct stw_fib *fib;
	struct stw_snapshot *snapshot;
};

/**
 * Read @config and build what a data plane would serve: one port, no VLAN, static neighbours.
 * What is wrong is told on standard error.
 *
 * @param out  on STW_OK only; free with stw_bench_world_fini()
 * @return STW_OK, STW_ECONFIG, STW_ENOMEM or what building the tables gave
 */
int stw_bench_world_init(const char *config, struct stw_bench_world *out);

/**
 * Other tables of @config, as after a change of the first pool's first member to @weight.
 *
 * @param out  on STW_OK only; free with stw_tables_free()
 * @return as stw_bench_world_init()
 */
int stw_bench_world_tables(const char *config, uint64_t generation, uint16_t weight,
			   struct stw_tables **out);

/** Accepts a world of zeros. */
void stw_bench_world_fini(struct stw_bench_world *w);

/** The address of the first listener. */
const struct stw_endpoint *stw_bench_world_listener(const struct stw_bench_world *w);

/* A message as it left. */
struct stw_bench_sent {
	struct stw_verdict verdict;
	const char *text; /* into @room */
	size_t len;
	char room[STW_REWRITE_HEADROOM + 12288 + STW_REWRITE_TAILROOM];
};

/**
 * Send one message through parse, route and rewrite.
 *
 * @param why  on failure: what refused it, for people
 * @return STW_OK, or STW_EMALFORMED when the verdict is anything but FORWARD to a known neighbour
 */
int stw_bench_world_forward(const struct stw_bench_world *w, const char *text, size_t len,
			    const struct stw_endpoint *source, struct stw_bench_sent *out,
			    const char **why);
