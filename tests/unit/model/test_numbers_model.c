/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random reloads, holds and acknowledgements against a plain second book-keeping, which knows of
 * each number the address it was last given to, the generations that were served with it, and who
 * holds it. The rule: a number changes its address only when nobody can mean the old one by it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/model/numbers.h"

#define HOSTS	40
#define HOLDS	16
#define TURNS	20000
#define IN_PLAY 130u /* numbers left for all: few, so that each is soon wanted again */

/* Of one number. */
struct book {
	uint32_t host;	      /* 0: never given */
	uint64_t last_served; /* the last generation whose image had it */
	unsigned holds;
};

struct world {
	struct stw_numbers *numbers;
	struct book books[STW_MEMBER_NUMBERS];
	struct stw_model_member members[HOSTS];
	struct stw_model model;
	uint64_t generation;   /* the last built */
	uint64_t acknowledged; /* the last acknowledged */
	size_t refused;	       /* reloads for which no numbers were left */
	uint16_t held[HOLDS];
	size_t n_held;
	uint64_t seed;
};

static uint32_t roll(struct world *w, uint32_t n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (uint32_t)(w->seed >> 32) % n;
}

static struct stw_endpoint endpoint(uint32_t host)
{
	const uint8_t v4[4] = {10, 0, (uint8_t)(host >> 8), (uint8_t)host};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(v4), .port = 5060};
}

static uint32_t host_of(const struct stw_model_member *m)
{
	return (uint32_t)m->address.ip.b[14] << 8 | m->address.ip.b[15];
}

/* The number of @m may be that of its host: is it new, or was the old one let go by all? */
static void check_given(struct world *w, const struct stw_model_member *m)
{
	struct book *b = &w->books[m->number];
	uint32_t host = host_of(m);

	if (b->host != host) {
		if (b->holds > 0)
			fail_msg("number %u given to another while held", m->number);
		if (b->host != 0 && b->last_served >= w->acknowledged)
			fail_msg("number %u given to another: generation %lu had it, %lu serves",
				 m->number, (unsigned long)b->last_served,
				 (unsigned long)w->acknowledged);
		b->host = host;
	}
	b->last_served = w->generation;
}

static void check_all_differ(const struct world *w)
{
	static bool used[STW_MEMBER_NUMBERS];

	memset(used, 0, sizeof(used));
	for (size_t i = 0; i < w->model.n_members; i++) {
		uint16_t number = w->model.members[i].number;

		assert_true(number < STW_MEMBER_NUMBERS);
		assert_false(used[number]);
		used[number] = true;
	}
}

/* Numbers for the members that now stand in @w; without space, the ones before go on. */
static void publish(struct world *w)
{
	static struct stw_model_member before[HOSTS];
	static size_t n_before;
	int err = stw_numbers_assign(w->numbers, &w->model, w->generation + 1);

	if (err == STW_ENOSPACE && w->generation > 1) {
		w->refused++;
		memcpy(w->members, before, sizeof(before));
		w->model.n_members = n_before;
		return;
	}
	assert_int_equal(err, STW_OK);
	w->generation++;
	check_all_differ(w);
	for (size_t i = 0; i < w->model.n_members; i++)
		check_given(w, &w->members[i]);
	memcpy(before, w->members, sizeof(before));
	n_before = w->model.n_members;
}

static void reload(struct world *w)
{
	uint32_t first = 1 + roll(w, 2000);

	w->model.n_members = 0;
	for (uint32_t i = 0; i < HOSTS; i++) {
		if (roll(w, 3) == 0)
			continue;
		/* Mostly the same few, at times others, so that addresses come back and go. */
		uint32_t host = roll(w, 10) ? 1 + i : first + i + HOSTS;

		w->members[w->model.n_members++] =
			(struct stw_model_member){.address = endpoint(host)};
	}
	publish(w);
}

/* The same members once more, as when one's health changed. */
static void rebuild(struct world *w)
{
	w->generation++;
	for (size_t i = 0; i < w->model.n_members; i++)
		w->books[w->members[i].number].last_served = w->generation;
}

static void acknowledge(struct world *w)
{
	uint64_t ahead = w->generation - w->acknowledged;

	if (ahead == 0)
		return;
	w->acknowledged += 1 + roll(w, (uint32_t)ahead);
	stw_numbers_acknowledged(w->numbers, w->acknowledged);
}

static void hold(struct world *w)
{
	if (w->n_held == HOLDS || w->model.n_members == 0)
		return;
	uint16_t number = w->members[roll(w, (uint32_t)w->model.n_members)].number;

	stw_numbers_ref(w->numbers, number);
	w->books[number].holds++;
	w->held[w->n_held++] = number;
}

static void let_go(struct world *w)
{
	if (w->n_held == 0)
		return;
	size_t i = roll(w, (uint32_t)w->n_held);

	stw_numbers_unref(w->numbers, w->held[i]);
	w->books[w->held[i]].holds--;
	w->held[i] = w->held[--w->n_held];
}

/* Many hosts nobody wants again, so that numbers run round and are really reused. */
static void churn(struct world *w, uint32_t from)
{
	for (uint32_t i = 0; i < HOSTS; i++)
		w->members[i] = (struct stw_model_member){.address = endpoint(from + i)};
	w->model.n_members = HOSTS;
	publish(w);
}

/* Take all numbers but IN_PLAY out of the game: their members left, and somebody holds them. */
static void fill_up(struct world *w)
{
	static struct stw_model_member members[STW_MEMBER_NUMBERS - IN_PLAY];
	struct stw_model model = {.members = members,
				  .n_members = sizeof(members) / sizeof(members[0])};

	for (uint32_t i = 0; i < model.n_members; i++) {
		members[i].address = endpoint(i);
		members[i].address.port = 1;
	}
	assert_int_equal(stw_numbers_assign(w->numbers, &model, ++w->generation), STW_OK);
	for (size_t i = 0; i < model.n_members; i++) {
		stw_numbers_ref(w->numbers, members[i].number);
		w->books[members[i].number] =
			(struct book){.host = UINT32_MAX, .last_served = 1, .holds = 1};
	}
}

static void step(struct world *w, uint32_t turn)
{
	switch (roll(w, 8)) {
	case 0: reload(w); break;
	case 1: rebuild(w); break;
	case 2:
	case 3: acknowledge(w); break;
	case 4: hold(w); break;
	case 5: let_go(w); break;
	default: churn(w, 4096 + turn % 50000); break;
	}
}

static void run(uint64_t seed)
{
	static struct world w;
	size_t live, leaving, reused = 0;

	memset(&w, 0, sizeof(w));
	w.seed = seed;
	w.model.members = w.members;
	w.numbers = stw_numbers_new();
	assert_non_null(w.numbers);
	fill_up(&w);
	for (uint32_t turn = 0; turn < TURNS; turn++)
		step(&w, turn);
	while (w.n_held > 0)
		let_go(&w);
	stw_numbers_acknowledged(w.numbers, w.generation);
	stw_numbers_count(w.numbers, &live, &leaving, NULL);
	assert_int_equal(live, w.model.n_members);
	assert_int_equal(leaving, STW_MEMBER_NUMBERS - IN_PLAY);
	for (uint16_t i = 0; i < STW_MEMBER_NUMBERS; i++)
		reused += stw_numbers_epoch(w.numbers, i) > 1;
	/* Else the test would have proved nothing. */
	assert_int_equal(reused, IN_PLAY);
	assert_in_range(w.refused, 1, TURNS / 2);
	stw_numbers_free(w.numbers);
}

static void no_number_means_two_addresses(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		run(seed * 0x9e3779b97f4a7c15u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_number_means_two_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
