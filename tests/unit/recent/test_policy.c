/* SPDX-License-Identifier: BSD-3-Clause */

/* The policies of a pool: who gets a new call. */

#include "tests/rfc/proxy/messages.h"
#include "dataplane/route/pool.h"
#include "tests/support/memory.h"

static struct stw_memory_rig *rig;

static int setup(void **state)
{
	struct stw_proxy *p = stw_proxy_new(4);

	rig = stw_memory_new(2, 0);
	p->known = &rig->memory;
	p->now_tsc = STW_MEMORY_HZ;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	stw_proxy_free(*state);
	stw_memory_free(rig);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A new call with these fields; its Call-ID and branch are its own. @return the member */
static uint8_t call(struct stw_proxy *p, struct request r)
{
	static unsigned int turn;
	char id[32], via[128];

	turn++;
	snprintf(id, sizeof(id), "policy-%u", turn);
	snprintf(via, sizeof(via), UA_VIA "-%u", turn);
	r.call_id = or_else(r.call_id, id);
	r.via = or_else(r.via, via);
	stw_proxy_text(p, compose_request(r), ua());
	assert_forwarded(p);
	return (uint8_t)(p->v.dst.ip.b[15] - 10);
}

#define CALL(p, ...) call(p, (struct request){__VA_ARGS__})

/* How many of 40 calls go where the first went. */
static unsigned alike(struct stw_proxy *p, struct request r)
{
	uint8_t first = call(p, r);
	unsigned n = 0;

	for (int i = 0; i < 40; i++)
		n += call(p, r) == first;
	return n;
}

#define ALIKE(p, ...) alike(p, (struct request){__VA_ARGS__})

static void by(struct stw_proxy *p, int key)
{
	p->farm.pool.hash_key = key;
	stw_proxy_publish(p);
}

static void hashes_what_it_is_told(void **state)
{
	struct stw_proxy *p = *state;
	const char *from = "<sip:carol@example.com>;tag=1", *extra = "X-Tenant: 42\r\n";

	assert_in_range(ALIKE(p, 0), 1, 25); /* the Call-ID: a quarter by chance */
	by(p, STW_IMAGE_KEY_FROM_USER);
	assert_int_equal(ALIKE(p, .from = from), 40);
	by(p, STW_IMAGE_KEY_TO_USER);
	assert_int_equal(ALIKE(p, .to = "\"C\" <sip:carol@example.com:5070;user=phone>"), 40);
	by(p, STW_IMAGE_KEY_URI_USER);
	assert_int_equal(ALIKE(p, .uri = "sip:+4930123@example.com"), 40);
	by(p, STW_IMAGE_KEY_SOURCE);
	assert_int_equal(ALIKE(p, 0), 40);
	snprintf(p->farm.pool.hash_header, STW_NAME_MAX, "X-Tenant");
	by(p, STW_IMAGE_KEY_HEADER);
	assert_int_equal(ALIKE(p, .extra = extra), 40);
	assert_in_range(ALIKE(p, 0), 1, 25); /* without the header: by Call-ID */
}

static void keys_that_differ_spread(void **state)
{
	struct stw_proxy *p = *state;
	bool seen[4] = {false};

	by(p, STW_IMAGE_KEY_FROM_USER);
	for (int i = 0; i < 60; i++) {
		char from[64];

		snprintf(from, sizeof(from), "<sip:user%d@example.com>;tag=1", i);
		seen[CALL(p, .from = from)] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

static void round_robin_takes_turns_by_weight(void **state)
{
	struct stw_proxy *p = *state;
	unsigned n[4] = {0}, twice = 0;
	uint8_t last = 9;

	p->farm.pool.policy = STW_POLICY_ROUND_ROBIN;
	p->farm.pool.slots = 65537;
	p->farm.pool_members[3].weight = 200; /* of 500 */
	stw_proxy_publish(p);
	for (int i = 0; i < 500; i++) {
		uint8_t m = CALL(p, 0);

		n[m]++;
		twice += m == last;
		last = m;
	}
	for (int i = 0; i < 4; i++)
		assert_in_range(n[i], (i == 3 ? 200 : 100) - 2, (i == 3 ? 200 : 100) + 2);
	assert_true(twice < 110); /* by chance it would be 140 */
}

static void what_moves_is_remembered_by_call(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.pool.policy = STW_POLICY_ROUND_ROBIN;
	stw_proxy_publish(p);
	for (int i = 0; i < 20; i++) {
		char id[32], via[128];

		snprintf(id, sizeof(id), "again-%d", i);
		snprintf(via, sizeof(via), UA_VIA "-again-%d", i);
		uint8_t first = CALL(p, .call_id = id, .via = via);
		CALL(p, 0);
		assert_int_equal(CALL(p, .call_id = id, .via = via), first);
		assert_int_equal(CALL(p, .call_id = id, .via = via, .method = "CANCEL"), first);
		assert_int_equal(CALL(p, .call_id = id, .via = via, .method = "ACK"), first);
		/* the INVITE with credentials is a new transaction of the same call */
		assert_int_equal(CALL(p, .call_id = id, .cseq = "314160 INVITE"), first);
	}
}

static void open_at(uint32_t worker, uint16_t number, uint64_t invites, uint64_t others)
{
	rig->memory.members[worker].c[number][STW_M_INVITES] = invites;
	rig->memory.members[worker].c[number][STW_M_OTHERS] = others;
}

static unsigned share_of(struct stw_proxy *p, uint8_t m)
{
	unsigned n = 0;

	for (int i = 0; i < 200; i++)
		n += CALL(p, 0) == m;
	return n;
}

static void least_open_shuns_who_is_busy(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.pool.policy = STW_POLICY_LEAST_OPEN;
	stw_proxy_publish(p);
	open_at(0, 1, 5000, 0);
	open_at(1, 1, 5000, 0);
	/* chosen only where both choices fall on it: a sixteenth */
	assert_in_range(share_of(p, 1), 1, 35);
	/* what one worker opened and another saw the end of is not open */
	rig->memory.members[1].c[1][STW_M_INVITES_DONE] = 10000;
	rig->memory.members[0].c[1][STW_M_INVITES] += 0;
	assert_true(share_of(p, 1) > 50); /* now it has least of all */
}

static void least_work_weighs_kinds_of_requests(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.pool.policy = STW_POLICY_LEAST_WORK;
	p->farm.pool.work_invite = 1000;
	p->farm.pool.work_other = 1;
	stw_proxy_publish(p);
	for (uint16_t i = 0; i < 4; i++)
		open_at(0, i, i == 2 ? 2000 : 0, i == 2 ? 0 : 100000);
	assert_in_range(share_of(p, 2), 1, 35);
	p->farm.pool.work_invite = 1;
	stw_proxy_publish(p);
	assert_true(share_of(p, 2) > 60);
}

static void least_weighs_work_against_weight(void **state)
{
	struct stw_proxy *p = *state;
	unsigned n[4] = {0};

	p->farm.pool.policy = STW_POLICY_LEAST_OPEN;
	p->farm.pool_members[0].weight = 300;
	stw_proxy_publish(p);
	for (int i = 0; i < 600; i++) /* never answered: open work is what was sent */
		n[CALL(p, 0)]++;
	assert_in_range(n[0], 285, 315); /* 3 of 6 */
	for (int i = 1; i < 4; i++)
		assert_in_range(n[i], 88, 112);
}

static void in_dialog_requests_count_as_work_where_work_counts(void **state)
{
	struct stw_proxy *p = *state;
	char route[128];

	p->farm.pool.policy = STW_POLICY_LEAST_OPEN;
	stw_proxy_publish(p);
	uint8_t m = CALL(p, .call_id = "dialog");
	snprintf(route, sizeof(route), "Route: %s\r\n", stw_proxy_line(p, "Record-Route: "));
	uint64_t before = stw_memory_count(rig, m, STW_M_OTHERS);
	assert_int_equal(CALL(p, .method = "BYE", .call_id = "dialog", .extra = route,
			      .to = "<sip:b@b>;tag=1", .via = UA_VIA "-bye"),
			 m);
	assert_int_equal(p->v.how, STW_HOW_COOKIE);
	assert_int_equal(stw_memory_count(rig, m, STW_M_OTHERS), before + 1);
	CALL(p, .method = "BYE", .call_id = "dialog", .extra = route, .to = "<sip:b@b>;tag=1",
	     .via = UA_VIA "-bye");
	assert_int_equal(stw_memory_count(rig, m, STW_M_OTHERS), before + 1);
	assert_int_equal(stw_memory_count(rig, m, STW_M_REPEATED), 1);
}

static void a_bound_sends_the_surplus_on(void **state)
{
	struct stw_proxy *p = *state;
	unsigned n[4] = {0}, most = 0;

	p->farm.pool.hash_key = STW_IMAGE_KEY_SOURCE; /* all to one, if it were not for the bound */
	p->farm.pool.bound_percent = 125;
	stw_proxy_publish(p);
	for (int i = 0; i < 400; i++) {
		stw_pools_weigh(p->tables, &rig->memory);
		n[CALL(p, 0)]++;
	}
	for (int i = 0; i < 4; i++)
		most = n[i] > most ? n[i] : most;
	assert_in_range(most, 120, 135); /* some were crowded out of the small table */
}

static void a_tier_serves_when_none_before_it_does(void **state)
{
	static uint8_t failed[STW_FARM_MEMBERS];
	struct stw_proxy *p = *state;

	memset(failed, 0, sizeof(failed));
	p->farm.pool_members[2].priority = p->farm.pool_members[3].priority = 1;
	stw_proxy_publish(p);
	for (int i = 0; i < 50; i++)
		assert_true(CALL(p, 0) < 2);
	failed[0] = failed[1] = 1;
	p->failed = failed;
	stw_proxy_publish(p);
	for (int i = 0; i < 50; i++)
		assert_true(CALL(p, 0) >= 2);
}

static void the_last_of_a_tier_fails_over_to_the_next_tier(void **state)
{
	struct stw_proxy *p = *state;
	const char *via = UA_VIA "-tier";

	p->farm.pool.failover = 1;
	for (int i = 1; i < 4; i++)
		p->farm.pool_members[i].priority = 1;
	stw_proxy_publish(p);
	assert_int_equal(CALL(p, .call_id = "tier", .via = via), 0);
	assert_int_not_equal(CALL(p, .call_id = "tier", .via = via), 0);
}

static void a_fallback_serves_when_no_member_does(void **state)
{
	struct stw_proxy *p = *state;
	static struct stw_model_pool pools[2];

	pools[0] = pools[1] = p->farm.pool;
	snprintf(pools[0].name, STW_NAME_MAX, "main");
	snprintf(pools[1].name, STW_NAME_MAX, "spare");
	snprintf(pools[0].fallback, STW_NAME_MAX, "spare");
	pools[0].n_members = 2;
	pools[1].members += 2;
	pools[1].n_members = 2;
	p->farm.model.pools = pools;
	p->farm.model.n_pools = 2;
	stw_proxy_publish(p);
	for (int i = 0; i < 20; i++)
		assert_true(CALL(p, 0) < 2);
	static const uint8_t failed[4] = {1, 1, 0, 0};
	p->failed = failed;
	stw_proxy_publish(p);
	for (int i = 0; i < 20; i++)
		assert_true(CALL(p, 0) >= 2);
	p->farm.pool_members[2].asked = p->farm.pool_members[3].asked = STW_ASKED_DRAIN;
	stw_proxy_publish(p);
	stw_proxy_text(p, REQUEST(.call_id = "nobody"), ua());
	assert_answered(p, 503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hashes_what_it_is_told),
		TEST(keys_that_differ_spread),
		TEST(round_robin_takes_turns_by_weight),
		TEST(what_moves_is_remembered_by_call),
		TEST(least_open_shuns_who_is_busy),
		TEST(least_work_weighs_kinds_of_requests),
		TEST(least_weighs_work_against_weight),
		TEST(in_dialog_requests_count_as_work_where_work_counts),
		TEST(a_bound_sends_the_surplus_on),
		TEST(a_tier_serves_when_none_before_it_does),
		TEST(the_last_of_a_tier_fails_over_to_the_next_tier),
		TEST(a_fallback_serves_when_no_member_does),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
