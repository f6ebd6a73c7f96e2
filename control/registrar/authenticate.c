/* SPDX-License-Identifier: BSD-3-Clause */

/* Who sends a REGISTER (RFC 3261 s22, RFC 7616), and how many. */

#include <string.h>

#include <strowger/errors.h>

#include "control/registrar/internal.h"
#include "control/registrar/subscribers.h"

#define NONCE_STEP_S 16u
#define SECOND_US    1000000u

static uint64_t request_id(const struct stw_handling *h)
{
	return stw_siphash13(h->r->request_key, h->buf, h->m->len);
}

/*
 * What tells a retransmission from another request: all but the credentials. Who is challenged
 * twice may sign the same request twice (sipp does, when a challenge was slow to come and was asked
 * for again), with another cnonce and the same count; by s17.2.3 it is one transaction.
 */
static uint64_t signed_id(const struct stw_handling *h, const struct stw_credentials *c)
{
	const size_t end = c->value.off + (size_t)c->value.len;
	struct stw_sipkey key = h->r->request_key;

	key.k0 ^= stw_siphash13(key, h->buf, c->value.off);
	return stw_siphash13(key, h->buf + end, h->m->len - end);
}

/* A retransmission gets the answer that the first had (s8.2.7), within the same few seconds. */
static bool challenge(struct stw_handling *h, bool stale)
{
	struct stw_registrar *r = h->r;
	char nonce[STW_NONCE_DIGITS];

	stw_nonce_make(r->keys[0], h->domain, &h->source->ip, h->now_s - h->now_s % NONCE_STEP_S,
		       request_id(h), nonce);
	if (r->config.algorithms != STW_DIGESTS_MD5)
		stw_lines_challenge(h->out, h->domain, nonce, STW_DIGEST_SHA256, stale);
	if (r->config.algorithms != STW_DIGESTS_SHA256)
		stw_lines_challenge(h->out, h->domain, nonce, STW_DIGEST_MD5, stale);
	return stw_say(h, 401, "Unauthorized");
}

/* @param proven  the nonce was sent where this comes from */
static enum stw_nonce_age age_of(const struct stw_handling *h, struct stw_str text,
				 struct stw_nonce *nonce, bool *proven)
{
	const struct stw_registrar *r = h->r;
	enum stw_nonce_age age = STW_NONCE_FORGED;

	*proven = false;
	if (!stw_nonce_read(text, nonce))
		return STW_NONCE_FORGED;
	stw_nonce_uses_prefetch(r->uses, nonce->sum); /* looked at when the password was right */
	for (size_t i = 0; i < r->n_keys && age == STW_NONCE_FORGED; i++) {
		age = stw_nonce_age(r->keys[i], h->domain, h->now_s, r->config.nonce_ttl_s, nonce);
		*proven = age == STW_NONCE_FRESH &&
			  stw_nonce_is_of(r->keys[i], &h->source->ip, nonce);
	}
	return age;
}

/* --- limits --- */

/* RFC 3261 s21.5.4. @return false */
static bool limited(struct stw_handling *h, uint64_t *counter)
{
	(*counter)++;
	h->out->retry_after_s = STW_REGISTRAR_RETRY_S;
	return stw_say(h, 503, "Too Many Registrations");
}

/* One more REGISTER of its source. */
bool stw_within_rate(struct stw_handling *h, bool proven)
{
	struct stw_registrar *r = h->r;

	return stw_sources_take(r->sources, &h->source->ip,
				proven ? STW_SOURCE_PROVEN : STW_SOURCE_STRANGER,
				r->config.source_rate, SECOND_US, h->now_us) ||
	       stw_exempt_has(&r->exempt, &h->source->ip) || limited(h, &r->c.limited);
}

/* Before the password is looked at: guessing ends here. */
static bool may_fail(struct stw_handling *h)
{
	struct stw_registrar *r = h->r;

	return stw_sources_has(r->sources, &h->source->ip, STW_SOURCE_FAILED,
			       r->config.source_failures, 60u * SECOND_US, h->now_us) ||
	       stw_exempt_has(&r->exempt, &h->source->ip) || limited(h, &r->c.limited_failures);
}

static bool failed(struct stw_handling *h, bool proven)
{
	struct stw_registrar *r = h->r;

	r->c.failed_authentication++;
	if (proven)
		stw_sources_take(r->sources, &h->source->ip, STW_SOURCE_FAILED,
				 r->config.source_failures, 60u * SECOND_US, h->now_us);
	return challenge(h, false);
}

/* Whether the address-of-record is that user's own. */
static bool is_user_of(struct stw_str username, const struct stw_handling *h)
{
	return stw_str_equal(username, stw_str(h->name.p, h->name.len - h->domain.len - 1u));
}

/*
 * The hashes to compare with. Of a user that does not exist, or is somebody else, ones that nothing
 * equals: the work, and the answer, are the same.
 *
 * @return STW_OK, STW_EIO (the store failed), others: there is nobody of that name
 */
static int hashes_of(const struct stw_handling *h, struct stw_str username, struct stw_ha1 *out)
{
	char name[STW_SUBSCRIBER_NAME];
	const size_t len = username.len + 1u + h->domain.len;

	memset(out, 0, sizeof(*out));
	if (len > sizeof(name))
		return STW_ENOENT;
	memcpy(name, username.p, username.len);
	name[username.len] = '@';
	memcpy(name + username.len + 1, h->domain.p, h->domain.len);
	return stw_subscriber_get(h->r->store, stw_str(name, len), out);
}

static bool is_allowed_algorithm(const struct stw_registrar *r, enum stw_digest_algorithm a)
{
	return a == STW_DIGEST_MD5 ? r->config.algorithms != STW_DIGESTS_SHA256
				   : r->config.algorithms != STW_DIGESTS_MD5;
}

/*
 * RFC 7616 s3.4.6: what was signed is for this server: the host of the Request-URI, a domain of
 * ours, or the address it was sent to, which sipp names. The rest changes on the way (RFC 3261
 * s22.4 item 2 leaves the choice).
 */
static bool is_for_us(const struct stw_handling *h, struct stw_str digest_uri)
{
	const struct stw_span value = {(uint16_t)(digest_uri.p - h->buf), digest_uri.len};
	struct stw_sip_uri a, b;

	/* As it was sent, which is the usual thing. */
	if (stw_str_equal(digest_uri, stw_str(h->buf + h->m->uri.off, h->m->uri.len)))
		return true;
	if (stw_sip_uri_parse(h->buf, value, &a) != STW_OK)
		return false;
	const struct stw_str host = stw_str(h->buf + a.host.off, a.host.len);

	if (stw_registrar_has_domain(h->r, host) ||
	    (a.host_is_ip && stw_ip_equal(&a.ip, &h->listener->ip)))
		return true;
	return stw_sip_uri_parse(h->buf, h->m->uri, &b) == STW_OK && host.len == b.host.len &&
	       strncasecmp(host.p, h->buf + b.host.off, host.len) == 0;
}

/* s22, RFC 7616: who sends it; only then who may (s10.3 steps 3 and 4). */
bool stw_authenticated(struct stw_handling *h)
{
	struct stw_registrar *r = h->r;
	struct stw_credentials c;
	struct stw_ha1 ha1;

	if (stw_credentials_read(&h->lines, h->domain, &c) != STW_OK ||
	    !is_allowed_algorithm(r, c.algorithm)) {
		if (!stw_within_rate(h, false))
			return false;
		r->c.challenged++;
		return challenge(h, false);
	}
	struct stw_nonce nonce;
	bool proven;
	const enum stw_nonce_age age = age_of(h, c.nonce, &nonce, &proven);

	if (!stw_within_rate(h, proven) || (proven && !may_fail(h)))
		return false;
	const int err = hashes_of(h, c.username, &ha1);

	if (err == STW_EIO)
		return stw_store_failed(h, err);
	if (!stw_credentials_right(&c, &ha1) || err || age == STW_NONCE_FORGED)
		return failed(h, proven);
	if (!is_for_us(h, c.uri)) {
		r->c.refused++;
		return stw_say(h, 400, "Bad Request - Digest uri");
	}
	if (age == STW_NONCE_STALE || !stw_nonce_use(r->uses, nonce.sum, c.nc, signed_id(h, &c))) {
		r->c.replayed += age != STW_NONCE_STALE;
		return challenge(h, true);
	}
	h->out->known = true;
	if (is_user_of(c.username, h))
		return true;
	r->c.forbidden++;
	return stw_say(h, 403, "Forbidden");
}
