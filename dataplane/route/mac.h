/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The three short MACs that let a stateless proxy recognise its own words: the cookie in our
 * Record-Route, the branch of our Via, the To tag of our answers. Each names the secret it was made
 * with; the first secret signs, all verify. Comparisons take the same time whatever differs.
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
#define STW_BRANCH_DIGITS 24u /* key id 1, flags 1, mark of the listener 2, MAC 12; loop 8 */
#define STW_TAG_DIGITS	  16u /* key id 1, MAC 15 */

/* Of a branch: what a response must prove. The digest behind it (loop.h) is for requests. */
#define STW_BRANCH_MAC_DIGITS 16u

#define STW_MAGIC	      "z9hG4bK" /* RFC 3261 s8.1.1.7 */
#define STW_MAGIC_LEN	      7u

/* Domains: the first word of each sum, so that one kind is never taken for another. */
enum stw_mac_domain { STW_MAC_COOKIE = 1, STW_MAC_BRANCH = 2, STW_MAC_TAG = 3 };

#define STW_MAC60 0x0fffffffffffffffu
#define STW_MAC48 0x0000ffffffffffffu

/* Flags of a branch. */
#define STW_BRANCH_TO_MEMBER \
	1u /* the request went to a member: so the response must come from one */

/** Keyed hash of a message's Call-ID: spreads new calls, and stands for the Call-ID in the MACs. */
static inline uint64_t stw_call_hash(const struct stw_secret *secret, const char *buf,
				     const struct stw_sip_msg *m)
{
	struct stw_span id = m->value[STW_HDR_CALL_ID];
	struct stw_siphash s = secret->call;

	stw_siphash_bytes(&s, buf + id.off, id.len, 1);
	return stw_siphash_end(&s, 3);
}

/** MAC of a cookie: @member_id may be told by whoever holds this dialog's Call-ID. */
static inline uint64_t stw_cookie_mac(const struct stw_secret *secret, uint32_t member_id,
				      uint64_t call_hash)
{
	struct stw_siphash s = secret->sign;

	stw_siphash_word(&s, (uint64_t)STW_MAC_COOKIE << 56 | member_id, 1);
	stw_siphash_word(&s, call_hash, 1);
	return stw_siphash_end(&s, 3) & STW_MAC60;
}

/** Write a cookie's STW_COOKIE_DIGITS. */
static inline void stw_cookie_put(char *out, const struct stw_secret *secret, uint32_t member_id,
				  uint64_t call_hash)
{
	uint64_t mac = stw_cookie_mac(secret, member_id, call_hash);

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
	uint64_t call_hash;	       /* with the same secret */
	uint8_t flags;
	uint8_t mark;
};

/* A peer without the magic cookie promises nothing about its branch: take the From tag as well. */
static inline struct stw_span stw_branch_from_tag(const struct stw_branch_input *in)
{
	struct stw_span branch = in->via->branch, tag = {0, 0};

	if (branch.len > STW_MAGIC_LEN &&
	    memcmp(in->buf + branch.off, STW_MAGIC, STW_MAGIC_LEN) == 0)
		return tag;
	if (stw_sip_tag_find(in->buf, in->m->value[STW_HDR_FROM], &tag) != STW_OK)
		tag = (struct stw_span){0, 0};
	return tag;
}

/** The branch, its first 64 bits. */
static inline uint64_t stw_branch_make(const struct stw_secret *secret,
				       const struct stw_branch_input *in)
{
	struct stw_siphash s = secret->sign;
	struct stw_span host = in->via->host, branch = in->via->branch;
	struct stw_span tag = stw_branch_from_tag(in);
	uint64_t head = (uint64_t)STW_MAC_BRANCH << 56 | (uint64_t)in->flags << 52 |
			(uint64_t)in->mark << 40 | (uint64_t)branch.len << 16 | host.len;
	uint64_t ip[2] = {0, 0};

	if (in->received != NULL) {
		memcpy(ip, in->received, sizeof(ip));
		head |= 1ull << 48;
	}
	/* ip[0] is 0 of each IPv4 address: then, and without received, bit 49 stands for it */
	if (ip[0] != 0)
		head |= 1ull << 49;
	if (tag.len > 0)
		head |= 1ull << 50;
	stw_siphash_word(&s, head, 1);
	stw_siphash_word(&s,
			 (uint64_t)in->via->port << 48 | (uint64_t)in->rport << 32 | in->m->cseq,
			 1);
	stw_siphash_word(&s, ip[1], 1);
	if (ip[0] != 0)
		stw_siphash_word(&s, ip[0], 1);
	stw_siphash_bytes(&s, in->buf + branch.off, branch.len, 1);
	stw_siphash_bytes(&s, in->buf + host.off, host.len, 1);
	if (tag.len > 0)
		stw_siphash_bytes(&s, in->buf + tag.off, tag.len, 1);
	stw_siphash_word(&s, in->call_hash, 1);
	return (uint64_t)secret->id << 60 | (uint64_t)in->flags << 56 | (uint64_t)in->mark << 48 |
	       (stw_siphash_end(&s, 3) & STW_MAC48);
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
 * @param call_hash  with the same secret
 */
static inline uint64_t stw_tag_make(const struct stw_secret *secret, const char *buf,
				    const struct stw_sip_msg *m, const struct stw_sip_via *via,
				    uint64_t call_hash)
{
	struct stw_siphash s = secret->sign;
	struct stw_span from_tag;

	if (stw_sip_tag_find(buf, m->value[STW_HDR_FROM], &from_tag) != STW_OK)
		from_tag = (struct stw_span){0, 0};
	stw_siphash_word(&s, (uint64_t)STW_MAC_TAG << 56 | m->cseq, 1);
	stw_siphash_word(&s, (uint64_t)via->branch.len << 16 | from_tag.len, 1);
	stw_siphash_bytes(&s, buf + via->branch.off, via->branch.len, 1);
	stw_siphash_bytes(&s, buf + from_tag.off, from_tag.len, 1);
	stw_siphash_word(&s, call_hash, 1);
	return (uint64_t)secret->id << 60 | (stw_siphash_end(&s, 3) & STW_MAC60);
}
