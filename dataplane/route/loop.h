/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The second part of our branch (RFC 3261 s16.6 item 8, RFC 5393 s4.2): a digest of all that made
 * us route a request as we did. When it comes back and the digest is the same it has looped, when
 * something has changed it is a spiral and goes on.
 *
 * The digest covers the Request-URI as received, the Route values used, the Call-ID, and whether
 * the sender is one whose Route we obey: a request from outside that a member sends on unchanged is
 * the commonest spiral of all. It does not cover the method, as CANCEL and ACK share the branch of
 * their INVITE. It is keyed by way of the Call-ID's hash, but no MAC: whoever forges one earns a
 * 482 for himself.
 */

#include "dataplane/route/decide.h"

/* Folded multiplication: sixteen bytes a step, which is all this needs. */
static inline uint64_t stw_loop_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t stw_loop_step(uint64_t h, const char *p)
{
	uint64_t word[2];

	memcpy(word, p, sizeof(word));
	return stw_loop_fold(h ^ word[0], word[1] ^ 0x9e3779b97f4a7c15u);
}

static inline uint64_t stw_loop_bytes(uint64_t h, const char *p, size_t len)
{
	char last[16] = {0};

	h = stw_loop_fold(h ^ len, 0xd6e8feb86659fd93u);
	if (len < sizeof(last)) {
		memcpy(last, p, len);
		return stw_loop_step(h, last);
	}
	for (size_t i = 0; i + sizeof(last) < len; i += sizeof(last))
		h = stw_loop_step(h, p + i);
	return stw_loop_step(h, p + len - sizeof(last));
}

/* A piece of the message, mostly by a sum that has no loop and no branch on its length (nh.h): its
 * keys are no secret, as the digest is none. */
static inline uint64_t stw_loop_text(uint64_t h, const struct stw_decision *d, struct stw_span text)
{
	static const uint64_t keys[STW_NH_WINDOW / 8] = {
		0x243f6a8885a308d3u, 0x13198a2e03707344u, 0xa4093822299f31d0u, 0x082efa98ec4e6c89u,
		0x452821e638d01377u, 0xbe5466cf34e90c6cu, 0xc0ac29b7c97c50ddu, 0x3f84d5b5b5470917u,
	};
	const char *p = d->buf + text.off;
	bool readable = text.off + STW_NH_WINDOW <= stw_sip_readable(d->m);
	stw_nh_sum sum;

	/* By its length alone: the same text must have the same digest wherever it stands. */
	if (text.len > STW_NH_WINDOW)
		return stw_loop_bytes(h, p, text.len);
	sum = stw_nh_text(keys, NULL, STW_NH_WINDOW, p, text.len, readable);
	h = stw_loop_fold(h ^ text.len, 0xd6e8feb86659fd93u);
	return stw_loop_fold(h ^ (uint64_t)sum, (uint64_t)(sum >> 64) ^ 0x9e3779b97f4a7c15u);
}

/**
 * The digest of a request whose Route was read and whose sender is known.
 *
 * @param call_hash  by the secret that makes its branch
 */
static inline uint32_t stw_loop_digest(const struct stw_decision *d,
				       const struct stw_routes *routes, uint64_t call_hash)
{
	const struct stw_verdict *v = d->v;
	uint64_t h = call_hash ^ (uint64_t)d->obeyed << 8 ^ d->t->listeners[v->listener_in].mark;

	h = stw_loop_text(h, d, d->m->uri);
	if (routes->target.off != d->m->uri.off)
		h = stw_loop_text(h, d, routes->target);
	if (routes->has_cookie)
		h = stw_loop_bytes(h, routes->cookie, STW_COOKIE_DIGITS);
	if (routes->flow.len > 0)
		h = stw_loop_text(h, d, routes->flow);
	return (uint32_t)(h >> 32);
}

/**
 * Did this very request pass here before, with nothing changed? Looks at the Vias below the first.
 *
 * @param digest  stw_loop_digest() of it
 */
bool stw_loop_found(const struct stw_decision *d, uint32_t digest);
