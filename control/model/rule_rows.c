/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/rule_rows.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

struct entry {
	char name[STW_NAME_MAX];
	uint32_t row;
	uint64_t seen; /* the last assignment that had it */
};

struct stw_rule_rows {
	struct entry *e; /* by name */
	size_t n, room;
	uint64_t now; /* assignments so far */
	uint8_t taken[STW_IMAGE_RULE_ROWS / 8];
	uint32_t next; /* rows below were looked at */
};

_Static_assert(STW_IMAGE_RULE_ROWS > STW_IMAGE_RULES, "a row for each, and for some gone");

struct stw_rule_rows *stw_rule_rows_new(void)
{
	return calloc(1, sizeof(struct stw_rule_rows));
}

void stw_rule_rows_free(struct stw_rule_rows *r)
{
	if (r)
		free(r->e);
	free(r);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static struct entry *find(const struct stw_rule_rows *r, const char *name)
{
	struct entry key = {.row = 0};

	memcpy(key.name, name, strnlen(name, STW_NAME_MAX - 1));
	return r->n > 0 ? bsearch(&key, r->e, r->n, sizeof(*r->e), by_name) : NULL;
}

static bool is_taken(const struct stw_rule_rows *r, uint32_t row)
{
	return r->taken[row / 8] >> row % 8 & 1;
}

static int grow(struct stw_rule_rows *r, size_t by)
{
	if (r->n + by > r->room) {
		size_t room = 2 * (r->n + by);
		struct entry *e = reallocarray(r->e, room, sizeof(*e));

		if (!e)
			return STW_ENOMEM;
		r->e = e;
		r->room = room;
	}
	return STW_OK;
}

static void append(struct stw_rule_rows *r, const char *name, uint32_t row)
{
	struct entry *e = &r->e[r->n++];

	*e = (struct entry){.row = row, .seen = r->now};
	memcpy(e->name, name, strnlen(name, STW_NAME_MAX - 1));
	r->taken[row / 8] |= (uint8_t)(1u << row % 8);
}

int stw_rule_rows_adopt(struct stw_rule_rows *r, const char *name, uint32_t row)
{
	if (row >= STW_IMAGE_RULE_ROWS)
		return STW_ERANGE;
	if (is_taken(r, row))
		return STW_EDUP;
	if (grow(r, 1) != STW_OK)
		return STW_ENOMEM;
	append(r, name, row); /* sorted when all are there */
	return STW_OK;
}

static int longest_gone_last(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->seen > y->seen ? -1 : x->seen < y->seen;
}

/* Forget names that are gone until @n rows are free. */
static void make_room(struct stw_rule_rows *r, size_t n)
{
	if (r->n + n <= STW_IMAGE_RULE_ROWS)
		return;
	qsort(r->e, r->n, sizeof(*r->e), longest_gone_last);
	for (; r->n + n > STW_IMAGE_RULE_ROWS; r->n--) {
		uint32_t row = r->e[r->n - 1].row;

		r->taken[row / 8] &= (uint8_t) ~(1u << row % 8);
	}
	r->next = 0;
}

int stw_rule_rows_assign(struct stw_rule_rows *r, struct stw_model *m)
{
	size_t n_new = 0;

	if (grow(r, m->n_rules) != STW_OK)
		return STW_ENOMEM;
	if (r->n > 0)
		qsort(r->e, r->n, sizeof(*r->e), by_name);
	r->now++;
	for (size_t i = 0; i < m->n_rules; i++) {
		struct entry *e = find(r, m->rules[i].name);

		m->rules[i].row = e ? e->row : UINT32_MAX;
		n_new += e == NULL;
		if (e)
			e->seen = r->now;
	}
	make_room(r, n_new);
	for (size_t i = 0; i < m->n_rules; i++) {
		if (m->rules[i].row != UINT32_MAX)
			continue;
		while (is_taken(r, r->next))
			r->next++;
		m->rules[i].row = r->next;
		append(r, m->rules[i].name, r->next);
	}
	return STW_OK;
}
