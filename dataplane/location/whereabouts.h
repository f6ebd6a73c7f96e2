/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What the location service says of one user, as the decision takes it: found by a worker in the
 * location table, or by control in its store. Contacts are packed as in the table
 * (strowger/location_table.h) and unpacked one by one.
 *
 * Threads: any; no state. Fast path: yes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>
#include <strowger/location_table.h>
#include <strowger/span.h>

enum stw_whereabouts_found {
	STW_FOUND_ASK,	   /* not here: control can tell */
	STW_FOUND_UNKNOWN, /* no such user; a contact that is gone may still be in here */
	STW_FOUND_ABSENT,  /* not registered; likewise */
	STW_FOUND_BOUND,   /* the first contact is the best */
};

/* A piece of text that lies in several places. */
struct stw_piece {
	const char *p;
	uint16_t len;
};

struct stw_contact {
	uint32_t id; /* of this very way to it: any change makes another */
	uint16_t q;  /* thousandths */
	bool gone;   /* or its time is over */
	bool nat; /* its URI names another address than it registered from, or asks for its flow */
	uint32_t time_s;       /* when it ends, in steady seconds; of a gone one: when it went */
	uint16_t same;	       /* bytes its URI shares with the address-of-record */
	struct stw_piece rest; /* what follows */
	struct stw_piece path; /* Route values that lead to it, empty: none */
	struct stw_endpoint source;   /* of its REGISTER */
	struct stw_endpoint listener; /* and where that came to */
};

#define STW_WHERE_PIECES  5
#define STW_CONTACT_ALIGN 4u /* packed: its time is a word of its own */
#define STW_WHERE_TEXT	  1280u

struct stw_whereabouts {
	uint8_t found; /* enum stw_whereabouts_found */
	uint16_t aor_len;
	uint16_t packed_len;
	struct stw_span uri;		      /* of the message, that this was asked for */
	const char *aor;		      /* canonical */
	const char *packed;		      /* contacts */
	const struct stw_endpoint *listeners; /* [n_listeners], rows that contacts name */
	uint32_t n_listeners;
	uint32_t
		now_s; /* steady: bindings that end by then are gone; 0: whoever made this looked */

	/* What the decision made of it, for the rewrite. */
	bool nat; /* of the contact chosen */
	struct stw_piece new_uri[2];
	struct stw_piece route[STW_WHERE_PIECES]; /* values of a Route line to add; empty: none */
	char text[STW_WHERE_TEXT]; /* a contact's URI in one piece, if it was needed */
};

/**
 * The next contact.
 *
 * @param at  0 for the first; moves on
 * @return false: there is none, or what follows is damaged
 */
bool stw_contact_next(const struct stw_whereabouts *w, size_t *at, struct stw_contact *out);

/** The id of a contact, by what leads to it. */
uint32_t stw_contact_id(const char *uri, size_t uri_len, const char *path, size_t path_len,
			const struct stw_endpoint *source, const struct stw_endpoint *listener);

/** Where a packed contact has its time. */
#define STW_CONTACT_TIME_AT 0u

/**
 * Pack a contact behind others.
 *
 * @param c         @same 0 and the whole URI in @rest
 * @param listener  row of c->listener
 * @param out       [room] at a multiple of STW_CONTACT_ALIGN
 * @return bytes written, as many as that again; 0: no room
 */
size_t stw_contact_pack(const struct stw_contact *c, const char *aor, size_t aor_len,
			uint8_t listener, char *out, size_t room);
