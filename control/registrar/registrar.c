/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/registrar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/sip_headers.h>

#include "control/registrar/answer_lines.h"
#include "control/registrar/changes.h"
#include "control/registrar/location.h"
#include "control/registrar/nonce_uses.h"
#include "control/registrar/subscribers.h"
#include "dataplane/route/siphash.h"

#define NONCE_USES    65536u
#define NONCE_STEP_S  16u
#define RETRY_AFTER_S 10u
#define EXPIRE_A_TURN 1000u
#define MARK_KEY      "clock"

struct stw_registrar {
	struct stw_model_registrar config; /* its domains are a copy of ours */
	struct stw_nonce_key keys[2];
	struct stw_gruu_key gruu_keys[2]; /* as many */
	uint32_t gruu_salt;
	size_t n_keys;
	struct stw_store *store;
	struct stw_clock clock;
	struct stw_nonce_uses *uses;
	struct stw_sipkey request_key;
	bool spoiled; /* a change failed half way: what waited with it is undone, too */
	bool broken;  /* the last commit failed: told once */
	struct stw_registrar_counters c;
	struct stw_changes changes; /* kept while somebody wants to know */
	stw_registrar_changed_fn *changed;
	void *changed_ctx;
	/* of the request in hand; too large for a stack */
	struct stw_registration reg;
	struct stw_location location;
};

/* One REGISTER in hand. */
struct handling {
	struct stw_registrar *r;
	const char *buf;
	const struct stw_sip_msg *m;
	const struct stw_endpoint *source, *listener;
	struct stw_registrar_answer *out;
	uint64_t now_s;
	struct stw_str name;   /* user@domain of the address-of-record */
	struct stw_str domain; /* its realm */
};

static bool say(struct handling *h, uint16_t status, const char *phrase)
{
	h->out->status = status;
	h->out->phrase = phrase;
	return false;
}

/* --- domain and extensions --- */

static bool is_domain(const struct stw_registrar *r, struct stw_str domain)
{
	for (size_t i = 0; i < r->config.n_domains; i++)
		if (strlen(r->config.domains[i]) == domain.len &&
		    strncasecmp(r->config.domains[i], domain.p, domain.len) == 0)
			return true;
	return false;
}

/* s10.3 step 5: an address-of-record of a domain of ours. */
static bool find_name(struct handling *h)
{
	const struct stw_registration *reg = &h->r->reg;
	const char *colon = memchr(reg->aor, ':', reg->aor_len);

	if (!colon)
		return say(h, 404, "Not Found");
	const size_t from = (size_t)(colon + 1 - reg->aor);
	h->name = stw_str(reg->aor + from, reg->aor_len - from);
	const char *at = memrchr(h->name.p, '@', h->name.len);

	if (!at)
		return say(h, 404, "Not Found");
	h->domain = stw_str(at + 1, (size_t)(h->name.p + h->name.len - at - 1));
	return is_domain(h->r, h->domain) || say(h, 404, "Not Found");
}

static bool is_supported(const char *buf, struct stw_span tag)
{
	return stw_span_is(buf, tag, "path", 4) || stw_span_is(buf, tag, "outbound", 8) ||
	       stw_span_is(buf, tag, "gruu", 4);
}

/* s10.3 step 2: each option tag of Require that we lack is named in the answer. */
static bool require_ok(struct handling *h)
{
	struct stw_sip_line line;
	struct stw_span tag;
	bool ok = true;

	for (bool more = stw_sip_line_first(h->buf, h->m, &line); more;
	     more = stw_sip_line_next(h->buf, h->m, &line)) {
		if (line.header != STW_HDR_OTHER || !stw_sip_name_is(h->buf, line.name, "Require"))
			continue;
		while (stw_sip_token_next(h->buf, &line.value, &tag) == STW_OK)
			if (!is_supported(h->buf, tag)) {
				ok = false;
				stw_lines_add(h->out, "Unsupported: %.*s", tag.len,
					      h->buf + tag.off);
			}
	}
	return ok || say(h, 420, "Bad Extension");
}

/* --- authentication --- */

/* A retransmission gets the answer that the first had (s8.2.7), within the same few seconds. */
static bool challenge(struct handling *h, bool stale)
{
	struct stw_registrar *r = h->r;
	const uint64_t request = stw_siphash24(r->request_key, h->buf, h->m->len);
	char nonce[STW_NONCE_DIGITS];

	stw_nonce_make(r->keys[0], h->domain, h->now_s - h->now_s % NONCE_STEP_S, (uint32_t)request,
		       nonce);
	if (r->config.algorithms != STW_DIGESTS_MD5)
		stw_lines_challenge(h->out, h->domain, nonce, STW_DIGEST_SHA256, stale);
	if (r->config.algorithms != STW_DIGESTS_SHA256)
		stw_lines_challenge(h->out, h->domain, nonce, STW_DIGEST_MD5, stale);
	return say(h, 401, "Unauthorized");
}

static enum stw_nonce_age age_of(const struct handling *h, struct stw_str nonce)
{
	const struct stw_registrar *r = h->r;
	enum stw_nonce_age age = STW_NONCE_FORGED;

	for (size_t i = 0; i < r->n_keys && age == STW_NONCE_FORGED; i++)
		age = stw_nonce_age(r->keys[i], h->domain, h->now_s, r->config.nonce_ttl_s, nonce);
	return age;
}

/* Whether the address-of-record is that user's own. */
static bool is_user_of(struct stw_str username, const struct handling *h)
{
	return stw_str_equal(username, stw_str(h->name.p, h->name.len - h->domain.len - 1u));
}

/*
 * The hashes to compare with. Of a user that does not exist, or is somebody else, ones that nothing
 * equals: the work, and the answer, are the same.
 */
static bool hashes_of(const struct handling *h, struct stw_str username, struct stw_ha1 *out)
{
	char name[STW_SUBSCRIBER_NAME];
	const size_t len = username.len + 1u + h->domain.len;

	memset(out, 0, sizeof(*out));
	if (len > sizeof(name))
		return false;
	memcpy(name, username.p, username.len);
	name[username.len] = '@';
	memcpy(name + username.len + 1, h->domain.p, h->domain.len);
	return stw_subscriber_get(h->r->store, stw_str(name, len), out) == STW_OK;
}

static bool is_allowed_algorithm(const struct stw_registrar *r, enum stw_digest_algorithm a)
{
	return a == STW_DIGEST_MD5 ? r->config.algorithms != STW_DIGESTS_SHA256
				   : r->config.algorithms != STW_DIGESTS_MD5;
}

/*
 * RFC 7616 s3.4.6: what was signed is for this server. Only the host is compared: proxies change
 * the rest on the way (RFC 3261 s22.4 item 2 leaves the choice).
 */
static bool is_for_us(const struct handling *h, struct stw_str digest_uri)
{
	const struct stw_span value = {(uint16_t)(digest_uri.p - h->buf), digest_uri.len};
	struct stw_sip_uri a, b;

	return stw_sip_uri_parse(h->buf, value, &a) == STW_OK &&
	       stw_sip_uri_parse(h->buf, h->m->uri, &b) == STW_OK && a.host.len == b.host.len &&
	       strncasecmp(h->buf + a.host.off, h->buf + b.host.off, a.host.len) == 0;
}

/* s22, RFC 7616: who sends it; only then who may (s10.3 steps 3 and 4). */
static bool authenticated(struct handling *h)
{
	struct stw_registrar *r = h->r;
	struct stw_credentials c;
	struct stw_ha1 ha1;

	if (stw_credentials_read(h->buf, h->m, h->domain, &c) != STW_OK ||
	    !is_allowed_algorithm(r, c.algorithm)) {
		r->c.challenged++;
		return challenge(h, false);
	}
	const enum stw_nonce_age age = age_of(h, c.nonce);
	const bool exists = hashes_of(h, c.username, &ha1);

	if (!stw_credentials_right(&c, &ha1) || !exists || age == STW_NONCE_FORGED) {
		r->c.failed_authentication++;
		return challenge(h, false);
	}
	if (!is_for_us(h, c.uri)) {
		r->c.refused++;
		return say(h, 400, "Bad Request - Digest uri");
	}
	const uint64_t request = stw_siphash24(r->request_key, h->buf, h->m->len);
	if (age == STW_NONCE_STALE || !stw_nonce_use(r->uses, c.nonce, c.nc, request)) {
		r->c.replayed += age != STW_NONCE_STALE;
		return challenge(h, true);
	}
	h->out->known = true;
	if (is_user_of(c.username, h))
		return true;
	r->c.forbidden++;
	return say(h, 403, "Forbidden");
}

/* --- bindings --- */

static bool refused(struct handling *h, const struct stw_refusal *refusal)
{
	if (refusal->status == 423)
		stw_lines_add(h->out, "Min-Expires: %u", h->r->config.min_expires_s);
	h->r->c.refused++;
	return say(h, refusal->status, refusal->phrase);
}

static bool store_failed(struct handling *h)
{
	stw_store_abort(h->r->store);
	h->r->spoiled = true;
	stw_registrar_failed(h->r, h->out);
	return false;
}

static struct stw_registration_limits limits_of(const struct stw_registrar *r)
{
	return (struct stw_registration_limits){.min_expires_s = r->config.min_expires_s,
						.default_expires_s = r->config.default_expires_s,
						.max_expires_s = r->config.max_expires_s,
						.max_contacts = r->config.max_contacts};
}

static bool load(struct handling *h)
{
	struct stw_registrar *r = h->r;
	int err = stw_location_get(r->store, stw_str(r->reg.aor, r->reg.aor_len), &r->location);

	if (err == STW_EDIGEST || err == STW_EMALFORMED || err == STW_EVERSION) {
		r->c.damaged++;
		err = STW_OK;
	}
	if (!err)
		stw_record_expire(&r->location.record, h->now_s);
	return !err || store_failed(h);
}

static bool changed(struct handling *h)
{
	struct stw_registrar *r = h->r;
	const size_t before = stw_record_n_live(&r->location.record);
	const struct stw_registration_limits limits = limits_of(r);
	const struct stw_registration_at at = {.now_s = h->now_s,
					       .source = *h->source,
					       .listener = *h->listener};
	struct stw_refusal refusal;

	switch (stw_registration_apply(&r->reg, &at, &limits, &r->location.record, &refusal)) {
	case STW_APPLIED_REFUSED: return refused(h, &refusal);
	case STW_APPLIED_NOTHING: r->c.queried++; return true;
	case STW_APPLIED_CHANGE: break;
	}
	if (stw_record_n_live(&r->location.record) < before)
		r->c.removed++;
	else
		r->c.registered++;
	h->out->changed = true;
	return true;
}

/* Written before the store changes: the record's texts may lie in it. */
static bool write_answer(struct handling *h)
{
	struct stw_registrar *r = h->r;
	const struct stw_registration *reg = &r->reg;
	struct stw_registrar_answer *a = h->out;
	const struct stw_lines_gruu gruu = {&r->gruu_keys[0], stw_str(reg->aor, reg->aor_len),
					    &r->gruu_salt};
	bool ok = stw_lines_contacts(a, &r->location.record, h->now_s,
				     reg->has_gruu ? &gruu : NULL) &&
		  stw_lines_date(a) && stw_lines_add(a, "Supported: path, outbound, gruu");

	if (reg->path.len > 0 && reg->has_path_option)
		ok = ok && stw_lines_add(a, "Path: %.*s", reg->path.len, reg->path.p);
	if (reg->ends_outbound)
		ok = ok && stw_lines_add(a, "Require: outbound");
	if (r->config.service_route[0])
		ok = ok && stw_lines_add(a, "Service-Route: %s", r->config.service_route);
	say(h, 200, "OK");
	return ok || say(h, 500, "Answer Too Long");
}

static bool store(struct handling *h)
{
	struct stw_registrar *r = h->r;

	return !h->out->changed ||
	       stw_location_put(r->store, stw_str(r->reg.aor, r->reg.aor_len), &r->location) ==
		       STW_OK ||
	       store_failed(h);
}

static bool read_request(struct handling *h)
{
	const struct stw_registration_limits limits = limits_of(h->r);
	struct stw_refusal refusal;

	return stw_registration_read(h->buf, h->m, &limits, &h->r->reg, &refusal) ||
	       refused(h, &refusal);
}

/* RFC 5627 s5.2: what is reached by the address-of-record is not reached at it, nor at a GRUU. */
static bool is_loop(const struct handling *h, const struct stw_wish *w)
{
	const struct stw_registration *reg = &h->r->reg;
	struct stw_sip_uri uri;
	struct stw_span gr;
	char aor[STW_AOR_BYTES];
	size_t len;

	if (w->instance.len == 0 || w->expires_s == 0 ||
	    stw_sip_uri_parse(w->uri.p, (struct stw_span){0, w->uri.len}, &uri) != STW_OK ||
	    !is_domain(h->r, stw_str(w->uri.p + uri.host.off, uri.host.len)))
		return false;
	if (stw_sip_param_find(w->uri.p, uri.params, "gr", 2, &gr) == STW_OK)
		return true;
	return stw_sip_uri_aor(w->uri.p, &uri, aor, sizeof(aor), &len) == STW_OK &&
	       stw_str_equal(stw_str(aor, len), stw_str(reg->aor, reg->aor_len));
}

static bool no_loops(struct handling *h)
{
	const struct stw_refusal refusal = {403, "Contact Is Ourselves"};

	for (size_t i = 0; i < h->r->reg.n; i++)
		if (is_loop(h, &h->r->reg.wish[i]))
			return refused(h, &refusal);
	return true;
}

/* The address-of-record first, because its domain is the realm; what else the request says matters
 * only once the sender is known. */
static bool read_identity(struct handling *h)
{
	struct stw_refusal refusal;

	return stw_registration_read_aor(h->buf, h->m, &h->r->reg, &refusal) ||
	       refused(h, &refusal);
}

void stw_registrar_handle(struct stw_registrar *r, const char *buf, const struct stw_sip_msg *m,
			  const struct stw_endpoint *source, const struct stw_endpoint *listener,
			  struct stw_registrar_answer *out)
{
	struct handling h = {.r = r,
			     .buf = buf,
			     .m = m,
			     .source = source,
			     .listener = listener,
			     .out = out,
			     .now_s = stw_clock_s(&r->clock)};

	out->status = out->retry_after_s = 0;
	out->known = out->changed = false;
	out->len = 0;
	if (read_identity(&h) && find_name(&h) && require_ok(&h) &&
	    (!r->config.authenticate || authenticated(&h)) && read_request(&h) && no_loops(&h) &&
	    load(&h) && changed(&h) && write_answer(&h))
		store(&h);
}

/* What lasts is told, as it stands in the store. */
static void tell_changes(struct stw_registrar *r, bool lasts)
{
	struct stw_str aor;
	size_t at = 0;

	if (r->changed && lasts && r->changes.lost)
		r->changed(r->changed_ctx, stw_str("", 0), NULL);
	else
		while (r->changed && lasts && stw_changes_next(&r->changes, &at, &aor)) {
			stw_location_get(r->store, aor, &r->location);
			r->changed(r->changed_ctx, aor, &r->location.record);
		}
	stw_changes_clear(&r->changes);
}

void stw_registrar_watch(struct stw_registrar *r, stw_registrar_changed_fn *tell, void *ctx)
{
	r->changed = tell;
	r->changed_ctx = ctx;
	r->store->changes = tell ? &r->changes : NULL;
}

int stw_registrar_commit(struct stw_registrar *r)
{
	int err = stw_store_commit(r->store);

	/* The store's word: of a spoiled change what came before it was undone, what came after
	 * lasts. */
	tell_changes(r, err == STW_OK);

	if (!err && r->spoiled)
		err = STW_EIO;
	r->spoiled = false;
	if (err && !r->broken)
		stw_error("registrar: the store cannot be written (%s): REGISTERs are answered 503 "
			  "until it can; bindings made before stay",
			  stw_err_text(err));
	else if (!err && r->broken)
		stw_info("registrar: the store can be written again");
	r->broken = err != STW_OK;
	return err;
}

void stw_registrar_failed(struct stw_registrar *r, struct stw_registrar_answer *out)
{
	r->c.store_failed++;
	out->status = 503;
	out->phrase = "Service Unavailable";
	out->retry_after_s = RETRY_AFTER_S;
	out->changed = false;
	out->len = 0;
}

static void keep_clock(struct stw_registrar *r)
{
	const struct stw_clock_mark mark = stw_clock_mark_now(&r->clock);

	stw_store_put(r->store, STW_TABLE_META,
		      (struct stw_store_value){MARK_KEY, sizeof(MARK_KEY) - 1},
		      (struct stw_store_value){&mark, sizeof(mark)});
}

bool stw_registrar_tick(struct stw_registrar *r)
{
	uint64_t n = 0;
	int err = stw_location_expire(r->store, stw_clock_s(&r->clock), EXPIRE_A_TURN, &n);

	if (err != STW_OK && err != STW_EAGAIN) {
		stw_store_abort(r->store);
		return false;
	}
	if (n > 0)
		keep_clock(r);
	if (stw_registrar_commit(r) != STW_OK)
		return false;
	r->c.expired += n;
	return err == STW_EAGAIN;
}

/* --- start and stop --- */

static int copy_domains(const struct stw_model *m, struct stw_model_registrar *out)
{
	*out = m->registrar;
	out->domains = calloc(m->registrar.n_domains + 1, sizeof(*out->domains));
	if (!out->domains)
		return STW_ENOMEM;
	memcpy(out->domains, m->registrar.domains, m->registrar.n_domains * sizeof(*out->domains));
	return STW_OK;
}

int stw_registrar_configure(struct stw_registrar *r, const struct stw_model *m)
{
	struct stw_model_registrar fresh;
	int err = copy_domains(m, &fresh);

	if (err)
		return err;
	free(r->config.domains);
	r->config = fresh;
	r->n_keys = m->n_secrets;
	for (size_t i = 0; i < m->n_secrets; i++) {
		r->keys[i] = stw_nonce_key(m->secrets[i].key);
		r->gruu_keys[i] = stw_gruu_key(m->secrets[i].key);
	}
	return STW_OK;
}

static void start_clock(struct stw_registrar *r)
{
	struct stw_clock_mark mark;
	struct stw_store_value v;
	bool has = stw_store_get(r->store, STW_TABLE_META,
				 (struct stw_store_value){MARK_KEY, sizeof(MARK_KEY) - 1},
				 &v) == STW_OK &&
		   v.len == sizeof(mark);

	if (has)
		memcpy(&mark, v.p, sizeof(mark));
	stw_clock_start(&r->clock, has ? &mark : NULL);
	keep_clock(r);
}

static int start(struct stw_registrar *r, const struct stw_model *m, char *reason,
		 size_t reason_len)
{
	const struct stw_store_options options = {.max_bytes = (uint64_t)m->registrar.store_mb
							       << 20,
						  .relaxed = m->registrar.durability ==
							     STW_DURABILITY_RELAXED};

	if (getrandom(&r->request_key, sizeof(r->request_key), 0) != sizeof(r->request_key) ||
	    getrandom(&r->gruu_salt, sizeof(r->gruu_salt), 0) != sizeof(r->gruu_salt))
		return STW_EIO;
	r->uses = stw_nonce_uses_new(NONCE_USES);
	if (!r->uses || stw_registrar_configure(r, m) != STW_OK)
		return STW_ENOMEM;
	char dir[160];

	snprintf(dir, sizeof(dir), "%s%s", *m->registrar.store ? m->registrar.store : m->state_dir,
		 *m->registrar.store ? "" : "/location");
	int err = stw_store_open_lmdb(dir, &options, reason, reason_len, &r->store);

	if (err)
		return err;
	start_clock(r);
	return stw_registrar_commit(r);
}

int stw_registrar_new(const struct stw_model *m, char *reason, size_t reason_len,
		      struct stw_registrar **out)
{
	struct stw_registrar *r = calloc(1, sizeof(*r));
	int err = r ? start(r, m, reason, reason_len) : STW_ENOMEM;

	if (err) {
		stw_registrar_free(r);
		return err;
	}
	*out = r;
	return STW_OK;
}

struct stw_store *stw_registrar_store(struct stw_registrar *r)
{
	return r->store;
}

const struct stw_registrar_counters *stw_registrar_counters(const struct stw_registrar *r)
{
	return &r->c;
}

const struct stw_gruu_key *stw_registrar_gruu_keys(const struct stw_registrar *r, size_t *n)
{
	*n = r->n_keys;
	return r->gruu_keys;
}

struct stw_clock *stw_registrar_clock(struct stw_registrar *r)
{
	return &r->clock;
}

void stw_registrar_free(struct stw_registrar *r)
{
	if (!r)
		return;
	if (r->store) {
		keep_clock(r);
		stw_store_commit(r->store);
	}
	stw_store_close(r->store);
	stw_changes_fini(&r->changes);
	stw_nonce_uses_free(r->uses);
	free(r->config.domains);
	free(r);
}
