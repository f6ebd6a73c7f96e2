/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/edit.h"

#include "dataplane/route/hex.h"
#include "dataplane/route/move.h"

#include <string.h>

#include <strowger/errors.h>
#include <strowger/likely.h>

static int32_t growth(const struct stw_edit *e)
{
	return (int32_t)e->len - (int32_t)e->cut;
}

int32_t stw_edits_growth(const struct stw_edits *edits)
{
	int32_t sum = 0;

	for (size_t i = 0; i < edits->n; i++)
		sum += growth(&edits->e[i]);
	return sum;
}

/* Piece @i: what lies between the edits @i - 1 and @i. */
static uint32_t piece_start(const struct stw_edits *edits, size_t i)
{
	return i == 0 ? 0 : (uint32_t)edits->e[i - 1].off + edits->e[i - 1].cut;
}

static void move_piece(const struct stw_edits *edits, size_t i, int32_t down, char *buf)
{
	uint32_t from = piece_start(edits, i);

	stw_move_bytes(buf + from - down, buf + from, edits->e[i].off - from);
}

static void write_text(const struct stw_edit *e, int32_t down, char *buf)
{
	if (e->len > 0)
		stw_move_bytes(buf + e->off - down, e->text, e->len);
}

/* All pieces move down or stay: no text reaches a piece that was not moved yet. */
static void apply_downwards(const struct stw_edits *edits, int32_t down, char *buf)
{
	for (size_t i = 0; i < edits->n; i++) {
		move_piece(edits, i, down, buf);
		write_text(&edits->e[i], down, buf);
		down -= growth(&edits->e[i]);
	}
}

/*
 * Pieces that move up, last first, then those that move down, first first: none is overwritten
 * before it was moved. Only then the new text, whose place may be an old one.
 */
static void apply_both_ways(const struct stw_edits *edits, const int32_t *down, char *buf)
{
	for (size_t i = edits->n; i-- > 0;)
		if (down[i] < 0)
			move_piece(edits, i, down[i], buf);
	for (size_t i = 0; i < edits->n; i++)
		if (down[i] > 0)
			move_piece(edits, i, down[i], buf);
	for (size_t i = 0; i < edits->n; i++)
		write_text(&edits->e[i], down[i], buf);
}

int stw_edits_apply(const struct stw_edits *edits, char *buf, uint32_t len,
		    struct stw_rewritten *out)
{
	int32_t down[STW_EDITS_MAX]; /* by how much each piece moves towards the headroom */
	int32_t sum = 0, least = 0;

	for (size_t i = edits->n; i-- > 0;) {
		down[i] = sum += growth(&edits->e[i]);
		least = sum < least ? sum : least;
	}
	if (stw_unlikely(
		    sum > (int32_t)(edits->headroom > 0 ? edits->headroom : STW_REWRITE_HEADROOM) ||
		    (int32_t)len + sum > UINT16_MAX))
		return STW_ENOSPACE;
	if (stw_likely(least == 0))
		apply_downwards(edits, sum, buf);
	else
		apply_both_ways(edits, down, buf);
	*out = (struct stw_rewritten){-sum, (uint32_t)((int32_t)len + sum)};
	return STW_OK;
}

/* The decimal digits of a byte, first lowest, and how many in the top byte. */
#define OCTET(n)                                                                   \
	((n) < 10    ? 1u << 24 | ('0' + (n))                                      \
	 : (n) < 100 ? 2u << 24 | ('0' + (n) / 10) | ('0' + (n) % 10) << 8         \
		     : 3u << 24 | ('0' + (n) / 100) | ('0' + (n) / 10 % 10) << 8 | \
			       ('0' + (n) % 10) << 16)
#define OCTETS4(n)  OCTET(n), OCTET((n) + 1), OCTET((n) + 2), OCTET((n) + 3)
#define OCTETS16(n) OCTETS4(n), OCTETS4((n) + 4), OCTETS4((n) + 8), OCTETS4((n) + 12)
#define OCTETS64(n) OCTETS16(n), OCTETS16((n) + 16), OCTETS16((n) + 32), OCTETS16((n) + 48)

static const uint32_t octets[256] = {OCTETS64(0u), OCTETS64(64u), OCTETS64(128u), OCTETS64(192u)};

/* Writes four bytes, whatever the digits. */
static char *put_octet(char *to, uint8_t n)
{
	memcpy(to, &octets[n], 4);
	return to + (octets[n] >> 24);
}

/* Up to three bytes more than the text are written. */
static char *put_ip(char *to, const struct stw_ip *ip)
{
	if (stw_unlikely(!stw_ip_is_v4(ip)))
		return to + stw_ip_format(ip, to);
	for (int i = 12; i < 15; i++) {
		to = put_octet(to, ip->b[i]);
		*to++ = '.';
	}
	return put_octet(to, ip->b[15]);
}

static char *put_received(char *to, const struct stw_ip *ip)
{
	static const char received[] = ";received=";

	memcpy(to, received, sizeof(received) - 1);
	return put_ip(to + sizeof(received) - 1, ip);
}

static char *put_rport(char *to, uint16_t port)
{
	static const char rport[] = ";rport=";

	memcpy(to, rport, sizeof(rport) - 1);
	to += sizeof(rport) - 1;
	return to + stw_put_u16(to, port);
}

void stw_edits_via(struct stw_edits *edits, const struct stw_sip_via *via,
		   const struct stw_endpoint *peer, char *text)
{
	struct stw_span received = via->received_param, rport = via->rport_param;
	uint32_t via_end = stw_span_end(via->all);
	char *end = text;

	/* As nearly everybody writes it: rport last, no received. One edit does both. */
	if (received.len == 0 && rport.len != 0 && stw_span_end(rport) == via_end) {
		end = put_received(put_rport(text, peer->port), &peer->ip);
		stw_edits_add(edits, rport.off, rport.len, text, (size_t)(end - text));
		return;
	}
	end = put_received(text, &peer->ip);
	stw_edits_add(edits, received.len != 0 ? received.off : via_end, received.len, text,
		      (size_t)(end - text));
	if (rport.len == 0)
		return;
	text = end;
	end = put_rport(text, peer->port);
	stw_edits_add(edits, rport.off, rport.len, text, (size_t)(end - text));
}
