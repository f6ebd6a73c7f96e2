/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Parsers that are timed: ours by kernel, and those of other projects, each behind one function
 * that parses a message and tells its Call-ID, so that the answer can be checked. Each has a file
 * of its own, as their headers do not go together; and int stands for bool, as one of them has its
 * own.
 */

#include <stddef.h>

struct stw_peer {
	const char *name;
	/* What it does for its time, for the report. */
	const char *work;
	/** Prepare. @return 0 when it cannot run here */
	int (*init)(void);
	/**
	 * Parse @len bytes at @msg.
	 *
	 * @param call_id  the Call-ID's value; valid until the next call
	 * @return 0 when it refused the message
	 */
	int (*parse)(const char *msg, size_t len, const char **call_id, size_t *call_id_len);
	/**
	 * Parse @n messages, at most STW_PEER_BURST; NULL for those who take one after the other.
	 * This is timed, then, as the data plane does it; parse() is asked for the answers.
	 */
	void (*burst)(const char *const msg[], const size_t len[], unsigned n);
};

#define STW_PEER_BURST 32u

/** Those compiled in; ends with a row without a name. */
extern const struct stw_peer stw_peers[];

int stw_init_osip(void);
int stw_parse_osip(const char *msg, size_t len, const char **call_id, size_t *call_id_len);
int stw_init_sofia(void);
int stw_parse_sofia(const char *msg, size_t len, const char **call_id, size_t *call_id_len);
int stw_init_re(void);
int stw_parse_re(const char *msg, size_t len, const char **call_id, size_t *call_id_len);
