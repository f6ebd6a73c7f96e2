/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The location table: every address-of-record of the domains we host, with where it is bound, in
 * memory that control writes and all workers read. Too big to be swapped like an image, so it is
 * changed in place:
 *
 *     header | buckets, records, more buckets, ... one after the other as they were needed
 *
 * A *bucket* is one cache line: ten entries of a 16-bit tag and a reference. An entry belongs to
 * the bucket its key's hash names, or, when that was full, to one of the next, and each bucket it
 * was pushed past counts it: a bucket nobody was pushed past ends a search. Entries never move but
 * into a larger array of buckets, which is made beside the one in use and then takes its place in
 * one store. A reader that missed looks whether that happened meanwhile.
 *
 * A *record* is a whole number of units, never joined with another. It holds the exact key, so
 * nobody is called on a fingerprint's word. Its first word carries a sequence number: odd while the
 * record is free or being written. A changed record is written elsewhere, then the reference is
 * replaced; so a writer that is killed at any moment leaves the old one or the new one. Where
 * nothing but the time of a binding changed, that is one store.
 *
 *     word 0   sequence 32 | length in bytes 16 | bindings 8 | flags 8
 *     then     domain's row 1, length of user 1, user, bindings: live ones by preference, gone ones
 *     binding  time 4, id 4, q 2, port 2, same 1, listener's row 1, flags 1, length of rest 1,
 *              of a long one: length of rest 2, of path 2; IP 4 or 16, rest, path. The Contact's
 *              URI is the first @same bytes of the address-of-record and then @rest
 *
 * Each binding begins at a multiple of 4 bytes. Its time is when it ends, in steady seconds (as far
 * as 32 bits go): a reader that has the time ends it by itself, should nobody write any more. That
 * of a gone one is when it went.
 *
 * Gone bindings are those that ended within the last minutes: a CANCEL or ACK still goes where its
 * INVITE went. Readers trust nothing here: each offset and length is bounded before it is used.
 *
 * Threads: one writer; readers never block it, nor it them. All integers in host order.
 */

#include <stdatomic.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#define STW_LOCATION_MAGIC	0x3174636f6c777473u /* "stwloct1" */
#define STW_LOCATION_VERSION	3u

#define STW_LOCATION_UNIT	16u
#define STW_LOCATION_RECORD_MAX 1008u /* bytes; what is longer, control answers */
#define STW_LOCATION_OVER_WORDS 8u    /* that readers may read behind a record */
/* bytes from where a record begins that are inside of the map, and kept so by who makes it */
#define STW_LOCATION_READ_MAX  (STW_LOCATION_RECORD_MAX + 8 * STW_LOCATION_OVER_WORDS)
#define STW_LOCATION_AOR_MAX   255u
#define STW_LOCATION_KEY_WORDS 34u /* of the hash, for any address-of-record */
#define STW_LOCATION_WAYS      10u
#define STW_LOCATION_PROBES    16u /* buckets an entry may be from its own, itself included */
#define STW_LOCATION_DOMAINS   256u
#define STW_LOCATION_LISTENERS 256u
#define STW_LOCATION_MAX_BYTES ((uint64_t)1 << 36) /* what a reference can name */

/* Flags of a record. */
#define STW_LOCATION_KNOWN 1u /* there is such a user, bound or not */
#define STW_LOCATION_ASK   2u /* too much for a record: control knows */
#define STW_LOCATION_SIPS  4u /* the key begins with "sips:" */

/* Flags of a binding. */
#define STW_LOCATION_IPV6 1u
#define STW_LOCATION_GONE 2u
#define STW_LOCATION_LONG 8u /* its rest is longer than a byte tells, or it has a path */
#define STW_LOCATION_NAT  4u /* its URI does not name the address it registered from, or has ;ob */

struct stw_location_domain {
	uint8_t len;
	char name[255];
};

struct stw_location_bucket {
	/* Four tags a word; of the third two, then 16 bits: how many were pushed past. A tag of 0
	 * is a free entry. */
	_Atomic uint64_t tags[3];
	_Atomic uint32_t ref[STW_LOCATION_WAYS]; /* offset in units */
};

_Static_assert(sizeof(struct stw_location_bucket) == 64, "a cache line");

struct stw_location_header {
	uint64_t magic;
	uint32_t version;
	uint32_t reserved;
	uint64_t size_bytes; /* of the file; holes where nothing is yet */
	/* of the hash: strangers choose what is looked for */
	uint64_t key[STW_LOCATION_KEY_WORDS];
	/* Steady time less CLOCK_BOOTTIME; 0: bindings have no time that a reader could tell. */
	_Atomic uint64_t steady_less_boottime_ms;
	_Atomic uint64_t buckets;  /* offset in cache lines << 6 | log2 of how many */
	_Atomic uint32_t complete; /* 1: who is not in here does not exist */
	/* rows below this are never changed any more */
	_Atomic uint32_t n_domains;
	_Atomic uint32_t n_listeners;
	uint32_t reserved2;
	/* for people */
	_Atomic uint64_t generation; /* of the buckets */
	_Atomic uint64_t users;
	_Atomic uint64_t bindings; /* live ones */
	_Atomic uint64_t used_bytes;
	_Atomic uint64_t huge_bytes; /* of what the kernel gave, in huge pages */
	struct stw_endpoint listeners[STW_LOCATION_LISTENERS];
	struct stw_location_domain domains[STW_LOCATION_DOMAINS];
};
