/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Questions to DNS servers by c-ares, in control's event loop. No cache here (names.h), no hosts
 * file, no search domains: what is asked is a whole name.
 *
 * Threads: the loop's only.
 */

#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#include "control/resolve/answer.h"

struct ev_loop;
struct stw_dns; /* opaque; dns.c */

/**
 * Told of an answer. May be called from inside stw_dns_ask().
 *
 * @param err     STW_OK: @answer is whole, with rows or without (there is no such name or row);
 *                STW_EIO: no server gave one
 * @param answer  borrowed; NULL unless STW_OK
 */
typedef void stw_dns_answered_fn(void *arg, int err, const struct stw_dns_answer *answer);

/** @return NULL without memory. Free with stw_dns_free(). */
struct stw_dns *stw_dns_new(struct ev_loop *loop);

/**
 * Ask these servers from now on; without any those of the system. Questions under way fail when
 * the servers change. The system's are read anew whenever nothing is under way.
 *
 * @return STW_OK, STW_ENOMEM, STW_EIO (servers before, if any, go on being asked)
 */
int stw_dns_use(struct stw_dns *d, const struct stw_endpoint *servers, size_t n_servers);

/** Ask for the records of @type (STW_DNS_...) that @name has. Answered once, also by free. */
void stw_dns_ask(struct stw_dns *d, const char *name, uint16_t type, stw_dns_answered_fn *answered,
		 void *arg);

/** What is under way fails. Accepts NULL. */
void stw_dns_free(struct stw_dns *d);
