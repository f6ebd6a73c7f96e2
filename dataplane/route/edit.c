/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/edit.h"

#include "dataplane/route/hex.h"

#include <string.h>

#include <strowger/errors.h>

void stw_edits_add(struct stw_edits *edits, uint32_t off, uint32_t cut, const char *text,
		   size_t len)
{
	size_t at = edits->n++;

	for (; at > 0 && edits->e[at - 1].off > off; at--)
		edits->e[at] = edits->e[at - 1];
	edits->e[at] = (struct stw_edit){(uint16_t)off, (uint16_t)cut, (uint16_t)len, text};
}

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

	memmove(buf + from - down, buf + from, edits->e[i].off - from);
}

int stw_edits_apply(const struct stw_edits *edits, char *buf, uint32_t len,
		    struct stw_rewritten *out)
{
	int32_t down[STW_EDITS_MAX + 1]; /* by how much each piece moves towards the headroom */

	down[edits->n] = 0;
	for (size_t i = edits->n; i-- > 0;)
		down[i] = down[i + 1] + growth(&edits->e[i]);
	if (down[0] > (int32_t)STW_REWRITE_HEADROOM || (int32_t)len + down[0] > UINT16_MAX)
		return STW_ENOSPACE;
	/* Pieces that move up, last first, then those that move down, first first: none is
	 * overwritten before it was moved. Only then the new text, whose place may be an old one.
	 */
	for (size_t i = edits->n; i-- > 0;)
		if (down[i] < 0)
			move_piece(edits, i, down[i], buf);
	for (size_t i = 0; i < edits->n; i++)
		if (down[i] > 0)
			move_piece(edits, i, down[i], buf);
	for (size_t i = 0; i < edits->n; i++)
		if (edits->e[i].len > 0)
			memcpy(buf + edits->e[i].off - down[i], edits->e[i].text, edits->e[i].len);
	*out = (struct stw_rewritten){-down[0], (uint32_t)((int32_t)len + down[0])};
	return STW_OK;
}

void stw_edits_via(struct stw_edits *edits, const struct stw_sip_via *via,
		   const struct stw_endpoint *peer, char *text)
{
	static const char received[] = ";received=", rport[] = ";rport=";
	size_t len = sizeof(received) - 1;
	struct stw_span at = via->received_param;

	memcpy(text, received, len);
	len += stw_ip_format(&peer->ip, text + len);
	if (at.len == 0)
		at.off = (uint16_t)stw_span_end(via->all);
	stw_edits_add(edits, at.off, at.len, text, len);
	if (via->rport_param.len == 0)
		return;
	text += len;
	memcpy(text, rport, sizeof(rport) - 1);
	len = sizeof(rport) - 1;
	len += stw_put_number(text + len, peer->port);
	stw_edits_add(edits, via->rport_param.off, via->rport_param.len, text, len);
}
