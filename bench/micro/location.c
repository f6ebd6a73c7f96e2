/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-location: the location table at 100 k, 1 M and 10 M bindings, as JSON: memory of a
 * binding, time of an insertion, of a change, and of a look-up in bursts, for users there are and
 * users there are not. Each size is checked before it is timed.
 *
 *     stw-bench-location [most bindings]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "bench/clock.h"
#include "control/location/table.h"

#define BURST	64u
#define LOOKUPS (1u << 21)
#define CHANGES 200000u
#define ROUNDS	5

static const uint32_t sizes[] = {1000, 10000, 100000, 1000000, 10000000};

#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint64_t seed = 88172645463325252u;

static uint32_t chance(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed % n);
}

static size_t name(char *out, uint32_t i, bool known)
{
	return (size_t)sprintf(out, "sip:%s%07u@example.com", known ? "user" : "none", i);
}

static int put(struct stw_location_table *t, uint32_t i, uint16_t port)
{
	char aor[64], uri[64];
	const uint8_t ip[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
	const size_t len = name(aor, i, true);
	const struct stw_contact c = {
		.q = 1000,
		.rest = {uri, (uint16_t)sprintf(uri, "sip:user%07u@10.%u.%u.%u:%u", i, ip[1], ip[2],
						ip[3], port)},
		.source = {.ip = stw_ip_from_v4(ip), .port = port},
		.listener = {.ip = stw_ip_from_v4("\300\0\2\1"), .port = 5060},
	};

	return stw_location_table_put(t, aor, len, &c, 1, true, 1);
}

static struct stw_where_slot slots[BURST], *slot[BURST];

/* Keys are made beforehand: what is timed is hashing, finding and copying. */
static double look_up(const struct stw_location_map *map, uint32_t n, bool known, double ns_a_tick,
		      uint64_t *found)
{
	uint64_t ticks = 0;

	for (uint32_t done = 0; done < LOOKUPS; done += BURST) {
		for (uint32_t k = 0; k < BURST; k++) {
			slot[k] = &slots[k];
			slots[k].w.aor = slots[k].aor;
			slots[k].w.aor_len = (uint16_t)name(slots[k].aor, chance(n), known);
		}
		const uint64_t start = stw_bench_ticks();

		for (uint32_t k = 0; k < BURST; k++) {
			slots[k].hash =
				stw_location_hash(map->header, slots[k].aor, slots[k].w.aor_len);
		}
		stw_where_find(map, slot, BURST);
		ticks += stw_bench_ticks() - start;
		for (uint32_t k = 0; k < BURST; k++)
			*found += slots[k].w.found == STW_FOUND_BOUND;
	}
	return (double)ticks * ns_a_tick / LOOKUPS;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_look_up(const struct stw_location_map *map, uint32_t n, bool known,
			     double ns_a_tick)
{
	double ns[ROUNDS];
	uint64_t found = 0;

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = look_up(map, n, known, ns_a_tick, &found);
	if (found != (known ? (uint64_t)ROUNDS * LOOKUPS : 0)) {
		fprintf(stderr, "wrong answers: %llu found\n", (unsigned long long)found);
		exit(1);
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	return ns[ROUNDS / 2];
}

/* Of all that was taken; what the kernel gave ahead counts, too. */
static double huge_share(const struct stw_location_figures *f)
{
	const double share = (double)f->huge_bytes / (double)f->bytes;

	return share < 1 ? share : 1;
}

static void measure(uint32_t n, double ns_a_tick, bool last)
{
	struct stw_location_table *t;
	struct stw_location_figures f;
	int err = stw_location_table_new((uint64_t)8 << 30, 10, &t);
	uint64_t start = stw_bench_now_ns();

	for (uint32_t i = 0; i < n && !err; i++)
		err = put(t, i, 5060);
	const double built_ns = (double)(stw_bench_now_ns() - start);

	if (err) {
		fprintf(stderr, "%u bindings: %s\n", n, stw_err_text(err));
		exit(1);
	}
	stw_location_table_complete(t);
	stw_location_table_figures(t, &f);
	const struct stw_location_map *map = stw_location_table_map(t);
	const double hit = median_look_up(map, n, true, ns_a_tick);
	const double miss = median_look_up(map, n, false, ns_a_tick);

	start = stw_bench_now_ns();
	for (uint32_t i = 0; i < CHANGES; i++)
		put(t, chance(n), 5061);
	const double change = (double)(stw_bench_now_ns() - start) / CHANGES;

	printf("  \"%u\": {\"bytes_a_binding\": %.1f, \"hit_ns\": %.1f, \"miss_ns\": %.1f, "
	       "\"insert_ns\": %.0f, \"change_ns\": %.0f, \"build_ms\": %.0f, "
	       "\"huge_share\": %.2f, \"generation\": %llu}%s\n",
	       n, (double)f.bytes / n, hit, miss, built_ns / n, change, built_ns / 1e6,
	       huge_share(&f), (unsigned long long)f.generation, last ? "" : ",");
	fflush(stdout);
	stw_location_table_free(t);
}

int main(int argc, char **argv)
{
	const uint32_t most = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : sizes[N_SIZES - 1];
	const double ns_a_tick = 1e9 / stw_bench_ticks_hz();

	puts("{");
	for (size_t i = 0; i < N_SIZES && sizes[i] <= most; i++)
		measure(sizes[i], ns_a_tick, i == N_SIZES - 1 || sizes[i + 1] > most);
	puts("}");
	return 0;
}
