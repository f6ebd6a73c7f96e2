/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/loop.h"

#include "dataplane/route/quick.h"

/* A Via of one of our listeners whose branch ends with @digest. */
static bool same_passage(const struct stw_decision *d, const struct stw_sip_via *via,
			 uint32_t digest)
{
	const char *branch = d->buf + via->branch.off;
	struct stw_endpoint ep = {.transport = STW_TRANSPORT_UDP};
	uint32_t got;

	if (via->branch.len != STW_MAGIC_LEN + STW_BRANCH_DIGITS ||
	    memcmp(branch, STW_MAGIC, STW_MAGIC_LEN) != 0 ||
	    !stw_hex_get32(branch + STW_MAGIC_LEN + STW_BRANCH_MAC_DIGITS, &got) || got != digest ||
	    stw_host_parse(d->buf, via->host, &ep.ip) != STW_OK)
		return false;
	ep.port = via->port != 0 ? via->port : STW_SIP_PORT;
	return stw_tables_find_listener(d->t, &ep) >= 0;
}

/* Whether its digits stand anywhere below the first Via: what has not looped is done with that. */
static bool stands_below(const struct stw_decision *d, uint32_t digest)
{
	const struct stw_sip_via *via = &d->v->via;
	uint32_t from = via->more ? via->next : d->m->line_end[STW_HDR_VIA];
	char digits[8];

	stw_hex_put32(digits, digest);
	return stw_quick_has8(d->buf + from, d->m->body_off - from, digits);
}

bool stw_loop_found(const struct stw_decision *d, uint32_t digest)
{
	struct stw_sip_line line = {.value = d->m->value[STW_HDR_VIA],
				    .end = d->m->line_end[STW_HDR_VIA]};
	struct stw_sip_via via = d->v->via;

	if (!stands_below(d, digest))
		return false;
	for (;;) {
		if (via.more) {
			uint32_t end = stw_span_end(line.value);

			line.value = (struct stw_span){via.next, (uint16_t)(end - via.next)};
		} else if (!stw_line_of(d->buf, d->m, STW_HDR_VIA, STW_SIP_LETTER('v'), &line)) {
			return false;
		}
		/* What cannot be read is not ours to judge (RFC 3261 s16.3). */
		if (stw_via_read(d->buf, stw_sip_readable(d->m), line.value, &via) != STW_OK)
			return false;
		if (same_passage(d, &via, digest))
			return true;
	}
}
