/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/control.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/sip.h>

#include "control/history/history.h"
#include "control/inside.h"
#include "control/model/secret.h"

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
	char reason[256] = "", folder[512] = "";
	/* Only its last part. */
	if (mkdir(m->state_dir, 0700) != 0 && errno != EEXIST)
		snprintf(folder, sizeof(folder),
			 "%s: control.state_dir: %s cannot be made: %s: make it for the user that "
			 "runs this, or name another",
			 name, m->state_dir, strerror(errno));
	err = stw_secret_fill(m, reason, sizeof(reason));
	if (err) {
		if (message && *folder)
			message(ctx, folder);
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
	const struct stw_found_list found = stw_control_found(c);
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

static int load_overrides(struct stw_control *c, stw_config_message_fn message, void *ctx)
{
	char reason[256] = "";
	char whole[512];
	int err = stw_overrides_load(c->overrides, c->model->state_dir, reason, sizeof(reason));
	if (!err)
		return stw_control_lay(c);
	snprintf(whole, sizeof(whole),
		 "%s: in %s: correct the file, or remove it to go by the configuration alone",
		 reason, c->model->state_dir);
	if (message)
		message(ctx, whole);
	return err;
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
	/* What comes up from the data plane, and what is asked of it, is read as it reads. */
	const struct stw_sip_limits limits = {m->dataplane.max_headers, m->dataplane.max_vias};
	stw_sip_set_limits(&limits);
	c->overrides = stw_overrides_new();
	c->numbers = stw_numbers_new();
	c->rule_rows = stw_rule_rows_new();
	if (!c->overrides || !c->numbers || !c->rule_rows ||
	    stw_control_make_farm_names(c, loop, m) || take_model(c, m)) {
		stw_model_free(m);
		return STW_ENOMEM;
	}
	err = load_overrides(c, message, ctx);
	if (!err)
		err = stw_control_make_serving(c, loop);
	c->started_unix_s = c->loaded_unix_s = ev_time();
	return err ? err : stw_control_make_monitor(c, loop);
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
	stw_control_watch_members(c);
	stw_model_diff(old, m, words->line, words->ctx);
	stw_model_free(old);
	if (forgotten)
		stw_control_save(c, words);
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

void stw_control_free(struct stw_control *c)
{
	if (!c)
		return;
	stw_export_free(c->export);
	stw_publish_free(c->publish);
	stw_monitor_free(c->monitor);
	stw_control_free_serving(c);
	stw_farm_names_free(c->farm_names);
	stw_file_members_free(c->file);
	stw_model_free(c->model);
	stw_overrides_free(c->overrides);
	stw_numbers_free(c->numbers);
	stw_rule_rows_free(c->rule_rows);
	free(c->config_path);
	free(c->text);
	free(c);
}
