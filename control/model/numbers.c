/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/numbers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#define NONE	UINT16_MAX
#define BUCKETS 32768u /* twice the numbers: chains stay short */

_Static_assert(STW_MEMBER_NUMBERS <= NONE, "a number and NONE fit 16 bits");

enum state { FREE, LIVE, LEAVING };

struct row {
	struct stw_endpoint address;
	uint8_t state;
	bool wanted;	/* mark of one stw_numbers_assign() */
	uint16_t chain; /* next of its bucket */
	uint16_t older; /* FREE: neighbours in the queue */
	uint16_t newer;
	uint32_t refs;
	uint32_t epoch;
	uint64_t gone_with; /* LEAVING: the first generation without it */
};

struct stw_numbers {
	struct row rows[STW_MEMBER_NUMBERS]; /* index = number */
	uint16_t buckets[BUCKETS];
	uint16_t oldest; /* queue of free numbers: taken here, */
	uint16_t newest; /* returned here */
	size_t n[3];	 /* rows in each state */
	uint64_t acknowledged;
};

/* FNV-1a: addresses are the operator's own choice, nobody outside picks them. */
static uint32_t bucket_of(const struct stw_endpoint *address)
{
	const uint8_t *b = (const uint8_t *)address;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*address); i++)
		h = (h ^ b[i]) * 16777619u;
	return (h ^ h >> 16) % BUCKETS;
}

static uint16_t find(const struct stw_numbers *n, const struct stw_endpoint *address)
{
	uint16_t i = n->buckets[bucket_of(address)];

	while (i != NONE && !stw_endpoint_equal(&n->rows[i].address, address))
		i = n->rows[i].chain;
	return i;
}

static void chain_add(struct stw_numbers *n, uint16_t i)
{
	uint16_t *head = &n->buckets[bucket_of(&n->rows[i].address)];

	n->rows[i].chain = *head;
	*head = i;
}

static void chain_remove(struct stw_numbers *n, uint16_t i)
{
	uint16_t *at = &n->buckets[bucket_of(&n->rows[i].address)];

	while (*at != i)
		at = &n->rows[*at].chain;
	*at = n->rows[i].chain;
}

static void queue_remove(struct stw_numbers *n, uint16_t i)
{
	struct row *r = &n->rows[i];

	*(r->older == NONE ? &n->oldest : &n->rows[r->older].newer) = r->newer;
	*(r->newer == NONE ? &n->newest : &n->rows[r->newer].older) = r->older;
}

static void queue_append(struct stw_numbers *n, uint16_t i)
{
	struct row *r = &n->rows[i];

	r->older = n->newest;
	r->newer = NONE;
	*(n->newest == NONE ? &n->oldest : &n->rows[n->newest].newer) = i;
	n->newest = i;
}

static void set_state(struct stw_numbers *n, uint16_t i, enum state state)
{
	n->n[n->rows[i].state]--;
	n->n[state]++;
	n->rows[i].state = (uint8_t)state;
}

static void take(struct stw_numbers *n, uint16_t i, const struct stw_endpoint *address)
{
	queue_remove(n, i);
	n->rows[i].address = *address;
	n->rows[i].epoch++;
	set_state(n, i, LIVE);
	chain_add(n, i);
}

static void release_if_done(struct stw_numbers *n, uint16_t i)
{
	struct row *r = &n->rows[i];

	if (r->state != LEAVING || r->refs > 0 || r->gone_with > n->acknowledged)
		return;
	chain_remove(n, i);
	set_state(n, i, FREE);
	queue_append(n, i);
}

struct stw_numbers *stw_numbers_new(void)
{
	struct stw_numbers *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		n->buckets[i] = NONE;
	n->oldest = n->newest = NONE;
	for (uint16_t i = 0; i < STW_MEMBER_NUMBERS; i++)
		queue_append(n, i);
	n->n[FREE] = STW_MEMBER_NUMBERS;
	return n;
}

void stw_numbers_free(struct stw_numbers *n)
{
	free(n);
}

int stw_numbers_adopt(struct stw_numbers *n, const struct stw_endpoint *address, uint16_t number)
{
	if (number >= STW_MEMBER_NUMBERS)
		return STW_ERANGE;
	uint16_t known = find(n, address);

	if (known == number)
		return STW_OK;
	if (known != NONE || n->rows[number].state != FREE)
		return STW_EDUP;
	take(n, number, address);
	return STW_OK;
}

/* Addresses of @model that have no number yet, each counted once however often it stands there. */
static size_t count_new(const struct stw_numbers *n, const struct stw_model *model)
{
	size_t fresh = 0;

	for (size_t i = 0; i < model->n_members; i++)
		fresh += find(n, &model->members[i].address) == NONE;
	return fresh;
}

static void give(struct stw_numbers *n, struct stw_model_member *member)
{
	uint16_t i = find(n, &member->address);

	if (i == NONE) {
		i = n->oldest;
		take(n, i, &member->address);
	}
	set_state(n, i, LIVE);
	n->rows[i].wanted = true;
	member->number = i;
}

int stw_numbers_assign(struct stw_numbers *n, struct stw_model *model, uint64_t generation)
{
	/* model.members holds each address once, so every new one needs a number of its own. */
	if (count_new(n, model) > n->n[FREE])
		return STW_ENOSPACE;
	for (size_t i = 0; i < model->n_members; i++)
		give(n, &model->members[i]);
	for (uint16_t i = 0; i < STW_MEMBER_NUMBERS; i++) {
		struct row *r = &n->rows[i];

		if (r->state == LIVE && !r->wanted) {
			set_state(n, i, LEAVING);
			r->gone_with = generation;
		}
		r->wanted = false;
	}
	return STW_OK;
}

void stw_numbers_acknowledged(struct stw_numbers *n, uint64_t generation)
{
	if (generation > n->acknowledged)
		n->acknowledged = generation;
	for (uint16_t i = 0; n->n[LEAVING] > 0 && i < STW_MEMBER_NUMBERS; i++)
		release_if_done(n, i);
}

void stw_numbers_ref(struct stw_numbers *n, uint16_t number)
{
	assert(number < STW_MEMBER_NUMBERS && n->rows[number].state != FREE);
	n->rows[number].refs++;
}

void stw_numbers_unref(struct stw_numbers *n, uint16_t number)
{
	assert(number < STW_MEMBER_NUMBERS && n->rows[number].refs > 0);
	n->rows[number].refs--;
	release_if_done(n, number);
}

int stw_numbers_find(const struct stw_numbers *n, const struct stw_endpoint *address)
{
	uint16_t i = find(n, address);

	return i != NONE && n->rows[i].state == LIVE ? i : -1;
}

uint32_t stw_numbers_epoch(const struct stw_numbers *n, uint16_t number)
{
	return number < STW_MEMBER_NUMBERS ? n->rows[number].epoch : 0;
}

void stw_numbers_count(const struct stw_numbers *n, size_t *live, size_t *leaving, size_t *unused)
{
	if (live)
		*live = n->n[LIVE];
	if (leaving)
		*leaving = n->n[LEAVING];
	if (unused)
		*unused = n->n[FREE];
}
