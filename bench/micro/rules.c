/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What it costs to find the rule of a request: of many rules with a user each, and of one rule with
 * many number prefixes. Each request fits one of them, drawn at random, so that its lines are as
 * cold as the table's size makes them.
 */

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

#include "bench/clock.h"
#include "bench/random.h"
#include "control/model/rule_keys.h"
#include "control/tables/build.h"
#include "dataplane/table/tables.h"

#define REQUESTS   16384u
#define MOST	   100000u
#define ROUNDS_MAX 100u
#define N_SIZES	   6u

static const uint32_t sizes[N_SIZES] = {1, 10, 100, 1000, 10000, 100000};

struct farm {
	struct stw_model model;
	struct stw_model_listener listener;
	struct stw_model_pool pool;
	struct stw_model_pool_member use;
	struct stw_model_member member;
	struct stw_model_rule *rules;
	struct stw_model_rule_user *users;
	struct stw_model_rule_number *numbers;
};

/* A request and what must be found. */
struct question {
	struct stw_rule_request request;
	uint32_t rule;
};

static struct farm farm;
static struct question *questions;

static bool init(void)
{
	static const uint8_t ip[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 1}};

	farm.listener.address = (struct stw_endpoint){.ip = stw_ip_from_v4(ip[0]), .port = 5060};
	farm.member.address = (struct stw_endpoint){.ip = stw_ip_from_v4(ip[1]), .port = 5060};
	farm.member.id = stw_member_id(&farm.member.address);
	farm.use.weight = 1;
	farm.pool = (struct stw_model_pool){.slots = 251, .members = &farm.use, .n_members = 1};
	farm.model = (struct stw_model){.listeners = &farm.listener,
					.n_listeners = 1,
					.pools = &farm.pool,
					.n_pools = 1,
					.members = &farm.member,
					.n_members = 1,
					.n_secrets = 1};
	farm.rules = calloc(MOST, sizeof(*farm.rules));
	farm.users = calloc(MOST, sizeof(*farm.users));
	farm.numbers = calloc(MOST, sizeof(*farm.numbers));
	questions = calloc(REQUESTS, sizeof(*questions));
	farm.model.rules = farm.rules;
	return farm.rules && farm.users && farm.numbers && questions;
}

/* @n rules, a user each. */
static void make_rules(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		snprintf(farm.users[i].text, sizeof(farm.users[i].text), "user%06u", i);
		farm.rules[i] = (struct stw_model_rule){.name = "rule",
							.users = &farm.users[i],
							.n_users = 1,
							.row = i};
	}
	farm.model.n_rules = n;
	for (uint32_t q = 0; q < REQUESTS; q++) {
		struct stw_bench_random random = {q};
		uint32_t i = stw_bench_random_below(&random, n);

		memset(&questions[q], 0, sizeof(questions[q]));
		questions[q].rule = i;
		questions[q].request.user_len = 10;
		memcpy(questions[q].request.user, farm.users[i].text, 10);
	}
}

/* One rule with @n prefixes, of three to eight digits, of one length or a few more as numbering
 * plans have them. */
static void make_prefixes(uint32_t n)
{
	struct stw_bench_random random = {n};

	for (uint32_t i = 0; i < n; i++) {
		int more = (int)stw_bench_random_below(&random, 3);

		farm.numbers[i] = (struct stw_model_rule_number){.pool = UINT32_MAX};
		snprintf(farm.numbers[i].prefix, sizeof(farm.numbers[i].prefix), "+%u%.*s",
			 n <= 900 ? 100 + i : 100000 + i, more, "99");
	}
	farm.rules[0] =
		(struct stw_model_rule){.name = "rule", .numbers = farm.numbers, .n_numbers = n};
	farm.model.n_rules = 1;
	for (uint32_t q = 0; q < REQUESTS; q++) {
		const char *prefix = farm.numbers[stw_bench_random_below(&random, n)].prefix;
		struct stw_number *number = &questions[q].request.number;
		size_t len = strlen(prefix);

		memset(&questions[q], 0, sizeof(questions[q]));
		memcpy(number->text, prefix, len);
		for (; len < 13; len++)
			number->text[len] = (char)('0' + stw_bench_random_below(&random, 10));
		number->len = 13;
	}
}

static struct stw_tables *make_tables(void)
{
	struct stw_tables *t = NULL;
	struct stw_image image;
	char reason[160] = "";
	size_t crowded;

	if (stw_rules_choose(&farm.model, &crowded) != STW_OK ||
	    stw_image_build(&farm.model, NULL, 1, &image) != STW_OK)
		return NULL;
	if (stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason), &t) != STW_OK)
		fprintf(stderr, "stw-bench-rules: %s\n", reason);
	stw_image_fini(&image);
	return t;
}

static bool find_all(const struct stw_tables *t, double *ns)
{
	uint32_t right = 0;
	uint64_t start = stw_bench_now_ns();

	for (uint32_t q = 0; q < REQUESTS; q++) {
		struct stw_rule_hit hit;

		right += stw_rules_find(&t->rules, &questions[q].request, &hit) &&
			 hit.rule == questions[q].rule;
	}
	*ns = (double)(stw_bench_now_ns() - start) / REQUESTS;
	return right == REQUESTS;
}

/* One point: all rounds, behind one that is not counted. */
static bool run_point(uint32_t n, uint32_t rounds, bool first)
{
	struct stw_tables *t = make_tables();
	double ns;
	bool good = t != NULL && find_all(t, &ns);

	printf("%s\"%u\": [", first ? "" : ", ", n);
	for (uint32_t r = 0; r < rounds && good; r++) {
		good = find_all(t, &ns);
		printf("%s%.2f", r ? ", " : "", ns);
	}
	printf("]");
	stw_tables_free(t);
	return good;
}

static bool run(uint32_t rounds)
{
	static void (*const makers[])(uint32_t n) = {make_rules, make_prefixes};
	static const char *const names[] = {"rules", "prefixes"};
	bool good = true;

	printf("{");
	for (int kind = 0; kind < 2; kind++) {
		printf("%s\"%s\": {", kind ? ", " : "", names[kind]);
		for (uint32_t i = 0; i < N_SIZES && good; i++) {
			makers[kind](sizes[i]);
			good = run_point(sizes[i], rounds, i == 0);
		}
		printf("}");
	}
	printf("}\n");
	return good;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"rounds", required_argument, NULL, 'r'},
					      {NULL, 0, NULL, 0}};
	uint32_t rounds = 20;

	for (int c; (c = getopt_long(argc, argv, "r:", longs, NULL)) != -1;)
		rounds = c == 'r' ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
	if (rounds < 1 || rounds > ROUNDS_MAX || optind != argc) {
		fprintf(stderr, "usage: %s [--rounds 1..%u]\n", argv[0], ROUNDS_MAX);
		return 2;
	}
	bool good = init() && run(rounds);
	if (!good)
		fprintf(stderr, "stw-bench-rules: no memory, or a look-up gave a wrong answer\n");
	free(farm.rules);
	free(farm.users);
	free(farm.numbers);
	free(questions);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
