/* SPDX-License-Identifier: BSD-3-Clause */
/* Branches without state: RFC 3261 s16.11, s8.1.1.7, s9.1, s17.1.1.3. */
#include "tests/rfc/proxy/messages.h"

/* Our branch for a request; lives until the process ends. */
static const char *branch_of(struct stw_proxy *p, const char *request, struct stw_endpoint from)
{
	stw_proxy_text(p, request, from);
	assert_forwarded(p);
	return hold(param(p, "\r\nVia: ", "branch="));
}

#define BRANCH(...) branch_of(p, REQUEST(__VA_ARGS__), ua())

static void rfc3261_s8_1_1_7_branch_starts_with_the_magic_cookie(void **state)
{
	struct stw_proxy *p = *state;
	const char *branch = BRANCH(0);

	assert_int_equal(strlen(branch), 31);
	assert_memory_equal(branch, "z9hG4bK", 7);
}

static void rfc3261_s16_11_retransmission_has_the_same_branch(void **state)
{
	struct stw_proxy *p = *state;

	assert_string_equal(BRANCH(0), BRANCH(0));
}

static void rfc3261_s9_1_cancel_has_the_branch_of_its_invite(void **state)
{
	struct stw_proxy *p = *state;
	const char *branch = BRANCH(0);
	uint16_t member = p->v.member;

	assert_string_equal(branch, BRANCH(.method = "CANCEL"));
	assert_int_equal(p->v.member, member);
}

static void rfc3261_s17_1_1_3_ack_to_non_2xx_has_the_branch_of_its_invite(void **state)
{
	struct stw_proxy *p = *state;
	const char *branch = BRANCH(0);
	uint16_t member = p->v.member;

	assert_string_equal(branch, BRANCH(.method = "ACK",
					   .to = "Bob <sip:bob@biloxi.example.com>;tag=314"));
	assert_int_equal(p->v.member, member);
}

static void rfc3261_s16_11_other_transactions_have_other_branches(void **state)
{
	struct stw_proxy *p = *state;
	const char *branch = BRANCH(0);

	assert_string_not_equal(branch, BRANCH(.via = UA_VIA "x"));
	assert_string_not_equal(branch, BRANCH(.cseq = "314160 INVITE"));
	assert_string_not_equal(branch, BRANCH(.call_id = "other"));
	assert_string_not_equal(
		branch, BRANCH(.via = "SIP/2.0/UDP 203.0.113.5:5063;branch=z9hG4bKnashds8"));
	assert_string_not_equal(branch,
				branch_of(p, REQUEST(0), stw_farm_v4(203, 0, 113, 6, 5062)));
}

static void rfc3261_s16_11_without_magic_cookie_cancel_and_ack_match_too(void **state)
{
	static const char via[] = "SIP/2.0/UDP 203.0.113.5:5062";
	struct stw_proxy *p = *state;
	const char *branch = BRANCH(.via = via);

	assert_string_equal(branch, BRANCH(.via = via));
	assert_string_equal(branch, BRANCH(.via = via, .method = "CANCEL"));
	assert_string_equal(branch, BRANCH(.via = via, .method = "ACK", .to = "<sip:b@c>;tag=1"));
}

static void rfc3261_s16_11_without_magic_cookie_requests_differ(void **state)
{
	static const char via[] = "SIP/2.0/UDP 203.0.113.5:5062;branch=z9hG4bK";
	struct stw_proxy *p = *state;
	const char *branch = BRANCH(.via = via);

	assert_string_not_equal(branch, BRANCH(.via = via, .cseq = "2 INVITE"));
	assert_string_not_equal(branch, BRANCH(.via = via, .call_id = "other"));
	assert_string_not_equal(branch, BRANCH(.via = via, .from = "<sip:a@b>;tag=2"));
	assert_string_not_equal(branch, BRANCH(.via = "SIP/2.0/UDP 203.0.113.5:5062"));
}

static void rfc3261_s16_11_same_branch_on_another_node_with_the_same_secret(void **state)
{
	struct stw_proxy *p = *state;
	const char *branch = BRANCH(0);
	struct stw_proxy *other = stw_proxy_new(4);

	assert_string_equal(branch, branch_of(other, REQUEST(0), ua()));
	other->farm.model.secrets[0].key[0] ^= 1;
	stw_proxy_publish(other);
	assert_string_not_equal(branch, branch_of(other, REQUEST(0), ua()));
	stw_proxy_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s8_1_1_7_branch_starts_with_the_magic_cookie),
		PROXY_TEST(rfc3261_s16_11_retransmission_has_the_same_branch),
		PROXY_TEST(rfc3261_s9_1_cancel_has_the_branch_of_its_invite),
		PROXY_TEST(rfc3261_s17_1_1_3_ack_to_non_2xx_has_the_branch_of_its_invite),
		PROXY_TEST(rfc3261_s16_11_other_transactions_have_other_branches),
		PROXY_TEST(rfc3261_s16_11_without_magic_cookie_cancel_and_ack_match_too),
		PROXY_TEST(rfc3261_s16_11_without_magic_cookie_requests_differ),
		PROXY_TEST(rfc3261_s16_11_same_branch_on_another_node_with_the_same_secret),
	};
	return cmocka_run_group_tests_name("proxy-branch", tests, NULL, NULL);
}
