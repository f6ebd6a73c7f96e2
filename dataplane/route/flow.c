/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/flow.h"

#define HEAD_DIGITS 16u
#define MAC_DIGITS  16u
#define IPV6_DIGITS 24u
#define IS_IPV6	    8u

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void put_be32(uint8_t *b, uint32_t x)
{
	for (int i = 3; i >= 0; i--, x >>= 8)
		b[i] = (uint8_t)x;
}

/* The first sixteen digits. */
static uint64_t head_of(uint8_t key_id, uint8_t mark, const struct stw_endpoint *peer)
{
	uint64_t kind = peer->transport | (stw_ip_is_v4(&peer->ip) ? 0 : IS_IPV6);

	return (uint64_t)key_id << 60 | kind << 56 | (uint64_t)mark << 48 |
	       (uint64_t)peer->port << 32 | be32(peer->ip.b + 12);
}

static uint64_t mac_of(const struct stw_secret *secret, const struct stw_endpoint *local,
		       const struct stw_endpoint *peer, uint64_t head)
{
	struct stw_siphash s = secret->flow;
	uint64_t word[4];

	memcpy(word, &peer->ip, sizeof(peer->ip));
	memcpy(word + 2, &local->ip, sizeof(local->ip));
	stw_siphash_word(&s, head, 1);
	stw_siphash_word(&s, (uint64_t)local->port << 8 | local->transport, 1);
	for (int i = 0; i < 4; i++)
		stw_siphash_word(&s, word[i], 1);
	return stw_siphash_end(&s, 3);
}

size_t stw_flow_put(const struct stw_tables *t, uint16_t listener, const struct stw_endpoint *peer,
		    char *out)
{
	const struct stw_listener_row *l = &t->listeners[listener];
	uint64_t head = head_of(t->secrets[0].id, l->mark, peer);
	char *at = out + STW_FLOW_PREFIX_LEN;

	memcpy(out, STW_FLOW_PREFIX, STW_FLOW_PREFIX_LEN);
	stw_hex_put64(at, head);
	at += HEAD_DIGITS;
	if (!stw_ip_is_v4(&peer->ip)) {
		for (int i = 0; i < 3; i++)
			stw_hex_put32(at + 8 * i, be32(peer->ip.b + 4 * i));
		at += IPV6_DIGITS;
	}
	stw_hex_put64(at, mac_of(&t->secrets[0], &l->view.address, peer, head));
	return (size_t)(at + MAC_DIGITS - out);
}

bool stw_flow_claimed(const char *user, size_t len)
{
	return len > STW_FLOW_PREFIX_LEN && memcmp(user, STW_FLOW_PREFIX, STW_FLOW_PREFIX_LEN) == 0;
}

/* All but the MAC. */
static bool read_peer(const char *digits, size_t len, uint64_t head, struct stw_endpoint *peer)
{
	static const uint8_t none[4];
	bool v6 = head >> 56 & IS_IPV6;

	*peer = (struct stw_endpoint){.port = (uint16_t)(head >> 32),
				      .transport = head >> 56 & (IS_IPV6 - 1)};
	if (len != HEAD_DIGITS + (v6 ? IPV6_DIGITS : 0) + MAC_DIGITS)
		return false;
	peer->ip = stw_ip_from_v4(none);
	for (uint32_t i = 0, word; v6 && i < 3; i++) {
		if (!stw_hex_get32(digits + HEAD_DIGITS + 8 * i, &word))
			return false;
		put_be32(peer->ip.b + 4 * i, word);
	}
	put_be32(peer->ip.b + 12, (uint32_t)head);
	return true;
}

bool stw_flow_get(const struct stw_tables *t, uint16_t listener, const char *user, size_t len,
		  struct stw_endpoint *out)
{
	const struct stw_listener_row *l = &t->listeners[listener];
	const struct stw_secret *secret;
	struct stw_endpoint peer;
	uint64_t head, mac;

	if (!stw_flow_claimed(user, len))
		return false;
	user += STW_FLOW_PREFIX_LEN;
	len -= STW_FLOW_PREFIX_LEN;
	if (len < HEAD_DIGITS + MAC_DIGITS || !stw_hex_get64(user, &head) ||
	    !read_peer(user, len, head, &peer) || !stw_hex_get64(user + len - MAC_DIGITS, &mac) ||
	    (secret = stw_tables_secret(t, (uint8_t)(head >> 60))) == NULL ||
	    mac_of(secret, &l->view.address, &peer, head) != mac)
		return false;
	*out = peer;
	return true;
}
