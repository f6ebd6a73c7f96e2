/* SPDX-License-Identifier: BSD-3-Clause */

/* What images leave behind: members gone, slots of the generation before. */

#include "control/tables/past.h"
#include "dataplane/table/tables.h"
#include "tests/rfc/proxy/messages.h"

struct rig {
	struct stw_farm farm;
	struct stw_numbers *numbers;
	struct stw_past *past;
	uint64_t generation;
	double now_s;
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	stw_farm_init(&r->farm, 4);
	r->numbers = stw_numbers_new();
	r->past = stw_past_new(r->numbers);
	r->now_s = 1000;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	stw_past_free(r->past);
	stw_numbers_free(r->numbers);
	free(r);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* As control does it: number, turn, build, keep; acknowledged at once. */
static struct stw_tables *publish(struct rig *r)
{
	struct stw_image_past past;
	struct stw_image image, bare;
	struct stw_tables *t = NULL;
	char reason[160] = "";
	struct stw_model *m = &r->farm.model;

	assert_int_equal(stw_numbers_assign(r->numbers, m, ++r->generation), STW_OK);
	assert_int_equal(stw_past_turn(r->past, m, r->now_s, &past), STW_OK);
	assert_int_equal(stw_image_build_after(m, NULL, NULL, 0, &past, r->generation, &image),
			 STW_OK);
	assert_int_equal(stw_past_keep(r->past, m, &image, r->now_s), STW_OK);
	stw_numbers_acknowledged(r->numbers, r->generation);
	/* the past is no part of what nodes must agree on */
	assert_int_equal(stw_image_build(m, NULL, r->generation, &bare), STW_OK);
	assert_memory_equal(image.digest, bare.digest, sizeof(image.digest));
	int err = stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason), &t);
	assert_string_equal(reason, "");
	assert_int_equal(err, STW_OK);
	stw_image_fini(&image);
	stw_image_fini(&bare);
	return t;
}

static void look(struct rig *r, size_t gone, bool past)
{
	struct stw_tables *t = publish(r);

	assert_int_equal(t->n_members, r->farm.model.n_members + gone);
	for (uint32_t i = 0; i < t->n_members; i++)
		assert_int_equal(t->members[i].flags,
				 i < r->farm.model.n_members ? 0 : STW_IMAGE_MEMBER_GONE);
	assert_int_equal(t->pools[0].n_past, past ? t->pools[0].n_slots : 0);
	stw_tables_free(t);
}

static void take_out_the_last(struct rig *r)
{
	r->farm.model.n_members--;
	r->farm.pool.n_members--;
}

static void put_back_the_last(struct rig *r)
{
	r->farm.model.n_members++;
	r->farm.pool.n_members++;
}

static void a_member_removed_is_gone_for_a_while(void **state)
{
	struct rig *r = *state;
	size_t leaving;

	look(r, 0, false);
	assert_true(stw_past_due_s(r->past) == 0);
	take_out_the_last(r);
	r->now_s += 10;
	look(r, 1, true);
	stw_numbers_count(r->numbers, NULL, &leaving, NULL);
	assert_int_equal(leaving, 1); /* its number is nobody else's yet */
	assert_true(stw_past_due_s(r->past) == r->now_s + STW_PAST_S);
	r->now_s += STW_PAST_S - 1;
	look(r, 1, true);
	r->now_s += 1;
	look(r, 0, false);
	stw_numbers_count(r->numbers, NULL, &leaving, NULL);
	assert_int_equal(leaving, 0);
	assert_true(stw_past_due_s(r->past) == 0);
}

static void one_that_comes_back_is_not_gone(void **state)
{
	struct rig *r = *state;
	uint16_t number;

	look(r, 0, false);
	number = r->farm.members[3].number;
	take_out_the_last(r);
	look(r, 1, true);
	put_back_the_last(r);
	look(r, 0, true);
	assert_int_equal(r->farm.members[3].number, number);
}

static void what_does_not_change_slots_keeps_their_past(void **state)
{
	struct rig *r = *state;
	struct stw_tables *before = publish(r), *after;

	r->farm.pool_members[1].asked = STW_ASKED_DRAIN;
	stw_tables_free(publish(r));
	for (int i = 0; i < 3; i++) {
		r->now_s += 60;
		after = publish(r);
		assert_int_equal(after->pools[0].n_past, before->pools[0].n_slots);
		assert_memory_equal(after->slots + after->pools[0].first_past,
				    before->slots + before->pools[0].first_slot,
				    before->pools[0].n_slots * sizeof(*before->slots));
		stw_tables_free(after);
	}
	stw_tables_free(before);
	r->now_s += 60;
	look(r, 0, false);
}

static void numbers_can_be_had_back(void **state)
{
	struct rig *r = *state;
	size_t leaving;

	look(r, 0, false);
	take_out_the_last(r);
	look(r, 1, true);
	assert_true(stw_past_forget(r->past));
	assert_false(stw_past_forget(r->past));
	stw_numbers_count(r->numbers, NULL, &leaving, NULL);
	assert_int_equal(leaving, 0);
}

/* The proxy of the RFC tests with the tables of @r. */
static struct stw_proxy *proxy_with(struct rig *r)
{
	struct stw_proxy *p = stw_proxy_new(4);

	stw_tables_free(p->tables);
	p->tables = publish(r);
	p->snap.tables = p->tables;
	return p;
}

static void change_tables(struct stw_proxy *p, struct rig *r)
{
	stw_tables_free(p->tables);
	p->tables = publish(r);
	p->snap.tables = p->tables;
}

static void answers_of_one_just_removed_go_up(void **state)
{
	struct rig *r = *state;
	struct stw_proxy *p = proxy_with(r);
	char via[128];

	/* a call that goes to the last member */
	p->v.member = 0;
	for (int i = 0; i < 200 && p->v.member != 3; i++) {
		snprintf(via, sizeof(via), UA_VIA "-%d", i);
		stw_proxy_text(p, REQUEST(.via = via, .call_id = strrchr(via, '-')), ua());
	}
	assert_int_equal(p->v.member, 3);
	const char *answer = hold(respond(p, "200 OK"));
	take_out_the_last(r);
	change_tables(p, r);
	stw_proxy_text(p, answer, member(3));
	assert_forwarded(p);
	r->now_s += STW_PAST_S;
	change_tables(p, r);
	stw_proxy_text(p, answer, member(3));
	assert_string_equal(stw_proxy_drop(p), "response_stranger");
	stw_proxy_free(p);
}

/* With no memory at all, as after a restart of the data plane. */
static void rfc3261_s9_1_cancel_follows_the_slots_of_its_invite(void **state)
{
	struct rig *r = *state;
	struct stw_proxy *p = proxy_with(r);
	unsigned differ = 0;
	uint8_t first[40];
	char via[128];

	for (int i = 0; i < 40; i++) {
		snprintf(via, sizeof(via), UA_VIA "-%d", i);
		stw_proxy_text(p, REQUEST(.via = via, .call_id = strrchr(via, '-')), ua());
		first[i] = (uint8_t)p->v.member;
	}
	r->farm.pool_members[1].asked = STW_ASKED_DRAIN;
	change_tables(p, r);
	for (int i = 0; i < 40; i++) {
		snprintf(via, sizeof(via), UA_VIA "-%d", i);
		stw_proxy_text(p,
			       REQUEST(.method = "CANCEL", .via = via,
				       .call_id = strrchr(via, '-')),
			       ua());
		assert_int_equal(p->v.member, first[i]);
		stw_proxy_text(p,
			       REQUEST(.method = "ACK", .via = via, .call_id = strrchr(via, '-')),
			       ua());
		assert_int_equal(p->v.member, first[i]);
		stw_proxy_text(p, REQUEST(.via = via, .call_id = strrchr(via, '-')), ua());
		differ += p->v.member != first[i];
	}
	assert_true(differ > 0);
	stw_proxy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_member_removed_is_gone_for_a_while),
		TEST(one_that_comes_back_is_not_gone),
		TEST(what_does_not_change_slots_keeps_their_past),
		TEST(numbers_can_be_had_back),
		TEST(answers_of_one_just_removed_go_up),
		TEST(rfc3261_s9_1_cancel_follows_the_slots_of_its_invite),
	};
	return cmocka_run_group_tests_name("past", tests, NULL, NULL);
}
