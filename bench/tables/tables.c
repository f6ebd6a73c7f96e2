/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-tables: what a change of configuration costs, as JSON: control's time to build an image
 * and the data plane's to check and copy it, against the number of members. The swap itself needs
 * running workers; bench/tables/run.py reads it from a real data plane.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "bench/clock.h"
#include "control/model/model.h"
#include "control/tables/build.h"
#include "dataplane/table/lookup.h"

#define ROUNDS_MAX 100u
#define SLOTS	   196613u /* as pools[].slots has them unless the file says otherwise */

static const uint32_t sizes[] = {10, 100, 1000};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

struct farm {
	struct stw_model model;
	struct stw_model_listener listener;
	struct stw_model_pool pool;
	struct stw_model_member *members;
	struct stw_model_pool_member *uses;
};

static struct stw_endpoint address(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t v4[4] = {a, b, c, d};
	struct stw_endpoint ep = {.ip = stw_ip_from_v4(v4), .port = 5060};

	return ep;
}

static void fill(struct farm *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct stw_model_member *m = &f->members[i];
		snprintf(m->name, sizeof(m->name), "proxy%u", i);
		m->address = address(10, 0, (uint8_t)(i >> 8), (uint8_t)i);
		m->id = stw_member_id(&m->address);
		m->number = (uint16_t)i;
		f->uses[i].member = i;
		f->uses[i].weight = 1 + i % 4;
	}
}

/* One listener, one pool of @n members with unequal weights. */
static int farm_init(struct farm *f, uint32_t n, uint32_t slots)
{
	memset(f, 0, sizeof(*f));
	f->members = calloc(n, sizeof(*f->members));
	f->uses = calloc(n, sizeof(*f->uses));
	if (!f->members || !f->uses)
		return STW_ENOMEM;
	fill(f, n);
	strcpy(f->listener.name, "bench");
	f->listener.address = address(192, 0, 2, 1);
	strcpy(f->pool.name, "bench");
	f->pool.record_route = true;
	f->pool.slots = slots;
	f->pool.members = f->uses;
	f->pool.n_members = n;
	f->model.listeners = &f->listener;
	f->model.n_listeners = 1;
	f->model.pools = &f->pool;
	f->model.n_pools = 1;
	f->model.members = f->members;
	f->model.n_members = n;
	f->model.n_secrets = 1;
	memset(f->model.secrets[0].key, 0x5a, STW_SECRET_BYTES);
	return STW_OK;
}

static void farm_fini(struct farm *f)
{
	free(f->members);
	free(f->uses);
}

/* Build, check, look, free. @return STW_OK, or what went wrong */
static int round_trip(const struct farm *f, uint64_t generation, double *build_ms, double *check_ms,
		      size_t *bytes)
{
	struct stw_tables *t = NULL;
	struct stw_image image;
	char reason[160] = "";
	uint64_t start = stw_bench_now_ns();
	int err = stw_image_build(&f->model, NULL, generation, &image);
	uint64_t built = stw_bench_now_ns();

	if (err != STW_OK)
		return err;
	err = stw_tables_new(image.bytes, image.size_bytes, reason, sizeof(reason), &t);
	*check_ms = (double)(stw_bench_now_ns() - built) / 1e6;
	*build_ms = (double)(built - start) / 1e6;
	*bytes = image.size_bytes;
	if (err != STW_OK)
		fprintf(stderr, "stw-bench-tables: image refused: %s\n", reason);
	else if (stw_tables_n_members(t) != f->model.n_members ||
		 stw_tables_generation(t) != generation)
		err = STW_EMALFORMED;
	stw_tables_free(t);
	stw_image_fini(&image);
	return err;
}

static void print_list(const char *name, const double *values, uint32_t n)
{
	printf("\"%s\": [", name);
	for (uint32_t i = 0; i < n; i++)
		printf("%s%.4f", i ? ", " : "", values[i]);
	printf("]");
}

static int measure(uint32_t members, uint32_t slots, uint32_t rounds)
{
	double build_ms[ROUNDS_MAX], check_ms[ROUNDS_MAX];
	struct farm f;
	size_t bytes = 0;
	int err = farm_init(&f, members, slots);

	for (uint32_t i = 0; err == STW_OK && i < rounds; i++)
		err = round_trip(&f, i + 1, &build_ms[i], &check_ms[i], &bytes);
	farm_fini(&f);
	if (err != STW_OK)
		return err;
	printf("{\"members\": %u, \"slots\": %u, \"image_bytes\": %zu, ", members, slots, bytes);
	print_list("build_ms", build_ms, rounds);
	printf(", ");
	print_list("check_ms", check_ms, rounds);
	printf("}");
	return STW_OK;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"rounds", required_argument, NULL, 'r'},
					      {NULL, 0, NULL, 0}};
	uint32_t rounds = 7;
	int err = STW_OK;

	for (int c; (c = getopt_long(argc, argv, "r:", longs, NULL)) != -1;)
		rounds = c == 'r' ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
	if (rounds < 1 || rounds > ROUNDS_MAX || optind != argc) {
		fprintf(stderr, "usage: %s [--rounds 1..%u]\n", argv[0], ROUNDS_MAX);
		return 2;
	}
	printf("[");
	for (size_t i = 0; err == STW_OK && i < N_SIZES; i++) {
		printf("%s", i ? ",\n " : "");
		err = measure(sizes[i], SLOTS, rounds);
	}
	printf("]\n");
	if (err != STW_OK)
		fprintf(stderr, "stw-bench-tables: failed (%d)\n", err);
	return err == STW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
