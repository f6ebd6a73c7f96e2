/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Inside of struct stw_tables: for table/, route/ and the stages in path/ only. One aligned
 * allocation holds all of it: this struct, the views, the indexes and a copy of the image.
 *
 * Not RCU: immutable after init; retired whole by the installer.
 */

#include <strowger/likely.h>
#include <strowger/table_image.h>

#include "dataplane/route/nh.h"
#include "dataplane/route/siphash.h"
#include "dataplane/table/index.h"
#include "dataplane/table/lookup.h"
#include "dataplane/table/rules.h"

#define STW_TABLES_ALIGN 64u
#define STW_PORT_WORDS	 1024u /* 65536 bits */

/* Longest constant text of a header of ours: "Record-Route: <sip:" + hostport + ";lr;stw=". */
#define STW_LISTENER_TEXT 96

/* A listener and what the rewrite copies for it; fixed text up to the first byte that varies. */
struct stw_listener_row {
	struct stw_listener_view view;
	uint8_t mark;		   /* of its address: branches tell by it where the request came */
	uint8_t nat;		   /* enum stw_image_nat */
	uint16_t via_len;	   /* of "Via: SIP/2.0/UDP host:port;branch=z9hG4bK" */
	uint16_t record_route_len; /* of "Record-Route: <sip:host:port;lr;stw=" */
	char via[STW_LISTENER_TEXT];
	char record_route[STW_LISTENER_TEXT];
	const struct stw_image_prefix *trusted; /* [n_trusted] */
	uint32_t n_trusted;
};

/* Words of the NH key, by the piece they belong to (route/mac.h). */
struct stw_nh_keys {
	uint64_t call[STW_NH_WINDOW / 8];
	uint64_t call_len[2];
	uint64_t member[2];
	uint64_t branch[STW_NH_WINDOW / 8];
	uint64_t host[4];
	uint64_t tag[STW_NH_WINDOW / 8];
	uint64_t fields[6];
};

/* A secret's keys, one a purpose, so that no sum made for one can serve another; SipHash's as the
 * state that a sum under it starts from. */
struct stw_secret {
	struct stw_nh_keys nh;
	struct stw_siphash cookie;
	struct stw_siphash branch;
	struct stw_siphash tag;
	struct stw_siphash flow;
	struct stw_sipkey beyond[2]; /* of pieces longer than NH's window */
	struct stw_sipkey key;	     /* of what pools spread calls by, if not the Call-ID */
	uint8_t id;
};

/* What a pool carries, for policies that weigh it. The one part of the tables that changes. */
struct stw_pool_load {
	uint64_t weight;       /* of all members that serve */
	_Atomic uint64_t work; /* open work of them all; the installer refreshes it */
};

struct stw_tables {
	struct stw_secret secrets[STW_IMAGE_SECRET_MAX];
	uint32_t n_secrets;
	uint32_t n_listeners;
	uint32_t n_members;
	uint32_t n_pools;
	uint32_t n_names;
	uint32_t n_domains;
	struct stw_sipkey name_key; /* of name_index: strangers choose names, so they are hashed */

	const struct stw_listener_row *listeners;
	const struct stw_member_view *members;
	const bool *record_route; /* of a member: by some pool it is in; for its own requests */
	const bool *weighed;	  /* likewise: some pool it is in looks at its open work */
	const struct stw_image_pool *pools;
	const struct stw_image_pool_member *pool_members; /* of all pools */
	const uint16_t *slots;				  /* likewise */
	struct stw_pool_load *loads;			  /* index = pool */
	const struct stw_image_name *names;
	const struct stw_image_target *targets; /* of all names */
	const char *name_text;
	const struct stw_image_settings *settings;
	const struct stw_image_option *options; /* [n_options] */
	uint32_t n_options;
	const uint64_t *closed_ports; /* [STW_PORT_WORDS], a bit a port */
	uint64_t listener_ends[4];    /* last bytes of listeners' addresses, a bit each */
	const struct stw_image_domain *domains;
	struct stw_index member_by_id;
	struct stw_index member_by_address;
	struct stw_index listener_by_address;
	struct stw_index listener_by_ip;
	struct stw_index name_index;
	struct stw_rules rules;

	const struct stw_image_header *image;
};

/** The pool's row, or NULL for STW_IMAGE_NO_POOL. */
static inline const struct stw_image_pool *stw_tables_pool(const struct stw_tables *t,
							   uint16_t pool)
{
	return pool == STW_IMAGE_NO_POOL ? NULL : &t->pools[pool];
}

/** True when a choice may change while the tables do not: it must be remembered by call. */
static inline bool stw_pool_moves(const struct stw_image_pool *pool)
{
	return pool->policy != STW_IMAGE_BY_HASH || pool->bound_percent != 0;
}

/** Row of slots that a call's hash falls on; @pool has slots. */
static inline size_t stw_pool_slot(const struct stw_image_pool *pool, uint64_t call_hash)
{
	return pool->first_slot + (size_t)((call_hash >> 32) * pool->n_slots >> 32);
}

/** Ports that nobody may be made to send to. */
static inline bool stw_tables_port_closed(const struct stw_tables *t, uint16_t port)
{
	return t->closed_ports[port / 64] >> port % 64 & 1;
}

/** stw_tables_has_listener_ip(), whose answer mostly is no, and mostly seen by the last byte. */
static inline bool stw_tables_is_listener_ip(const struct stw_tables *t, const struct stw_ip *ip)
{
	uint8_t last = ip->b[15];

	return (t->listener_ends[last / 64] >> last % 64 & 1) && stw_tables_has_listener_ip(t, ip);
}

/** The secret with this id, or NULL. */
static inline const struct stw_secret *stw_tables_secret(const struct stw_tables *t, uint8_t id)
{
	for (uint32_t i = 0; i < t->n_secrets; i++)
		if (stw_likely(t->secrets[i].id == id))
			return &t->secrets[i];
	return NULL;
}

/** Member with this identity. @return its index, or -1. Fast path: yes. */
static inline int stw_tables_find_member_id(const struct stw_tables *t, uint32_t id)
{
	const struct stw_index *ix = &t->member_by_id;
	uint32_t tag = stw_index_tag_u32(id);

	for (uint32_t at = stw_index_home(ix, tag);; at = (at + 1) & ix->mask) {
		struct stw_index_cell cell = ix->cells[at];

		if (cell.row == STW_INDEX_EMPTY)
			return -1;
		if (cell.tag == tag && t->members[cell.row].id == id)
			return (int)cell.row;
	}
}
