/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/table/rules.h"

#include <stdio.h>
#include <string.h>

#define ANY_RULE 0u

/* Most values of a request that an index can hold: lengths of each field, and exact ones. */
#define PROBES_MAX \
	(STW_IMAGE_RULE_USER + 2 + STW_IMAGE_NAME_MAX + 1 + STW_IMAGE_RULE_NUMBER + 1 + 129 + 1)

/* ---- sums ---- */

static inline uint64_t step(uint64_t sum, uint8_t byte)
{
	return (sum ^ byte) * 0x9e3779b97f4a7c15u;
}

static inline uint64_t sum_of_ip(const struct stw_ip *ip, unsigned bits)
{
	uint64_t high, low;

	memcpy(&high, ip->b, 8);
	memcpy(&low, ip->b + 8, 8);
	high = __builtin_bswap64(high);
	low = __builtin_bswap64(low);
	high = bits == 0 ? 0 : bits < 64 ? high >> (64 - bits) << (64 - bits) : high;
	low = bits <= 64 ? 0 : bits < 128 ? low >> (128 - bits) << (128 - bits) : low;
	return (high ^ 0xc2b2ae3d27d4eb4fu) * 0x9e3779b97f4a7c15u ^ low * 0xd6e8feb86659fd93u;
}

/* The tag of a value: its sum, what it is, and whose (a rule's row plus one, or ANY_RULE). */
static inline uint32_t tag_of(uint64_t sum, uint32_t owner, unsigned field, unsigned kind,
			      unsigned len)
{
	uint64_t what = (uint64_t)owner << 32 | field << 24 | kind << 16 | len;
	uint64_t h = (sum ^ sum >> 29 ^ what) * 0xbf58476d1ce4e5b9u;

	return (uint32_t)(h ^ h >> 32);
}

/* A value of a request, as the index may hold it. */
struct probe {
	uint64_t sum;
	uint8_t field, kind, len; /* as of a key */
};

static inline bool has_length(const struct stw_rules *r, unsigned field, unsigned len)
{
	return r->parts[field].word[len / 64] >> len % 64 & 1;
}

/* ---- is it so? ---- */

static bool part_equal(const struct stw_rules *r, const struct stw_image_rule_key *k,
		       const struct probe *p, const struct stw_rule_request *q)
{
	const char *text = r->text + k->first_byte;

	switch (p->field) {
	case STW_IMAGE_RULE_BY_USER: return memcmp(q->user, text, k->len) == 0;
	case STW_IMAGE_RULE_BY_NUMBER: return memcmp(q->number.text, text, k->len) == 0;
	case STW_IMAGE_RULE_BY_DOMAIN:
		return memcmp(q->host + q->host_len - k->len, text, k->len) == 0;
	default: return false;
	}
}

static bool in_network(const struct stw_ip *ip, const char *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(ip->b, net, whole) == 0 &&
	       (rest == 0 || (ip->b[whole] ^ (uint8_t)net[whole]) >> (8 - rest) == 0);
}

static bool is_value(const struct stw_rules *r, uint32_t key, uint32_t owner, const struct probe *p,
		     const struct stw_rule_request *q)
{
	const struct stw_image_rule_key *k = &r->keys[key];
	const struct stw_rule_link *l = &r->links[key];

	if (l->field != p->field || k->kind != p->kind || k->len != p->len ||
	    (owner == ANY_RULE ? !l->found_by : l->rule != owner - 1))
		return false;
	if (p->field == STW_IMAGE_RULE_BY_SOURCE)
		return in_network(&q->source, r->text + k->first_byte, k->kind);
	if (p->field == STW_IMAGE_RULE_BY_LISTENER)
		return k->first_byte == q->listener;
	return part_equal(r, k, p, q);
}

/* Row of the key that holds this value, or STW_INDEX_EMPTY. */
static uint32_t look_up(const struct stw_rules *r, const struct probe *p, uint32_t owner,
			const struct stw_rule_request *q)
{
	uint32_t tag = tag_of(p->sum, owner, p->field, p->kind, p->len);

	for (uint32_t at = stw_index_home(&r->index, tag);; at = (at + 1) & r->index.mask) {
		struct stw_index_cell cell = r->index.cells[at];

		if (cell.row == STW_INDEX_EMPTY)
			return STW_INDEX_EMPTY;
		if (cell.tag == tag && is_value(r, cell.row, owner, p, q))
			return cell.row;
	}
}

/* ---- a request's values ---- */

struct probes {
	unsigned n;
	struct probe p[PROBES_MAX];
};

static inline void add(struct probes *out, uint64_t sum, unsigned field, unsigned kind,
		       unsigned len)
{
	out->p[out->n++] = (struct probe){sum, (uint8_t)field, (uint8_t)kind, (uint8_t)len};
}

/* How a text begins, by each length there is, and what it is as a whole. */
static void probe_text(const struct stw_rules *r, unsigned field, const char *text, unsigned len,
		       unsigned most, struct probes *out)
{
	uint64_t sum = field;

	for (unsigned i = 0; i < len && i < most; i++) {
		sum = step(sum, (uint8_t)text[i]);
		if (has_length(r, field, i + 1))
			add(out, sum, field, STW_IMAGE_RULE_PART, i + 1);
	}
	if (len > 0 && len <= most && (r->exact >> field & 1))
		add(out, sum, field, STW_IMAGE_RULE_EXACT, len);
}

/* How a host ends, from each dot on but the first byte; summed from behind. */
static void probe_host(const struct stw_rules *r, const struct stw_rule_request *q,
		       struct probes *out)
{
	const unsigned field = STW_IMAGE_RULE_BY_DOMAIN;
	uint64_t sum = field;

	for (unsigned n = 1; n <= q->host_len; n++) {
		char c = q->host[q->host_len - n];

		sum = step(sum, (uint8_t)c);
		if (c == '.' && n < q->host_len && has_length(r, field, n))
			add(out, sum, field, STW_IMAGE_RULE_PART, n);
	}
	if (q->host_len > 0 && (r->exact >> field & 1))
		add(out, sum, field, STW_IMAGE_RULE_EXACT, q->host_len);
}

static void probe_source(const struct stw_rules *r, const struct stw_ip *ip, struct probes *out)
{
	const unsigned field = STW_IMAGE_RULE_BY_SOURCE;

	for (unsigned w = 0; w < 3; w++)
		for (uint64_t left = r->parts[field].word[w]; left != 0; left &= left - 1) {
			unsigned bits = w * 64 + (unsigned)__builtin_ctzll(left);

			add(out, sum_of_ip(ip, bits), field, bits, 16);
		}
}

static void probe_field(const struct stw_rules *r, const struct stw_rule_request *q, unsigned field,
			struct probes *out)
{
	switch (field) {
	case STW_IMAGE_RULE_BY_USER:
		probe_text(r, field, q->user, q->user_len, STW_IMAGE_RULE_USER, out);
		break;
	case STW_IMAGE_RULE_BY_NUMBER:
		probe_text(r, field, q->number.text, q->number.len, STW_IMAGE_RULE_NUMBER, out);
		break;
	case STW_IMAGE_RULE_BY_DOMAIN: probe_host(r, q, out); break;
	case STW_IMAGE_RULE_BY_SOURCE: probe_source(r, &q->source, out); break;
	default: add(out, q->listener, field, STW_IMAGE_RULE_EXACT, 0); break;
	}
}

/* ---- the rules they lead to ---- */

/* One that fits the request by a key. */
struct head {
	uint32_t rule;
	uint32_t key; /* STW_INDEX_EMPTY: of those tried with each request */
	uint32_t len; /* of the key */
};

struct merge {
	const struct stw_rules *r;
	const struct stw_rule_request *q;
	unsigned n, tried;
	struct head head[PROBES_MAX + 1]; /* ascending by rule, of one rule the longest key first */
};

/* Heads are few: nearly all requests have none, one or two. */
static void insert(struct merge *m, struct head h)
{
	unsigned at = m->n++;

	for (; at > 0 && (m->head[at - 1].rule > h.rule ||
			  (m->head[at - 1].rule == h.rule && m->head[at - 1].len < h.len));
	     at--)
		m->head[at] = m->head[at - 1];
	m->head[at] = h;
}

static void insert_key(struct merge *m, uint32_t key)
{
	if (key != STW_INDEX_EMPTY)
		insert(m, (struct head){m->r->links[key].rule, key, m->r->keys[key].len});
}

static void insert_tried(struct merge *m)
{
	if (m->tried < m->r->n_tried)
		insert(m, (struct head){m->r->tried[m->tried++], STW_INDEX_EMPTY, 0});
}

static void gather(struct merge *m, const struct probes *probes)
{
	for (unsigned i = 0; i < probes->n; i++)
		insert_key(m, look_up(m->r, &probes->p[i], ANY_RULE, m->q));
	insert_tried(m);
}

/* Take the first away and put what follows it in its place. */
static void advance(struct merge *m)
{
	struct head first = m->head[0];

	m->n--;
	memmove(m->head, m->head + 1, m->n * sizeof(m->head[0]));
	if (first.key == STW_INDEX_EMPTY)
		insert_tried(m);
	else
		insert_key(m, m->r->links[first.key].next);
}

/* The longest key of the rule's field that fits, or STW_INDEX_EMPTY. */
static uint32_t own_key(const struct merge *m, uint32_t rule, unsigned field)
{
	struct probes probes;

	probes.n = 0;
	probe_field(m->r, m->q, field, &probes);
	for (unsigned i = probes.n; i-- > 0;) {
		uint32_t key = look_up(m->r, &probes.p[i], rule + 1, m->q);

		if (key != STW_INDEX_EMPTY)
			return key;
	}
	return STW_INDEX_EMPTY;
}

static bool fits(const struct merge *m, struct head h, struct stw_rule_hit *out)
{
	const struct stw_image_rule *rule = &m->r->rules[h.rule];
	uint16_t pool = rule->pool;

	if (rule->methods != 0 && !(rule->methods & m->q->method))
		return false;
	for (unsigned f = 0; f < STW_IMAGE_RULE_FIELDS; f++) {
		uint32_t key = h.key;

		if (rule->keys[f].n == 0)
			continue;
		if (f != rule->by)
			key = own_key(m, h.rule, f);
		if (key == STW_INDEX_EMPTY)
			return false;
		if (m->r->keys[key].pool != STW_IMAGE_NO_POOL)
			pool = m->r->keys[key].pool;
	}
	*out = (struct stw_rule_hit){h.rule, pool};
	return true;
}

bool stw_rules_find(const struct stw_rules *r, const struct stw_rule_request *q,
		    struct stw_rule_hit *out)
{
	struct merge m;
	struct probes probes;

	m.r = r;
	m.q = q;
	m.n = m.tried = 0;
	probes.n = 0;
	for (unsigned left = r->found_by; left != 0; left &= left - 1)
		probe_field(r, q, (unsigned)__builtin_ctz(left), &probes);
	for (gather(&m, &probes); m.n > 0; advance(&m))
		if (fits(&m, m.head[0], out))
			return true;
	return false;
}

/* ---- making the index ---- */

/* A key as the probe that would find it. */
static struct probe probe_of_key(const struct stw_rules *r, unsigned field,
				 const struct stw_image_rule_key *k)
{
	const char *text = r->text + k->first_byte;
	struct probe p = {field, (uint8_t)field, k->kind, k->len};
	struct stw_ip ip;

	if (field == STW_IMAGE_RULE_BY_LISTENER) {
		p.sum = k->first_byte;
	} else if (field == STW_IMAGE_RULE_BY_SOURCE) {
		memcpy(ip.b, text, sizeof(ip.b));
		p.sum = sum_of_ip(&ip, k->kind);
	} else {
		for (unsigned i = 0; i < k->len; i++)
			p.sum = step(p.sum,
				     (uint8_t)
					     text[field == STW_IMAGE_RULE_BY_DOMAIN ? k->len - 1 - i
										    : i]);
	}
	return p;
}

static bool same_value(const struct stw_rules *r, unsigned field, uint32_t a, uint32_t b)
{
	const struct stw_image_rule_key *x = &r->keys[a], *y = &r->keys[b];

	if (r->links[a].field != field || x->kind != y->kind || x->len != y->len)
		return false;
	return field == STW_IMAGE_RULE_BY_LISTENER
		       ? x->first_byte == y->first_byte
		       : memcmp(r->text + x->first_byte, r->text + y->first_byte, x->len) == 0;
}

/* Cell of the same value with the same owner, or the free one it would have. */
static struct stw_index_cell *cell_for(const struct stw_rules *r, uint32_t tag, uint32_t owner,
				       unsigned field, uint32_t key)
{
	uint32_t at = stw_index_home(&r->index, tag);

	for (;; at = (at + 1) & r->index.mask) {
		struct stw_index_cell *cell = &r->index.cells[at];

		if (cell->row == STW_INDEX_EMPTY)
			return cell;
		const struct stw_rule_link *l = &r->links[cell->row];
		bool owned = owner == ANY_RULE ? l->found_by : !l->found_by && l->rule == owner - 1;
		if (cell->tag == tag && owned && same_value(r, field, cell->row, key))
			return cell;
	}
}

static int add_key(struct stw_rules *r, uint32_t rule, unsigned field, uint32_t key, char *reason,
		   size_t reason_len)
{
	const struct stw_image_rule_key *k = &r->keys[key];
	uint32_t owner = r->rules[rule].by == field ? ANY_RULE : rule + 1;
	struct probe p = probe_of_key(r, field, k);
	uint32_t tag = tag_of(p.sum, owner, field, k->kind, k->len);
	struct stw_index_cell *cell = cell_for(r, tag, owner, field, key);
	struct stw_rule_link link = {rule, cell->row, (uint8_t)field, 1, owner == ANY_RULE};

	if (cell->row != STW_INDEX_EMPTY) {
		const struct stw_rule_link *next = &r->links[cell->row];

		if (next->rule == rule) {
			snprintf(reason, reason_len, "section rule_keys, row %u: a value again",
				 key);
			return STW_EDUP;
		}
		if (next->depth == STW_IMAGE_RULE_SHARE) {
			snprintf(reason, reason_len,
				 "section rule_keys, row %u: a value of more than %u rules", key,
				 STW_IMAGE_RULE_SHARE);
			return STW_ERANGE;
		}
		link.depth = (uint8_t)(next->depth + 1);
	}
	r->links[key] = link;
	*cell = (struct stw_index_cell){tag, key};
	if (field == STW_IMAGE_RULE_BY_SOURCE)
		r->parts[field].word[k->kind / 64] |= 1ull << k->kind % 64;
	else if (k->kind == STW_IMAGE_RULE_PART)
		r->parts[field].word[k->len / 64] |= 1ull << k->len % 64;
	else
		r->exact |= (uint8_t)(1u << field);
	return STW_OK;
}

/* From the last rule to the first, so that each value leads to its rules in their order. */
int stw_rules_fill(struct stw_rules *r, char *reason, size_t reason_len)
{
	for (uint32_t i = r->n; i-- > 0;) {
		const struct stw_image_rule *rule = &r->rules[i];

		for (unsigned f = 0; f < STW_IMAGE_RULE_FIELDS; f++) {
			if (rule->keys[f].n > 0)
				r->fields |= (uint8_t)(1u << f);
			for (uint32_t k = 0; k < rule->keys[f].n; k++) {
				int err = add_key(r, i, f, rule->keys[f].first + k, reason,
						  reason_len);
				if (err != STW_OK)
					return err;
			}
		}
		if (rule->by < STW_IMAGE_RULE_FIELDS)
			r->found_by |= (uint8_t)(1u << rule->by);
	}
	for (uint32_t i = 0; i < r->n; i++)
		if (r->rules[i].by == STW_IMAGE_RULE_FIELDS)
			r->tried[r->n_tried++] = i;
	return STW_OK;
}
