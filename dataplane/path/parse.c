/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

#include <rte_prefetch.h>

#define LINE	       64u
#define PREFETCH_LINES 10u /* 640 bytes: most header blocks whole */

/* As many lines whatever the length: asking for too many costs less than a branch that nobody can
 * foresee. */
static inline void prefetch_text(const struct stw_burst *b, unsigned slot)
{
	const char *at = b->text[slot];

#pragma GCC unroll 10
	for (unsigned k = 0; k < PREFETCH_LINES; k++)
		stw_prefetch_write(at + (size_t)k * LINE);
}

/* So many messages at once: the next are fetched while these are parsed. */
static unsigned take_jobs(struct stw_burst *b, unsigned from, struct stw_sip_job *jobs)
{
	unsigned n = 0;

	for (unsigned k = from; k < b->n_live && n < STW_SIP_BURST; k++, n++) {
		unsigned i = b->live[k];
		jobs[n] = (struct stw_sip_job){b->text[i], b->text_len[i], &b->msg[i]};
	}
	return n;
}

static void prefetch_jobs(const struct stw_burst *b, unsigned from)
{
	for (unsigned k = from; k < b->n_live && k < from + STW_SIP_BURST; k++)
		prefetch_text(b, b->live[k]);
}

/* What is behind messages in their buffers may be read: so few are too near the end of theirs for
 * readers of fixed windows. */
static void note_room(struct stw_burst *b)
{
	for (unsigned k = 0; k < b->n_live; k++) {
		unsigned i = b->live[k];
		const struct rte_mbuf *m = b->frame[i];
		const char *end = (const char *)m->buf_addr + m->buf_len;
		size_t room = (size_t)(end - b->text[i]) - b->msg[i].len;

		b->msg[i].behind = room < UINT8_MAX ? (uint8_t)room : UINT8_MAX;
	}
}

void stw_parse(struct stw_worker *w, struct stw_burst *b)
{
	struct stw_sip_job jobs[STW_SIP_BURST];

	(void)w;
	prefetch_jobs(b, 0);
	for (unsigned k = 0, n; (n = take_jobs(b, k, jobs)) > 0; k += n) {
		prefetch_jobs(b, k + n);
		stw_sip_parse_burst(jobs, n);
	}
	note_room(b);
	STW_PROBE(parsed, w, b->n_live);
}
