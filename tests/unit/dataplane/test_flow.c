/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow rules of shared ports, against a driver of the test's own that keeps rules as a NIC does and
 * decides over packets by them; mlx5's limits are its limits. The rte_flow functions are the
 * test's: no device is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include <strowger/errors.h>

#include "dataplane/steer/flow.h"

#define DEV	  7
#define RULES_MAX 1024

/* --- a driver --- */

struct rte_flow {
	bool used;
	bool v4, fragments;
	uint16_t vlan; /* 0: untagged */
	uint8_t ip[16];
	uint16_t port; /* host order */
	uint16_t n_queues;
};

static struct {
	bool isolates, takes_fragments;
	bool isolated;
	size_t room;
	size_t made; /* rules, ever */
	struct rte_flow rules[RULES_MAX];
} nic;

int rte_flow_isolate(uint16_t port_id, int set, struct rte_flow_error *error)
{
	assert_int_equal(port_id, DEV);
	assert_int_equal(set, 1);
	if (!nic.isolates) {
		error->message = "not while anything else is on";
		return -ENOTSUP;
	}
	nic.isolated = true;
	return 0;
}

static struct rte_flow *refuse(struct rte_flow_error *error, const char *message)
{
	*error = (struct rte_flow_error){.message = message};
	rte_errno = ENOTSUP;
	return NULL;
}

/* All bits of a field, or none. */
static bool masks(const void *mask, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const uint8_t *)mask)[i] != 0xff)
			return false;
	return true;
}

static void read_v4(const struct rte_flow_item *item, struct rte_flow *rule)
{
	const struct rte_flow_item_ipv4 *spec = item->spec, *last = item->last, *mask = item->mask;

	rule->v4 = true;
	assert_true(masks(&mask->hdr.dst_addr, 4));
	memcpy(rule->ip, &spec->hdr.dst_addr, 4);
	assert_int_equal(spec->hdr.next_proto_id, IPPROTO_UDP);
	assert_int_equal(mask->hdr.next_proto_id, 0xff);
	if (last == NULL) {
		assert_int_equal(mask->hdr.fragment_offset, 0);
		return;
	}
	rule->fragments = true;
	assert_int_equal(spec->hdr.fragment_offset, RTE_BE16(0x0001));
	assert_int_equal(last->hdr.fragment_offset, RTE_BE16(0x3fff));
	assert_int_equal(mask->hdr.fragment_offset, RTE_BE16(0x3fff));
	/* Fields that are no ranges must be alike, or 0, in both (rte_flow's rule). */
	assert_int_equal(last->hdr.dst_addr, spec->hdr.dst_addr);
	assert_int_equal(last->hdr.next_proto_id, spec->hdr.next_proto_id);
}

static void read_v6(const struct rte_flow_item *item, struct rte_flow *rule)
{
	const struct rte_flow_item_ipv6 *spec = item->spec, *mask = item->mask;

	assert_null(item->last);
	assert_true(masks(mask->hdr.dst_addr, 16));
	memcpy(rule->ip, spec->hdr.dst_addr, 16);
	rule->fragments = mask->has_frag_ext && spec->has_frag_ext;
}

static void read_actions(const struct rte_flow_action *action, struct rte_flow *rule)
{
	if (action->type == RTE_FLOW_ACTION_TYPE_QUEUE) {
		rule->n_queues = 1;
		assert_int_equal(((const struct rte_flow_action_queue *)action->conf)->index, 0);
	} else {
		const struct rte_flow_action_rss *rss = action->conf;

		assert_int_equal(action->type, RTE_FLOW_ACTION_TYPE_RSS);
		rule->n_queues = (uint16_t)rss->queue_num;
		for (uint16_t q = 0; q < rss->queue_num; q++)
			assert_int_equal(rss->queue[q], q);
		assert_int_equal((rss->types & RTE_ETH_RSS_UDP) != 0, !rule->fragments);
	}
	assert_int_equal(action[1].type, RTE_FLOW_ACTION_TYPE_END);
}

/* @return the item behind: whether there is a tag is asked always, whether a second one too */
static const struct rte_flow_item *read_ethernet(const struct rte_flow_item *item,
						 struct rte_flow *rule)
{
	const struct rte_flow_item_eth *eth = item->spec, *eth_mask = item->mask;
	const struct rte_flow_item_vlan *vlan = item[1].spec, *mask = item[1].mask;

	assert_int_equal(item->type, RTE_FLOW_ITEM_TYPE_ETH);
	assert_true(eth_mask->has_vlan);
	assert_int_equal(eth->has_vlan, item[1].type == RTE_FLOW_ITEM_TYPE_VLAN);
	if (!eth->has_vlan)
		return item + 1;
	assert_int_equal(mask->hdr.vlan_tci, RTE_BE16(0x0fff));
	assert_int_equal(mask->hdr.eth_proto, 0);
	assert_true(mask->has_more_vlan && !vlan->has_more_vlan);
	rule->vlan = rte_be_to_cpu_16(vlan->hdr.vlan_tci);
	assert_in_range(rule->vlan, 1, 4094);
	return item + 2;
}

static void read_pattern(const struct rte_flow_item *item, struct rte_flow *rule)
{
	item = read_ethernet(item, rule);
	if (item->type == RTE_FLOW_ITEM_TYPE_IPV4)
		read_v4(item, rule);
	else if (item->type == RTE_FLOW_ITEM_TYPE_IPV6)
		read_v6(item, rule);
	else
		fail();
	item++;
	if (item->type == RTE_FLOW_ITEM_TYPE_UDP) {
		const struct rte_flow_item_udp *spec = item->spec, *mask = item->mask;

		assert_int_equal(mask->hdr.dst_port, 0xffff);
		assert_int_equal(mask->hdr.src_port, 0);
		rule->port = rte_be_to_cpu_16(spec->hdr.dst_port);
		item++;
	}
	assert_int_equal(item->type, RTE_FLOW_ITEM_TYPE_END);
	assert_int_equal(rule->port == 0, rule->fragments);
}

struct rte_flow *rte_flow_create(uint16_t port_id, const struct rte_flow_attr *attr,
				 const struct rte_flow_item pattern[],
				 const struct rte_flow_action actions[],
				 struct rte_flow_error *error)
{
	struct rte_flow rule = {.used = true};
	size_t i = 0;

	assert_int_equal(port_id, DEV);
	assert_true(nic.isolated);
	assert_true(attr->ingress && !attr->egress);
	read_pattern(pattern, &rule);
	read_actions(actions, &rule);
	if (rule.fragments && !nic.takes_fragments)
		return refuse(error, "fragments are not supported");
	while (i < nic.room && nic.rules[i].used)
		i++;
	if (i == nic.room)
		return refuse(error, NULL);
	nic.rules[i] = rule;
	nic.made++;
	return &nic.rules[i];
}

int rte_flow_destroy(uint16_t port_id, struct rte_flow *flow, struct rte_flow_error *error)
{
	(void)error;
	assert_int_equal(port_id, DEV);
	assert_true(flow->used);
	flow->used = false;
	return 0;
}

/* --- what the NIC would do --- */

static const uint8_t ip4[4] = {192, 0, 2, 1}, other4[4] = {192, 0, 2, 9};
static const uint8_t ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

/* @port: 0 for a fragment. @return queues it may go to, 0: it is the kernel's */
static unsigned taken_on(uint16_t vlan, const uint8_t *ip, bool v4, uint16_t port)
{
	for (size_t i = 0; i < nic.room; i++) {
		const struct rte_flow *r = &nic.rules[i];

		if (r->used && r->vlan == vlan && r->v4 == v4 &&
		    memcmp(r->ip, ip, v4 ? 4 : 16) == 0 && (port ? r->port == port : r->fragments))
			return r->n_queues;
	}
	return 0;
}

static unsigned taken(const uint8_t *ip, bool v4, uint16_t port)
{
	return taken_on(0, ip, v4, port);
}

static size_t rules(void)
{
	size_t n = 0;

	for (size_t i = 0; i < nic.room; i++)
		n += nic.rules[i].used;
	return n;
}

static struct stw_endpoint at(const uint8_t *ip, bool v4, uint16_t port)
{
	return (struct stw_endpoint){.ip = v4 ? stw_ip_from_v4(ip) : stw_ip_from_v6(ip),
				     .port = port};
}

static char reason[128];

static int want(struct stw_flow *f, const struct stw_endpoint *l, size_t n, uint16_t n_queues)
{
	const struct stw_flow_wanted w = {.listeners = l, .n = n, .n_queues = n_queues};

	return stw_flow_listeners(f, &w, reason, sizeof(reason));
}

static int listen_on(struct stw_flow *f, uint16_t port, uint16_t n_queues)
{
	const struct stw_endpoint l[] = {at(ip4, true, port), at(ip6, false, port)};

	return want(f, l, 2, n_queues);
}

static int set_up(void **state)
{
	struct stw_flow *f = calloc(1, sizeof(*f));

	memset(&nic, 0, sizeof(nic));
	nic.isolates = nic.takes_fragments = true;
	nic.room = RULES_MAX;
	*state = f;
	return f == NULL || stw_flow_isolate(f, DEV, reason, sizeof(reason)) != STW_OK;
}

static int tear_down(void **state)
{
	struct stw_flow *f = *state;

	stw_flow_release(f);
	assert_int_equal(rules(), 0);
	stw_flow_release(f); /* once more does no harm */
	free(f);
	return 0;
}

/* --- tests --- */

static void what_is_sent_to_listeners_is_taken_and_no_more(void **state)
{
	assert_int_equal(taken(ip4, true, 5060), 0);
	assert_int_equal(listen_on(*state, 5060, 1), STW_OK);
	assert_int_equal(taken(ip4, true, 5060), 1);
	assert_int_equal(taken(ip6, false, 5060), 1);
	assert_int_equal(taken(ip4, true, 5061), 0);
	assert_int_equal(taken(other4, true, 5060), 0);
	assert_int_equal(taken(ip4, true, 0), 1);
	assert_int_equal(taken(ip6, false, 0), 1);
	assert_int_equal(taken(other4, true, 0), 0);
	assert_int_equal(rules(), 4);
}

static const uint16_t vlans[] = {7, 4094};

static int listen_on_vlans(struct stw_flow *f, uint16_t port)
{
	const struct stw_endpoint l[] = {at(ip4, true, port), at(ip6, false, port)};
	const struct stw_flow_wanted w = {l, 2, vlans, 2, 1};

	return stw_flow_listeners(f, &w, reason, sizeof(reason));
}

static void vlans_that_are_named_are_taken_too(void **state)
{
	static const uint16_t in[] = {0, 7, 4094};

	assert_int_equal(listen_on_vlans(*state, 5060), STW_OK);
	assert_int_equal(rules(), 12);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(taken_on(in[i], ip4, true, 5060), 1);
		assert_int_equal(taken_on(in[i], ip6, false, 5060), 1);
		assert_int_equal(taken_on(in[i], ip4, true, 0), 1);
		assert_int_equal(taken_on(in[i], ip4, true, 5061), 0);
	}
	assert_int_equal(taken_on(8, ip4, true, 5060), 0);
	assert_int_equal(listen_on_vlans(*state, 5070), STW_OK);
	assert_int_equal(nic.made, 18); /* two ports on three; the fragments stay */
	assert_int_equal(rules(), 12);
	assert_int_equal(taken_on(7, ip4, true, 5060), 0);
	assert_int_equal(taken_on(7, ip4, true, 5070), 1);
}

static void a_refused_rule_of_a_vlan_is_named_with_it(void **state)
{
	nic.room = 6; /* untagged ones, port and fragments of the first VLAN's IPv4 */
	assert_int_equal(listen_on_vlans(*state, 5060), STW_EIO);
	assert_non_null(strstr(reason, "[2001:db8::1]:5060 on VLAN 7: "));
}

static void several_queues_share(void **state)
{
	assert_int_equal(listen_on(*state, 5060, 4), STW_OK);
	assert_int_equal(taken(ip4, true, 5060), 4);
	assert_int_equal(taken(ip4, true, 0), 4);
}

static void a_reload_changes_only_what_changed(void **state)
{
	struct stw_flow *f = *state;
	struct stw_endpoint many[300];

	assert_int_equal(listen_on(f, 5060, 1), STW_OK);
	assert_int_equal(listen_on(f, 5060, 1), STW_OK);
	assert_int_equal(nic.made, 4);
	assert_int_equal(listen_on(f, 5070, 1), STW_OK);
	assert_int_equal(nic.made, 6); /* two ports; the addresses' fragments stay */
	assert_int_equal(rules(), 4);
	assert_int_equal(taken(ip4, true, 5060), 0);
	assert_int_equal(taken(ip4, true, 5070), 1);
	for (uint16_t i = 0; i < 300; i++)
		many[i] = at(ip4, true, (uint16_t)(6000 + i / 2)); /* each twice */
	assert_int_equal(want(f, many, 300, 1), STW_OK);
	assert_int_equal(rules(), 151);
	assert_int_equal(want(f, NULL, 0, 1), STW_OK);
	assert_int_equal(rules(), 0);
}

static void a_device_that_knows_no_fragments_takes_the_rest(void **state)
{
	struct stw_flow *f = *state;

	nic.takes_fragments = false;
	assert_int_equal(listen_on(f, 5060, 1), STW_OK);
	assert_true(f->no_fragments);
	assert_int_equal(rules(), 2);
	assert_int_equal(taken(ip4, true, 5060), 1);
	assert_int_equal(taken(ip4, true, 0), 0);
}

static void a_rule_that_is_refused_is_named_and_the_others_stand(void **state)
{
	struct stw_flow *f = *state;
	struct stw_endpoint l[3];

	for (uint16_t i = 0; i < 3; i++)
		l[i] = at(ip4, true, (uint16_t)(5060 + i));
	nic.room = 2; /* a port and the fragments */
	assert_int_equal(want(f, l, 3, 1), STW_EIO);
	assert_non_null(strstr(reason, "192.0.2.1:5061: "));
	assert_int_equal(taken(ip4, true, 5060), 1);
	assert_int_equal(taken(ip4, true, 0), 1);
	nic.room = RULES_MAX;
	assert_int_equal(want(f, l, 3, 1), STW_OK);
	assert_int_equal(taken(ip4, true, 5062), 1);
}

static void a_device_that_cannot_isolate_says_why(void **state)
{
	struct stw_flow f;

	(void)state;
	nic.isolates = false;
	assert_int_equal(stw_flow_isolate(&f, DEV, reason, sizeof(reason)), STW_EIO);
	assert_string_equal(reason, "not while anything else is on");
	assert_false(f.isolated);
	stw_flow_release(&f);
}

int main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(what_is_sent_to_listeners_is_taken_and_no_more),
		CASE(vlans_that_are_named_are_taken_too),
		CASE(a_refused_rule_of_a_vlan_is_named_with_it),
		CASE(several_queues_share),
		CASE(a_reload_changes_only_what_changed),
		CASE(a_device_that_knows_no_fragments_takes_the_rest),
		CASE(a_rule_that_is_refused_is_named_and_the_others_stand),
		CASE(a_device_that_cannot_isolate_says_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
