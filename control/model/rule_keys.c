/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/rule_keys.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

#include "dataplane/route/siphash.h"

/* How many rules have a value. Values of one sum count as one: the choice is a little worse then.
 */
struct count {
	uint64_t sum;
	uint32_t n;
};

struct counts {
	struct count *cell; /* [mask + 1], n 0: free */
	size_t mask;
};

static size_t values_of(const struct stw_model_rule *r, int field)
{
	switch (field) {
	case STW_IMAGE_RULE_BY_USER: return r->n_users;
	case STW_IMAGE_RULE_BY_DOMAIN: return r->n_domains;
	case STW_IMAGE_RULE_BY_NUMBER: return r->n_numbers;
	case STW_IMAGE_RULE_BY_SOURCE: return r->n_sources;
	default: return r->n_listeners;
	}
}

static uint64_t sum_of(const struct stw_model_rule *r, int field, size_t i)
{
	const struct stw_sipkey key = {(uint64_t)field, 1};
	const char *text;

	switch (field) {
	case STW_IMAGE_RULE_BY_USER: text = r->users[i].text; break;
	case STW_IMAGE_RULE_BY_DOMAIN: text = r->domains[i].text; break;
	case STW_IMAGE_RULE_BY_NUMBER: text = r->numbers[i].prefix; break;
	case STW_IMAGE_RULE_BY_SOURCE:
		return stw_siphash13(key, &r->sources[i].ip, sizeof(struct stw_ip)) +
		       r->sources[i].bits;
	default: return stw_siphash13(key, &r->listeners[i], sizeof(r->listeners[i]));
	}
	return stw_siphash13(key, text, strlen(text));
}

static struct count *count_of(const struct counts *c, uint64_t sum)
{
	size_t at = (size_t)sum & c->mask;

	while (c->cell[at].n > 0 && c->cell[at].sum != sum)
		at = (at + 1) & c->mask;
	c->cell[at].sum = sum;
	return &c->cell[at];
}

static void count_field(const struct counts *c, const struct stw_model_rule *r, int field)
{
	for (size_t i = 0; i < values_of(r, field); i++)
		count_of(c, sum_of(r, field, i))->n++;
}

/* By how many rules its most common value is shared. */
static uint32_t share_of(const struct counts *c, const struct stw_model_rule *r, int field)
{
	uint32_t most = 0;

	for (size_t i = 0; i < values_of(r, field); i++) {
		uint32_t n = count_of(c, sum_of(r, field, i))->n;

		most = n > most ? n : most;
	}
	return most;
}

static uint8_t best_field(const struct counts *c, const struct stw_model_rule *r)
{
	uint8_t best = STW_IMAGE_RULE_FIELDS;
	uint32_t least = UINT32_MAX;

	for (uint8_t f = 0; f < STW_IMAGE_RULE_FIELDS; f++) {
		uint32_t n = values_of(r, f) > 0 ? share_of(c, r, f) : UINT32_MAX;

		if (n < least) {
			least = n;
			best = f;
		}
	}
	return best;
}

/* Whether a look may stop at any rule: those found by one value, or by none, are few. */
static int find_crowded(const struct counts *c, const struct stw_model *m, size_t *crowded)
{
	size_t tried = 0;

	memset(c->cell, 0, (c->mask + 1) * sizeof(*c->cell));
	for (size_t i = 0; i < m->n_rules; i++) {
		const struct stw_model_rule *r = &m->rules[i];
		bool by_none = r->by == STW_IMAGE_RULE_FIELDS;

		if (!by_none)
			count_field(c, r, r->by);
		tried += by_none;
		*crowded = i;
		if ((by_none ? tried : share_of(c, r, r->by)) > STW_IMAGE_RULE_SHARE)
			return STW_ERANGE;
	}
	return STW_OK;
}

int stw_rules_choose(struct stw_model *m, size_t *crowded)
{
	struct counts c = {.mask = 63};
	size_t n = 0;

	for (size_t i = 0; i < m->n_rules; i++)
		for (int f = 0; f < STW_IMAGE_RULE_FIELDS; f++)
			n += values_of(&m->rules[i], f);
	while (c.mask < 2 * n)
		c.mask = 2 * c.mask + 1;
	c.cell = calloc(c.mask + 1, sizeof(*c.cell));
	if (!c.cell)
		return STW_ENOMEM;
	for (size_t i = 0; i < m->n_rules; i++)
		for (int f = 0; f < STW_IMAGE_RULE_FIELDS; f++)
			count_field(&c, &m->rules[i], f);
	for (size_t i = 0; i < m->n_rules; i++)
		m->rules[i].by = best_field(&c, &m->rules[i]);
	int err = find_crowded(&c, m, crowded);
	free(c.cell);
	return err;
}
