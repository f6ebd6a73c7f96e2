/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/stun.h"

#define HEADER		    20u
#define COOKIE		    0x2112a442u
#define BINDING_REQUEST	    0x0001u
#define BINDING_SUCCESS	    0x0101u
#define BINDING_ERROR	    0x0111u
#define ERROR_CODE	    0x0009u
#define UNKNOWN_ATTRIBUTES  0x000au
#define XOR_MAPPED_ADDRESS  0x0020u
#define OPTIONAL_ATTRIBUTES 0x8000u
#define UNKNOWN_MAX	    8u /* so many are told of */

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

/* RFC 5389 s15, s18.2: what may stand in a request and means nothing to us. */
static bool is_known(uint16_t type)
{
	switch (type) {
	case 0x0006:		  /* USERNAME */
	case 0x0008:		  /* MESSAGE-INTEGRITY */
	case 0x0014:		  /* REALM */
	case 0x0015: return true; /* NONCE */
	default: return false;
	}
}

/*
 * The attributes that we would have to understand (RFC 5389 s7.3.1).
 *
 * @param unknown  [UNKNOWN_MAX]
 * @return how many of them, or -1: the attributes do not fill the message exactly
 */
static int read_attributes(const uint8_t *p, size_t len, uint16_t *unknown)
{
	unsigned int n = 0;
	size_t at = HEADER;

	while (at < len) {
		if (len - at < 4)
			return -1;
		uint16_t type = be16(p + at);
		size_t padded = (be16(p + at + 2) + 3u) & ~(size_t)3;

		at += 4;
		if (padded > len - at)
			return -1;
		at += padded;
		if (type < OPTIONAL_ATTRIBUTES && !is_known(type) && n < UNKNOWN_MAX)
			unknown[n++] = type;
	}
	return (int)n;
}

void stw_decide_stun(struct stw_decision *d)
{
	const uint8_t *p = (const uint8_t *)d->buf;
	struct stw_verdict *v = d->v;
	uint16_t unknown[UNKNOWN_MAX];
	int n;

	if (be16(p) != BINDING_REQUEST || be16(p + 2) != d->m->len - HEADER ||
	    (n = read_attributes(p, d->m->len, unknown)) < 0) {
		stw_decide_drop(d, STW_C_DROP_KEEPALIVE);
		return;
	}
	v->action = STW_ACTION_ANSWER;
	v->status = n > 0 ? 420 : 200;
	v->dst = d->src->peer;
	v->listener_out = d->src->listener;
	stw_decide_way(d);
}

/* The type, the length, cookie and transaction as they came. */
static void put_header(uint8_t *out, const uint8_t *request, uint32_t type, size_t len)
{
	memcpy(out, request, HEADER);
	put16(out, type);
	put16(out + 2, (uint32_t)(len - HEADER));
}

/* s15.2: the address, mixed with cookie and transaction so that no NAT "corrects" it. */
static size_t put_address(uint8_t *out, const uint8_t *request, const struct stw_endpoint *peer)
{
	bool v4 = stw_ip_is_v4(&peer->ip);
	size_t n = v4 ? 4 : 16;
	const uint8_t *ip = peer->ip.b + 16 - n;

	put16(out, XOR_MAPPED_ADDRESS);
	put16(out + 2, (uint32_t)n + 4);
	put16(out + 4, v4 ? 1 : 2);
	put16(out + 6, peer->port ^ (COOKIE >> 16));
	for (size_t i = 0; i < n; i++)
		out[8 + i] = ip[i] ^ request[4 + i];
	return 8 + n;
}

static size_t put_unknown(uint8_t *out, const uint16_t *unknown, uint32_t n)
{
	static const uint8_t code[] = {0, 0, 4, 20}; /* class 4, number 20 */

	put16(out, ERROR_CODE);
	put16(out + 2, sizeof(code));
	memcpy(out + 4, code, sizeof(code));
	put16(out + 8, UNKNOWN_ATTRIBUTES);
	put16(out + 10, 2 * n);
	for (uint32_t i = 0; i < n + n % 2; i++) /* the padding may be anything (s15) */
		put16(out + 12 + 2 * i, unknown[i < n ? i : 0]);
	return 12 + 2 * (n + n % 2);
}

int stw_stun_answer(const struct stw_sip_msg *m, const struct stw_source *src,
		    const struct stw_verdict *v, char *buf, size_t room, struct stw_rewritten *out)
{
	const uint8_t *request = (const uint8_t *)buf;
	uint8_t text[HEADER + 12 + 2 * UNKNOWN_MAX];
	uint16_t unknown[UNKNOWN_MAX];
	size_t len = HEADER;

	_Static_assert(sizeof(text) >= HEADER + 24, "an IPv6 address fits as well");
	if (v->status == 200) {
		len += put_address(text + len, request, &src->peer);
		put_header(text, request, BINDING_SUCCESS, len);
	} else {
		int n = read_attributes(request, m->len, unknown);

		len += put_unknown(text + len, unknown, n > 0 ? (uint32_t)n : 0);
		put_header(text, request, BINDING_ERROR, len);
	}
	if (len > room)
		return STW_ENOSPACE;
	memcpy(buf, text, len);
	*out = (struct stw_rewritten){0, (uint32_t)len};
	return STW_OK;
}
