/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/log_limit.h"

#include <stddef.h>

#define TRIES 8

static struct stw_log_message *slot_of(struct stw_log_limit *l, const char *fmt, int64_t now_s)
{
	size_t at = ((uintptr_t)fmt * 0x9e3779b97f4a7c15u) >> 56;
	struct stw_log_message *oldest = &l->slot[at % STW_LOG_MESSAGES];

	for (size_t i = 0; i < TRIES; i++) {
		struct stw_log_message *m = &l->slot[(at + i) % STW_LOG_MESSAGES];

		if (m->fmt == fmt)
			return m;
		if (m->fmt == NULL || m->since_s < oldest->since_s)
			oldest = m;
		if (oldest->fmt == NULL)
			break;
	}
	*oldest = (struct stw_log_message){.fmt = fmt, .since_s = now_s};
	return oldest;
}

bool stw_log_limit_admit(struct stw_log_limit *l, const char *fmt, int64_t now_s,
			 unsigned *suppressed)
{
	struct stw_log_message *m = slot_of(l, fmt, now_s);

	if (now_s - m->since_s >= STW_LOG_WINDOW_S) {
		m->since_s = now_s;
		m->n = 0;
	}
	if (m->n == STW_LOG_BURST) {
		m->suppressed++;
		return false;
	}
	m->n++;
	*suppressed = m->suppressed;
	m->suppressed = 0;
	return true;
}
