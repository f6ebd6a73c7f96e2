/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

#include "dataplane/path/frame.h"
#include "dataplane/table/tables.h"

/* Writable bytes from @text to the end of its buffer. */
static size_t room(const struct rte_mbuf *m, const char *text)
{
	return (size_t)((const char *)m->buf_addr + m->buf_len - text);
}

static enum stw_counter edit(struct stw_burst *b, unsigned i, struct stw_rewritten *out)
{
	const struct stw_verdict *v = &b->verdict[i];
	char *text = b->text[i];
	int err;

	if (stw_likely(v->action == STW_ACTION_FORWARD))
		err = stw_rewrite(b->snap, &b->msg[i], &b->src[i], v, text, out);
	else
		err = stw_answer(b->snap, &b->msg[i], &b->src[i], v, text, room(b->frame[i], text),
				 out);
	if (stw_likely(err == STW_OK))
		return STW_C_SENT;
	return err == STW_EMALFORMED ? STW_C_DROP_MALFORMED : STW_C_DROP_TOO_BIG;
}

/* The address of ours that the message leaves from. */
static const struct stw_endpoint *source_of(const struct stw_burst *b, const struct stw_verdict *v)
{
	uint16_t l = v->action == STW_ACTION_FORWARD ? v->listener_out : v->listener_in;

	return &b->snap->tables->listeners[l].view.address;
}

enum stw_counter stw_wrap(struct stw_worker *w, struct rte_mbuf *m, char *text, uint32_t len,
			  const struct stw_endpoint *src, const struct stw_endpoint *dst,
			  const struct stw_iface *iface, bool resolved)
{
	const bool v4 = stw_ip_is_v4(&dst->ip);
	const uint32_t ip_len = (v4 ? STW_IPV4_LEN : STW_IPV6_LEN) + STW_UDP_LEN + len;
	char *l3, *start;
	bool offload;

	if (stw_unlikely(stw_ip_is_v4(&src->ip) != v4))
		return STW_C_DROP_NO_LISTENER;
	if (stw_unlikely(ip_len > UINT16_MAX))
		return STW_C_DROP_TOO_BIG;
	/* A device cannot sum a datagram it gets in pieces, and one that waits for its next hop may
	 * leave by another device. */
	offload = w->out[stw_out_wire(iface->port)]->sums && ip_len <= iface->mtu && resolved;
	l3 = stw_frame_ip(m, text, len, src, dst, w->ip_id++, offload);
	start = stw_frame_ethernet(m, l3, iface);
	if (stw_unlikely(!stw_frame_settle(m, start, (uint32_t)(text - start) + len)))
		return STW_C_DROP_TOO_BIG;
	return STW_C_SENT;
}

static enum stw_counter wrap(struct stw_worker *w, struct stw_burst *b, unsigned i,
			     const struct stw_rewritten *r)
{
	const struct stw_verdict *v = &b->verdict[i];

	return stw_wrap(w, b->frame[i], b->text[i] + r->start, r->len, source_of(b, v), &v->dst,
			stw_fib_iface(b->snap->fib, v->hop.iface), v->hop.resolved);
}

void stw_rewrite_burst(struct stw_worker *w, struct stw_burst *b)
{
	struct stw_rewritten r;
	uint16_t n = 0;

	for (unsigned k = 0; k < b->n_live; k++) {
		uint8_t i = b->live[k];
		enum stw_counter end = edit(b, i, &r);

		if (stw_likely(end == STW_C_SENT))
			end = wrap(w, b, i, &r);
		if (stw_likely(end == STW_C_SENT))
			b->live[n++] = i;
		else
			stw_drop(w, b->frame[i], b->tag[i], end);
	}
	b->n_live = n;
	for (unsigned k = 0; k < n; k++)
		stw_frame_sum(b->frame[b->live[k]]);
	STW_PROBE(rewritten, w, b->n_live);
}
