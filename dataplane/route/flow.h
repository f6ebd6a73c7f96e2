/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Flow tokens (RFC 5626 s5.2, s5.3): where a request really came from, as the user part of our URI
 * in Record-Route and Path. A later request of the farm carries it back in Route and goes there,
 * through whatever NAT is in between, and nothing was remembered.
 *
 *     stw KTMMPPPPAAAAAAAA [B x 24] S x 16      hex digits
 *
 * K: id of the secret; T: transport, 8 more for IPv6; M: mark of the listener; P: port; A: the
 * address's last four bytes; B: of IPv6 its first twelve; S: SipHash of all that and of the
 * listener's whole address, which the URI's host and port give. A token holds until its secret is
 * gone: bindings outlive dialogs.
 */

#include "dataplane/route/decide.h"

#define STW_FLOW_PREFIX	    "stw"
#define STW_FLOW_PREFIX_LEN 3u
#define STW_FLOW_V4_DIGITS  32u				/* behind it, of an IPv4 peer */
#define STW_FLOW_TEXT	    (STW_FLOW_PREFIX_LEN + 56u) /* longest */

/**
 * Write the token of what @peer sends to @listener.
 *
 * @param out  [STW_FLOW_TEXT], not NUL-terminated
 * @return bytes written
 */
size_t stw_flow_put(const struct stw_tables *t, uint16_t listener, const struct stw_endpoint *peer,
		    char *out);

/** Does this user part claim to be a token? */
bool stw_flow_claimed(const char *user, size_t len);

/**
 * Read a token of a URI that names @listener.
 *
 * @param out  on true: whose flow it is
 * @return false: not as we wrote it
 */
bool stw_flow_get(const struct stw_tables *t, uint16_t listener, const char *user, size_t len,
		  struct stw_endpoint *out);

/**
 * Does a request from outside ask for a token in our Record-Route (listeners[].nat)? In auto mode
 * when its topmost Via names another address than it came from; or, if no proxy is before us, when
 * its Contact does, or has ;ob (RFC 5626 s5.1).
 */
bool stw_flow_wanted(const struct stw_decision *d);

/** Does a REGISTER from outside get our Path? In auto mode when its phone supports path (RFC 3327
 * s5.2). */
bool stw_path_wanted(const struct stw_decision *d);
