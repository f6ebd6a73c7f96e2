/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/messages/single.h"

#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>

#define MEMBERS 8u

/* 192.0.2.@host:5060 */
static struct stw_endpoint endpoint(uint8_t host)
{
	const uint8_t v4[4] = {192, 0, 2, host};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(v4),
				     .port = 5060,
				     .transport = STW_TRANSPORT_UDP};
}

static struct stw_bench_random random_of(uint64_t seed, uint32_t index)
{
	struct stw_bench_random r = {.state = seed ^ (uint64_t)index << 20};

	stw_bench_random_u64(&r); /* indices next to each other have nothing in common */
	return r;
}

static size_t draw_shape(struct stw_bench_random *r)
{
	uint32_t total = 0, roll;
	size_t i = 0;

	for (size_t k = 0; k < stw_bench_n_shapes; k++)
		total += stw_bench_shapes[k].weight;
	for (roll = stw_bench_random_below(r, total); roll >= stw_bench_shapes[i].weight; i++)
		roll -= stw_bench_shapes[i].weight;
	return i;
}

/* A call whose INVITE has reached a member. */
static void draw_call(struct stw_bench_random *r, uint32_t serial, struct stw_bench_call *c)
{
	const struct stw_endpoint listener = endpoint(1);
	const struct stw_endpoint member =
		endpoint((uint8_t)(11 + stw_bench_random_below(r, MEMBERS)));

	stw_bench_call_init(c, r, serial, &listener);
	stw_bench_call_set_member(c, r, &member);
	snprintf(c->route, sizeof(c->route), "<sip:%s;lr;stw=%08x%08x%08x>", c->listener,
		 stw_bench_random_below(r, UINT32_MAX), stw_bench_random_below(r, UINT32_MAX),
		 stw_bench_random_below(r, UINT32_MAX));
}

/* @m as the next hop gets it, with our Via and Record-Route on top. @return its length, 0: no room
 */
static size_t pass_on(struct stw_bench_random *r, const struct stw_bench_call *c,
		      const struct stw_bench_message *m, char *out, size_t room)
{
	size_t start = (size_t)((const char *)memchr(m->text, '\n', m->len) + 1 - m->text);
	int n = snprintf(out, room,
			 "%.*sVia: SIP/2.0/UDP %s;branch=z9hG4bK%08x%08x%08x\r\n"
			 "Record-Route: %s\r\n",
			 (int)start, m->text, c->listener, stw_bench_random_below(r, UINT32_MAX),
			 stw_bench_random_below(r, UINT32_MAX),
			 stw_bench_random_below(r, UINT32_MAX), c->route);

	if ((size_t)n + m->len - start > room)
		return 0;
	memcpy(out + n, m->text + start, m->len - start);
	return (size_t)n + m->len - start;
}

/* The draft of the answer to the request in @m. */
static int answer(struct stw_bench_draft *d, const struct stw_bench_call *c,
		  const struct stw_bench_shape *shape, struct stw_bench_message *m)
{
	char passed[2 * STW_BENCH_SINGLE_ROOM];
	int err = stw_bench_draft_finish(d, m);
	size_t len = err == STW_OK ? pass_on(d->random, c, m, passed, sizeof(passed)) : 0;

	stw_bench_draft_init(d, d->random);
	return len > 0 ? stw_bench_write_answer(d, c, shape, passed, len) : STW_ENOSPACE;
}

size_t stw_bench_single(uint64_t seed, uint32_t index, bool shuffled, char *out, size_t room)
{
	struct stw_bench_random r = random_of(seed, index);
	const struct stw_bench_shape *shape = &stw_bench_shapes[draw_shape(&r)];
	struct stw_bench_message m;
	struct stw_bench_draft d;
	struct stw_bench_call c;

	draw_call(&r, index, &c);
	stw_bench_draft_init(&d, &r);
	shape->request(&d, &c);
	if (shape->status != 0 && answer(&d, &c, shape, &m) != STW_OK)
		return 0;
	d.ordered = !shuffled;
	if (stw_bench_draft_finish(&d, &m) != STW_OK || m.len > room)
		return 0;
	memcpy(out, m.text, m.len);
	return m.len;
}

size_t stw_bench_single_shape(uint64_t seed, uint32_t index)
{
	struct stw_bench_random r = random_of(seed, index);

	return draw_shape(&r);
}
