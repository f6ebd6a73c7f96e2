/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/inside.h"

#include <stdio.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/tsc.h>

/*
 * Who is in the farm, and how they are: file, names and people say who the members are, the monitor
 * who of them serves.
 */

struct stw_found_list stw_control_found(const struct stw_control *c)
{
	return stw_farm_names_found(c->farm_names);
}

int stw_control_lay(struct stw_control *c)
{
	const struct stw_found_list found = stw_control_found(c);
	int err = stw_members_lay(c->file, c->overrides, &found, c->model);

	if (err)
		stw_error("members stay as they are: %s", stw_err_text(err));
	c->numbered_for = 0;
	return err;
}

int stw_control_dress(const struct stw_control *c, struct stw_model *m)
{
	const struct stw_found_list found = stw_control_found(c);

	return stw_members_dress(m, c->overrides, &found);
}

int stw_control_dress_names(const struct stw_control *c, struct stw_model *m)
{
	const struct stw_found_list found = stw_control_found(c);
	struct stw_overrides *none = stw_overrides_new();
	int err = none ? stw_members_dress(m, none, &found) : STW_ENOMEM;

	stw_overrides_free(none);
	return err;
}

void stw_control_watch_members(struct stw_control *c)
{
	if (stw_monitor_take(c->monitor, c->model))
		stw_error("health: members could not be taken over");
	else
		stw_monitor_apply(c->monitor, c->model);
}

/* Names of pools stand for others. */
static void found_changed(void *ctx)
{
	struct stw_control *c = ctx;
	char reason[256] = "";

	if (stw_control_lay(c))
		return;
	stw_control_watch_members(c);
	stw_publish_change(c->publish);
	if (stw_farm_names_save(c->farm_names, c->model->state_dir, reason, sizeof(reason)))
		stw_warn("what names stand for is not saved: %s", reason);
}

static bool found_is_empty(void *ctx, const char *pool, const struct stw_endpoint *member)
{
	struct stw_control *c = ctx;
	struct stw_monitor_view v;

	return stw_monitor_view(c->monitor, pool, member, &v) && v.empty;
}

int stw_control_dump(struct stw_control *c, FILE *out)
{
	const struct stw_found_list none = {NULL, 0};
	if (stw_control_found(c).n == 0)
		return stw_config_dump(c->model, out);
	int err = stw_members_lay(c->file, c->overrides, &none, c->model);

	if (!err)
		err = stw_config_dump(c->model, out);
	stw_control_lay(c);
	stw_control_watch_members(c);
	return err;
}

/* Who serves is another now. */
static void health_changed(void *ctx)
{
	struct stw_control *c = ctx;

	if (stw_monitor_apply(c->monitor, c->model) > 0)
		stw_publish_change(c->publish);
}

/* What is known is kept for the next control. */
static void keep_health(void *ctx)
{
	struct stw_control *c = ctx;
	char reason[256] = "";

	if (stw_monitor_save(c->monitor, c->model->state_dir, reason, sizeof(reason)))
		stw_warn("health: not saved: %s", reason);
}

static uint32_t rest_left_s(const struct stw_stats *st, const struct stw_stats_retry_after *r)
{
	uint64_t came = atomic_load_explicit(&r->tsc, memory_order_acquire);
	uint64_t seconds = atomic_load_explicit(&r->seconds, memory_order_relaxed);
	uint64_t now = stw_tsc_now();

	if (came == 0 || now <= came || st->tsc_hz == 0)
		return 0;
	uint64_t passed = (now - came) / st->tsc_hz;
	return passed < seconds && seconds - passed < UINT32_MAX ? (uint32_t)(seconds - passed) : 0;
}

static bool member_traffic(void *ctx, const struct stw_endpoint *member, struct stw_traffic *out,
			   uint32_t *rest_s)
{
	struct stw_control *control = ctx;
	struct stw_stats *st = stw_publish_stats(control->publish);
	int number = stw_numbers_find(control->numbers, member);
	uint64_t c[STW_N_MEMBER_COUNTERS];

	if (!st || number < 0)
		return false;
	stw_stats_sum_member(st, (uint16_t)number, c);
	*out = (struct stw_traffic){.calls = c[STW_M_INVITES],
				    .answered = c[STW_M_INVITES_ANSWERED],
				    .errors = c[STW_M_FAILED],
				    .unreachable = c[STW_M_UNREACHABLE],
				    .messages = c[STW_M_REQUESTS] + c[STW_M_FROM_MEMBER],
				    .open = stw_member_open(c)};
	*rest_s = 0;
	for (uint32_t w = 0; w < st->n_workers; w++) {
		uint32_t rest = rest_left_s(st, &stw_stats_members(st, w)->retry_after[number]);

		*rest_s = rest > *rest_s ? rest : *rest_s;
	}
	return true;
}

int stw_control_make_monitor(struct stw_control *c, struct ev_loop *loop)
{
	const struct stw_monitor_owner owner = {.ctx = c,
						.changed = health_changed,
						.keep = keep_health,
						.traffic = member_traffic};
	char reason[256] = "";

	c->monitor = stw_monitor_new(loop, c->slow, &owner);
	if (!c->monitor || stw_monitor_take(c->monitor, c->model))
		return STW_ENOMEM;
	if (stw_monitor_load(c->monitor, c->model->state_dir, reason, sizeof(reason)))
		stw_warn("health: starts afresh: %s", reason);
	stw_monitor_apply(c->monitor, c->model);
	return STW_OK;
}

int stw_control_make_farm_names(struct stw_control *c, struct ev_loop *loop,
				const struct stw_model *m)
{
	const struct stw_farm_names_owner owner = {.ctx = c,
						   .changed = found_changed,
						   .is_empty = found_is_empty};
	char reason[256] = "";

	c->farm_names = stw_farm_names_new(loop, &owner);
	if (!c->farm_names || stw_farm_names_take(c->farm_names, m))
		return STW_ENOMEM;
	if (stw_farm_names_load(c->farm_names, m->state_dir, reason, sizeof(reason)))
		stw_warn("names of pools start afresh: %s", reason);
	return STW_OK;
}
