/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A datagram through parse, route and rewrite or answer, from a stranger and from a member. The
 * first byte chooses the sender, and with its highest bit a proxy of two sides that trusts the
 * stranger and always gives flow tokens, so that one corpus file tells the whole story.
 */

#include <stdlib.h>

#include "tests/support/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void forward(struct stw_proxy *p, char *buf, size_t len, struct stw_endpoint peer)
{
	struct stw_rewritten out = {0, 0};

	p->src = (struct stw_source){.peer = peer, .listener = stw_ip_is_v4(&peer.ip) ? 0 : 1};
	stw_sip_parse(buf, len, &p->msg);
	if (p->msg.kind != STW_SIP_REQUEST && p->msg.kind != STW_SIP_RESPONSE &&
	    p->msg.kind != STW_SIP_STUN)
		return;
	stw_route(&p->snap, buf, &p->msg, &p->src, &p->v);
	if (p->v.action == STW_ACTION_FORWARD)
		p->err = stw_rewrite(&p->snap, &p->msg, &p->src, &p->v, buf, &out);
	else if (p->v.action == STW_ACTION_ANSWER)
		p->err = stw_answer(&p->snap, &p->msg, &p->src, &p->v, buf, len, &out);
	if (out.start < -(int32_t)STW_REWRITE_HEADROOM)
		abort();
}

/* What is behind the message, and whether it may be read, is nothing to the verdict. */
static void compare_with_room(struct stw_proxy *p, const char *exact, size_t len,
			      struct stw_endpoint peer)
{
	char *roomy = malloc(len + UINT8_MAX);
	const struct stw_source src = {.peer = peer, .listener = stw_ip_is_v4(&peer.ip) ? 0 : 1};
	struct stw_verdict v;

	stw_sip_parse(exact, len, &p->msg);
	if (roomy != NULL && (p->msg.kind == STW_SIP_REQUEST || p->msg.kind == STW_SIP_RESPONSE)) {
		memcpy(roomy, exact, len);
		memset(roomy + len, 'x', UINT8_MAX);
		stw_route(&p->snap, exact, &p->msg, &src, &v);
		p->msg.behind = UINT8_MAX;
		stw_route(&p->snap, roomy, &p->msg, &src, &p->v);
		p->v.name_in = v.name_in; /* in the one or in the other */
		if (memcmp(&v, &p->v, sizeof(v)) != 0)
			abort();
	}
	free(roomy);
}

static struct stw_proxy *open_proxy(void)
{
	struct stw_proxy *p = stw_proxy_new(4);

	p->farm.trusted[0] = (struct stw_model_prefix){stw_farm_v4(203, 0, 113, 0, 0).ip, 24};
	p->farm.listeners[0].trusted = p->farm.trusted;
	p->farm.listeners[0].n_trusted = 1;
	p->farm.listeners[0].nat = p->farm.listeners[1].nat = STW_NAT_ALWAYS;
	p->farm.listeners[2].address = stw_farm_v4(198, 51, 100, 1, 5060);
	p->farm.model.n_listeners = 3;
	p->farm.model.proxy.max_breadth = 60;
	stw_proxy_publish(p);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stw_proxy *proxy[2];
	const struct stw_endpoint peers[] = {stw_farm_v4(203, 0, 113, 5, 5062),
					     stw_farm_v6(9, 5060),
					     stw_farm_v4(198, 51, 100, 10, 5060)};

	if (size == 0 || size > UINT16_MAX)
		return 0;
	if (proxy[0] == NULL) {
		proxy[0] = stw_proxy_new(4);
		proxy[1] = open_proxy();
	}
	/* exact behind, so that a sanitizer sees one byte too far */
	char *memory = malloc(STW_REWRITE_HEADROOM + size - 1);
	if (memory == NULL)
		return 0;
	memcpy(memory + STW_REWRITE_HEADROOM, data + 1, size - 1);
	compare_with_room(proxy[data[0] >> 7], memory + STW_REWRITE_HEADROOM, size - 1,
			  peers[data[0] % 3]);
	forward(proxy[data[0] >> 7], memory + STW_REWRITE_HEADROOM, size - 1, peers[data[0] % 3]);
	free(memory);
	return 0;
}
