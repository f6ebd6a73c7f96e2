/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/health/window.h"

#include <string.h>

#define ROWS (STW_WINDOW_MAX_S + STW_WINDOW_LATE_S)

void stw_window_reset(struct stw_window *w)
{
	memset(w, 0, sizeof(*w));
}

/* A counter that fell is another's, or of another process: nothing grew. */
static uint32_t growth(uint64_t from, uint64_t to)
{
	uint64_t d = to > from ? to - from : 0;

	return d < UINT32_MAX ? (uint32_t)d : UINT32_MAX;
}

void stw_window_take(struct stw_window *w, const struct stw_traffic *now)
{
	const struct stw_traffic was = w->known ? w->last : *now;

	w->last = *now;
	w->known = true;
	w->at = (w->at + 1) % ROWS;
	w->rows[w->at] = (struct stw_window_row){.calls = growth(was.calls, now->calls),
						 .answered = growth(was.answered, now->answered),
						 .errors = growth(was.errors, now->errors)};
}

static bool is_above(uint64_t part, uint64_t whole, uint32_t percent)
{
	return percent > 0 && part * 100 >= whole * percent;
}

enum stw_health_cause stw_window_judge(const struct stw_window *w, const struct stw_model_health *c)
{
	uint64_t fresh = 0, calls = 0, answered = 0, errors = 0;

	for (uint32_t i = 0; i < c->window_s + STW_WINDOW_LATE_S && i < ROWS; i++) {
		const struct stw_window_row *r = &w->rows[(w->at + ROWS - i) % ROWS];

		*(i < STW_WINDOW_LATE_S ? &fresh : &calls) += r->calls;
		answered += r->answered;
		errors += r->errors;
	}
	uint64_t most = answered + fresh; /* answered, or with time left to be */
	if (calls >= c->min_calls && most < calls + fresh &&
	    is_above(calls + fresh - most, calls, c->unanswered_percent))
		return STW_CAUSE_UNANSWERED;
	if (calls + fresh >= c->min_calls && is_above(errors, calls + fresh, c->errors_percent))
		return STW_CAUSE_ERRORS;
	return STW_CAUSE_ANSWERED;
}
