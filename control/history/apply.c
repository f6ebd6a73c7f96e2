/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/history/apply.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/history/history.h"
#include "control/now.h"

#define LOOK_S	     1.
#define BASE_S	     30. /* errors before are taken from so long back */
#define MIN_REQUESTS 50u

/* What a member's number stood at. */
struct tally {
	uint32_t epoch; /* of whose hands it was in, 0: nobody's */
	struct stw_apply_errors at;
};

struct stw_apply {
	struct ev_loop *loop;
	struct ev_timer timer; /* looks each second, always: it knows what was before */
	struct stw_control *control;

	bool pending;
	double confirm_by_s; /* monotonic: a clock that is set moves nothing */
	double confirm_by_unix_s;
	uint64_t taken; /* control->taken of the pending one: another means somebody else's */
	char *before;	/* text that comes back */
	size_t before_len;
	double share_before;
	struct tally start[STW_MEMBER_NUMBERS];

	struct tally base[STW_MEMBER_NUMBERS]; /* of some time ago */
	double base_s;
	char undone[160];
	double undone_s;
};

bool stw_apply_too_bad(double share_before, const struct stw_apply_errors *since)
{
	if (since->requests < MIN_REQUESTS)
		return false;
	return (double)since->errors / (double)since->requests > 2 * share_before + 0.05;
}

/* Of a number, over all workers. */
static struct stw_apply_errors count(struct stw_stats *st, uint16_t number)
{
	struct stw_apply_errors e = {0, 0};

	for (uint32_t w = 0; w < st->n_workers; w++) {
		_Atomic uint64_t *c = stw_stats_members(st, w)->c[number];

		e.errors += atomic_load_explicit(&c[STW_M_FAILED], memory_order_relaxed) +
			    atomic_load_explicit(&c[STW_M_UNSENT], memory_order_relaxed);
		e.requests += atomic_load_explicit(&c[STW_M_REQUESTS], memory_order_relaxed);
	}
	return e;
}

/* What @t has not seen in these hands counts from now: a member gets its number some time after the
 * configuration, and the number may have been another's. */
static struct stw_apply_errors grow(struct tally *t, uint32_t epoch,
				    const struct stw_apply_errors *now)
{
	/* A data plane that started anew counts from less. */
	if (t->epoch == epoch && (now->errors < t->at.errors || now->requests < t->at.requests))
		t->at = (struct stw_apply_errors){0, 0};
	if (t->epoch != epoch)
		*t = (struct tally){epoch, *now};
	return (struct stw_apply_errors){now->errors - t->at.errors,
					 now->requests - t->at.requests};
}

/* Of the members of now, since @from; zero without a data plane. */
static struct stw_apply_errors grown_since(const struct stw_control *c, struct tally *from)
{
	struct stw_stats *st = stw_publish_stats(c->publish);
	struct stw_apply_errors sum = {0, 0};

	for (size_t i = 0; st && i < c->model->n_members; i++) {
		const int n = stw_numbers_find(c->numbers, &c->model->members[i].address);

		if (n < 0)
			continue;
		const struct stw_apply_errors now = count(st, (uint16_t)n);
		const struct stw_apply_errors more =
			grow(&from[n], stw_numbers_epoch(c->numbers, (uint16_t)n), &now);

		sum.errors += more.errors;
		sum.requests += more.requests;
	}
	return sum;
}

/* From here on. */
static void begin(const struct stw_control *c, struct tally *t)
{
	memset(t, 0, STW_MEMBER_NUMBERS * sizeof(*t));
	grown_since(c, t);
}

/* A reload, too, takes a configuration over: then nothing is left to confirm. */
static bool waits(const struct stw_apply *a)
{
	return a->pending && a->taken == a->control->taken;
}

static void forget(struct stw_apply *a)
{
	a->pending = false;
	free(a->before);
	a->before = NULL;
}

static void log_line(void *ctx, bool needs_restart, const char *line)
{
	(void)ctx;
	stw_info("rollback: %s%s", needs_restart ? "after a restart only: " : "", line);
}

static void log_message(void *ctx, const char *message)
{
	(void)ctx;
	stw_error("rollback: %s", message);
}

static void undo_by_itself(struct stw_apply *a, const char *why)
{
	const struct stw_control_words words = {.message = log_message, .line = log_line};
	uint64_t change;

	stw_warn("apply: taken back: %s", why);
	int err = stw_apply_undo(a, why, &words, &change);
	if (err)
		stw_error("apply: it could not be taken back: %s", stw_err_text(err));
}

static void look_after(struct stw_apply *a)
{
	const struct stw_apply_errors grown = grown_since(a->control, a->start);
	char why[160];

	if (!waits(a)) {
		stw_info("apply: another configuration was loaded; nothing is left to confirm");
		forget(a);
	} else if (stw_apply_too_bad(a->share_before, &grown)) {
		snprintf(why, sizeof(why), "errors rose: %llu of %llu requests, %.1f %% before",
			 (unsigned long long)grown.errors, (unsigned long long)grown.requests,
			 100 * a->share_before);
		undo_by_itself(a, why);
	} else if (stw_now_s() >= a->confirm_by_s) {
		undo_by_itself(a, "it was not confirmed in time");
	}
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct stw_apply *a = timer->data;

	(void)loop;
	(void)revents;
	if (a->pending) {
		look_after(a);
	} else if (a->base_s == 0 || stw_now_s() - a->base_s >= BASE_S) {
		begin(a->control, a->base);
		a->base_s = stw_now_s();
	}
}

struct stw_apply *stw_apply_new(struct ev_loop *loop, struct stw_control *control)
{
	struct stw_apply *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->loop = loop;
	a->control = control;
	ev_timer_init(&a->timer, on_timer, LOOK_S, LOOK_S);
	a->timer.data = a;
	ev_timer_start(loop, &a->timer);
	return a;
}

/* ---- the file ---- */

static int fail(const struct stw_control_words *words, const char *path)
{
	char message[PATH_MAX + 128];

	snprintf(message, sizeof(message),
		 "%s cannot be written: %s: it runs all the same, until the next reload", path,
		 strerror(errno));
	if (words->message)
		words->message(words->ctx, message);
	return STW_EIO;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* Another file beside it, then into its place: whole or not at all. A link stays a link. */
static int write_file(const char *config_path, const char *text, size_t len,
		      const struct stw_control_words *words)
{
	char path[PATH_MAX], other[PATH_MAX + 16];
	struct stat st = {.st_mode = 0600};

	if (!realpath(config_path, path))
		snprintf(path, sizeof(path), "%s", config_path);
	snprintf(other, sizeof(other), "%s.XXXXXX", path);
	bool there = stat(path, &st) == 0;
	int fd = mkostemp(other, O_CLOEXEC);
	if (fd < 0)
		return fail(words, path);
	bool good = fchmod(fd, st.st_mode & 07777) == 0 &&
		    (!there || fchown(fd, st.st_uid, st.st_gid) == 0 || errno == EPERM) &&
		    write_all(fd, text, len);
	good = close(fd) == 0 && good;
	if (good && rename(other, path) == 0)
		return STW_OK;
	int saved = errno;
	unlink(other);
	errno = saved;
	return fail(words, path);
}

static int keep(struct stw_apply *a, const char *how, const struct stw_control_words *words)
{
	struct stw_control *c = a->control;

	stw_control_remember(c, how);
	return write_file(c->config_path, c->text, c->text_len, words);
}

/* ---- */

static int take_pending(struct stw_apply *a, unsigned confirm_s, char *before, size_t before_len)
{
	const struct stw_apply_errors grown = grown_since(a->control, a->base);

	begin(a->control, a->start);
	a->pending = true;
	a->confirm_by_s = stw_now_s() + confirm_s;
	a->confirm_by_unix_s = ev_time() + confirm_s;
	a->taken = a->control->taken;
	a->before = before;
	a->before_len = before_len;
	a->share_before = grown.requests ? (double)grown.errors / (double)grown.requests : 0;
	return STW_OK;
}

int stw_apply_text(struct stw_apply *a, const char *text, size_t len, unsigned confirm_s,
		   const char *how, const struct stw_control_words *words, uint64_t *change)
{
	struct stw_control *c = a->control;

	if (waits(a))
		return STW_EBUSY;
	forget(a);
	size_t before_len = c->text_len;
	char *before = malloc(before_len + 1);
	if (!before)
		return STW_ENOMEM;
	memcpy(before, c->text, before_len + 1);
	int err = stw_control_take(c, "configuration", text, len, words, change);
	if (!err && confirm_s)
		return take_pending(a, confirm_s, before, before_len);
	free(before);
	return err ? err : keep(a, how, words);
}

int stw_apply_confirm(struct stw_apply *a, const struct stw_control_words *words)
{
	if (!waits(a))
		return STW_ENOENT;
	forget(a);
	return keep(a, "apply", words);
}

int stw_apply_undo(struct stw_apply *a, const char *why, const struct stw_control_words *words,
		   uint64_t *change)
{
	if (!waits(a))
		return STW_ENOENT;
	int err = stw_control_take(a->control, "the configuration before", a->before, a->before_len,
				   words, change);
	if (err && stw_now_s() < a->confirm_by_s)
		return err; /* tried again when the time is up */
	snprintf(a->undone, sizeof(a->undone), "%s", why);
	a->undone_s = ev_time();
	forget(a);
	return err;
}

void stw_apply_status(const struct stw_apply *a, struct stw_apply_status *out)
{
	*out = (struct stw_apply_status){.pending = waits(a),
					 .confirm_by_unix_s = a->confirm_by_unix_s,
					 .undone_unix_s = a->undone_s};
	snprintf(out->undone, sizeof(out->undone), "%s", a->undone);
}

void stw_apply_free(struct stw_apply *a)
{
	if (!a)
		return;
	ev_timer_stop(a->loop, &a->timer);
	free(a->before);
	free(a);
}
