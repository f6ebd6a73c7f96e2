/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolve/names.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/now.h"
#include "control/resolve/lookup.h"
#include "dataplane/route/siphash.h"

#define BUCKETS	    4096u /* a power of two */
#define EARLY	    0.9	  /* share of the TTL after which a name in use is refreshed */
#define TRY_AGAIN_S 1.	  /* too many lookups were under way */
#define ADOPTED_S   10.	  /* in which adopted names are refreshed */
#define RETRY_S	    5.	  /* after a refresh without an answer, at least */
#define GUESSES	    3u	  /* in a row, before one is believed against what was known */

struct entry {
	TAILQ_ENTRY(entry) order; /* by the time it was asked for */
	struct entry *next;	  /* in its bucket */
	struct stw_names *names;
	char name[STW_IMAGE_NAME_MAX + 1];
	uint8_t len;
	uint16_t port;
	struct stw_ip source; /* who asked for it first */
	enum stw_name_state state;
	struct stw_lookup *lookup; /* under way, or NULL */
	double asked_s, expires_s;
	unsigned failures;
	uint8_t n_targets;
	struct stw_image_target targets[STW_IMAGE_NAME_TARGETS];
	struct ev_timer timer; /* refresh or forget */
};

TAILQ_HEAD(entries, entry);

struct stw_names {
	struct ev_loop *loop;
	struct stw_dns *dns;
	struct stw_model_resolver config; /* its servers are the dns's */
	bool v4, v6;
	void (*changed)(void *ctx);
	void *ctx;
	struct stw_sipkey key;
	struct entries entries;
	size_t n_entries, n_lookups;
	struct entry *buckets[BUCKETS];
};

static void look_up(struct entry *e);

static struct entry **bucket(struct stw_names *n, const char *name, size_t len, uint16_t port)
{
	return &n->buckets[(stw_siphash13(n->key, name, len) + port) & (BUCKETS - 1)];
}

static struct entry *find(struct stw_names *n, const char *name, size_t len, uint16_t port)
{
	struct entry *e = *bucket(n, name, len, port);

	while (e && (e->port != port || e->len != len || memcmp(e->name, name, len) != 0))
		e = e->next;
	return e;
}

static void forget(struct entry *e)
{
	struct stw_names *n = e->names;
	struct entry **at = bucket(n, e->name, e->len, e->port);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	TAILQ_REMOVE(&n->entries, e, order);
	n->n_entries--;
	if (e->lookup) {
		stw_lookup_abandon(e->lookup);
		n->n_lookups--;
	}
	ev_timer_stop(n->loop, &e->timer);
	if (e->state != STW_NAME_PENDING)
		n->changed(n->ctx);
	free(e);
}

static bool in_use(const struct entry *e)
{
	return stw_now_s() - e->asked_s < STW_NAMES_IN_USE_S;
}

static void set_timer(struct entry *e, double after_s)
{
	struct stw_names *n = e->names;

	ev_timer_stop(n->loop, &e->timer);
	ev_timer_set(&e->timer, after_s, 0.);
	ev_timer_start(n->loop, &e->timer);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct entry *e = timer->data;

	(void)loop;
	(void)revents;
	if (e->state == STW_NAME_KNOWN && in_use(e))
		look_up(e);
	else
		forget(e);
}

static double bounded(double ttl_s, double least, double most)
{
	if (ttl_s > most)
		ttl_s = most;
	return ttl_s < least ? least : ttl_s;
}

/* The answer holds for @ttl_s from now. */
static void keep_for(struct entry *e, double ttl_s)
{
	e->expires_s = stw_now_s() + ttl_s;
	set_timer(e, e->state == STW_NAME_KNOWN && in_use(e) ? ttl_s * EARLY : ttl_s);
}

/* Make it stand for the targets of @r. */
static void take(struct entry *e, enum stw_name_state state, const struct stw_lookup_result *r)
{
	uint8_t n = r->n_targets < STW_IMAGE_NAME_TARGETS ? r->n_targets : STW_IMAGE_NAME_TARGETS;
	size_t bytes = n * sizeof(r->targets[0]);
	bool same = e->state == state && e->n_targets == n &&
		    memcmp(e->targets, r->targets, bytes) == 0;

	e->state = state;
	e->n_targets = n;
	memcpy(e->targets, r->targets, bytes);
	if (!same)
		e->names->changed(e->names->ctx);
}

static void unanswered(struct entry *e, const struct stw_lookup_result *r)
{
	const struct stw_model_resolver *c = &e->names->config;

	e->failures++;
	if (e->state == STW_NAME_KNOWN) {
		stw_warn("resolver: %s: no answer; its last one stays", e->name);
		set_timer(e, c->min_ttl_s > RETRY_S ? c->min_ttl_s : RETRY_S);
		return;
	}
	stw_warn("resolver: %s: no answer", e->name);
	take(e, STW_NAME_ABSENT, r);
	keep_for(e, c->min_ttl_s);
}

static bool is_answer(const struct entry *e, const struct stw_lookup_result *r)
{
	if (r->err == STW_OK && r->guessed && e->state == STW_NAME_KNOWN)
		return e->failures >= GUESSES;
	return r->err != STW_EIO;
}

static void looked_up(void *arg, const struct stw_lookup_result *r)
{
	struct entry *e = arg;
	const struct stw_model_resolver *c = &e->names->config;
	struct stw_lookup_result whole;

	e->lookup = NULL;
	e->names->n_lookups--;
	if (!is_answer(e, r)) {
		unanswered(e, r);
		return;
	}
	e->failures = 0;
	stw_debug("resolver: %s: %u targets for %u s", e->name, r->n_targets, r->ttl_s);
	if (r->err == STW_OK) {
		whole = *r;
		stw_lookup_keep(&whole, e->targets, e->n_targets);
		take(e, STW_NAME_KNOWN, &whole);
		keep_for(e, bounded(r->ttl_s, c->min_ttl_s, c->max_ttl_s));
	} else {
		take(e, STW_NAME_ABSENT, r);
		keep_for(e, bounded(r->ttl_s, 1, c->negative_ttl_s));
	}
}

/* Its answer may come from inside stw_lookup_start(): then the pointer is not ours to keep. */
static void look_up(struct entry *e)
{
	struct stw_names *n = e->names;
	const struct stw_lookup_question question = {.name = e->name,
						     .port = e->port,
						     .v4 = n->v4,
						     .v6 = n->v6};
	size_t under_way = ++n->n_lookups;

	if (under_way > STW_NAMES_LOOKUPS) {
		n->n_lookups--;
		set_timer(e, TRY_AGAIN_S);
		return;
	}
	struct stw_lookup *l = stw_lookup_start(n->dns, &question, looked_up, e);
	if (n->n_lookups < under_way)
		return; /* answered already */
	e->lookup = l;
	if (!l) {
		n->n_lookups--;
		set_timer(e, TRY_AGAIN_S);
	}
}

struct stw_names *stw_names_new(struct ev_loop *loop, void (*changed)(void *ctx), void *ctx)
{
	struct stw_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->loop = loop;
	n->changed = changed;
	n->ctx = ctx;
	n->dns = stw_dns_new(loop);
	TAILQ_INIT(&n->entries);
	if (!n->dns || getrandom(&n->key, sizeof(n->key), 0) != sizeof(n->key)) {
		stw_names_free(n);
		return NULL;
	}
	return n;
}

/* Room is made at the expense of what was asked for longest ago. @return false: all are under way
 */
static bool make_room(struct stw_names *n, const struct stw_ip *source)
{
	struct entry *oldest = NULL, *own = NULL, *e;
	size_t n_own = 0;

	TAILQ_FOREACH (e, &n->entries, order) {
		bool is_own = source && stw_ip_equal(&e->source, source);

		n_own += is_own;
		if (e->lookup && e->state == STW_NAME_PENDING)
			continue;
		if (!oldest)
			oldest = e;
		if (is_own && !own)
			own = e;
	}
	struct entry *victim = n_own > n->n_entries / 2 ? own : oldest;
	if (victim)
		forget(victim);
	return victim != NULL;
}

int stw_names_configure(struct stw_names *n, const struct stw_model_resolver *config, bool v4,
			bool v6)
{
	n->config = *config;
	n->config.servers = NULL;
	n->config.n_servers = 0;
	n->v4 = v4;
	n->v6 = v6;
	while (n->n_entries > config->max_names && make_room(n, NULL))
		;
	return stw_dns_use(n->dns, config->servers, config->n_servers);
}

static struct entry *add(struct stw_names *n, const char *name, size_t len, uint16_t port,
			 const struct stw_ip *source)
{
	struct entry **at = bucket(n, name, len, port);
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->names = n;
	memcpy(e->name, name, len);
	e->len = (uint8_t)len;
	e->port = port;
	e->source = *source;
	e->asked_s = stw_now_s();
	ev_init(&e->timer, on_timer);
	e->timer.data = e;
	e->next = *at;
	*at = e;
	TAILQ_INSERT_TAIL(&n->entries, e, order);
	n->n_entries++;
	return e;
}

int stw_names_ask(struct stw_names *n, const char *name, size_t len, uint16_t port,
		  const struct stw_ip *source)
{
	struct entry *e = find(n, name, len, port);

	if (e) {
		e->asked_s = stw_now_s();
		TAILQ_REMOVE(&n->entries, e, order);
		TAILQ_INSERT_TAIL(&n->entries, e, order);
		return STW_OK;
	}
	if (n->n_lookups >= STW_NAMES_LOOKUPS)
		return STW_ENOSPACE;
	if (n->n_entries >= n->config.max_names && !make_room(n, source))
		return STW_ENOSPACE;
	e = add(n, name, len, port, source);
	if (!e)
		return STW_ENOMEM;
	look_up(e);
	return STW_OK;
}

void stw_names_adopt(struct stw_names *n, const struct stw_image_resolved *served)
{
	static const struct stw_ip nobody;
	struct entry *e;

	if (served->n_targets == 0 || n->n_entries >= n->config.max_names ||
	    find(n, served->name, served->len, served->port))
		return;
	e = add(n, served->name, served->len, served->port, &nobody);
	if (!e)
		return;
	e->state = STW_NAME_KNOWN;
	e->n_targets = served->n_targets;
	memcpy(e->targets, served->targets, served->n_targets * sizeof(e->targets[0]));
	e->expires_s = stw_now_s() + ADOPTED_S;
	/* not all at once */
	set_timer(e, ADOPTED_S * (double)(n->n_entries % 64) / 64);
}

int stw_names_collect(const struct stw_names *n, struct stw_image_resolved **out, size_t *n_out)
{
	struct stw_image_resolved *rows = calloc(n->n_entries + 1, sizeof(*rows));
	const struct entry *e;
	size_t i = 0;

	if (!rows)
		return STW_ENOMEM;
	TAILQ_FOREACH (e, &n->entries, order) {
		if (e->state == STW_NAME_PENDING)
			continue;
		rows[i++] = (struct stw_image_resolved){.name = e->name,
							.len = e->len,
							.port = e->port,
							.n_targets = e->n_targets,
							.targets = e->targets};
	}
	*out = rows;
	*n_out = i;
	return STW_OK;
}

void stw_names_each(const struct stw_names *n,
		    void (*each)(void *ctx, const struct stw_name_view *), void *ctx)
{
	const double ahead_s = ev_time() - stw_now_s();
	const struct entry *e;

	TAILQ_FOREACH (e, &n->entries, order) {
		const struct stw_name_view view = {.name = e->name,
						   .port = e->port,
						   .state = e->state,
						   .expires_unix_s = e->expires_s + ahead_s,
						   .failures = e->failures,
						   .n_targets = e->n_targets,
						   .targets = e->targets};
		each(ctx, &view);
	}
}

static void ignore(void *ctx)
{
	(void)ctx;
}

void stw_names_free(struct stw_names *n)
{
	if (!n)
		return;
	n->changed = ignore;
	while (!TAILQ_EMPTY(&n->entries))
		forget(TAILQ_FIRST(&n->entries));
	stw_dns_free(n->dns);
	free(n);
}
