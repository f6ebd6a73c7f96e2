/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/check.h"
#include "dataplane/sip/lex.h"

enum stw_sip_reject stw_cseq_parse(const char *buf, struct stw_span value, uint32_t *number,
				   struct stw_span *method)
{
	struct stw_lex l = stw_lex_on(buf, value);
	struct stw_span digits;

	if (!stw_lex_run(&l, STW_C_DIGIT, &digits) ||
	    stw_lex_number(buf, digits, INT32_MAX, number) != STW_OK)
		return STW_REJECT_CSEQ;
	const char *after = l.p;
	stw_lex_lws(&l);
	if (l.p == after || !stw_lex_run(&l, STW_C_TOKEN, method) || l.p != l.end)
		return STW_REJECT_CSEQ;
	return STW_SIP_ACCEPTED;
}
