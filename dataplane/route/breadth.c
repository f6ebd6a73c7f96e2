/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Max-Breadth (RFC 5393 s5.3.3), where the configuration asks for it: every request that leaves
 * has one value, no larger than ours. We never fork, so what comes in goes out.
 */

#include <strowger/sip_headers.h>

#include "dataplane/route/decide.h"

/* The only such line. @return false: there are several */
static bool find(const struct stw_decision *d, struct stw_span *value)
{
	struct stw_sip_line line;

	*value = (struct stw_span){0, 0};
	for (bool more = stw_sip_line_first(d->buf, d->m, &line); more;
	     more = stw_sip_line_next(d->buf, d->m, &line)) {
		if (line.header != STW_HDR_OTHER ||
		    !stw_sip_name_is(d->buf, line.name, "Max-Breadth"))
			continue;
		if (value->off != 0)
			return false;
		*value = line.value;
	}
	return true;
}

/* @return the number, as much as UINT16_MAX; -1: none */
static int32_t number(const char *p, size_t len)
{
	int32_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		n = n * 10 + (p[i] - '0');
		if (n > UINT16_MAX)
			n = UINT16_MAX;
	}
	return len > 0 ? n : -1;
}

bool stw_decide_breadth(struct stw_decision *d)
{
	uint16_t most = d->t->settings->max_breadth;
	struct stw_verdict *v = d->v;

	bool single = find(d, &v->breadth_at);
	int32_t n = v->breadth_at.off != 0 ? number(d->buf + v->breadth_at.off, v->breadth_at.len)
					   : INT32_MAX;
	if (!single || n < 0) {
		stw_decide_answer(d, 400, "Bad Request - Max-Breadth");
		return false;
	}
	if (n == 0) {
		stw_decide_answer(d, 440, "Max-Breadth Exceeded");
		return false;
	}
	v->breadth = n > most ? most : 0;
	return true;
}
