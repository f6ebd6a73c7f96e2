/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Reader's side of a checked table image (strowger/table_image.h).
 *
 * RCU borrowed: dead at this thread's next quiescent state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

struct stw_tables; /* image.c */
struct stw_image_name;
struct stw_image_resolved;

struct stw_listener_view {
	struct stw_endpoint address;
	uint16_t pool;	  /* UINT16_MAX: none */
	uint16_t counted; /* row of its counters (strowger/stats.h) */
};

struct stw_member_view {
	struct stw_endpoint address;
	uint32_t id;	 /* what cookies carry */
	uint16_t number; /* row of its counters */
	uint16_t flags;	 /* STW_IMAGE_MEMBER_x */
};

typedef void *stw_tables_alloc_fn(size_t size, size_t align);
typedef void stw_tables_free_fn(void *memory);

/**
 * Take tables' memory from elsewhere, for instance from hugepages. NULL: the C library's.
 *
 * @param alloc  @size bytes, a multiple of @align (a power of two); NULL when there are none
 *
 * Threads: before the first stw_tables_new(). Not RCU: immutable after init.
 */
void stw_tables_set_allocator(stw_tables_alloc_fn *alloc, stw_tables_free_fn *release);

/**
 * Check every offset, count and value of @bytes, then copy them to memory of their own.
 *
 * @param bytes   the image; may be anything at all
 * @param reason  [reason_len] when refused: section, row and what is wrong
 * @param out     on STW_OK only; free with stw_tables_free() after a grace period
 * @return STW_OK, STW_EVERSION, STW_EBOUNDS, STW_EDIGEST, STW_ERANGE, STW_EMALFORMED,
 *         STW_EDUP, STW_ENOMEM
 */
int stw_tables_new(const void *bytes, size_t size, char *reason, size_t reason_len,
		   struct stw_tables **out);

/** Accepts NULL. */
void stw_tables_free(struct stw_tables *t);

uint64_t stw_tables_generation(const struct stw_tables *t);
const uint8_t *stw_tables_digest(const struct stw_tables *t); /* [32] */
size_t stw_tables_n_listeners(const struct stw_tables *t);
size_t stw_tables_n_members(const struct stw_tables *t);
const struct stw_listener_view *stw_tables_listener(const struct stw_tables *t, uint16_t i);
const struct stw_member_view *stw_tables_member(const struct stw_tables *t, uint16_t i);

/** Have listener @i count in @row. Threads: whoever made the tables, before they are published. */
void stw_tables_count_listener(struct stw_tables *t, uint16_t i, uint16_t row);

/** Listener with this very address, port and transport. @return its index, or -1. Fast path: yes.
 */
int stw_tables_find_listener(const struct stw_tables *t, const struct stw_endpoint *local);

/** True when some listener has this IP address, whatever its port: its fragments are ours to see.
 */
bool stw_tables_has_listener_ip(const struct stw_tables *t, const struct stw_ip *ip);

/** True when what this address sends to the listener is trusted. Fast path: yes, where few are. */
bool stw_tables_trusts(const struct stw_tables *t, uint16_t listener, const struct stw_ip *peer);

/** Member with this source address and port. @return its index, or -1. Fast path: yes. */
int stw_tables_find_member(const struct stw_tables *t, const struct stw_endpoint *peer);

/**
 * What a URI's host name stands for (strowger/table_image.h).
 *
 * @param name  lower case, as stw_name_canonical() makes it
 * @param port  as the URI gives it, 0: not given
 * @return its row, with n_targets 0 when it stands for nothing; NULL: not known here
 *
 * Fast path: yes.
 */
const struct stw_image_name *stw_tables_find_name(const struct stw_tables *t, const char *name,
						  size_t len, uint16_t port);

/** True for a domain whose users register here: the host of a URI as written, in any case. */
bool stw_tables_has_domain(const struct stw_tables *t, const char *host, size_t len);

struct stw_rule_view {
	const char *name;
	uint32_t row; /* of its counter */
};

size_t stw_tables_n_rules(const struct stw_tables *t);

/** Rule @i, i < stw_tables_n_rules(). Fast path: yes. */
struct stw_rule_view stw_tables_rule(const struct stw_tables *t, uint32_t i);

size_t stw_tables_n_names(const struct stw_tables *t);

/** Name @i, i < stw_tables_n_names(); its texts and targets are borrowed from @t. */
struct stw_image_resolved stw_tables_name(const struct stw_tables *t, size_t i);
