/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

#include <rte_prefetch.h>

#define LINE	       64u
#define PREFETCH_LINES 10u /* 640 bytes: most header blocks whole */
#define PREFETCH_AHEAD 3u

/* As many lines whatever the length: asking for too many costs less than a branch that nobody can
 * foresee. */
static inline void prefetch_text(const struct stw_burst *b, unsigned slot)
{
	const char *at = b->text[slot];

#pragma GCC unroll 10
	for (unsigned k = 0; k < PREFETCH_LINES; k++)
		rte_prefetch0(at + (size_t)k * LINE);
}

void stw_parse(struct stw_worker *w, struct stw_burst *b)
{
	(void)w;
	for (unsigned k = 0; k < b->n_live && k < PREFETCH_AHEAD; k++)
		prefetch_text(b, b->live[k]);
	for (unsigned k = 0; k < b->n_live; k++) {
		unsigned i = b->live[k];

		if (k + PREFETCH_AHEAD < b->n_live)
			prefetch_text(b, b->live[k + PREFETCH_AHEAD]);
		stw_sip_parse(b->text[i], b->text_len[i], &b->msg[i]);
	}
	STW_PROBE(parsed, w, b->n_live);
}
