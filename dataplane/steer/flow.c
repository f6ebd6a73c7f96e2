/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/steer/flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include <strowger/errors.h>

#include "dataplane/steer/keys.h"

#define QUEUES_MAX 64u

/* What a rule takes. */
struct flow_key {
	struct stw_steer_key to;
	uint16_t vlan; /* 0: untagged */
};

struct stw_flow_rule {
	struct flow_key key;
	struct rte_flow *handle;
};

/* An error's words belong to the driver, and may be missing. */
static int tell(const struct rte_flow_error *e, int err, char *reason, size_t size)
{
	snprintf(reason, size, "%s",
		 e->message != NULL ? e->message : rte_strerror(err < 0 ? -err : rte_errno));
	return STW_EIO;
}

int stw_flow_isolate(struct stw_flow *f, uint16_t dev, char *reason, size_t size)
{
	struct rte_flow_error e = {0};
	int err = rte_flow_isolate(dev, 1, &e);

	*f = (struct stw_flow){.dev = dev, .isolated = err == 0};
	return err == 0 ? STW_OK : tell(&e, err, reason, size);
}

/* --- rules --- */

/* Headers of one rule, and what of them must match. */
struct match {
	struct rte_flow_item_eth eth, eth_mask;
	struct rte_flow_item_vlan vlan, vlan_mask;
	struct rte_flow_item_ipv4 v4, v4_last, v4_mask;
	struct rte_flow_item_ipv6 v6, v6_mask;
	struct rte_flow_item_udp udp, udp_mask;
	struct rte_flow_item items[5]; /* Ethernet, VLAN, IP, UDP, end */
};

static bool is_v4(const struct stw_steer_key *key)
{
	return stw_ip_is_v4((const struct stw_ip *)key->ip);
}

/* A fragment is what has more to come or an offset: 1..0x3fff, the only range mlx5 knows. */
static void match_v4(struct match *m, const struct stw_steer_key *key, struct rte_flow_item *item)
{
	memcpy(&m->v4.hdr.dst_addr, key->ip + 12, 4);
	m->v4_mask.hdr.dst_addr = UINT32_MAX;
	m->v4.hdr.next_proto_id = IPPROTO_UDP;
	m->v4_mask.hdr.next_proto_id = UINT8_MAX;
	*item = (struct rte_flow_item){RTE_FLOW_ITEM_TYPE_IPV4, &m->v4, NULL, &m->v4_mask};
	if (key->port != 0)
		return;
	m->v4_last = m->v4;
	m->v4.hdr.fragment_offset = RTE_BE16(1);
	m->v4_last.hdr.fragment_offset = RTE_BE16(0x3fff);
	m->v4_mask.hdr.fragment_offset = RTE_BE16(0x3fff);
	item->last = &m->v4_last;
}

static void match_v6(struct match *m, const struct stw_steer_key *key, struct rte_flow_item *item)
{
	memcpy(m->v6.hdr.dst_addr, key->ip, sizeof(key->ip));
	memset(m->v6_mask.hdr.dst_addr, 0xff, sizeof(key->ip));
	*item = (struct rte_flow_item){RTE_FLOW_ITEM_TYPE_IPV6, &m->v6, NULL, &m->v6_mask};
	if (key->port != 0)
		return;
	m->v6.has_frag_ext = 1;
	m->v6_mask.has_frag_ext = 1;
}

/* A VLAN is another interface of the kernel's: one tag, this one, or none at all. */
static size_t match_ethernet(struct match *m, uint16_t vlan)
{
	m->eth.has_vlan = vlan != 0;
	m->eth_mask.has_vlan = 1;
	m->items[0] = (struct rte_flow_item){RTE_FLOW_ITEM_TYPE_ETH, &m->eth, NULL, &m->eth_mask};
	if (vlan == 0)
		return 1;
	m->vlan.hdr.vlan_tci = htobe16(vlan);
	m->vlan_mask.hdr.vlan_tci = RTE_BE16(0x0fff);
	m->vlan_mask.has_more_vlan = 1;
	m->items[1] =
		(struct rte_flow_item){RTE_FLOW_ITEM_TYPE_VLAN, &m->vlan, NULL, &m->vlan_mask};
	return 2;
}

static void match(struct match *m, const struct flow_key *rule)
{
	const struct stw_steer_key *key = &rule->to;
	size_t n;

	memset(m, 0, sizeof(*m));
	n = match_ethernet(m, rule->vlan);
	if (is_v4(key))
		match_v4(m, key, &m->items[n++]);
	else
		match_v6(m, key, &m->items[n++]);
	if (key->port != 0) {
		m->udp.hdr.dst_port = key->port;
		m->udp_mask.hdr.dst_port = UINT16_MAX;
		m->items[n++] =
			(struct rte_flow_item){RTE_FLOW_ITEM_TYPE_UDP, &m->udp, NULL, &m->udp_mask};
	}
	m->items[n] = (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_END};
}

/* Fragments are spread by addresses alone, so that a datagram's stay together. */
static struct rte_flow *make(uint16_t dev, const struct flow_key *key, uint16_t n_queues,
			     struct rte_flow_error *e)
{
	uint16_t queues[QUEUES_MAX];
	const struct rte_flow_attr in = {.ingress = 1};
	const struct rte_flow_action_queue first = {.index = 0};
	struct rte_flow_action_rss rss = {
		.types = key->to.port != 0 ? RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP : RTE_ETH_RSS_IP,
		.queue = queues,
		.queue_num = n_queues < QUEUES_MAX ? n_queues : QUEUES_MAX,
	};
	const struct rte_flow_action actions[] = {
		n_queues > 1 ? (struct rte_flow_action){RTE_FLOW_ACTION_TYPE_RSS, &rss}
			     : (struct rte_flow_action){RTE_FLOW_ACTION_TYPE_QUEUE, &first},
		{.type = RTE_FLOW_ACTION_TYPE_END},
	};
	struct match m;

	for (uint16_t q = 0; q < rss.queue_num; q++)
		queues[q] = q;
	match(&m, key);
	return rte_flow_create(dev, &in, m.items, actions, e);
}

/* --- what is there, and what is wanted --- */

static struct stw_flow_rule *find(const struct stw_flow *f, const struct flow_key *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (memcmp(&f->rules[i].key.to, &key->to, sizeof(key->to)) == 0 &&
		    f->rules[i].key.vlan == key->vlan)
			return &f->rules[i];
	return NULL;
}

static int add(struct stw_flow *f, const struct flow_key *key, uint16_t n_queues, char *reason,
	       size_t size)
{
	struct rte_flow_error e = {0};
	char where[STW_ENDPOINT_TEXT], on[16] = "", why[128];
	struct stw_endpoint ep = {.port = be16toh(key->to.port)};
	struct rte_flow *handle = make(f->dev, key, n_queues, &e);

	if (handle != NULL) {
		f->rules[f->n++] = (struct stw_flow_rule){*key, handle};
		return STW_OK;
	}
	if (key->to.port == 0) {
		f->no_fragments = true;
		return STW_OK;
	}
	memcpy(ep.ip.b, key->to.ip, sizeof(key->to.ip));
	stw_endpoint_format(&ep, where);
	if (key->vlan != 0)
		snprintf(on, sizeof(on), " on VLAN %u", key->vlan);
	tell(&e, 0, why, sizeof(why));
	snprintf(reason, size, "%s%s: %s", where, on, why);
	return STW_EIO;
}

static int add_missing(struct stw_flow *f, const struct stw_steer_keys *keys,
		       const struct stw_flow_wanted *w, char *reason, size_t size)
{
	int err = STW_OK;

	for (size_t i = 0; i < keys->n * (1 + w->n_vlans); i++) {
		const size_t v = i / keys->n;
		const struct flow_key key = {keys->key[i % keys->n], v > 0 ? w->vlans[v - 1] : 0};

		if (find(f, &key) != NULL || (key.to.port == 0 && f->no_fragments))
			continue;
		if (err == STW_OK)
			err = add(f, &key, w->n_queues, reason, size);
		else
			add(f, &key, w->n_queues, (char[1]){0}, 1);
	}
	return err;
}

/* VLANs are the same for the life of a port. */
static void remove_others(struct stw_flow *f, const struct stw_steer_keys *keys)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct rte_flow_error e;

		/* One that does not go is tried again the next time. */
		if (stw_steer_keys_has(keys, &f->rules[i].key.to) ||
		    rte_flow_destroy(f->dev, f->rules[i].handle, &e) != 0)
			f->rules[n++] = f->rules[i];
	}
	f->n = n;
}

int stw_flow_listeners(struct stw_flow *f, const struct stw_flow_wanted *wanted, char *reason,
		       size_t size)
{
	struct stw_steer_keys keys;
	struct stw_flow_rule *rules;
	int err = stw_steer_keys_init(&keys, wanted->listeners, wanted->n);

	if (err != STW_OK)
		return err;
	rules = reallocarray(f->rules, f->n + keys.n * (1 + wanted->n_vlans) + 1, sizeof(*rules));
	if (rules != NULL) {
		f->rules = rules;
		err = add_missing(f, &keys, wanted, reason, size);
		remove_others(f, &keys);
	}
	stw_steer_keys_fini(&keys);
	return rules != NULL ? err : STW_ENOMEM;
}

void stw_flow_release(struct stw_flow *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct rte_flow_error e;

		rte_flow_destroy(f->dev, f->rules[i].handle, &e);
	}
	free(f->rules);
	*f = (struct stw_flow){0};
}
