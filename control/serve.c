/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/inside.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/model/rule_rows.h"
#include "control/now.h"
#include "control/publish/pace.h"
#include "control/tables/build.h"
#include "control/tables/past.h"
#include "dataplane/route/decide.h"
#include "dataplane/table/lookup.h"

/*
 * From the running model to tables that are served: members get their numbers, names their
 * addresses, the past its slots, and the publisher has the image.
 */

/* The data plane outlived a control: its members keep their numbers. */
static void adopt(void *ctx, const struct stw_tables *served)
{
	struct stw_control *c = ctx;
	size_t n = stw_tables_n_members(served);
	size_t adopted = 0;
	for (size_t i = 0; i < n; i++) {
		const struct stw_member_view *v = stw_tables_member(served, (uint16_t)i);
		adopted += stw_numbers_adopt(c->numbers, &v->address, v->number) == STW_OK;
	}
	for (uint32_t i = 0; i < stw_tables_n_rules(served); i++) {
		const struct stw_rule_view v = stw_tables_rule(served, i);
		stw_rule_rows_adopt(c->rule_rows, v.name, v.row);
	}
	c->numbered_for = 0;
	stw_info("took over %zu of %zu member numbers from the data plane", adopted, n);
	for (size_t i = 0; i < stw_tables_n_names(served); i++) {
		const struct stw_image_resolved name = stw_tables_name(served, i);
		stw_names_adopt(c->names, &name);
	}
}

static void past_is_due(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_control *c = timer->data;

	(void)loop;
	(void)revents;
	stw_publish_change(c->publish);
}

static void watch_past(struct stw_control *c)
{
	double due = stw_past_due_s(c->past);

	ev_timer_stop(c->loop, c->past_timer);
	if (due == 0)
		return;
	double wait = due - stw_now_s();
	ev_timer_set(c->past_timer, wait > 0.1 ? wait : 0.1, 0.);
	ev_timer_start(c->loop, c->past_timer);
}

static int make_past(struct stw_control *c, struct ev_loop *loop)
{
	c->loop = loop;
	c->past = stw_past_new(c->numbers);
	c->past_timer = calloc(1, sizeof(*c->past_timer));
	if (!c->past || !c->past_timer)
		return STW_ENOMEM;
	ev_timer_init(c->past_timer, past_is_due, 0., 0.);
	c->past_timer->data = c;
	return STW_OK;
}

static int assign_numbers(struct stw_control *c, uint64_t generation)
{
	int err = stw_numbers_assign(c->numbers, c->model, generation);

	/* better a number than the memory of a member gone */
	if (err && stw_past_forget(c->past))
		err = stw_numbers_assign(c->numbers, c->model, generation);
	return err;
}

static int build(void *ctx, uint64_t generation, struct stw_image *out, char *reason,
		 size_t reason_len)
{
	struct stw_control *c = ctx;
	if (c->numbered_for == 0) {
		if (assign_numbers(c, generation)) {
			snprintf(reason, reason_len,
				 "no member numbers left for %zu members: remove members, or wait "
				 "until those that left are let go",
				 c->model->n_members);
			return STW_ENOSPACE;
		}
		if (stw_rule_rows_assign(c->rule_rows, c->model)) {
			snprintf(reason, reason_len, "rules: %s", stw_err_text(STW_ENOMEM));
			return STW_ENOMEM;
		}
		c->numbered_for = generation;
	}
	struct stw_image_resolved *names = NULL;
	size_t n_names = 0;
	double start = stw_now_s();
	uint8_t *failed = calloc(c->model->n_members + 1, sizeof(*failed));
	int err = failed ? stw_names_collect(c->names, &names, &n_names) : STW_ENOMEM;
	if (!err) {
		stw_monitor_failed(c->monitor, c->model, failed);
		struct stw_image_past past;
		err = stw_past_turn(c->past, c->model, stw_now_s(), &past);
		if (!err)
			err = stw_image_build_after(c->model, failed, names, n_names, &past,
						    generation, out);
	}
	if (!err) { /* without memory the next image knows less of this one, that is all */
		stw_past_keep(c->past, c->model, out, stw_now_s());
		watch_past(c);
	}
	free(failed);
	free(names);
	if (err)
		snprintf(reason, reason_len, "tables: %s", stw_err_text(err));
	else
		stw_slow_serve(c->slow, out);
	stw_pace_took(c->pace, stw_now_s() - start);
	return err;
}

static void acknowledged(void *ctx, uint64_t generation)
{
	struct stw_control *c = ctx;
	stw_numbers_acknowledged(c->numbers, generation);
	if (c->numbered_for != 0 && generation >= c->numbered_for)
		stw_monitor_link(c->monitor, true); /* all members are known there */
}

static void settled(void *ctx, const struct stw_publish_result *result)
{
	struct stw_control *c = ctx;
	if (c->watch.settled)
		c->watch.settled(c->watch.ctx, result);
}

/* Without them the slow path goes by the kernel. */
static void offer_lanes(struct stw_control *c)
{
	struct stw_publish_status status;
	int memory, doorbell;

	stw_publish_get_status(c->publish, &status);
	if (status.n_lanes == 0)
		return;
	int err = stw_slow_lanes(c->slow, status.n_lanes, &memory, &doorbell);
	if (!err)
		err = stw_publish_lanes(c->publish, status.n_lanes, memory, doorbell);
	if (err) {
		stw_slow_no_lanes(c->slow);
		stw_warn("no lanes to the workers: %s; messages for control go by the kernel sides",
			 stw_err_text(err));
	}
}

static void link_changed(void *ctx, bool up)
{
	struct stw_control *c = ctx;
	stw_slow_link(c->slow, c->model, up);
	if (up)
		offer_lanes(c);
	else
		stw_monitor_link(c->monitor, false);
	if (c->watch.link)
		c->watch.link(c->watch.ctx, up);
}

static void names_changed(void *ctx)
{
	struct stw_control *c = ctx;
	stw_pace_want(c->pace);
}

static void publish_names(void *ctx)
{
	struct stw_control *c = ctx;
	stw_publish_change(c->publish);
}

static void location_ready(void *ctx, int table_fd)
{
	struct stw_control *c = ctx;
	stw_publish_location(c->publish, table_fd);
}

static int make_names(struct stw_control *c, struct ev_loop *loop)
{
	c->pace = stw_pace_new(loop, publish_names, c);
	c->names = c->pace ? stw_names_new(loop, names_changed, c) : NULL;
	c->slow = c->names ? stw_slow_new(loop, c->names) : NULL;
	c->feed = c->slow ? stw_feed_new(loop, stw_slow_registering(c->slow), STW_FEED_MAX_BYTES,
					 location_ready, c)
			  : NULL;
	c->export = c->feed ? stw_export_new(loop, c->publish) : NULL;
	return c->export ? STW_OK : STW_ENOMEM;
}

int stw_control_make_serving(struct stw_control *c, struct ev_loop *loop)
{
	const struct stw_publish_owner owner = {.ctx = c,
						.adopt = adopt,
						.build = build,
						.acknowledged = acknowledged,
						.settled = settled,
						.link = link_changed};

	c->publish = stw_publish_new(loop, c->model->dataplane.socket, &owner);
	int err = c->publish ? make_past(c, loop) : STW_ENOMEM;
	return err ? err : make_names(c, loop);
}

void stw_control_free_serving(struct stw_control *c)
{
	stw_feed_free(c->feed);
	stw_slow_free(c->slow);
	stw_names_free(c->names);
	stw_pace_free(c->pace);
	if (c->past_timer)
		ev_timer_stop(c->loop, c->past_timer);
	free(c->past_timer);
	stw_past_free(c->past);
}
