/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Details of headers beyond those that route a message, and what URIs mean: asked for when needed,
 * one value at a time. Part of libstrowger-sip. Threads: any. No allocation, no state.
 *
 * Refer-To, P-Asserted-Identity, Path, Service-Route and Contact are name-addrs: see
 * stw_sip_name_addr_parse(). Functions return STW_OK or STW_EMALFORMED and change their results
 * on STW_OK only, unless they say more.
 */

#include <strowger/sip.h>

/** True when @name (stw_sip_line.name) is @long_name in any case, or its registered compact form.
 */
bool stw_sip_name_is(const char *buf, struct stw_span name, const char *long_name);

/** Long name of a registered compact name, in any case; NULL when there is none. */
const char *stw_sip_long_name(char compact);

/** A header parameter. */
struct stw_sip_param {
	struct stw_span name;
	struct stw_span value; /* quotes included when quoted; empty without "=" */
	bool has_value;
};

/**
 * The next ";name=value" of @rest, which is moved behind it.
 *
 * @return STW_OK, STW_ENOENT (no more), STW_EMALFORMED. RFC: 3261 s25.1 generic-param
 */
int stw_sip_param_next(const char *buf, struct stw_span *rest, struct stw_sip_param *out);

/**
 * The next token of a comma list: Require, Proxy-Require, Supported, Unsupported, Allow, Priority.
 *
 * @return STW_OK, STW_ENOENT (no more), STW_EMALFORMED (also: an empty element)
 */
int stw_sip_token_next(const char *buf, struct stw_span *rest, struct stw_span *out);

/** Expires, Min-Expires: delta-seconds; STW_ERANGE over 2^32 - 1. RFC: 3261 s20.19, s20.23 */
int stw_sip_seconds_parse(const char *buf, struct stw_span value, uint32_t *out);

struct stw_sip_retry_after {
	uint32_t seconds;
	struct stw_span comment; /* with its parentheses; empty when absent */
	struct stw_span params;	 /* from the first ";" */
};

/** RFC: 3261 s20.33. STW_ERANGE when the seconds do not fit. */
int stw_sip_retry_after_parse(const char *buf, struct stw_span value,
			      struct stw_sip_retry_after *out);

struct stw_sip_event {
	struct stw_span type; /* package and templates, "presence.winfo" */
	struct stw_span id;   /* empty when absent */
	struct stw_span params;
};

/** Event. RFC: 6665 s8.2.1 */
int stw_sip_event_parse(const char *buf, struct stw_span value, struct stw_sip_event *out);

struct stw_sip_subscription_state {
	struct stw_span state;
	struct stw_span reason; /* empty when absent */
	int64_t expires;	/* seconds; -1 when absent */
	int64_t retry_after;	/* seconds; -1 when absent */
};

/** RFC: 6665 s8.2.3 */
int stw_sip_subscription_state_parse(const char *buf, struct stw_span value,
				     struct stw_sip_subscription_state *out);

struct stw_sip_replaces {
	struct stw_span call_id;
	struct stw_span to_tag, from_tag; /* both are mandatory */
	bool early_only;
};

/** RFC: 3891 s6.1 */
int stw_sip_replaces_parse(const char *buf, struct stw_span value, struct stw_sip_replaces *out);

/**
 * Authorization, Proxy-Authorization, WWW-Authenticate, Proxy-Authenticate: the scheme; @rest then
 * holds the parameters for stw_sip_auth_param_next(). An unknown scheme is no error.
 *
 * RFC: 3261 s20.7, s25.1
 */
int stw_sip_auth_scheme(const char *buf, struct stw_span value, struct stw_span *scheme,
			struct stw_span *rest);

/** The next name=value of a comma list. @return STW_OK, STW_ENOENT, STW_EMALFORMED */
int stw_sip_auth_param_next(const char *buf, struct stw_span *rest, struct stw_sip_param *out);

struct stw_sip_resource_priority {
	struct stw_span space; /* "ets" of "ets.0" */
	struct stw_span priority;
};

/** The next value of Resource-Priority. @return STW_OK, STW_ENOENT, STW_EMALFORMED. RFC: 4412 */
int stw_sip_resource_priority_next(const char *buf, struct stw_span *rest,
				   struct stw_sip_resource_priority *out);

/**
 * Whether two URIs are equal: RFC 3261 s19.1.4 for sip and sips, RFC 3966 s4 for tel; others byte
 * by byte, the scheme in any case.
 *
 * @param a  as stw_sip_uri_parse() left it, over @buf_a
 */
bool stw_sip_uri_equal(const char *buf_a, const struct stw_sip_uri *a, const char *buf_b,
		       const struct stw_sip_uri *b);

/**
 * The canonical address-of-record (RFC 3261 s10.3 step 5): scheme and host in lower case, user with
 * escapes undone where they need not be, no password, port, parameters or headers. tel: the digits
 * without visual separators, with the phone-context of a local number.
 *
 * @param room  bytes at @out; not NUL-terminated
 * @return STW_OK, STW_ENOSPACE, STW_EMALFORMED (another scheme, or a tel without context)
 */
int stw_sip_uri_aor(const char *buf, const struct stw_sip_uri *uri, char *out, size_t room,
		    size_t *len);
