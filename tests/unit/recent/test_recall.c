/* SPDX-License-Identifier: BSD-3-Clause */

/* What a worker remembers, through the whole decision: followers, failover, rotation, counters. */

#include "tests/rfc/proxy/messages.h"
#include "tests/support/memory.h"

#define SECOND ((uint64_t)STW_MEMORY_HZ)

static struct stw_memory_rig *rig;

static int setup(void **state)
{
	struct stw_proxy *p = stw_proxy_new(4);

	rig = stw_memory_new(1, 0);
	p->known = &rig->memory;
	p->now_tsc = SECOND;
	p->farm.pool.failover = 3;
	stw_proxy_publish(p);
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

/* Handle a request from the caller. @return the member it goes to, by its place in the farm */
static uint8_t send(struct stw_proxy *p, const char *text)
{
	stw_proxy_text(p, text, ua());
	assert_forwarded(p);
	return (uint8_t)(p->v.dst.ip.b[15] - 10);
}

static const char *invite(void)
{
	return REQUEST(0);
}

static const char *follower(const char *method)
{
	char cseq[64];

	snprintf(cseq, sizeof(cseq), "314159 %s", method);
	return REQUEST(.method = method, .cseq = cseq);
}

static uint64_t count_of(uint8_t m, enum stw_member_counter c)
{
	return stw_memory_count(rig, m, c);
}

static const char *branch(const struct stw_proxy *p)
{
	return hold(param(p, "Via: ", "branch="));
}

/* The member that @m became: it no longer takes new calls. */
static void drain(struct stw_proxy *p, uint8_t m)
{
	p->farm.pool_members[m].asked = STW_ASKED_DRAIN;
	stw_proxy_publish(p);
}

static void see_dead(struct stw_proxy *p, uint8_t m)
{
	static uint8_t failed[STW_FARM_MEMBERS];

	memset(failed, 0, sizeof(failed));
	failed[m] = 1;
	p->failed = failed;
	stw_proxy_publish(p);
}

static void without_memory_the_tables_alone_decide(void **state)
{
	struct stw_proxy *p = *state;

	p->known = NULL;
	uint8_t first = send(p, invite());
	assert_int_equal(p->v.how, STW_HOW_HASH);
	for (int i = 0; i < 5; i++)
		assert_int_equal(send(p, invite()), first);
	drain(p, first);
	assert_int_not_equal(send(p, invite()), first);
}

static void rfc3261_s16_11_retransmission_cancel_and_ack_follow_over_changes(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite());
	const char *was = branch(p);

	drain(p, first);
	assert_int_equal(send(p, invite()), first);
	assert_int_equal(p->v.how, STW_HOW_RECENT);
	assert_string_equal(branch(p), was);
	assert_int_equal(send(p, follower("CANCEL")), first);
	assert_string_equal(branch(p), was);
	assert_int_equal(send(p, follower("ACK")), first);
	assert_string_equal(branch(p), was);
	/* another call does not */
	assert_int_not_equal(send(p, REQUEST(.call_id = "another", .via = UA_VIA "x")), first);
}

static void the_nth_retransmission_moves_an_unanswered_request(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite()), second, third;
	const char *was = branch(p);

	assert_int_equal(send(p, invite()), first);
	assert_int_equal(send(p, invite()), first);
	second = send(p, invite());
	assert_int_not_equal(second, first);
	assert_string_equal(branch(p), was);
	assert_int_equal(send(p, follower("CANCEL")), second);
	assert_int_equal(send(p, follower("ACK")), second);
	/* silent too: each further one tries another, until all have been */
	third = send(p, invite());
	assert_int_not_equal(third, first);
	assert_int_not_equal(third, second);
	assert_int_not_equal(send(p, invite()), third);
	assert_int_equal(send(p, invite()), first);
}

static void counts_what_moves_once(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite()), second;

	send(p, invite());
	send(p, invite());
	second = send(p, invite());
	assert_int_equal(count_of(first, STW_M_INVITES), 1);
	assert_int_equal(count_of(first, STW_M_REPEATED), 2);
	assert_int_equal(count_of(first, STW_M_FAILED_OVER), 1);
	assert_int_equal(count_of(first, STW_M_INVITES_DONE), 1);
	assert_int_equal(count_of(first, STW_M_INVITES_ANSWERED), 0);
	assert_int_equal(count_of(second, STW_M_INVITES), 1);
	assert_int_equal(count_of(second, STW_M_INVITES_DONE), 0);
}

static void failover_0_never_moves(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.pool.failover = 0;
	stw_proxy_publish(p);
	uint8_t first = send(p, invite());
	for (int i = 0; i < 20; i++)
		assert_int_equal(send(p, invite()), first);
}

static void a_member_that_said_trying_keeps_its_call(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite());

	stw_proxy_text(p, respond(p, "100 Trying"), member(first));
	assert_forwarded(p);
	for (int i = 0; i < 10; i++)
		assert_int_equal(send(p, invite()), first);
	see_dead(p, first); /* even now: the member has it */
	assert_int_equal(send(p, invite()), first);
	assert_int_equal(send(p, follower("CANCEL")), first);
}

static void a_failed_member_loses_its_unanswered_calls_at_once(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite()), second;

	see_dead(p, first);
	second = send(p, invite());
	assert_int_not_equal(second, first);
	assert_int_equal(count_of(first, STW_M_FAILED_OVER), 1);
	assert_int_equal(send(p, follower("CANCEL")), second);
}

static void in_panic_a_failed_member_keeps_its_calls(void **state)
{
	static const uint8_t all[4] = {1, 1, 1, 1};
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite());

	p->failed = all;
	stw_proxy_publish(p);
	assert_int_equal(send(p, invite()), first);
}

static void a_late_answer_of_the_first_goes_up_and_changes_nothing(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite()), second;

	see_dead(p, first);
	second = send(p, invite());
	const char *late = hold(respond(p, "100 Trying"));
	stw_proxy_text(p, late, member(first));
	assert_forwarded(p);
	assert_int_equal(p->v.note, STW_NOTE_NONE);
	assert_int_equal(count_of(first, STW_M_INVITES_ANSWERED), 0);
	assert_int_equal(count_of(second, STW_M_INVITES_ANSWERED), 0);
	stw_proxy_text(p, late, member(second));
	assert_int_equal(count_of(second, STW_M_INVITES_ANSWERED), 1);
}

static void a_member_no_longer_known_hands_over(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite());
	uint8_t last = (uint8_t)(p->farm.model.n_members - 1);

	/* take it out whole: the last one takes its row */
	p->farm.members[first] = p->farm.members[last];
	p->farm.model.n_members--;
	p->farm.pool.n_members--;
	stw_proxy_publish(p);
	uint8_t second = send(p, invite());
	assert_int_not_equal(second, first);
	assert_int_equal(send(p, follower("CANCEL")), second);
}

static void rotate(struct stw_proxy *p)
{
	struct stw_model_secret *s = p->farm.model.secrets, old = s[0];

	s[0] = s[1];
	s[1] = old;
	p->farm.model.n_secrets = 2;
	stw_proxy_publish(p);
}

static void rotation_of_secrets_moves_nothing_in_flight(void **state)
{
	struct stw_proxy *p = *state;
	unsigned moved = 0;

	for (unsigned i = 0; i < 20; i++) {
		char id[32], via[128];

		snprintf(id, sizeof(id), "call-%u", i);
		snprintf(via, sizeof(via), UA_VIA "-%u", i);
		uint8_t first = send(p, REQUEST(.call_id = id, .via = via));
		const char *was = branch(p);
		rotate(p);
		assert_int_equal(send(p, REQUEST(.call_id = id, .via = via)), first);
		assert_string_equal(branch(p), was);
		assert_int_equal(send(p, REQUEST(.method = "CANCEL", .call_id = id, .via = via)),
				 first);
		assert_string_equal(branch(p), was);
		const char *answer = hold(respond(p, "487 Request Terminated"));
		(void)answer;
		assert_int_equal(send(p, REQUEST(.method = "ACK", .call_id = id, .via = via)),
				 first);
		p->known = NULL;
		moved += send(p, REQUEST(.call_id = id, .via = via)) != first;
		p->known = &rig->memory;
	}
	assert_true(moved > 0); /* without the memory the new secret spreads them anew */
}

static void answers_are_noted_under_the_secret_they_began_with(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite());
	const char *answer = hold(respond(p, "200 OK"));

	rotate(p);
	stw_proxy_text(p, answer, member(first));
	assert_forwarded(p);
	assert_int_equal(count_of(first, STW_M_INVITES_ANSWERED), 1);
	assert_int_equal(count_of(first, STW_M_INVITES_DONE), 1);
}

static void without_record_route_a_dialog_follows_its_call(void **state)
{
	struct stw_proxy *p = *state;
	const char *tagged = "Bob <sip:bob@biloxi.example.com>;tag=a6c85cf";

	p->farm.pool.record_route = false;
	stw_proxy_publish(p);
	uint8_t first = send(p, invite());
	drain(p, first);
	assert_int_equal(send(p, REQUEST(.method = "ACK", .to = tagged, .via = UA_VIA "a")), first);
	assert_int_equal(send(p, REQUEST(.method = "BYE", .to = tagged, .via = UA_VIA "b",
					 .cseq = "314160 BYE")),
			 first);
	/* unanswered or failed, what is in a dialog stays */
	see_dead(p, first);
	for (int i = 0; i < 8; i++)
		assert_int_equal(send(p, REQUEST(.method = "BYE", .to = tagged, .via = UA_VIA "b",
						 .cseq = "314160 BYE")),
				 first);
	rotate(p);
	assert_int_equal(send(p, REQUEST(.method = "BYE", .to = tagged, .via = UA_VIA "c",
					 .cseq = "314161 BYE")),
			 first);
}

static void a_call_that_moved_takes_its_dialog_along(void **state)
{
	struct stw_proxy *p = *state;

	p->farm.pool.record_route = false;
	stw_proxy_publish(p);
	uint8_t first = send(p, invite());
	see_dead(p, first);
	uint8_t second = send(p, invite());
	assert_int_not_equal(second, first);
	assert_int_equal(send(p, REQUEST(.method = "ACK", .to = "<sip:bob@b>;tag=1",
					 .via = UA_VIA "a")),
			 second);
}

static void counts_first_and_final_answers_once(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite());
	const char *trying = hold(respond(p, "100 Trying")), *ringing, *ok;
	uint64_t timed = 0;

	ringing = hold(respond(p, "180 Ringing"));
	ok = hold(respond(p, "200 OK"));
	p->now_tsc += SECOND / 1000; /* 1000 us: bucket 9 */
	stw_proxy_text(p, trying, member(first));
	stw_proxy_text(p, trying, member(first));
	stw_proxy_text(p, ringing, member(first));
	assert_int_equal(count_of(first, STW_M_INVITES_ANSWERED), 1);
	assert_int_equal(count_of(first, STW_M_INVITES_DONE), 0);
	stw_proxy_text(p, ok, member(first));
	stw_proxy_text(p, ok, member(first));
	assert_int_equal(count_of(first, STW_M_INVITES_ANSWERED), 1);
	assert_int_equal(count_of(first, STW_M_INVITES_DONE), 1);
	for (unsigned i = 0; i < STW_LATENCY_BUCKETS; i++)
		timed += rig->memory.members[0].first_answer[first][i];
	assert_int_equal(timed, 1);
	assert_int_equal(rig->memory.members[0].first_answer[first][9], 1);
	assert_in_range(rig->memory.members[0].first_answer_us[first], 512, 1023);
}

static void other_requests_are_counted_apart(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, REQUEST(.method = "MESSAGE"));

	assert_int_equal(count_of(first, STW_M_OTHERS), 1);
	assert_int_equal(count_of(first, STW_M_INVITES), 0);
	stw_proxy_text(p, respond(p, "200 OK"), member(first));
	assert_int_equal(count_of(first, STW_M_OTHERS_ANSWERED), 1);
	assert_int_equal(count_of(first, STW_M_OTHERS_DONE), 1);
}

static void what_is_never_answered_expires(void **state)
{
	struct stw_proxy *p = *state;
	uint8_t first = send(p, invite());

	p->now_tsc += 242 * SECOND;
	for (uint32_t i = 0; i <= rig->recent.mask; i++)
		stw_note_sweep(&rig->memory, p->tables, p->now_tsc);
	assert_int_equal(count_of(first, STW_M_EXPIRED), 1);
	assert_int_equal(count_of(first, STW_M_INVITES_DONE), 1);
	send(p, invite()); /* is new again */
	assert_int_equal(count_of(first, STW_M_INVITES), 2);
}

static void what_is_crowded_out_is_no_longer_open(void **state)
{
	struct stw_proxy *p = *state;
	uint64_t opened = 0, done = 0, expired = 0;

	for (int i = 0; i < 10; i++) { /* one Call-ID: one bucket */
		char via[128];

		p->now_tsc += SECOND;
		snprintf(via, sizeof(via), UA_VIA "-%d", i);
		send(p, REQUEST(.via = via));
	}
	for (uint8_t i = 0; i < 4; i++) {
		opened += count_of(i, STW_M_INVITES);
		done += count_of(i, STW_M_INVITES_DONE);
		expired += count_of(i, STW_M_EXPIRED);
	}
	assert_int_equal(opened, 10);
	assert_int_equal(done, 2);
	assert_int_equal(expired, 2);
}

static void keeps_what_a_503_asks_for(void **state)
{
	struct stw_proxy *p = *state;
	struct stw_sip_msg m;
	const char *text = "SIP/2.0 503 Busy\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\n"
			   "To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
			   "Retry-After: 120 (maintenance);duration=60\r\n\r\n";

	stw_sip_parse(text, strlen(text), &m);
	stw_note_unavailable(&rig->memory, 2, text, &m, 777);
	assert_int_equal(count_of(2, STW_M_UNAVAILABLE), 1);
	assert_int_equal(rig->memory.members[0].retry_after[2].seconds, 120);
	assert_int_equal(rig->memory.members[0].retry_after[2].tsc, 777);
	(void)p;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_memory_the_tables_alone_decide),
		TEST(rfc3261_s16_11_retransmission_cancel_and_ack_follow_over_changes),
		TEST(the_nth_retransmission_moves_an_unanswered_request),
		TEST(counts_what_moves_once),
		TEST(failover_0_never_moves),
		TEST(a_member_that_said_trying_keeps_its_call),
		TEST(a_failed_member_loses_its_unanswered_calls_at_once),
		TEST(in_panic_a_failed_member_keeps_its_calls),
		TEST(a_late_answer_of_the_first_goes_up_and_changes_nothing),
		TEST(a_member_no_longer_known_hands_over),
		TEST(rotation_of_secrets_moves_nothing_in_flight),
		TEST(answers_are_noted_under_the_secret_they_began_with),
		TEST(without_record_route_a_dialog_follows_its_call),
		TEST(a_call_that_moved_takes_its_dialog_along),
		TEST(counts_first_and_final_answers_once),
		TEST(other_requests_are_counted_apart),
		TEST(what_is_never_answered_expires),
		TEST(what_is_crowded_out_is_no_longer_open),
		TEST(keeps_what_a_503_asks_for),
	};
	return cmocka_run_group_tests_name("recall", tests, NULL, NULL);
}
