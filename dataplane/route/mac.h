/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The three short MACs that let a stateless proxy recognise its own words: the cookie in our
 * Record-Route, the branch of our Via, the To tag of our answers. Each names the secret it was made
 * with; the first secret signs, all verify. Comparisons take the same time whatever differs.
 *
 * Each is SipHash-1-3, cut to 48 or 60 bits, of the NH sum (nh.h) of what it covers: a
 * pseudo-random function of an almost universal hash is itself one, but for the chance that two of
 * n inputs have the same sum, n^2 / 2^65. Cookie, branch and tag are SipHash under keys of their
 * own, so that one kind is never taken for another. The digits of a MAC give an outsider one chance
 * in 2^48.
 *
 * Why the branch covers what it covers (RFC 3261 s16.11): it must be equal for a retransmission,
 * and for an INVITE, its CANCEL and the ACK to its non-2xx answer, so of the fields the RFC
 * suggests for peers without the z9hG4bK cookie the To tag (the ACK has one) and the Request-URI
 * are left out; and it must be recomputable from the response, where the previous Via is the next
 * one. It covers where the response will go (received, rport, sent-by), which is what nobody may
 * forge.
 */

#include <strowger/sip.h>

#include "dataplane/route/hex.h"
#include "dataplane/table/tables.h"

#define STW_COOKIE_DIGITS 24u /* key id 1, member id 8, MAC 15 */
#define STW_COOKIE_NOBODY 0u  /* in place of a member's id: a dialog without one */
#define STW_BRANCH_DIGITS 24u /* key id 1, flags 1, mark of the listener 2, MAC 12; loop 8 */
#define STW_TAG_DIGITS	  16u /* key id 1, MAC 15 */

/* Of a branch: what a response must prove. The digest behind it (loop.h) is for requests. */
#define STW_BRANCH_MAC_DIGITS 16u

#define STW_MAGIC	      "z9hG4bK" /* RFC 3261 s8.1.1.7 */
#define STW_MAGIC_LEN	      7u

#define STW_MAC60	      0x0fffffffffffffffu
#define STW_MAC48	      0x0000ffffffffffffu

/* Flags of a branch. */
#define STW_BRANCH_TO_MEMBER \
	1u /* the request went to a member: so the response must come from one */
#define STW_BRANCH_OF_CONTROL \
	2u /* control asked by itself: there is no Via before ours, the response is its own */

/* The SipHash of a sum under the key of @state. */
static inline uint64_t stw_mac_of(const struct stw_siphash *state, stw_nh_sum sum)
{
	struct stw_siphash s = *state;

	stw_siphash_word(&s, (uint64_t)sum, 1);
	stw_siphash_word(&s, (uint64_t)(sum >> 64), 1);
	return stw_siphash_end(&s, 3);
}

/* The sum of a piece of the message. */
static inline stw_nh_sum stw_mac_text(const struct stw_secret *secret, const uint64_t *key,
				      size_t window, const char *buf, const struct stw_sip_msg *m,
				      struct stw_span text)
{
	return stw_nh_text(key, secret->beyond, window, buf + text.off, text.len,
			   text.off + window <= stw_sip_readable(m));
}

/** The Call-ID's part of all these sums; stw_nh_spread() of it spreads new calls. */
static inline stw_nh_sum stw_call_sum(const struct stw_secret *secret, const char *buf,
				      const struct stw_sip_msg *m)
{
	struct stw_span id = m->value[STW_HDR_CALL_ID];

	return stw_mac_text(secret, secret->nh.call, sizeof(secret->nh.call), buf, m, id) +
	       stw_nh_pair(secret->nh.call_len, id.len, 0);
}

/** MAC of a cookie: @member_id may be told by whoever holds this dialog's Call-ID. */
static inline uint64_t stw_cookie_mac(const struct stw_secret *secret, uint32_t member_id,
				      stw_nh_sum call)
{
	return stw_mac_of(&secret->cookie, call + stw_nh_pair(secret->nh.member, member_id, 0)) &
	       STW_MAC60;
}

/** Write a cookie's STW_COOKIE_DIGITS. */
static inline void stw_cookie_put(char *out, const struct stw_secret *secret, uint32_t member_id,
				  stw_nh_sum call)
{
	uint64_t mac = stw_cookie_mac(secret, member_id, call);

	stw_hex_put64(out, (uint64_t)secret->id << 60 | (uint64_t)member_id << 28 | mac >> 32);
	stw_hex_put32(out + 16, (uint32_t)mac);
}

/** Split a cookie of STW_COOKIE_DIGITS digits. @return false when it is not one in form */
static inline bool stw_cookie_get(const char *in, uint8_t *key_id, uint32_t *member_id,
				  uint64_t *mac)
{
	uint64_t head;
	uint32_t tail;

	if (!stw_hex_get64(in, &head) || !stw_hex_get32(in + 16, &tail))
		return false;
	*key_id = (uint8_t)(head >> 60);
	*member_id = (uint32_t)(head >> 28);
	*mac = (head & 0x0fffffffu) << 32 | tail;
	return true;
}

/* What a branch vouches for: the previous Via as the next hop will read it. */
struct stw_branch_input {
	const char *buf;
	const struct stw_sip_msg *m;
	const struct stw_sip_via *via; /* the previous Via: host, port, branch */
	const struct stw_ip *received; /* as after our edit, NULL: none */
	uint16_t rport;		       /* as after our edit, 0: none */
	stw_nh_sum call;	       /* with the same secret */
	uint32_t head;		       /* stw_branch_head() */
};

/** Flags and mark of a branch, as it holds them before its MAC. */
static inline uint32_t stw_branch_head(uint8_t flags, uint8_t mark)
{
	return (uint32_t)flags << 8 | mark;
}

/* A peer without the magic cookie promises nothing about its branch: take the From tag as well. */
static inline struct stw_span stw_branch_from_tag(const struct stw_branch_input *in)
{
	struct stw_span branch = in->via->branch, none = {0, 0};

	return branch.len > STW_MAGIC_LEN &&
			       memcmp(in->buf + branch.off, STW_MAGIC, STW_MAGIC_LEN) == 0
		       ? none
		       : in->m->from_tag;
}

/** MAC of a branch, 48 bits. Inline, so that @in is never stored and waited for. */
__attribute__((always_inline)) static inline uint64_t
stw_branch_mac(const struct stw_secret *secret, const struct stw_branch_input *in)
{
	struct stw_span host = in->via->host, branch = in->via->branch;
	struct stw_span tag = stw_branch_from_tag(in);
	const struct stw_nh_keys *nh = &secret->nh;
	static const struct stw_ip none;
	const struct stw_ip *ip = in->received != NULL ? in->received : &none;
	uint64_t lengths = (uint64_t)branch.len << 32 | (uint64_t)tag.len << 16 | host.len;
	uint64_t ports = (uint64_t)in->via->port << 16 | in->rport;
	uint64_t told = (uint64_t)in->head << 8 | (in->received != NULL);
	stw_nh_sum sum = in->call;

	sum += stw_mac_text(secret, nh->branch, sizeof(nh->branch), in->buf, in->m, branch);
	sum += stw_mac_text(secret, nh->host, sizeof(nh->host), in->buf, in->m, host);
	if (tag.len > 0)
		sum += stw_mac_text(secret, nh->tag, sizeof(nh->tag), in->buf, in->m, tag);
	sum += stw_nh_pair(nh->fields, lengths, told);
	sum += stw_nh_pair(nh->fields + 2, ports, in->m->cseq);
	sum += stw_nh_pair(nh->fields + 4, stw_nh_load(ip->b), stw_nh_load(ip->b + 8));
	return stw_mac_of(&secret->branch, sum) & STW_MAC48;
}

/** The branch, its first 64 bits. */
__attribute__((always_inline)) static inline uint64_t
stw_branch_make(const struct stw_secret *secret, const struct stw_branch_input *in)
{
	return (uint64_t)secret->id << 60 | (uint64_t)in->head << 48 | stw_branch_mac(secret, in);
}

/** The branch of a request that control makes itself, a health probe. Of @m: Call-ID and CSeq. */
static inline uint64_t stw_branch_of_control(const struct stw_secret *secret, const char *buf,
					     const struct stw_sip_msg *m, stw_nh_sum call)
{
	static const struct stw_sip_via none;
	const struct stw_branch_input in = {
		.buf = buf,
		.m = m,
		.via = &none,
		.call = call,
		.head = stw_branch_head(STW_BRANCH_OF_CONTROL | STW_BRANCH_TO_MEMBER, 0),
	};

	return stw_branch_make(secret, &in);
}

static inline uint8_t stw_branch_key_id(uint64_t branch)
{
	return (uint8_t)(branch >> 60);
}

static inline uint8_t stw_branch_flags(uint64_t branch)
{
	return branch >> 56 & 0xf;
}

static inline uint8_t stw_branch_mark(uint64_t branch)
{
	return branch >> 48 & 0xff;
}

/**
 * The To tag of an answer of ours: of what the request, its retransmissions and the ACK to the
 * answer share (s8.2.7: it must not be random; s17.1.1.3).
 *
 * @param call  with the same secret
 */
static inline uint64_t stw_tag_make(const struct stw_secret *secret, const char *buf,
				    const struct stw_sip_msg *m, const struct stw_sip_via *via,
				    stw_nh_sum call)
{
	const struct stw_nh_keys *nh = &secret->nh;
	struct stw_span branch = via->branch, from_tag = m->from_tag;
	stw_nh_sum sum = call;

	/* the parser keeps no parts of what it rejects */
	if (m->reject != STW_SIP_ACCEPTED &&
	    stw_sip_tag_find(buf, m->value[STW_HDR_FROM], &from_tag) != STW_OK)
		from_tag = (struct stw_span){0, 0};
	sum += stw_mac_text(secret, nh->branch, sizeof(nh->branch), buf, m, branch);
	sum += stw_mac_text(secret, nh->tag, sizeof(nh->tag), buf, m, from_tag);
	sum += stw_nh_pair(nh->fields, (uint64_t)branch.len << 32 | from_tag.len, m->cseq);
	return (uint64_t)secret->id << 60 | (stw_mac_of(&secret->tag, sum) & STW_MAC60);
}
