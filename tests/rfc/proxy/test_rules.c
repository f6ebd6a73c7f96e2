/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules: the redirect server (RFC 3261 s8.3, s21.3), answers of a stateless UAS (s8.2.7), and what
 * of a call follows its INVITE. */
#include "tests/rfc/proxy/messages.h"

#include "control/model/rule_keys.h"
#include "tests/support/memory.h"

/* Two pools, of the members 0 and 1, and of 2 and 3; the listener has the first. */
struct farm {
	struct stw_model_pool pools[2];
	struct stw_model_rule rules[4];
	struct stw_model_rule_number number;
	struct stw_model_rule_user user;
	char domains[1][STW_DOMAIN_MAX];
	struct stw_memory_rig *memory;
};

static struct farm f;

static void serve(struct stw_proxy *p)
{
	size_t crowded;

	for (uint32_t i = 0; i < p->farm.model.n_rules; i++)
		f.rules[i].row = i;
	assert_int_equal(stw_rules_choose(&p->farm.model, &crowded), STW_OK);
	stw_proxy_publish(p);
}

/* The one rule: for @prefix. */
static struct stw_model_rule *rule(struct stw_proxy *p, int action, const char *prefix)
{
	struct stw_model_rule *r = &f.rules[0];

	*r = (struct stw_model_rule){.name = "first", .action = action, .pool = UINT32_MAX};
	f.number = (struct stw_model_rule_number){.pool = UINT32_MAX};
	strcpy(f.number.prefix, prefix);
	r->numbers = &f.number;
	r->n_numbers = 1;
	if (action == STW_IMAGE_RULE_TO_POOL || action == STW_IMAGE_RULE_REDIRECT_MEMBER)
		r->pool = 1;
	if (action >= STW_IMAGE_RULE_REDIRECT_CONTACTS)
		r->status = action == STW_IMAGE_RULE_REJECT ? 403 : 302;
	p->farm.model.rules = f.rules;
	p->farm.model.n_rules = 1;
	return r;
}

#define BERLIN "tel:+49-30-1234"

static void has_contact(const struct stw_proxy *p, const char *uri)
{
	char line[256];

	snprintf(line, sizeof(line), "\r\nContact: <%s>\r\n", uri);
	if (!strstr(p->out, line))
		fail_msg("no %s in %s", line, p->out);
}

static void rfc3261_s8_3_a_redirect_has_the_alternative_in_contact(void **state)
{
	struct stw_proxy *p = *state;

	strcpy(rule(p, STW_IMAGE_RULE_REDIRECT_URI, "+4930")->said, "sip:desk@example.net");
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
	assert_answered(p, 302);
	has_contact(p, "sip:desk@example.net");
	assert_true(strncmp(p->out, "SIP/2.0 302 Moved Temporarily\r\n", 31) == 0);
	stw_proxy_text(p, REQUEST(.uri = "tel:+49-40-1234"), ua());
	assert_forwarded(p);
	assert_true(p->v.member < 2);
}

static void rfc3261_s8_3_a_member_is_named_by_weight(void **state)
{
	struct stw_proxy *p = *state;
	int n[4] = {0};

	rule(p, STW_IMAGE_RULE_REDIRECT_MEMBER, "+49");
	p->farm.pool_members[2].weight = 300;
	serve(p);
	for (int i = 0; i < 400; i++) {
		char call_id[32];

		snprintf(call_id, sizeof(call_id), "r%d", i);
		stw_proxy_text(p, REQUEST(.uri = "sip:+49-30@x;user=phone", .call_id = call_id),
			       ua());
		assert_answered(p, 302);
		n[strstr(p->out, "<sip:+49-30@198.51.100.12:5060;user=phone>") ? 2 : 3]++;
	}
	assert_in_range(n[2], 240, 360);
	assert_int_equal(n[2] + n[3], 400);
}

/* s19.1.6: a tel: URI becomes a SIP URI of the member. */
static void rfc3261_s19_1_6_a_number_is_told_at_the_member(void **state)
{
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_REDIRECT_MEMBER, "+49");
	p->farm.pool_members[3].weight = 0;
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = "tel:+49-30-1234;ext=7"), ua());
	assert_answered(p, 302);
	has_contact(p, "sip:+49-30-1234;ext=7@198.51.100.12:5060;user=phone");
}

static void rfc3261_s8_3_nobody_is_sent_where_he_was_going(void **state)
{
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_REDIRECT_MEMBER, "+49");
	p->farm.pool_members[3].weight = 0;
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = "sip:+4930@198.51.100.12"), ua());
	assert_answered(p, 404);
}

static void rfc3261_s8_3_cancel_of_a_redirected_request_is_answered_200(void **state)
{
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_REDIRECT_MEMBER, "+49");
	serve(p);
	stw_proxy_text(p, REQUEST(.method = "CANCEL", .uri = BERLIN), ua());
	assert_answered(p, 200);
}

static void rfc3261_s21_3_each_redirection_has_its_phrase(void **state)
{
	static const struct {
		uint16_t status;
		const char *line;
	} rows[] = {{301, "SIP/2.0 301 Moved Permanently\r\n"},
		    {302, "SIP/2.0 302 Moved Temporarily\r\n"},
		    {305, "SIP/2.0 305 Use Proxy\r\n"}};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < 3; i++) {
		struct stw_model_rule *r = rule(p, STW_IMAGE_RULE_REDIRECT_URI, "+49");

		strcpy(r->said, "sip:proxy.example.net;lr");
		r->status = rows[i].status;
		serve(p);
		stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
		assert_answered(p, rows[i].status);
		assert_true(strncmp(p->out, rows[i].line, strlen(rows[i].line)) == 0);
		has_contact(p, "sip:proxy.example.net;lr");
	}
}

/* A retransmission gets the same answer, also where calls are given out in turns. */
static void rfc3261_s8_2_7_a_redirect_is_repeated_alike(void **state)
{
	struct stw_proxy *p = *state;
	char first[4096];

	f.pools[1].policy = STW_POLICY_ROUND_ROBIN;
	rule(p, STW_IMAGE_RULE_REDIRECT_MEMBER, "+49");
	serve(p);
	p->known = &f.memory->memory;
	stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
	assert_answered(p, 302);
	snprintf(first, sizeof(first), "%s", p->out);
	for (int i = 0; i < 8; i++) {
		f.memory->memory.turn++;
		stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
		assert_string_equal(p->out, first);
	}
}

static void rfc3261_s8_2_7_cancel_of_a_rejected_request_is_ignored(void **state)
{
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_REJECT, "+49");
	serve(p);
	stw_proxy_text(p, REQUEST(.method = "CANCEL", .uri = BERLIN), ua());
	assert_int_equal(p->v.action, STW_ACTION_DROP);
	assert_int_equal(p->v.reason, STW_C_DROP_CANCEL_ABSORBED);
}

static void rfc3261_s21_4_a_rule_rejects_with_its_reason(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_model_rule *r = rule(p, STW_IMAGE_RULE_REJECT, "+49");
	char to[256], *tag;

	r->status = 603;
	strcpy(r->said, "Not From Here");
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
	assert_answered(p, 603);
	assert_true(strncmp(p->out, "SIP/2.0 603 Not From Here\r\n", 27) == 0);
	assert_null(strstr(p->out, "\r\nContact"));
	/* its ACK ends here (s16.11) */
	tag = strstr(p->out, "\r\nTo: ") + 6;
	snprintf(to, sizeof(to), "%.*s", (int)strcspn(tag, "\r"), tag);
	stw_proxy_text(p, REQUEST(.method = "ACK", .uri = BERLIN, .to = to, .cseq = "314159 ACK"),
		       ua());
	assert_int_equal(p->v.action, STW_ACTION_DROP);
	assert_int_equal(p->v.reason, STW_C_DROP_ACK_ABSORBED);
}

static void rfc3261_s21_4_a_rejection_without_a_reason_has_the_usual_one(void **state)
{
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_REJECT, "+49");
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
	assert_true(strncmp(p->out, "SIP/2.0 403 Forbidden\r\n", 23) == 0);
}

/* The rule names INVITE; CANCEL and ACK have its Request-URI (s9.1, s17.1.1.3) and its way. */
static void rfc3261_s9_1_cancel_and_ack_go_by_the_rule_of_their_invite(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_model_rule *r = rule(p, STW_IMAGE_RULE_TO_POOL, "+49");

	r->methods = 1u << STW_METHOD_INVITE;
	serve(p);
	for (int i = 0; i < 20; i++) {
		char call_id[32];

		snprintf(call_id, sizeof(call_id), "c%d", i);
		stw_proxy_text(p, REQUEST(.uri = BERLIN, .call_id = call_id), ua());
		assert_forwarded(p);
		uint16_t chosen = p->v.member;
		uint64_t branch = p->v.branch;
		assert_true(chosen >= 2);
		stw_proxy_text(p, REQUEST(.method = "CANCEL", .uri = BERLIN, .call_id = call_id),
			       ua());
		assert_int_equal(p->v.member, chosen);
		assert_true(p->v.branch == branch);
		stw_proxy_text(p,
			       REQUEST(.method = "ACK", .uri = BERLIN, .call_id = call_id,
				       .to = "<" BERLIN ">;tag=its-486"),
			       ua());
		assert_int_equal(p->v.member, chosen);
		assert_true(p->v.branch == branch);
	}
	stw_proxy_text(p, REQUEST(.method = "MESSAGE", .uri = BERLIN), ua());
	assert_true(p->v.member < 2);
}

/* s16.11: whatever the rules say meanwhile. */
static void rfc3261_s16_11_what_began_goes_on_when_rules_change(void **state)
{
	static const int actions[] = {STW_IMAGE_RULE_REJECT, STW_IMAGE_RULE_REDIRECT_MEMBER,
				      STW_IMAGE_RULE_TO_KERNEL};
	struct stw_proxy *p = *state;

	p->known = &f.memory->memory;
	stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
	assert_forwarded(p);
	uint16_t chosen = p->v.member;
	for (size_t i = 0; i < 3; i++) {
		rule(p, actions[i], "+49");
		serve(p);
		stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
		assert_forwarded(p);
		assert_int_equal(p->v.member, chosen);
		assert_int_equal(p->v.how, STW_HOW_RECENT);
		stw_proxy_text(p, REQUEST(.method = "CANCEL", .uri = BERLIN), ua());
		assert_forwarded(p);
		assert_int_equal(p->v.member, chosen);
		stw_proxy_text(p, REQUEST(.uri = BERLIN, .via = UA_VIA "2", .call_id = "other"),
			       ua());
		assert_int_not_equal(p->v.action, STW_ACTION_FORWARD);
	}
}

static void rfc3261_s12_2_dialogs_are_under_no_rule(void **state)
{
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_REJECT, "+49");
	serve(p);
	stw_proxy_text(p, REQUEST(.method = "BYE", .uri = BERLIN, .to = "<" BERLIN ">;tag=1"),
		       ua());
	assert_forwarded(p);
	stw_proxy_text(p, REQUEST(.method = "BYE", .uri = BERLIN), ua());
	assert_answered(p, 403);
}

static void rfc3966_s5_1_1_separators_do_not_hide_a_number(void **state)
{
	static const char *const same[] = {"tel:+49-30-1234",	 "tel:+49(30)1234",
					   "tel:+49.30.1.2.3.4", "sip:+49-30-1234@x;user=phone",
					   "sip:%2b4930@x",	 "sips:+4930@x;user=phone",
					   "tel:+4930;ext=99"};
	static const char *const others[] = {"tel:+4-8-30", "tel:4930;phone-context=+49",
					     "sip:4930@x;user=phone", "sip:alice@x"};
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_TO_POOL, "+4930");
	serve(p);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		stw_proxy_text(p, REQUEST(.uri = same[i]), ua());
		assert_int_equal(p->v.rule, 0);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		stw_proxy_text(p, REQUEST(.uri = others[i]), ua());
		assert_int_equal(p->v.rule, STW_NO_RULE);
		assert_true(p->v.member < 2);
	}
}

static void rfc3966_s5_1_5_a_local_number_has_the_domain_of_its_context(void **state)
{
	struct stw_model_rule_domain domain = {.text = "pbx.example.net"};
	struct stw_proxy *p = *state;
	struct stw_model_rule *r = rule(p, STW_IMAGE_RULE_TO_POOL, "010");

	r->domains = &domain;
	r->n_domains = 1;
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = "tel:010-62281234;phone-context=PBX.example.net"), ua());
	assert_int_equal(p->v.rule, 0);
	stw_proxy_text(p, REQUEST(.uri = "sip:010-6228@pbx.example.net;user=phone"), ua());
	assert_int_equal(p->v.rule, 0);
	stw_proxy_text(p, REQUEST(.uri = "tel:010-62281234;phone-context=+86"), ua());
	assert_int_equal(p->v.rule, STW_NO_RULE);
}

static void rfc3261_s10_3_a_rule_takes_registers_from_the_registrar(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_model_rule *r = rule(p, STW_IMAGE_RULE_TO_POOL, "+49");

	strcpy(f.domains[0], "biloxi.example.com");
	p->farm.model.registrar.domains = f.domains;
	p->farm.model.registrar.n_domains = 1;
	serve(p);
	stw_proxy_text(p, REQUEST(.method = "REGISTER", .uri = "sip:biloxi.example.com"), ua());
	assert_int_equal(p->v.action, STW_ACTION_KERNEL);
	assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_REGISTRAR);
	r->n_numbers = 0;
	r->methods = 1u << STW_METHOD_REGISTER;
	serve(p);
	stw_proxy_text(p, REQUEST(.method = "REGISTER", .uri = "sip:biloxi.example.com"), ua());
	assert_forwarded(p);
	assert_true(p->v.member >= 2);
	r->action = STW_IMAGE_RULE_TO_REGISTRAR;
	r->pool = UINT32_MAX;
	serve(p);
	stw_proxy_text(p, REQUEST(.method = "REGISTER", .uri = "sip:elsewhere.example.com"), ua());
	assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_REGISTRAR);
	stw_proxy_text(p, REQUEST(.method = "OPTIONS"), ua());
	assert_int_equal(p->v.rule, STW_NO_RULE);
}

static void rfc3261_s16_5_a_rule_asks_the_location_service(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_model_rule *r = rule(p, STW_IMAGE_RULE_TO_LOCATION, "+49");

	strcpy(f.domains[0], "biloxi.example.com");
	p->farm.model.registrar.domains = f.domains;
	p->farm.model.registrar.n_domains = 1;
	p->farm.model.registrar.calls = STW_CALLS_POOL;
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = "sip:+4930@biloxi.example.com"), ua());
	assert_int_equal(p->v.action, STW_ACTION_KERNEL);
	assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_LOCATION);
	assert_false(p->v.redirect);
	stw_proxy_text(p, REQUEST(.uri = "sip:+4930@atlanta.example.com"), ua());
	assert_answered(p, 404);
	r->action = STW_IMAGE_RULE_REDIRECT_CONTACTS;
	r->status = 302;
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = "sip:+4930@biloxi.example.com"), ua());
	assert_int_equal(p->v.kernel_for, STW_KERNEL_FOR_LOCATION);
	assert_true(p->v.redirect);
}

static void rfc3261_s16_6_4_the_rules_pool_decides_on_record_route(void **state)
{
	struct stw_proxy *p = *state;

	f.pools[1].record_route = false;
	rule(p, STW_IMAGE_RULE_TO_POOL, "+49");
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = BERLIN), ua());
	assert_forwarded(p);
	assert_false(p->v.record_route);
	stw_proxy_text(p, REQUEST(.uri = "tel:+1"), ua());
	assert_true(p->v.record_route);
}

/* A member's request to our own address spirals: as if from outside, by rules too. */
static void rfc3261_s16_6_7_a_spiral_goes_by_rules(void **state)
{
	struct stw_proxy *p = *state;

	rule(p, STW_IMAGE_RULE_TO_POOL, "+49");
	serve(p);
	stw_proxy_text(p, REQUEST(.uri = "sip:+4930@192.0.2.1"), member(0));
	assert_forwarded(p);
	assert_true(p->v.member >= 2);
	stw_proxy_text(p, REQUEST(.uri = "sip:+4930@203.0.113.9"), member(0));
	assert_int_equal(p->v.rule, STW_NO_RULE);
	assert_int_equal(p->v.how, STW_HOW_URI);
}

static int setup(void **state)
{
	struct stw_proxy *p = stw_proxy_new(4);

	memset(&f, 0, sizeof(f));
	f.memory = stw_memory_new(1, 256);
	f.pools[0] = f.pools[1] = p->farm.pool;
	f.pools[0].n_members = f.pools[1].n_members = 2;
	f.pools[1].members = p->farm.pool_members + 2;
	p->farm.model.pools = f.pools;
	p->farm.model.n_pools = 2;
	stw_proxy_publish(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	stw_memory_free(f.memory);
	stw_proxy_free(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rfc3261_s8_3_a_redirect_has_the_alternative_in_contact),
		TEST(rfc3261_s8_3_a_member_is_named_by_weight),
		TEST(rfc3261_s19_1_6_a_number_is_told_at_the_member),
		TEST(rfc3261_s8_3_nobody_is_sent_where_he_was_going),
		TEST(rfc3261_s8_3_cancel_of_a_redirected_request_is_answered_200),
		TEST(rfc3261_s21_3_each_redirection_has_its_phrase),
		TEST(rfc3261_s8_2_7_a_redirect_is_repeated_alike),
		TEST(rfc3261_s8_2_7_cancel_of_a_rejected_request_is_ignored),
		TEST(rfc3261_s21_4_a_rule_rejects_with_its_reason),
		TEST(rfc3261_s21_4_a_rejection_without_a_reason_has_the_usual_one),
		TEST(rfc3261_s9_1_cancel_and_ack_go_by_the_rule_of_their_invite),
		TEST(rfc3261_s16_11_what_began_goes_on_when_rules_change),
		TEST(rfc3261_s12_2_dialogs_are_under_no_rule),
		TEST(rfc3966_s5_1_1_separators_do_not_hide_a_number),
		TEST(rfc3966_s5_1_5_a_local_number_has_the_domain_of_its_context),
		TEST(rfc3261_s10_3_a_rule_takes_registers_from_the_registrar),
		TEST(rfc3261_s16_5_a_rule_asks_the_location_service),
		TEST(rfc3261_s16_6_4_the_rules_pool_decides_on_record_route),
		TEST(rfc3261_s16_6_7_a_spiral_goes_by_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
