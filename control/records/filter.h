/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Which recorded messages somebody wants to see. All that is given must match; texts of headers are
 * compared as they stand, of a message that may be cut.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/flight.h>

struct stw_flight_filter {
	const char *call_id; /* whole value */
	const char *user;    /* user part of From, To or Request-URI */
	const char *method;  /* of a request; of a response: of its CSeq */
	bool has_address;
	struct stw_ip address; /* it came from there, or goes there */
	uint16_t code;	       /* status of a response, or of our answer; 1..6: of that class */
};

/** A header's value in a message that may be cut, without white space around it; len 0: not there.
 *
 * @param compact  its one-letter name, or 0
 */
struct stw_text {
	const char *p;
	size_t len;
};
struct stw_text stw_flight_header(const struct stw_flight *r, const char *name, char compact);

/** The first line, without its end. */
struct stw_text stw_flight_first_line(const struct stw_flight *r);

/** Method of a request or, by CSeq, of a response; len 0: neither. */
struct stw_text stw_flight_method(const struct stw_flight *r);

/** Status of a response, 0: it is none. */
uint16_t stw_flight_status(const struct stw_flight *r);

bool stw_flight_matches(const struct stw_flight_filter *f, const struct stw_flight *r);
