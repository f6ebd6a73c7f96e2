/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Rules of the configuration: which one a request falls under (dataplane/table/rules.h), and the
 * answers that some give. Inside of the decision.
 */

#include "dataplane/route/decide.h"

/**
 * Fill what rules look at.
 *
 * @param fields  bits of enum stw_image_rule_field that are wanted
 * @param uri     the Request-URI, restored where a strict router moved it
 */
void stw_rule_request(const struct stw_decision *d, uint16_t listener, struct stw_span uri,
		      unsigned fields, struct stw_rule_request *out);

/**
 * The rule for a new request from outside: d->v->rule and @out are set.
 *
 * CANCEL and ACK are taken for the INVITE they belong to (RFC 3261 s9.1, s17.1.1.3: they have its
 * Request-URI). All else that has a To tag is in a dialog, and under no rule.
 *
 * @return false: none
 */
bool stw_decide_rule(struct stw_decision *d, uint16_t listener, struct stw_span uri,
		     struct stw_rule_hit *out);

/** Answer, as a rule says that redirects or rejects (s8.3, s21.3, s21.4). */
void stw_decide_rule_answer(struct stw_decision *d, const struct stw_rule_hit *hit,
			    struct stw_span uri);

#define STW_CONTACT_TEXT 512u

/**
 * The Contact line that goes with a redirection.
 *
 * @param out  [STW_CONTACT_TEXT]
 * @return bytes, with CRLF; 0: the verdict is no such answer, or the URI has no room there
 */
size_t stw_redirect_contact(const struct stw_tables *t, const char *buf,
			    const struct stw_sip_msg *m, const struct stw_verdict *v, char *out);
