/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/control.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/tsc.h>

#include "control/history/history.h"
#include "control/model/secret.h"
#include "control/publish/pace.h"
#include "control/tables/build.h"
#include "control/tables/past.h"
#include "dataplane/route/decide.h"
#include "dataplane/table/lookup.h"

/* What names of pools stand for today. */
static struct stw_found_list found_members(const struct stw_control *c)
{
	return stw_farm_names_found(c->farm_names);
}

/* The running model's members again, as file, names and people say together. */
static int lay_members(struct stw_control *c)
{
	const struct stw_found_list found = found_members(c);
	int err = stw_members_lay(c->file, c->overrides, &found, c->model);

	if (err)
		stw_error("members stay as they are: %s", stw_err_text(err));
	c->numbered_for = 0;
	return err;
}

int stw_control_dress(const struct stw_control *c, struct stw_model *m)
{
	const struct stw_found_list found = found_members(c);

	return stw_members_dress(m, c->overrides, &found);
}

int stw_control_dress_names(const struct stw_control *c, struct stw_model *m)
{
	const struct stw_found_list found = found_members(c);
	struct stw_overrides *none = stw_overrides_new();
	int err = none ? stw_members_dress(m, none, &found) : STW_ENOMEM;

	stw_overrides_free(none);
	return err;
}

/* Keys that others may read sign nothing. It serves all the same: calls matter more. */
static void warn_of_readers(const char *path, const struct stw_model *m)
{
	struct stat st;

	if (m->n_secrets > 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IROTH))
		stw_warn("%s holds keys and everybody may read it: chmod o-r, and change the keys",
			 path);
}

/* Makes a model of @text and gives it its secret: ready to be served. */
static int read_model(const char *name, const char *text, size_t len, stw_config_message_fn message,
		      void *ctx, struct stw_model **out)
{
	struct stw_model *m;
	int err = stw_config_read_text(name, text, len, message, ctx, &m);
	if (err)
		return err;
	warn_of_readers(name, m);
	char reason[256] = "";
	/* Only its last part; when that fails, whoever writes there says why. */
	mkdir(m->state_dir, 0700);
	err = stw_secret_fill(m, reason, sizeof(reason));
	if (err) {
		if (message)
			message(ctx, reason);
		stw_model_free(m);
		return err;
	}
	*out = m;
	return STW_OK;
}

/* Families of the listeners: addresses of the other are of no use. */
static bool has_family(const struct stw_model *m, bool v4)
{
	for (size_t i = 0; i < m->n_listeners; i++)
		if (stw_ip_is_v4(&m->listeners[i].address.ip) == v4)
			return true;
	return false;
}

/* Resolver, slow path and export by the running model. Without memory they go on as before. */
static void use_names(struct stw_control *c)
{
	const struct stw_model *m = c->model;
	if (stw_names_configure(c->names, &m->resolver, has_family(m, true), has_family(m, false)))
		stw_error("resolver: its configuration could not be taken over");
	if (stw_farm_names_ask(c->farm_names, &m->resolver, has_family(m, true),
			       has_family(m, false)))
		stw_error("resolver: it could not be taken over for names of pools");
	if (stw_slow_listen(c->slow, m))
		stw_error("slow path: listeners could not be taken over");
	struct stw_endpoint hep;
	bool exports =
		strcmp(m->hep.server, "off") != 0 &&
		stw_endpoint_parse(m->hep.server, strlen(m->hep.server), 9060, &hep) == STW_OK;
	stw_export_to(c->export, exports ? &hep : NULL, m->hep.node);
}

void stw_control_log(struct stw_control *c, enum stw_log_level level)
{
	enum stw_log_format format = (enum stw_log_format)c->model->log_format;

	if (level == stw_log_level() && format == stw_log_format())
		return;
	stw_log_set_level(level);
	stw_log_set_format(format);
	/* At our start the data plane has read the same file. */
	if (c->publish)
		stw_publish_log(c->publish, level, format);
}

/* Makes @m the running model; it belongs to @c on STW_OK only. The one before is the caller's. */
static int take_model(struct stw_control *c, struct stw_model *m)
{
	const struct stw_found_list found = found_members(c);
	struct stw_file_members *file = stw_file_members_of(m);
	int err = file ? stw_members_lay(file, c->overrides, &found, m) : STW_ENOMEM;
	if (err) {
		stw_file_members_free(file);
		return err;
	}
	stw_file_members_free(c->file);
	c->model = m;
	c->file = file;
	c->numbered_for = 0;
	stw_control_log(c, (enum stw_log_level)m->log_level);
	return STW_OK;
}

/* The monitor watches whom the model has, and the model serves whom the monitor lets. */
static void watch_members(struct stw_control *c)
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

	if (lay_members(c))
		return;
	watch_members(c);
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
	if (found_members(c).n == 0)
		return stw_config_dump(c->model, out);
	int err = stw_members_lay(c->file, c->overrides, &none, c->model);

	if (!err)
		err = stw_config_dump(c->model, out);
	lay_members(c);
	watch_members(c);
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
	c->numbered_for = 0;
	stw_info("took over %zu of %zu member numbers from the data plane", adopted, n);
	for (size_t i = 0; i < stw_tables_n_names(served); i++) {
		const struct stw_image_resolved name = stw_tables_name(served, i);
		stw_names_adopt(c->names, &name);
	}
}

static double monotonic_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
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
	double wait = due - monotonic_s();
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

static void free_past(struct stw_control *c)
{
	if (c->past_timer)
		ev_timer_stop(c->loop, c->past_timer);
	free(c->past_timer);
	stw_past_free(c->past);
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
		c->numbered_for = generation;
	}
	struct stw_image_resolved *names = NULL;
	size_t n_names = 0;
	double start = ev_time();
	uint8_t *failed = calloc(c->model->n_members + 1, sizeof(*failed));
	int err = failed ? stw_names_collect(c->names, &names, &n_names) : STW_ENOMEM;
	if (!err) {
		stw_monitor_failed(c->monitor, c->model, failed);
		struct stw_image_past past;
		err = stw_past_turn(c->past, c->model, monotonic_s(), &past);
		if (!err)
			err = stw_image_build_after(c->model, failed, names, n_names, &past,
						    generation, out);
	}
	if (!err) { /* without memory the next image knows less of this one, that is all */
		stw_past_keep(c->past, c->model, out, monotonic_s());
		watch_past(c);
	}
	free(failed);
	free(names);
	if (err)
		snprintf(reason, reason_len, "tables: %s", stw_err_text(err));
	else
		stw_slow_serve(c->slow, out);
	stw_pace_took(c->pace, ev_time() - start);
	return err;
}

static void acknowledged(void *ctx, uint64_t generation)
{
	struct stw_control *c = ctx;
	stw_numbers_acknowledged(c->numbers, generation);
	stw_monitor_link(c->monitor, true); /* its members and listeners are known there */
}

static void settled(void *ctx, const struct stw_publish_result *result)
{
	struct stw_control *c = ctx;
	if (c->watch.settled)
		c->watch.settled(c->watch.ctx, result);
}

static void link_changed(void *ctx, bool up)
{
	struct stw_control *c = ctx;
	stw_slow_link(c->slow, c->model, up);
	if (!up)
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

static int make_names(struct stw_control *c, struct ev_loop *loop)
{
	c->pace = stw_pace_new(loop, publish_names, c);
	c->names = c->pace ? stw_names_new(loop, names_changed, c) : NULL;
	c->slow = c->names ? stw_slow_new(loop, c->names) : NULL;
	c->export = c->slow ? stw_export_new(loop, c->publish) : NULL;
	return c->export ? STW_OK : STW_ENOMEM;
}

/* With what was known of members when control last ran. */
static int make_monitor(struct stw_control *c, struct ev_loop *loop)
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

static int load_overrides(struct stw_control *c, stw_config_message_fn message, void *ctx)
{
	char reason[256] = "";
	char whole[512];
	int err = stw_overrides_load(c->overrides, c->model->state_dir, reason, sizeof(reason));
	if (!err)
		return lay_members(c);
	snprintf(whole, sizeof(whole),
		 "%s: in %s: correct the file, or remove it to go by the configuration alone",
		 reason, c->model->state_dir);
	if (message)
		message(ctx, whole);
	return err;
}

/* With what they stood for when control last ran. */
static int take_names(struct stw_control *c, const struct stw_model *m)
{
	char reason[256] = "";

	if (stw_farm_names_take(c->farm_names, m))
		return STW_ENOMEM;
	if (stw_farm_names_load(c->farm_names, m->state_dir, reason, sizeof(reason)))
		stw_warn("names of pools start afresh: %s", reason);
	return STW_OK;
}

static int fill(struct stw_control *c, struct ev_loop *loop, stw_config_message_fn message,
		void *ctx)
{
	struct stw_model *m;
	int err = stw_config_text(c->config_path, message, ctx, &c->text, &c->text_len);
	if (!err)
		err = read_model(c->config_path, c->text, c->text_len, message, ctx, &m);
	if (err)
		return err;
	const struct stw_farm_names_owner farm = {.ctx = c,
						  .changed = found_changed,
						  .is_empty = found_is_empty};
	c->farm_names = stw_farm_names_new(loop, &farm);
	c->overrides = stw_overrides_new();
	c->numbers = stw_numbers_new();
	if (!c->farm_names || take_names(c, m) || !c->overrides || !c->numbers ||
	    take_model(c, m)) {
		stw_model_free(m);
		return STW_ENOMEM;
	}
	err = load_overrides(c, message, ctx);
	if (err)
		return err;
	struct stw_publish_owner owner = {.ctx = c,
					  .adopt = adopt,
					  .build = build,
					  .acknowledged = acknowledged,
					  .settled = settled,
					  .link = link_changed};
	c->publish = stw_publish_new(loop, m->dataplane.socket, &owner);
	c->started_unix_s = c->loaded_unix_s = ev_time();
	err = c->publish ? make_past(c, loop) : STW_ENOMEM;
	if (!err)
		err = make_names(c, loop);
	return err ? err : make_monitor(c, loop);
}

/* Not resolved further: a symbolic link that is switched names another file at the next reload. */
static char *absolute(const char *path)
{
	char *whole = NULL;
	char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
	if (!cwd)
		return strdup(path);
	if (asprintf(&whole, "%s/%s", cwd, path) < 0)
		whole = NULL;
	free(cwd);
	return whole;
}

int stw_control_new(struct ev_loop *loop, const char *config_path, stw_config_message_fn message,
		    void *ctx, struct stw_control **out)
{
	struct stw_control *c = calloc(1, sizeof(*c));
	if (!c)
		return STW_ENOMEM;
	c->config_path = absolute(config_path);
	int err = c->config_path ? fill(c, loop, message, ctx) : STW_ENOMEM;
	if (err) {
		stw_control_free(c);
		return err;
	}
	*out = c;
	return STW_OK;
}

void stw_control_start(struct stw_control *c)
{
	use_names(c); /* not before the API's socket, the lock, is ours: these are shared */
	stw_control_remember(c, "start");
	stw_publish_change(c->publish);
	stw_publish_start(c->publish);
}

/* Saves what people asked for; a failure is told, and does not undo what was asked. */
static int save(struct stw_control *c, const struct stw_control_words *words)
{
	char reason[256] = "";
	int err = stw_overrides_save(c->overrides, c->model->state_dir, reason, sizeof(reason));
	if (!err)
		return STW_OK;
	stw_error("what was asked for is not saved: %s", reason);
	if (words->message)
		words->message(words->ctx, reason);
	return STW_EIO;
}

/* Serves @m in place of the running model; it belongs to @c on STW_OK only. */
static int replace_model(struct stw_control *c, struct stw_model *m,
			 const struct stw_control_words *words)
{
	/* Compared as it will be served: a drain that stays in force is not a change. */
	size_t forgotten = stw_overrides_prune(c->overrides, m);
	struct stw_model *old = c->model;
	int err = stw_farm_names_take(c->farm_names, m);
	if (!err)
		err = take_model(c, m);
	if (err)
		return err;
	use_names(c);
	watch_members(c);
	stw_model_diff(old, m, words->line, words->ctx);
	stw_model_free(old);
	if (forgotten)
		save(c, words);
	return STW_OK;
}

int stw_control_take(struct stw_control *c, const char *name, const char *text, size_t len,
		     const struct stw_control_words *words, uint64_t *change)
{
	struct stw_model *m;
	char *copy = malloc(len + 1);
	if (!copy)
		return STW_ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	int err = read_model(name, copy, len, words->message, words->ctx, &m);
	if (!err) {
		err = replace_model(c, m, words);
		if (err)
			stw_model_free(m);
	}
	if (err) {
		free(copy);
		return err;
	}
	free(c->text);
	c->text = copy;
	c->text_len = len;
	c->taken++;
	c->reload_refused_unix_s = 0;
	c->loaded_unix_s = ev_time();
	*change = stw_publish_change(c->publish);
	return STW_OK;
}

int stw_control_reload(struct stw_control *c, const struct stw_control_words *words,
		       uint64_t *change)
{
	char *text = NULL;
	size_t len = 0;
	c->reload_refused_unix_s = ev_time();
	int err = stw_config_text(c->config_path, words->message, words->ctx, &text, &len);
	if (!err)
		err = stw_control_take(c, c->config_path, text, len, words, change);
	free(text);
	if (!err)
		stw_control_remember(c, "reload");
	return err;
}

void stw_control_remember(const struct stw_control *c, const char *how)
{
	char reason[256] = "";
	if (stw_history_add(c->model->state_dir, how, (uint64_t)ev_time(), c->text, c->text_len,
			    reason, sizeof(reason)))
		stw_warn("history: the configuration is not kept: %s", reason);
}

int stw_control_find_member(const struct stw_control *c, const char *name)
{
	for (size_t i = 0; i < c->model->n_members; i++)
		if (strcmp(c->model->members[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *stw_asked_text(enum stw_asked asked)
{
	static const char *const text[] = {
		[STW_ASKED_UP] = "up", [STW_ASKED_DRAIN] = "drain", [STW_ASKED_DOWN] = "down"};
	return text[asked];
}

/* One wish for one member, to be laid over each pool that uses it. */
struct wish {
	size_t member;
	const char *pool; /* NULL: all */
	bool is_weight;
	enum stw_asked asked;
	uint32_t weight;
};

/* Writes one override. What equals the file's word needs none: a later reload then decides. Of a
 * member that is not in the file only what was asked for is kept: the rest is its name's affair. */
static int write_override(struct stw_control *c, const struct wish *w, size_t pool, size_t k)
{
	const char *name = c->model->pools[pool].name;
	const struct stw_endpoint *address = &c->model->members[w->member].address;
	const struct stw_model_pool_member *file = stw_file_members_use(c->file, pool, address);
	const struct stw_model_pool_member now = c->model->pools[pool].members[k];
	const struct stw_override *before = stw_overrides_find(c->overrides, name, address);
	struct stw_override o = before ? *before : (struct stw_override){0};
	enum stw_asked asked = w->is_weight ? now.asked : w->asked;
	uint32_t weight = w->is_weight ? w->weight : now.weight;
	bool keeps_asked = file		  ? asked != file->asked
			   : w->is_weight ? o.has_asked
					  : asked != STW_ASKED_UP;
	bool keeps_weight = file ? weight != file->weight : w->is_weight || o.has_weight;
	uint64_t when = (uint64_t)ev_time();
	int err = STW_OK;

	stw_overrides_clear(c->overrides, name, address);
	if (o.added)
		err = stw_overrides_add(c->overrides, name, address, o.name, when);
	if (!err && keeps_asked)
		err = stw_overrides_set_asked(c->overrides, name, address, asked, when);
	if (!err && keeps_weight)
		err = stw_overrides_set_weight(c->overrides, name, address, weight, when);
	return err;
}

static void tell(const struct stw_control *c, const struct wish *w, size_t pool,
		 const struct stw_model_pool_member *before, const struct stw_control_words *words)
{
	char line[160];
	const char *member = c->model->members[w->member].name;
	const char *name = c->model->pools[pool].name;
	if (w->is_weight)
		snprintf(line, sizeof(line), "%s in %s: weight %u -> %u", member, name,
			 before->weight, w->weight);
	else
		snprintf(line, sizeof(line), "%s in %s: %s -> %s", member, name,
			 stw_asked_text(before->asked), stw_asked_text(w->asked));
	stw_info("asked: %s", line);
	if (words->line)
		words->line(words->ctx, false, line);
}

/* @n_changed grows by each pool that changed, also when an error ends it half way. */
static int fulfil_all(struct stw_control *c, const struct wish *w,
		      const struct stw_control_words *words, size_t *n_changed)
{
	bool found = false;
	for (size_t i = 0; i < c->model->n_pools; i++) {
		const struct stw_model_pool *pool = &c->model->pools[i];
		if (w->pool && strcmp(w->pool, pool->name) != 0)
			continue;
		for (size_t k = 0; k < pool->n_members; k++) {
			const struct stw_model_pool_member *pm = &pool->members[k];
			if (pm->member != w->member)
				continue;
			found = true;
			if (w->is_weight ? pm->weight == w->weight : pm->asked == w->asked)
				continue;
			int err = write_override(c, w, i, k);
			if (err)
				return err;
			tell(c, w, i, pm, words);
			(*n_changed)++;
		}
	}
	return found ? STW_OK : STW_ENOENT;
}

/* Members and what was asked of them differ: serve it, watch it, keep it. */
static int take_effect(struct stw_control *c, const struct stw_control_words *words,
		       uint64_t *change)
{
	lay_members(c);
	watch_members(c);
	*change = stw_publish_change(c->publish);
	return save(c, words);
}

static int fulfil(struct stw_control *c, const struct wish *w,
		  const struct stw_control_words *words, uint64_t *change)
{
	size_t n_changed = 0;
	int err = fulfil_all(c, w, words, &n_changed);
	if (n_changed) {
		int saved = take_effect(c, words, change);
		return err ? err : saved;
	}
	if (!err)
		*change = 0;
	return err;
}

int stw_control_ask(struct stw_control *c, size_t member, const char *pool, enum stw_asked asked,
		    const struct stw_control_words *words, uint64_t *change)
{
	struct wish w = {.member = member, .pool = pool, .asked = asked};
	return fulfil(c, &w, words, change);
}

int stw_control_set_weight(struct stw_control *c, size_t member, const char *pool, uint32_t weight,
			   const struct stw_control_words *words, uint64_t *change)
{
	struct wish w = {.member = member, .pool = pool, .is_weight = true, .weight = weight};
	if (weight > UINT16_MAX)
		return STW_ERANGE;
	return fulfil(c, &w, words, change);
}

static int find_pool(const struct stw_control *c, const char *name)
{
	for (size_t i = 0; i < c->model->n_pools; i++)
		if (strcmp(c->model->pools[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool is_listener(const struct stw_control *c, const struct stw_endpoint *address)
{
	for (size_t i = 0; i < c->model->n_listeners; i++)
		if (stw_endpoint_equal(&c->model->listeners[i].address, address))
			return true;
	return false;
}

/* @return STW_OK, STW_EDUP: the name or the identity is another's, or it is in the pool already */
static int may_add(const struct stw_control *c, size_t pool, const struct stw_endpoint *address,
		   const char *name)
{
	const struct stw_model *m = c->model;

	for (size_t i = 0; i < m->n_members; i++) {
		bool same = stw_endpoint_equal(&m->members[i].address, address);

		if (!same && (m->members[i].id == stw_member_id(address) ||
			      strcmp(m->members[i].name, name) == 0))
			return STW_EDUP;
		for (size_t k = 0; same && k < m->pools[pool].n_members; k++)
			if (m->pools[pool].members[k].member == i)
				return STW_EDUP;
	}
	return STW_OK;
}

/* Back as the file has it, or new. */
static int write_addition(struct stw_control *c, size_t pool, const struct stw_endpoint *address,
			  const char *name, uint32_t weight)
{
	const struct stw_model_pool_member *file = stw_file_members_use(c->file, pool, address);
	const char *pool_name = c->model->pools[pool].name;
	uint64_t when = (uint64_t)ev_time();
	int err = STW_OK;

	stw_overrides_clear(c->overrides, pool_name, address);
	if (!file)
		err = stw_overrides_add(c->overrides, pool_name, address, name, when);
	if (!err && weight != (file ? file->weight : 1))
		err = stw_overrides_set_weight(c->overrides, pool_name, address, weight, when);
	return err;
}

int stw_control_add_member(struct stw_control *c, const char *pool,
			   const struct stw_endpoint *address, const char *name, uint32_t weight,
			   const struct stw_control_words *words, uint64_t *change)
{
	char text[STW_ENDPOINT_TEXT], line[160];
	int at = find_pool(c, pool);

	if (at < 0)
		return STW_ENOENT;
	if (weight > UINT16_MAX || is_listener(c, address) || stw_ip_forbidden(&address->ip))
		return STW_ERANGE;
	if (c->model->n_members >= STW_MEMBERS_MAX ||
	    c->model->pools[at].n_members >= STW_IMAGE_MEMBERS)
		return STW_ENOSPACE;
	int err = may_add(c, (size_t)at, address, name);
	if (!err)
		err = write_addition(c, (size_t)at, address, name, weight);
	if (err)
		return err;
	stw_endpoint_format(address, text);
	snprintf(line, sizeof(line), "%s added to %s, weight %u", *name ? name : text, pool,
		 weight);
	stw_info("asked: %s", line);
	if (words->line)
		words->line(words->ctx, false, line);
	return take_effect(c, words, change);
}

/* Taken out of one pool: what was added is forgotten, what the file has is left out. */
static int write_removal(struct stw_control *c, size_t pool, const struct stw_endpoint *address)
{
	const char *name = c->model->pools[pool].name;
	const struct stw_override *o = stw_overrides_find(c->overrides, name, address);

	if (o && o->added && !stw_file_members_use(c->file, pool, address))
		return stw_overrides_clear(c->overrides, name, address);
	return stw_overrides_remove(c->overrides, name, address, (uint64_t)ev_time());
}

/* Pools that a removal is about, with the member's place there. @return how many */
static size_t places_of(const struct stw_control *c, size_t member, const char *pool,
			const struct stw_model_pool_member **uses, size_t *pools)
{
	size_t n = 0;

	for (size_t i = 0; i < c->model->n_pools; i++) {
		const struct stw_model_pool *p = &c->model->pools[i];

		for (size_t k = 0; (!pool || strcmp(pool, p->name) == 0) && k < p->n_members; k++)
			if (p->members[k].member == member) {
				uses[n] = &p->members[k];
				pools[n++] = i;
			}
	}
	return n;
}

static int remove_from(struct stw_control *c, const struct stw_model_member *m, const size_t *pools,
		       size_t n, const struct stw_control_words *words)
{
	char line[160];

	for (size_t i = 0; i < n; i++) {
		int err = write_removal(c, pools[i], &m->address);

		if (err)
			return err;
		snprintf(line, sizeof(line), "%s removed from %s", m->name,
			 c->model->pools[pools[i]].name);
		stw_info("asked: %s", line);
		if (words->line)
			words->line(words->ctx, false, line);
	}
	return STW_OK;
}

int stw_control_remove_member(struct stw_control *c, size_t member, const char *pool, bool force,
			      const struct stw_control_words *words, uint64_t *change)
{
	const struct stw_model_pool_member **uses = calloc(c->model->n_pools + 1, sizeof(*uses));
	size_t *pools = calloc(c->model->n_pools + 1, sizeof(*pools));
	const struct stw_model_member m = c->model->members[member];
	int err = uses && pools ? STW_OK : STW_ENOMEM;
	size_t n = err ? 0 : places_of(c, member, pool, uses, pools);

	if (!err && n == 0)
		err = STW_ENOENT;
	for (size_t i = 0; !err && !force && i < n; i++)
		if (uses[i]->asked == STW_ASKED_UP)
			err = STW_EBUSY;
	if (!err)
		err = remove_from(c, &m, pools, n, words);
	free(uses);
	free(pools);
	return err ? err : take_effect(c, words, change);
}

void stw_control_free(struct stw_control *c)
{
	if (!c)
		return;
	stw_export_free(c->export);
	stw_publish_free(c->publish);
	stw_monitor_free(c->monitor);
	stw_slow_free(c->slow);
	stw_names_free(c->names);
	stw_pace_free(c->pace);
	stw_farm_names_free(c->farm_names);
	stw_file_members_free(c->file);
	stw_model_free(c->model);
	stw_overrides_free(c->overrides);
	free_past(c);
	stw_numbers_free(c->numbers);
	free(c->config_path);
	free(c->text);
	free(c);
}
