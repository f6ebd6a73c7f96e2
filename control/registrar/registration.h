/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What one REGISTER asks for, read from the message, and what it does to the record of its
 * address-of-record. Pure: no store, no clock, no socket.
 *
 * Threads: any. Ownership: texts point into the message, which must stay while they are used.
 */

#include <strowger/sip.h>

#include "control/registrar/lines.h"
#include "control/registrar/record.h"

#define STW_AOR_BYTES	      400u  /* an address-of-record, canonical */
#define STW_REGISTRATION_ROOM 8192u /* Path, and parameters without expires and q */

/* One Contact. */
struct stw_wish {
	struct stw_str uri, params, instance;
	uint32_t reg_id;
	uint32_t expires_s; /* 0: remove */
	uint16_t q;
};

struct stw_registration {
	char aor[STW_AOR_BYTES]; /* canonical (s10.3 step 5), not NUL-terminated */
	size_t aor_len;
	struct stw_str call_id;
	uint32_t cseq;
	struct stw_str path;	/* values joined by ", " */
	bool star;		/* "Contact: *": remove all */
	bool has_path_option;	/* Supported: path */
	bool has_outbound;	/* Supported: outbound */
	bool has_gruu;		/* Supported: gruu */
	bool ends_outbound;	/* some Contact has instance and reg-id, and outbound applies */
	bool first_hop_is_ours; /* one Via only: the phone itself sent it to us */
	bool first_path_has_ob; /* the last Path value, the edge proxy's, has ;ob */
	size_t n;		/* Contacts; 0 without @star: only a question */
	struct stw_wish wish[STW_RECORD_BINDINGS];
	size_t used;
	char room[STW_REGISTRATION_ROOM]; /* texts put together anew */
};

struct stw_registration_limits {
	uint32_t min_expires_s, default_expires_s, max_expires_s;
	uint32_t max_contacts; /* of one user, 1..STW_RECORD_BINDINGS / 2 */
};

/* A status, and what goes with it. 0: go on. */
struct stw_refusal {
	uint16_t status;
	const char *phrase; /* static */
};

/** Read whose REGISTER it is: @out->aor. @return false: refused with 400 */
bool stw_registration_read_aor(const char *buf, const struct stw_sip_msg *m,
			       struct stw_registration *out, struct stw_refusal *refusal);

/**
 * Read what it asks for: all of @out but the address-of-record.
 *
 * @param lines    of a message accepted by stw_sip_parse()
 * @param refusal  when not: 400 (Contact, Expires, To), 403 (too many Contacts), 423 (too short),
 * 439
 * @return true when @out is whole
 *
 * RFC: 3261 s10.3 steps 5, 6; s10.2.1.1 (expires); 3327; 5626 s6
 */
bool stw_registration_read(const struct stw_register_lines *lines,
			   const struct stw_registration_limits *limits,
			   struct stw_registration *out, struct stw_refusal *refusal);

/** The binding that @w is about, gone or not: by instance and reg-id where both are there, else by
 * URI. NULL: none */
struct stw_binding *stw_registration_find(struct stw_record *r, const struct stw_wish *w);

/** What a change needs besides the wish. */
struct stw_registration_at {
	uint64_t now_s; /* steady seconds */
	struct stw_endpoint source, listener;
};

enum stw_applied {
	STW_APPLIED_NOTHING, /* a question, or a retransmission: the record is as it was */
	STW_APPLIED_CHANGE,  /* to be stored */
	STW_APPLIED_REFUSED, /* see refusal; the record is as it was */
};

/**
 * Apply a REGISTER to the record of its address-of-record: all of it or nothing (s10.3 step 7).
 *
 * @param record  expired bindings already forgotten; changed on STW_APPLIED_CHANGE only; new texts
 *                point into @reg
 *
 * RFC: 3261 s10.3 steps 6, 7; 5626 s6 (instance and reg-id are the key)
 */
enum stw_applied stw_registration_apply(const struct stw_registration *reg,
					const struct stw_registration_at *at,
					const struct stw_registration_limits *limits,
					struct stw_record *record, struct stw_refusal *refusal);
