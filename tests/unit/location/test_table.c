/* SPDX-License-Identifier: BSD-3-Clause */

/* The location table: written by one, read by many, whatever its memory holds. */

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include <strowger/errors.h>

#include "control/location/table.h"

#define MIB (1u << 20)

static struct stw_location_table *t;
static const struct stw_location_map *map;
static struct stw_where_slot slot;

static int start(void **state)
{
	(void)state;
	assert_int_equal(stw_location_table_new(64 * MIB, 10, &t), STW_OK);
	map = stw_location_table_map(t);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_location_table_free(t);
	return 0;
}

static struct stw_endpoint v4(uint8_t last, uint16_t port)
{
	const uint8_t b[4] = {192, 0, 2, last};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(b), .port = port};
}

static struct stw_piece piece(const char *s)
{
	return (struct stw_piece){s, (uint16_t)strlen(s)};
}

static struct stw_contact contact(const char *uri, uint16_t q, uint8_t host)
{
	return (struct stw_contact){.q = q,
				    .rest = piece(uri),
				    .source = v4(host, 5060),
				    .listener = v4(1, 5060)};
}

static int put(const char *aor, const struct stw_contact *c, size_t n, bool known, uint64_t now_s)
{
	return stw_location_table_put(t, aor, strlen(aor), c, n, known, now_s);
}

static void find_in(const struct stw_location_map *m, struct stw_where_slot *s, const char *aor)
{
	strcpy(s->aor, aor);
	stw_where_key(m->header, s, strlen(aor));
	stw_where_find(m, &s, 1);
}

static enum stw_whereabouts_found find(const char *aor)
{
	find_in(map, &slot, aor);
	return slot.w.found;
}

/* Contact @i of what was found last, its URI put together. */
static bool nth(size_t i, struct stw_contact *c, char *uri)
{
	size_t at = 0;

	for (size_t k = 0; k <= i; k++)
		if (!stw_contact_next(&slot.w, &at, c))
			return false;
	memcpy(uri, slot.w.aor, c->same);
	memcpy(uri + c->same, c->rest.p, c->rest.len);
	uri[c->same + c->rest.len] = '\0';
	return true;
}

static void contacts_come_back_as_they_were(void **state)
{
	struct stw_contact c[2] = {contact("sip:bob@192.0.2.7:5062;ob", 1000, 7),
				   contact("sips:x@[2001:db8::1]", 500, 8)};
	const uint8_t ip[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	struct stw_contact got;
	char uri[300];

	(void)state;
	c[1].source = (struct stw_endpoint){.ip = stw_ip_from_v6(ip), .port = 5070};
	c[1].path = piece("<sip:192.0.2.99;lr>, <sip:edge.example.net;lr>");
	assert_int_equal(put("sip:bob@example.com", c, 2, true, 100), STW_OK);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	for (size_t i = 0; i < 2; i++) {
		assert_true(nth(i, &got, uri));
		assert_int_equal(strlen(uri), c[i].rest.len);
		assert_memory_equal(uri, c[i].rest.p, c[i].rest.len);
		assert_int_equal(got.q, c[i].q);
		assert_false(got.gone);
		assert_true(stw_endpoint_equal(&got.source, &c[i].source));
		assert_true(stw_endpoint_equal(&got.listener, &c[i].listener));
		assert_int_equal(got.path.len, c[i].path.len);
		assert_memory_equal(got.path.p, c[i].path.p ? c[i].path.p : "", got.path.len);
	}
	assert_false(nth(2, &got, uri));
}

static void who_is_not_there_is_unknown_once_the_table_is_complete(void **state)
{
	(void)state;
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_ASK);
	assert_int_equal(put("sip:alice@example.com", NULL, 0, true, 1), STW_OK);
	assert_int_equal(find("sip:alice@example.com"), STW_FOUND_ABSENT);
	stw_location_table_complete(t);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_UNKNOWN);
	assert_int_equal(find("sip:bob@example.org"), STW_FOUND_UNKNOWN);
	assert_int_equal(find("sip:alice@example.com"), STW_FOUND_ABSENT);
	/* by another scheme there is that user, too, but not a way there */
	assert_int_equal(find("sips:alice@example.com"), STW_FOUND_ABSENT);
	assert_int_equal(find("sips:bob@example.com"), STW_FOUND_UNKNOWN);
	assert_int_equal(put("sip:alice@example.com", NULL, 0, false, 2), STW_OK);
	assert_int_equal(find("sip:alice@example.com"), STW_FOUND_UNKNOWN);
}

/* Keys are compared, all of them: whose name only begins or ends alike is somebody else. */
static void keys_are_exact(void **state)
{
	static const char *const others[] = {
		"sip:bo@example.com",	"sip:bobb@example.com",
		"sip:Bob@example.com",	"sip:bob@example.co",
		"sip:bob@xexample.com", "sips:bob@example.com",
		"sip:bob@@example.com", "sip:bob@",
		"sip:b@example.com",	"sip:@example.com",
	};
	const struct stw_contact c = contact("sip:bob@192.0.2.7", 1000, 7);

	(void)state;
	stw_location_table_complete(t);
	assert_int_equal(put("sip:bob@example.com", &c, 1, true, 1), STW_OK);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_not_equal(find(others[i]), STW_FOUND_BOUND);
}

/* Found by the hash of @other, whose record is then compared: not @aor's. */
static void is_not(const char *other, const char *aor)
{
	const uint64_t hash = stw_location_hash(map->header, other, strlen(other));

	strcpy(slot.aor, aor);
	stw_where_key(map->header, &slot, strlen(aor));
	assert_int_not_equal(slot.hash, hash);
	slot.hash = hash;
	stw_where_find(map, (struct stw_where_slot *[]){&slot}, 1);
	assert_int_equal(slot.w.found, STW_FOUND_UNKNOWN);
}

/* Users and domains of each length, and another letter at each place of theirs. */
static void keys_are_compared_to_their_last_letter(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	static const char *const form[] = {"sip:%.*s@example.com", "sip:bob@%.*s",
					   "sips:%.*s@example.com"};
	static const size_t from[] = {4, 8, 5};
	const struct stw_contact c = contact("sip:bob@192.0.2.7", 1000, 7);
	char aor[80], other[80];

	(void)state;
	stw_location_table_complete(t);
	for (size_t f = 0; f < sizeof(form) / sizeof(form[0]); f++)
		for (int n = 1; n < 50; n++) {
			snprintf(other, sizeof(other), form[f], n, letters);
			assert_int_equal(put(other, &c, 1, true, 1), STW_OK);
			assert_int_equal(find(other), STW_FOUND_BOUND);
			for (int i = 0; i < n; i++) {
				strcpy(aor, other);
				aor[from[f] + i] = 'X';
				is_not(other, aor);
			}
		}
}

static void what_ended_is_remembered_for_a_while(void **state)
{
	const struct stw_contact c[2] = {contact("sip:bob@192.0.2.7", 1000, 7),
					 contact("sip:bob@192.0.2.8", 1000, 8)};
	struct stw_contact got;
	char uri[300];

	(void)state;
	stw_location_table_complete(t);
	put("sip:bob@example.com", &c[0], 1, true, 1000);
	find("sip:bob@example.com");
	assert_true(nth(0, &got, uri));
	const uint32_t id = got.id;

	put("sip:bob@example.com", &c[1], 1, true, 1010);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	assert_true(nth(0, &got, uri));
	assert_string_equal(uri, "sip:bob@192.0.2.8");
	assert_true(nth(1, &got, uri));
	assert_true(got.gone);
	assert_int_equal(got.id, id);
	assert_string_equal(uri, "sip:bob@192.0.2.7");
	put("sip:bob@example.com", NULL, 0, true, 1020);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_ABSENT);
	assert_true(nth(1, &got, uri));
	/* it comes back, and is what it was */
	put("sip:bob@example.com", &c[0], 1, true, 1030);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	assert_true(nth(0, &got, uri));
	assert_int_equal(got.id, id);
	assert_true(nth(1, &got, uri));
	assert_false(nth(2, &got, uri));
	stw_location_table_tick(t, 1020 + STW_LOCATION_GONE_S - 1);
	find("sip:bob@example.com");
	assert_true(nth(1, &got, uri));
	stw_location_table_tick(t, 1030 + STW_LOCATION_GONE_S);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	assert_false(nth(1, &got, uri));
	/* nobody any more: no trace is left, but for as long as a call may need it */
	put("sip:bob@example.com", NULL, 0, false, 2000);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_UNKNOWN);
	assert_true(nth(0, &got, uri));
	stw_location_table_tick(t, 2000 + STW_LOCATION_GONE_S);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_UNKNOWN);
	assert_false(nth(0, &got, uri));
}

static void what_is_too_much_is_for_control(void **state)
{
	struct stw_contact c[3], got;
	static char long_uri[600];
	char uri[1000];

	(void)state;
	stw_location_table_complete(t);
	memset(long_uri, 'x', sizeof(long_uri) - 1);
	memcpy(long_uri, "sip:", 4);
	for (size_t i = 0; i < 3; i++)
		c[i] = contact(long_uri, 1000, (uint8_t)i);
	put("sip:bob@example.com", c, 3, true, 1);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_ASK);
	put("sip:bob@example.com", c, 1, true, 2);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	/* two are too much beside each other: one that is gone gives way */
	put("sip:bob@example.com", c + 1, 1, true, 3);
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	assert_true(nth(0, &got, uri));
	assert_false(nth(1, &got, uri));
	/* no reader looks for a key as long as this */
	static char aor[400];

	memset(aor, 'a', sizeof(aor) - 1);
	memcpy(aor, "sip:", 4);
	memcpy(aor + 300, "@example.com", 13);
	assert_int_equal(put(aor, c, 1, true, 4), STW_OK);
	assert_int_equal(find("sip:nobody@example.com"), STW_FOUND_UNKNOWN);
}

/* With nobody there to take ended bindings out, a reader that has the time does without them. */
static void a_reader_sees_whose_time_is_over(void **state)
{
	struct stw_contact c[2] = {contact("sip:bob@192.0.2.7", 1000, 7),
				   contact("sip:bob@192.0.2.8", 500, 8)};
	struct stw_contact got;
	char uri[300];

	(void)state;
	stw_location_table_complete(t);
	c[0].time_s = 2000;
	c[1].time_s = 3000;
	put("sip:bob@example.com", c, 2, true, 1000);
	slot.w.now_s = 1999;
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	assert_true(nth(0, &got, uri));
	assert_false(got.gone);
	assert_int_equal(got.time_s, 2000);
	/* the best is over: the other one remains, and the first is there for a CANCEL */
	slot.w.now_s = 2000;
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	assert_true(nth(0, &got, uri));
	assert_true(got.gone);
	assert_true(nth(1, &got, uri));
	assert_false(got.gone);
	slot.w.now_s = 3000;
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_ABSENT);
	assert_true(nth(1, &got, uri));
	/* who has no time goes by what is written */
	slot.w.now_s = 0;
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	/* over the end of 32 bits */
	c[0].time_s = 10;
	put("sip:bob@example.com", c, 1, true, 1001);
	slot.w.now_s = UINT32_MAX - 10;
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
	slot.w.now_s = 11;
	assert_int_equal(find("sip:bob@example.com"), STW_FOUND_ABSENT);
	slot.w.now_s = 0;
}

static uint32_t ref_of(const char *aor)
{
	uint32_t ref = 0;

	strcpy(slot.aor, aor);
	stw_where_key(map->header, &slot, strlen(aor));
	assert_true(stw_where_find_ref(map, &slot, &ref));
	return ref;
}

/* A phone that registers again as before, which is most of what happens, costs no new record. */
static void a_refresh_changes_the_time_alone(void **state)
{
	struct stw_contact c[2] = {contact("sip:bob@192.0.2.7", 1000, 7),
				   contact("sip:bob@192.0.2.8", 500, 8)};
	struct stw_contact got;
	char uri[300];

	(void)state;
	c[0].time_s = c[1].time_s = 2000;
	put("sip:bob@example.com", c, 2, true, 1000);
	const uint32_t ref = ref_of("sip:bob@example.com");

	for (uint32_t i = 0; i < 100; i++) {
		c[i % 2].time_s = 3000 + i;
		put("sip:bob@example.com", c, 2, true, 1000 + i);
		assert_int_equal(ref_of("sip:bob@example.com"), ref);
		assert_int_equal(find("sip:bob@example.com"), STW_FOUND_BOUND);
		for (size_t k = 0; k < 2; k++) {
			assert_true(nth(k, &got, uri));
			assert_int_equal(got.time_s, c[k].time_s);
			assert_memory_equal(uri, c[k].rest.p, c[k].rest.len);
		}
	}
	/* anything else is another record */
	c[1].q = 400;
	put("sip:bob@example.com", c, 2, true, 2000);
	assert_int_not_equal(ref_of("sip:bob@example.com"), ref);
}

/* Memory comes back as others go, also in pieces of another size; then all are put again. */
static void a_full_table_recovers(void **state)
{
	struct stw_location_table *small;
	struct stw_location_figures f;
	struct stw_contact c = contact("sip:bob@192.0.2.7", 1000, 7);
	static char long_uri[400];
	char aor[64];
	int n = 0;

	(void)state;
	memset(long_uri, 'x', sizeof(long_uri) - 1);
	memcpy(long_uri, "sip:", 4);
	const struct stw_contact large = contact(long_uri, 1000, 8);

	assert_int_equal(stw_location_table_new(6 * MIB, 4000, &small), STW_OK);
	stw_location_table_complete(small);
	for (int err = STW_OK; err == STW_OK; n++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", n);
		err = stw_location_table_put(small, aor, strlen(aor), &large, 1, true, 1);
	}
	stw_location_table_figures(small, &f);
	assert_int_equal(f.left_out, 1);
	for (int i = 0; i < n - 100; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		assert_int_equal(stw_location_table_put(small, aor, strlen(aor), NULL, 0, false, 2),
				 STW_OK);
	}
	stw_location_table_tick(small, 2 + STW_LOCATION_GONE_S);
	stw_location_table_again(small);
	find_in(stw_location_table_map(small), &slot, "sip:u0@example.com");
	assert_int_equal(slot.w.found, STW_FOUND_ASK); /* not yet */
	for (int i = n - 100; i < n; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		assert_int_equal(stw_location_table_put(small, aor, strlen(aor), &large, 1, true,
							300),
				 STW_OK);
	}
	for (int i = 0; i < n; i++) {
		snprintf(aor, sizeof(aor), "sip:short%d@example.com", i);
		assert_int_equal(stw_location_table_put(small, aor, strlen(aor), &c, 1, true, 300),
				 STW_OK);
	}
	stw_location_table_complete(small);
	stw_location_table_figures(small, &f);
	assert_int_equal(f.left_out, 0);
	assert_int_equal(f.users, 100 + n);
	find_in(stw_location_table_map(small), &slot, "sip:u0@example.com");
	assert_int_equal(slot.w.found, STW_FOUND_UNKNOWN);
	for (int i = 0; i < n; i++) {
		snprintf(aor, sizeof(aor), "sip:short%d@example.com", i);
		find_in(stw_location_table_map(small), &slot, aor);
		assert_int_equal(slot.w.found, STW_FOUND_BOUND);
	}
	for (int i = n - 100; i < n; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		find_in(stw_location_table_map(small), &slot, aor);
		assert_int_equal(slot.w.found, STW_FOUND_BOUND);
	}
	stw_location_table_free(small);
}

static void a_full_table_knows_that_it_is(void **state)
{
	struct stw_location_table *small;
	struct stw_location_figures f;
	const struct stw_contact c = contact("sip:bob@192.0.2.7", 1000, 7);
	char aor[64];
	int err = STW_OK, n = 0;

	(void)state;
	assert_int_equal(stw_location_table_new(6 * MIB, 10, &small), STW_OK);
	stw_location_table_complete(small);
	for (; err == STW_OK && n < 1000000; n++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", n);
		err = stw_location_table_put(small, aor, strlen(aor), &c, 1, true, 1);
	}
	assert_int_equal(err, STW_ENOSPACE);
	assert_true(n > 10000);
	stw_location_table_figures(small, &f);
	assert_int_equal(f.left_out, 1);
	assert_int_equal(f.users, n - 1);
	assert_true(f.bytes <= 6 * MIB);
	find_in(stw_location_table_map(small), &slot, aor);
	assert_int_equal(slot.w.found, STW_FOUND_ASK); /* control knows */
	find_in(stw_location_table_map(small), &slot, "sip:u77@example.com");
	assert_int_equal(slot.w.found, STW_FOUND_BOUND);
	stw_location_table_free(small);
	assert_int_equal(stw_location_table_new(1000, 10, &small), STW_ERANGE);
}

/* --- a model --- */

#define USERS 3000u

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint32_t chance(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % n);
}

struct user {
	bool known;
	uint8_t n, host[3];
};

static size_t contacts_of(const struct user *u, uint32_t i, struct stw_contact *c, char uri[3][40])
{
	for (uint8_t k = 0; k < u->n; k++) {
		snprintf(uri[k], 40, "sip:user%u@192.0.2.%u", i, u->host[k]);
		c[k] = contact(uri[k], (uint16_t)(1000 - k), u->host[k]);
	}
	return u->n;
}

static void check_user(const struct user *u, uint32_t i)
{
	char aor[40], expected[40], uri[300];
	struct stw_contact c;

	snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
	assert_int_equal(find(aor), u->n > 0   ? STW_FOUND_BOUND
				    : u->known ? STW_FOUND_ABSENT
					       : STW_FOUND_UNKNOWN);
	for (uint8_t k = 0; k < u->n; k++) {
		assert_true(nth(k, &c, uri));
		assert_false(c.gone);
		snprintf(expected, sizeof(expected), "sip:user%u@192.0.2.%u", i, u->host[k]);
		assert_string_equal(uri, expected);
	}
	for (size_t k = u->n; nth(k, &c, uri); k++)
		assert_true(c.gone);
}

/* Random users register, move, unregister and are forgotten; a plain list is the oracle. */
static void it_says_what_a_plain_list_says(void **state)
{
	static struct user users[USERS];
	struct stw_location_figures f;
	struct stw_contact c[3];
	uint64_t bindings = 0, now_s = 1;
	char aor[40], uri[3][40];

	(void)state;
	stw_location_table_complete(t);
	for (uint32_t step = 0; step < 60000; step++) {
		const uint32_t i = chance(USERS);
		struct user *u = &users[i];

		bindings -= u->n;
		*u = (struct user){.known = chance(3) > 0, .n = (uint8_t)chance(4)};
		for (uint8_t k = 0; k < u->n; k++)
			u->host[k] = (uint8_t)(chance(60) * 3 + k);
		bindings += u->n;
		snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
		assert_int_equal(put(aor, c, contacts_of(u, i, c, uri), u->known, now_s), STW_OK);
		check_user(u, i);
		const uint32_t other = chance(USERS);

		check_user(&users[other], other);
		now_s += chance(3) == 0;
		if (chance(50) == 0)
			stw_location_table_tick(t, now_s);
	}
	for (uint32_t i = 0; i < USERS; i++)
		check_user(&users[i], i);
	stw_location_table_figures(t, &f);
	assert_int_equal(f.bindings, bindings);
	assert_int_equal(f.left_out, 0);
	assert_true(f.generation > 3); /* it grew */
	/* what is over is given back: the same again takes no more */
	const uint64_t bytes = f.bytes;

	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t i = 0; i < USERS; i++) {
			snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
			put(aor, NULL, 0, false, now_s);
			put(aor, c, contacts_of(&users[i], i, c, uri), users[i].known, now_s);
		}
	stw_location_table_tick(t, now_s + STW_LOCATION_GONE_S);
	stw_location_table_figures(t, &f);
	assert_true(f.bytes < bytes + 2 * MIB);
	for (uint32_t i = 0; i < USERS; i++)
		check_user(&users[i], i);
}

/* Readers trust nothing: whatever the memory holds, a search ends, inside of it. */
static void damaged_memory_harms_no_reader(void **state)
{
	const struct stw_contact c[2] = {contact("sip:bob@192.0.2.7", 1000, 7),
					 contact("sip:bob@192.0.2.8", 900, 8)};
	const size_t used = sizeof(struct stw_location_header) + 300 * 1024;
	char aor[40], uri[2000];
	struct stw_contact got;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(aor, sizeof(aor), "sip:u%d@example.com", i);
		put(aor, c, 2, true, 1);
	}
	uint8_t *good = malloc(used), *memory = malloc(used);
	assert_non_null(good);
	assert_non_null(memory);
	memcpy(good, map->header, used);
	const struct stw_location_map damaged = {(const void *)memory, used};

	for (int round = 0; round < 3000; round++) {
		memcpy(memory, good, round % 10 == 0 ? used : 4096);
		for (int k = 0; k < 400; k++) {
			const size_t at =
				sizeof(struct stw_location_header) + chance(200 * 1024) + 4096;

			memory[at] = (uint8_t)chance(256);
		}
		memory[offsetof(struct stw_location_header, buckets) + chance(8)] =
			(uint8_t)chance(256);
		memory[offsetof(struct stw_location_header, n_domains) + chance(8)] =
			(uint8_t)chance(256);
		for (int i = 0; i < 50; i++) {
			snprintf(aor, sizeof(aor), "sip:u%d@example.com", chance(1000));
			find_in(&damaged, &slot, aor);
			for (size_t k = 0; slot.w.packed_len > 0 && k < 4; k++)
				nth(k, &got, uri);
		}
	}
	free(good);
	free(memory);
}

static void only_a_table_is_mapped(void **state)
{
	struct stw_location_map other;

	(void)state;
	assert_int_equal(stw_location_map(stw_location_table_fd(t), &other), STW_OK);
	put("sip:bob@example.com", NULL, 0, true, 1);
	find_in(&other, &slot, "sip:bob@example.com");
	assert_int_equal(slot.w.found, STW_FOUND_ABSENT);
	stw_location_unmap(&other);
	FILE *f = tmpfile();
	assert_non_null(f);
	assert_int_equal(stw_location_map(fileno(f), &other), STW_EMALFORMED);
	struct stw_location_header *h = calloc(1, sizeof(*h));
	assert_non_null(h);
	h->magic = STW_LOCATION_MAGIC;
	h->size_bytes = sizeof(*h);
	h->version = STW_LOCATION_VERSION + 1;
	assert_int_equal(fwrite(h, sizeof(*h), 1, f), 1);
	fflush(f);
	assert_int_equal(stw_location_map(fileno(f), &other), STW_EVERSION);
	fclose(f);
	free(h);
}

/* --- one writes, many read --- */

#define READERS 3
#define SHARED	64u

static _Atomic bool over;

/* User i is bound to "sip:user<i>@..." at the host its port tells, at every moment. */
static void *read_on(void *arg)
{
	struct stw_where_slot s = {0};
	uint64_t n = 0;
	uint32_t i = 0;

	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		struct stw_contact c;
		char aor[40], uri[300];
		size_t at = 0;

		i = (i * 7 + 1) % SHARED;
		snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
		find_in(map, &s, aor);
		if (s.w.found == STW_FOUND_ASK)
			continue; /* changed too often meanwhile */
		assert_int_equal(s.w.found, STW_FOUND_BOUND);
		assert_true(stw_contact_next(&s.w, &at, &c));
		memcpy(uri, s.w.aor, c.same);
		memcpy(uri + c.same, c.rest.p, c.rest.len);
		uri[c.same + c.rest.len] = '\0';
		snprintf(aor, sizeof(aor), "sip:user%u@192.0.2.%u", i, c.source.port);
		assert_string_equal(uri, aor);
		n++;
	}
	*(uint64_t *)arg = n;
	return NULL;
}

static void put_shared(uint32_t i, uint8_t host)
{
	char aor[40], uri[40];

	snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
	snprintf(uri, sizeof(uri), "sip:user%u@192.0.2.%u", i, host);
	struct stw_contact c = contact(uri, 1000, host);

	c.source.port = host;
	put(aor, &c, 1, true, 1);
}

static void readers_see_whole_records_all_the_time(void **state)
{
	pthread_t thread[READERS];
	uint64_t n[READERS] = {0};
	char aor[40];

	(void)state;
	over = false;
	stw_location_table_complete(t);
	for (uint32_t i = 0; i < SHARED; i++)
		put_shared(i, 1);
	for (int k = 0; k < READERS; k++)
		assert_int_equal(pthread_create(&thread[k], NULL, read_on, &n[k]), 0);
	/* changes, and others that come so that the table grows under the readers */
	for (uint32_t step = 0; step < 30000; step++) {
		put_shared(chance(SHARED), (uint8_t)(1 + chance(200)));
		snprintf(aor, sizeof(aor), "sip:other%u@example.com", step);
		put(aor, NULL, 0, true, 1);
		stw_location_table_tick(t, step / 100);
	}
	over = true;
	for (int k = 0; k < READERS; k++) {
		pthread_join(thread[k], NULL);
		assert_true(n[k] > 0);
	}
}

/* Readers find a tag beside one in which only the last bit differs, too (lanes_with()): that must
 * be no free entry, whose reference is nobody's. */
static void no_tag_is_like_a_free_entry(void **state)
{
	(void)state;
	for (uint64_t hash = 0; hash <= UINT16_MAX; hash++)
		assert_true(stw_location_tag(hash) > 1 && stw_location_tag(~hash) > 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(contacts_come_back_as_they_were),
		T(who_is_not_there_is_unknown_once_the_table_is_complete),
		T(keys_are_exact),
		T(keys_are_compared_to_their_last_letter),
		T(no_tag_is_like_a_free_entry),
		T(what_ended_is_remembered_for_a_while),
		T(what_is_too_much_is_for_control),
		T(a_reader_sees_whose_time_is_over),
		T(a_refresh_changes_the_time_alone),
		T(a_full_table_knows_that_it_is),
		T(a_full_table_recovers),
		T(it_says_what_a_plain_list_says),
		T(damaged_memory_harms_no_reader),
		T(only_a_table_is_mapped),
		T(readers_see_whole_records_all_the_time),
	};

	return cmocka_run_group_tests_name("location-table", tests, NULL, NULL);
}
