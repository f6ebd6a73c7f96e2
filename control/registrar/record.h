/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What the location service keeps of one address-of-record: its bindings (RFC 3261 s10.3), as
 * values and as the bytes of one store row.
 *
 * A removed binding stays for a while as a *gone* one, with its Call-ID and CSeq: an older REGISTER
 * that comes late must not bring it back (s10.3 step 7).
 *
 * Ownership: texts are borrowed, from the row a record was read from or from the request that
 * changed it. Threads: any; no state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#define STW_RECORD_BINDINGS 64u	    /* live and gone ones together */
#define STW_RECORD_BYTES    262144u /* of one row, at most */
#define STW_GONE_S	    64u	    /* a REGISTER is not retransmitted longer (s17.1.2.2) */
#define STW_Q_ONE	    1000u   /* q=1 */

struct stw_str {
	const char *p;
	uint16_t len;
};

struct stw_binding {
	struct stw_str uri;	 /* the Contact's URI as given, without <> */
	struct stw_str params;	 /* its other parameters, ";a=b", but for expires and q */
	struct stw_str instance; /* +sip.instance without quotes; empty: none (RFC 5626) */
	struct stw_str path;	 /* Path values, joined by ", "; empty: none (RFC 3327) */
	struct stw_str call_id;
	struct stw_endpoint source;   /* where the REGISTER came from */
	struct stw_endpoint listener; /* and where to: requests for it leave from there */
	uint64_t created_s; /* steady seconds (clock.h): when it was bound, not refreshed */
	uint64_t expires_s; /* likewise; of a gone one: when it is forgotten */
	uint32_t cseq;
	uint32_t reg_id; /* 0: none */
	uint16_t q;	 /* 0..STW_Q_ONE */
	bool gone;
};

struct stw_record {
	size_t n;
	uint32_t early_s; /* how long before its next expiry it is looked at (location.h) */
	struct stw_binding b[STW_RECORD_BINDINGS];
};

static inline struct stw_str stw_str(const char *p, size_t len)
{
	return (struct stw_str){p, (uint16_t)len};
}

/** True when both hold the same bytes. */
bool stw_str_equal(struct stw_str a, struct stw_str b);

/**
 * Write @r as one row.
 *
 * @param out  [room]
 * @return STW_OK, STW_ENOSPACE
 */
int stw_record_encode(const struct stw_record *r, uint8_t *out, size_t room, size_t *len);

/**
 * Read a row.
 *
 * @param row  may hold anything at all; texts of @out point into it
 * @return STW_OK, STW_EVERSION, STW_EDIGEST (damaged), STW_EMALFORMED
 */
int stw_record_decode(const void *row, size_t len, struct stw_record *out);

/** Likewise of a row that was written just now: its sum is not looked at. */
int stw_record_read(const void *row, size_t len, struct stw_record *out);

/**
 * Forget what expired: live bindings whose time has come, and gone ones.
 *
 * @return bindings that were live and are not any more
 */
size_t stw_record_expire(struct stw_record *r, uint64_t now_s);

/** The earliest moment at which stw_record_expire() has work; UINT64_MAX: never. */
uint64_t stw_record_next_expiry(const struct stw_record *r);

/** Copy the bindings that @from has, and nothing else. */
static inline void stw_record_copy(struct stw_record *to, const struct stw_record *from)
{
	to->n = from->n;
	for (size_t i = 0; i < from->n; i++)
		to->b[i] = from->b[i];
}

/** Bindings that are not gone. */
size_t stw_record_n_live(const struct stw_record *r);
